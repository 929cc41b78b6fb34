"""The query language and the marks in titles, apart from any engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.highlighting import highlight
from repository.search.language import TextField, ValueField, understand
from repository.search.text import BREAK, phrase_of, tokens_of


def test_every_character_of_a_chinese_run_has_its_place() -> None:
    assert list(tokens_of("电子档案")) == ["电子", "子档", "档案", "案"]
    assert list(tokens_of("第3号IMG_04")) == ["第", "3", "号", "img", "04"]


def test_no_text_gives_the_token_that_separates_values() -> None:
    assert list(tokens_of(f"a{BREAK}b {BREAK}")) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "tokens", "prefix"),
    [("电子档案", ("电子", "子档", "档案"), False), ("档", ("档",), True), ("3号", ("3", "号"), True), ("Ａｂ", ("ab",), False)],
)
def test_what_is_searched_for(text: str, tokens: tuple[str, ...], prefix: bool) -> None:
    phrase = phrase_of(text)
    assert phrase is not None
    assert (phrase.tokens, phrase.prefix) == (tokens, prefix)


def test_a_query_with_everything_in_it() -> None:
    question = understand("电子 “档案 馆” -题名:草稿 year:２０２１ -type:行政许可 http://x")
    assert [(term.text, term.field, term.excluded) for term in question.terms] == [
        ("电子", None, False),
        ("档案 馆", None, False),
        ("草稿", TextField.TITLE, True),
        ("http://x", None, False),
    ]
    assert [(item.field, item.value, item.excluded) for item in question.comparisons] == [
        (ValueField.YEAR, "2021", False),
        (ValueField.TYPE, "行政许可", True),
    ]


@given(st.text(), st.text())
def test_the_pieces_of_a_title_are_the_title(title: str, query: str) -> None:
    assert "".join(segment.text for segment in highlight(title, understand(query).terms)) == title


@pytest.mark.parametrize(
    ("title", "query", "hits"),
    [
        ("电子档案与电子文件", "电子", ["电子", "电子"]),
        ("ﬁle ＡＢＣ", "abc file", ["ﬁle", "ＡＢＣ"]),
        ("abcd ab", "ab", ["ab"]),
        ("e\u0301lan", "élan", ["e\u0301lan"]),
        ("<b>档案</b>", "档案", ["档案"]),
        ("档案", "-档案", []),
        ("档案", "单位:档案", []),
    ],
)
def test_what_is_marked(title: str, query: str, hits: list[str]) -> None:
    segments = highlight(title, understand(query).terms, TextField.TITLE)
    assert [segment.text for segment in segments if segment.hit] == hits
