"""How the pipeline has formats identified: as the settings say, and for large packages ahead of its own step.

Identification takes as much computing as unpacking. Once a package turns out to be large, a second process identifies the
files that have landed while the others are still being unpacked; what is left after that, both processes share.
"""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from preservation.formats import FormatRegistry, user_folder
from preservation.identification import FidoIdentifier, Identification, Identifier, Release

if TYPE_CHECKING:
    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Files handed over at a time.
CHUNK: Final = 128
#: From so many files on, a second process is worth its start.
_MANY: Final = 4 * CHUNK
#: So many chunks the second process does alone in the time that it takes to open the signatures here as well.
_FEW_CHUNKS: Final = 8
#: How long the second process may take to end once there is nothing left to do, seconds.
_PATIENCE: Final = 5.0


class Identifying(Protocol):
    """Identifies the files of one package; a context manager that ends whatever it started."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends whatever was started."""

    def landed(self, path: str) -> None:
        """A file lies there whole; its turn may come now, or when `answers` asks."""

    def answers(self, paths: Sequence[str]) -> Iterator[Identification]:
        """What each file is, in the order asked for."""


def identifying_for(archive: Archive) -> Identifying:
    """Identification as the settings of an archive say."""
    if archive.settings.identification_engine == "fido":
        return ByFido()
    return ByPronom(archive.formats_folder)


def identifying_for_user() -> Identifying:
    """Identification without a home: with the release that the user has imported, or the one that is installed."""
    return ByPronom(user_folder())


class ByFido:
    """FIDO, one file after another."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing was started."""

    def landed(self, path: str) -> None:
        """Waits until it is asked for."""

    def answers(self, paths: Sequence[str]) -> Iterator[Identification]:
        """What each file is, in the order asked for."""
        identifier = FidoIdentifier()
        return (identifier.identify_path(path) for path in paths)


class ByPronom:
    """Our own engine, in this process and, for many files, in a second one.

    Args:
        folder: of the registry of releases.
    """

    def __init__(self, folder: Path) -> None:
        registry = FormatRegistry(folder)
        self._cache = registry.compiled
        self._release = registry.active
        self._landed: list[str] = []
        self._second: SecondProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._second is not None:
            self._second.close()
            self._second = None

    def landed(self, path: str) -> None:
        """Hands the file to the second process once there are many."""
        self._landed.append(path)
        if len(self._landed) < CHUNK or (self._second is None and len(self._landed) < _MANY):
            return
        if self._second is None:
            self._second = SecondProcess(self._cache, self._release)
        for start in range(0, len(self._landed), CHUNK):
            self._second.work.put(self._landed[start : start + CHUNK])
        self._landed.clear()

    def answers(self, paths: Sequence[str]) -> Iterator[Identification]:
        """What each file is, in the order asked for; done here, or together with the second process."""
        known: dict[Identification, Identification] = {}
        found = self._shared(self._second) if self._second is not None else {}
        for path in paths:
            answer = found.pop(path, None) or self._identify(path)
            # files of one format have equal answers, and a package can have 10⁵ of them
            yield known.setdefault(answer, answer)

    def _shared(self, second: SecondProcess) -> dict[str, Identification]:
        """What the second process found, helped by this one as long as that is worth it."""
        second.work.put(self._landed.copy())
        self._landed.clear()
        # what it compiles if need be is not compiled here a second time
        second.ready.wait()
        while (chunk := second.take_back(leave=_FEW_CHUNKS)) is not None:
            second.found.update((path, self._identify(path)) for path in chunk)
        second.finish()
        return second.found

    def _identify(self, path: str) -> Identification:
        return _identifier(self._cache, self._release, threading.get_ident()).identify_path(path)


class SecondProcess:
    """A process that identifies chunks of paths, fed and heard by a thread of this one.

    Should it end before its time, what it did not answer is simply not in `found`.

    Attributes:
        work: chunks of paths that it has not begun.
        found: its answers so far, by path.
        ready: set once it has opened the signatures, compiled if they were not before, or has ended early.

    Args:
        cache: folder of compiled releases.
        release: which signatures.
    """

    def __init__(self, cache: Path, release: Release) -> None:
        self.work: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self.found: dict[str, Identification] = {}
        self.ready = threading.Event()
        self._ended = threading.Event()
        self._connection, far_end = Pipe()
        with far_end:
            number = far_end.fileno()
            command = [sys.executable, "-c", "from ingest.identification import serve; serve()", str(number)]
            self._process = subprocess.Popen(command, pass_fds=(number,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._connection.send((cache, release))
        self._thread = threading.Thread(target=self._converse, name="identification", daemon=True)
        self._thread.start()

    def take_back(self, *, leave: int) -> list[str] | None:
        """A chunk that the process has not begun, to be done here; None when only so many are left to it."""
        if self.work.qsize() <= leave and self._thread.is_alive():
            return None
        try:
            return self.work.get_nowait()
        except queue.Empty:
            return None

    def finish(self) -> None:
        """Returns when everything that the process has begun is in `found`."""
        self._ended.set()
        self._thread.join()

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._ended.set()
        self._connection.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()

    def _converse(self) -> None:
        try:
            self._connection.recv()
            self.ready.set()
            while True:
                try:
                    chunk = self.work.get(timeout=0.02)
                except queue.Empty:
                    if self._ended.is_set():
                        return
                    continue
                self._connection.send(chunk)
                self.found.update(zip(chunk, self._connection.recv(), strict=True))
        except (OSError, EOFError, ValueError) as error:
            if not self._ended.is_set():
                logger.warning("the second process for identification ended early: %s", error)
        finally:
            self.ready.set()


def serve() -> None:
    """What the second process does: answers chunks of paths until the other end is closed."""
    with Connection(int(sys.argv[-1])) as connection:
        try:
            identifier = Identifier.open(*connection.recv())
            connection.send(None)
            while True:
                connection.send([identifier.identify_path(path) for path in connection.recv()])
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


@lru_cache(maxsize=2)
def _identifier(cache: Path, release: Release, thread: int) -> Identifier:
    """The identifier of this thread, kept between packages: a worker takes in thousands of small ones."""
    del thread
    return Identifier.open(cache, release)
