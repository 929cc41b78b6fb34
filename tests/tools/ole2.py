"""Writes small OLE2 compound files ([MS-CFB], version 3), for tests that need one with given streams."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_FREE = 0xFFFFFFFF
_END = 0xFFFFFFFE
_FAT = 0xFFFFFFFD


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams; a ``/`` makes a storage.

    Every stream lies in ordinary sectors: the header sets the limit for mini streams to nought.
    """
    sectors: list[bytes] = []
    chains: list[int] = []

    def add(content: bytes) -> int:
        padded = content.ljust(-(-max(len(content), 1) // 512) * 512, b"\x00")
        start = len(sectors)
        count = len(padded) // 512
        sectors.extend(padded[place : place + 512] for place in range(0, len(padded), 512))
        chains.extend([*range(start + 1, start + count), _END])
        return start

    tree: dict[str, object] = {}
    for path, content in streams.items():
        *folders, name = path.split("/")
        here = tree
        for folder in folders:
            here = here.setdefault(folder, {})  # type: ignore[assignment]
        here[name] = content

    entries: list[bytes] = []

    def place(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le")
        head = text.ljust(64, b"\x00") + struct.pack("<HBBIII", len(text) + 2, kind, 1, _FREE, right, child)
        return head + b"\x00" * 36 + struct.pack("<IQ", start, size)

    def children(folder: dict[str, object]) -> int:
        """Writes the entries of a folder as a chain of right siblings and gives the number of the first."""
        first = _FREE
        for name, value in reversed(list(folder.items())):
            if isinstance(value, dict):
                child = children(value)
                entries.append(place(name, 1, first, child, 0, 0))
            else:
                assert isinstance(value, bytes)
                entries.append(place(name, 2, first, _FREE, add(value), len(value)))
            first = len(entries)
        return first

    root = place("Root Entry", 5, _FREE, children(tree), _END, 0)
    directory = add(b"".join([root, *entries]))
    tables = 1
    while tables * 128 < len(sectors) + tables:
        tables += 1
    numbers = list(range(len(sectors), len(sectors) + tables))
    table = [*chains, *[_FAT] * tables]
    table += [_FREE] * (tables * 128 - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 16
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\x00" * 6
    header += struct.pack("<IIIIIIIII", 0, tables, directory, 0, 0, _END, 0, _END, 0)
    header += struct.pack("<109I", *numbers, *[_FREE] * (109 - tables))
    return header + b"".join(sectors) + struct.pack(f"<{len(table)}I", *table)
