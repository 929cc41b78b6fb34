"""OFD pages as drawings (GB/T 33190-2016): what stands on them, where, and nothing that could act."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image

from access.previews.kinds import Kind
from access.previews.orders import Order
from access.previews.rendering.ofd import render
from access.previews.rendering.ofd_ink import path_of
from access.previews.values import Unshowable, from_json
from metadata.errors import MetadataError
from metadata.ofd import OfdPackage, resolve
from metadata.seals import seal_picture
from tests.tools.hostile_files import entities, zipped
from tests.tools.ofd_files import document, everything, picture, seal, seal_drawing, words


def drawn(tmp_path: Path, content: bytes, *, first: int = 1, count: int = 1) -> Path:
    """The folder with what was made."""
    source, target = tmp_path / "a.ofd", tmp_path / "made"
    source.write_bytes(content)
    target.mkdir(exist_ok=True)
    render(Order(kind=Kind.OFD, source=source, name="a.ofd", target=target, first=first, count=count))
    return target


def svg(target: Path, number: int = 1) -> str:
    text = (target / f"page-{number}.svg").read_text(encoding="utf-8")
    etree.fromstring(text.encode())
    return text


def test_a_page_has_the_size_that_the_document_says(tmp_path: Path) -> None:
    assert 'viewBox="0 0 100 80" width="100mm" height="80mm"' in svg(drawn(tmp_path, everything()))


def test_text_stands_character_by_character_where_it_was_put(tmp_path: Path) -> None:
    page = svg(drawn(tmp_path, everything()))
    assert "translate(10 10)" in page
    assert '<text x="0 5 15 20" y="5 5 5 5">准予许可</text>' in page
    assert "#0a141e" in page


def test_glyphs_of_an_embedded_font_become_outlines_and_no_font_goes_out(tmp_path: Path) -> None:
    page = svg(drawn(tmp_path, everything()))
    assert page.count('<use href="#g-2-1"') == 2, "one by its character, one by the number of its glyph"
    assert '<path id="g-2-1" d="M100 0V700H900V0' in page
    assert "甲</text>" in page, "what the font lacks is shown with another"
    assert "font-face" not in page
    assert "data:font" not in page


def test_paths_keep_their_operators(tmp_path: Path) -> None:
    page = svg(drawn(tmp_path, everything()))
    assert 'd="M0 0M1 1L20 1Q25 5 20 10C1 2 3 4 5 6A5 5 0 1 0 9 9Z" fill="none" stroke="#c81e1e" stroke-width="2"' in page
    assert '<linearGradient id="gradient-' in page
    assert 'stop-color="#ff0000"' in page


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M 0 0 L 1.5 -2", "M0 0L1.5 -2"),
        ("M 0 0 L 1", "M0 0"),
        ("M 0 0 X 3 L 1 1", "M0 0"),
        ('M 0 0 L "/><script> 1', "M0 0"),
        ("", ""),
    ],
)
def test_a_broken_path_ends_where_it_breaks(data: str, expected: str) -> None:
    assert path_of(data) == expected


def test_pictures_composites_templates_and_notes_are_drawn(tmp_path: Path) -> None:
    page = svg(drawn(tmp_path, everything()))
    found = re.search(
        r'matrix\(20 0 0 20 0 0\)"><image width="1" height="1" preserveAspectRatio="none" href="data:image/png;base64,([^"]+)"', page
    )
    assert found is not None
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (0, 0, 255)
    assert "#0000ff" in page
    assert "M2 2L98 2" in page
    assert "批注" in page


@pytest.mark.parametrize("type", ["png", "ofd"])
def test_a_seal_is_shown_as_a_picture_and_not_vouched_for(tmp_path: Path, type: str) -> None:
    content = picture("red") if type == "png" else seal_drawing()
    target = drawn(tmp_path, everything(seal_type=type.encode(), seal_content=content))
    page = svg(target)
    place = page.index("translate(60 30)")
    assert (
        page.index("<image", place)
        if type == "png"
        else page.index('A18 18 0 1 1 38 20A18 18 0 1 1 2 20Z" fill="none" stroke="#c80000"', place)
    )
    notes = [note.template for note in from_json((target / "about.json").read_text()).notes]
    assert "Seals are shown as pictures; neither seal nor signature is verified here." in notes


def test_the_text_of_a_page_stands_beside_it_in_lines(tmp_path: Path) -> None:
    text = (drawn(tmp_path, everything()) / "page-1.txt").read_text(encoding="utf-8")
    assert text.splitlines()[:2] == ["准予 许可", "许甲"]


def test_pages_are_made_one_by_one(tmp_path: Path) -> None:
    target = drawn(tmp_path, zipped(document(content=words("页"), pages=5)), first=3, count=2)
    assert from_json((target / "about.json").read_text()).pages == 5
    assert sorted(path.name for path in target.glob("*.svg")) == ["page-3.svg", "page-4.svg"]


def test_markup_in_text_and_names_stays_text(tmp_path: Path) -> None:
    evil = words("&lt;script&gt;alert(1)&lt;/script&gt;", font="9")
    resources = '<ofd:Fonts><ofd:Font ID="9" FontName="x&quot; onload=&quot;alert(1)&apos;;}"/></ofd:Fonts>'
    page = svg(drawn(tmp_path, zipped(document(content=evil, resources=resources))))
    assert "<script" not in page
    assert "onload=" not in page


@pytest.mark.parametrize("part", ["OFD.xml", "Doc_0/Document.xml", "Doc_0/Pages/Page_1/Content.xml"], ids=["root", "document", "page"])
def test_entities_are_refused(tmp_path: Path, part: str) -> None:
    parts = document(content=words("页"))
    parts[part] = entities()
    with pytest.raises(Unshowable):
        drawn(tmp_path, zipped(parts))


def test_what_refers_to_itself_ends(tmp_path: Path) -> None:
    inner = '<ofd:CompositeObject Boundary="0 0 10 10" ResourceID="7"/>' * 3
    unit = f'<ofd:CompositeGraphicUnit ID="7"><ofd:Content>{inner}</ofd:Content></ofd:CompositeGraphicUnit>'
    resources = f"<ofd:CompositeGraphicUnits>{unit}</ofd:CompositeGraphicUnits>"
    with pytest.raises(Unshowable, match="more on it"):
        drawn(tmp_path, zipped(document(content=inner, resources=resources)))


def test_a_missing_picture_or_resource_costs_only_itself(tmp_path: Path) -> None:
    content = words("留下的字") + '<ofd:ImageObject Boundary="1 1 5 5" ResourceID="404"/>'
    parts = document(content=content)
    del parts["Doc_0/PublicRes.xml"]
    page = svg(drawn(tmp_path, zipped(parts)))
    assert "留下的字" in page
    assert "stroke-dasharray" in page


def test_locations_do_not_leave_the_package() -> None:
    assert resolve("Doc_0/Document.xml", "../../../etc/passwd") == "etc/passwd"
    assert resolve("Doc_0/Document.xml", "/Doc_0/Res/a.png") == "Doc_0/Res/a.png"
    assert resolve("Doc_0/Pages/Page_0/Content.xml", "..\\..\\Res\\a.png") == "Doc_0/Res/a.png"


def test_an_encrypted_document_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.ofd"
    path.write_bytes(zipped({**document(content=""), "Encryptions.xml": "<a/>"}))
    with pytest.raises(MetadataError, match="encrypted"):
        OfdPackage(path)


def test_the_picture_of_a_seal_is_found_whatever_stands_around_it() -> None:
    found = seal_picture(seal(b"png", b"bytes"))
    assert found is not None
    assert (found.type, found.content, found.width, found.height) == ("png", b"bytes", 40, 40)


@pytest.mark.parametrize("content", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" * 5000, bytes(range(256))])
def test_what_is_no_seal_gives_no_picture(content: bytes) -> None:
    assert seal_picture(content) is None
