"""The documents of the Zhejiang service-affair package, written and read."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.description import ProcessStep
from metadata.errors import MalformedXml, UnsafeXml
from metadata.service_affairs import (
    CONFIGURATION,
    DESCRIPTION,
    PROCESS,
    BatchIndex,
    IndexEntry,
    Material,
    document_kind,
    is_index_name,
    is_whole_index_name,
    read_document,
    read_index,
    write_configuration,
    write_document,
    write_index,
    write_process,
)

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20).map(str.strip)


def stream(content: str) -> io.BytesIO:
    return io.BytesIO(content.encode())


@given(TEXT, TEXT)
def test_a_description_comes_back_as_it_was(title: str, name: str) -> None:
    written = io.BytesIO()
    write_document(written, DESCRIPTION, [("projectname", title), ("applyname", name)])
    written.seek(0)
    document = read_document(written, "x", DESCRIPTION)
    assert [(field.name, field.value, field.title) for field in document.fields] == [
        ("projectname", title, "办件名称"),
        ("applyname", name, "行政相对人名称"),
    ]


def test_a_configuration_comes_back_as_it_was() -> None:
    materials = (
        Material(name="申请表", range="申请材料"),
        Material(name="委托书", range="申请材料", need="非必要"),
        Material(name="图纸", range="结果", medium="纸质归档"),
    )
    written = io.BytesIO()
    write_configuration(written, [("servicecode", "许可-00101-000")], materials)
    written.seek(0)
    document = read_document(written, "x", CONFIGURATION)
    assert document.materials == materials
    assert document.text("servicecode") == "许可-00101-000"


@pytest.mark.parametrize("bare", [True, False])
def test_a_process_comes_back_as_it_was(bare: bool) -> None:
    steps = (
        ProcessStep(node="受理", actor="柏听雨", kind="受理意见", opinion="同意", at="2018-06-20 09:10:00"),
        ProcessStep(node="决定", actor="云知秋"),
    )
    written = io.BytesIO()
    write_process(written, steps, bare=bare)
    written.seek(0)
    document = read_document(written, "x", PROCESS)
    assert (document.steps, document.root) == (steps, "Opinions" if bare else "description")


@pytest.mark.parametrize("misspelt", [True, False])
def test_an_index_comes_back_as_it_was(misspelt: bool) -> None:
    entry = IndexEntry(identifier="A-1", title="甲", archived="2018-06-22 10:05:31", unit="局", misspelt_unit=misspelt)
    index = BatchIndex(system="33990113", batch="20180622", sent="2018-06-22", count="1", entries=(entry,), title="清单")
    written = io.BytesIO()
    write_index(written, index)
    written.seek(0)
    assert read_index(written, "x") == index


def test_repeated_elements_are_all_kept_in_order() -> None:
    text = '<description title="基本信息描述"><a>1</a><b><c>2</c><c kind="x">3</c></b><a>4</a></description>'
    document = read_document(stream(text), "x", DESCRIPTION)
    assert [(field.name, field.value) for field in document.fields] == [
        ("a", "1"),
        ("b/c[1]", "2"),
        ("b/c[2]/@kind", "x"),
        ("b/c[2]", "3"),
        ("a", "4"),
    ]


def test_names_of_documents() -> None:
    assert document_kind("基本信息描述.XML") == DESCRIPTION
    assert document_kind("办理流程.xml") == PROCESS
    assert document_kind("基本信息描述.pdf") is None
    assert document_kind("附-基本信息描述.xml") is None


@pytest.mark.parametrize(
    ("name", "index", "whole"),
    [
        ("存档信息包目录清单-（33040113）-（20180622）.XML", True, True),
        ("存档信息包目录清单-(33040113)-(20180622).xml", True, True),
        ("存档信息包目录清单-（33040113）-（20180622.XML", True, False),
        ("存档信息包目录清单.pdf", False, False),
        ("目录清单.xml", False, False),
    ],
)
def test_names_of_indexes(name: str, index: bool, whole: bool) -> None:
    assert (is_index_name(name), is_whole_index_name(name)) == (index, whole)


def test_a_document_type_is_refused_and_another_root_is_named() -> None:
    with pytest.raises(UnsafeXml):
        read_document(stream("<!DOCTYPE description><description/>"), "x", DESCRIPTION)
    with pytest.raises(MalformedXml, match="html"):
        read_document(stream("<html/>"), "x", DESCRIPTION)
    with pytest.raises(MalformedXml):
        read_document(stream("<Opinions/>"), "x", DESCRIPTION)
