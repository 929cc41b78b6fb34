"""Sets of files that are being sent and together become one package: begin, add, look, hand in, cancel.

A set belongs to whoever began it; for everybody else there is no such set.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from ingest.batches import ARCHIVE_SUFFIXES
from ingest.inbox import file_name
from ingest.submissions import receive
from ingest.uploads.errors import UploadTooLarge
from ingest.uploads.naming import clean_path, path_key
from ingest.uploads.places import make_place, package_folder, place_of, remove_set_folder, require_room
from ingest.uploads.tables import Upload, UploadSet
from repository.archive import Archive
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.holdings import Agreement
from repository.logbook.recording import note
from repository.permissions import Permission
from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: Sets that one person may have open at once.
OPEN_SETS: Final = 200
#: Files up to this size are not weighed against everything else that is still to come, bytes.
_SMALL: Final = 1 << 20
#: How many files a message names that are not whole.
_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True)
class UploadView:
    """A file that is being sent.

    Args:
        id: of the upload.
        set_id: of its set.
        path: in the package.
        length: bytes it is to have.
        received: bytes that lie safely here.
        expires_at: when it is removed if nothing more comes.
    """

    id: str
    set_id: str
    path: str
    length: int
    received: int
    expires_at: datetime

    @property
    def complete(self) -> bool:
        """Whether every byte is here."""
        return self.received == self.length


@dataclass(frozen=True, kw_only=True)
class SetView:
    """A set.

    Args:
        id: of the set.
        name: of the package.
        agreement: code of the agreement it comes under.
        files: how many files it has.
        bytes: how many bytes they are to have together.
        received: how many of them lie safely here.
        complete: how many files are here whole.
        created_at: when it was begun.
        expires_at: when it is removed if nothing more comes.
        submission_id: the submission it became, or None.
        uploads: its files by path, where they were asked for.
    """

    id: str
    name: str
    agreement: str
    files: int
    bytes: int
    received: int
    complete: int
    created_at: datetime
    expires_at: datetime
    submission_id: str | None
    uploads: Sequence[UploadView] = ()


def begin_set(tx: Transaction, *, name: str, agreement: str) -> SetView:
    """Begins a set.

    Args:
        tx: the unit of work.
        name: what the package is to be called; only its last part counts, whatever it says of folders.
        agreement: code of the agreement under which it comes.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_CREATE` for this agreement.
        NotFound: there is no such agreement.
        Conflict: the agreement is closed, or the actor has too many sets open.
        UsageError: the name is empty.
    """
    tx.require(Permission.SUBMISSION_CREATE)
    terms = tx.session.get(Agreement, agreement)
    if terms is None:
        raise NotFound(N_("There is no agreement “{subject}”."), subject=agreement, remedy=N_("Choose one of the agreements on the page."))
    tx.require(Permission.SUBMISSION_CREATE, terms)
    if not terms.open:
        raise Conflict(N_("The agreement “{subject}” is closed: nothing more can be handed in under it."), subject=agreement)
    own = select(func.count()).where(UploadSet.owner_id == tx.actor.id, UploadSet.submission_id.is_(None))
    if (tx.session.scalar(own) or 0) >= OPEN_SETS:
        raise Conflict(
            N_("You have {limit} unfinished uploads; no more can be begun."),
            remedy=N_("Finish or cancel some of them first."),
            limit=OPEN_SETS,
        )
    row = UploadSet(
        id=tx.archive.new_id(),
        owner_id=tx.actor.id,
        agreement_code=agreement,
        name=file_name(name),
        files=0,
        bytes=0,
        created_at=tx.now,
        changed_at=tx.now,
    )
    tx.session.add(row)
    tx.session.flush()
    note(tx, "upload.begun", object_type="upload_set", object_id=row.id, detail={"agreement": agreement})
    return _view(tx, row, received=0, complete=0)


def add_file(tx: Transaction, set_id: str, *, path: str, length: int) -> UploadView:
    """Announces a file of a set and makes its place.

    Args:
        tx: the unit of work.
        set_id: the set.
        path: in the package, ``/`` between parts.
        length: how many bytes it has.

    Raises:
        NotFound: there is no such set of this person.
        Conflict: the set is handed in already, or has a file of this path, up to case and Unicode form.
        UsageError: the path is no path inside a package, or the length is negative.
        UploadTooLarge: the set would have too many bytes or files.
        NoRoom: the disk has no room for it.
    """
    row = _open_set(tx, set_id)
    settings = tx.archive.settings
    cleaned = clean_path(path, depth=settings.unpack.depth)
    if length < 0:
        raise UsageError(N_("“{subject}” cannot have fewer than 0 bytes."), subject=cleaned)
    # the row of the set is held from here to the commit: files are added one after the other
    counted = tx.session.execute(
        update(UploadSet)
        .where(UploadSet.id == set_id, UploadSet.submission_id.is_(None))
        .values(files=UploadSet.files + 1, bytes=UploadSet.bytes + length, changed_at=tx.now)
        .returning(UploadSet.files, UploadSet.bytes)
    ).one_or_none()
    if counted is None:
        raise _handed_in(row)
    if counted.bytes > settings.upload_limit_bytes:
        raise UploadTooLarge(
            N_("With “{subject}” the package would have {size} bytes; at most {limit} can be sent."),
            subject=cleaned,
            remedy=N_("Split the package, or hand it in on the server with “jingui ingest”."),
            size=counted.bytes,
            limit=settings.upload_limit_bytes,
        )
    if counted.files > settings.upload_limit_files:
        raise UploadTooLarge(
            N_("With “{subject}” the package would have more than {limit} files."),
            subject=cleaned,
            remedy=N_("Pack the files into one zip or tar, and send that."),
            limit=settings.upload_limit_files,
        )
    owed = 0
    if length > _SMALL:
        owed = tx.session.scalar(select(func.sum(Upload.length - Upload.received)).where(Upload.completed_at.is_(None))) or 0
    require_room(tx.archive, int(owed) + length, subject=cleaned)
    upload = Upload(
        id=tx.archive.new_id(),
        set_id=set_id,
        path=cleaned,
        key=path_key(cleaned),
        length=length,
        received=0,
        created_at=tx.now,
        completed_at=tx.now if length == 0 else None,
    )
    try:
        with tx.session.begin_nested():
            tx.session.add(upload)
    except IntegrityError as error:
        other = tx.session.scalar(select(Upload.path).where(Upload.set_id == set_id, Upload.key == path_key(cleaned)))
        if other is None:
            raise
        raise _taken(cleaned, other) from error
    make_place(place_of(tx.archive, row, upload), taken=cleaned)
    return _upload_view(tx, row, upload)


def find_set(tx: Transaction, set_id: str, *, uploads: bool = True) -> SetView:
    """A set of this person, handed in or not.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_CREATE`.
        NotFound: there is no such set of this person.
    """
    row = own_set(tx, set_id)
    files = tx.session.scalars(select(Upload).where(Upload.set_id == set_id).order_by(Upload.path)).all() if uploads else ()
    received, complete = _sums(tx, [set_id]).get(set_id, (0, 0))
    return _view(tx, row, received=received, complete=complete, uploads=[_upload_view(tx, row, file) for file in files])


def unfinished_sets(tx: Transaction) -> Sequence[SetView]:
    """The sets of this person that are not handed in, the one begun last in front.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_CREATE`.
    """
    tx.require(Permission.SUBMISSION_CREATE)
    query = select(UploadSet).where(UploadSet.owner_id == tx.actor.id, UploadSet.submission_id.is_(None))
    rows = tx.session.scalars(query.order_by(UploadSet.created_at.desc(), UploadSet.id)).all()
    sums = _sums(tx, [row.id for row in rows])
    return [_view(tx, row, received=sums.get(row.id, (0, 0))[0], complete=sums.get(row.id, (0, 0))[1]) for row in rows]


def find_upload(tx: Transaction, upload_id: str) -> UploadView:
    """A file that is being sent by this person.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_CREATE`.
        NotFound: there is no such upload of this person.
    """
    row, upload = own_upload(tx, upload_id)
    return _upload_view(tx, row, upload)


def finish(tx: Transaction, set_id: str) -> str:
    """Hands the set in as one package; says the id of the submission. Handing it in twice gives the same submission.

    The submission, its job and the mark on the set are written in this one transaction.

    Raises:
        NotFound: there is no such set of this person.
        Conflict: it has no files, or some of them are not here whole; the message names them.
    """
    row = own_set(tx, set_id, lock=True)
    if row.submission_id is not None:
        return row.submission_id
    files = tx.session.scalars(select(Upload).where(Upload.set_id == set_id).order_by(Upload.path)).all()
    if not files:
        raise Conflict(N_("The upload “{subject}” has no files yet."), subject=row.name, remedy=N_("Send at least one file, then finish."))
    _refuse_incomplete(row, [file for file in files if file.received != file.length])
    folder = package_folder(tx.archive, row)
    _refuse_incomplete(row, _differing(folder, files))
    only = files[0].path if len(files) == 1 else ""
    packed = bool(only) and "/" not in only and (only == row.name or only.lower().endswith(ARCHIVE_SUFFIXES))
    submission_id = receive(tx, source=folder / only if packed else folder, agreement=row.agreement_code, name=row.name, keep_source=False)
    row.submission_id = submission_id
    row.changed_at = tx.now
    note(
        tx,
        "upload.finished",
        object_type="upload_set",
        object_id=set_id,
        detail={"files": row.files, "bytes": row.bytes, "submission": submission_id},
    )
    return submission_id


def cancel_set(tx: Transaction, set_id: str) -> None:
    """Gives a set up: its rows now, its bytes once that is committed.

    Raises:
        NotFound: there is no such set of this person.
        Conflict: it is handed in already.
    """
    row = _open_set(tx, set_id, lock=True)
    forget(tx, row)
    note(tx, "upload.cancelled", object_type="upload_set", object_id=set_id, detail={"files": row.files})


def cancel_upload(tx: Transaction, upload_id: str) -> None:
    """Takes a file out of its set, with its bytes.

    Raises:
        NotFound: there is no such upload of this person.
        Conflict: its set is handed in already.
    """
    row, upload = own_upload(tx, upload_id)
    if row.submission_id is not None:
        raise _handed_in(row)
    tx.session.execute(
        update(UploadSet)
        .where(UploadSet.id == row.id)
        .values(files=UploadSet.files - 1, bytes=UploadSet.bytes - upload.length, changed_at=tx.now)
    )
    tx.session.execute(delete(Upload).where(Upload.id == upload_id))
    tx.after_commit(partial(_remove_file, place_of(tx.archive, row, upload), package_folder(tx.archive, row)))
    note(tx, "upload.file_cancelled", object_type="upload_set", object_id=row.id)


def forget(tx: Transaction, row: UploadSet) -> None:
    """Removes a set's rows, and its bytes once that is committed; for whoever has decided that it goes."""
    tx.session.execute(delete(Upload).where(Upload.set_id == row.id))
    tx.session.execute(delete(UploadSet).where(UploadSet.id == row.id))
    tx.after_commit(partial(remove_set_folder, tx.archive, row.id))


def own_set(tx: Transaction, set_id: str, *, lock: bool = False) -> UploadSet:
    """The row of a set of this person.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_CREATE`, or no longer for its agreement.
        NotFound: there is no such set of this person.
    """
    tx.require(Permission.SUBMISSION_CREATE)
    query = select(UploadSet).where(UploadSet.id == set_id, UploadSet.owner_id == tx.actor.id)
    row = tx.session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise _unknown(set_id)
    tx.require(Permission.SUBMISSION_CREATE, tx.session.get(Agreement, row.agreement_code))
    return row


def own_upload(tx: Transaction, upload_id: str) -> tuple[UploadSet, Upload]:
    """The rows of an upload of this person and of its set (errors as `own_set`)."""
    tx.require(Permission.SUBMISSION_CREATE)
    upload = tx.session.get(Upload, upload_id)
    if upload is None:
        raise _unknown(upload_id)
    return own_set(tx, upload.set_id), upload


def keep_time(archive: Archive) -> timedelta:
    """How long a set is kept to which nothing more comes."""
    return timedelta(hours=archive.settings.upload_keep_hours)


def _unknown(id: str) -> NotFound:
    return NotFound(
        N_("There is no upload {subject}."), subject=id, remedy=N_("It was finished long ago, cancelled or left for too long; begin anew.")
    )


def _open_set(tx: Transaction, set_id: str, *, lock: bool = False) -> UploadSet:
    row = own_set(tx, set_id, lock=lock)
    if row.submission_id is not None:
        raise _handed_in(row)
    return row


def _differing(folder: Path, files: Sequence[Upload]) -> list[Upload]:
    """The files that do not lie on disk as the table says; what lies there and is none of them is removed."""
    expected = {file.path: file for file in files}
    for top, _, names in os.walk(folder):
        for name in names:
            place = os.path.join(top, name)
            known = expected.get(os.path.relpath(place, folder))
            if known is None:
                # a request that was broken off before it was noted
                os.unlink(place)
            elif os.lstat(place).st_size == known.length:
                del expected[known.path]
    return list(expected.values())


def _refuse_incomplete(row: UploadSet, missing: Sequence[Upload]) -> None:
    if not missing:
        return
    names = ", ".join(f"{file.path} ({file.received}/{file.length})" for file in missing[:_NAMED])
    raise Conflict(
        N_("The upload “{subject}” is not whole: {count} files are missing bytes: {names}"),
        subject=row.name,
        remedy=N_("Send the rest of these files, or take them out of the upload, then finish."),
        count=len(missing),
        names=names + (" …" if len(missing) > _NAMED else ""),
    )


def _remove_file(place: Path, top: Path) -> None:
    place.unlink(missing_ok=True)
    folder = place.parent
    while folder != top and folder.is_relative_to(top):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _sums(tx: Transaction, set_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    query = select(Upload.set_id, func.sum(Upload.received), func.count(Upload.completed_at)).group_by(Upload.set_id)
    return {id: (int(received), complete) for id, received, complete in tx.session.execute(query.where(Upload.set_id.in_(set_ids)))}


def _view(tx: Transaction, row: UploadSet, *, received: int, complete: int, uploads: Sequence[UploadView] = ()) -> SetView:
    return SetView(
        id=row.id,
        name=row.name,
        agreement=row.agreement_code,
        files=row.files,
        bytes=row.bytes,
        received=received,
        complete=complete,
        created_at=row.created_at,
        expires_at=row.changed_at + keep_time(tx.archive),
        submission_id=row.submission_id,
        uploads=uploads,
    )


def _upload_view(tx: Transaction, row: UploadSet, upload: Upload) -> UploadView:
    return UploadView(
        id=upload.id,
        set_id=row.id,
        path=upload.path,
        length=upload.length,
        received=upload.received,
        expires_at=row.changed_at + keep_time(tx.archive),
    )


def _taken(path: str, other: str) -> Conflict:
    if path == other:
        return Conflict(
            N_("The upload has a file “{subject}” already."), subject=path, remedy=N_("Go on with that one, or cancel it first.")
        )
    return Conflict(
        N_("“{subject}” and “{other}” differ only in upper and lower case or in Unicode form: one upload cannot have both."),
        subject=path,
        remedy=N_("Rename one of the two, or pack the files into a zip or tar."),
        other=other,
    )


def _handed_in(row: UploadSet) -> Conflict:
    return Conflict(
        N_("The upload “{subject}” is handed in already; nothing of it can be changed any more."),
        subject=row.name,
        remedy=N_("Look at its submission {submission}."),
        submission=row.submission_id or "",
    )
