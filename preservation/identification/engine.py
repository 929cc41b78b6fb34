"""The PRONOM engine: from bytes to formats, by byte signatures and by what containers hold.

The plan of a release and its compiled databases come from the cache, or are built once and put there.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from preservation.identification import cache, local, scanning, signatures
from preservation.identification.containers import Container, ContainerError, Content, opened
from preservation.identification.patterns import Anchor
from preservation.identification.plan import Plan, PlannedEntry, arrange
from preservation.identification.remarks import CONTAINER_UNREADABLE, ENTRY_UNREADABLE, Remark
from preservation.identification.signatures import Format

#: Bytes from the start that are looked at where a window leaves open which of several formats a file is: a PDF, or a PDF/A?
DEEP_WINDOW: Final = 16 * 1024 * 1024
#: Changes whenever plans or expressions are made in another way, so that older cache files are not used.
ENGINE_VERSION: Final = 1


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
        basis: ``container``, ``signature`` or ``none``.
        remarks: what else there is to say.
    """

    formats: list[Format]
    basis: Literal["container", "signature", "none"]
    remarks: tuple[Remark, ...] = ()


class Engine:
    """One release, ready to identify. One thread at a time."""

    def __init__(self, plan: Plan, scanner: scanning.Scanner, *, deep_window: int = DEEP_WINDOW) -> None:
        self.plan = plan
        self._deep_window = deep_window
        self.name = f"pronom V{plan.version}"
        self._scanner = scanner
        # what is in a container says more than what lies anywhere in its bytes
        self._inferior = plan.inferior - plan.triggers.keys() if deep_window else frozenset[str]()
        self._wanted = {kind: frozenset({*paths, local.OFD_ENTRY}) for kind, paths in plan.entries.items()}

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
        databases, exact, always = scanning.build(plan)
        head = {"exact": sorted(exact), "always": always, "regions": list(databases)}
        cache.save(path, [plan.as_bytes(), json.dumps(head).encode(), *databases.values()])
        return cls(plan, scanning.load(databases, exact, always), deep_window=deep_window)

    @property
    def scanner(self) -> str:
        """How patterns are found: ``hyperscan`` or ``re``."""
        return self._scanner.name

    def decide(self, content: Content) -> Decision:
        """The formats that the bytes have signatures of."""
        numbers = self._by_signature(content.head, content.tail)
        remarks: tuple[Remark, ...] = ()
        triggers = self.plan.triggers
        for number in numbers:
            kind = triggers.get(number)
            if kind:
                found, remarks = self._inside(kind, content)
                if found:
                    return Decision(found, "container", remarks)
                break
        formats = self.plan.resolved(numbers)
        if content.size > len(content.head) and any(format.id in self._inferior for format in formats):
            formats = self._deeper(content, formats)
        if not formats and (own := local.by_head(content.head)):
            formats = [own]
        return Decision(formats, "signature" if formats else "none", remarks)

    def _deeper(self, content: Content, formats: list[Format]) -> list[Format]:
        """The formats by a larger window; without access to the bytes between, those that were found."""
        try:
            head = content.at(0, min(content.size, self._deep_window))
        except ContainerError:
            return formats
        return self.plan.resolved(self._by_signature(head, content.tail))

    def _by_signature(self, head: bytes, tail: bytes) -> set[str]:
        plan, scanner = self.plan, self._scanner
        hits = scanner.candidates(head, tail)
        found: set[str] = set()
        if not hits:
            return found
        seen = set(hits)
        verdicts: dict[int, bool] = {}

        def confirmed(number: int) -> bool:
            verdict = verdicts.get(number)
            if verdict is None:
                pattern = plan.pattern(number)
                verdict = verdicts[number] = pattern.matches(tail if pattern.anchor is Anchor.END else head)
            return verdict

        exact = scanner.exact
        for index in {index for number in seen for index in plan.using[number]}:
            signature = plan.signatures[index]
            if len(signature.scanned) > 1 and not seen.issuperset(signature.scanned):
                continue
            # plain loops: this runs for every file, and generators would take a third of its time
            for number in signature.scanned:
                if number not in exact and not confirmed(number):
                    break
            else:
                for number in signature.confirmed:
                    if not confirmed(number):
                        break
                else:
                    found.update(signature.formats)
        return found

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
            try:
                whole = self._met(asked[name], container, name)
            except ContainerError as error:
                remarks.append(Remark(ENTRY_UNREADABLE, entry=name, kind=kind, reason=error))
                whole = [each.signature for each in asked[name] if not each.contents]
            for number in whole:
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

    def _met(self, asked: Iterable[PlannedEntry], container: Container, name: str) -> list[int]:
        """The container signatures whose demand on this entry is met."""
        data: bytes | None = None
        whole = True
        verdicts: dict[int, bool] = {}

        def matches(number: int) -> bool:
            verdict = verdicts.get(number)
            if verdict is None:
                pattern = self.plan.pattern(number)
                readable = whole or pattern.anchor is not Anchor.END
                verdict = verdicts[number] = readable and pattern.matches(data or b"")
            return verdict

        met = []
        for entry in asked:
            if entry.contents and data is None:
                data, whole = container.read(name)
            for content in entry.contents:
                for number in content:
                    if not matches(number):
                        break
                else:
                    break
            else:
                if entry.contents:
                    continue
            met.append(entry.signature)
        return met


def _from_cache(sections: list[bytes], *, hyperscan: bool) -> tuple[Plan, scanning.Scanner] | None:
    """Plan and scanner from a cache file's sections, or None where they do not fit this program or this machine."""
    try:
        plan = Plan.from_bytes(sections[0])
        if not hyperscan:
            return plan, scanning.PlainScanner(plan)
        head = json.loads(sections[1])
        databases = dict(zip(head["regions"], sections[2:], strict=True))
        return plan, scanning.load(databases, frozenset(head["exact"]), tuple(head["always"]))
    except scanning.unusable():
        return None
