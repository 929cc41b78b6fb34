"""The timetable: rows that say what is done how often, and the `tick` that fires them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from repository.features import schedules
from repository.holdings import Job, Schedule
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.permissions import Actor
from repository.search.pending import is_behind

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: How long jobs that the timetable enqueued are kept once they are done.
KEPT: Final = timedelta(days=1)

_TIMETABLE: Final = Actor.system("timetable")


def ensure_schedules(archive: Archive) -> None:
    """Makes the timetable rows that the features name and that are not there yet; rows that are there stay as somebody set them."""
    with archive.transaction(_TIMETABLE) as tx:
        known = set(tx.session.scalars(select(Schedule.name)))
        for spec in schedules():
            if spec.name not in known:
                tx.session.add(
                    Schedule(
                        name=spec.name,
                        kind=spec.kind,
                        arguments={},
                        every_seconds=spec.every_seconds,
                        enabled=True,
                        next_at=tx.now + timedelta(seconds=spec.every_seconds),
                    )
                )


def tick(archive: Archive) -> int:
    """Fires what is due, has waiting records indexed, returns jobs of silent workers to the queue, and sends what was not sent.

    May run in any number of processes at once.

    Returns:
        The number of timetable rows fired.
    """
    for swept in ledger.sweep(archive):
        logger.warning("job %s (%s): its worker fell silent; it is now %s", swept.job_id, swept.kind, swept.state)
    if archive.settings.search_engine == "whoosh" and is_behind(archive):
        with archive.transaction(_TIMETABLE) as tx:
            tx.enqueue("search.index", {}, key="search.index")
    fired = _fire(archive)
    if archive.settings.broker_url:
        from repository.jobs.delivery import redeliver

        redeliver(archive)
    return fired


def _fire(archive: Archive) -> int:
    with archive.read(_TIMETABLE) as tx:
        if tx.session.scalar(select(Schedule.name).where(Schedule.enabled, Schedule.next_at <= tx.now).limit(1)) is None:
            return 0
    fired = 0
    with archive.transaction(_TIMETABLE) as tx:
        due = select(Schedule).where(Schedule.enabled, Schedule.next_at <= tx.now).with_for_update(skip_locked=True)
        for schedule in tx.session.scalars(due):
            # the key keeps a second one from queueing up behind a slow first
            tx.enqueue(schedule.kind, schedule.arguments, key=f"schedule:{schedule.name}" if schedule.arguments else schedule.kind)
            schedule.last_at = tx.now
            schedule.next_at = tx.now + timedelta(seconds=schedule.every_seconds)
            fired += 1
        if fired:
            _forget(tx)
    return fired


def _forget(tx: Transaction) -> None:
    """Removes what the timetable did well some time ago: what it did to content is in the ledger of events."""
    done_long_ago = (Job.state == JobState.DONE) & (Job.created_by == _TIMETABLE.id) & (Job.ended_at < tx.now - KEPT)
    tx.session.execute(delete(Job).where(done_long_ago))
