"""Headers of tar files: ustar, GNU and pax, without a byte of content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

#: Bytes of a header, and of the units content is padded to.
HEADER: Final = 512


class Header(NamedTuple):
    """One header block.

    Args:
        name: path with its prefix, as stored.
        type: the type flag.
        size: bytes of content.
        modified: seconds since the epoch.
        target: what a link points to.
    """

    name: bytes
    type: bytes
    size: int
    modified: float
    target: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """What pax and GNU headers say instead of the header that follows."""

    path: bytes = b""
    target: bytes = b""
    size: int | None = None
    modified: float | None = None
    sparse: bool = False


def parse_header(block: bytes) -> Header | None:
    """Reads a header block of 512 bytes; None where it is none (wrong check sum or numbers)."""
    try:
        expected = _number(block[148:156])
        # Some old programs summed signed bytes; both sums are accepted, as everywhere.
        unsigned = sum(block[:148]) + 256 + sum(block[156:])
        signed = unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
        if expected not in (unsigned, signed):
            return None
        name = _text(block[:100])
        if block[257:263] == b"ustar\0":
            prefix = _text(block[345:500])
            name = prefix + b"/" + name if prefix else name
        size = _number(block[124:136])
        if size < 0:
            return None
        return Header(name, block[156:157], size, float(_number(block[136:148])), _text(block[157:257]))
    except ValueError:
        return None


def parse_extension(kind: bytes, content: bytes, before: Extension) -> Extension:
    """Reads an extended header.

    Args:
        kind: its type flag: ``x``, ``X`` or ``g`` (pax), ``L`` (GNU long name), ``K`` (GNU long link), others say nothing we need.
        content: its content.
        before: what extended headers before it said of the same entry.

    Raises:
        ValueError: it is not of the form it must have.
    """
    if kind == b"L":
        return replace(before, path=content.rstrip(b"\0"))
    if kind == b"K":
        return replace(before, target=content.rstrip(b"\0"))
    if kind not in (b"x", b"g", b"X"):
        return before
    at = 0
    while at < len(content):
        space = content.index(b" ", at, at + 20)
        end = at + int(content[at:space])
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end <= space or end > len(content) or not equals or content[end - 1 : end] != b"\n":
            raise ValueError(at)
        at = end
        if key == b"path":
            before = replace(before, path=value)
        elif key == b"linkpath":
            before = replace(before, target=value)
        elif key == b"size":
            before = replace(before, size=_decimal(value))
        elif key == b"mtime":
            before = replace(before, modified=float(value))
        elif key.startswith(b"GNU.sparse."):
            before = replace(before, sparse=True)
    return before


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 19:
        raise ValueError(value)
    return int(value)


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        # GNU: base 256, two's complement, the top bit of the first byte marks it.
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.split(b"\0", 1)[0].strip()
    return int(digits, 8) if digits else 0
