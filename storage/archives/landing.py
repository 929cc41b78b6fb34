"""Landing: writing entries into a folder of ours, each once, digested in the same pass."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple, Self

from storage.digests import Digester, Digests
from storage.errors import N_, OutOfSpace

_OPEN_FOLDERS: Final = 64
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SM3: Final = hashlib.new("sm3")


class Landed(NamedTuple):
    """A file that was written.

    Args:
        size: bytes.
        digests: its digests.
    """

    size: int
    digests: Digests


class Landing:
    """Writes files below a folder and digests them. Nothing is ever overwritten and no link is followed.

    The slowest digest of a large file runs in a thread beside the other two. Small files are digested where they are: handing
    them over costs more than it gains.

    Args:
        root: an existing folder of ours; whoever made it removes it, also when this fails.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._folders: OrderedDict[str, int] = OrderedDict()
        self._made: set[str] = {""}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="digests")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for fd in self._folders.values():
            os.close(fd)
        self._folders.clear()

    def make_room_for(self, size: int, name: str) -> None:
        """Checks that so many bytes can be written.

        Raises:
            OutOfSpace: there is less room.
        """
        state = os.statvfs(self._root)
        free = state.f_bavail * state.f_frsize
        if size > free:
            raise OutOfSpace(
                "OUT_OF_SPACE",
                N_("There is no room to unpack “{subject}”: it needs {needed} bytes, {free} are free."),
                subject=name,
                remedy=N_("Free some space in the work folder of the archive, then try again."),
                needed=size,
                free=free,
            )

    def folder(self, path: str) -> None:
        """Makes a folder and those above it.

        Raises:
            OutOfSpace: there is no room left.
        """
        try:
            self._opened(path)
        except OSError as error:
            raise self._failure(error, path) from error

    def file(self, path: str, blocks: Iterable[bytes]) -> Landed:
        """Writes a file.

        Args:
            path: where, below the root; checked by whoever made it.
            blocks: its content. What it raises goes through.

        Raises:
            OutOfSpace: there is no room left.
            FileExistsError: there is such a file already.
        """
        folder, _, name = path.rpartition("/")
        pieces = iter(blocks)
        # A file of one piece is known to be sound before it is made: its source checks it when the second is asked for.
        first = next(pieces, b"")
        second = next(pieces, b"") if first else b""
        fd = -1
        try:
            fd = os.open(name, _CREATE, 0o644, dir_fd=self._opened(folder))
            if second:
                return self._large(fd, (first, second), pieces)
            _write(fd, first)
        except OSError as error:
            raise self._failure(error, path) from error
        finally:
            if fd >= 0:
                os.close(fd)
        sm3 = _SM3.copy()
        sm3.update(first)
        return Landed(len(first), Digests(hashlib.sha512(first).digest(), hashlib.sha256(first).digest(), sm3.digest()))

    def _large(self, fd: int, first: Iterable[bytes], rest: Iterable[bytes]) -> Landed:
        slow = Digester(("sm3",))
        fast = Digester(("sha512", "sha256"))
        for block in chain(first, rest):
            beside = self._pool.submit(slow.update, block)
            fast.update(block)
            _write(fd, block)
            beside.result()
        digests = fast.hexdigests() | slow.hexdigests()
        return Landed(fast.size, Digests(*(bytes.fromhex(digests[name]) for name in Digests._fields)))

    def _opened(self, path: str) -> int:
        fd = self._folders.get(path)
        if fd is not None:
            self._folders.move_to_end(path)
            return fd
        self._make(path)
        fd = os.open(f"{self._root}/{path}" if path else self._root, _FOLDER)
        self._folders[path] = fd
        if len(self._folders) > _OPEN_FOLDERS:
            os.close(self._folders.popitem(last=False)[1])
        return fd

    def _make(self, path: str) -> None:
        missing = []
        while path not in self._made:
            missing.append(path)
            path = path.rpartition("/")[0]
        for folder in reversed(missing):
            os.mkdir(f"{self._root}/{folder}", 0o755)
            self._made.add(folder)

    def _failure(self, error: OSError, path: str) -> Exception:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return error
        return OutOfSpace(
            "OUT_OF_SPACE",
            N_("The disk is full: “{subject}” could not be unpacked whole. What was unpacked of the package is removed."),
            subject=path,
            remedy=N_("Free some space in the work folder of the archive, then try again."),
        )


def _write(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
