"""Patterns as Hyperscan expressions, for scanning a window for thousands of them at once.

Not every pattern can be said exactly: wide gaps cost too much to compile, so they become ``.*`` and a hit is only a candidate
that `Pattern.matches` confirms. What matters is that no expression may miss what its pattern matches.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import Gap, Run, Steps

#: Gaps up to this are compiled as they are.
INLINE_GAP: Final = 64
#: A greater offset cannot be said to Hyperscan, and means nothing in a window of any sensible size.
_OFFSET_LIMIT: Final = 1 << 31


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """What Hyperscan is given for one pattern.

    Args:
        source: the expression, for flags DOTALL and SINGLEMATCH.
        exact: a hit needs no confirmation.
        least_end: smallest offset at which a match may end.
        greatest_end: greatest one, or None.
    """

    source: bytes
    exact: bool
    least_end: int = 0
    greatest_end: int | None = None


def whole(pattern: Pattern) -> Expression:
    """The pattern as one expression."""
    body, exact = _render(pattern.steps)
    body = b"(?:" + body + b")"
    low, high, reach = pattern.low, pattern.high, pattern.reach
    if pattern.anchor is Anchor.ANYWHERE or (pattern.anchor is Anchor.START and high is None and low == 0):
        return Expression(source=body, exact=exact)
    if high is not None and high <= INLINE_GAP:
        gap = _gap(low, high)
        return Expression(source=b"^" + gap + body if pattern.anchor is Anchor.START else body + gap + rb"\z", exact=exact)
    if pattern.anchor is Anchor.END:
        return Expression(source=body, exact=False)
    least, longest = pattern.extent
    return Expression(
        source=body,
        # where every match is as long, where it ends says where it starts
        exact=exact and least == longest,
        least_end=min(low + least, _OFFSET_LIMIT - 1),
        greatest_end=reach if reach is not None and reach < _OFFSET_LIMIT else None,
    )


def part(pattern: Pattern) -> Expression | None:
    """Only the most telling run of the pattern, never exact; None where it has no run that stands in every match.

    For expressions that Hyperscan is found to miss: a run without gaps is the simplest thing it can be given.
    """
    runs = [step for step in pattern.steps if isinstance(step, Run)]
    best = max(runs, key=lambda run: sum(len(cell) < 64 for cell in run.cells), default=None)
    if best is None or all(len(cell) == 256 for cell in best.cells):
        return None
    return Expression(source=b"(?:" + best.expression + b")", exact=False)


def sample(pattern: Pattern, chance: random.Random) -> bytes:
    """Bytes that have the pattern; mostly with short gaps."""
    body = _sample(pattern.steps, chance)
    if pattern.anchor is Anchor.ANYWHERE:
        return chance.randbytes(chance.randrange(20)) + body + chance.randbytes(chance.randrange(20))
    offset = _length(Gap(pattern.low, pattern.high), chance)
    if pattern.anchor is Anchor.START:
        return chance.randbytes(offset) + body + chance.randbytes(chance.randrange(20))
    return chance.randbytes(chance.randrange(20)) + body + chance.randbytes(offset)


def _gap(low: int, high: int) -> bytes:
    if high == 0:
        return b""
    return b".{%d}" % low if low == high else b".{%d,%d}" % (low, high)


def _render(steps: Steps) -> tuple[bytes, bool]:
    out = b""
    exact = True
    for step in steps:
        if isinstance(step, Run):
            out += step.expression
        elif isinstance(step, Gap):
            if step.high is not None and step.high <= INLINE_GAP:
                out += _gap(step.low, step.high)
            elif step.high is None and step.low <= INLINE_GAP:
                out += b".{%d,}" % step.low if step.low else b".*"
            else:
                out += b".*"
                exact = False
        else:
            rendered = [_render(alternative) for alternative in step.alternatives]
            out += b"(?:" + b"|".join(source for source, _ in rendered) + b")"
            exact = exact and all(each for _, each in rendered)
    return out, exact


def _length(gap: Gap, chance: random.Random) -> int:
    most = gap.low + 300 if gap.high is None else min(gap.high, gap.low + 300)
    return chance.choice((gap.low, most, chance.randint(gap.low, most)))


def _sample(steps: Steps, chance: random.Random) -> bytes:
    out = bytearray()
    for step in steps:
        if isinstance(step, Run):
            out += bytes(chance.choice(cell) for cell in step.cells)
        elif isinstance(step, Gap):
            out += chance.randbytes(_length(step, chance))
        else:
            out += _sample(chance.choice(step.alternatives), chance)
    return bytes(out)
