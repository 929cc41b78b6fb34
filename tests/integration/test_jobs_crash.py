"""Workers that are killed in the middle of a job: the job comes back, its progress is kept, and nobody does it twice at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repository.archive import Archive
from repository.holdings import Job
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.jobs.recovery import recover
from repository.jobs.running import run_inline
from repository.permissions import Actor

STAFF = Actor(id="local:test", name="test", kind="local")

_SLICE = """
import time
from repository.features import Feature

def count(context):
    # the first beginning never ends by itself
    last = 10_000 if context.attempt == 1 else 20
    for n in range(1, last):
        context.progress("Counting", n, last, "sheep")
        context.check()
        time.sleep(0.05)
    return {"attempt": context.attempt}

def deaf(context):
    context.progress("Sleeping", 1, 1, "nights")
    time.sleep(600)

feature = Feature(name="slow", jobs={"slow.count": "slow_slice:count", "slow.deaf": "slow_slice:deaf"})
"""
_PROGRAM = """
import repository.features as features
features.FEATURES = (*features.FEATURES, "slow_slice:feature")
from repository.cli import main
main()
"""


@pytest.fixture
def start(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command line with a slice more, and ends what it started."""
    (tmp_path / "slow_slice.py").write_text(_SLICE)
    monkeypatch.setenv("JINGUI_LEASE_SECONDS", "5")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", _PROGRAM, "--home", str(home), *arguments], env=environment)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def archive(home: Path, start: object) -> Iterator[Archive]:
    opened = Archive.open(home)
    yield opened
    opened.close()


def enqueue(archive: Archive, kind: str) -> str:
    with archive.transaction(STAFF) as tx:
        return tx.enqueue(kind, {})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_a_job_whose_worker_was_killed_is_resumed_by_another_after_the_lease(
    archive: Archive, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    job_id = enqueue(archive, "slow.count")
    first = start("worker")
    wait_for(lambda: ledger.read(archive, job_id).progress.get("done", 0) >= 5)
    first.kill()
    first.wait()
    left = ledger.read(archive, job_id)
    assert (left.state, left.attempts) == (JobState.RUNNING, 1)
    start("worker")
    wait_for(lambda: ledger.read(archive, job_id).attempts == 2)
    assert left.lease_until is not None
    assert archive.clock() >= left.lease_until
    wait_for(lambda: ledger.read(archive, job_id).state == JobState.DONE)
    assert ledger.read(archive, job_id).result == {"attempt": 2}


def test_progress_of_a_killed_worker_stays_in_the_ledger(archive: Archive, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    job_id = enqueue(archive, "slow.count")
    first = start("worker")
    wait_for(lambda: ledger.read(archive, job_id).progress.get("done", 0) >= 5)
    first.kill()
    first.wait()
    before = ledger.read(archive, job_id).progress
    done = recover(archive)
    assert [job_id in sentence for sentence in done] == [True]
    returned = ledger.read(archive, job_id)
    assert (returned.state, returned.progress) == (JobState.QUEUED, before)


def test_a_living_worker_is_left_alone_by_recovery(archive: Archive, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    job_id = enqueue(archive, "slow.count")
    start("worker")
    wait_for(lambda: ledger.read(archive, job_id).state == JobState.RUNNING)
    assert recover(archive) == []
    assert ledger.read(archive, job_id).state == JobState.RUNNING


@pytest.mark.parametrize(("kind", "told"), [("slow.count", signal.SIGTERM), ("slow.count", signal.SIGINT), ("slow.deaf", signal.SIGTERM)])
def test_a_worker_that_is_told_to_end_gives_its_job_back(
    archive: Archive, start: Callable[..., subprocess.Popen[bytes]], kind: str, told: signal.Signals
) -> None:
    job_id = enqueue(archive, kind)
    worker = start("worker")
    wait_for(lambda: bool(ledger.read(archive, job_id).progress))
    worker.send_signal(told)
    assert worker.wait(timeout=30) == 0
    job = ledger.read(archive, job_id)
    assert (job.state, job.attempts, job.worker) == (JobState.QUEUED, 0, "")


def test_a_command_takes_over_what_a_killed_worker_left(archive: Archive, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    job_id = enqueue(archive, "no.such.kind")
    with archive.transaction(STAFF) as tx:
        job = tx.session.get_one(Job, job_id)
        job.state, job.worker, job.attempts = JobState.RUNNING, "elsewhere:1:x", 1
        job.lease_until = tx.now
    assert run_inline(archive, job_id).attempts == 2
