"""Where in a text the words of a query stand: pieces of text with a mark, never markup, so that nothing need be escaped here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repository.search.language import Term, TextField
from repository.search.text import fold, pattern_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A piece of a text.

    Args:
        text: as it is stored.
        hit: whether it is what was searched for.
    """

    text: str
    hit: bool


def highlight(text: str, terms: Iterable[Term], field: TextField | None = None) -> tuple[Segment, ...]:
    """The text in pieces: those that a term of the query names, and those between. Together they are the text.

    Args:
        text: as it is stored.
        terms: of the query; excluded ones, and those for another field, are not looked for.
        field: the field the text comes from.
    """
    patterns = [
        pattern
        for term in terms
        if not term.excluded and term.field in {None, field} and (pattern := pattern_of(term.text, prefix=term.phrase.prefix))
    ]
    if not patterns or not text:
        return (Segment(text=text, hit=False),) if text else ()
    folded, places = _folded_with_places(text)
    marked = [False] * len(text)
    for pattern in patterns:
        for found in re.finditer(pattern, folded):
            first, last = places[found.start()], places[max(found.start(), found.end() - 1)]
            for place in range(first[0], last[1]):
                marked[place] = True
    return tuple(_segments(text, marked))


def _folded_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each of its characters the start and end of what it was made from."""
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = fold(text[start:end])
        folded.append(piece)
        places.extend([(start, end)] * len(piece))
        start = end
    return "".join(folded), places


def _segments(text: str, marked: list[bool]) -> Iterator[Segment]:
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or marked[place] != marked[start]:
            yield Segment(text=text[start:place], hit=marked[start])
            start = place
