"""Finding the patterns that a window of bytes may have: with Hyperscan, or one after another with `re`.

Both give candidates, and say which need `Pattern.matches` before they count; so both lead to the same answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Any, Final, Protocol

from preservation.identification.expressions import Expression, part, sample, whole
from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.plan import NEAR, Plan, is_near
from preservation.identification.sequences import Run

if TYPE_CHECKING:
    import hyperscan

#: Patterns that end within so many bytes are scanned for in these: the larger a database is, the dearer is every byte.
_NEAREST: Final = 256
#: Bytes that stand in rows in every other file, so a scan cannot go by them.
_COMMON: Final = (b"\x00", b"\xff")
#: So many fixed bytes in a row are enough for a scan to be quick about a pattern.
_TELLING: Final = 3
#: Patterns that share so many first bytes are looked for together.
_ALIKE: Final = 4
#: Samples of every pattern that a fresh database is tried with.
_SAMPLES: Final = 4
_SAMPLE_LIMIT: Final = 256 * 1024
#: More than any window has.
_ENDLESS: Final = 1 << 40
#: What the databases of the patterns that are looked for later are called, by number.
_LATER: Final = "later-"


class Scanner(Protocol):
    """Finds candidates: numbers of patterns that bytes may have; all that they have, and perhaps others. One thread at a time."""

    name: str
    #: Numbers of patterns of which a candidate is a match for certain.
    exact: frozenset[int]
    #: Bytes from the end that `candidates` wants to see.
    tail: int

    def candidates(self, head: bytes, tail: bytes) -> Iterable[int]:
        """Of the patterns that are looked for in every file."""
        ...

    def later(self, window: bytes, wanted: Collection[int]) -> Collection[int]:
        """Of the wanted ones, which matter only when others are there; perhaps in a larger window."""
        ...

    def entry(self, content: bytes) -> Collection[int]:
        """Of the patterns of entries of containers, apart from those that count from the end."""
        ...


class PlainScanner:
    """Every pattern is a candidate; `Pattern.matches` does the work. Needs nothing but Python."""

    name = "re"
    exact: frozenset[int] = frozenset()

    def __init__(self, plan: Plan) -> None:
        self._scanned = frozenset(number for signature in plan.signatures for number in signature.scanned)
        self._all = range(len(plan.patterns))
        self.tail = _tail(plan, self._scanned)

    def candidates(self, head: bytes, tail: bytes) -> Iterable[int]:
        """All there are."""
        return self._scanned

    def later(self, window: bytes, wanted: Collection[int]) -> Collection[int]:
        """All that are wanted."""
        return wanted

    def entry(self, content: bytes) -> Collection[int]:
        """All there are."""
        return self._all


class HyperscanScanner:
    """All patterns of a kind at once.

    Several databases, because most signatures lie within few bytes of the start, and a scan of 256 bytes for these costs a tenth
    of one over the whole window; because patterns at the end of the file are few and short; and because what is looked for far
    from the start must be little to be found fast.
    """

    name = "hyperscan"

    def __init__(
        self,
        serialised: Mapping[str, bytes],
        *,
        exact: frozenset[int],
        always: frozenset[int],
        tail: int,
        later: Sequence[frozenset[int]],
        probes: Sequence[tuple[int, Pattern]],
    ) -> None:
        self.exact = exact
        self.tail = tail
        self._always = always
        self._probes = [(number, pattern.low, re.compile(whole(pattern).source, re.DOTALL).match) for number, pattern in probes]
        self._nearest, self._near, self._head, self._tail, self._entry = (
            _loaded(serialised[name]) if name in serialised else None for name in _KINDS
        )
        self._later = {number: index for index, numbers in enumerate(later) for number in numbers}
        self._serialised = serialised
        self._databases: dict[int, hyperscan.Database | None] = {}

    def candidates(self, head: bytes, tail: bytes) -> Iterable[int]:
        """What Hyperscan reports, and the patterns it cannot be trusted with."""
        hits = list(self._always)
        for number, offset, match in self._probes:
            if match(head, offset):
                hits.append(number)
        if self._nearest is not None:
            self._nearest.scan(head[:_NEAREST], _note, context=hits)
        if self._near is not None:
            self._near.scan(head[:NEAR], _note, context=hits)
        if self._head is not None:
            self._head.scan(head, _note, context=hits)
        if self._tail is not None:
            self._tail.scan(tail, _note, context=hits)
        return hits

    def later(self, window: bytes, wanted: Collection[int]) -> Collection[int]:
        """What Hyperscan reports, and the patterns it cannot be trusted with."""
        hits = list(self._always)
        for index in {self._later[number] for number in wanted}:
            if index not in self._databases:
                # there are many of them, and most files need none
                content = self._serialised.get(f"{_LATER}{index}")
                self._databases[index] = _loaded(content) if content is not None else None
            if (database := self._databases[index]) is not None:
                database.scan(window, _note, context=hits)
        return hits

    def entry(self, content: bytes) -> Collection[int]:
        """What Hyperscan reports, and the patterns it cannot be trusted with."""
        hits = list(self._always)
        if self._entry is not None:
            self._entry.scan(content, _note, context=hits)
        return hits


#: The databases that every release has, in the order `HyperscanScanner` takes them.
_KINDS: Final = ("nearest", "near", "head", "tail", "entry")


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


def build(plan: Plan) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Compiles the plan's patterns and tries every one with samples of its own.

    Some builds of the library miss matches of some expressions. A pattern that misses is compiled anew as its most telling
    run alone; one that misses even so is confirmed for every file.

    Returns:
        the serialised databases by name, and the rest of what `load` needs, which can be written as JSON.
    """
    groups = _groups(plan)
    probes = {number for name in ("near", "head") for number in groups[name] if _is_probe(plan.pattern(number))}
    groups = {name: numbers - probes if name in ("near", "head") else numbers for name, numbers in groups.items()}
    expressions: dict[int, Expression] = {number: whole(plan.pattern(number)) for numbers in groups.values() for number in numbers}
    always: set[int] = set()
    suspects: set[int] = set(expressions)
    for attempt in (part, None):
        databases = {name: _compiled({n: expressions[n] for n in sorted(numbers) if n in expressions}) for name, numbers in groups.items()}
        suspects = _missed(plan, databases, groups, suspects)
        for number in suspects:
            simpler = attempt(plan.pattern(number)) if attempt else None
            if simpler is None:
                always.add(number)
                expressions.pop(number)
            else:
                expressions[number] = simpler
        if not suspects:
            break
    head = {
        "exact": sorted({*probes, *(number for number, expression in expressions.items() if expression.exact)}),
        "probes": sorted(probes),
        "always": sorted(always),
        "tail": _tail(plan, groups["tail"]),
        "later": [sorted(numbers) for name, numbers in groups.items() if name.startswith(_LATER)],
    }
    return {name: _dumped(database) for name, database in databases.items() if database is not None}, head


def load(serialised: Mapping[str, bytes], head: Mapping[str, Any], plan: Plan) -> HyperscanScanner:
    """A scanner from what `build` gave for the plan.

    Raises:
        hyperscan.error: made by another version or for another CPU, or damaged.
    """
    later = [frozenset(numbers) for numbers in head["later"]]
    probes = [(number, plan.pattern(number)) for number in head["probes"]]
    return HyperscanScanner(
        serialised, exact=frozenset(head["exact"]), always=frozenset(head["always"]), tail=head["tail"], later=later, probes=probes
    )


def unusable() -> tuple[type[Exception], ...]:
    """What may be raised by cached content that this program, this library or this CPU cannot use."""
    content = (ValueError, TypeError, KeyError, IndexError)
    try:
        import hyperscan
    except ImportError:
        return content
    return (*content, hyperscan.error)


def _loaded(content: bytes) -> hyperscan.Database:
    import hyperscan

    database = hyperscan.loadb(content, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


def _dumped(database: Any) -> bytes:
    import hyperscan

    return bytes(hyperscan.dumpb(database))


def _groups(plan: Plan) -> dict[str, frozenset[int]]:
    """The patterns of each database, by its name."""
    groups: dict[str, set[int]] = {name: set() for name in _KINDS}
    for number in {number for signature in plan.signatures for number in signature.scanned}:
        pattern = plan.pattern(number)
        if pattern.anchor is Anchor.END:
            groups["tail"].add(number)
        elif is_near(pattern):
            groups["nearest" if (pattern.reach or 0) <= _NEAREST else "near"].add(number)
        else:
            groups["head"].add(number)
    # what counts from the end is looked at one by one where it is not in every file: it is little, and cheap
    groups["entry"] = {number for number in _asked(plan) if plan.pattern(number).anchor is not Anchor.END}
    later: dict[bytes, set[int]] = {}
    for signature in plan.signatures:
        if numbers := {number for number in (*signature.later, *signature.far) if plan.pattern(number).anchor is not Anchor.END}:
            later.setdefault(_beginning(plan.pattern(signature.scanned[0])), set()).update(numbers)
    placed: set[int] = set()
    for index, key in enumerate(sorted(later, reverse=True)):
        # one that several beginnings announce is in the database of one of them
        groups[f"{_LATER}{index}"] = later[key] - placed
        placed |= later[key]
    return {name: frozenset(numbers) for name, numbers in groups.items()}


def _is_probe(pattern: Pattern) -> bool:
    """Whether looking at the pattern's one place is cheaper than scanning for it: it has too little that a scan could go by."""
    expression = whole(pattern)
    if pattern.anchor is not Anchor.START or pattern.low != pattern.high or not (expression.exact and expression.least_end):
        return False
    longest = 0
    for step in pattern.steps:
        fixed = [len(cell) == 1 and cell not in _COMMON for cell in step.cells] if isinstance(step, Run) else []
        longest = max([longest, *(sum(run) for same, run in groupby(fixed) if same)])
    return longest < _TELLING


def _beginning(pattern: Pattern) -> bytes:
    """The first bytes of a pattern, as far as they are fixed: what begins alike is looked for in the same files."""
    first = pattern.steps[0]
    cells = first.cells if isinstance(first, Run) and pattern.anchor is Anchor.START else ()
    fixed = list(takewhile(lambda cell: len(cell) == 1, cells[:_ALIKE]))
    return b"".join(fixed)


def _asked(plan: Plan) -> set[int]:
    entries = (entry for paths in plan.entries.values() for asked in paths.values() for entry in asked)
    return {number for entry in entries for content in entry.contents for number in content}


def _tail(plan: Plan, numbers: Iterable[int]) -> int:
    """Bytes from the end that the patterns of these numbers can lie in; for those without end, more than any window has."""
    reaches = [pattern.reach for pattern in map(plan.pattern, numbers) if pattern.anchor is Anchor.END]
    return max((_ENDLESS if reach is None else reach for reach in reaches), default=0)


def _compiled(expressions: Mapping[int, Expression]) -> hyperscan.Database | None:
    import hyperscan

    if not expressions:
        return None
    limits = []
    for expression in expressions.values():
        flags = hyperscan.HS_EXT_FLAG_MIN_OFFSET if expression.least_end else 0
        flags |= hyperscan.HS_EXT_FLAG_MAX_OFFSET if expression.greatest_end is not None else 0
        limits.append(hyperscan.ExpressionExt(flags, expression.least_end, expression.greatest_end or 0))
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.source for expression in expressions.values()],
        ids=list(expressions),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH] * len(expressions),
        ext=limits,
    )
    return database


def _missed(
    plan: Plan, databases: Mapping[str, hyperscan.Database | None], groups: Mapping[str, frozenset[int]], suspects: set[int]
) -> set[int]:
    # the same samples at every build: a release either works on this library or does not
    chance = random.Random(plan.version)
    missed = set()
    for name, numbers in groups.items():
        database = databases[name]
        if database is None:
            continue
        for number in sorted(numbers & suspects):
            pattern = plan.pattern(number)
            for _ in range(_SAMPLES):
                window = sample(pattern, chance)
                hits: list[int] = []
                database.scan(window, _note, context=hits)
                if len(window) <= _SAMPLE_LIMIT and number not in hits and pattern.matches(window):
                    missed.add(number)
                    break
    return missed
