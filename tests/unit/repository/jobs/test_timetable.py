"""The timetable: what is due is enqueued once, and silent workers' jobs come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from repository.archive import Archive
from repository.features import schedules
from repository.holdings import Job, Schedule
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.jobs.timetable import KEPT, ensure_schedules, tick
from repository.permissions import Actor

STAFF = Actor.system("test")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    ensure_schedules(opened)
    yield opened
    opened.close()


def jobs(archive: Archive, kind: str) -> list[Job]:
    with archive.read(STAFF) as tx:
        return list(tx.session.scalars(select(Job).where(Job.kind == kind)))


def test_every_schedule_of_the_features_has_its_row_and_keeps_what_was_set(archive: Archive) -> None:
    with archive.transaction(STAFF) as tx:
        tx.session.get_one(Schedule, "journal.flush").every_seconds = 7
    ensure_schedules(archive)
    with archive.read(STAFF) as tx:
        rows = {row.name: row.every_seconds for row in tx.session.scalars(select(Schedule))}
    assert set(rows) == {spec.name for spec in schedules()}
    assert rows["journal.flush"] == 7


def test_what_is_due_is_enqueued_once_however_often_it_ticks(archive: Archive, clock: Clock) -> None:
    assert tick(archive) == 0
    clock.now += timedelta(days=1)
    assert tick(archive) == len(schedules())
    assert tick(archive) == 0
    assert len(jobs(archive, "journal.flush")) == 1


def test_a_slow_job_does_not_queue_up_behind_itself(archive: Archive, clock: Clock) -> None:
    for _ in range(3):
        clock.now += timedelta(days=1)
        tick(archive)
    assert len(jobs(archive, "journal.flush")) == 1


def test_a_schedule_that_is_switched_off_does_not_fire(archive: Archive, clock: Clock) -> None:
    with archive.transaction(STAFF) as tx:
        tx.session.get_one(Schedule, "journal.flush").enabled = False
    clock.now += timedelta(days=1)
    tick(archive)
    assert jobs(archive, "journal.flush") == []


def test_done_work_of_the_timetable_is_forgotten_other_work_is_kept(archive: Archive, clock: Clock) -> None:
    clock.now += timedelta(days=1)
    tick(archive)
    with archive.transaction(Actor.system("somebody")) as tx:
        tx.enqueue("journal.flush", {}, key="other")
    while (lease := ledger.claim(archive, "worker")) is not None:
        ledger.complete(archive, lease, {})
    clock.now += KEPT + timedelta(days=1)
    tick(archive)
    with archive.read(STAFF) as tx:
        done = tx.session.scalars(select(Job.created_by).where(Job.state == JobState.DONE)).all()
        assert tx.session.scalar(select(func.count()).select_from(Job)) == len(schedules()) + 1
    assert done == ["system:somebody"]


def test_a_record_that_waits_to_be_indexed_is_seen_to_at_the_next_tick(archive: Archive) -> None:
    with archive.transaction(STAFF) as tx:
        tx.changed("0" * 36)
    tick(archive)
    tick(archive)
    assert [job.state for job in jobs(archive, "search.index")] == [JobState.QUEUED]


def test_the_job_of_a_silent_worker_comes_back(archive: Archive, clock: Clock) -> None:
    with archive.transaction(STAFF) as tx:
        job_id = tx.enqueue("test", {})
    ledger.claim(archive, "gone")
    clock.now += timedelta(seconds=archive.settings.lease_seconds + 1)
    tick(archive)
    assert ledger.read(archive, job_id).state == JobState.QUEUED
