"""The plan of identification: one release, arranged for looking things up, small enough to load at every start.

Patterns that several signatures share are there once. They stay JSON text until a file needs one of them, so that a plan
loads in milliseconds and few megabytes though it holds thousands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import Gap, Step
from preservation.identification.signatures import Format, Signature, SignatureSet

#: Patterns that end within so many bytes of the start are looked for in these only; longer ones are scanned for in the window.
NEAR: Final = 4096 + 256
#: A pattern that may end further from the start than this lies far from it, bytes.
FAR: Final = 64 * 1024
#: A gap wider than this ends the part of a pattern that announces the whole.
_NARROW: Final = 256


@dataclass(frozen=True, slots=True)
class PlannedSignature:
    """A byte signature over numbered patterns.

    Args:
        scanned: patterns that are looked for in every file. They are all that the signature has, or, where others are dear to
            look for, those that announce them.
        later: patterns looked for only when all of `scanned` are there: those without end, and ends of file.
        far: where one of its patterns may lie far from the start, all that do not lie near it.
        formats: numbers of the formats it speaks for.
    """

    scanned: tuple[int, ...]
    later: tuple[int, ...]
    far: tuple[int, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """What one container signature asks of one entry: its number, and sets of patterns of which one must be there in full."""

    signature: int
    contents: tuple[tuple[int, ...], ...]


@dataclass(kw_only=True)
class Plan:
    """One release, ready for use.

    Args:
        version: of the signature file.
        container_version: of the container signature file.
        formats: by the release's number.
        patterns: JSON text of each pattern; see `pattern`.
        signatures: byte signatures.
        entries: kind of container → path → what is asked of it.
        containers: for every container signature, how many entries it has and which formats it speaks for.
        triggers: number of the format that calls for a look inside, to kind of container.
        superior: number of a format over which others have priority whose signatures may lie far from the start, to the indexes
            of these signatures.
    """

    version: str
    container_version: str
    formats: dict[str, Format]
    patterns: list[str]
    signatures: list[PlannedSignature]
    entries: dict[str, dict[str, list[PlannedEntry]]]
    containers: list[tuple[int, tuple[str, ...]]]
    triggers: dict[str, str]
    superior: dict[str, tuple[int, ...]]
    _decoded: dict[int, Pattern] = field(default_factory=dict)

    def pattern(self, number: int) -> Pattern:
        """The pattern of that number."""
        found = self._decoded.get(number)
        if found is None:
            found = self._decoded[number] = Pattern.from_json(json.loads(self.patterns[number]))
        return found

    @cached_property
    def over(self) -> dict[str, frozenset[str]]:
        """Number of each format that has priority over others, to theirs."""
        return {number: frozenset(format.over) for number, format in self.formats.items() if format.over}

    @cached_property
    def using(self) -> list[list[int]]:
        """For every pattern, the signatures that scan for it."""
        out: list[list[int]] = [[] for _ in self.patterns]
        for index, signature in enumerate(self.signatures):
            for number in signature.scanned:
                out[number].append(index)
        return out

    @cached_property
    def by_extension(self) -> dict[str, list[Format]]:
        """Formats by file name extension."""
        out: dict[str, list[Format]] = {}
        for format in self.formats.values():
            for extension in format.extensions:
                out.setdefault(extension, []).append(format)
        return out

    @cached_property
    def by_puid(self) -> dict[str, Format]:
        """Formats by PUID."""
        return {format.puid: format for format in self.formats.values()}

    def resolved(self, numbers: Iterable[str]) -> list[Format]:
        """The formats of these numbers, without those that another of them has priority over."""
        found = set(numbers)
        if len(found) > 1:
            beaten: set[str] = set()
            for number in found & self.over.keys():
                beaten |= self.over[number]
            found -= beaten
        return sorted((self.formats[number] for number in found), key=lambda format: format.puid)

    def as_bytes(self) -> bytes:
        """For the cache."""
        value = {
            "version": self.version,
            "container_version": self.container_version,
            "formats": [list(asdict(format).values()) for format in self.formats.values()],
            "patterns": self.patterns,
            "signatures": [[each.scanned, each.later, each.far, each.formats] for each in self.signatures],
            "entries": {
                kind: {path: [[each.signature, each.contents] for each in asked] for path, asked in paths.items()}
                for kind, paths in self.entries.items()
            },
            "containers": self.containers,
            "triggers": self.triggers,
            "superior": self.superior,
        }
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, text: bytes) -> Plan:
        """The inverse of `as_bytes`."""
        value: dict[str, Any] = json.loads(text)
        formats = {}
        for number, puid, name, version, mime, extensions, over, signed in value["formats"]:
            formats[number] = Format(
                id=number, puid=puid, name=name, version=version, mime=mime, extensions=tuple(extensions), over=tuple(over), signed=signed
            )
        return cls(
            version=value["version"],
            container_version=value["container_version"],
            formats=formats,
            patterns=value["patterns"],
            signatures=[PlannedSignature(*map(tuple, each)) for each in value["signatures"]],
            entries={
                kind: {
                    path: [PlannedEntry(number, tuple(map(tuple, contents))) for number, contents in asked] for path, asked in paths.items()
                }
                for kind, paths in value["entries"].items()
            },
            containers=[(count, tuple(numbers)) for count, numbers in value["containers"]],
            triggers=value["triggers"],
            superior={number: tuple(indexes) for number, indexes in value["superior"].items()},
        )


def arrange(release: SignatureSet) -> Plan:
    """The plan of a release."""
    texts: dict[str, int] = {}

    def number_of(pattern: Pattern) -> int:
        return texts.setdefault(json.dumps(pattern.as_json(), separators=(",", ":")), len(texts))

    signatures = [_planned(signature, number_of) for signature in release.signatures]
    numbers = {format.puid: format.id for format in release.formats.values()}
    entries: dict[str, dict[str, list[PlannedEntry]]] = {}
    containers = []
    for index, container in enumerate(release.containers):
        formats = tuple(numbers[puid] for puid in container.puids if puid in numbers)
        containers.append((len(container.entries), formats))
        for entry in container.entries:
            contents = tuple(tuple(number_of(each) for each in content) for content in entry.contents)
            entries.setdefault(container.kind, {}).setdefault(entry.path, []).append(PlannedEntry(index, contents))
    return Plan(
        version=release.version,
        container_version=release.container_version,
        formats=release.formats,
        patterns=list(texts),
        signatures=signatures,
        entries=entries,
        containers=containers,
        triggers={numbers[puid]: kind for puid, kind in release.triggers.items() if puid in numbers},
        superior=_superior(release, signatures),
    )


def _planned(signature: Signature, number_of: Callable[[Pattern], int]) -> PlannedSignature:
    """Of patterns near the start the scan is cheap. Where a signature has one, it announces the others; where it has none, the
    beginning of a pattern does, up to its first wide gap."""
    ends = [each for each in signature.patterns if each.anchor is Anchor.END]
    others = [each for each in signature.patterns if each.anchor is not Anchor.END]
    scanned = [each for each in others if is_near(each)]
    later = [each for each in others if not is_near(each)]
    if not scanned and later:
        announced = [(each, _announcement(each)) for each in later]
        scanned = [first or each for each, first in announced]
        later = [each for each, first in announced if first is not None]
    if not scanned:
        scanned, ends = ends, []

    def numbers(patterns: Iterable[Pattern]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(number_of(each) for each in patterns))

    distant = [each for each in others if not is_near(each)]
    far = distant if any(each.reach is None or each.reach > FAR for each in distant) else []
    return PlannedSignature(numbers(scanned), numbers([*later, *ends]), numbers(far), signature.formats)


def is_near(pattern: Pattern) -> bool:
    """Whether the pattern can only lie near the start of a file."""
    return pattern.anchor is Anchor.START and pattern.reach is not None and pattern.reach <= NEAR


def _announcement(pattern: Pattern) -> Pattern | None:
    """The beginning of a pattern, up to its first wide gap; None where it has none, or begins with one."""
    steps: list[Step] = []
    for step in pattern.steps:
        if isinstance(step, Gap) and (step.high is None or step.high - step.low > _NARROW):
            break
        steps.append(step)
    else:
        return None
    while steps and isinstance(steps[-1], Gap):
        steps.pop()
    return Pattern(anchor=pattern.anchor, low=pattern.low, high=pattern.high, steps=tuple(steps)) if steps else None


def _superior(release: SignatureSet, signatures: Sequence[PlannedSignature]) -> dict[str, tuple[int, ...]]:
    """PDF is the one that matters most: what makes a PDF a PDF/A may stand anywhere in it."""
    out: dict[str, list[int]] = {}
    for index, signature in enumerate(signatures):
        if signature.far:
            for beaten in {beaten for number in signature.formats for beaten in release.formats[number].over}:
                out.setdefault(beaten, []).append(index)
    return {number: tuple(indexes) for number, indexes in sorted(out.items())}
