"""Reading XML from strangers, writing XML of ours."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from metadata.errors import MalformedXml, MetadataError, UnsafeXml
from metadata.xml import Writer, escape, escape_attribute, is_legal, iterate, legal, parse_bytes

BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><l>&c;</l>'
)
EXTERNAL = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
HOSTILE = {
    "expansion": BILLION,
    "external entity": EXTERNAL,
    "bare doctype": b"<!DOCTYPE a><a/>",
    "after a comment": b"<?xml version='1.0'?>\n<!-- x --> <?p?>\n<!DOCTYPE a SYSTEM 'http://example.org/x.dtd'><a/>",
    "far down the prolog": b"<!--" + b"x" * 20_000 + b"--><!DOCTYPE a><a/>",
    "in UTF-16": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
    "in UTF-16 without a mark": '<?xml version="1.0" encoding="UTF-16LE"?><!DOCTYPE a><a/>'.encode("utf-16-le"),
    "in GB18030": '<?xml version="1.0" encoding="GB18030"?><!-- 注 --><!DOCTYPE a><a/>'.encode("gb18030"),
    "after a byte order mark": b"\xef\xbb\xbf<!DOCTYPE a><a/>",
}


def both(document: bytes):
    yield lambda: parse_bytes(document, "in.xml")
    yield lambda: list(iterate(io.BytesIO(document), "in.xml", ["a"]))


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE)
def test_a_document_type_is_refused_and_the_file_is_named(document):
    for read in both(document):
        with pytest.raises(UnsafeXml, match=r"in\.xml") as refused:
            read()
        assert refused.value.code == "XML_DOCTYPE"


@pytest.mark.parametrize(
    "document",
    [b"", b"   ", b"<a>", b"<a/><b/>", b"<a>&undefined;</a>", b"<a>\xff</a>", b"<a", b"<a b=1/>", b"plain text", b"<a><!DOCTYPE x></a>"],
)
def test_what_is_not_well_formed_says_so(document):
    for read in both(document):
        with pytest.raises(MalformedXml, match=r"in\.xml"):
            read()


def test_the_line_of_a_fault_is_told():
    with pytest.raises(MalformedXml) as broken:
        parse_bytes(b"<a>\n\n<b></c></a>", "in.xml")
    assert broken.value.parameters["line"] == "3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "gbk", "gb2312", "utf-8-sig"])
def test_encodings_that_archives_meet_are_read(encoding):
    declared = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{declared}"?><a 题="中">文</a>'.encode(encoding)
    root = parse_bytes(document, "in.xml")
    assert (root.get("题"), root.text) == ("中", "文")


def test_traditional_characters_in_big5_are_read():
    assert parse_bytes('<?xml version="1.0" encoding="Big5"?><a>檔案</a>'.encode("big5"), "in.xml").text == "檔案"


def test_a_declared_gb2312_may_hold_the_larger_set():
    assert parse_bytes('<?xml version="1.0" encoding="GB2312"?><a>镕𠮷</a>'.encode("gb18030"), "in.xml").text == "镕𠮷"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "XML_ENCODING"),
        ("<a/>".encode("utf-32"), "XML_ENCODING"),
        (b'<?xml version="1.0" encoding="gb18030"?><a>\xff\xff</a>', "XML_ENCODING_BROKEN"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "XML_ENCODING"),
    ],
)
def test_an_encoding_that_is_unknown_or_wrong_says_so(document, code):
    for read in both(document):
        with pytest.raises(MalformedXml) as broken:
            read()
        assert broken.value.code == code


def test_limits_hold():
    with pytest.raises(UnsafeXml) as large:
        parse_bytes(b"<a>" + b"x" * 5000 + b"</a>", "in.xml", limit=1000)
    assert large.value.code == "XML_TOO_LARGE"
    with pytest.raises(UnsafeXml) as item:
        list(iterate(io.BytesIO(b"<a>" + b"<b/>" * 200_000 + b"</a>"), "in.xml", ["a"], item_limit=100_000))
    assert item.value.code == "XML_ITEM_TOO_LARGE"
    with pytest.raises(UnsafeXml) as prolog:
        parse_bytes(b"<!--" + b"x" * 70_000 + b"--><a/>", "in.xml")
    assert prolog.value.code == "XML_PROLOG_TOO_LARGE"
    with pytest.raises(MalformedXml, match="depth"):
        parse_bytes(b"<a>" * 300 + b"</a>" * 300, "in.xml")


def test_a_stream_of_items_is_forgotten_behind_the_reader():
    document = b"<r>" + b"<i><v>1</v></i>" * 50_000 + b"</r>"
    siblings = 0
    for element in iterate(io.BytesIO(document), "in.xml", ["i"]):
        assert element.findtext("v") == "1"
        siblings = max(siblings, len(element.getparent()))
    assert siblings < 5000  # what one block of the parser holds, of 50,000


def test_comments_and_instructions_are_not_children():
    root = parse_bytes(b"<a><!-- c --><?p?><b/></a>", "in.xml")
    assert [child.tag for child in root] == ["b"]


characters = st.text(st.characters(codec="utf-16", exclude_categories=[]) | st.sampled_from("\x00\x1f\ufffe\ud800\t\n\r<&>\"'"))


@given(characters)
def test_what_may_be_written_comes_back_and_the_rest_is_refused(text):
    if not is_legal(text):
        for write in (escape, escape_attribute):
            with pytest.raises(MetadataError) as refused:
                write(text)
            assert refused.value.code == "XML_CHARACTER"
        assert is_legal(legal(text))
        return
    out = io.BytesIO()
    with Writer(out) as writer:
        writer.open("root")
        writer.element("item", text, {"value": text})
    item = etree.fromstring(out.getvalue())[0]
    assert (item.text or "", item.get("value")) == (text, text)


def test_a_writer_closes_what_is_open():
    out = io.BytesIO()
    with Writer(out) as writer:
        writer.open("a", {"x": "1"})
        writer.open("b")
        writer.element("c")
    assert out.getvalue().decode() == '<?xml version="1.0" encoding="UTF-8"?>\n<a x="1">\n  <b>\n    <c/>\n  </b>\n</a>\n'
