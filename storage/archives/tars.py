"""Reading tar files, plain and compressed (POSIX.1-2017 pax §"ustar" and "pax Interchange Format"; GNU tar's long names).

A plain tar file is gone through once before anything is unpacked. A compressed one cannot be without unpacking it, so there
the first bad entry ends the unpacking, and the rest is only looked through for more of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from storage.archives.entries import BLOCK, ArchiveKind, Entry
from storage.archives.inflate import BROKEN, decompressed
from storage.archives.limits import Limits, Meter
from storage.archives.paths import Conversion, PathBook
from storage.archives.problems import Problems, damaged, empty, link, not_a_file, truncated, unreadable
from storage.archives.tar_headers import HEADER, Extension, Header, parse_extension, parse_header
from storage.errors import N_, UnsafePackage
from storage.names import encoding_of, text_of

#: Extended headers (long names, pax) are held in memory, so they must be short.
_LONGEST_EXTENSION: Final = 1 << 20
_KINDS: Final = {b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"6": stat.S_IFIFO}
_FILES: Final = frozenset({b"0", b"\0", b"7"})
#: Their headers may state a size, but no content follows.
_WITHOUT_CONTENT: Final = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})


class _Member(NamedTuple):
    """A file, folder or something else, with what its extended headers said already put in."""

    raw: bytes
    type: bytes
    size: int
    modified: float | None
    target: bytes
    sparse: bool

    @property
    def folder(self) -> bool:
        return self.type == b"5" or (self.type in _FILES and self.raw.endswith(b"/") and not self.size)


class _Stream:
    """Reads forward through the tar, whatever it is compressed with."""

    def __init__(self, fd: int, name: str, kind: ArchiveKind, meter: Meter) -> None:
        self._fd = fd
        self._name = name
        self._meter = meter
        self._blocks = iter(()) if kind is ArchiveKind.TAR else decompressed(kind.removeprefix("tar."), self._file_blocks())
        self._plain = kind is ArchiveKind.TAR
        self._size = os.fstat(fd).st_size
        self._at = 0
        self._window = memoryview(b"")

    def read(self, size: int, name: str) -> bytes:
        """Exactly `size` bytes.

        Raises:
            UnsafePackage: the archive ends before, or is damaged.
        """
        parts = list(self.blocks(size, name))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def blocks(self, size: int, name: str) -> Iterator[bytes]:
        """`size` bytes in blocks."""
        while size:
            if not self._window:
                self._fill(name)
            block = bytes(self._window[:size])
            self._window = self._window[len(block) :]
            size -= len(block)
            yield block

    def skip(self, size: int, name: str) -> None:
        """Leaves `size` bytes out; in a plain tar without reading them."""
        inside = min(size, len(self._window))
        self._window = self._window[inside:]
        size -= inside
        if self._plain:
            if self._at + size > self._size:
                raise truncated(name)
            self._at += size
            return
        for _ in self.blocks(size, name):
            pass

    def rest_is_zero(self) -> bool:
        """Whether nothing but padding is left."""
        try:
            while True:
                if bytes(self._window).strip(b"\0"):
                    return False
                self._window = memoryview(b"")
                self._fill("")
        except _End:
            return True

    def at_end(self) -> bool:
        """Whether there is no byte left."""
        try:
            if not self._window:
                self._fill("")
        except _End:
            return True
        return False

    def _fill(self, name: str) -> None:
        if self._plain:
            try:
                block = os.pread(self._fd, BLOCK // 4, self._at)
            except OSError as error:
                raise unreadable(self._name, error) from error
            self._at += len(block)
        else:
            try:
                block = next(self._blocks, b"")
            except EOFError:
                raise truncated(name or self._name) from None
            except BROKEN:
                raise damaged(name or self._name, N_("The compressed bytes of the archive are damaged at “{subject}”.")) from None
            self._meter.count_bytes(len(block), name or self._name)
        if not block:
            raise _End(name or self._name)
        self._window = memoryview(block)

    def _file_blocks(self) -> Iterator[bytes]:
        while True:
            try:
                block = os.pread(self._fd, BLOCK // 4, self._at)
            except OSError as error:
                raise unreadable(self._name, error) from error
            if not block:
                return
            self._at += len(block)
            yield block


class _End(UnsafePackage):
    """The archive has no more bytes although some are due."""

    def __init__(self, name: str) -> None:
        due = truncated(name)
        super().__init__(due.code, due.template, subject=due.subject, remedy=due.remedy)


class TarSource:
    """A tar file as a package source.

    Args:
        path: the file.
        kind: how it is compressed.
        limits: what it may cost to unpack.

    Raises:
        UnsafePackage: a plain tar file is broken, hostile or over a limit. Of a compressed one `entries` says so.
    """

    def __init__(self, path: Path, kind: ArchiveKind, limits: Limits) -> None:
        self.kind = kind
        self._name = path.name
        self._limits = limits
        self._hint: str | None = "gb18030"
        self.declared_bytes: int | None = None
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.received_bytes = os.fstat(self._fd).st_size
            self._start()
            if kind is ArchiveKind.TAR:
                self._scan()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @property
    def conversions(self) -> list[Conversion]:
        """Names that were converted; complete when `entries` has ended."""
        return self._book.conversions

    def entries(self) -> Iterator[Entry]:
        """Every entry, once, in the order of the file. The blocks of one must be read before the next is asked for.

        Raises:
            UnsafePackage: the archive or an entry is broken, hostile or over a limit.
        """
        problems = Problems()
        files = 0
        for member in self._members():
            try:
                path = self._judged(member)
            except UnsafePackage as problem:
                problems.add(problem)
            if problems:
                self._stream.skip(_padded(member.size), self._shown(member.raw))
                continue
            files += not member.folder
            yield Entry(path, member.raw, member.folder, member.modified, self._content(member, path))
            if self._unread:
                self._stream.skip(self._unread, path)
        problems.raise_any()
        if not files:
            raise empty(self._name)

    def _start(self) -> None:
        compressed = self.kind is not ArchiveKind.TAR
        self._meter = Meter(self._limits, packed=self.received_bytes, compressed=compressed)
        self._stream = _Stream(self._fd, self._name, self.kind, self._meter)
        self._book = PathBook(depth=self._limits.depth, encoding_hint=self._hint)
        self._unread = 0

    def _scan(self) -> None:
        members = []
        for member in self._members():
            members.append(member)
            self._stream.skip(_padded(member.size), self._shown(member.raw))
        self._hint = encoding_of(member.raw for member in members)
        self._start()
        problems = Problems()
        for member in members:
            try:
                self._judged(member)
            except UnsafePackage as problem:
                problems.add(problem)
        self.declared_bytes = sum(member.size for member in members)
        try:
            self._meter.refuse(self.declared_bytes, self._name)
        except UnsafePackage as problem:
            problems.add(problem)
        problems.raise_any()
        if all(member.folder for member in members):
            raise empty(self._name)
        self._start()

    def _judged(self, member: _Member) -> str:
        name = self._shown(member.raw)
        if member.type in (b"1", b"2"):
            raise link(name, self._shown(member.target))
        if member.type in _KINDS:
            raise not_a_file(name, _KINDS[member.type])
        if member.sparse:
            raise UnsafePackage(
                "ENTRY_SPARSE",
                N_("“{subject}” is stored as a sparse file, which cannot be unpacked here."),
                subject=name,
                remedy=N_("Pack the files again without the option --sparse."),
            )
        if member.type not in _FILES and member.type != b"5":
            raise UnsafePackage(
                "ENTRY_SPECIAL",
                N_("“{subject}” is neither a file nor a folder ({kind})."),
                subject=name,
                remedy=N_("Leave it out and pack the files again."),
                kind="tar type " + member.type.decode("latin-1"),
            )
        return self._book.path_of(member.raw, folder=member.folder)

    def _content(self, member: _Member, path: str) -> Iterator[bytes]:
        for block in self._stream.blocks(member.size, path):
            self._unread -= len(block)
            yield block

    def _members(self) -> Iterator[_Member]:
        """Every member, the stream standing at its content, which the caller reads or skips with its padding."""
        everywhere = Extension()
        extension = Extension()
        name = self._name
        while (header := self._header(name)) is not None:
            name = self._shown(header.name)
            if header.type in (b"x", b"g", b"L", b"K", b"X", b"N"):
                if header.size > _LONGEST_EXTENSION:
                    raise damaged(name, N_("An extended header at “{subject}” is {size} bytes long."), size=header.size)
                content = self._stream.read(header.size, name)
                self._stream.skip(_padded(header.size) - header.size, name)
                try:
                    if header.type == b"g":
                        everywhere = parse_extension(header.type, content, everywhere)
                    else:
                        extension = parse_extension(header.type, content, extension)
                except ValueError:
                    raise damaged(name, N_("An extended header at “{subject}” cannot be read.")) from None
                continue
            member = _member(header, everywhere, extension)
            extension = Extension()
            self._meter.count_entry(member.raw)
            self._unread = _padded(member.size)
            yield member

    def _header(self, last: str) -> Header | None:
        if self._stream.at_end():
            # The end mark is missing: a file cut between two entries looks just like this.
            raise truncated(last)
        block = self._stream.read(HEADER, last)
        if not block.strip(b"\0"):
            if not self._stream.rest_is_zero():
                raise damaged(self._name, N_("After the end of the archive “{subject}” there are bytes that do not belong to it."))
            return None
        header = parse_header(block)
        if header is None:
            raise damaged(last, N_("The archive cannot be read on after “{subject}”: no header where the next one should be."))
        return header

    def _shown(self, raw: bytes) -> str:
        return text_of(raw, encoding_hint=self._hint).text


def _member(header: Header, everywhere: Extension, extension: Extension) -> _Member:
    size = extension.size if extension.size is not None else everywhere.size if everywhere.size is not None else header.size
    times = (extension.modified, everywhere.modified, header.modified)
    return _Member(
        raw=extension.path or everywhere.path or header.name,
        type=header.type,
        size=0 if header.type in _WITHOUT_CONTENT else size,
        modified=next(time for time in times if time is not None),
        target=extension.target or header.target,
        sparse=header.type == b"S" or extension.sparse or everywhere.sparse,
    )


def _padded(size: int) -> int:
    return -(-size // HEADER) * HEADER
