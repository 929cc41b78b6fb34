"""A writer that is killed between any two lines leaves the old or the new state."""

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

from storage.ocfl.reader import StorageRoot
from storage.ocfl.recovery import recover
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import VersionPlan, write_version
from storage.stores.local import LocalStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan

SPREAD = 25
AT_THE_END = range(1, 130, 7)
WATCHED = ("local.py", "importing.py", "writer.py", "recovery.py")


def _killed_at(store: LocalStore, plan: VersionPlan, line: int, counted: Path) -> None:
    """Writes, and dies by SIGKILL before the given line of the storage code is run; line 0 lives and counts them."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            count += 1
            if count == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    write_version(store, plan, durable=False)
    sys.settrace(None)
    counted.write_text(str(count))


def _run(store: LocalStore, plan: VersionPlan, line: int, counted: Path) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=_killed_at, args=(store, plan, line, counted))
    child.start()
    child.join()
    return child.exitcode


@pytest.mark.parametrize("version", [1, 2])
def test_killed_anywhere(store: LocalStore, plan: Plan, tmp_path: Path, version: int) -> None:
    first = plan({"a": b"1", "b/c": b"2"})
    written = first
    if version == 2:
        write_version(store, first)
        written = plan({"a": b"1", "b/c": b"new", "d": b"4"}, previous=first.inventory)
    assert store.folder
    pristine = tmp_path / "pristine"
    shutil.copytree(store.folder, pristine)
    counted = tmp_path / "lines"
    assert _run(store, written, 0, counted) == 0
    lines = int(counted.read_text())
    states = set()
    killed = 0
    for line in sorted({*range(1, lines, lines // SPREAD), *(lines - back for back in AT_THE_END)}):
        shutil.rmtree(store.folder)
        shutil.copytree(pristine, store.folder)
        # the very last lines differ from run to run, with the order in which folders are read
        ended = _run(store, written, line, counted)
        assert ended in (0, -signal.SIGKILL)
        killed += ended != 0
        told = recover(store)
        assert store.scan("staging") == []
        assert recover(store) == []
        found = StorageRoot(store).find(OBJECT)
        head = found.head() if found else 0
        states.add(head)
        assert head in (version - 1, version), told
        assert validate(store, "ocfl").errors == (), told
        if head:
            assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH
        write_version(store, written, durable=False)
        assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH
    assert killed >= SPREAD
    assert states == {version - 1, version}


def test_the_next_writer_of_the_object_cleans_up_by_itself(store: LocalStore, plan: Plan) -> None:
    written = plan({"a": b"1"})
    store.write(f"{written.staging_key}/object/v1/content/a", [b"half"])
    write_version(store, written)
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH


def test_recovery_says_what_it_did(store: LocalStore, plan: Plan) -> None:
    written = plan({"a": b"1"})
    store.write(f"{written.staging_key}/object/v1/content/a", [b"half"])
    [told] = recover(store)
    assert "removed" in told
    assert written.root_key in told


def test_a_version_folder_with_a_broken_inventory_is_not_completed(store: LocalStore, plan: Plan) -> None:
    first = plan({"a": b"1"})
    write_version(store, first)
    store.write(f"{first.root_key}/v2/inventory.json", [b"{}"])
    store.write(f"{first.root_key}/v2/inventory.json.sha512", [b"00 inventory.json\n"])
    store.write(f"{first.staging_key}/inventory.json", [b"{}"])
    recover(store)
    found = StorageRoot(store).find(OBJECT)
    assert found
    assert found.head() == 1
