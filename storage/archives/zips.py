"""Reading zip files: the whole directory is judged first, then every entry comes out in the order of the file."""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from storage.archives.entries import BLOCK, ArchiveKind, Entry
from storage.archives.inflate import BROKEN, inflated
from storage.archives.limits import Limits, Meter
from storage.archives.paths import Conversion, PathBook
from storage.archives.problems import Problems, damaged, not_a_file, truncated, unreadable
from storage.archives.zip_directory import Central, read_directory, zip64_sizes
from storage.errors import N_, UnsafePackage
from storage.names import encoding_of, text_of

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_STORED: Final = 0
_DEFLATED: Final = 8
_READABLE_METHODS: Final = frozenset({_STORED, _DEFLATED, 12, 14})
_METHODS: Final = {
    1: "Shrink", 6: "Implode", 9: "Deflate64", 10: "PKWARE DCL Implode", 18: "IBM TERSE", 19: "IBM LZ77", 93: "Zstandard",
    94: "MP3", 95: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd",
}  # fmt: skip


class _Slot(NamedTuple):
    """A judged entry on its way out; sorts in the order of the file."""

    offset: int
    path: str
    central: Central


class ZipSource:
    """A zip file as a package source. Opening it reads the whole directory and refuses what can be seen there.

    Args:
        path: the file.
        limits: what it may cost to unpack.

    Raises:
        UnsafePackage: the archive is broken, hostile or over a limit.
    """

    kind = ArchiveKind.ZIP

    def __init__(self, path: Path, limits: Limits) -> None:
        self._name = path.name
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.received_bytes = os.fstat(self._fd).st_size
            self._meter = Meter(limits, packed=self.received_bytes)
            centrals, self._directory = read_directory(self._fd, self.received_bytes, self._name, self._meter)
            self._hint = encoding_of(central.raw for central in centrals if central.utf8 is None)
            self._book = PathBook(depth=limits.depth, encoding_hint=self._hint)
            self.declared_bytes: int | None = sum(central.size for central in centrals)
            self._slots = self._judged(centrals, self.declared_bytes)
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @property
    def conversions(self) -> list[Conversion]:
        """Names that were converted."""
        return self._book.conversions

    def entries(self) -> Iterator[Entry]:
        """Every entry, once. Reading the blocks of one raises `UnsafePackage` where it is not as long as it says, its CRC is
        wrong, or its local header is not what the directory says; the entries after it can still be read.
        """
        slots = self._slots
        slots.reverse()
        while slots:
            slot = slots.pop()
            central = slot.central
            end = slots[-1].offset if slots else self._directory
            yield Entry(slot.path, central.raw, central.folder, central.modified, self._content(slot, end))

    def _judged(self, centrals: list[Central], declared: int) -> list[_Slot]:
        problems = Problems()
        slots = []
        for central in centrals:
            try:
                self._judge(central)
                raw = central.raw if central.utf8 is None else central.utf8
                if central.folder and central.windows:
                    raw = raw.rstrip(b"\\")
                path = self._book.path_of(raw, folder=central.folder, certain=central.utf8 is not None, windows=central.windows)
                slots.append(_Slot(central.offset, path, central))
            except UnsafePackage as problem:
                problems.add(problem)
        try:
            self._meter.refuse(declared, self._name)
        except UnsafePackage as problem:
            problems.add(problem)
        slots.sort(key=_offset)
        before = 0
        for slot in slots:
            if slot.offset < before:
                problems.add(_overlap(slot.path))
            before = slot.offset + _LOCAL.size + len(slot.central.raw) + slot.central.packed
        if before > self._directory:
            problems.add(_overlap(slots[-1].path))
        problems.raise_any()
        return slots

    def _judge(self, central: Central) -> None:
        if central.mode not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise not_a_file(self._shown(central), central.mode)
        if central.encrypted:
            raise UnsafePackage(
                "ENTRY_ENCRYPTED",
                N_("“{subject}” is encrypted: nobody could read it once the password is lost."),
                subject=self._shown(central),
                remedy=N_("Pack the files again without a password."),
            )
        if central.method not in _READABLE_METHODS:
            raise UnsafePackage(
                "ENTRY_METHOD_UNSUPPORTED",
                N_("“{subject}” is compressed with {method}, which cannot be unpacked here."),
                subject=self._shown(central),
                remedy=N_("Pack the files again as an ordinary zip file (Deflate), or as tar."),
                method=_METHODS.get(central.method, f"method {central.method}"),
            )
        if central.disk:
            raise damaged(self._shown(central), N_("“{subject}” lies in another part of a split archive."))
        if central.folder and central.size:
            raise damaged(self._shown(central), N_("“{subject}” is a folder and yet has content."))
        if central.method == _STORED and central.packed != central.size:
            raise damaged(
                self._shown(central),
                N_("“{subject}” is not compressed, yet has {packed} bytes packed and {size} unpacked."),
                packed=central.packed,
                size=central.size,
            )

    def _shown(self, central: Central) -> str:
        raw = central.raw if central.utf8 is None else central.utf8
        return text_of(raw, encoding_hint=None if central.utf8 is not None else self._hint).text

    def _content_start(self, slot: _Slot, head: bytes) -> int:
        if len(head) < _LOCAL.size:
            raise truncated(slot.path)
        central = slot.central
        signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(head)
        start: int = _LOCAL.size + name_length + extra_length
        if signature != b"PK\x03\x04":
            raise damaged(slot.path, N_("“{subject}” is not where the directory of the archive says it is."))
        if head[_LOCAL.size : _LOCAL.size + name_length] != central.raw:
            raise _disagree(slot.path, "name")
        if method != central.method:
            raise _disagree(slot.path, "compression method")
        if flags & 0x41:
            raise _disagree(slot.path, "encryption")
        if not flags & 0x8:
            if 0xFFFFFFFF in (packed, size):
                wide = zip64_sizes(head[_LOCAL.size + name_length : start], packed, size)
                packed, size, _ = wide or (packed, size, 0)
            if crc != central.crc:
                raise _disagree(slot.path, "CRC")
            if (packed, size) != (central.packed, central.size):
                raise _disagree(slot.path, "size")
        return start

    def _content(self, slot: _Slot, end: int) -> Iterator[bytes]:
        central = slot.central
        head = self._read(slot, min(end - slot.offset, BLOCK), slot.offset)
        start = self._content_start(slot, head)
        if slot.offset + start + central.packed > end:
            raise _overlap(slot.path)
        if central.folder:
            return
        if central.packed > len(head) - start or central.size > BLOCK:
            yield from self._checked(slot, inflated(central.method, self._packed(slot, slot.offset + start)))
            return
        packed = head[start : start + central.packed]
        if central.method != _DEFLATED:
            yield from self._checked(slot, inflated(central.method, (packed,)))
            return
        # The way of nearly every entry, kept short. One byte more than declared is asked for, so that an entry that is
        # longer shows itself and no bomb goes off.
        engine = zlib.decompressobj(-15)
        try:
            content = engine.decompress(packed, central.size + 1)
        except zlib.error:
            raise _broken(slot.path) from None
        size = len(content)
        self._meter.count_bytes(size, slot.path)
        if size <= central.size and (not engine.eof or engine.unused_data):
            raise _broken(slot.path)
        _refuse_wrong(slot, size, zlib.crc32(content))
        if content:
            yield content

    def _checked(self, slot: _Slot, blocks: Iterable[bytes]) -> Iterator[bytes]:
        central = slot.central
        crc = size = 0
        try:
            for block in blocks:
                size += len(block)
                self._meter.count_bytes(len(block), slot.path)
                if size > central.size:
                    raise _longer(slot)
                crc = zlib.crc32(block, crc)
                yield block
        except BROKEN:
            raise _broken(slot.path) from None
        _refuse_wrong(slot, size, crc)

    def _packed(self, slot: _Slot, at: int) -> Iterator[bytes]:
        left = slot.central.packed
        while left:
            block = self._read(slot, min(left, BLOCK // 4), at)
            if not block:
                raise truncated(slot.path)
            at += len(block)
            left -= len(block)
            yield block

    def _read(self, slot: _Slot, size: int, at: int) -> bytes:
        try:
            return os.pread(self._fd, size, at)
        except OSError as error:
            raise unreadable(slot.path, error) from error


def _offset(slot: _Slot) -> int:
    return slot.offset


def _refuse_wrong(slot: _Slot, size: int, crc: int) -> None:
    """Refuses content that is not what the directory says of it."""
    expected = slot.central.size
    if size > expected:
        raise _longer(slot)
    if size != expected:
        raise damaged(
            slot.path, N_("“{subject}” unpacks to {actual} bytes, the archive declares {expected}."), expected=expected, actual=size
        )
    if crc != slot.central.crc:
        raise _broken(slot.path)


def _longer(slot: _Slot) -> UnsafePackage:
    return UnsafePackage(
        "ENTRY_LONGER_THAN_DECLARED",
        N_("“{subject}” unpacks to more than the {expected} bytes that the archive declares."),
        subject=slot.path,
        remedy=N_("The archive is damaged or hostile: find out where it comes from, and pack the files again."),
        expected=slot.central.size,
    )


def _broken(path: str) -> UnsafePackage:
    return UnsafePackage(
        "ENTRY_DAMAGED",
        N_("“{subject}” is damaged: its content does not match the check sum (CRC) in the archive."),
        subject=path,
        remedy=N_("The file was damaged after it was packed: compare the archive with the original and send it again."),
    )


def _overlap(path: str) -> UnsafePackage:
    return UnsafePackage(
        "ENTRIES_OVERLAP",
        N_("The bytes of “{subject}” overlap with another entry or with the directory, as in compression bombs."),
        subject=path,
        remedy=N_("The archive is damaged or hostile: find out where it comes from, and pack the files again."),
    )


def _disagree(path: str, what: str) -> UnsafePackage:
    return UnsafePackage(
        "ENTRY_HEADERS_DISAGREE",
        N_("The archive says two different things of “{subject}” ({what}): programs would unpack different packages from it."),
        subject=path,
        remedy=N_("The archive is damaged or hostile: find out where it comes from, and pack the files again."),
        what=what,
    )
