"""Versions that never counted are taken back, whatever happens on the way."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from storage.ocfl.layout import ROOT, STAGING
from storage.ocfl.recovery import recover
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.withdraw import withdraw
from storage.ocfl.writer import stage_version, write_version
from storage.stores.local import LocalStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan


def _withdrawn_until(store: LocalStore, keep: int, line: int) -> None:
    """Withdraws, and dies by SIGKILL before the given line of the storage code is run."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(("local.py", "withdraw.py", "recovery.py")):
            return None
        if event == "line":
            count += 1
            if count == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    withdraw(store, OBJECT, keep=keep)
    sys.settrace(None)


def files_in(store: LocalStore, folder: str) -> list[str]:
    """Every file below a folder of the store."""
    return [entry.key for entry in store.walk(folder)]


def test_the_only_version_goes_without_a_trace(store: LocalStore, plan: Plan) -> None:
    before = files_in(store, ROOT)
    write_version(store, plan({"a": b"1", "b/c": b"2"}))
    assert withdraw(store, OBJECT, keep=0) == 1
    assert files_in(store, ROOT) == before
    assert files_in(store, STAGING) == []
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MISSING


def test_an_object_that_is_not_there_or_not_further_is_left_alone(store: LocalStore, plan: Plan) -> None:
    assert withdraw(store, OBJECT, keep=0) == 0
    write_version(store, plan({"a": b"1"}))
    assert withdraw(store, OBJECT, keep=1) == 0
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH


def test_what_is_only_staged_goes_too(store: LocalStore, plan: Plan) -> None:
    stage_version(store, plan({"a": b"1"}))
    withdraw(store, OBJECT, keep=0)
    assert files_in(store, STAGING) == []


def test_later_versions_go_and_the_earlier_one_is_whole_again(store: LocalStore, plan: Plan) -> None:
    first = plan({"a": b"1", "b": b"2"})
    write_version(store, first)
    assert store.folder
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    second = plan({"a": b"1", "b": b"new"}, previous=first.inventory)
    write_version(store, second)
    write_version(store, plan({"a": b"1", "b": b"newer"}, previous=second.inventory))
    assert withdraw(store, OBJECT, keep=1) == 2
    assert {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("keep", [0, 1])
def test_killed_anywhere_it_can_be_finished(store: LocalStore, plan: Plan, tmp_path: Path, keep: int) -> None:
    first = plan({"a": b"1"})
    write_version(store, first)
    if keep:
        write_version(store, plan({"a": b"1", "b": b"2"}, previous=first.inventory))
    assert store.folder
    pristine = tmp_path / "pristine"
    shutil.copytree(store.folder, pristine)
    killed = 0
    for line in [*range(1, 40, 3), *range(40, 400, 9)]:
        child = multiprocessing.get_context("fork").Process(target=_withdrawn_until, args=(store, keep, line))
        child.start()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        recover(store)
        assert not validate(store, ROOT).errors, line
        withdraw(store, OBJECT, keep=keep)
        assert not validate(store, ROOT).errors
        assert check_copy(store, OBJECT).outcome is (CopyOutcome.MATCH if keep else CopyOutcome.MISSING)
        assert files_in(store, STAGING) == []
        shutil.rmtree(store.folder)
        shutil.copytree(pristine, store.folder)
    assert killed > 5
