"""Zip archives made while they are sent: nothing is kept, no size need be known beforehand."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

#: Documents of ours shrink to a tenth; content is mostly compressed already, and more effort would only cost time.
DOCUMENT_EFFORT: Final = 6
CONTENT_EFFORT: Final = 0
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
_PLAIN_FILE: Final = 0o100644 << 16


class ZipEntry(NamedTuple):
    """A file to put into a zip.

    Args:
        path: in the zip.
        size: bytes that are expected.
        blocks: gives the content.
        effort: how hard to compress it, 0 (not at all) to 9.
    """

    path: str
    size: int
    blocks: Callable[[], Iterable[bytes]]
    effort: int = CONTENT_EFFORT


def zip_blocks(entries: Iterable[ZipEntry], at: datetime) -> Iterator[bytes]:
    """A zip with ZIP64 where it is needed and names in UTF-8, as blocks.

    Every entry is deflated with its sizes behind it, a form that also programs that read from a stream understand.

    Args:
        entries: the files, in order.
        at: the time that each of them gets; zip keeps no zone.
    """
    outbox = _Outbox()
    moment = (min(max(at.year, _FIRST_YEAR), _LAST_YEAR), at.month, at.day, at.hour, at.minute, at.second)
    with zipfile.ZipFile(outbox, "w") as archive:
        for entry in entries:
            about = _About(entry.path, moment)
            about.compress_type = zipfile.ZIP_DEFLATED
            about._compresslevel = entry.effort
            about.file_size = entry.size
            about.external_attr = _PLAIN_FILE
            with archive.open(about, "w") as target:
                for block in entry.blocks():
                    target.write(block)
                    yield from outbox.take()
            yield from outbox.take()
    yield from outbox.take()


class _About(zipfile.ZipInfo):
    """What the zip says of an entry. How hard to compress it has a public name (``compress_level``) only from Python 3.13 on."""

    _compresslevel: int | None


class _Outbox:
    """Where the zip is written to, and taken from at once. It cannot seek, so that sizes go behind the content."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here that could be flushed."""

    def close(self) -> None:
        """Nothing is open here."""

    def take(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        if pieces:
            yield b"".join(pieces)
