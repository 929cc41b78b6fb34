"""Delivery: one file of a record, or a package for a reader, given out and written down."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.catalogue import find_file
from access.dip import Dip, prepare_dip
from access.reading import BLOCK, Holding, PackageReader, begun, holding_of
from repository.aip import PRESERVATION
from repository.events import EventType, ObjectType
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.holdings import Record
    from repository.transaction import Transaction

__all__ = ["Dip", "OpenedFile", "open_file", "premis_blocks", "prepare_dip"]


@dataclass(frozen=True, kw_only=True)
class OpenedFile:
    """A file of a package, about to be sent.

    Args:
        name: its name, without folders.
        path: where it lies in the package.
        size: bytes.
        sha256: digest that the catalogue has of it.
        archive: the open archive.
        holding: where the package can be read.
    """

    name: str
    path: str
    size: int
    sha256: bytes
    archive: Archive
    holding: Holding

    @property
    def sha256_base64(self) -> str:
        """The digest as the HTTP header ``Repr-Digest`` has it (RFC 9530)."""
        return base64.b64encode(self.sha256).decode()

    def blocks(self) -> Iterator[bytes]:
        """The content. What can be wrong is found now as far as the first block shows it; the rest before the last block.

        Whoever sends them must break off when they raise, so that nobody takes a part for the whole.

        Raises:
            NoSoundCopy: no copy has the file as it should be.
            CopyFailed: the copy turned out wrong after the beginning was handed on.
        """
        reader = PackageReader(self.archive, self.holding)
        return begun(reader.blocks(reader.file(self.path).content_path, self.sha256.hex(), "sha256"))

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to but not including `stop`, without reading the others where the file is large.

        What is no larger than `access.reading.BLOCK` is compared with its digest; of a larger file a part cannot be: whoever puts
        parts together compares the whole.

        Raises:
            NoSoundCopy: no copy has these bytes.
            CopyFailed: the copy ended or failed after the beginning was handed on.
        """
        reader = PackageReader(self.archive, self.holding)
        content_path = reader.file(self.path).content_path
        if self.size <= BLOCK:
            whole = b"".join(reader.blocks(content_path, self.sha256.hex(), "sha256"))
            return iter((whole[start:stop],))
        return begun(reader.part(content_path, self.size, start, stop))


def open_file(tx: Transaction, record: Record, file_id: int, *, part: tuple[int, int] | None = None) -> OpenedFile:
    """Opens a file of a record that `access.catalogue` gave, and writes down that it is given out.

    Args:
        tx: the transaction.
        record: the record.
        file_id: the file.
        part: the bytes that will be read, if not all: from the first up to but not including the second.

    Raises:
        PermissionDenied: without `Permission.RECORD_EXPORT` for the record.
        NotFound: the record has no such file.
    """
    tx.require(Permission.RECORD_EXPORT, record)
    file = find_file(tx, record, file_id)
    given = {"path": file.path, "bytes": file.size}
    if part is not None:
        given |= {"from": part[0], "bytes": part[1] - part[0]}
    tx.record_event(EventType.DISSEMINATION, objects=[(ObjectType.RECORD, record.id)], detail=given)
    return OpenedFile(
        name=file.path.rpartition("/")[2],
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        archive=tx.archive,
        holding=holding_of(tx, record),
    )


def premis_blocks(archive: Archive, holding: Holding) -> Iterator[bytes]:
    """The PREMIS document of a package as it is kept: its events and agents up to when the version was made.

    Raises:
        NoSoundCopy: no copy has it as it should be.
    """
    reader = PackageReader(archive, holding)
    kept = reader.file(f"{PRESERVATION}/premis.xml")
    return begun(reader.blocks(kept.content_path, kept.digests.sha256.hex(), "sha256"))
