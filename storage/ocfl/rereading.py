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
from typing import Any, Final, NamedTuple, Protocol

#: Files of one folder that one step reads; answers must fit into a pipe, so that neither side waits for the other.
CHUNK_FILES: Final = 256
CHUNK_BYTES: Final = 16 * 1024 * 1024
_WINDOW: Final = 256 * 1024
_PENDING: Final = 2
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_HEADER: Final = struct.Struct("!I")
_FILE_SYSTEM: Final = sys.getfilesystemencoding()

#: What else may lie in a folder: names of files, names of folders.
Listing = tuple[list[str], list[str]]
#: Something that should not lie in a folder: name, and ``file``, ``folder`` or ``other`` (a link, a device).
Stranger = tuple[str, str]


class Step(NamedTuple):
    """Some files of one folder, and what they should be.

    Args:
        folder: the folder's path below the top, ``""`` for the top itself; no UTF-8 is in surrogate escapes.
        algorithm: a name that `hashlib.new` knows.
        names: the files' names.
        digests: their digests.
        sizes: their sizes in bytes, None where not known.
        listing: everything the folder may hold, or None when this step is not to look.
    """

    folder: str
    algorithm: str
    names: list[str]
    digests: list[bytes]
    sizes: list[int | None]
    listing: Listing | None = None


#: Size and digest of a file, or the number of the error that kept it from being read.
Reading = tuple[int, bytes] | int


class Answer(NamedTuple):
    """What reading the files of a step gave.

    Args:
        files: how many could be read.
        bytes: bytes read.
        wrong: index among the names and reading of each file that is not as it should be.
        strangers: what the folder holds beyond its listing, or the number of the error that kept it from being listed.
    """

    files: int
    bytes: int
    wrong: list[tuple[int, Reading]]
    strangers: list[Stranger] | int


class StepReader(Protocol):
    """Something that does steps."""

    def check(self, step: Step) -> Answer:
        """Reads every file of a step and compares."""


class FolderReader:
    """Reads files below one folder; folders are opened one from the other, so that no link is followed."""

    def __init__(self, top: bytes) -> None:
        self._top = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._view = memoryview(bytearray(_WINDOW))

    def close(self) -> None:
        """Lets the folder go."""
        os.close(self._top)

    def check(self, step: Step) -> Answer:
        """Reads every file of a step and compares."""
        handle = os.dup(self._top)
        try:
            for part in step.folder.split("/") if step.folder else ():
                inner = os.open(part.encode("utf-8", "surrogateescape"), _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = inner
            return self._check(handle, step)
        except OSError as error:
            code = error.errno or 5
            return Answer(0, 0, [(index, code) for index in range(len(step.names))], [] if step.listing is None else code)
        finally:
            os.close(handle)

    def _check(self, handle: int, step: Step) -> Answer:
        files = total = 0
        wrong: list[tuple[int, Reading]] = []
        new_hash = getattr(hashlib, step.algorithm, None) or _by_name(step.algorithm)
        for index, (name, digest, size) in enumerate(zip(step.names, step.digests, step.sizes, strict=True)):
            reading = self._file(handle, name.encode("utf-8", "surrogateescape"), size, new_hash)
            if isinstance(reading, int):
                wrong.append((index, reading))
                continue
            files += 1
            total += reading[0]
            if reading[1] != digest or (size is not None and size != reading[0]):
                wrong.append((index, reading))
        return Answer(files, total, wrong, [] if step.listing is None else _strangers(handle, step.listing))

    def _file(self, folder: int, name: bytes, expected: int | None, new_hash: Any) -> Reading:
        view = self._view
        try:
            handle = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            return error.errno or 5
        try:
            size = os.readv(handle, [view])
            if size < _WINDOW:
                # A short read is the end of a regular file, but on some network file systems: only there can it be another size.
                more = os.readv(handle, [view[size:]]) if size != expected else 0
                if not more:
                    return size, new_hash(view[:size]).digest()
                size += more
            state = new_hash(view[:size])
            while count := os.readv(handle, [view]):
                state.update(view[:count])
                size += count
            return size, state.digest()
        except OSError as error:
            return error.errno or 5
        finally:
            os.close(handle)


def _by_name(algorithm: str) -> Any:
    return lambda content: hashlib.new(algorithm, content)


def _strangers(handle: int, listing: Listing) -> list[Stranger] | int:
    files, folders = set(listing[0]), set(listing[1])
    found: list[Stranger] = []
    try:
        with os.scandir(handle) as entries:
            for entry in entries:
                name = entry.name
                if _FILE_SYSTEM != "utf-8":
                    name = os.fsencode(name).decode("utf-8", "surrogateescape")
                if entry.is_file(follow_symlinks=False):
                    if name not in files:
                        found.append((name, "file"))
                elif not entry.is_dir(follow_symlinks=False):
                    found.append((name, "other"))
                elif name not in folders:
                    found.append((name, "folder"))
    except OSError as error:
        return error.errno or 5
    return found


def read_again(top: bytes, steps: Iterable[Step], *, processes: int) -> Iterator[tuple[Step, Answer]]:
    """Does every step, in this process or in several; steps come back as they are done.

    Args:
        top: the folder that steps are relative to.
        steps: what to read; taken as it is needed.
        processes: how many processes of their own; 0 reads here.

    Raises:
        OSError: the top folder cannot be opened, or a process cannot be started.
    """
    if processes:
        yield from _in_processes(top, steps, processes)
        return
    reader = FolderReader(top)
    try:
        for step in steps:
            yield step, reader.check(step)
    finally:
        reader.close()


class _Worker:
    def __init__(self, top: bytes) -> None:
        # in the UTF-8 mode, so that names need no conversion whatever the locale
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            close_fds=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = self._process.stdin.fileno()
        self.answers = self._process.stdout.fileno()
        self.pending: list[Step] = []
        _send(self._to, top)

    def is_busy(self, step: Step) -> bool:
        """Whether a step has to wait: two are enough, and what asks for a listing or answers one may be too long for a pipe."""
        if step.listing is not None:
            return bool(self.pending)
        return len(self.pending) >= _PENDING or any(pending.listing is not None for pending in self.pending)

    def ask(self, step: Step) -> None:
        self.pending.append(step)
        _send(self._to, tuple(step))

    def answer(self) -> tuple[Step, Answer]:
        answer: tuple[Any, ...] | None = _receive(self.answers)
        if answer is None:
            raise ChildProcessError("a reading process ended before its work")
        return self.pending.pop(0), Answer(*answer)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _in_processes(top: bytes, steps: Iterable[Step], processes: int) -> Iterator[tuple[Step, Answer]]:
    # opened here too, so that a folder that cannot be is an error of the caller's
    FolderReader(top).close()
    workers = [_Worker(top) for _ in range(processes)]
    try:
        for step in steps:
            while all(worker.is_busy(step) for worker in workers):
                yield from _answers(workers)
            min((worker for worker in workers if not worker.is_busy(step)), key=lambda worker: len(worker.pending)).ask(step)
        while any(worker.pending for worker in workers):
            yield from _answers(workers)
    finally:
        for worker in workers:
            worker.end()


def _answers(workers: list[_Worker]) -> list[tuple[Step, Answer]]:
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
    reader = FolderReader(_receive(0))
    while (message := _receive(0)) is not None:
        _send(1, tuple(reader.check(Step(*message))))


if __name__ == "__main__":
    _serve()
