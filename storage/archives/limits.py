"""Limits of a package, counted on what really comes out of it and not on what its headers claim."""

from __future__ import annotations

from typing import Final, Protocol

from storage.errors import N_, UnsafePackage
from storage.names import text_of

#: Below this many unpacked bytes the ratio is not looked at: a megabyte can harm nobody, and blank pages compress well.
RATIO_FREE_BYTES: Final = 1 << 20


class Limits(Protocol):
    """What a package may at most ask of us.

    Args:
        entries: files and folders.
        ratio: unpacked bytes for one packed byte, over the whole package.
        depth: folders inside folders.
        total_bytes: unpacked bytes.
    """

    entries: int
    ratio: float
    depth: int
    total_bytes: int


class Meter:
    """Counts entries and bytes against the limits.

    Args:
        limits: the limits.
        packed: size of the package as it came, in bytes.
        compressed: whether the ratio means anything (not for folders).
    """

    def __init__(self, limits: Limits, *, packed: int, compressed: bool = True) -> None:
        self._limits = limits
        self._packed = max(packed, 1)
        self._ratio_bytes = max(int(self._packed * limits.ratio), RATIO_FREE_BYTES) if compressed else limits.total_bytes
        self._ceiling = min(self._ratio_bytes, limits.total_bytes)
        self.entries = 0
        self.bytes = 0

    def count_entry(self, name: bytes) -> None:
        """Counts a file or folder, given the bytes of its name.

        Raises:
            UnsafePackage: there are more than allowed.
        """
        self.entries += 1
        if self.entries > self._limits.entries:
            raise UnsafePackage(
                "BOMB_ENTRIES",
                N_("The package has more than {limit} files and folders; it was given up at “{subject}”."),
                subject=text_of(name).text,
                remedy=N_("Split the package, or ask the archive to raise the limit of entries."),
                limit=self._limits.entries,
            )

    def count_bytes(self, size: int, name: str) -> None:
        """Counts unpacked bytes.

        Raises:
            UnsafePackage: the package unpacks to more than allowed, or to suspiciously more than it is packed.
        """
        self.bytes += size
        if self.bytes > self._ceiling:
            self.refuse(self.bytes, name)

    def refuse(self, total: int, name: str) -> None:
        """Raises if so many bytes in total are too many.

        Raises:
            UnsafePackage: they are.
        """
        if total > self._limits.total_bytes:
            raise UnsafePackage(
                "BOMB_TOTAL",
                N_("The package unpacks to more than {limit} bytes; it was given up at “{subject}”."),
                subject=name,
                remedy=N_("Split the package, or ask the archive to raise the limit of unpacked bytes."),
                limit=self._limits.total_bytes,
            )
        if total > self._ratio_bytes:
            raise UnsafePackage(
                "BOMB_RATIO",
                N_(
                    "The package is {packed} bytes packed and unpacks to more than {limit} times as much, as compression bombs do;"
                    " it was given up at “{subject}”."
                ),
                subject=name,
                remedy=N_("Send the files uncompressed (a folder or a tar file), or ask the archive to raise the ratio allowed."),
                packed=self._packed,
                limit=f"{self._limits.ratio:g}",
            )
