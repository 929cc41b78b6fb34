"""An ingest that the ledger gives up says so: the submission is not left in the middle, and nothing is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ingest.submissions import LOCAL_AGREEMENT, receive, retry
from repository.archive import Archive
from repository.errors import JobLost
from repository.events import EventType
from repository.holdings import Event, EventObject, Record, Submission, SubmissionState, SubmissionStep
from repository.jobs import ledger
from repository.jobs.context import Progress
from repository.jobs.ledger import ATTEMPT_LIMIT, JobState
from repository.jobs.running import perform, run_inline
from repository.permissions import Actor, Role

STAFF = Actor(id="1", name="lin", roles=frozenset({Role.ARCHIVIST}))


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
    yield opened
    opened.close()


@pytest.fixture
def submission_id(archive: Archive, tmp_path: Path) -> str:
    package = tmp_path / "材料"
    package.mkdir()
    (package / "申请.txt").write_text("申请", encoding="utf-8")
    with archive.transaction(STAFF) as tx:
        return receive(tx, source=package, agreement=LOCAL_AGREEMENT)


def read(archive: Archive, submission_id: str) -> Submission:
    with archive.read(STAFF) as tx:
        return tx.session.get_one(Submission, submission_id)


def break_off(archive: Archive, clock: Clock, *, at_reservation: bool) -> None:
    """Begins the oldest job, falls silent in the middle of it, and lets the lease lapse."""
    lease = ledger.claim(archive, "doomed")
    assert lease is not None

    def fall_silent(progress: Progress) -> None:
        submission = read(archive, lease.arguments["submission"])
        if submission.record_id is not None or not at_reservation:
            raise JobLost("silence")

    perform(archive, lease, on_progress=fall_silent)
    clock.now += timedelta(seconds=archive.settings.lease_seconds + 1)


def records(archive: Archive) -> int:
    with archive.read(STAFF) as tx:
        return tx.session.scalar(select(func.count()).select_from(Record)) or 0


def give_up(archive: Archive, clock: Clock) -> None:
    for attempt in range(ATTEMPT_LIMIT):
        break_off(archive, clock, at_reservation=attempt == ATTEMPT_LIMIT - 1)
        if attempt == ATTEMPT_LIMIT - 1:
            assert records(archive) == 1, "the record is reserved"
        (swept,) = ledger.sweep(archive)
    assert swept.state is JobState.FAILED


def test_the_submission_fails_with_its_reason_and_its_event(archive: Archive, clock: Clock, submission_id: str) -> None:
    give_up(archive, clock)
    submission = read(archive, submission_id)
    assert submission.state == SubmissionState.FAILED
    assert f"after {ATTEMPT_LIMIT} attempts" in submission.error
    assert "doomed" in submission.error
    assert submission.ended_at is not None
    with archive.read(STAFF) as tx:
        events = tx.session.execute(
            select(Event.type, Event.outcome, Event.detail)
            .join(EventObject, EventObject.event_id == Event.id)
            .where(EventObject.object_id == submission_id)
            .order_by(Event.sequence)
        ).all()
        steps = set(tx.session.scalars(select(SubmissionStep.state).where(SubmissionStep.submission_id == submission_id)))
    assert [(event.type, event.outcome) for event in events] == [(EventType.TRANSFER, "success"), (EventType.INGESTION_END, "failure")]
    assert events[-1].detail["state"] == "failed"
    assert "running" not in steps


def test_what_it_had_reserved_is_free_again(archive: Archive, clock: Clock, submission_id: str) -> None:
    give_up(archive, clock)
    assert records(archive) == 0
    assert read(archive, submission_id).record_id is None


def test_it_can_be_tried_again(archive: Archive, clock: Clock, submission_id: str) -> None:
    give_up(archive, clock)
    with archive.transaction(STAFF) as tx:
        job_id = retry(tx, submission_id)
    assert run_inline(archive, job_id).state == JobState.DONE
    submission = read(archive, submission_id)
    assert (submission.state, submission.error) == (SubmissionState.STORED, "")


def test_a_submission_whose_waiting_job_is_cancelled_is_cancelled(archive: Archive, submission_id: str) -> None:
    with archive.transaction(STAFF) as tx:
        ledger.cancel(tx, str(tx.session.get_one(Submission, submission_id).job_id))
    assert read(archive, submission_id).state == SubmissionState.CANCELLED


def test_one_that_goes_on_is_left_alone(archive: Archive, clock: Clock, submission_id: str) -> None:
    break_off(archive, clock, at_reservation=True)
    (swept,) = ledger.sweep(archive)
    assert swept.state is JobState.QUEUED
    assert read(archive, submission_id).state == SubmissionState.PROCESSING
