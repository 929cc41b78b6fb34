"""Byte patterns: a tree of steps with the place in the file where it must stand, and whether a file has it.

Matching goes step by step over sets of positions, not by backtracking: its time grows with the length of the window times the
number of steps, whatever the bytes are. (As one regular expression, ``A.*?B.{0,9000}?C.*?D`` takes hours on bytes that
somebody chose for it.) The bytes of one run are found with `re` or, where only one value is possible, with `bytes.find`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from preservation.identification.sequences import Branch, Gap, Run, Steps, as_json, extent, from_json

#: Looking at so many places takes less time than a scan.
_FEW: Final = 2048
#: Positions as ascending, disjoint spans, both ends included.
Spans = list[tuple[int, int]]


class Anchor(StrEnum):
    """From where the offsets of a pattern count."""

    START = "B"
    END = "E"
    ANYWHERE = "V"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One byte sequence of a signature.

    Args:
        anchor: what `low` and `high` count from.
        low: least distance, in bytes, from the start of the file to the start of the sequence, or from its end to the end of the file.
        high: greatest distance (None: without end).
        steps: what the bytes must be.
    """

    anchor: Anchor
    low: int
    high: int | None
    steps: Steps

    @cached_property
    def extent(self) -> tuple[int, int | None]:
        """Least and greatest length in bytes of what `steps` stand for."""
        return extent(self.steps)

    @property
    def reach(self) -> int | None:
        """How many bytes from the anchor can matter, at most (None: all)."""
        longest = self.extent[1]
        return None if self.high is None or longest is None else self.high + longest

    @cached_property
    def is_quick(self) -> bool:
        """Whether looking for the pattern takes next to no time: one run, within few places."""
        return self._only is not None and self.high is not None and self.high - self.low <= _FEW

    @cached_property
    def _operations(self) -> tuple[_Operation, ...]:
        return _operations(self.steps)

    @cached_property
    def _only(self) -> _Find | None:
        """The run that the pattern consists of, for those that are no more than one: most are."""
        operations = self._operations
        return operations[0] if len(operations) == 1 and isinstance(operations[0], _Find) else None

    def matches(self, window: bytes) -> bool:
        """Whether the bytes have the pattern.

        Args:
            window: the first bytes of the file, or its last ones where the anchor is the end.
        """
        size = len(window)
        least = self.extent[0]
        if self.anchor is Anchor.END:
            return size >= self.low + least and self._ends(window, least)
        first = self.low if self.anchor is Anchor.START else 0
        last = size - least
        if self.anchor is Anchor.START and self.high is not None:
            last = min(last, self.high)
        if (only := self._only) is not None:
            return first <= last and only.next(window, first, last) >= 0
        return first <= last and bool(_advance(self._operations, window, [(first, last)], existence=True))

    def _ends(self, window: bytes, least: int) -> bool:
        """The same, counted from the end, and looked for from there on, because there it has fewer places to be."""
        lowest = least if self.high is None else max(least, len(window) - self.high)
        highest = len(window) - self.low
        if (only := self._only) is not None:
            return only.next(window, lowest - least, highest - least) >= 0
        final = self._operations[-1] if self._operations else None
        if isinstance(final, _Find) and isinstance(final.needle, bytes):
            # in most files the last one is the right one
            place = window.rfind(final.needle, lowest - final.length, highest)
            if place < 0:
                return False
            if _retreat(self._operations[:-1], window, [(place, place)], existence=True):
                return True
        return bool(_retreat(self._operations, window, [(lowest, highest)], existence=True))

    def as_json(self) -> list[Any]:
        """For the cache."""
        return [str(self.anchor), self.low, self.high, as_json(self.steps)]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Pattern:
        """The inverse of `as_json`."""
        return cls(anchor=Anchor(value[0]), low=value[1], high=value[2], steps=from_json(value[3]))


@dataclass(frozen=True, slots=True)
class _Find:
    """A run, ready to be looked for."""

    needle: bytes | re.Pattern[bytes]
    length: int

    def next(self, window: bytes, start: int, end: int) -> int:
        """The first position from `start` to `end`, both included, where the run stands, or -1."""
        needle = self.needle
        if isinstance(needle, bytes):
            return window.find(needle, start, end + self.length)
        hit = needle.search(window, start, end + self.length)
        return hit.start() if hit else -1


@dataclass(frozen=True, slots=True)
class _Choice:
    """A branch, ready to be looked for."""

    alternatives: tuple[tuple[_Operation, ...], ...]


_Operation = _Find | Gap | _Choice


def _operations(steps: Steps) -> tuple[_Operation, ...]:
    out: list[_Operation] = []
    for step in steps:
        if isinstance(step, Run):
            literal = step.literal
            out.append(_Find(literal if literal is not None else re.compile(step.expression, re.DOTALL), len(step.cells)))
        elif isinstance(step, Branch):
            out.append(_Choice(tuple(_operations(alternative) for alternative in step.alternatives)))
        else:
            out.append(step)
    return tuple(out)


def _advance(operations: Sequence[_Operation], window: bytes, spans: Spans, *, existence: bool) -> Spans:
    """Where the operations can end, when they start within `spans`; with `existence` one such place is enough."""
    for index, operation in enumerate(operations):
        if isinstance(operation, Gap):
            spans = _shifted(spans, operation, len(window))
        else:
            following = operations[index + 1] if index + 1 < len(operations) else None
            # before an endless gap only the earliest end matters, at the very end of a pattern any
            one = following is None and existence or isinstance(following, Gap) and following.high is None
            if isinstance(operation, _Find):
                spans = _found(operation, window, spans, one=one)
            else:
                spans = _chosen(operation, window, spans, one=one)
        if not spans:
            return spans
    return spans


def _retreat(operations: Sequence[_Operation], window: bytes, spans: Spans, *, existence: bool) -> Spans:
    """Where the operations can start, when they end within `spans`; with `existence` one such place is enough."""
    for index in range(len(operations) - 1, -1, -1):
        operation = operations[index]
        if isinstance(operation, Gap):
            if operation.high is None:
                end = spans[-1][1] - operation.low
                spans = [(0, end)] if end >= 0 else []
            else:
                spans = _merged([(max(0, start - operation.high), end - operation.low) for start, end in spans if end >= operation.low])
        elif isinstance(operation, _Find):
            length = operation.length
            starts = [(max(0, start - length), end - length) for start, end in spans if end >= length]
            if existence and index == 0 and isinstance(operation.needle, bytes):
                # the nearest will do, and most often it is near
                places = (window.rfind(operation.needle, start, end + length) for start, end in reversed(starts))
                return next(([(place, place)] for place in places if place >= 0), [])
            found = _found(operation, window, starts, one=existence and index == 0)
            spans = [(start - length, end - length) for start, end in found]
        else:
            spans = _merged([span for each in operation.alternatives for span in _retreat(each, window, spans, existence=False)])
        if not spans:
            return spans
    return spans


def _shifted(spans: Spans, gap: Gap, size: int) -> Spans:
    if gap.high is None:
        start = spans[0][0] + gap.low
        return [(start, size)] if start <= size else []
    return _merged([(start + gap.low, min(end + gap.high, size)) for start, end in spans if start + gap.low <= size])


def _found(run: _Find, window: bytes, spans: Spans, *, one: bool) -> Spans:
    length = run.length
    out: Spans = []
    for start, end in spans:
        while start <= end and (start := run.next(window, start, end)) >= 0:
            place = start + length
            if one:
                return [(place, place)]
            if out and place <= out[-1][1] + 1:
                out[-1] = (out[-1][0], max(place, out[-1][1]))
            else:
                out.append((place, place))
            start += 1
    return out


def _chosen(choice: _Choice, window: bytes, spans: Spans, *, one: bool) -> Spans:
    ends: Spans = []
    for alternative in choice.alternatives:
        ends += _advance(alternative, window, spans, existence=False)
    ends = _merged(ends)
    return [(ends[0][0], ends[0][0])] if one and ends else ends


def _merged(spans: Spans) -> Spans:
    spans.sort()
    out: Spans = []
    for start, end in spans:
        if out and start <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out
