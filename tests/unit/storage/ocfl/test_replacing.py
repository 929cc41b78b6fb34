"""A verified copy takes the place of a bad one: whole, or not at all, whatever happens on the way."""

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

from storage.errors import OutOfSpace
from storage.ocfl.layout import ROOT, STAGING, root_key
from storage.ocfl.recovery import recover
from storage.ocfl.replacing import kept_below, replace_copy
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyCheck, CopyOutcome, check_copy, digest_of
from storage.ocfl.writer import write_version
from storage.stores.base import ObjectStore
from storage.stores.local import LocalStore
from storage.stores.memory import MemoryStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan, new_store

KEEP = kept_below("incident", 1)
CONTENT = {"METS.xml": b"<mets/>", "data/a.txt": b"a text"}


def replace(source: ObjectStore, target: ObjectStore) -> CopyCheck:
    digest = digest_of(source, f"{root_key(OBJECT)}/inventory.json", "sha512")
    return replace_copy(source, target, OBJECT, keep_as=KEEP, expected=None, inventory_digest=digest, durable=False)


def files(store: ObjectStore, key: str) -> dict[str, bytes]:
    found = {}
    for entry in store.walk(key):
        with store.open(entry.key) as stream:
            found[entry.key[len(key) :]] = stream.read()
    return found


@pytest.fixture
def bad(store: LocalStore, plan: Plan, tmp_path: Path) -> LocalStore:
    """A second store whose copy is damaged."""
    other = new_store(tmp_path, "b")
    for each in (store, other):
        write_version(each, plan(CONTENT), durable=False)
    (tmp_path / "b" / root_key(OBJECT) / "v1/content/data/a.txt").write_bytes(b"A text")
    return other


def test_the_bad_copy_is_kept_beside_the_storage_root(store: LocalStore, bad: LocalStore) -> None:
    was = files(bad, root_key(OBJECT))
    assert replace(store, bad).outcome is CopyOutcome.MATCH
    assert files(bad, root_key(OBJECT)) == files(store, root_key(OBJECT))
    (kept,) = bad.scan(KEEP)
    assert files(bad, kept.key) == was
    assert bad.scan(STAGING) == []
    assert validate(bad, ROOT).errors == ()


@pytest.mark.parametrize("to_memory", [True, False])
def test_between_stores_of_different_kinds(store: LocalStore, plan: Plan, to_memory: bool, tmp_path: Path) -> None:
    write_version(store, plan(CONTENT), durable=False)
    memory = MemoryStore()
    assert replace(store, memory).outcome is CopyOutcome.MATCH
    assert check_copy(memory, OBJECT).outcome is CopyOutcome.MATCH
    if not to_memory:
        other = new_store(tmp_path, "b")
        assert replace(memory, other).outcome is CopyOutcome.MATCH
        assert check_copy(other, OBJECT).outcome is CopyOutcome.MATCH


def test_a_source_that_is_bad_itself_replaces_nothing(store: LocalStore, bad: LocalStore) -> None:
    was = files(store, root_key(OBJECT))
    good = digest_of(store, f"{root_key(OBJECT)}/inventory.json", "sha512")
    check = replace_copy(bad, store, OBJECT, keep_as=KEEP, expected=None, inventory_digest=good, durable=False)
    assert check.outcome is CopyOutcome.DAMAGED
    assert files(store, root_key(OBJECT)) == was
    assert store.scan(STAGING) == []
    assert store.scan("quarantine") == []


def test_without_room_nothing_is_touched(store: LocalStore, plan: Plan) -> None:
    write_version(store, plan(CONTENT), durable=False)
    memory = MemoryStore(capacity=1000)
    with pytest.raises(OutOfSpace):
        replace(store, memory)
    assert list(memory.walk()) == []


def _replaced_until(source: LocalStore, target: LocalStore, line: int) -> None:
    """Replaces, and dies by SIGKILL before the given line of the storage code is run."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(("local.py", "replacing.py", "importing.py")):
            return None
        if event == "line":
            count += 1
            if count == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    replace(source, target)
    sys.settrace(None)
    os._exit(0)


def test_killed_before_any_line_the_old_or_the_new_copy_is_there(store: LocalStore, bad: LocalStore, tmp_path: Path) -> None:
    old, new = files(bad, root_key(OBJECT)), files(store, root_key(OBJECT))
    shutil.copytree(tmp_path / "b", tmp_path / "before")
    context = multiprocessing.get_context("fork")
    seen = set()
    line, killed = 1, True
    while killed:
        process = context.Process(target=_replaced_until, args=(store, bad, line))
        process.start()
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        assert killed or process.exitcode == 0
        told = recover(bad)
        there = files(bad, root_key(OBJECT))
        assert there in (old, new), f"line {line}"
        assert validate(bad, ROOT, digests=False).errors == (), f"line {line}"
        assert bad.scan(STAGING) == []
        if there == new:
            (kept,) = bad.scan(KEEP)
            assert files(bad, kept.key) == old, f"line {line}"
        assert recover(bad) == []
        seen.add((there == new, bool(told)))
        shutil.rmtree(tmp_path / "b")
        shutil.copytree(tmp_path / "before", tmp_path / "b")
        line += 7
    assert line > 300
    assert seen >= {(False, True), (True, True), (True, False)}
