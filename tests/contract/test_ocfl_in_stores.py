"""Objects are written, read, verified, taken back and recovered in every store alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.ocfl.reader import StorageRoot
from storage.ocfl.recovery import recover
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.withdraw import withdraw
from storage.ocfl.writer import publish_version, stage_version, verify_version, write_version
from storage.replicas import copy_object, write_everywhere
from storage.stores.base import ObjectStore
from storage.stores.local import LocalStore
from storage.stores.memory import MemoryStore
from storage.stores.s3 import S3Store
from tests.unit.storage.ocfl.conftest import OBJECT, Plan, new_store, plan

__all__ = ["plan"]

FIRST = {"data/一.txt": b"one", "data/b.bin": b"\0" * 70_000, "mets.xml": b"<mets/>"}
SECOND = {"data/一.txt": b"two", "data/b.bin": b"\0" * 70_000, "mets.xml": b"<mets/>"}


@pytest.fixture(params=["local", "memory", "moto", "swift"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    found: ObjectStore
    if request.param == "memory":
        found = MemoryStore("m")
    elif request.param == "local":
        (tmp_path / "store").mkdir()
        found = LocalStore("l", tmp_path / "store")
    else:
        found = S3Store("s", request.getfixturevalue(request.param).options(prefix="copies"))
    StorageRoot(found).create()
    return found


def content(store: ObjectStore, path: str, version: int | None = None) -> bytes:
    found = StorageRoot(store).find(OBJECT)
    assert found is not None
    with found.open(path, version) as stream:
        return stream.read()


def test_versions_are_written_read_and_taken_back(store: ObjectStore, plan: Plan) -> None:
    first = plan(FIRST)
    write_version(store, first)
    second = plan(SECOND, previous=first.inventory)
    write_version(store, second)
    write_version(store, second)
    assert validate(store, "ocfl").errors == ()
    assert validate(store, "ocfl").warnings == ()
    check = check_copy(store, OBJECT)
    assert (check.outcome, check.files) == (CopyOutcome.MATCH, 4)
    assert (content(store, "data/一.txt"), content(store, "data/一.txt", 1)) == (b"two", b"one")
    assert list(StorageRoot(store).objects()) == [OBJECT]
    assert withdraw(store, OBJECT, keep=1) == 1
    assert content(store, "data/一.txt") == b"one"
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH
    assert withdraw(store, OBJECT, keep=0) == 1
    assert list(StorageRoot(store).objects()) == []
    assert list(store.walk("staging")) == []
    assert validate(store, "ocfl").errors == ()


def test_each_change_has_its_own_word(store: ObjectStore, plan: Plan) -> None:
    written = plan(FIRST)
    write_version(store, written)
    top = f"{written.version_key}/content"
    for key, change in (("mets.xml", b"<meta/>"), ("data/b.bin", b"\0" * 69_999)):
        store.delete(f"{top}/{key}")
        store.write(f"{top}/{key}", [change])
    store.delete(f"{top}/data/一.txt")
    store.write(f"{top}/data/stranger", [b"x"])
    check = check_copy(store, OBJECT)
    assert {problem.path.removeprefix("v1/content/"): problem.outcome for problem in check.problems} == {
        "mets.xml": CopyOutcome.DAMAGED,
        "data/b.bin": CopyOutcome.DAMAGED,
        "data/一.txt": CopyOutcome.MISSING,
        "data/stranger": CopyOutcome.UNEXPECTED,
    }


def test_what_is_staged_is_taken_back(store: ObjectStore, plan: Plan) -> None:
    stage_version(store, plan(FIRST))
    assert "unfinished" in recover(store)[0]
    assert list(store.walk("staging")) == []
    assert list(StorageRoot(store).objects()) == []


def test_what_was_changed_between_the_re_read_and_publishing_is_not_kept(store: ObjectStore, plan: Plan) -> None:
    version = plan(FIRST)
    stage_version(store, version)
    assert verify_version(store, version) == []
    staged = f"{version.staged_version_key}/content/mets.xml"
    store.delete(staged)
    store.write(staged, [b"<other>"])
    if store.renames:
        publish_version(store, version)
        assert verify_version(store, version) != []
    else:
        with pytest.raises(StorageError) as raised:
            publish_version(store, version)
        assert raised.value.code == "COPY_NOT_VERIFIED"
        assert list(StorageRoot(store).objects()) == []


def test_a_copy_beside_that_in_a_folder(store: ObjectStore, plan: Plan, tmp_path: Path) -> None:
    folder = new_store(tmp_path, "beside")
    results = write_everywhere([folder, store], plan(FIRST), required=2)
    assert all(result.verified for result in results)
    (tmp_path / "third").mkdir()
    third = LocalStore("third", tmp_path / "third")
    StorageRoot(third).create()
    copy_object(store, third, OBJECT)
    assert check_copy(third, OBJECT).outcome is CopyOutcome.MATCH
    withdraw(store, OBJECT, keep=0)
    copy_object(third, store, OBJECT)
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH
