"""Jobs that a broker brings to workers on many machines: done once, whatever is killed, doubled, lost or away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from repository.archive import Archive
from repository.holdings import Job, Schedule
from repository.jobs import ledger
from repository.jobs.delivery import Broker
from repository.jobs.ledger import JobState
from repository.jobs.timetable import tick
from repository.permissions import Actor
from tests.conftest import Cli

pytest.importorskip("celery", reason="the extra celery is not installed")

STAFF = Actor(id="local:test", name="test", kind="local")
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

_SLICE = """
import time
from repository.features import Feature

def note(context):
    with context.archive.settings.under_home("noted").open("a") as file:
        file.write(context.job_id + "\\n")
    return {"attempt": context.attempt}

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

def second_time(context):
    if context.attempt == 1:
        raise OSError("not yet")
    return {"attempt": context.attempt}

feature = Feature(
    name="slow",
    jobs={name: "slow_slice:" + name.partition(".")[2] for name in ("slow.note", "slow.count", "slow.deaf", "slow.second_time")},
)
"""
_PROGRAM = """
import repository.features as features
features.FEATURES = (*features.FEATURES, "slow_slice:feature")
from repository.cli import main
main()
"""

Start = Callable[..., subprocess.Popen[bytes]]


class Redis:
    """A Redis server on a port of its own; not running until it is started."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, empty, and waits until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self._answers)

    def send_signal(self, number: signal.Signals) -> None:
        """To the server."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends it, with everything in it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def execute(self, *command: str) -> object:
        """Runs a command of Redis."""
        import redis

        with closing(redis.Redis(port=self.port)) as client:
            return client.execute_command(*command)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def broker(redis_server: Redis) -> Redis:
    redis_server.start()
    return redis_server


@pytest.fixture
def archive(home: Path, redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setenv("JINGUI_BROKER_URL", redis_server.url)
    monkeypatch.setenv("JINGUI_LEASE_SECONDS", "5")
    opened = Archive.open(home)
    yield opened
    opened.close()


@pytest.fixture
def start(archive: Archive, tmp_path: Path) -> Iterator[Start]:
    """Starts the command line with a slice more, and ends what it started."""
    (tmp_path / "slow_slice.py").write_text(_SLICE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _PROGRAM, "--home", str(archive.home), *arguments]
        # a supervised worker ends when its input does; unlike others it sends nothing again by itself
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def enqueue(archive: Archive, kind: str) -> str:
    with archive.transaction(STAFF) as tx:
        return tx.enqueue(kind, {})


def has_schedules(archive: Archive) -> bool:
    with archive.read(STAFF) as tx:
        return tx.session.query(Schedule).count() > 0


def noted(archive: Archive) -> list[str]:
    return (archive.home / "noted").read_text().split()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 150
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def wait_until_done(archive: Archive, job_id: str) -> Job:
    wait_for(lambda: ledger.read(archive, job_id).state == JobState.DONE)
    return ledger.read(archive, job_id)


def test_a_job_is_done_by_the_worker_that_the_broker_tells(archive: Archive, broker: Redis, start: Start) -> None:
    start("worker", "--supervised")
    for _ in range(3):
        job = wait_until_done(archive, enqueue(archive, "slow.note"))
        assert job.attempts == 1
    assert len(noted(archive)) == 3


@ON_SQLITE
def test_messages_wait_for_a_worker_and_carry_only_the_id(archive: Archive, broker: Redis, start: Start) -> None:
    job_ids = [enqueue(archive, "slow.note") for _ in range(20)]
    wait_for(lambda: Broker(broker.url).waiting() == 20)
    message = str(broker.execute("LINDEX", "jingui", "-1"))
    assert "slow.note" not in message
    start("worker", "--supervised")
    for job_id in job_ids:
        wait_until_done(archive, job_id)
    assert sorted(noted(archive)) == sorted(job_ids)


def test_a_job_whose_worker_was_killed_is_done_by_another_after_the_lease(archive: Archive, broker: Redis, start: Start) -> None:
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
    assert wait_until_done(archive, job_id).result == {"attempt": 2}


def test_a_doubled_message_is_harmless(archive: Archive, broker: Redis, start: Start) -> None:
    job_id = enqueue(archive, "slow.note")
    assert Broker(broker.url).send([job_id] * 5)
    last = enqueue(archive, "slow.note")
    start("worker", "--supervised")
    start("worker", "--supervised")
    wait_until_done(archive, last)
    wait_for(lambda: Broker(broker.url).waiting() == 0)
    assert wait_until_done(archive, job_id).attempts == 1
    assert sorted(noted(archive)) == sorted([job_id, last])


@ON_SQLITE
def test_a_message_about_nothing_is_harmless(archive: Archive, broker: Redis, start: Start) -> None:
    assert Broker(broker.url).send(["no-such-job", ""])
    job_id = enqueue(archive, "slow.note")
    start("worker", "--supervised")
    wait_until_done(archive, job_id)


@ON_SQLITE
def test_while_the_broker_is_away_jobs_are_committed_and_delivered_later(archive: Archive, redis_server: Redis, start: Start) -> None:
    job_id = enqueue(archive, "slow.note")
    assert ledger.read(archive, job_id).state == JobState.QUEUED
    start("worker")
    assert tick(archive) >= 0
    assert ledger.read(archive, job_id).state == JobState.QUEUED
    redis_server.start()
    wait_until_done(archive, job_id)


@ON_SQLITE
def test_a_broker_that_hangs_does_not_hold_up_a_commit(archive: Archive, broker: Redis, start: Start) -> None:
    broker.send_signal(signal.SIGSTOP)
    job_ids = [enqueue(archive, "slow.note") for _ in range(100)]
    assert Broker(broker.url).send(job_ids[:1]) is False
    broker.send_signal(signal.SIGCONT)
    start("worker")
    for job_id in job_ids:
        wait_until_done(archive, job_id)
    assert sorted(noted(archive)) == sorted(job_ids)


@ON_SQLITE
def test_messages_that_a_broker_lost_are_sent_again(archive: Archive, broker: Redis, start: Start) -> None:
    job_id = enqueue(archive, "slow.note")
    wait_for(lambda: Broker(broker.url).waiting() == 1)
    broker.execute("FLUSHALL")
    start("worker")
    wait_until_done(archive, job_id)


@ON_SQLITE
def test_a_worker_outlives_its_broker(archive: Archive, broker: Redis, start: Start) -> None:
    start("worker", "--supervised")
    wait_until_done(archive, enqueue(archive, "slow.note"))
    broker.stop()
    broker.start()
    job_id = enqueue(archive, "slow.note")
    wait_until_done(archive, job_id)


@ON_SQLITE
def test_a_job_that_failed_is_brought_again_after_its_pause(archive: Archive, broker: Redis, start: Start) -> None:
    job_id = enqueue(archive, "slow.second_time")
    start("worker")
    assert wait_until_done(archive, job_id).result == {"attempt": 2}


@ON_SQLITE
@pytest.mark.parametrize(("kind", "told"), [("slow.count", signal.SIGTERM), ("slow.count", signal.SIGINT), ("slow.deaf", signal.SIGTERM)])
def test_a_worker_that_is_told_to_end_gives_its_job_back(
    archive: Archive, broker: Redis, start: Start, kind: str, told: signal.Signals
) -> None:
    job_id = enqueue(archive, kind)
    worker = start("worker", "--supervised")
    wait_for(lambda: bool(ledger.read(archive, job_id).progress))
    worker.send_signal(told)
    assert worker.wait(timeout=30) == 0
    job = ledger.read(archive, job_id)
    assert (job.state, job.attempts, job.worker) == (JobState.QUEUED, 0, "")


@ON_SQLITE
def test_a_worker_ends_while_its_broker_is_away(archive: Archive, start: Start) -> None:
    worker = start("worker")
    # its first tick comes after it has begun to listen to signals
    wait_for(lambda: has_schedules(archive))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0


@ON_SQLITE
def test_an_idle_archive_sends_nothing_and_a_waiting_message_is_not_doubled(archive: Archive, broker: Redis) -> None:
    enqueue(archive, "slow.note")
    wait_for(lambda: Broker(broker.url).waiting() == 1)
    for _ in range(3):
        tick(archive)
        time.sleep(archive.settings.lease_seconds / 2)
    with archive.read(STAFF) as tx:
        jobs = tx.session.query(Job).count()
    wait_for(lambda: Broker(broker.url).waiting() == jobs)


@ON_SQLITE
def test_serve_starts_workers_that_the_broker_tells(archive: Archive, broker: Redis, start: Start) -> None:
    server = start("serve", "--port", "0")
    wait_until_done(archive, enqueue(archive, "search.index"))
    wait_for(lambda: "brpop" in str(broker.execute("CLIENT", "LIST")))
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0


@ON_SQLITE
def test_what_is_left_in_the_table_can_be_done_without_the_broker(archive: Archive, start: Start) -> None:
    job_id = enqueue(archive, "slow.note")
    assert start("worker", "--until-idle").wait(timeout=60) == 0
    assert ledger.read(archive, job_id).state == JobState.DONE


@ON_SQLITE
def test_the_doctor_says_how_the_broker_is(archive: Archive, redis_server: Redis, cli: Cli) -> None:
    def broker() -> tuple[str, str]:
        lines = [json.loads(line) for line in cli("doctor", "--json").stdout.splitlines()]
        return next((line["health"], line["message"]) for line in lines if line["check"] == "broker")

    assert broker()[0] == "problem"
    redis_server.start()
    assert Broker(redis_server.url).send(["one", "two"])
    health, message = broker()
    assert health == "fine"
    assert "2" in message


@ON_SQLITE
def test_without_the_library_the_command_says_what_to_install(archive: Archive) -> None:
    code = "import sys; sys.modules['celery'] = None; from repository.cli import main; main()"
    job_id = enqueue(archive, "search.index")
    assert ledger.read(archive, job_id).state == JobState.QUEUED
    done = subprocess.run([sys.executable, "-c", code, "--home", str(archive.home), "worker"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "jingui[celery]" in done.stderr
