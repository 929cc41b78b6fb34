"""Copying very many files into a folder of ours, here or in a process of its own.

This module needs the standard library alone: a store runs it as a program when there is much to copy, because threads
that each make thousands of short system calls hold one another up, and two stores are to be written at once.
"""

from __future__ import annotations

import marshal
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe that somebody put among the files must not wait for a writer.
READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_WINDOW: Final = 256 * 1024
_SEND: Final = 8 * 1024 * 1024
_OPEN_FOLDERS: Final = 128
_HEADER: Final = struct.Struct("!I")

#: What one file needs: key, source path (both bytes), size.
Item = tuple[bytes, bytes, int]
#: Why a file could not be copied: its index among the items, what went wrong (``source``, ``changed``, ``store``), error number.
Failure = tuple[int, str, int]


class OpenFolders:
    """Open folders below one folder, by relative path; each is opened from its parent, so that no link is followed."""

    def __init__(self, location: bytes) -> None:
        self._location = location
        self._handles: dict[bytes, int] = {}
        self._top = -1

    def __enter__(self) -> OpenFolders:
        self._top = os.open(self._location, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            os.close(handle)
        os.close(self._top)

    def get(self, path: bytes, *, create: bool = False, made: list[bytes] | None = None) -> int:
        """The descriptor of a folder; good until some 100 others were asked for. `made` collects the parents of new folders."""
        if not path:
            return self._top
        handle = self._handles.get(path)
        if handle is not None:
            return handle
        parent, _, name = path.rpartition(b"/")
        above = self.get(parent, create=create, made=made)
        try:
            handle = os.open(name, FOLDER, dir_fd=above)
        except FileNotFoundError:
            if not create:
                raise
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=above)
            if made is not None:
                made.append(parent)
            handle = os.open(name, FOLDER, dir_fd=above)
        if len(self._handles) >= _OPEN_FOLDERS:
            os.close(self._handles.pop(next(iter(self._handles))))
        self._handles[path] = handle
        return handle


class Importer:
    """Copies files below one folder.

    Args:
        folders: where they go.
    """

    def __init__(self, folders: OpenFolders) -> None:
        self._folders = folders
        self._view = memoryview(bytearray(_WINDOW))

    def copy(self, items: list[Item]) -> Failure | None:
        """Copies files in turn, and gives the first failure, or None."""
        for index, (key, source, size) in enumerate(items):
            blame = "store"
            try:
                parent, _, name = key.rpartition(b"/")
                folder = self._folders.get(parent, create=True)
                blame = "source"
                reading = os.open(source, READ)
                try:
                    blame = "store"
                    writing = os.open(name, CREATE, 0o644, dir_fd=folder)
                    try:
                        if not self._copy(reading, writing, size):
                            return index, "changed", 0
                    finally:
                        os.close(writing)
                finally:
                    os.close(reading)
            except OSError as error:
                return index, blame, error.errno or 0
        return None

    def _copy(self, reading: int, writing: int, size: int) -> bool:
        """Copies exactly `size` bytes and says whether the source had exactly these.

        `sendfile`, not `copy_file_range`: on file systems that share extents the latter would make two copies out of the
        same blocks, and one bad sector would then damage both.
        """
        done = 0
        view = self._view
        if size < len(view):
            while count := os.readv(reading, [view[done:]]):
                done += count
            rest = view[: min(done, size)]
            while rest:
                rest = rest[os.write(writing, rest) :]
            return done == size
        while done < size:
            count = os.sendfile(writing, reading, None, min(_SEND, size - done))
            if not count:
                return False
            done += count
        return not os.pread(reading, 1, size)


class ImportProcess:
    """The same as `Importer`, in a process of its own."""

    def __init__(self, location: bytes) -> None:
        self._process = subprocess.Popen([sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        send(self._to, location)

    def copy(self, items: list[Item]) -> Failure | None:
        """Copies files in turn, and gives the first failure, or None.

        Raises:
            ChildProcessError: the process has ended.
        """
        send(self._to, items)
        answer = receive(self._from)
        if answer is None:
            raise ChildProcessError("the copying process ended before its work")
        failure: Failure | None = answer[0]
        return failure

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def importer(location: bytes, *, apart: bool) -> Iterator[Importer | ImportProcess]:
    """Something that copies: in a process of its own (`apart`) or here."""
    if apart:
        process = ImportProcess(location)
        try:
            yield process
        finally:
            process.end()
    else:
        with OpenFolders(location) as folders:
            yield Importer(folders)


def send(handle: int, message: Any) -> None:
    """Writes one message to a pipe."""
    content = marshal.dumps(message)
    view = memoryview(_HEADER.pack(len(content)) + content)
    while view:
        view = view[os.write(handle, view) :]


def receive(handle: int) -> Any:
    """Reads one message from a pipe; None when the other side has ended."""
    header = _exactly(handle, _HEADER.size)
    return None if header is None else marshal.loads(_exactly(handle, _HEADER.unpack(header)[0]) or b"")


def _exactly(handle: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        block = os.read(handle, size - len(parts))
        if not block:
            return None
        parts += block
    return bytes(parts)


def _serve() -> None:
    location = receive(0)
    with OpenFolders(location) as folders:
        copying = Importer(folders)
        while (items := receive(0)) is not None:
            send(1, (copying.copy(items),))


if __name__ == "__main__":
    _serve()
