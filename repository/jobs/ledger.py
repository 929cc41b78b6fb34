"""The ledger of jobs: what is to be done, who does it, and until when that claim holds.

The row in the table `job` is the truth. A worker *claims* a row and gets a `Lease`; every later change of that row
names the lease's worker and attempt, so a worker that was taken for dead cannot touch a job that somebody else
holds by now, and delivering the same job twice is harmless. Leases are compared with the archive's clock: machines
that share a database need clocks that agree to much better than ``lease_seconds``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, CursorResult, and_, or_, select, update

from repository.errors import Conflict, NotFound
from repository.features import owner_of_abandoned
from repository.findings import N_
from repository.holdings import Job
from repository.logbook.recording import note
from repository.permissions import Actor, Permission

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: How often a job is begun before the ledger gives it up.
ATTEMPT_LIMIT: Final = 5
#: Pause before the second attempt; each further pause is twice as long.
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=30)

_LEDGER: Final = Actor.system("jobs")


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: States in which nothing more will happen by itself.
ENDED: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to work on a job, for a while.

    Args:
        job_id: the job.
        kind: what is to be done (a name from the features).
        arguments: with what.
        created_by: who caused it.
        worker: who holds the lease.
        attempt: the how-manieth beginning this is, from 1; with `worker` it tells this lease from every other.
        until: when it ends unless renewed.
    """

    job_id: str
    kind: str
    arguments: Mapping[str, Any]
    created_by: str
    worker: str
    attempt: int
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """A job whose worker fell silent, and the state the sweep gave it."""

    job_id: str
    kind: str
    state: JobState


def claim(archive: Archive, worker: str, *, job_id: str | None = None, when_due: bool = False) -> Lease | None:
    """Takes the oldest job that may run now, or the named one if it is free.

    At most one caller gets a lease, whatever the number of processes and machines: SQLite serialises writers, PostgreSQL
    skips rows others have locked.

    Args:
        archive: the open archive.
        worker: who asks.
        job_id: the job to take; it is also taken before its time and when its lease has lapsed.
        when_due: take the named job only as any other would be: when it waits and its time has come.

    Returns:
        The lease, or None if there is nothing to take.
    """
    if not _something_to_claim(archive, job_id, when_due):
        return None
    with archive.transaction(_LEDGER) as tx:
        query = select(Job).where(_claimable(tx.now, job_id, when_due)).order_by(Job.not_before, Job.created_at, Job.id).limit(1)
        job = tx.session.scalars(query.with_for_update(skip_locked=True)).first()
        if job is None:
            return None
        until = tx.now + timedelta(seconds=archive.settings.lease_seconds)
        job.state = JobState.RUNNING
        job.worker = worker
        job.attempts += 1
        job.lease_until = until
        job.heartbeat_at = tx.now
        job.started_at = job.started_at or tx.now
        job.error = ""
        return Lease(
            job_id=job.id,
            kind=job.kind,
            arguments=dict(job.arguments),
            created_by=job.created_by,
            worker=worker,
            attempt=job.attempts,
            until=until,
        )


def renew(archive: Archive, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool | None:
    """Extends the lease and writes the progress, if any.

    Returns:
        Whether somebody asked that the job stop; None if the lease is gone.
    """
    with archive.transaction(_LEDGER) as tx:
        values: dict[str, Any] = {"lease_until": tx.now + timedelta(seconds=archive.settings.lease_seconds), "heartbeat_at": tx.now}
        if progress is not None:
            values["progress"] = dict(progress)
        return tx.session.scalar(update(Job).where(_held(lease)).values(values).returning(Job.cancel_asked))


def complete(archive: Archive, lease: Lease, result: Mapping[str, Any], progress: Mapping[str, Any] | None = None) -> bool:
    """Marks the job as done. Returns False if the lease is gone, and then changes nothing."""
    return _end(archive, lease, JobState.DONE, progress, result=dict(result))


def cancelled(archive: Archive, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool:
    """Marks the job as stopped at somebody's wish. Returns False if the lease is gone, and then changes nothing."""
    return _end(archive, lease, JobState.CANCELLED, progress)


def fail(archive: Archive, lease: Lease, error: str, progress: Mapping[str, Any] | None = None, *, retry: bool = True) -> bool:
    """Writes down that this attempt failed; the job is tried again after a pause, unless `retry` is false or it was tried enough.

    Returns:
        False if the lease is gone; then nothing is changed.
    """
    if not retry or lease.attempt >= ATTEMPT_LIMIT:
        return _end(archive, lease, JobState.FAILED, progress, error=error)
    with archive.transaction(_LEDGER) as tx:
        pause = min(FIRST_PAUSE * 2 ** (lease.attempt - 1), LONGEST_PAUSE)
        values = {"state": JobState.QUEUED, "worker": "", "lease_until": None, "not_before": tx.now + pause, "error": error}
        return _apply(tx, lease, {**values, "sent_at": None}, progress)


def release(archive: Archive, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool:
    """Gives the job back unfinished, without counting the attempt: the worker is going away, the job is not to blame."""
    with archive.transaction(_LEDGER) as tx:
        values = {"state": JobState.QUEUED, "worker": "", "lease_until": None, "not_before": tx.now, "attempts": lease.attempt - 1}
        return _apply(tx, lease, {**values, "sent_at": None}, progress)


def cancel(tx: Transaction, job_id: str) -> JobState:
    """Asks that a job stop: a waiting one is cancelled at once, a running one at its next check.

    Raises:
        NotFound: there is no such job.
        Conflict: it has ended already.
        PermissionDenied: without `Permission.JOB_MANAGE`.
    """
    tx.require(Permission.JOB_MANAGE, job_id)
    return stop(tx, job_id)


def stop(tx: Transaction, job_id: str) -> JobState:
    """What `cancel` does, for a use case that has asked its own permission for what the job does.

    Raises:
        NotFound: there is no such job.
        Conflict: it has ended already.
    """
    job = _locked(tx, job_id)
    if job.state in ENDED:
        raise _ended(job)
    job.cancel_asked = True
    if job.state == JobState.QUEUED:
        job.state, job.key, job.ended_at = JobState.CANCELLED, None, tx.now
        _tell_owner(tx, job)
    note(tx, "job.cancelled", object_type="job", object_id=job.id, detail={"kind": job.kind})
    return JobState(job.state)


def retry(tx: Transaction, job_id: str) -> None:
    """Puts a failed or cancelled job back into the queue, with all its attempts before it.

    Raises:
        NotFound: there is no such job.
        Conflict: it has not failed.
        PermissionDenied: without `Permission.JOB_MANAGE`.
    """
    tx.require(Permission.JOB_MANAGE, job_id)
    job = _locked(tx, job_id)
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict(
            N_("Job {subject} is {state}; only one that failed or was cancelled can be started again."), subject=job.id, state=job.state
        )
    job.state, job.attempts, job.cancel_asked = JobState.QUEUED, 0, False
    job.not_before, job.sent_at, job.ended_at, job.error = tx.now, None, None, ""
    note(tx, "job.retried", object_type="job", object_id=job.id, detail={"kind": job.kind})


def sweep(archive: Archive) -> Sequence[Swept]:
    """Puts jobs whose lease has lapsed back into the queue; those begun too often have failed, and their owner is told."""
    with archive.read(_LEDGER) as tx:
        if tx.session.scalar(select(Job.id).where(_lapsed(tx.now)).limit(1)) is None:
            return ()
    swept = []
    with archive.transaction(_LEDGER) as tx:
        for job in tx.session.scalars(select(Job).where(_lapsed(tx.now)).order_by(Job.id).with_for_update(skip_locked=True)):
            silent, job.worker, job.lease_until = job.worker, "", None
            if job.cancel_asked:
                job.state = JobState.CANCELLED
            elif job.attempts >= ATTEMPT_LIMIT:
                job.state = JobState.FAILED
                job.error = f"Begun {job.attempts} times; its worker ended each time without a word, the last was {silent}."
            else:
                job.state, job.not_before, job.sent_at = JobState.QUEUED, tx.now, None
            if job.state in ENDED:
                job.key, job.ended_at = None, tx.now
                _tell_owner(tx, job)
            swept.append(Swept(job_id=job.id, kind=job.kind, state=JobState(job.state)))
    return swept


def read(archive: Archive, job_id: str) -> Job:
    """The job as it stands, detached from the database.

    Raises:
        NotFound: there is no such job.
    """
    with archive.read(_LEDGER) as tx:
        job = tx.session.get(Job, job_id)
        if job is None:
            raise _unknown(job_id)
        tx.session.expunge(job)
        return job


def _something_to_claim(archive: Archive, job_id: str | None, when_due: bool) -> bool:
    """A look without the writer's lock, so that idle workers cost nothing."""
    with archive.read(_LEDGER) as tx:
        return tx.session.scalar(select(Job.id).where(_claimable(tx.now, job_id, when_due)).limit(1)) is not None


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition under which a job waits and may be begun."""
    return and_(Job.state == JobState.QUEUED, Job.not_before <= now)


def _claimable(now: datetime, job_id: str | None, when_due: bool) -> ColumnElement[bool]:
    if job_id is None:
        return is_due(now)
    if when_due:
        return and_(Job.id == job_id, is_due(now))
    return and_(Job.id == job_id, or_(Job.state == JobState.QUEUED, _lapsed(now)))


def _lapsed(now: datetime) -> ColumnElement[bool]:
    return and_(Job.state == JobState.RUNNING, Job.lease_until < now)


def _held(lease: Lease) -> ColumnElement[bool]:
    return and_(Job.id == lease.job_id, Job.state == JobState.RUNNING, Job.worker == lease.worker, Job.attempts == lease.attempt)


def _end(archive: Archive, lease: Lease, state: JobState, progress: Mapping[str, Any] | None, **values: Any) -> bool:
    with archive.transaction(_LEDGER) as tx:
        # the key is given up with the end, so that the same thing can be asked for again
        ended = _apply(tx, lease, {"state": state, "key": None, "lease_until": None, "ended_at": tx.now, **values}, progress)
        if ended and state is not JobState.DONE:
            _tell_owner(tx, tx.session.get_one(Job, lease.job_id))
        return ended


def _apply(tx: Transaction, lease: Lease, values: dict[str, Any], progress: Mapping[str, Any] | None) -> bool:
    if progress is not None:
        values["progress"] = dict(progress)
    result = tx.session.execute(update(Job).where(_held(lease)).values(values))
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)


def _tell_owner(tx: Transaction, job: Job) -> None:
    """Lets whoever asked for jobs of this kind, and people, know that this one was given up or cancelled; what fails there
    changes nothing here."""
    from repository.notices.happenings import job_given_up

    told = [owner_of_abandoned(job.kind), job_given_up if job.state == JobState.FAILED else None]
    for function in told:
        if function is None:
            continue
        try:
            with tx.session.begin_nested():
                function(tx, job)
        except Exception:
            logger.exception("job %s (%s) is %s, but what waits for it could not be told", job.id, job.kind, job.state)


def _locked(tx: Transaction, job_id: str) -> Job:
    job = tx.session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise _unknown(job_id)
    return job


def _unknown(job_id: str) -> NotFound:
    return NotFound(N_("There is no job {subject}."), subject=job_id)


def _ended(job: Job) -> Conflict:
    return Conflict(N_("Job {subject} has ended already: it is {state}."), subject=job.id, state=job.state)
