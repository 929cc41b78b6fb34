"""The ledger of jobs for people: lists, one job, and what of it the asker may see.

What a job is doing just now, and what it said when it failed, may name files of a record. Who may not read every record
sees of such jobs that they failed and under which number the log has it, not the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select

from repository.errors import NotFound, UsageError
from repository.features import REPOSITORY, features
from repository.findings import N_
from repository.holdings import Job
from repository.jobs.ledger import ENDED, JobState
from repository.permissions import Actor, Permission, allows

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Jobs on one page.
PAGE: Final = 50
_NUMBER: Final = re.compile(r"\[([0-9a-f]{8})\]$")
_TIMETABLE: Final = Actor.system("timetable").id


@dataclass(frozen=True, kw_only=True)
class JobQuery:
    """Which jobs are wanted.

    Args:
        state: only these, or empty.
        kind: only these, or empty.
        regular: also what the timetable enqueued and what was done well.
        after: `JobPage.following` of the page before.
    """

    state: str = ""
    kind: str = ""
    regular: bool = False
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as the asker may see it.

    Args:
        id, kind, state, attempts, worker, created_by, cancel_asked: as in the ledger.
        created_at, started_at, ended_at, heartbeat_at, not_before: moments.
        stage, done, total, unit: how far it is.
        detail: what is at hand, or empty where that may not be seen.
        arguments, result: as in the ledger; the result is empty where it may not be seen.
        error: what it said when it failed last, or what of it may be seen.
        number: under which the log has that, or empty.
        about: kind and id of what it is about, or None.
    """

    id: str
    kind: str
    state: str
    attempts: int
    worker: str
    created_by: str
    cancel_asked: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    heartbeat_at: datetime | None
    not_before: datetime
    stage: str
    done: int
    total: int | None
    unit: str
    detail: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    error: str
    number: str
    about: tuple[str, str] | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in ENDED

    @property
    def may_be_retried(self) -> bool:
        """Whether it can be put back into the queue."""
        return self.state in {JobState.FAILED, JobState.CANCELLED}

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line."""
        moments = {"created": self.created_at, "started": self.started_at, "ended": self.ended_at}
        return {
            "job": self.id,
            "kind": self.kind,
            "state": self.state,
            "attempts": self.attempts,
            "progress": {"stage": self.stage, "done": self.done, "total": self.total, "unit": self.unit, "detail": self.detail},
            "arguments": self.arguments,
            "result": self.result,
            "error": self.error,
            "worker": self.worker,
            "created_by": self.created_by,
            **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        }


@dataclass(frozen=True, kw_only=True)
class JobPage:
    """A page of jobs, the newest first.

    Args:
        jobs: those of this page.
        following: where the next page begins, or empty.
    """

    jobs: Sequence[JobView]
    following: str


def list_jobs(tx: Transaction, query: JobQuery, limit: int = PAGE) -> JobPage:
    """Jobs, the newest first.

    Raises:
        PermissionDenied: without `Permission.JOB_READ`.
        UsageError: there is no such state or kind.
    """
    tx.require(Permission.JOB_READ)
    _check(query)
    statement = select(Job)
    if query.state:
        statement = statement.where(Job.state == query.state)
    if query.kind:
        statement = statement.where(Job.kind == query.kind)
    if not query.regular:
        statement = statement.where(or_(Job.created_by != _TIMETABLE, Job.state != JobState.DONE))
    last = tx.session.get(Job, query.after) if query.after else None
    if last is not None:
        earlier = or_(Job.created_at < last.created_at, and_(Job.created_at == last.created_at, Job.id < last.id))
        statement = statement.where(Job.created_at <= last.created_at, earlier)
    found = tx.session.scalars(statement.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit + 1)).all()
    following = found[limit - 1].id if len(found) > limit else ""
    return JobPage(jobs=[_view(tx, job) for job in found[:limit]], following=following)


def find_job(tx: Transaction, job_id: str) -> JobView:
    """One job.

    Raises:
        PermissionDenied: without `Permission.JOB_READ`.
        NotFound: there is no such job.
    """
    tx.require(Permission.JOB_READ)
    job = tx.session.get(Job, job_id)
    if job is None:
        raise NotFound(N_("There is no job {subject}."), subject=job_id)
    return _view(tx, job)


def open_counts(tx: Transaction) -> dict[str, int]:
    """How many jobs wait, run and have failed; what is done is not counted, there may be millions.

    Raises:
        PermissionDenied: without `Permission.JOB_READ`.
    """
    tx.require(Permission.JOB_READ)
    states = (JobState.RUNNING, JobState.QUEUED, JobState.FAILED)
    rows = tx.session.execute(select(Job.state, func.count()).where(Job.state.in_(states)).group_by(Job.state))
    counts = dict(rows.all())
    return {str(state): counts.get(state, 0) for state in states}


def known_kinds() -> Sequence[str]:
    """Every kind of job that a feature knows, by name."""
    return sorted(kind for feature in features() for kind in feature.jobs)


def sees_words(actor: Actor, kind: str) -> bool:
    """Whether the asker may see what a job of this kind says: nothing of a record is in the words of the repository's own jobs."""
    # an object that tells nothing of itself is reached only by who may read every record
    return kind in REPOSITORY.jobs or allows(actor, Permission.RECORD_READ, object())


def _view(tx: Transaction, job: Job) -> JobView:
    words = sees_words(tx.actor, job.kind)
    number = _NUMBER.search(job.error)
    error = job.error if words or not job.error else job.error.partition(":")[0] if _is_type(job.error) else ""
    progress = job.progress or {}
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        attempts=job.attempts,
        worker=job.worker,
        created_by=job.created_by,
        cancel_asked=job.cancel_asked,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        heartbeat_at=job.heartbeat_at,
        not_before=job.not_before,
        stage=str(progress.get("stage", "")),
        done=int(progress.get("done") or 0),
        total=progress.get("total"),
        unit=str(progress.get("unit", "")),
        detail=str(progress.get("detail", "")) if words else "",
        arguments=dict(job.arguments) if words else {name: value for name, value in job.arguments.items() if name in _ABOUT},
        result=dict(job.result) if words else {},
        error=error,
        number=number[1] if number else "",
        about=_about(job),
    )


#: Arguments that are ids of things, and the kind of thing.
_ABOUT: Final = {"submission": "submission", "audit": "audit", "record": "record"}


def _about(job: Job) -> tuple[str, str] | None:
    for name, kind in _ABOUT.items():
        value = job.arguments.get(name)
        if isinstance(value, str) and value:
            return kind, value
    return None


def _is_type(error: str) -> bool:
    """Whether an error begins with the name of its type, as unexpected ones do."""
    return re.match(r"[A-Za-z_]+(Error|Exception|Expired|Disconnected):", error) is not None


def _check(query: JobQuery) -> None:
    if query.state and query.state not in set(JobState):
        raise UsageError(
            N_("There is no state “{subject}” of jobs."), subject=query.state, remedy=N_("Choose from: {known}."), known=", ".join(JobState)
        )
    if query.kind and query.kind not in known_kinds():
        raise UsageError(
            N_("There is no kind “{subject}” of jobs."),
            subject=query.kind,
            remedy=N_("Choose from: {known}."),
            known=", ".join(known_kinds()),
        )
