"""The entries of a file group as text: put together one by one, and kept until the document that wants them is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from metadata.mets.values import href
from metadata.xml import escape_attribute

#: Paths that are the same as a URI reference and as an attribute: no escape of either kind.
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._~!$'()*+,;=@/-]*").fullmatch
_PLAIN_MIME: Final = re.compile(r"[A-Za-z0-9.+/-]*").fullmatch
#: Bytes that are held in memory, and characters that are gathered before they are encoded.
_IN_MEMORY: Final = 2 * 1024 * 1024
_BLOCK: Final = 256 * 1024


def entry(identifier: str, path: str, size: int, mime: str, created: str, digest: str, algorithm: str = "SHA-256") -> str:
    """One file of the file section; fields as in `metadata.mets.MetsFile`.

    Raises:
        MetadataError: ``XML_CHARACTER``: a character that XML cannot carry.
    """
    if not _PLAIN_PATH(path):
        # an ampersand may stand in a URI as it is, but not in an attribute
        path = escape_attribute(href(path))
    if not _PLAIN_MIME(mime):
        mime = escape_attribute(mime)
    return (
        f'<file ID="{identifier}" MIMETYPE="{mime}" SIZE="{size}" CREATED="{created}" CHECKSUM="{digest}" CHECKSUMTYPE="{algorithm}">'
        f'<FLocat LOCTYPE="URL" xlink:type="simple" xlink:href="{path}"/></file>\n'
    )


class FileEntries:
    """The files of a group, noted while a list of them is gone through for something else, so that it need not be a second time.

    `file_entries` makes one.
    """

    def __init__(self, spool: IO[bytes], prefix: str) -> None:
        self._spool = spool
        self._prefix = prefix
        self._pending: list[str] = []
        self._size = 0
        self._count = 0

    def add(self, path: str, size: int, mime: str, created: str, digest: str) -> None:
        """Notes one file; fields as in `metadata.mets.MetsFile`, the digest SHA-256.

        Raises:
            MetadataError: ``XML_CHARACTER``: a character that XML cannot carry.
        """
        self._count = number = self._count + 1
        piece = entry(f"{self._prefix}{number}", path, size, mime, created, digest)
        self._pending.append(piece)
        self._size += len(piece)
        if self._size > _BLOCK:
            self._flush()

    def blocks(self) -> Iterator[bytes]:
        """Everything noted, as XML in UTF-8."""
        self._flush()
        self._spool.seek(0)
        while block := self._spool.read(_BLOCK):
            yield block

    def _flush(self) -> None:
        self._spool.seek(0, os.SEEK_END)
        self._spool.write("".join(self._pending).encode())
        self._pending.clear()
        self._size = 0


@contextmanager
def file_entries(folder: Path, prefix: str) -> Iterator[FileEntries]:
    """An empty list of entries, whose xml:ids are `prefix` and a running number, gone when the context ends.

    A few are held in memory; more lie in a file without a name, in `folder`.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder)) as spool:
        yield FileEntries(spool, prefix)
