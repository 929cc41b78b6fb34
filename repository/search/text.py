"""How text becomes the tokens that are indexed and searched, the same for both engines.

Text is folded (NFKC, case), then cut into runs of Han characters (with kana and hangul), of digits, and of other letters.
A run of digits or letters is one token, so that ``GB/T18894`` and ``GB/T 18894`` are the same. A run of *n* Han characters
gives its *n*-1 bigrams and then its last character alone, so that every character has a place of its own in the sequence;
any part of a run, one character or many, is then a sequence of neighbouring tokens, of which only a single last character
needs a search by prefix.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

#: Stands between two values of one field, so that no phrase reaches from one into the next; no text gives this token.
BREAK: Final = "¶"
#: Longer words are cut: they are data, not language, and engines limit the length of a token.
WORD_LIMIT: Final = 128

#: Scripts written without spaces between words.
_HAN: Final = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u309f\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER: Final = rf"(?:(?![{_HAN}])[^\W\d_])"
_RUN: Final = re.compile(rf"([{_HAN}]+)|(\d+|{_LETTER}+)")
#: Between the runs of a phrase any punctuation may stand, or nothing.
_BETWEEN: Final = r"[\W_]*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Tokens that must follow each other.

    Args:
        tokens: as `tokens_of` gives them for the text searched in; not empty.
        prefix: the last token may go on.
    """

    tokens: tuple[str, ...]
    prefix: bool


def fold(text: str) -> str:
    """The text without differences of width, form and case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def tokens_of(text: str) -> Iterator[str]:
    """The tokens of a text that is indexed, in order."""
    for han, word in _RUN.findall(fold(text)):
        if han:
            yield from map("".join, zip(han, han[1:], strict=False))
            yield han[-1]
        else:
            yield word[:WORD_LIMIT]


def joined_tokens(values: Iterable[str]) -> str:
    """The tokens of a field's values, with spaces between the tokens and a break between the values."""
    return f" {BREAK} ".join(" ".join(tokens_of(value)) for value in values)


def phrase_of(text: str, *, prefix: bool = False) -> Phrase | None:
    """What to search for to find a text, or None if nothing in it can be searched for.

    Args:
        text: what somebody typed.
        prefix: whether its last word may go on (``330100*``).
    """
    runs = _RUN.findall(fold(text))
    if not runs:
        return None
    tokens = tuple(tokens_of(text))
    last_run = runs[-1][0]
    if len(last_run) > 1:
        return Phrase(tokens=tokens[:-1], prefix=False)
    return Phrase(tokens=tokens, prefix=prefix or bool(last_run))


def pattern_of(text: str, *, prefix: bool = False) -> str:
    """A regular expression that finds in folded text what `phrase_of` finds in an index; empty if that is nothing."""
    runs = _RUN.findall(fold(text))
    if not runs:
        return ""
    pattern = _BETWEEN.join(re.escape(han or word) for han, word in runs)
    start = f"(?<!{_class_of(runs[0][1])})" if runs[0][1] else ""
    end = f"(?!{_class_of(runs[-1][1])})" if runs[-1][1] and not prefix else ""
    return f"{start}{pattern}{end}"


def _class_of(word: str) -> str:
    return r"\d" if word[0].isdecimal() else _LETTER
