"""Where the documents of a package are written: each is digested on its way, since the next one states its digest."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

from metadata.eark.package import WrittenFile
from metadata.premis import FileDigests
from metadata.xml import Destination

#: Bytes that a thread digests at a time (shorter documents need none), and how many times as much may wait for it.
_PIECE: Final = 1024 * 1024
_MOST_PENDING: Final = 2


class _Digesting:
    """A file being written that counts and digests what goes through it.

    A long document is digested by a thread of its own, which costs the writer nothing where there is a second core: the
    digests of 10⁵ files' metadata take longer than putting the text together. The thread gets large pieces, since it has to wait
    for the interpreter after each digest of each.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hashes = [hashlib.new(name) for name in ("sha512", "sha256", "sm3")]
        self._thread: ThreadPoolExecutor | None = None
        self._pending: deque[Future[None]] = deque()
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self.size = 0

    def write(self, block: bytes) -> int:
        self.size += len(block)
        self._gathered.append(block)
        self._gathered_size += len(block)
        if self._gathered_size >= _PIECE:
            self._hand_over()
        return self._stream.write(block)

    def digests(self) -> FileDigests:
        if self._thread is not None:
            self._hand_over()
            self._thread.shutdown()
        else:
            self._digest(self._gathered)
        return FileDigests(*(state.digest() for state in self._hashes))

    def _hand_over(self) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1)
        self._pending.append(self._thread.submit(self._digest, self._gathered))
        self._gathered, self._gathered_size = [], 0
        if len(self._pending) > _MOST_PENDING:
            self._pending.popleft().result()

    def _digest(self, blocks: list[bytes]) -> None:
        piece = b"".join(blocks)
        for state in self._hashes:
            state.update(piece)


class Sink:
    """Writes documents below one folder and remembers what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[WrittenFile] = []

    def write(self, path: str, mime: str, compose: Callable[[Destination], None]) -> WrittenFile:
        """Writes the document that `compose` puts together.

        Raises:
            FileExistsError: there is one at this path.
        """
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            digesting = _Digesting(stream)
            compose(digesting)
        result = WrittenFile(path=path, size=digesting.size, digests=digesting.digests(), mime=mime)
        self.written.append(result)
        return result
