"""The timetable for people: what happens regularly, whether it did, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from repository.errors import NotFound, UsageError
from repository.features import schedules
from repository.findings import N_
from repository.holdings import Job, Schedule
from repository.jobs.ledger import JobState
from repository.logbook.recording import note
from repository.permissions import Actor, Permission

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: The shortest and the longest time between two runs, seconds.
SHORTEST: Final = 10
LONGEST: Final = 366 * 24 * 3600
#: Less than this is never called silent.
_PATIENCE: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class ScheduleRow:
    """A row of the timetable.

    Args:
        name, kind: of the row and of the job it enqueues.
        every_seconds: how often.
        usual_seconds: how often unless somebody changed it, or None where no feature names it any more.
        enabled: whether it is fired.
        next_at, last_at: when it is and was fired.
        job: the latest job of it that is still in the ledger.
        silent: whether it should have happened by now and has not.
    """

    name: str
    kind: str
    every_seconds: int
    usual_seconds: int | None
    enabled: bool
    next_at: datetime
    last_at: datetime | None
    job: Job | None
    silent: bool

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line."""
        return {
            "schedule": self.name,
            "kind": self.kind,
            "every_seconds": self.every_seconds,
            "enabled": self.enabled,
            "next": self.next_at.isoformat(),
            "last": self.last_at.isoformat() if self.last_at else None,
            "last_state": self.job.state if self.job else None,
            "silent": self.silent,
        }


def list_schedules(tx: Transaction) -> Sequence[ScheduleRow]:
    """Every row of the timetable, by name, with how it went last.

    Raises:
        PermissionDenied: without `Permission.JOB_READ`.
    """
    tx.require(Permission.JOB_READ)
    usual = {spec.name: spec.every_seconds for spec in schedules()}
    rows = tx.session.scalars(select(Schedule).order_by(Schedule.name)).all()
    jobs = {row.kind: _latest_job(tx, row.kind) for row in rows}
    return [
        ScheduleRow(
            name=row.name,
            kind=row.kind,
            every_seconds=row.every_seconds,
            usual_seconds=usual.get(row.name),
            enabled=row.enabled,
            next_at=row.next_at,
            last_at=row.last_at,
            job=jobs.get(row.kind),
            silent=_is_silent(row, jobs.get(row.kind), tx.now),
        )
        for row in rows
    ]


def set_schedule(tx: Transaction, name: str, *, every_seconds: int | None = None, enabled: bool | None = None) -> None:
    """Changes how often something happens, or whether.

    Raises:
        PermissionDenied: without `Permission.SCHEDULE_MANAGE`.
        NotFound: there is no such row.
        UsageError: too often, or too rarely.
    """
    tx.require(Permission.SCHEDULE_MANAGE)
    row = _row(tx, name)
    before = {"every_seconds": row.every_seconds, "enabled": row.enabled}
    if every_seconds is not None:
        if not SHORTEST <= every_seconds <= LONGEST:
            raise UsageError(
                N_("{subject} seconds is no interval that can be: it is from {shortest} seconds to {longest} days."),
                subject=str(every_seconds),
                shortest=SHORTEST,
                longest=LONGEST // 86400,
            )
        row.every_seconds = every_seconds
        row.next_at = min(row.next_at, tx.now + timedelta(seconds=every_seconds))
    if enabled is not None:
        if enabled and not row.enabled:
            row.next_at = tx.now + timedelta(seconds=row.every_seconds)
        row.enabled = enabled
    after = {"every_seconds": row.every_seconds, "enabled": row.enabled}
    if after != before:
        note(tx, "schedule.changed", object_type="schedule", object_id=name, detail={"before": before, "after": after})


def run_now(tx: Transaction, name: str) -> str:
    """Has what a row names done now, whether it is enabled or not; one that waits or runs already is not begun twice.

    Returns:
        The id of the job.

    Raises:
        PermissionDenied: without `Permission.SCHEDULE_MANAGE`.
        NotFound: there is no such row.
    """
    tx.require(Permission.SCHEDULE_MANAGE)
    row = _row(tx, name)
    job_id = tx.enqueue(row.kind, row.arguments, key=f"schedule:{row.name}" if row.arguments else row.kind)
    note(tx, "schedule.run", object_type="schedule", object_id=name, detail={"job": job_id})
    return job_id


def _latest_job(tx: Transaction, kind: str) -> Job | None:
    of_timetable = select(Job).where(Job.kind == kind, Job.created_by == Actor.system("timetable").id)
    return tx.session.scalar(of_timetable.order_by(Job.created_at.desc()).limit(1))


def _is_silent(row: Schedule, job: Job | None, now: datetime) -> bool:
    """Whether it is not fired when it should be, or what it enqueued waits for ever."""
    if not row.enabled:
        return False
    patience = max(timedelta(seconds=3 * row.every_seconds), _PATIENCE)
    if row.next_at < now - patience:
        return True
    return job is not None and job.state == JobState.QUEUED and job.not_before < now - patience


def _row(tx: Transaction, name: str) -> Schedule:
    row = tx.session.get(Schedule, name, with_for_update=True)
    if row is None:
        raise NotFound(N_("There is no schedule “{subject}”."), subject=name, remedy=N_("“jingui schedule list” names them all."))
    return row
