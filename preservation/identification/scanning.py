"""Finding the patterns that a window of bytes may have: with Hyperscan, or one after another with `re`.

Both give candidates, and say which need `Pattern.matches` before they count; so both lead to the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from preservation.identification.expressions import NEAR, Expression, Region, part, sample, whole
from preservation.identification.plan import Plan

if TYPE_CHECKING:
    import hyperscan

#: Samples of every pattern that a fresh database is tried with.
_SAMPLES: Final = 4
_SAMPLE_LIMIT: Final = 256 * 1024


class Scanner(Protocol):
    """Finds candidates. One thread at a time."""

    name: str
    #: Numbers of patterns of which a candidate is a match for certain.
    exact: frozenset[int]

    def candidates(self, head: bytes, tail: bytes) -> Sequence[int]:
        """Numbers of patterns that the windows may have: all that they have, and perhaps others."""
        ...


class PlainScanner:
    """Every pattern is a candidate; `Pattern.matches` does the work. Needs nothing but Python."""

    name = "re"
    exact: frozenset[int] = frozenset()

    def __init__(self, plan: Plan) -> None:
        self._all = sorted({number for signature in plan.signatures for number in signature.scanned})

    def candidates(self, head: bytes, tail: bytes) -> Sequence[int]:
        """All patterns there are."""
        return self._all


class HyperscanScanner:
    """All patterns at once. One database for what lies in the first 4 KiB, one for the rest of the head, one for the tail.

    Three databases, because most signatures are near the start and a scan of 4 KiB for these costs a tenth of one over the
    whole window; and patterns at the end of the file are few.
    """

    name = "hyperscan"

    def __init__(self, databases: dict[str, hyperscan.Database], exact: frozenset[int], always: tuple[int, ...]) -> None:
        self._near, self._head, self._tail = (databases.get(region) for region in Region)
        self.exact = exact
        self._always = always

    def candidates(self, head: bytes, tail: bytes) -> Sequence[int]:
        """What Hyperscan reports, and the patterns it cannot be trusted with."""
        hits = list(self._always)
        if self._near is not None:
            self._near.scan(head if len(head) <= NEAR else head[:NEAR], _note, context=hits)
        if self._head is not None:
            self._head.scan(head, _note, context=hits)
        if self._tail is not None:
            self._tail.scan(tail, _note, context=hits)
        return hits


def _note(number: int, start: int, end: int, flags: int, hits: list[int]) -> None:
    hits.append(number)


def available() -> str | None:
    """Version and build of Hyperscan, CPU features included, or None where it is not installed."""
    try:
        import hyperscan
    except ImportError:
        return None
    probe = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    probe.compile(expressions=[b"a"], ids=[0], elements=1, flags=[0])
    return f"{hyperscan.__version__} {probe.info().decode('ascii', 'replace')}"


def build(plan: Plan) -> tuple[dict[str, bytes], frozenset[int], tuple[int, ...]]:
    """Compiles the plan's patterns and tries every one with samples of its own.

    Some builds of the library miss matches of some expressions. A pattern that misses is compiled anew as its most telling
    run alone; one that misses even so is confirmed for every file.

    Returns:
        serialised database of each region, numbers of exact patterns, numbers of patterns that are always candidates.
    """
    numbers = PlainScanner(plan).candidates(b"", b"")
    expressions: dict[int, Expression] = {number: whole(plan.pattern(number)) for number in numbers}
    always: set[int] = set()
    suspects: set[int] = set(numbers)
    for attempt in (part, None):
        databases = _compiled(expressions)
        scanner = HyperscanScanner(databases, frozenset(), ())
        suspects = _missed(plan, scanner, suspects)
        for number in suspects:
            simpler = attempt(plan.pattern(number)) if attempt else None
            if simpler is None:
                always.add(number)
                expressions.pop(number)
            else:
                expressions[number] = simpler
        if not suspects:
            break
    exact = frozenset(number for number, expression in expressions.items() if expression.exact)
    return {region: _dumped(database) for region, database in databases.items()}, exact, tuple(sorted(always))


def load(serialised: dict[str, bytes], exact: frozenset[int], always: tuple[int, ...]) -> HyperscanScanner:
    """A scanner from what `build` gave.

    Raises:
        hyperscan.error: made by another version or for another CPU, or damaged.
    """
    import hyperscan

    databases = {}
    for region, content in serialised.items():
        database = hyperscan.loadb(content, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
        databases[region] = database
    return HyperscanScanner(databases, exact, always)


def unusable() -> tuple[type[Exception], ...]:
    """What may be raised by cached content that this program, this library or this CPU cannot use."""
    content = (ValueError, TypeError, KeyError, IndexError)
    try:
        import hyperscan
    except ImportError:
        return content
    return (*content, hyperscan.error)


def _dumped(database: Any) -> bytes:
    import hyperscan

    return bytes(hyperscan.dumpb(database))


def _compiled(expressions: dict[int, Expression]) -> dict[str, hyperscan.Database]:
    import hyperscan

    databases = {}
    for region in Region:
        chosen = [(number, expression) for number, expression in expressions.items() if expression.region is region]
        if not chosen:
            continue
        limits = []
        for _, expression in chosen:
            flags = hyperscan.HS_EXT_FLAG_MIN_OFFSET if expression.least_end else 0
            flags |= hyperscan.HS_EXT_FLAG_MAX_OFFSET if expression.greatest_end is not None else 0
            limits.append(hyperscan.ExpressionExt(flags, expression.least_end, expression.greatest_end or 0))
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[expression.source for _, expression in chosen],
            ids=[number for number, _ in chosen],
            elements=len(chosen),
            flags=[hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH] * len(chosen),
            ext=limits,
        )
        databases[str(region)] = database
    return databases


def _missed(plan: Plan, scanner: HyperscanScanner, numbers: set[int]) -> set[int]:
    # the same samples at every build: a release either works on this library or does not
    chance = random.Random(plan.version)
    missed = set()
    for number in sorted(numbers):
        pattern = plan.pattern(number)
        for _ in range(_SAMPLES):
            window = sample(pattern, chance)
            if len(window) <= _SAMPLE_LIMIT and pattern.matches(window) and number not in scanner.candidates(window, window):
                missed.add(number)
                break
    return missed
