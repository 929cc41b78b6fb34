"""The central directory of a zip file (APPNOTE.TXT 6.3.10 §4.3.12–16, §4.4, §4.5): the only list of entries that counts."""

from __future__ import annotations

import calendar
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from storage.archives.entries import BLOCK
from storage.archives.limits import Meter
from storage.archives.problems import damaged, empty, truncated
from storage.errors import N_, UnsafePackage
from storage.names import text_of

_END: Final = struct.Struct("<4s4H2LH")
_END64_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_CENTRAL: Final = struct.Struct("<4s2B5H3L5H2L")

_UTF8_FLAG: Final = 0x800
_WINDOWS_HOSTS: Final = frozenset({0, 10, 11, 14})
_ZIP64: Final = 0x0001
_NTFS: Final = 0x000A
_TIMESTAMP: Final = 0x5455
_UNICODE_PATH: Final = 0x7075
_AES: Final = 0x9901
#: Seconds from 1601 (NTFS) to 1970.
_NTFS_EPOCH: Final = 11_644_473_600


class Central(NamedTuple):
    """One entry of the central directory, as far as it is needed to judge and read the entry.

    Args:
        offset: where its local header is.
        packed: bytes in the archive.
        size: bytes unpacked, as declared.
        crc: CRC-32, as declared.
        method: compression method.
        encrypted: whether any kind of encryption is declared.
        raw: the name's bytes.
        utf8: the name as UTF-8 where the archive says that it is or gives it so, else None.
        windows: made on a system where a backslash cannot be part of a name.
        mode: kind of file as Unix has it (`stat.S_IFMT`), 0 when not said.
        folder: whether it is a folder.
        disk: number of the part it lies in.
        modified: seconds since the epoch; MS-DOS times have no zone and are taken as UTC where no other time is given.
    """

    offset: int
    packed: int
    size: int
    crc: int
    method: int
    encrypted: bool
    raw: bytes
    utf8: bytes | None
    windows: bool
    mode: int
    folder: bool
    disk: int
    modified: float | None


def read_directory(fd: int, size: int, name: str, meter: Meter) -> tuple[list[Central], int]:
    """Reads the whole central directory.

    Args:
        fd: the open archive.
        size: its size in bytes.
        name: its name, for messages.
        meter: counts the entries.

    Returns:
        the entries, and where the directory begins.

    Raises:
        UnsafePackage: the directory is missing or contradicts itself, or has too many entries.
    """
    count, length, offset = _end_of_directory(fd, size, name)
    centrals = []
    window = b""
    at = read = 0
    for number in range(count):
        if len(window) - at < _CENTRAL.size + 3 * 0xFFFF and read < length:
            block = os.pread(fd, min(BLOCK, length - read), offset + read)
            window = window[at:] + block
            read += len(block)
            at = 0
        if len(window) - at < _CENTRAL.size:
            raise damaged(name, N_("“{subject}” has fewer entries in its directory than it says ({expected})."), expected=count)
        central, at = _central(window, at, name, number + 1)
        centrals.append(central)
        meter.count_entry(central.raw)
    if at != len(window) or read != length:
        raise damaged(name, N_("“{subject}” has bytes in its directory that belong to none of its {expected} entries."), expected=count)
    if all(central.folder for central in centrals):
        raise empty(name)
    return centrals, offset


def zip64_sizes(extra: bytes, packed: int, size: int, offset: int = 0) -> tuple[int, int, int] | None:
    """The 64-bit values that replace those of 32 bits that are full; None when one is missing (§4.5.3)."""
    for kind, field in _extra_fields(extra):
        if kind == _ZIP64:
            values = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            values.reverse()
            full = 0xFFFFFFFF
            if (size == full) + (packed == full) + (offset == full) > len(values):
                return None
            size = values.pop() if size == full else size
            packed = values.pop() if packed == full else packed
            offset = values.pop() if offset == full else offset
            return packed, size, offset
    return None


def _end_of_directory(fd: int, size: int, name: str) -> tuple[int, int, int]:
    tail_at = max(0, size - _END.size - 0xFFFF)
    tail = os.pread(fd, size - tail_at, tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise truncated(name)
    while at >= 0:
        if len(tail) - at >= _END.size:
            _, disk, first_disk, here, count, length, offset, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment == len(tail):
                break
        at = tail.rfind(b"PK\x05\x06", 0, at)
    else:
        raise damaged(name, N_("After the end of the archive “{subject}” there are bytes that do not belong to it, or its end is cut."))
    end = tail_at + at
    if 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (length, offset):
        locator = os.pread(fd, _END64_LOCATOR.size, max(end - _END64_LOCATOR.size, 0))
        if locator.startswith(b"PK\x06\x07") and len(locator) == _END64_LOCATOR.size:
            end = _END64_LOCATOR.unpack(locator)[2]
            record = os.pread(fd, _END64.size, end) if end < size else b""
            if not record.startswith(b"PK\x06\x06") or len(record) < _END64.size:
                raise damaged(name, N_("The Zip64 directory of “{subject}” is not where it should be."))
            _, _, _, _, disk, first_disk, here, count, length, offset = _END64.unpack(record)
    if disk or first_disk or here != count:
        raise UnsafePackage(
            "ARCHIVE_SPLIT",
            N_("“{subject}” is one of several parts of a split archive."),
            subject=name,
            remedy=N_("Join the parts into one archive and send that."),
        )
    if offset + length != end:
        raise damaged(
            name,
            N_("The directory of “{subject}” is not where it should be: bytes are missing from the archive or were put before it."),
        )
    return count, length, offset


def _central(window: bytes, at: int, name: str, number: int) -> tuple[Central, int]:
    (signature, _, host, _, flags, method, time, date, crc, packed, size, name_length, extra_length, comment_length, disk, _,
     attributes, offset) = _CENTRAL.unpack_from(window, at)  # fmt: skip
    end = at + _CENTRAL.size + name_length + extra_length + comment_length
    if signature != b"PK\x01\x02" or end > len(window):
        raise damaged(name, N_("Entry {number} of the directory of “{subject}” cannot be read."), number=number)
    at += _CENTRAL.size
    raw = window[at : at + name_length]
    utf8 = raw if flags & _UTF8_FLAG else None
    modified: float | None = None
    encrypted = bool(flags & (0x1 | 0x40 | 0x2000)) or method == 99
    if extra_length:
        extra = window[at + name_length : at + name_length + extra_length]
        for kind, field in _extra_fields(extra):
            if kind == _UNICODE_PATH and len(field) > 5 and struct.unpack_from("<L", field, 1)[0] == zlib.crc32(raw):
                utf8 = field[5:]
            elif kind == _TIMESTAMP and len(field) >= 5 and field[0] & 1:
                modified = float(struct.unpack_from("<l", field, 1)[0])
            elif kind == _NTFS and len(field) >= 16 and modified is None and field[4:8] == b"\x01\x00\x18\x00":
                modified = struct.unpack_from("<Q", field, 8)[0] / 10_000_000 - _NTFS_EPOCH
            encrypted |= kind == _AES
        if 0xFFFFFFFF in (packed, size, offset):
            wide = zip64_sizes(extra, packed, size, offset)
            if wide is None:
                raise damaged(text_of(raw).text, N_("The Zip64 sizes of “{subject}” are missing."))
            packed, size, offset = wide
    mode = stat.S_IFMT(attributes >> 16)
    windows = host in _WINDOWS_HOSTS
    folder = raw.endswith(b"/") or mode == stat.S_IFDIR or (windows and raw.endswith(b"\\") and not size)
    if modified is None:
        modified = _dos_time(date, time)
    return Central(offset, packed, size, crc, method, encrypted, raw, utf8, windows, mode, folder, disk, modified), end


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


@lru_cache(maxsize=4096)
def _dos_time(date: int, time: int) -> float | None:
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    hour, minute, second = time >> 11, time >> 5 & 63, (time & 31) * 2
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    return float(calendar.timegm((year, month, day, hour, minute, second)))
