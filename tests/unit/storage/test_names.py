"""Names: bytes to text, nothing lost."""

from __future__ import annotations

import re

import pytest

from storage.names import encoding_of, folded, numbered, shown, text_of


@pytest.mark.parametrize(
    "text", ["报告.pdf", "e\u0301te\u0301.txt", "line\nbreak", "trailing...", "50%.txt", "a%41.txt", "é" * 127 + "x", "a\tb"]
)
def test_utf8_stays_exactly_as_it_is(text: str) -> None:
    name = text_of(text.encode())
    assert (name.text, name.raw, name.encoding) == (text, text.encode(), "utf-8")


def test_gb18030_is_read_where_the_whole_package_is() -> None:
    names = ["申请表.doc".encode("gb18030"), "身份证复印件（正面）.jpg".encode("gb18030"), b"readme.txt"]
    hint = encoding_of(names)
    assert hint == "gb18030"
    assert [text_of(raw, encoding_hint=hint).text for raw in names] == ["申请表.doc", "身份证复印件（正面）.jpg", "readme.txt"]


def test_a_gb18030_name_that_happens_to_be_utf8_is_read_like_its_neighbours() -> None:
    assert "一".encode("gb18030").decode() == "һ"
    assert text_of("一.txt".encode("gb18030"), encoding_hint="gb18030").text == "一.txt"
    assert text_of("一.txt".encode(), encoding_hint="gb18030").text == "一.txt"


@pytest.mark.parametrize("raw", [b"caf\xe9.txt", b"\xff\xfe\x00.bin", "naïve résumé".encode("latin-1")])
def test_latin_bytes_are_not_taken_for_chinese(raw: bytes) -> None:
    assert encoding_of([raw]) is None
    assert text_of(raw).encoding == "percent"


def test_bytes_that_cannot_be_written_are_percent_encoded_and_only_then_literal_signs_too() -> None:
    assert text_of(b"caf\xe9%41 50%.txt").text == "caf%E9%2541 50%.txt"
    assert text_of(b"a\x01b\x00c").text == "a%01b%00c"
    assert text_of("a\uffffb".encode()).text == "a%EF%BF%BFb"


def test_a_name_that_grows_over_255_bytes_is_cut_and_keeps_its_extension() -> None:
    raw = ("档" * 120 + ".pdf").encode("gb18030")
    text = text_of(raw, encoding_hint="gb18030").text
    assert len(text.encode()) <= 255
    assert re.fullmatch(r"档{40,}~[0-9a-f]{16}\.pdf", text)
    assert text != text_of(("档" * 121 + ".pdf").encode("gb18030"), encoding_hint="gb18030").text


def test_numbers_go_before_the_extension() -> None:
    assert numbered("报告.pdf", 2) == "报告~2.pdf"
    assert numbered(".profile", 2) == ".profile~2"
    assert len(numbered("x" * 255, 2).encode()) == 255


def test_folding_tells_names_apart_that_every_system_keeps_apart() -> None:
    assert folded("É.TXT") == folded("e\u0301.txt")
    assert folded("ß") == folded("SS")
    assert folded("a") != folded("b")


def test_raw_bytes_are_shown_so_that_they_can_be_retyped() -> None:
    assert shown(b"a\\\xe9\n") == r"a\x5c\xe9\x0a"
