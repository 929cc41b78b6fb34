"""Looking inside ZIP and OLE2 files, as far as identification needs: is there an entry of this path, what are its first bytes.

Own readers, because a general one does too much: it lists everything, allocates by sizes that the file states, and takes
milliseconds. These read only what is asked for, in windows of fixed size, and treat every number in the file as a lie until
it fits: loops in allocation chains end, sizes are capped, offsets outside the file are errors.

Sources: PKWARE APPNOTE 6.3.10 §4.3 (ZIP); [MS-CFB] v9.0 (OLE2 compound file).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

#: Most bytes of an entry that are looked at.
ENTRY_LIMIT: Final = 1024 * 1024
#: Most bytes of a ZIP's central directory that are looked at (some 100,000 entries).
DIRECTORY_LIMIT: Final = 8 * 1024 * 1024

#: Bytes at the end of a file that are read at first.
END: Final = 4096

_END_OF_DIRECTORY: Final = struct.Struct("<4s4H2IH")
_ZIP64_LOCATOR: Final = struct.Struct("<4sIQI")
_ZIP64_END: Final = struct.Struct("<4sQ2H2I4Q")
_DIRECTORY_ENTRY: Final = struct.Struct("<4s4x2H8x2I3H8xI")
_OLE2_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR: Final = 0xFFFFFFFA
_FOLDER_DEPTH: Final = 8


class ContainerError(Exception):
    """A container that cannot be read as one: cut off, damaged or hostile."""


class Content:
    """The bytes of a file: both ends at hand, the rest to be read.

    Args:
        head: the first bytes.
        tail: the last bytes (the same as `head` where the file is no longer); None to have them read when they are needed.
        size: bytes of the whole file.
        read: reads from an offset so many bytes; None where only the windows are to be had.
    """

    __slots__ = ("_end", "_read", "_tail", "head", "size")

    def __init__(self, head: bytes, tail: bytes | None, size: int, read: Callable[[int, int], bytes] | None) -> None:
        self.head = head
        self.size = size
        self._tail = tail
        self._end: bytes | None = None
        self._read = read

    @property
    def tail(self) -> bytes:
        """The last bytes of the file, as many as `head` has."""
        if self._tail is None:
            length = min(len(self.head), self.size)
            self._tail = self._read(self.size - length, length) if self._read is not None else b""
        return self._tail

    def end(self, length: int) -> bytes:
        """The last `length` bytes of the file, or somewhat more, or all that `tail` has."""
        if self._tail is not None or self._read is None or length > END or len(self.head) <= END:
            return self.tail[-length:]
        if self._end is None:
            # most of what is looked for at the end of a file stands in its last bytes
            self._end = self._read(self.size - END, END)
        return self._end

    def at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, all `length` of them.

        Raises:
            ContainerError: they are not all in the file, or cannot be had.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ContainerError("offset outside the file")
        if offset + length <= len(self.head):
            return self.head[offset : offset + length]
        if self._tail is not None and offset >= (first := self.size - len(self._tail)):
            return self._tail[offset - first : offset - first + length]
        if self._read is None:
            raise ContainerError("only both ends of the file are at hand")
        found = self._read(offset, length)
        if len(found) != length:
            raise ContainerError("the file ended early")
        return found


class Container(Protocol):
    """A container whose entries of interest are known."""

    @property
    def names(self) -> Collection[str]:
        """Those of the wanted paths that are there."""
        ...

    def read(self, name: str) -> tuple[bytes, bool]:
        """The first bytes of the entry, `ENTRY_LIMIT` at most, and whether these are all.

        Raises:
            ContainerError: it cannot be read.
        """
        ...


def opened(kind: str, content: Content, wanted: Collection[str]) -> Container:
    """The container in a file.

    Args:
        kind: ``ZIP`` or ``OLE2``, as in PRONOM's container signature file.
        content: the file.
        wanted: paths to look for.

    Raises:
        ContainerError: it cannot be read as such a container.
    """
    try:
        if kind == "ZIP":
            return _Zip(content, wanted)
        if kind == "OLE2":
            return _Ole2(content, wanted)
    except (struct.error, IndexError, OverflowError) as error:
        raise ContainerError(str(error)) from error
    raise ContainerError(f"no reader for containers of kind {kind}")


class _Zip:
    """A ZIP file by its central directory."""

    def __init__(self, content: Content, wanted: Collection[str]) -> None:
        self._content = content
        self._entries: dict[str, tuple[int, int, int, int, int]] = {}
        offset, length, end = self._directory()
        # bytes in front of the archive (a self-extractor, a mail header) shift every offset the archive states
        shift = max(0, end - length - offset)
        directory = content.at(offset + shift, min(length, DIRECTORY_LIMIT))
        names = {name.encode(): name for name in wanted}
        position = 0
        while position + _DIRECTORY_ENTRY.size <= len(directory):
            magic, flags, method, packed, size, name_length, extra, comment, place = _DIRECTORY_ENTRY.unpack_from(directory, position)
            if magic != b"PK\x01\x02":
                break
            position += _DIRECTORY_ENTRY.size
            name = names.get(directory[position : position + name_length])
            if name is not None:
                self._entries.setdefault(name, (flags, method, packed, size, place + shift))
            position += name_length + extra + comment
        if length and not position:
            raise ContainerError("central directory not found")

    @property
    def names(self) -> Collection[str]:
        return self._entries.keys()

    def read(self, name: str) -> tuple[bytes, bool]:
        flags, method, packed, size, place = self._entries[name]
        if flags & 1:
            raise ContainerError("encrypted entry")
        try:
            header = self._content.at(place, 30)
            if not header.startswith(b"PK\x03\x04"):
                raise ContainerError("local header not found")
            name_length, extra = struct.unpack_from("<2H", header, 26)
            start = place + 30 + name_length + extra
            stored = self._content.at(start, max(0, min(packed, ENTRY_LIMIT, self._content.size - start)))
            if method == 0:
                return stored, packed <= ENTRY_LIMIT
            if method != 8:
                raise ContainerError(f"packed with method {method}")
            inflater = zlib.decompressobj(-15)
            out = inflater.decompress(stored, ENTRY_LIMIT)
            return out, inflater.eof
        except (struct.error, zlib.error) as error:
            raise ContainerError(str(error)) from error

    def _directory(self) -> tuple[int, int, int]:
        """Offset and length of the central directory as stated, and where it truly ends."""
        content = self._content
        tail = content.tail
        found = tail.rfind(b"PK\x05\x06")
        while found >= 0:
            if found + _END_OF_DIRECTORY.size <= len(tail):
                *_, entries, length, offset, comment = _END_OF_DIRECTORY.unpack_from(tail, found)
                if found + _END_OF_DIRECTORY.size + comment <= len(tail):
                    break
            found = tail.rfind(b"PK\x05\x06", 0, found)
        if found < 0:
            raise ContainerError("end of central directory not found")
        end = content.size - len(tail) + found
        if entries == 0xFFFF or length == 0xFFFFFFFF or offset == 0xFFFFFFFF:
            locator = end - _ZIP64_LOCATOR.size
            magic, _, place, _ = _ZIP64_LOCATOR.unpack(content.at(locator, _ZIP64_LOCATOR.size))
            if magic == b"PK\x06\x07":
                values = _ZIP64_END.unpack(content.at(place, _ZIP64_END.size))
                if values[0] == b"PK\x06\x06":
                    return values[9], values[8], place
        return offset, length, end


class _Ole2:
    """An OLE2 compound file by its directory. Names are without a leading control character, as PRONOM writes them."""

    def __init__(self, content: Content, wanted: Collection[str]) -> None:
        self._content = content
        header = content.at(0, 512)
        if not header.startswith(_OLE2_MAGIC):
            raise ContainerError("not a compound file")
        shift, mini_shift = struct.unpack_from("<2H", header, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ContainerError("sector size")
        self._sector = 1 << shift
        directory, _, self._cutoff, self._mini_start, _, difat, difats = struct.unpack_from("<IIIIIII", header, 48)
        self._tables = [number for number in struct.unpack_from("<109I", header, 76) if number < _LAST_SECTOR]
        seen: set[int] = set()
        while difat < _LAST_SECTOR and len(seen) < difats and difat not in seen and len(seen) < 1024:
            seen.add(difat)
            *tables, difat = struct.unpack(f"<{self._sector // 4}I", self._at(difat))
            self._tables += [number for number in tables if number < _LAST_SECTOR]
        self._fat: dict[int, Sequence[int]] = {}
        self._minis: Sequence[int] | None = None
        listing = self._chain(directory, DIRECTORY_LIMIT)
        if len(listing) < 128:
            raise ContainerError("no directory")
        self._root = struct.unpack_from("<I", listing, 116)[0]
        self._streams: dict[str, tuple[int, int]] = {}
        self._walk(listing, set(wanted))

    @property
    def names(self) -> Collection[str]:
        return self._streams.keys()

    def read(self, name: str) -> tuple[bytes, bool]:
        start, size = self._streams[name]
        limit = min(size, ENTRY_LIMIT)
        try:
            if size >= self._cutoff:
                return self._chain(start, limit)[:limit], size <= ENTRY_LIMIT
            if self._minis is None:
                table = self._chain(self._mini_start, ENTRY_LIMIT)
                self._minis = struct.unpack(f"<{len(table) // 4}I", table)
            minis = self._minis
            numbers: dict[int, None] = {}
            while start < len(minis) and len(numbers) * 64 < limit and start not in numbers:
                numbers[start] = None
                start = minis[start]
            # of the stream that holds them, only as far as they reach
            sectors = self._sectors(self._root, min((max(numbers, default=-1) + 1) * 64, ENTRY_LIMIT * 8))
            out = bytearray()
            for number in numbers:
                sector, place = divmod(number * 64, self._sector)
                out += self._at(sectors[sector])[place : place + 64]
            return bytes(out[:limit]), size <= ENTRY_LIMIT
        except (struct.error, IndexError) as error:
            raise ContainerError(str(error)) from error

    def _walk(self, listing: bytes, wanted: set[str]) -> None:
        """Finds the wanted paths. Siblings are a tree, a storage's child is its root; broken trees are common in old files."""
        visited: set[int] = set()
        left = [(struct.unpack_from("<I", listing, 76)[0], "", 0)]
        while left:
            number, prefix, depth = left.pop()
            place = number * 128
            if number in visited or place + 128 > len(listing):
                continue
            visited.add(number)
            length, kind = struct.unpack_from("<HB", listing, place + 64)
            if kind == 0:
                continue
            before, after, child = struct.unpack_from("<III", listing, place + 68)
            start, size = struct.unpack_from("<IQ", listing, place + 116)
            name = listing[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            if name and name[0] < " ":
                name = name[1:]
            path = prefix + name
            if path in wanted:
                # version 3 files may have rubbish in the upper half of the size
                self._streams.setdefault(path, (start, size if self._sector == 4096 else size & 0xFFFFFFFF))
            left += [(before, prefix, depth), (after, prefix, depth)]
            if kind == 1 and depth < _FOLDER_DEPTH:
                left.append((child, path + "/", depth + 1))

    def _at(self, number: int, count: int = 1) -> bytes:
        """The bytes of so many sectors; the last one of a file is often cut short by careless writers."""
        offset = (number + 1) * self._sector
        length = count * self._sector
        there = min(length, self._content.size - offset)
        if there <= length - self._sector:
            raise ContainerError("sector outside the file")
        return self._content.at(offset, there).ljust(length, b"\x00")

    def _sectors(self, number: int, limit: int) -> list[int]:
        """The numbers of a chain's sectors, for so many bytes at most; a chain that comes back to itself ends there."""
        width = self._sector // 4
        most = -(-limit // self._sector)
        out: dict[int, None] = {}
        entries: Sequence[int] = ()
        first = 0
        while number < _LAST_SECTOR and len(out) < most and number not in out:
            out[number] = None
            if not first <= number < first + len(entries):
                table = number // width
                if table >= len(self._tables):
                    raise ContainerError("sector outside the allocation table")
                first = table * width
                if table not in self._fat:
                    self._fat[table] = struct.unpack(f"<{width}I", self._at(self._tables[table]))
                entries = self._fat[table]
            number = entries[number - first]
        return list(out)

    def _chain(self, number: int, limit: int) -> bytes:
        """The bytes of a chain of sectors, `limit` at most and then to the end of the sector; neighbours are read at once."""
        sectors = self._sectors(number, limit)
        out = bytearray()
        start = 0
        for index in range(1, len(sectors) + 1):
            if index == len(sectors) or sectors[index] != sectors[index - 1] + 1:
                out += self._at(sectors[start], index - start)
                start = index
        return bytes(out)
