"""Zip files made byte for byte the same each time, with names in the encoding that the sender's system uses."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO, Final

_DEFLATE: Final = 8
_STORED: Final = 0
_UTF8_FLAG: Final = 0x800


def write_zip(
    stream: BinaryIO,
    entries: Iterable[tuple[str, bytes]],
    *,
    date: tuple[int, int, int] = (2018, 6, 22),
    encoding: str = "utf-8",
    stored: frozenset[str] = frozenset(),
) -> None:
    """Writes a zip.

    Args:
        stream: open for writing bytes, at its start.
        entries: name and content of each file, in order; a name that ends in ``/`` is a folder.
        date: year, month and day that every entry carries.
        encoding: of the names. Anything but UTF-8 is written without the flag that says so, as Windows in Chinese does it.
        stored: names that are not compressed (``mimetype`` and its kin).
    """
    year, month, day = date
    dos_date = (year - 1980) << 9 | month << 5 | day
    dos_time = 10 << 11 | 5 << 5
    offset = 0
    central: list[bytes] = []
    for name, content in entries:
        raw = name.encode(encoding)
        flags = _UTF8_FLAG if encoding == "utf-8" and not name.isascii() else 0
        method = _STORED if name in stored or not content else _DEFLATE
        packed = _deflate(content) if method == _DEFLATE else content
        common = struct.pack(
            "<HHHHHIIIHH", 20, flags, method, dos_time, dos_date, zlib.crc32(content), len(packed), len(content), len(raw), 0
        )
        header = b"PK\x03\x04" + common + raw
        stream.write(header)
        stream.write(packed)
        attributes = 0x10 if name.endswith("/") else 0x20
        central.append(b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, attributes, offset) + raw)
        offset += len(header) + len(packed)
    directory = b"".join(central)
    stream.write(directory)
    stream.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(central), len(central), len(directory), offset, 0))


def _deflate(content: bytes) -> bytes:
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    return engine.compress(content) + engine.flush()
