"""Digests of very many files, read again from where they lie.

One reused buffer and one call of the hash function a small file; several processes where there is much to read. This
module needs the standard library alone, because the processes run it as a program: they start in a few hundredths of a
second, and need neither `fork` (unsafe beside threads) nor the caller's main module.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import select
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

#: Names of one folder that one step reads; replies must fit into a pipe, so that neither side waits for the other.
CHUNK_FILES: Final = 256
CHUNK_BYTES: Final = 16 * 1024 * 1024
_WINDOW: Final = 256 * 1024
_PENDING: Final = 2
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_HEADER: Final = struct.Struct("!I")


class Step(NamedTuple):
    """Some files of one folder.

    Args:
        folder: the folder's path below the top, in bytes, ``b""`` for the top itself.
        names: the files' names.
    """

    folder: bytes
    names: list[bytes]


#: Size and digest of a file, or the number of the error that kept it from being read.
Reading = tuple[int, bytes] | int


class FolderReader:
    """Reads files below one folder; folders are opened one from the other, so that no link is followed."""

    def __init__(self, top: bytes, algorithm: str) -> None:
        self._top = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._algorithm = algorithm
        self._view = memoryview(bytearray(_WINDOW))

    def close(self) -> None:
        """Lets the folder go."""
        os.close(self._top)

    def read(self, step: Step) -> list[Reading]:
        """Size and digest of each file of a step, in its order."""
        handle = os.dup(self._top)
        try:
            for part in step.folder.split(b"/") if step.folder else ():
                inner = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = inner
            return [self._file(handle, name) for name in step.names]
        except OSError as error:
            return [error.errno or 5] * len(step.names)
        finally:
            os.close(handle)

    def _file(self, folder: int, name: bytes) -> Reading:
        view = self._view
        try:
            handle = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            return error.errno or 5
        try:
            size = os.readv(handle, [view])
            if size < len(view):
                # A short read is the end of a regular file but for a file that shrinks or a network file system.
                more = os.readv(handle, [view[size:]])
                if not more:
                    return size, hashlib.new(self._algorithm, view[:size]).digest()
                size += more
            state = hashlib.new(self._algorithm, view[:size])
            while count := os.readv(handle, [view]):
                state.update(view[:count])
                size += count
            return size, state.digest()
        except OSError as error:
            return error.errno or 5
        finally:
            os.close(handle)


def read_again(top: bytes, algorithm: str, steps: Iterable[Step], *, processes: int) -> Iterator[tuple[Step, list[Reading]]]:
    """Reads every file of every step, in this process or in several; steps come back as they are done.

    Args:
        top: the folder that steps are relative to.
        algorithm: a name that `hashlib.new` knows.
        steps: what to read; taken as it is needed.
        processes: how many processes of their own; 0 reads here.

    Raises:
        OSError: the top folder cannot be opened, or a process cannot be started.
    """
    if processes:
        yield from _in_processes(top, algorithm, steps, processes)
        return
    reader = FolderReader(top, algorithm)
    try:
        for step in steps:
            yield step, reader.read(step)
    finally:
        reader.close()


class _Worker:
    def __init__(self, top: bytes, algorithm: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, close_fds=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = self._process.stdin.fileno()
        self.answers = self._process.stdout.fileno()
        self.pending: list[Step] = []
        _send(self._to, (top, algorithm))

    def ask(self, step: Step) -> None:
        self.pending.append(step)
        _send(self._to, (step.folder, step.names))

    def answer(self) -> tuple[Step, list[Reading]]:
        readings: list[Reading] | None = _receive(self.answers)
        if readings is None:
            raise ChildProcessError("a reading process ended before its work")
        return self.pending.pop(0), readings

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _in_processes(top: bytes, algorithm: str, steps: Iterable[Step], processes: int) -> Iterator[tuple[Step, list[Reading]]]:
    workers = [_Worker(top, algorithm) for _ in range(processes)]
    try:
        for step in steps:
            while all(len(worker.pending) >= _PENDING for worker in workers):
                yield from _answers(workers)
            min(workers, key=lambda worker: len(worker.pending)).ask(step)
        while any(worker.pending for worker in workers):
            yield from _answers(workers)
    finally:
        for worker in workers:
            worker.end()


def _answers(workers: list[_Worker]) -> list[tuple[Step, list[Reading]]]:
    busy = {worker.answers: worker for worker in workers if worker.pending}
    poll = select.poll()
    for handle in busy:
        poll.register(handle, select.POLLIN)
    return [busy[handle].answer() for handle, _ in poll.poll()]


def _send(handle: int, message: Any) -> None:
    content = marshal.dumps(message)
    view = memoryview(_HEADER.pack(len(content)) + content)
    while view:
        view = view[os.write(handle, view) :]


def _receive(handle: int) -> Any:
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
    top, algorithm = _receive(0)
    reader = FolderReader(top, algorithm)
    while (message := _receive(0)) is not None:
        _send(1, reader.read(Step(*message)))


if __name__ == "__main__":
    _serve()
