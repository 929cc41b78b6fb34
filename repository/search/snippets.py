"""Where in a record's description the words of a query stand, as a line for a list of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from repository.holdings import Record
from repository.search.highlighting import Segment, highlight
from repository.search.language import Term, TextField

#: Characters around the first hit, and of a text without one.
_BEFORE: Final = 30
_LENGTH: Final = 140


def snippet_of(record: Record, terms: Sequence[Term]) -> tuple[Segment, ...]:
    """A piece of the description around the first word found in it; without a word there, how the abstract begins.

    Only texts that the search itself reads are shown, so nothing that is marked sensitive and no names of files.
    """
    for text, field in _texts(record):
        if text in record.title:
            # the title above it says so already
            continue
        segments = highlight(text, terms, field)
        if any(segment.hit for segment in segments):
            return _around(segments)
    return _around((Segment(text=abstract, hit=False),)) if (abstract := _flat(record.description.get("abstract"))) else ()


def _texts(record: Record) -> Iterator[tuple[str, TextField]]:
    description = record.description
    yield _flat(description.get("abstract")), TextField.REST
    yield "; ".join(_flat(subject) for subject in description.get("subjects", ())), TextField.REST
    yield " – ".join(_flat(step.get("node")) for step in description.get("process", ())), TextField.REST
    yield record.affair, TextField.AFFAIR
    yield record.unit, TextField.UNIT
    yield record.case_number, TextField.REST
    yield record.identifier or "", TextField.REST


def _flat(value: Any) -> str:
    return " ".join(str(value or "").split())


def _around(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments cut to a line; an ellipsis says where something was left out."""
    start = 0
    for segment in segments:
        if segment.hit:
            break
        start += len(segment.text)
    else:
        start = 0
    first = max(0, start - _BEFORE)
    last = first + _LENGTH
    found: list[Segment] = []
    place = 0
    for segment in segments:
        piece = segment.text[max(0, first - place) : max(0, last - place)]
        place += len(segment.text)
        if piece:
            found.append(Segment(text=piece, hit=segment.hit))
    if found and first:
        found.insert(0, Segment(text="…", hit=False))
    if place > last:
        found.append(Segment(text="…", hit=False))
    return tuple(found)
