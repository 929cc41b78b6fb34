"""Every store keeps the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import OutOfSpace, StorageError
from storage.stores.base import EntryKind, Incoming, KeyMissing, KeyTaken, ObjectStore
from storage.stores.local import LocalStore
from storage.stores.memory import MemoryStore
from storage.stores.s3 import S3Store

NAMES = ["plain.txt", "全宗/门类.ofd", "line\nfeed", "trailing.", "e\u0301.txt", "100%/%41", "x" * 255, " /space"]


@pytest.fixture(params=["local", "memory", "moto", "swift"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore("m")
    if request.param != "local":
        return S3Store("s", request.getfixturevalue(request.param).options(prefix="archive/副本"))
    location = tmp_path / "store"
    location.mkdir()
    return LocalStore("l", location)


def read(store: ObjectStore, key: str, offset: int = 0) -> bytes:
    with store.open(key, offset) as stream:
        return stream.read()


@pytest.mark.parametrize("key", NAMES)
def test_gives_back_what_was_written_under_any_name(store: ObjectStore, key: str, request: pytest.FixtureRequest) -> None:
    if "\n" in key and "moto" in request.node.callspec.id:
        pytest.skip("moto has no route for a line feed; services have")
    assert store.write(key, [b"abc", b"def"]) == 6
    assert read(store, key) == b"abcdef"
    assert read(store, key, 4) == b"ef"
    entry = store.stat(key)
    assert entry is not None
    assert (entry.kind, entry.size) == (EntryKind.FILE, 6)
    assert [found.key for found in store.walk()] == [key]


@pytest.mark.parametrize("key", ["", "/etc/x", "../x", "a/../b", "a//b", "a/", "./a", "a\0b", "y" * 256, "\udcff"])
def test_refuses_keys_that_could_leave_the_store(store: ObjectStore, key: str) -> None:
    with pytest.raises(StorageError) as raised:
        store.write(key, [b"x"])
    assert raised.value.code == "UNSAFE_KEY"
    assert list(store.walk()) == []


def test_never_overwrites(store: ObjectStore) -> None:
    store.write("a/b", [b"first"])
    for again in (lambda: store.write("a/b", [b"second"]), lambda: store.copy("a/b", "a/b")):
        with pytest.raises(KeyTaken):
            again()
    store.write("staging/c", [b"third"])
    with pytest.raises(KeyTaken):
        store.publish("staging/c", "a/b")
    assert read(store, "a/b") == b"first"


def test_says_what_is_missing(store: ObjectStore) -> None:
    assert store.stat("nothing") is None
    assert store.scan("nothing") == []
    for use in (
        lambda: store.open("nothing"),
        lambda: store.delete("nothing"),
        lambda: store.publish("nothing", "x"),
        lambda: store.copy("nothing", "x"),
    ):
        with pytest.raises(KeyMissing):
            use()


def test_walks_in_the_order_of_whole_keys(store: ObjectStore) -> None:
    keys = ["a/b", "a-b", "a.b/c", "a/b-c", "b", "金/匮"]
    for key in keys:
        store.write(key, [key.encode()])
    assert [entry.key for entry in store.walk()] == sorted(keys, key=lambda key: key.encode())
    assert [entry.key for entry in store.walk("a")] == ["a/b", "a/b-c"]
    assert [(entry.name, entry.kind) for entry in store.scan("a")] == [("b", EntryKind.FILE), ("b-c", EntryKind.FILE)]
    assert ("金", EntryKind.FOLDER) in [(entry.name, entry.kind) for entry in store.scan("")]


def test_publishes_a_whole_folder(store: ObjectStore) -> None:
    store.write("staging/x/one", [b"1"])
    store.write("staging/x/two/three", [b"3"])
    store.publish("staging/x", "ocfl/a/b/x")
    assert [entry.key for entry in store.walk("ocfl")] == ["ocfl/a/b/x/one", "ocfl/a/b/x/two/three"]
    assert list(store.walk("staging")) == []


def test_replaces_a_file_only_when_asked(store: ObjectStore) -> None:
    store.write("inventory.json", [b"old"])
    store.write("staging/inventory.json", [b"new"])
    store.publish("staging/inventory.json", "inventory.json", replace=True)
    assert read(store, "inventory.json") == b"new"


def test_removes_and_prunes(store: ObjectStore) -> None:
    store.write("ocfl/a/b/c/file", [b"x"])
    store.write("ocfl/a/other", [b"x"])
    store.delete_below("ocfl/a/b/c")
    store.delete_below("ocfl/a/b/c")
    store.prune("ocfl/a/b/c", "ocfl")
    assert [entry.name for entry in store.scan("ocfl/a")] == ["other"]
    store.flush("ocfl")


def test_imports_files_and_tells_of_progress(store: ObjectStore, tmp_path: Path) -> None:
    sizes = [0, 1, 4096, 256 * 1024 - 1, 256 * 1024, 300_000, 9_000_000]
    for number, size in enumerate(sizes):
        (tmp_path / f"s{number}").write_bytes(bytes([number]) * size)
    told: list[tuple[int, int]] = []
    store.import_files(
        (Incoming(f"in/{number}", tmp_path / f"s{number}", size) for number, size in enumerate(sizes)),
        lambda files, size: told.append((files, size)),
    )
    assert [entry.size for entry in store.walk("in")] == sizes
    assert all(read(store, f"in/{number}") == bytes([number]) * size for number, size in enumerate(sizes))
    assert (sum(files for files, _ in told), sum(size for _, size in told)) == (len(sizes), sum(sizes))


@pytest.mark.parametrize("size", [10, 400_000])
@pytest.mark.parametrize("declared", [-1, 1])
def test_refuses_a_source_that_changed(store: ObjectStore, tmp_path: Path, size: int, declared: int) -> None:
    (tmp_path / "source").write_bytes(b"x" * size)
    with pytest.raises(StorageError) as raised:
        store.import_files([Incoming("in/x", tmp_path / "source", size + declared)])
    assert raised.value.code == "SOURCE_CHANGED"
    assert "source" in raised.value.message


def test_a_full_memory_says_so() -> None:
    with pytest.raises(OutOfSpace):
        MemoryStore("m", capacity=3).write("x", [b"four"])
