"""Removing what nobody goes on with: unfinished uploads, bytes of submissions that were cancelled, folders without a row."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from ingest.uploads.places import remove_set_folder, set_folder, uploads_folder
from ingest.uploads.sets import forget, keep_time
from ingest.uploads.tables import Upload, UploadSet
from repository.archive import Archive
from repository.holdings import Submission, SubmissionState
from repository.jobs.context import JobContext
from repository.logbook.recording import note
from repository.permissions import Actor

logger = logging.getLogger(__name__)


def sweep_job(context: JobContext) -> Mapping[str, Any]:
    """The regular job; says how many unfinished uploads it removed."""
    return {"removed": sweep(context.archive, context.actor)}


def sweep(archive: Archive, actor: Actor) -> int:
    """Removes sets to which nothing came for `upload_keep_hours`, and what else is left over.

    The row of a set that was handed in is kept until its bytes are gone and the time has passed, so that the sender can ask
    what became of it. What a failed submission needs to be tried again is never touched; what a cancelled one would need goes
    after the same time.

    Returns:
        How many unfinished sets were removed.
    """
    removed = 0
    with archive.read(actor) as tx:
        limit = tx.now - keep_time(archive)
        stale = tx.session.scalars(select(UploadSet.id).where(UploadSet.changed_at < limit)).all()
    for set_id in stale:
        with archive.transaction(actor) as tx:
            row = tx.session.scalar(select(UploadSet).where(UploadSet.id == set_id, UploadSet.changed_at < limit).with_for_update())
            if row is None:
                continue
            if row.submission_id is None:
                forget(tx, row)
                note(tx, "upload.expired", object_type="upload_set", object_id=set_id, detail={"owner": row.owner_id})
                removed += 1
                continue
            submission = tx.session.get(Submission, row.submission_id)
            if submission is not None and submission.state == SubmissionState.CANCELLED:
                remove_set_folder(archive, set_id)
            if not set_folder(archive, set_id).exists():
                tx.session.execute(delete(Upload).where(Upload.set_id == set_id))
                tx.session.execute(delete(UploadSet).where(UploadSet.id == set_id))
    _remove_unknown(archive, actor)
    _remove_kept_work(archive, actor, limit_age=keep_time(archive))
    return removed


def _remove_unknown(archive: Archive, actor: Actor) -> None:
    """Folders of sets whose rows are gone: the program ended between the commit and the removal."""
    top = uploads_folder(archive)
    if not top.is_dir():
        return
    for folder in sorted(top.iterdir()):
        # the row of a set is always there before its folder
        with archive.read(actor) as tx:
            known = tx.session.get(UploadSet, folder.name) is not None
        if not known:
            logger.info("the upload %s was left over; it was removed", folder.name)
            shutil.rmtree(folder, ignore_errors=True)


def _remove_kept_work(archive: Archive, actor: Actor, *, limit_age: timedelta) -> None:
    """Unpacked packages of submissions that failed long ago: trying one of these again begins at the first step."""
    for folder in sorted(archive.work_folder.iterdir()):
        with archive.read(actor) as tx:
            submission = tx.session.get(Submission, folder.name)
            old = submission is not None and submission.ended_at is not None and submission.ended_at < tx.now - limit_age
        if old:
            _remove(folder)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
