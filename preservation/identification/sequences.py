"""PRONOM byte sequences: the small language of signatures, as a tree of three kinds of step.

A *run* is a fixed number of bytes, each from a set; a *gap* is any bytes, between two lengths; a *branch* is one of several trees.
Everything else of the language (ranges of several bytes, negation, masks) is written as these three, so whatever reads a
tree (the matcher, the Hyperscan expression, the sample generator) knows three cases and no more.

Source: The National Archives, *PRONOM signature syntax*: ``4D5A`` bytes in hexadecimal, ``'text'``, ``??`` any byte, ``{n}``
``{n-m}`` ``{n-*}`` ``*`` any bytes, ``[30:39]`` range, ``[!00]`` negation, ``[&01]`` mask, ``(41|42)`` alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

ANY_BYTE: Final = bytes(range(256))
#: Nesting of parentheses beyond this is no signature.
_DEPTH_LIMIT: Final = 32
#: Longest value of a range or a negation, bytes; real ones have at most 16.
_VALUE_LIMIT: Final = 64
#: Fixed gaps up to this length become part of the run they stand in.
_FIXED_LIMIT: Final = 64

_TOKEN: Final = re.compile(
    r"""\s*(?:
        '(?P<text>[^']*)' | "(?P<quoted>[^"]*)" | (?P<any>\?\?) | (?P<byte>[0-9A-Fa-f]{2}) | \[(?P<set>[^\]]*)\]
      | \{\s*(?P<low>\d+)\s*(?:-\s*(?P<high>\d+|\*)\s*)?\} | (?P<star>\*) | (?P<open>\() | (?P<or>\|) | (?P<close>\))
    )""",
    re.VERBOSE | re.DOTALL,
)
_VALUE: Final = r"(?:'[^']*'|(?:[0-9A-Fa-f]{2}\s*)+)"
_RANGE: Final = re.compile(rf"\s*({_VALUE})\s*[:-]\s*({_VALUE})\s*", re.DOTALL)
_PARTS: Final = re.compile(r"'([^']*)'|([0-9A-Fa-f]{2})", re.DOTALL)


class SequenceError(ValueError):
    """A byte sequence that is not of the language."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Any bytes, at least `low` and at most `high` of them (None: without end)."""

    low: int
    high: int | None


@dataclass(frozen=True)
class Run:
    """A fixed number of bytes: for each position the bytes that may stand there, ascending."""

    cells: tuple[bytes, ...]

    @cached_property
    def literal(self) -> bytes | None:
        """The bytes themselves where every position allows only one, else None."""
        return b"".join(self.cells) if all(len(cell) == 1 for cell in self.cells) else None

    @cached_property
    def expression(self) -> bytes:
        """As a regular expression, which `re` and Hyperscan read alike (DOTALL)."""
        return b"".join(_class(cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several trees."""

    alternatives: tuple[Steps, ...]


#: One step of a tree.
Step = Run | Gap | Branch
#: A tree: steps one after another.
Steps = tuple[Step, ...]


def parse(text: str) -> Steps:
    """The tree of one byte sequence.

    Raises:
        SequenceError: the text is not of the language, with the place where reading stopped.
    """
    frames: list[list[list[Step]]] = [[[]]]
    position = 0
    text = text.strip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise SequenceError(text[position : position + 40])
        position = token.end()
        kind, value = token.lastgroup, token
        here = frames[-1][-1]
        if kind in {"text", "quoted"}:
            here.append(_literal(value["text"] if kind == "text" else value["quoted"]))
        elif kind == "any":
            here.append(Gap(1, 1))
        elif kind == "byte":
            here.append(Run((bytes.fromhex(value["byte"]),)))
        elif kind == "set":
            here.append(_bracket(value["set"]))
        elif kind in {"low", "high"}:
            low, high = int(value["low"]), value["high"]
            here.append(Gap(low, low if high is None else None if high == "*" else max(low, int(high))))
        elif kind == "star":
            here.append(Gap(0, None))
        elif kind == "open":
            if len(frames) > _DEPTH_LIMIT:
                raise SequenceError(text[:40])
            frames.append([[]])
        elif len(frames) == 1:
            raise SequenceError(text[:40])
        elif kind == "or":
            frames[-1].append([])
        else:
            alternatives = tuple(joined(steps) for steps in frames.pop())
            frames[-1][-1].append(Branch(alternatives))
    if len(frames) != 1:
        raise SequenceError(text[:40])
    return joined(frames[0][0])


def joined(steps: Iterable[Step]) -> Steps:
    """The same tree with neighbouring runs and neighbouring gaps made one, and short fixed gaps inside runs made part of them."""
    out: list[Step] = []
    for step in steps:
        last = out[-1] if out else None
        if isinstance(step, Gap):
            if step.high == 0:
                continue
            if isinstance(last, Gap):
                high = None if last.high is None or step.high is None else last.high + step.high
                out[-1] = Gap(last.low + step.low, high)
            else:
                out.append(step)
        elif isinstance(step, Run):
            if not step.cells:
                continue
            if isinstance(last, Run):
                out[-1] = Run(last.cells + step.cells)
            elif len(out) > 1 and isinstance(last, Gap) and last.low == last.high and last.low <= _FIXED_LIMIT and isinstance(out[-2], Run):
                out[-2:] = [Run(out[-2].cells + (ANY_BYTE,) * last.low + step.cells)]
            else:
                out.append(step)
        else:
            out.append(step)
    return tuple(out)


def extent(steps: Steps) -> tuple[int, int | None]:
    """The least and the greatest number of bytes that the tree stands for (None: without end)."""
    least, most = 0, 0
    endless = False
    for step in steps:
        if isinstance(step, Run):
            low, high = len(step.cells), len(step.cells)
        elif isinstance(step, Gap):
            low, high = step.low, step.high if step.high is not None else -1
        else:
            extents = [extent(alternative) for alternative in step.alternatives]
            low = min(each[0] for each in extents)
            high = -1 if any(each[1] is None for each in extents) else max(each[1] or 0 for each in extents)
        least += low
        most += max(high, 0)
        endless = endless or high < 0
    return least, None if endless else most


def as_json(steps: Steps) -> list[Any]:
    """The tree as lists, numbers and strings, for the cache. Bytes are written as Latin-1 characters."""
    out: list[Any] = []
    for step in steps:
        if isinstance(step, Run):
            literal = step.literal
            cells = [cell.decode("latin-1") if len(cell) < 256 else 0 for cell in step.cells]
            out.append(literal.decode("latin-1") if literal is not None else cells)
        elif isinstance(step, Gap):
            out.append({"gap": [step.low, step.high]})
        else:
            out.append({"or": [as_json(alternative) for alternative in step.alternatives]})
    return out


def from_json(values: Sequence[Any]) -> Steps:
    """The inverse of `as_json`."""
    out: list[Step] = []
    for value in values:
        if isinstance(value, str):
            out.append(Run(tuple(bytes((byte,)) for byte in value.encode("latin-1"))))
        elif isinstance(value, list):
            out.append(Run(tuple(cell.encode("latin-1") if cell else ANY_BYTE for cell in value)))
        elif "gap" in value:
            out.append(Gap(*value["gap"]))
        else:
            out.append(Branch(tuple(from_json(alternative) for alternative in value["or"])))
    return tuple(out)


def _literal(text: str) -> Run:
    try:
        return Run(tuple(bytes((byte,)) for byte in text.encode("latin-1")))
    except UnicodeEncodeError as error:
        raise SequenceError(text) from error


def _bracket(text: str) -> Run | Branch:
    """What stands between square brackets: a range, a set, a mask, or the negation of one."""
    body = text.strip()
    negated = body.startswith(("!", "~"))
    body = body[negated:].strip()
    if body.startswith("&"):
        mask = int(body[1:], 16)
        chosen = {byte for byte in range(256) if byte & mask == mask}
        return _one_of(set(range(256)) - chosen if negated else chosen)
    if between := _RANGE.fullmatch(body):
        first, last = sorted((_value(between[1]), _value(between[2])))
        if len(first) != len(last) or not first or (negated and len(first) > 1):
            raise SequenceError(text)
        if negated:
            return _one_of(set(range(256)) - set(range(first[0], last[0] + 1)))
        return _alternatives(_between(first, last))
    value = _value(body)
    parts = _PARTS.findall(body)
    if not value or _PARTS.sub("", body).strip():
        raise SequenceError(text)
    if not negated and len(parts) > 1 and " " in body:
        return _one_of(set(value))
    return _alternatives(_other_than(value)) if negated else _literal(value.decode("latin-1"))


def _value(text: str) -> bytes:
    value = b"".join(bytes.fromhex(byte) if byte else quoted.encode("latin-1") for quoted, byte in _PARTS.findall(text))
    if len(value) > _VALUE_LIMIT:
        raise SequenceError(text[:40])
    return value


def _one_of(allowed: Iterable[int]) -> Run:
    cell = bytes(sorted(allowed))
    if not cell:
        raise SequenceError("[]")
    return Run((cell,))


def _alternatives(runs: Iterable[tuple[bytes, ...]]) -> Run | Branch:
    each = [Run(cells) for cells in runs]
    return each[0] if len(each) == 1 else Branch(tuple((run,) for run in each))


def _between(first: bytes, last: bytes) -> list[tuple[bytes, ...]]:
    """Runs that together stand for every value from `first` to `last`, both included, read as big-endian numbers."""
    if len(first) == 1:
        return [(bytes(range(first[0], last[0] + 1)),)]
    if first[0] == last[0]:
        return [(first[:1], *rest) for rest in _between(first[1:], last[1:])]
    width = len(first) - 1
    runs = [(first[:1], *rest) for rest in _between(first[1:], b"\xff" * width)]
    runs += [(last[:1], *rest) for rest in _between(b"\x00" * width, last[1:])]
    if last[0] - first[0] > 1:
        runs.append((bytes(range(first[0] + 1, last[0])), *(ANY_BYTE,) * width))
    return runs


def _other_than(value: bytes) -> list[tuple[bytes, ...]]:
    """Runs that together stand for every value of this length but this one."""
    others = ANY_BYTE.replace(value[:1], b"")
    if len(value) == 1:
        return [(others,)]
    return [(others, *(ANY_BYTE,) * (len(value) - 1)), *((value[:1], *rest) for rest in _other_than(value[1:]))]


def _class(cell: bytes) -> bytes:
    """A set of bytes as a character class."""
    if len(cell) == 256:
        return b"."
    if len(cell) == 1:
        return b"\\x%02x" % cell[0]
    parts = []
    start = 0
    for index in range(1, len(cell) + 1):
        if index == len(cell) or cell[index] != cell[index - 1] + 1:
            low, high = cell[start], cell[index - 1]
            parts.append(b"\\x%02x" % low if low == high else b"\\x%02x-\\x%02x" % (low, high))
            start = index
    return b"[" + b"".join(parts) + b"]"
