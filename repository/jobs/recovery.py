"""What a process that was killed left open: finished or rolled back when the next one starts, and said."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, text

from repository.database import is_sqlite
from repository.holdings import Job, Submission, SubmissionState
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.permissions import Actor
from storage.errors import StorageError
from storage.ocfl.recovery import recover as recover_store

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

_RECOVERY: Final = Actor.system("recovery")
#: Submissions in these states still need their work folder.
_AT_WORK: Final = frozenset({SubmissionState.RECEIVED, SubmissionState.PROCESSING, SubmissionState.FAILED})
#: A work folder that belongs to no submission is left alone for so long, seconds.
_STRANGER_SECONDS: Final = 24 * 3600


def worker_name(archive: Archive) -> str:
    """A name for who works, different for every process and every call: machine, process, and something unique."""
    return f"{_machine()}:{os.getpid()}:{archive.new_id()}"


def recover(archive: Archive) -> list[str]:
    """Takes up what was open when processes of this archive ended without a word.

    Jobs of processes of this machine that are gone go back to the queue at once, those of other machines when their
    lease lapses. Stores and work folders are only tidied if nobody works just now, and nobody can begin meanwhile.

    Returns:
        What was done, one English sentence each.
    """
    told = list(_return_jobs_of_the_dead(archive))
    with archive.transaction(_RECOVERY) as tx:
        if not nobody_works(tx):
            return told
        for store in archive.stores:
            if store.read_only:
                continue
            try:
                told += recover_store(store.objects)
            except (StorageError, OSError):
                logger.exception("store %s could not be looked at; its copies are checked by the next audit", store.name)
        told += _remove_work_folders(tx)
    return told


def _return_jobs_of_the_dead(archive: Archive) -> Iterator[str]:
    with archive.transaction(_RECOVERY) as tx:
        for job in tx.session.scalars(select(Job).where(Job.state == JobState.RUNNING)):
            if _is_dead(job.worker):
                job.lease_until = tx.now - timedelta(seconds=1)
    for swept in ledger.sweep(archive):
        fate = "goes back to the queue" if swept.state == JobState.QUEUED else f"is {swept.state}"
        yield f"job {swept.job_id} ({swept.kind}) was broken off; it {fate}"


def nobody_works(tx: Transaction) -> bool:
    """Whether no job is at work; none can be claimed before this transaction ends."""
    if not is_sqlite(tx.archive.engine):
        tx.session.execute(text("LOCK TABLE job IN EXCLUSIVE MODE"))
    return tx.session.scalar(select(Job.id).where(Job.state == JobState.RUNNING).limit(1)) is None


def _remove_work_folders(tx: Transaction) -> Iterator[str]:
    for folder in sorted(tx.archive.work_folder.iterdir()):
        if not _is_uuid(folder.name) or not folder.is_dir():
            continue
        state = tx.session.scalar(select(Submission.state).where(Submission.id == folder.name))
        if state in _AT_WORK or (state is None and time.time() - folder.stat().st_mtime < _STRANGER_SECONDS):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        yield f"the work folder {folder.name} was left over; it was removed"


def _is_uuid(name: str) -> bool:
    with suppress(ValueError):
        return str(uuid.UUID(name)) == name
    return False


def _is_dead(worker: str) -> bool:
    """Whether a worker was a process of this machine and is gone; unknown counts as alive, its lease will tell."""
    machine, _, rest = worker.rpartition(":")[0].rpartition(":")
    if machine != _machine() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _machine() -> str:
    """This machine, and within it the space in which process numbers are unique (containers have their own)."""
    with suppress(OSError):
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink().name}".replace(":", "")
    return socket.gethostname().replace(":", "")
