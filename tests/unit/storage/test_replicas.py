"""Several copies: all re-read before any counts."""

from __future__ import annotations

from pathlib import Path

from storage.errors import OutOfSpace
from storage.ocfl.reader import StorageRoot
from storage.ocfl.recovery import recover
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.replicas import ReplicaOutcome, copy_object, write_everywhere
from storage.stores.local import LocalStore
from storage.stores.memory import MemoryStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan, new_store, plan, store

__all__ = ["plan", "store"]


def test_every_store_holds_a_verified_copy(tmp_path: Path, plan: Plan) -> None:
    stores = [new_store(tmp_path, "a"), new_store(tmp_path, "b")]
    results = write_everywhere(stores, plan({"x": b"1"}), required=2)
    assert [(result.store, result.outcome) for result in results] == [("a", ReplicaOutcome.VERIFIED), ("b", ReplicaOutcome.VERIFIED)]
    assert all(check_copy(each, OBJECT).outcome is CopyOutcome.MATCH for each in stores)
    assert all(result.verified for result in write_everywhere(stores, plan({"x": b"1"}), required=2))


def test_thousands_of_files_in_both(tmp_path: Path, plan: Plan) -> None:
    stores = [new_store(tmp_path, "a"), new_store(tmp_path, "b")]
    contents = {f"{number % 11}/{number}": str(number).encode() for number in range(2_100)}
    told: list[int] = []
    results = write_everywhere(stores, plan(contents), required=2, durable=False, progress=lambda files, _: told.append(files))
    assert all(result.verified for result in results)
    assert sum(told) == 4_200
    assert [check_copy(each, OBJECT).files for each in stores] == [2_100, 2_100]


def test_one_store_that_fails_does_not_lose_the_other(tmp_path: Path, plan: Plan) -> None:
    good, full = new_store(tmp_path, "a"), MemoryStore("full", capacity=100)
    results = write_everywhere([good, full], plan({"x": b"1"}), required=1)
    assert [result.outcome for result in results] == [ReplicaOutcome.VERIFIED, ReplicaOutcome.FAILED]
    assert isinstance(results[1].error, OutOfSpace)
    assert check_copy(good, OBJECT).outcome is CopyOutcome.MATCH


def test_too_few_copies_leave_nothing_anywhere(tmp_path: Path, plan: Plan) -> None:
    good, gone = new_store(tmp_path, "a"), LocalStore("gone", tmp_path / "gone")
    results = write_everywhere([good, gone], plan({"x": b"1"}), required=2)
    assert [result.outcome for result in results] == [ReplicaOutcome.WITHDRAWN, ReplicaOutcome.FAILED]
    assert list(StorageRoot(good).objects()) == []
    assert good.scan("staging") == []
    assert validate(good, "ocfl").errors == ()


def test_a_store_that_lags_is_brought_up_to_date(tmp_path: Path, plan: Plan) -> None:
    source, target = new_store(tmp_path, "a"), new_store(tmp_path, "b")
    first = plan({"x": b"1"})
    write_everywhere([source], first, required=1)
    write_everywhere([source], plan({"x": b"2"}, previous=first.inventory), required=1)
    copy_object(source, target, OBJECT)
    assert validate(target, "ocfl").errors == ()
    assert check_copy(target, OBJECT).outcome is CopyOutcome.MATCH
    assert recover(target) == []
