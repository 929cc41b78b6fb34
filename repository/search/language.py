"""The query language: words, ``"phrases"``, ``-exclusions``, and ``field:value`` for a few fields, in English or Chinese.

All words must be found. Whatever is not this language is searched for literally; no input is an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from repository.search.text import Phrase, phrase_of


class TextField(StrEnum):
    """A part of a document that can be searched by itself."""

    TITLE = "title"
    UNIT = "unit"
    AFFAIR = "affair"
    FILES = "files"
    REST = "rest"


class ValueField(StrEnum):
    """A column of the catalogue that is compared as a whole."""

    YEAR = "year"
    RETENTION = "retention"
    TYPE = "type"
    SHARING = "sharing"
    FORMAT = "format"
    CASE = "case"
    ID = "id"


#: The names that fields have in queries.
FIELD_NAMES: Final[Mapping[str, TextField | ValueField]] = {
    "title": TextField.TITLE,
    "题名": TextField.TITLE,
    "标题": TextField.TITLE,
    "unit": TextField.UNIT,
    "单位": TextField.UNIT,
    "立档单位": TextField.UNIT,
    "affair": TextField.AFFAIR,
    "事项": TextField.AFFAIR,
    "file": TextField.FILES,
    "文件": TextField.FILES,
    "year": ValueField.YEAR,
    "年度": ValueField.YEAR,
    "retention": ValueField.RETENTION,
    "保管期限": ValueField.RETENTION,
    "type": ValueField.TYPE,
    "事项类型": ValueField.TYPE,
    "sharing": ValueField.SHARING,
    "共享类型": ValueField.SHARING,
    "format": ValueField.FORMAT,
    "格式": ValueField.FORMAT,
    "case": ValueField.CASE,
    "办件编号": ValueField.CASE,
    "id": ValueField.ID,
    "标识": ValueField.ID,
}

_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "„": '"', "〝": '"', "〞": '"', "「": '"', "」": '"', "『": '"', "』": '"'})
_PIECE: Final = re.compile(r'(?P<minus>-?)(?:(?P<field>[^\s":]+):(?=[^\s]))?(?:"(?P<quoted>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A text that must occur, or must not.

    Args:
        text: as typed, for highlighting.
        phrase: the tokens to find.
        field: where; anywhere if None.
        excluded: it must not occur.
    """

    text: str
    phrase: Phrase
    field: TextField | None = None
    excluded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A column that must have a value, or must not."""

    field: ValueField
    value: str
    excluded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A query as it was understood.

    Args:
        terms: texts to find, all of them.
        comparisons: values to compare, all of them.
        nothing: something was typed in which nothing can be searched for, so nothing is found.
    """

    terms: tuple[Term, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    nothing: bool = False


def understand(text: str) -> Question:
    """Reads a query. Never raises; an empty query asks for everything."""
    terms: list[Term] = []
    comparisons: list[Comparison] = []
    # NUL and lone surrogates are not text to a database
    plain = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    folded = unicodedata.normalize("NFKC", plain).translate(_QUOTES)
    for piece in _PIECE.finditer(folded):
        excluded = bool(piece["minus"])
        quoted = piece["quoted"] is not None
        value: str = piece["quoted"] if quoted else piece["word"]
        name = piece["field"]
        field = FIELD_NAMES.get(name.casefold()) if name else None
        if name and field is None:
            value = f"{name}:{value}"
        if isinstance(field, ValueField):
            comparisons.append(Comparison(field=field, value=value.strip(), excluded=excluded))
            continue
        phrase = phrase_of(value, prefix=not quoted and value.endswith("*"))
        if phrase is not None:
            terms.append(Term(text=value, phrase=phrase, field=field, excluded=excluded))
    return Question(terms=tuple(terms), comparisons=tuple(comparisons), nothing=bool(text.strip()) and not terms and not comparisons)
