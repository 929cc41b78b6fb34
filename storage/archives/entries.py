"""What every kind of package source gives: entries with a checked path and their bytes in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from storage.archives.paths import Conversion

#: Largest piece of content held at once, and the size up to which a file is handed over in one piece.
BLOCK: Final = 1 << 20


class ArchiveKind(StrEnum):
    """What a package came as."""

    FOLDER = "folder"
    FILE = "file"
    ZIP = "zip"
    TAR = "tar"
    TAR_GZ = "tar.gz"
    TAR_BZ2 = "tar.bz2"
    TAR_XZ = "tar.xz"


class Entry(NamedTuple):
    """One file or folder of a package.

    Args:
        path: checked, converted and unique path, ``/`` between parts.
        raw_path: the path as the sender's bytes had it.
        folder: whether it is a folder; a folder has no blocks.
        modified: seconds since the epoch, or None.
        blocks: the content, to be read before the next entry is asked for.
    """

    path: str
    raw_path: bytes
    folder: bool
    modified: float | None
    blocks: Iterable[bytes]


class PackageSource(AbstractContextManager["PackageSource"], Protocol):
    """An opened package whose names have been looked at as far as that is possible without unpacking.

    Args:
        kind: what it came as.
        received_bytes: its size as it came.
        declared_bytes: unpacked bytes it says it has, or None where only unpacking can tell.
        conversions: names that could not stay as they were; complete when `entries` has ended.
    """

    kind: ArchiveKind
    received_bytes: int
    declared_bytes: int | None

    @property
    def conversions(self) -> list[Conversion]:
        """Names that were converted, so far."""

    def entries(self) -> Iterator[Entry]:
        """Every entry, once, in the order in which it is quickest to read.

        Raises:
            UnsafePackage: an entry is broken, hostile or over a limit; `UnsafePackage.also` has the others found.
        """
