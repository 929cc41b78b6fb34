"""The PRONOM engine: from bytes to formats, by byte signatures and by what containers hold.

The plan of a release and its compiled databases come from the cache, or are built once and put there.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from preservation.identification import cache, local, scanning, signatures
from preservation.identification.containers import END, Container, ContainerError, Content, opened
from preservation.identification.patterns import Anchor
from preservation.identification.plan import Plan, PlannedEntry, PlannedSignature, arrange, is_near
from preservation.identification.remarks import CONTAINER_UNREADABLE, ENTRY_UNREADABLE, Remark
from preservation.identification.signatures import Format

#: Bytes from the start that are looked at where a window leaves open which of several formats a file is: a PDF, or a PDF/A?
DEEP_WINDOW: Final = 16 * 1024 * 1024
#: Changes whenever plans or expressions are made in another way, so that older cache files are not used.
ENGINE_VERSION: Final = 4
#: How many different findings are remembered.
_REMEMBERED: Final = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One signature release on disk.

    Args:
        id: our name for it, for instance ``v109-c25-1f2e3d4c``: versions and the beginning of `digest`.
        version: version of the signature file.
        container_version: version of the container signature file.
        signature_file: DROID's signature file.
        container_file: DROID's container signature file.
        digest: SHA-256 over both files, hexadecimal.
    """

    id: str
    version: str
    container_version: str
    signature_file: Path
    container_file: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the engine found.

    Args:
        formats: those that match and are not beaten by priority, by PUID.
        matches: their PUIDs.
        basis: ``container``, ``signature`` or ``none``.
        remarks: what else there is to say.
    """

    formats: tuple[Format, ...]
    matches: tuple[str, ...]
    basis: Literal["container", "signature", "none"]
    remarks: tuple[Remark, ...] = ()

    @classmethod
    def of(cls, formats: Sequence[Format], basis: Literal["container", "signature"], remarks: tuple[Remark, ...] = ()) -> Decision:
        """The decision for these formats, on this basis if there are any."""
        return cls(tuple(formats), tuple(each.puid for each in formats), basis if formats else "none", remarks)


#: A signature of which the scan found everything, and what is to be looked at before it counts: ends of file that are looked at in
#: no time, patterns that are scanned for only now, what is to be looked at step by step, formats.
_Open = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What follows from a set of hits: formats for certain, and signatures that are still open."""

    formats: frozenset[str]
    left: tuple[_Open, ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What follows from a set of formats by signature.

    Args:
        decision: if there is no more to look at.
        kind: the container to look into.
        superior: signatures to look for in a larger window.
    """

    decision: Decision
    kind: str | None
    superior: tuple[int, ...]


class Engine:
    """One release, ready to identify. One thread at a time."""

    def __init__(self, plan: Plan, scanner: scanning.Scanner, *, deep_window: int = DEEP_WINDOW) -> None:
        self.plan = plan
        self._deep_window = deep_window
        self.name = f"pronom V{plan.version}"
        self._scanner = scanner
        self._wanted = {kind: frozenset({*paths, local.OFD_ENTRY}) for kind, paths in plan.entries.items()}
        # what follows from hits is the same for every file that has the same hits, and files are much alike
        self._findings: dict[frozenset[int], _Finding] = {}
        self._verdicts: dict[frozenset[str], _Verdict] = {}
        self._chances: dict[tuple[frozenset[int], tuple[int, ...]], list[tuple[PlannedSignature, list[int]]]] = {}
        self._entries: dict[tuple[int, frozenset[int]], list[int]] = {}

    @classmethod
    def open(
        cls,
        cache_dir: Path,
        release: Release,
        *,
        scanner: Literal["auto", "hyperscan", "re"] = "auto",
        deep_window: int = DEEP_WINDOW,
    ) -> Engine:
        """The engine for a release; builds what the cache does not have (some seconds).

        Raises:
            MetadataError: the release's files are not what they should be.
            OSError: they cannot be read.
            ImportError: Hyperscan was asked for and is not installed.
        """
        version = scanning.available() if scanner != "re" else None
        if scanner == "hyperscan" and version is None:
            raise ImportError("hyperscan")
        key = f"{ENGINE_VERSION} {release.digest} {version} {platform.machine()} {sys.byteorder}"
        path = cache_dir / f"{release.id}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.signatures"
        if stored := cache.load(path):
            found = _from_cache(stored, hyperscan=version is not None)
            if found is not None:
                return cls(*found, deep_window=deep_window)
        plan = arrange(signatures.read(release.signature_file, release.container_file))
        if version is None:
            cache.save(path, [plan.as_bytes(), b"{}"])
            return cls(plan, scanning.PlainScanner(plan), deep_window=deep_window)
        databases, rest = scanning.build(plan)
        head = {**rest, "databases": list(databases)}
        cache.save(path, [plan.as_bytes(), json.dumps(head).encode(), *databases.values()])
        return cls(plan, scanning.load(databases, rest, plan), deep_window=deep_window)

    @property
    def scanner(self) -> str:
        """How patterns are found: ``hyperscan`` or ``re``."""
        return self._scanner.name

    def decide(self, content: Content) -> Decision:
        """The formats that the bytes have signatures of."""
        scanner, head = self._scanner, content.head
        hits = frozenset(scanner.candidates(head, content.end(scanner.tail) if scanner.tail else b""))
        finding = self._findings.get(hits) or self._remembered(hits)
        look = None
        numbers = finding.formats
        if finding.left:
            look = _Look(self.plan, scanner, content)
            numbers = look.completed(finding)
        verdict = self._verdicts.get(numbers) or self._judged(numbers)
        remarks: tuple[Remark, ...] = ()
        if verdict.kind is not None:
            found, remarks = self._inside(verdict.kind, content)
            if found:
                return Decision.of(found, "container", remarks)
        if verdict.superior and content.size > len(head) and self._deep_window:
            verdict = self._deeper(content, hits, numbers, verdict, look or _Look(self.plan, scanner, content))
        if not verdict.decision.formats and (own := local.by_head(head)):
            return Decision.of((own,), "signature", remarks)
        return replace(verdict.decision, remarks=remarks) if remarks else verdict.decision

    def _remembered(self, hits: frozenset[int]) -> _Finding:
        plan, exact = self.plan, self._scanner.exact
        certain: set[str] = set()
        left: list[_Open] = []
        for index in sorted({index for number in hits for index in plan.using[number]}):
            signature = plan.signatures[index]
            if hits.issuperset(signature.scanned):
                doubtful = [number for number in signature.scanned if number not in exact]
                if doubtful or signature.later:
                    ends = [number for number in signature.later if plan.pattern(number).anchor is Anchor.END]
                    quick = tuple(number for number in ends if plan.pattern(number).is_quick)
                    later = tuple(number for number in signature.later if number not in ends)
                    rest = (*doubtful, *(number for number in later if number not in exact), *(n for n in ends if n not in quick))
                    left.append((quick, later, rest, signature.formats))
                else:
                    certain.update(signature.formats)
        # what is certain by one signature need not be looked for by another
        finding = _Finding(frozenset(certain), tuple(each for each in left if not certain.issuperset(each[3])))
        _put(self._findings, hits, finding)
        return finding

    def _judged(self, numbers: frozenset[str]) -> _Verdict:
        plan = self.plan
        formats = tuple(plan.resolved(numbers))
        kinds = [plan.triggers[number] for number in sorted(numbers) if number in plan.triggers]
        # what is in a container says more than what lies anywhere in its bytes
        superior = {index for each in formats if each.id not in plan.triggers for index in plan.superior.get(each.id, ())}
        verdict = _Verdict(
            Decision.of(formats, "signature"),
            kinds[0] if kinds else None,
            tuple(index for index in sorted(superior) if not numbers.issuperset(plan.signatures[index].formats)),
        )
        _put(self._verdicts, numbers, verdict)
        return verdict

    def _deeper(self, content: Content, hits: frozenset[int], numbers: frozenset[str], verdict: _Verdict, look: _Look) -> _Verdict:
        """The verdict by a larger window; without access to the bytes between, the one there was.

        Only signatures that can beat what was found are looked for, and only where what they have near the start is there.
        """
        plan = self.plan
        tried: set[int] = set()
        deep: _Look | None = None
        while left := tuple(index for index in verdict.superior if index not in tried):
            tried.update(left)
            chances = self._chances.get((hits, left))
            if chances is None:
                chances = [chance for index in left if (chance := self._chance(plan.signatures[index], hits)) is not None]
                _put(self._chances, (hits, left), chances)
            wanted = [signature for signature, doubtful in chances if all(map(look.confirmed, doubtful))]
            if not wanted:
                break
            if deep is None:
                try:
                    window = content.at(0, min(content.size, self._deep_window))
                except ContainerError:
                    break
                deep = _Look(plan, self._scanner, content, window)
            found = deep.far(wanted)
            if found <= numbers:
                break
            numbers |= found
            verdict = self._verdicts.get(numbers) or self._judged(numbers)
        return verdict

    def _chance(self, signature: PlannedSignature, hits: frozenset[int]) -> tuple[PlannedSignature, list[int]] | None:
        """The signature with what of its beginning the scan is not certain of; None where its beginning is not there."""
        near = [number for number in signature.scanned if is_near(self.plan.pattern(number))]
        return (signature, [number for number in near if number not in self._scanner.exact]) if hits.issuperset(near) else None

    def _inside(self, kind: str, content: Content) -> tuple[list[Format], tuple[Remark, ...]]:
        asked = self.plan.entries.get(kind, {})
        try:
            container = opened(kind, content, self._wanted.get(kind, ()))
        except ContainerError as error:
            return [], (Remark(CONTAINER_UNREADABLE, kind=kind, reason=error),)
        met: dict[int, int] = {}
        remarks = []
        for name in container.names:
            if name not in asked:
                continue
            signatures_met: Sequence[int]
            try:
                signatures_met = self._met(asked[name], container, name)
            except ContainerError as error:
                remarks.append(Remark(ENTRY_UNREADABLE, entry=name, kind=kind, reason=error))
                signatures_met = [each.signature for each in asked[name] if not each.contents]
            for number in signatures_met:
                met[number] = met.get(number, 0) + 1
        numbers: set[str] = set()
        for number, count in met.items():
            needed, formats = self.plan.containers[number]
            if count >= needed:
                numbers.update(formats)
        found = self.plan.resolved(numbers)
        if not found and kind == "ZIP" and (own := local.ofd(container)):
            found = [own]
        return found, tuple(remarks)

    def _met(self, asked: Sequence[PlannedEntry], container: Container, name: str) -> Sequence[int]:
        """The container signatures whose demand on this entry is met."""
        if not any(entry.contents for entry in asked):
            return [entry.signature for entry in asked]
        data, whole = container.read(name)
        plan, exact = self.plan, self._scanner.exact
        hits = frozenset(self._scanner.entry(data))
        key = (id(asked), hits)
        if (known := self._entries.get(key)) is not None:
            return known
        verdicts: dict[int, bool] = {}
        # what the scan alone decides is the same for every entry that has the same hits
        scanned = True

        def matches(number: int) -> bool:
            nonlocal scanned
            verdict = verdicts.get(number)
            if verdict is None:
                pattern = plan.pattern(number)
                if pattern.anchor is Anchor.END:
                    scanned = False
                    verdict = whole and pattern.matches(data)
                elif number not in hits or number in exact:
                    verdict = number in hits
                else:
                    scanned = False
                    verdict = pattern.matches(data)
                verdicts[number] = verdict
            return verdict

        met = [entry.signature for entry in asked if not entry.contents or any(all(map(matches, content)) for content in entry.contents)]
        if scanned:
            _put(self._entries, key, met)
        return met


class _Look:
    """A closer look at one file: each pattern is looked at once, whatever the number of signatures that have it."""

    __slots__ = ("_content", "_exact", "_plan", "_scanner", "_verdicts", "_window")

    def __init__(self, plan: Plan, scanner: scanning.Scanner, content: Content, window: bytes | None = None) -> None:
        self._plan = plan
        self._scanner = scanner
        self._exact = scanner.exact
        self._content = content
        self._window = content.head if window is None else window
        self._verdicts: dict[int, bool] = {}

    def completed(self, finding: _Finding) -> frozenset[str]:
        """The formats of the finding, with those of its open signatures that the file has."""
        left = []
        later: list[int] = []
        # plain loops: this runs for most files, and generators would take a third of its time
        for each in finding.left:
            for number in each[0]:
                if not self.confirmed(number):
                    break
            else:
                left.append(each)
                later += each[1]
        if not left:
            return finding.formats
        hits = frozenset(self._scanner.later(self._window, later) if later else ())
        met = [each[3] for each in left if hits.issuperset(each[1]) and all(map(self.confirmed, each[2]))]
        return finding.formats.union(*met) if met else finding.formats

    def far(self, signatures: Sequence[PlannedSignature]) -> frozenset[str]:
        """The formats of those of the signatures that have all their far patterns in the window."""
        found: set[str] = set()
        hits = frozenset(self._scanner.later(self._window, [number for each in signatures for number in each.far]))
        for signature in signatures:
            ends = [number for number in signature.later if self._plan.pattern(number).anchor is Anchor.END]
            if (
                hits.issuperset(signature.far)
                and all(n in self._exact or self.confirmed(n) for n in signature.far)
                and all(map(self.confirmed, ends))
            ):
                found.update(signature.formats)
        return frozenset(found)

    def confirmed(self, number: int) -> bool:
        """Whether the file has the pattern."""
        verdict = self._verdicts.get(number)
        if verdict is None:
            pattern = self._plan.pattern(number)
            if pattern.anchor is not Anchor.END:
                window = self._window
            else:
                reach = pattern.reach
                window = self._content.tail if reach is None or reach > END else self._content.end(reach)
            verdict = self._verdicts[number] = pattern.matches(window)
        return verdict


def _put(memory: dict[Any, Any], key: object, value: object) -> None:
    """Remembers, within bounds: hostile files must not fill the memory."""
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value


def _from_cache(sections: list[bytes], *, hyperscan: bool) -> tuple[Plan, scanning.Scanner] | None:
    """Plan and scanner from a cache file's sections, or None where they do not fit this program or this machine."""
    try:
        plan = Plan.from_bytes(sections[0])
        if not hyperscan:
            return plan, scanning.PlainScanner(plan)
        head = json.loads(sections[1])
        databases = dict(zip(head["databases"], sections[2:], strict=True))
        return plan, scanning.load(databases, head, plan)
    except scanning.unusable():
        return None
