"""Writing versions: what lies there afterwards, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.errors import OutOfSpace, StorageError
from storage.ocfl.layout import root_key
from storage.ocfl.reader import StorageRoot
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import discard_version, publish_version, stage_version, verify_version, write_version
from storage.stores.base import ObjectStore
from storage.stores.local import LocalStore
from storage.stores.memory import MemoryStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan, new_store

AWKWARD = {
    "METS.xml": b"<mets/>",
    "representations/original/data/line\nfeed.txt": b"1",
    "representations/original/data/trailing.": b"2",
    "representations/original/data/" + "名" * 85: b"3",
    "representations/original/data/100%25": b"",
    "representations/original/data/e\u0301": b"5",
    'representations/original/data/"quote\\': b"6",
}


def test_a_first_version_is_a_valid_object_with_every_name_kept(store: LocalStore, plan: Plan) -> None:
    write_version(store, plan(AWKWARD))
    result = validate(store, "ocfl")
    assert result.errors == result.warnings == ()
    found = StorageRoot(store).find(OBJECT)
    assert found
    assert {file.logical_path: content_of(store, f"{found.root_key}/{file.content_path}") for file in found.files()} == AWKWARD
    assert all(file.content_path == f"v1/content/{file.logical_path}" for file in found.files())
    assert all(set(file.fixity) == {"sha256", "sm3"} for file in found.files())
    assert store.scan("staging") == []


def test_bytes_of_an_earlier_version_are_stored_once(store: LocalStore, plan: Plan) -> None:
    first = plan({"a": b"same", "b": b"old"})
    write_version(store, first)
    second = plan({"moved/a": b"same", "b": b"new"}, previous=first.inventory)
    assert [content.path for content in second.content] == ["b"]
    write_version(store, second)
    third = plan({"b": b"old"}, previous=second.inventory)
    assert third.content == ()
    write_version(store, third)
    assert validate(store, "ocfl").errors == ()
    found = StorageRoot(store).find(OBJECT)
    assert found
    assert found.head() == 3
    for path, version, content in (("a", 1, b"same"), ("b", 1, b"old"), ("moved/a", 2, b"same"), ("b", 2, b"new"), ("b", None, b"old")):
        with found.open(path, version) as stream:
            assert stream.read() == content
    assert found.inventory(1) == first.inventory
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH


def test_the_inventory_can_be_read_by_any_json_reader(store: LocalStore, plan: Plan) -> None:
    written = plan(AWKWARD)
    write_version(store, written)
    with store.open(f"{written.root_key}/inventory.json") as stream:
        document = json.load(stream)
    assert document["head"] == "v1"
    assert sorted(path for paths in document["versions"]["v1"]["state"].values() for path in paths) == sorted(AWKWARD)
    assert set(document["fixity"]) == {"sha256", "sm3"}


def test_the_same_version_again_changes_nothing(store: LocalStore, plan: Plan) -> None:
    write_version(store, plan({"a": b"1"}))
    before = [(entry.key, entry.size) for entry in store.walk()]
    write_version(store, plan({"a": b"1"}))
    assert [(entry.key, entry.size) for entry in store.walk()] == before


def test_a_concurrent_version_is_refused_and_nothing_is_overwritten(store: LocalStore, plan: Plan) -> None:
    first = plan({"a": b"1"})
    write_version(store, first)
    write_version(store, plan({"a": b"2"}, previous=first.inventory))
    for late in (plan({"a": b"3"}, previous=first.inventory), plan({"a": b"3"})):
        with pytest.raises(StorageError) as raised:
            write_version(store, late)
        assert raised.value.code == "CONCURRENT_VERSION"
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MATCH
    assert store.scan("staging") == []


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "", "a\0b", "\udcff"])
def test_unsafe_paths_are_refused(plan: Plan, path: str) -> None:
    with pytest.raises(StorageError) as raised:
        plan({path: b""})
    assert raised.value.code == "LOGICAL_PATH_UNSAFE"


def test_a_file_that_is_also_a_folder_is_refused(plan: Plan) -> None:
    with pytest.raises(StorageError) as raised:
        plan({"a": b"", "a/b": b""})
    assert raised.value.code == "LOGICAL_PATHS_CONFLICT"


def test_a_full_store_is_told_before_anything_is_written(plan: Plan) -> None:
    store = MemoryStore("m", capacity=10_000)
    with pytest.raises(OutOfSpace) as raised:
        write_version(store, plan({"a": b"x"}))
    assert "10000" in raised.value.message
    assert list(store.walk()) == []


def test_a_name_that_the_store_cannot_hold_leaves_nothing(store: LocalStore, plan: Plan) -> None:
    with pytest.raises(StorageError) as raised:
        write_version(store, plan({"ok": b"1", "n" * 256: b"2"}))
    assert raised.value.code == "UNSAFE_KEY"
    assert store.scan("staging") == []
    assert validate(store, "ocfl").errors == ()


@pytest.mark.parametrize("change", ["other bytes", "shorter", "gone", "inventory", "sidecar"])
def test_the_re_read_finds_what_the_disk_did_to_a_staged_version(store: LocalStore, plan: Plan, change: str) -> None:
    written = plan({"a": b"content", "b": b"more"})
    stage_version(store, written)
    assert store.folder
    content = store.folder / written.staged_version_key / "content" / "a"
    staged = store.folder / written.staged_version_key
    target, act = {
        "other bytes": ("content/a", lambda: content.write_bytes(b"c0ntent")),
        "shorter": ("content/a", lambda: content.write_bytes(b"conten")),
        "gone": ("content/a", content.unlink),
        "inventory": ("inventory.json", lambda: _append(staged / "inventory.json")),
        "sidecar": ("inventory.json.sha512", lambda: (staged / "inventory.json.sha512").write_text("0 inventory.json")),
    }[change]
    assert verify_version(store, written) == []
    act()
    [problem] = verify_version(store, written)
    assert problem.path == target
    assert problem.outcome is (CopyOutcome.MISSING if change == "gone" else CopyOutcome.DAMAGED)
    discard_version(store, written)
    assert store.scan("staging") == []


def test_a_published_version_can_be_verified_again(store: LocalStore, plan: Plan) -> None:
    written = plan({"a": b"content"})
    stage_version(store, written, durable=False)
    publish_version(store, written, durable=False)
    assert verify_version(store, written) == []


def test_both_kinds_of_store_hold_the_same_bytes(tmp_path: Path, plan: Plan) -> None:
    local, memory = new_store(tmp_path, "b"), MemoryStore("m")
    StorageRoot(memory).create()
    first = plan({"a": b"1", "b/c": b"2"})
    second = plan({"a": b"1", "b/c": b"3"}, previous=first.inventory)
    for store in (local, memory):
        write_version(store, first)
        write_version(store, second)
        assert validate(store, "ocfl").errors == ()
    shown = [{entry.key: content_of(store, entry.key) for entry in store.walk("ocfl")} for store in (local, memory)]
    assert shown[0] == shown[1]


def test_a_storage_root_is_made_once_and_a_foreign_one_is_refused(tmp_path: Path) -> None:
    store = new_store(tmp_path, "b")
    before = list(store.walk())
    StorageRoot(store).create()
    assert list(store.walk()) == before
    (tmp_path / "c" / "ocfl").mkdir(parents=True)
    (tmp_path / "c" / "ocfl" / "0=ocfl_1.0").write_text("ocfl_1.0\n")
    with pytest.raises(StorageError) as raised:
        StorageRoot(LocalStore("c", tmp_path / "c")).create()
    assert raised.value.code == "ROOT_FOREIGN"


def test_objects_are_listed_and_found(store: LocalStore, plan: Plan) -> None:
    ids = [f"urn:uuid:{number}" for number in range(5)] + ['id with "quotes" and 金匮']
    for object_id in ids:
        write_version(store, plan({"a": object_id.encode()}, object_id=object_id), durable=False)
    root = StorageRoot(store)
    assert sorted(root.objects()) == sorted(ids)
    assert root.find("urn:uuid:none") is None


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def content_of(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


def test_objects_lie_where_the_layout_extension_puts_them() -> None:
    # the examples of extension 0003
    assert root_key("object-01") == "ocfl/3c0/ff4/240/object-01"
    assert root_key("..Hor/rib:lè-$id") == "ocfl/373/529/21a/%2e%2eHor%2frib%3al%c3%a8-%24id"
    digest = "5cc73e648fbcff136510e330871180922ddacf193b68fdeff855683a01464220"
    assert root_key("abcdefghij" * 10 + "a") == f"ocfl/5cc/73e/648/{'abcdefghij' * 10}-{digest}"
