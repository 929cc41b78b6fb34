"""The plan of identification: one release, arranged for looking things up, small enough to load at every start.

Patterns that several signatures share are there once. They stay JSON text until a file needs one of them, so that a plan
loads in milliseconds and few megabytes though it holds thousands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.signatures import Format, SignatureSet

#: A pattern that may end further from the start than this lies far from it, bytes.
FAR: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class PlannedSignature:
    """A byte signature over numbered patterns.

    Args:
        scanned: patterns that a scan looks for.
        confirmed: patterns looked for only when all of `scanned` are there: ends of file are rare to matter and dear to scan.
        formats: numbers of the formats it speaks for.
    """

    scanned: tuple[int, ...]
    confirmed: tuple[int, ...]
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
        inferior: numbers of the formats over which another has priority whose signature may lie far from the start.
    """

    version: str
    container_version: str
    formats: dict[str, Format]
    patterns: list[str]
    signatures: list[PlannedSignature]
    entries: dict[str, dict[str, list[PlannedEntry]]]
    containers: list[tuple[int, tuple[str, ...]]]
    triggers: dict[str, str]
    inferior: frozenset[str]
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
            "signatures": [[each.scanned, each.confirmed, each.formats] for each in self.signatures],
            "entries": {
                kind: {path: [[each.signature, each.contents] for each in asked] for path, asked in paths.items()}
                for kind, paths in self.entries.items()
            },
            "containers": self.containers,
            "triggers": self.triggers,
            "inferior": sorted(self.inferior),
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
            inferior=frozenset(value["inferior"]),
        )


def arrange(release: SignatureSet) -> Plan:
    """The plan of a release."""
    texts: dict[str, int] = {}

    def number_of(pattern: Pattern) -> int:
        return texts.setdefault(json.dumps(pattern.as_json(), separators=(",", ":")), len(texts))

    signatures = []
    for signature in release.signatures:
        ends = [each for each in signature.patterns if each.anchor is Anchor.END]
        others = [each for each in signature.patterns if each.anchor is not Anchor.END]
        if not others:
            others, ends = ends, []
        signatures.append(
            PlannedSignature(
                tuple(dict.fromkeys(number_of(each) for each in others)),
                tuple(dict.fromkeys(number_of(each) for each in ends)),
                signature.formats,
            )
        )
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
        inferior=frozenset(_inferior(release)),
    )


def _inferior(release: SignatureSet) -> Iterator[str]:
    """PDF is the one that matters most: what makes a PDF a PDF/A may stand anywhere in it."""
    for signature in release.signatures:
        reaches = [pattern.reach for pattern in signature.patterns if pattern.anchor is not Anchor.END]
        if any(reach is None or reach > FAR for reach in reaches):
            for number in signature.formats:
                yield from release.formats[number].over
