"""What a system administrator looks after: stores and their room, work that waits, what happens regularly, the program's parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import func, select

from repository.health import TOOLS, Examination, Health, examine_tool
from repository.holdings import Job
from repository.jobs.ledger import JobState
from repository.jobs.schedules import ScheduleRow, list_schedules
from repository.permissions import Permission, allows
from repository.transaction import Transaction
from storage.errors import StorageError

#: A store with less room than this, bytes, is shown as nearly full.
LITTLE_ROOM: Final = 10 * 1024**3
#: A job that could run and waits for longer has no worker.
_PATIENCE: Final = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class StoreRoom:
    """A store and the room in it.

    Args:
        store: its name.
        free: bytes, or None where it does not tell.
        reached: whether it answers.
        read_only: whether nothing is written there.
    """

    store: str
    free: int | None
    reached: bool
    read_only: bool

    @property
    def is_short(self) -> bool:
        """Whether it is nearly full."""
        return self.free is not None and self.free < LITTLE_ROOM and not self.read_only


@dataclass(frozen=True, kw_only=True)
class Work:
    """The state of the ledger of jobs.

    Args:
        workers: names of those that hold a job now.
        running, waiting: how many jobs run, and could run now.
        oldest: since when the oldest of those waits.
        stuck: whether nobody takes what waits.
    """

    workers: Sequence[str]
    running: int
    waiting: int
    oldest: datetime | None
    stuck: bool


def rooms(tx: Transaction) -> Sequence[StoreRoom]:
    """Every store and the room in it; nothing for who may not know of stores."""
    if not allows(tx.actor, Permission.STORE_READ):
        return ()
    found = []
    for store in tx.archive.stores:
        try:
            reached = store.objects.stat("ocfl/0=ocfl_1.1") is not None
            free = store.objects.free_space() if reached else None
        except StorageError:
            reached, free = False, None
        found.append(StoreRoom(store=store.name, free=free, reached=reached, read_only=store.read_only))
    return found


def work(tx: Transaction) -> Work | None:
    """How work goes on; None for who may not know of jobs."""
    if not allows(tx.actor, Permission.JOB_READ):
        return None
    held = tx.session.execute(select(Job.worker, func.count()).where(Job.state == JobState.RUNNING).group_by(Job.worker)).all()
    due = (Job.state == JobState.QUEUED) & (Job.not_before <= tx.now)
    waiting = tx.session.scalar(select(func.count()).select_from(Job).where(due)) or 0
    oldest = tx.session.scalar(select(func.min(Job.not_before)).where(due))
    stuck = oldest is not None and oldest < tx.now - _PATIENCE and not held
    return Work(
        workers=sorted(worker for worker, _ in held if worker),
        running=sum(jobs for _, jobs in held),
        waiting=waiting,
        oldest=oldest,
        stuck=stuck,
    )


def silent_schedules(tx: Transaction) -> Sequence[ScheduleRow]:
    """What should have happened by now and has not."""
    return [row for row in list_schedules(tx) if row.silent] if allows(tx.actor, Permission.JOB_READ) else ()


@cache
def lacking_tools() -> Sequence[Examination]:
    """Libraries that are absent or do not load, looked at once for each process: what is installed changes with a restart only."""
    return [found for found in map(examine_tool, TOOLS) if found.health is not Health.FINE]
