"""`jingui serve`: one command that serves, works and ends cleanly."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repository.accounts import create_user
from repository.archive import Archive
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.permissions import Actor

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``serve`` and waits until it listens; whatever happens, nothing is left running."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str, home: Path = tmp_path / "home") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "repository", "--home", str(home), "serve", "--port", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def lines_until_listening(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """What it says until it listens, and the address."""
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if found := re.search(r"http://\S+/", line):
            return lines, found[0]
    raise AssertionError(f"it ended: {lines}")


def children(process: subprocess.Popen[str]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for file in listed for pid in file.read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_makes_a_home_serves_works_and_leaves_nothing_running(start: Start, tmp_path: Path) -> None:
    process = start()
    _, address = lines_until_listening(process)
    assert status(address) == 200
    archive = Archive.open(tmp_path / "home")
    with archive.transaction(Actor.local()) as tx:
        job_id = tx.enqueue("search.index", {})
    wait_for(lambda: ledger.read(archive, job_id).state == JobState.DONE)
    archive.close()
    workers = children(process)
    assert len(workers) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert not any(is_running(pid) for pid in workers)


def test_a_worker_that_crashes_is_started_again(start: Start) -> None:
    process = start("--workers", "2")
    lines_until_listening(process)
    wait_for(lambda: len(children(process)) == 2)
    before = children(process)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len([pid for pid in children(process) if pid not in before]) == 1)
    assert before[1] in children(process)


def test_workers_end_with_a_server_that_was_killed(start: Start) -> None:
    process = start()
    lines_until_listening(process)
    wait_for(lambda: children(process))
    workers = children(process)
    process.kill()
    process.wait()
    wait_for(lambda: not any(is_running(pid) for pid in workers))


def test_a_port_in_use_is_said(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]))
        assert process.wait(timeout=60) == 2


def test_a_home_is_served_once(start: Start) -> None:
    lines_until_listening(start())
    assert start().wait(timeout=60) == 2


def test_what_a_killed_server_left_is_taken_up_and_said(start: Start, tmp_path: Path) -> None:
    first = start("--workers", "0")
    lines_until_listening(first)
    archive = Archive.open(tmp_path / "home")
    with archive.transaction(Actor.local()) as tx:
        job_id = tx.enqueue("search.index", {})
    # a worker that was a process of this machine and is gone
    code = (
        "import sys; from pathlib import Path; from repository.archive import Archive; from repository.jobs import ledger, recovery;"
        "a = Archive.open(Path(sys.argv[1])); ledger.claim(a, recovery.worker_name(a), job_id=sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "home"), job_id], check=True)
    first.kill()
    first.wait()
    said, _ = lines_until_listening(start())
    assert any(job_id in line for line in said)
    wait_for(lambda: ledger.read(archive, job_id).state == JobState.DONE)
    archive.close()


def test_a_home_without_accounts_says_where_the_first_are_made(start: Start, tmp_path: Path) -> None:
    process = start("--workers", "0")
    _, address = lines_until_listening(process)
    assert process.stdout is not None
    said = process.stdout.readline() + process.stdout.readline()
    found = re.search(rf"{re.escape(address)}setup\?key=\S+", said)
    assert found is not None, said
    assert status(found[0]) == 200
    assert status(f"{address}setup?key=another") == 404
    archive = Archive.open(tmp_path / "home")
    with archive.transaction(Actor.local()) as tx:
        create_user(tx, name="alice", password="bronze-bound-chest", roles=["archivist"])
    archive.close()
    assert status(found[0]) == 404
