"""Reading folders and single files as packages: links are never followed, and what cannot be read is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from storage.archives.entries import BLOCK, ArchiveKind, Entry
from storage.archives.limits import Limits, Meter
from storage.archives.paths import Conversion, PathBook
from storage.archives.problems import Problems, empty, not_a_file, unreadable
from storage.errors import N_, UnsafePackage
from storage.names import encoding_of, text_of


class _Found(NamedTuple):
    """A file or folder below the package's folder."""

    raw: bytes
    mode: int
    size: int
    modified: float


class FolderSource:
    """A folder as a package source, or one file as a package of that file alone. Neither is ever written to.

    Args:
        path: the folder or file.
        limits: what it may cost to copy.

    Raises:
        UnsafePackage: there are links, devices, unreadable folders, or more than the limits allow.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._root = os.fsencode(path)
        self._meter = Meter(limits, packed=1, compressed=False)
        self.kind = ArchiveKind.FOLDER
        self._problems = Problems()
        if path.is_dir():
            self._found = list(self._walk())
        else:
            self.kind = ArchiveKind.FILE
            self._found = [_found(path.name.encode(errors="surrogateescape"), os.stat(path))]
            self._root = os.path.dirname(self._root)
        self._hint = encoding_of(found.raw for found in self._found)
        self._book = PathBook(depth=limits.depth, encoding_hint=self._hint)
        files = [found for found in self._found if stat.S_ISREG(found.mode)]
        self.received_bytes = sum(found.size for found in files)
        self.declared_bytes: int | None = self.received_bytes
        self._paths = [self._judged(found) for found in self._found]
        try:
            self._meter.refuse(self.received_bytes, path.name)
        except UnsafePackage as problem:
            self._problems.add(problem)
        self._problems.raise_any()
        if not files:
            raise empty(path.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open between entries."""

    @property
    def conversions(self) -> list[Conversion]:
        """Names that were converted."""
        return self._book.conversions

    def entries(self) -> Iterator[Entry]:
        """Every entry, once. Reading the blocks of one raises `UnsafePackage` where the file cannot be read; the entries
        after it can still be read.
        """
        for found, path in zip(self._found, self._paths, strict=True):
            folder = stat.S_ISDIR(found.mode)
            yield Entry(path, found.raw, folder, found.modified, () if folder else self._content(found, path))

    def _judged(self, found: _Found) -> str:
        kind = stat.S_IFMT(found.mode)
        try:
            if kind not in (stat.S_IFREG, stat.S_IFDIR):
                raise not_a_file(text_of(found.raw, encoding_hint=self._hint).text, kind)
            return self._book.path_of(found.raw, folder=kind == stat.S_IFDIR)
        except UnsafePackage as problem:
            self._problems.add(problem)
            return ""

    def _walk(self) -> Iterator[_Found]:
        folders = [b""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as listing:
                    children = sorted(listing, key=_name)
            except OSError as error:
                self._problems.add(unreadable(os.fsdecode(folder) or os.path.basename(os.fsdecode(self._root)), error))
                continue
            below = []
            for child in children:
                raw = folder + b"/" + child.name if folder else child.name
                self._meter.count_entry(raw)
                try:
                    found = _found(raw, child.stat(follow_symlinks=False))
                except OSError as error:
                    self._problems.add(unreadable(text_of(raw).text, error))
                    continue
                if stat.S_ISDIR(found.mode):
                    below.append(raw)
                yield found
            folders += reversed(below)

    def _content(self, found: _Found, path: str) -> Iterator[bytes]:
        size = 0
        try:
            # Not following and not blocking: between the walk and now somebody may have put a link or a pipe in its place.
            fd = os.open(os.path.join(self._root, found.raw), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            now = os.fstat(fd)
            if not stat.S_ISREG(now.st_mode):
                raise not_a_file(path, stat.S_IFMT(now.st_mode))
            while True:
                try:
                    block = os.read(fd, BLOCK)
                except OSError as error:
                    raise unreadable(path, error) from error
                if not block:
                    break
                size += len(block)
                self._meter.count_bytes(len(block), path)
                yield block
        finally:
            os.close(fd)
        if size != found.size:
            raise UnsafePackage(
                "FILE_CHANGED",
                N_("“{subject}” changes while it is read: it had {expected} bytes, then {actual}."),
                subject=path,
                remedy=N_("Hand the package over when nothing writes to it any more."),
                expected=found.size,
                actual=size,
            )


def _found(raw: bytes, status: os.stat_result) -> _Found:
    return _Found(raw, status.st_mode, status.st_size, status.st_mtime)


def _name(child: os.DirEntry[bytes]) -> bytes:
    return child.name
