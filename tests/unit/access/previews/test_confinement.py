"""The child that opens files of others: its limits hold, and nothing of it stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from access.previews import child
from access.previews.confinement import Ending, run
from access.previews.kinds import Kind
from access.previews.orders import Order


def order(tmp_path: Path, *, seconds: float = 20, memory: int = 1 << 30, output: int = 1 << 20) -> Order:
    """An order to do what a script of the test says."""
    target, scratch = tmp_path / "target", tmp_path / "scratch"
    target.mkdir()
    scratch.mkdir()
    return Order(kind=Kind.TEXT, source=tmp_path / "source", name="a.txt", target=target, seconds=seconds, memory=memory, output=output)


def behave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, seconds: float = 20, output: int = 1 << 20
) -> tuple[Ending, str]:
    """Has the child run a script as a renderer would that a hostile file has taken over; gives what it left."""
    wanted = order(tmp_path, seconds=seconds, output=output)
    folder = tmp_path / "taken"
    folder.mkdir()
    lines = "\n    ".join(script.splitlines())
    (folder / "sitecustomize.py").write_text(
        f"import access.previews.rendering.texts as texts\ndef taken(order):\n    {lines}\ntexts.render = taken\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    ending = run(wanted, tmp_path / "scratch")
    left = wanted.target / "left"
    about = wanted.target / "about.json"
    return ending, left.read_text() if left.exists() else about.read_text() if about.exists() else ""


def test_a_child_that_hangs_is_killed_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        "(order.target / 'left').write_text(str(child.pid))\nwhile True: time.sleep(1)"
    )
    ending, number = behave(tmp_path, monkeypatch, script, seconds=3)
    assert ending is Ending.OUT_OF_TIME
    assert gone(int(number))


def test_what_a_child_leaves_running_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n(order.target / 'left').write_text(str(child.pid))"
    ending, number = behave(tmp_path, monkeypatch, script)
    assert ending is Ending.DONE
    assert gone(int(number))


def test_memory_is_bounded_and_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, left = behave(tmp_path, monkeypatch, "held = bytearray(4 << 30)")
    assert ending is Ending.DONE
    assert "takes more memory than one file may have" in left


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, _ = behave(tmp_path, monkeypatch, "(order.target / 'big').write_bytes(bytes(3 << 20))", output=1 << 20)
    size = (tmp_path / "target/big").stat().st_size
    assert size <= 1 << 20
    assert ending in Ending


def test_a_crash_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, _ = behave(tmp_path, monkeypatch, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert ending is Ending.BROKEN


def test_there_is_no_network_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINGUI_SECRET_KEY", "not for children")
    script = (
        "import json, os, socket\n"
        "names = [name for _, name in socket.if_nameindex()]\n"
        "try:\n    socket.create_connection(('127.0.0.1', 1), 1)\n    reached = 'yes'\n"
        "except OSError as error:\n    reached = os.strerror(error.errno)\n"
        "places = [f'/proc/self/fd/{name}' for name in os.listdir('/proc/self/fd')]\n"
        "open_files = [os.readlink(place) for place in places if os.path.exists(place)]\n"
        "(order.target / 'left').write_text(json.dumps([names, reached, sorted(os.environ), open_files]))"
    )
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        ending, left = behave(tmp_path, monkeypatch, script)
    assert ending is Ending.DONE, left
    assert "JINGUI_SECRET_KEY" not in left
    assert "/secret" not in left
    if os.geteuid() == 0:
        assert '[["lo"], "Network is unreachable"' in left


def test_every_kind_has_a_renderer() -> None:
    for kind in Kind:
        if kind is not Kind.OTHER:
            assert callable(child.renderer(kind))


def gone(number: int) -> bool:
    """Whether a process has ended; one that nobody waited for counts."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False
