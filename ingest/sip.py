"""The submission information package (SIP) as values: what was received, what it declares, what it means.

Profiles (`ingest.profiles`) turn a `PackageTree` into a `Sip`; the pipeline does the rest without knowing the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from metadata.description import Description
from repository.findings import Finding
from storage.digests import Digests


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedFile:
    """One file of a package, unpacked into a folder of ours and digested in the same pass.

    Args:
        path: its path in the package, ``/`` between parts, unique in the package; UTF-8 text that is legal in XML and
            on disk (`storage.names` says how bytes that are neither become text).
        raw_path: the path exactly as the sender's bytes had it.
        size: bytes.
        digests: the three digests.
        modified: time of last change as the package states it, seconds since the epoch, or None.
    """

    path: str
    raw_path: bytes
    size: int
    digests: Digests
    modified: float | None = None


@dataclass(frozen=True, kw_only=True)
class PackageTree:
    """An unpacked package: a folder of ours and the list of what is in it.

    Args:
        name: the package's own name (folder name, or archive name without its extension).
        root: the folder it was unpacked into; `path` of a file is relative to it. When an archive holds exactly one
            top-level folder, `root` is that folder and paths start below it.
        files: every file, by path.
        folders: empty folders, by path.
        form: ``folder``, ``zip``, ``tar`` or ``tar.gz``.
        received_bytes: size of the package as it came.
    """

    name: str
    root: Path
    files: Mapping[str, ReceivedFile]
    folders: tuple[str, ...] = ()
    form: str = "folder"
    received_bytes: int = 0

    def open(self, path: str) -> BinaryIO:
        """Opens a file of the package for reading.

        Raises:
            KeyError: no such file in the package.
        """
        return open(self.root / self.files[path].path, "rb")

    def below(self, folder: str) -> Iterator[ReceivedFile]:
        """Every file below a folder; ``""`` is the whole package."""
        prefix = folder.rstrip("/") + "/" if folder else ""
        return (file for path, file in self.files.items() if path.startswith(prefix))


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What the package itself says of one of its files.

    Args:
        path: path in the package.
        algorithm: digest algorithm (``sha512``, ``md5``, ``sm3`` …), or empty when only the size is declared.
        digest: lower-case hexadecimal, or empty.
        size: bytes, or None.
        source: the file that says so (``manifest-sha256.txt``, ``METS.xml``).
    """

    path: str
    source: str
    algorithm: str = ""
    digest: str = ""
    size: int | None = None


class Role(StrEnum):
    """Where a file of the package belongs in the AIP (E-ARK CSIP 2.x folders)."""

    CONTENT = "content"
    DESCRIPTIVE = "descriptive"
    PRESERVATION = "preservation"
    OTHER = "other"
    DOCUMENTATION = "documentation"
    SCHEMA = "schema"


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where one received file goes in the AIP.

    Args:
        source: its path in the package.
        role: what it is.
        representation: id of the representation a content file belongs to (``original`` unless the SIP has several).
        path: path below the folder of its role (below ``data/`` of its representation for content), names kept.
    """

    source: str
    role: Role
    path: str
    representation: str = "original"


@dataclass(frozen=True, kw_only=True)
class Sip:
    """A package that a profile has read.

    Args:
        profile: the profile's name.
        description: what the package says of the record.
        placements: where each received file goes; every file of the tree has exactly one.
        declared: what the package says of its files.
        findings: what reading it brought to light.
        declared_files: number of files the package says it has, or None.
        declared_bytes: number of payload bytes the package says it has, or None.
    """

    profile: str
    description: Description
    placements: Sequence[Placement]
    declared: Sequence[Declared] = ()
    findings: Sequence[Finding] = ()
    declared_files: int | None = None
    declared_bytes: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognition:
    """How well a profile fits a package.

    Args:
        profile: the profile's name.
        score: 0 (not at all) to 100 (certain).
        reason: English, why (``bagit.txt at the top``).
    """

    profile: str
    score: int
    reason: str


class Profile(Protocol):
    """A kind of package that can be recognised and read. A module of `ingest.profiles` offers one as ``profile``."""

    @property
    def name(self) -> str:
        """The name in settings, JSON and pages (``bagit``)."""

    def recognise(self, tree: PackageTree) -> Recognition:
        """Says how well the package fits, from its names and the first bytes of a few files. Never raises for bad content."""

    def read(self, tree: PackageTree) -> Sip:
        """Reads the package. What is wrong with it becomes findings: all of them at once, not the first."""
