"""Receiving the bytes of an upload at an offset, so that nothing acknowledged is ever lost and nothing is taken for safe too soon.

The table says how far bytes are acknowledged: they were on disk, synced, before it said so. What a request that was broken
off left in the file beyond that is cut off by the next one; should the file have less than the table says (its disk lost
something), the file is believed.
"""

from __future__ import annotations

import base64
import binascii
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import CursorResult, update

from ingest.uploads.errors import ChecksumWrong, UploadBusy, UploadTooLarge
from ingest.uploads.places import make_place, no_room, place_of
from ingest.uploads.sets import UploadView, find_upload, own_upload
from ingest.uploads.tables import Upload, UploadSet
from repository.archive import Archive
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.permissions import Actor, Permission

#: Digests that a sender may give for what one request carries; the protocol demands the first.
CHECKSUMS: Final = ("sha1", "sha256", "sha512", "sm3")

_BLOCK: Final = 1 << 20
#: After so many bytes of one request what has come is made safe and acknowledged in the table.
_SAFE_EVERY: Final = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """What the bytes of one request must digest to.

    Args:
        algorithm: one of `CHECKSUMS`.
        digest: the digest.
    """

    algorithm: str
    digest: bytes

    @staticmethod
    def parse(text: str) -> Checksum:
        """From the header ``Upload-Checksum``: algorithm and digest in Base64, a space between them.

        Raises:
            UsageError: it is written otherwise, or the algorithm is none of ours.
        """
        algorithm, _, encoded = text.strip().partition(" ")
        try:
            digest = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if algorithm not in CHECKSUMS or len(digest) != hashlib.new(algorithm).digest_size:
            raise UsageError(
                N_("The checksum cannot be used: it must be an algorithm and a digest in Base64, with a space between them."),
                remedy=N_("Algorithms: {known}."),
                known=", ".join(CHECKSUMS),
            )
        return Checksum(algorithm=algorithm, digest=digest)


def receive_bytes(
    archive: Archive,
    actor: Actor,
    upload_id: str,
    *,
    offset: int,
    stream: BinaryIO,
    announced: int | None = None,
    checksum: Checksum | None = None,
) -> UploadView:
    """Appends bytes to an upload.

    What arrived before the stream broke off is kept, unless a checksum says what the whole must be.

    Args:
        archive: where to.
        actor: who sends.
        upload_id: the upload.
        offset: where the sender believes to be.
        stream: the bytes.
        announced: how many come, where the request says so.
        checksum: what they must digest to, or None.

    Raises:
        NotFound, PermissionDenied: as `ingest.uploads.sets.find_upload`.
        UploadBusy: another request is writing to it.
        Conflict: `offset` is not where the upload is, or it is handed in already.
        UploadTooLarge: more bytes than the file was announced with; none of this request are kept.
        ChecksumWrong: none of this request are kept.
        NoRoom: the disk is full; what fitted is kept.
    """
    with archive.read(actor) as tx:
        tx.require(Permission.SUBMISSION_CREATE)
        row, upload = own_upload(tx, upload_id)
        place = place_of(archive, row, upload)
    with _writing(place, upload.path) as handle:
        target = _Target(archive=archive, actor=actor, upload_id=upload_id, handle=handle, path=upload.path)
        target.begin(offset, announced)
        target.take(stream, checksum)
    with archive.read(actor) as tx:
        return find_upload(tx, upload_id)


def present_offset(archive: Archive, actor: Actor, upload_id: str) -> UploadView:
    """The upload, with what its file really holds: never more than was acknowledged, less where the disk lost something.

    Raises:
        NotFound, PermissionDenied: as `ingest.uploads.sets.find_upload`.
    """
    with archive.read(actor) as tx:
        row, upload = own_upload(tx, upload_id)
        view = find_upload(tx, upload_id)
        place = place_of(archive, row, upload)
    held = place.stat().st_size if place.is_file() else 0
    if row.submission_id is not None or held >= view.received:
        return view
    with archive.transaction(actor) as tx:
        tx.session.execute(update(Upload).where(Upload.id == upload_id, Upload.received > held).values(received=held, completed_at=None))
    with archive.read(actor) as tx:
        return find_upload(tx, upload_id)


@dataclass(kw_only=True)
class _Target:
    """The file of an upload while one request writes to it."""

    archive: Archive
    actor: Actor
    upload_id: str
    handle: int
    path: str
    start: int = 0
    length: int = 0
    _written: int = field(default=0)

    def begin(self, offset: int, announced: int | None) -> None:
        """Compares where the sender believes to be with where the upload is, now that nobody else writes to it."""
        with self.archive.read(self.actor) as tx:
            row, upload = own_upload(tx, self.upload_id)
            held = os.fstat(self.handle).st_size
            self.start, self.length = min(upload.received, held), upload.length
        if row.submission_id is not None:
            raise Conflict(N_("“{subject}” is handed in already; nothing of it can be changed any more."), subject=self.path)
        if offset != self.start:
            raise Conflict(
                N_("“{subject}” is at byte {held}, not at {offset}."),
                subject=self.path,
                remedy=N_("Ask for the offset, then go on from there."),
                held=self.start,
                offset=offset,
            )
        if announced is not None and offset + announced > self.length:
            raise self._too_much()
        if held > self.start:
            os.ftruncate(self.handle, self.start)

    def take(self, stream: BinaryIO, checksum: Checksum | None) -> None:
        """Writes what comes, makes it safe, and says so in the table."""
        digester = hashlib.new(checksum.algorithm) if checksum is not None else None
        safe = self.start
        try:
            for block in _blocks(stream):
                if self.start + self._written + len(block) > self.length:
                    # what was made safe on the way belongs to a request that lied: none of it stays
                    self._back_to_start()
                    raise self._too_much()
                if digester is not None:
                    digester.update(block)
                self._write(block)
                at = self.start + self._written
                if digester is None and at - safe >= _SAFE_EVERY and at < self.length:
                    self._acknowledge()
                    safe = at
        except ConnectionError:
            # the sender is gone; what is not covered by a checksum counts
            if digester is not None:
                self._back_to_start()
                return
        if checksum is not None and digester is not None and digester.digest() != checksum.digest:
            self._back_to_start()
            raise ChecksumWrong(
                N_("What arrived of “{subject}” is not what was sent: its {algorithm} digest is another."),
                subject=self.path,
                remedy=N_("Send these bytes again."),
                algorithm=checksum.algorithm,
            )
        self._acknowledge()

    def _write(self, block: bytes) -> None:
        view = memoryview(block)
        while view:
            try:
                count = os.pwrite(self.handle, view, self.start + self._written)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                self._acknowledge()
                raise no_room(self.path, needed=self.length - self.start - self._written, free=0) from error
            self._written += count
            view = view[count:]

    def _acknowledge(self) -> None:
        if self.archive.settings.durable_writes:
            os.fsync(self.handle)
        self._note(self.start + self._written)

    def _back_to_start(self) -> None:
        os.ftruncate(self.handle, self.start)
        self._note(self.start)

    def _note(self, received: int) -> None:
        with self.archive.transaction(self.actor) as tx:
            complete = received == self.length
            done = tx.session.execute(
                update(Upload).where(Upload.id == self.upload_id).values(received=received, completed_at=tx.now if complete else None)
            )
            assert isinstance(done, CursorResult)
            if done.rowcount == 0:
                raise NotFound(N_("“{subject}” was cancelled while it was being sent."), subject=self.path)
            tx.session.execute(update(UploadSet).where(UploadSet.uploads.any(Upload.id == self.upload_id)).values(changed_at=tx.now))

    def _too_much(self) -> UploadTooLarge:
        return UploadTooLarge(
            N_("More bytes came for “{subject}” than the {length} it was announced with; none of them were kept."),
            subject=self.path,
            remedy=N_("The file changed while it was being sent, or its length was wrong. Cancel it and send it again."),
            length=self.length,
        )


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := _read(stream):
        yield block


def _read(stream: BinaryIO) -> Any:
    try:
        return stream.read(_BLOCK)
    except (OSError, ValueError) as error:
        # how a server tells that the connection broke differs; none of them means our disk here
        raise ConnectionError(str(error)) from error


@contextmanager
def _writing(place: Path, path: str) -> Iterator[int]:
    """The file, open and locked against every other request, in this process or another."""
    if not place.is_file():
        make_place(place, taken=path)
    handle = os.open(place, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UploadBusy(
                N_("Another request is writing to “{subject}”."),
                subject=path,
                remedy=N_("Wait until it has ended, ask for the offset, then go on from there."),
            ) from error
        yield handle
    finally:
        os.close(handle)
