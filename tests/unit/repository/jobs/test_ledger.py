"""The ledger of jobs: who may work on what, until when, and what becomes of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied
from repository.jobs import ledger
from repository.jobs.ledger import ATTEMPT_LIMIT, JobState
from repository.permissions import Actor, Role

STAFF = Actor(id="1", name="alice", roles=frozenset({Role.ARCHIVIST}))
READER = Actor(id="2", name="bob", roles=frozenset({Role.RESEARCHER}))


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Moves it on."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    yield opened
    opened.close()


def enqueue(archive: Archive, *, key: str | None = None, not_before: datetime | None = None) -> str:
    with archive.transaction(STAFF) as tx:
        return tx.enqueue("test", {"n": 1}, key=key, not_before=not_before)


def test_a_job_is_claimed_once_and_in_the_order_of_enqueueing(archive: Archive, clock: Clock) -> None:
    first = enqueue(archive)
    clock.forward(1)
    second = enqueue(archive)
    claimed = [ledger.claim(archive, "one"), ledger.claim(archive, "two"), ledger.claim(archive, "three")]
    assert [lease and lease.job_id for lease in claimed] == [first, second, None]
    assert claimed[0] is not None
    assert claimed[0].arguments == {"n": 1}
    assert ledger.read(archive, first).created_by == "alice"


def test_a_job_for_later_waits_unless_it_is_named(archive: Archive, clock: Clock) -> None:
    job_id = enqueue(archive, not_before=clock.now + timedelta(hours=1))
    assert ledger.claim(archive, "worker") is None
    clock.forward(3601)
    assert ledger.claim(archive, "worker") is not None
    other = enqueue(archive, not_before=clock.now + timedelta(hours=1))
    assert ledger.claim(archive, "worker", job_id=other) is not None
    assert ledger.claim(archive, "worker", job_id=job_id) is None


def test_a_lapsed_lease_gives_the_job_to_another_and_the_first_can_no_longer_touch_it(archive: Archive, clock: Clock) -> None:
    job_id = enqueue(archive)
    first = ledger.claim(archive, "one")
    assert first is not None
    assert ledger.renew(archive, first, {"stage": "reading", "done": 7, "total": 10, "unit": "files", "detail": ""}) is False
    clock.forward(archive.settings.lease_seconds + 1)
    assert [swept.state for swept in ledger.sweep(archive)] == [JobState.QUEUED]
    second = ledger.claim(archive, "two")
    assert second is not None
    assert second.attempt == 2
    assert ledger.read(archive, job_id).progress["done"] == 7
    assert ledger.renew(archive, first) is None
    assert not ledger.complete(archive, first, {"by": "one"})
    assert not ledger.fail(archive, first, "late")
    assert not ledger.release(archive, first)
    assert ledger.complete(archive, second, {"by": "two"})
    assert ledger.read(archive, job_id).result == {"by": "two"}


def test_the_same_worker_with_an_older_attempt_is_refused_too(archive: Archive) -> None:
    enqueue(archive)
    lease = ledger.claim(archive, "one")
    assert lease is not None
    assert not ledger.complete(archive, replace(lease, attempt=lease.attempt + 1), {})
    assert ledger.complete(archive, lease, {})
    assert not ledger.complete(archive, lease, {})


def test_renewing_keeps_the_sweep_away(archive: Archive, clock: Clock) -> None:
    enqueue(archive)
    lease = ledger.claim(archive, "one")
    assert lease is not None
    for _ in range(3):
        clock.forward(archive.settings.lease_seconds - 1)
        assert ledger.renew(archive, lease) is False
        assert ledger.sweep(archive) == ()


def test_failures_are_tried_again_with_growing_pauses_and_then_given_up(archive: Archive, clock: Clock) -> None:
    job_id = enqueue(archive, key="once")
    pauses = []
    for attempt in range(1, ATTEMPT_LIMIT + 1):
        lease = ledger.claim(archive, "one")
        assert lease is not None
        assert lease.attempt == attempt
        assert ledger.fail(archive, lease, f"no luck {attempt}")
        job = ledger.read(archive, job_id)
        assert job.error == f"no luck {attempt}"
        if job.state == JobState.QUEUED:
            assert ledger.claim(archive, "one") is None
            pauses.append(job.not_before - clock.now)
            clock.now = job.not_before
    assert ledger.read(archive, job_id).state == JobState.FAILED
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == ATTEMPT_LIMIT - 1
    assert enqueue(archive, key="once") != job_id, "the key is free again"


def test_a_job_that_kills_its_workers_is_given_up(archive: Archive, clock: Clock) -> None:
    job_id = enqueue(archive)
    for _ in range(ATTEMPT_LIMIT):
        assert ledger.claim(archive, "doomed") is not None
        clock.forward(archive.settings.lease_seconds + 1)
        ledger.sweep(archive)
    job = ledger.read(archive, job_id)
    assert job.state == JobState.FAILED
    assert "doomed" in job.error


def test_releasing_costs_no_attempt(archive: Archive) -> None:
    enqueue(archive)
    for _ in range(ATTEMPT_LIMIT * 2):
        lease = ledger.claim(archive, "one")
        assert lease is not None
        assert lease.attempt == 1
        assert ledger.release(archive, lease, {"done": 3})


def test_cancelling(archive: Archive, clock: Clock) -> None:
    waiting, running, lost = enqueue(archive), enqueue(archive), enqueue(archive)
    for job_id in (running, lost):
        assert ledger.claim(archive, job_id, job_id=job_id) is not None
    with archive.transaction(STAFF) as tx:
        assert ledger.cancel(tx, waiting) == JobState.CANCELLED
        assert ledger.cancel(tx, running) == JobState.RUNNING
        assert ledger.cancel(tx, lost) == JobState.RUNNING
    with archive.transaction(STAFF) as tx, pytest.raises(Conflict):
        ledger.cancel(tx, waiting)
    with archive.transaction(STAFF) as tx, pytest.raises(NotFound):
        ledger.cancel(tx, "nothing")
    with archive.transaction(READER) as tx, pytest.raises(PermissionDenied):
        ledger.cancel(tx, running)
    clock.forward(archive.settings.lease_seconds + 1)
    assert {swept.state for swept in ledger.sweep(archive)} == {JobState.CANCELLED}
    with archive.transaction(STAFF) as tx:
        ledger.retry(tx, waiting)
    lease = ledger.claim(archive, "one")
    assert lease is not None
    assert (lease.job_id, lease.attempt) == (waiting, 1)
    assert ledger.renew(archive, lease) is False


_CLAIMER = """
import sys
from pathlib import Path
from repository.archive import Archive
from repository.jobs import ledger

archive = Archive.open(Path(sys.argv[1]))
idle = 0
while idle < 3:
    lease = ledger.claim(archive, sys.argv[2])
    if lease is None:
        idle += 1
        continue
    idle = 0
    print(lease.job_id)
    assert ledger.complete(archive, lease, {})
archive.close()
"""


def test_four_processes_never_claim_a_job_twice(home: Path) -> None:
    archive = Archive.open(home)
    with archive.transaction(STAFF) as tx:
        expected = {tx.enqueue("test", {"n": n}) for n in range(400)}
    processes = [
        subprocess.Popen([sys.executable, "-c", _CLAIMER, str(home), f"worker-{n}"], stdout=subprocess.PIPE, text=True) for n in range(4)
    ]
    outputs = [process.communicate(timeout=120)[0].split() for process in processes]
    archive.close()
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    claims = Counter(job_id for output in outputs for job_id in output)
    assert set(claims) == expected
    assert set(claims.values()) == {1}
