"""Doing jobs: how they end, how they are stopped, and how their progress gets out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from repository.archive import Archive
from repository.errors import UsageError
from repository.features import Feature, features
from repository.holdings import Job
from repository.jobs import context as context_module
from repository.jobs import ledger
from repository.jobs.context import JobContext, Progress
from repository.jobs.ledger import JobState
from repository.jobs.running import perform, run_inline
from repository.jobs.worker import Worker
from repository.permissions import Actor, Role
from storage.errors import StoreUnavailable

STAFF = Actor(id="1", name="alice", roles=frozenset({Role.ARCHIVIST}))

Handler = Callable[[JobContext], Mapping[str, Any]]


def enqueue(archive: Archive, kind: str = "test") -> str:
    with archive.transaction(STAFF) as tx:
        return tx.enqueue(kind, {"n": 3})


def do(archive: Archive, handler: Handler, *, retry: bool = True, stopping: threading.Event | None = None) -> Job:
    job_id = enqueue(archive)
    lease = ledger.claim(archive, "here", job_id=job_id)
    assert lease is not None
    perform(archive, lease, handler=handler, retry=retry, stopping=stopping)
    return ledger.read(archive, job_id)


def until_told(context: JobContext) -> Mapping[str, Any]:
    for n in range(600):
        context.progress("waiting", n, 600, "turns")
        context.check()
        time.sleep(0.02)
    raise AssertionError("nobody told the job to stop")


def test_a_job_done_keeps_its_result_and_its_last_progress(archive: Archive) -> None:
    def handler(context: JobContext) -> Mapping[str, Any]:
        context.progress("Counting", 3, 3, "sheep", detail="the last")
        return {"sheep": context.arguments["n"], "for": context.actor.name, "attempt": context.attempt}

    job = do(archive, handler)
    assert (job.state, job.result) == (JobState.DONE, {"sheep": 3, "for": "alice", "attempt": 1})
    last = {"stage": "Counting", "done": 3, "total": 3, "unit": "sheep", "detail": "the last", "bytes": 0, "bytes_total": None}
    assert job.progress == last
    assert job.ended_at is not None


def test_a_crash_is_recorded_with_a_number_that_finds_the_traceback(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    def handler(context: JobContext) -> Mapping[str, Any]:
        raise RuntimeError("the roof is on fire")

    job = do(archive, handler)
    assert job.state == JobState.QUEUED
    assert "the roof is on fire" in job.error
    number = job.error.rsplit("[", 1)[1].rstrip("]")
    assert number in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("error", "state"),
    [(UsageError("wrong"), JobState.FAILED), (StoreUnavailable("STORE_AWAY", "the store is away"), JobState.QUEUED)],
)
def test_only_what_may_pass_is_tried_again(archive: Archive, error: Exception, state: JobState) -> None:
    def handler(context: JobContext) -> Mapping[str, Any]:
        raise error

    assert do(archive, handler).state == state


def test_an_unknown_kind_fails_with_its_name(archive: Archive) -> None:
    job = run_inline(archive, enqueue(archive, "no.such.kind"))
    assert job.state == JobState.FAILED
    assert "no.such.kind" in job.error


def test_cancelling_stops_a_running_job_and_its_progress_stays(archive: Archive) -> None:
    job_id = enqueue(archive)
    lease = ledger.claim(archive, "here", job_id=job_id)
    assert lease is not None
    thread = threading.Thread(target=perform, args=(archive, lease), kwargs={"handler": until_told})
    thread.start()
    while not ledger.read(archive, job_id).progress:
        time.sleep(0.05)
    with archive.transaction(STAFF) as tx:
        ledger.cancel(tx, job_id)
    thread.join(timeout=20)
    job = ledger.read(archive, job_id)
    assert job.state == JobState.CANCELLED
    assert job.progress["stage"] == "waiting"


def test_a_process_that_ends_gives_its_job_back(archive: Archive) -> None:
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    job = do(archive, until_told, stopping=stopping)
    assert (job.state, job.attempts, job.worker) == (JobState.QUEUED, 0, "")


def test_a_job_whose_lease_went_to_another_stops_and_writes_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "BEAT_SECONDS", 0.1)

    def handler(context: JobContext) -> Mapping[str, Any]:
        with archive.transaction(STAFF) as tx:
            job = tx.session.get_one(Job, context.job_id)
            job.worker, job.attempts = "another", job.attempts + 1
        return until_told(context)

    job = do(archive, handler)
    assert (job.state, job.worker) == (JobState.RUNNING, "another")


@pytest.fixture
def slow_kind(monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind of job that tells three steps."""
    added = Feature(name="test", jobs={"test.steps": f"{__name__}:steps"})
    everything = (*features(), added)
    monkeypatch.setattr("repository.features.features", lambda: everything)
    monkeypatch.setattr("repository.features.resolve", lambda dotted: steps)
    return "test.steps"


def steps(context: JobContext) -> Mapping[str, Any]:
    for n in range(1, 4):
        context.progress("Stepping", n, 3, "steps")
        time.sleep(0.3)
    return {"steps": 3}


def test_inline_the_caller_sees_every_step(archive: Archive, slow_kind: str) -> None:
    seen: list[Progress] = []
    job = run_inline(archive, enqueue(archive, slow_kind), seen.append)
    assert (job.state, job.result) == (JobState.DONE, {"steps": 3})
    assert [progress.done for progress in seen] == [1, 2, 3]


def test_inline_follows_a_worker_that_was_faster(archive: Archive, slow_kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "BEAT_SECONDS", 0.1)
    job_id = enqueue(archive, slow_kind)
    worker = Worker(archive)
    thread = threading.Thread(target=worker.run, kwargs={"until_idle": True})
    thread.start()
    while ledger.read(archive, job_id).state == JobState.QUEUED:
        time.sleep(0.01)
    seen: list[Progress] = []
    job = run_inline(archive, job_id, seen.append)
    thread.join(timeout=20)
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    assert seen


def test_an_ended_job_is_not_done_again(archive: Archive, slow_kind: str) -> None:
    job_id = enqueue(archive, slow_kind)
    run_inline(archive, job_id)
    seen: list[Progress] = []
    assert run_inline(archive, job_id, seen.append).attempts == 1
    assert seen == []
