"""What a folder store does beyond what every store does."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from storage.errors import StorageError, StoreUnavailable
from storage.stores.base import EntryKind, Incoming, KeyUnreadable
from storage.stores.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    (tmp_path / "store").mkdir()
    return LocalStore("l", tmp_path / "store")


def test_a_link_is_never_followed(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    assert store.folder
    (store.folder / "folder").symlink_to(tmp_path / "outside")
    (store.folder / "file").symlink_to(tmp_path / "outside" / "secret")
    assert {entry.name: entry.kind for entry in store.scan("")} == {"folder": EntryKind.OTHER, "file": EntryKind.OTHER}
    for key in ("folder/secret", "file"):
        with pytest.raises(StorageError):
            store.open(key)
    with pytest.raises(StorageError):
        store.write("folder/new", [b"x"])
    store.delete_below("folder")
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]


def test_a_pipe_or_a_socket_is_unreadable_and_does_not_hang(store: LocalStore) -> None:
    assert store.folder
    os.mkfifo(store.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(store.folder / "socket"))
    for key in ("pipe", "socket"):
        with pytest.raises(KeyUnreadable):
            store.open(key)


def test_a_location_that_is_gone_is_the_store_not_the_file(store: LocalStore) -> None:
    assert store.folder
    store.folder.rmdir()
    for use in (lambda: store.open("x"), lambda: store.scan(""), lambda: store.write("x", [b""]), lambda: store.stat("x")):
        with pytest.raises(StoreUnavailable) as raised:
            use()
        assert "“l”" in raised.value.message


def test_thousands_of_files_are_imported_by_a_process_of_their_own(store: LocalStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    store.import_files(Incoming(f"in/{number % 7}/{number}", str(source), 7) for number in range(2_100))
    entries = list(store.walk("in"))
    assert len(entries) == 2_100
    assert {entry.size for entry in entries} == {7}
    with pytest.raises(StorageError) as raised:
        store.import_files(Incoming(f"again/{number}", source if number != 2_050 else tmp_path / "none", 7) for number in range(2_100))
    assert raised.value.code == "SOURCE_UNREADABLE"
    assert str(tmp_path / "none") in raised.value.message


def test_names_that_are_no_text_can_be_seen_and_removed(store: LocalStore) -> None:
    assert store.folder
    (Path(os.fsdecode(os.fsencode(store.folder) + b"/\xff\xfe"))).write_bytes(b"x")
    [entry] = store.walk()
    store.delete(entry.key)
    assert list(store.walk()) == []


def test_deep_folders_beyond_the_longest_path(store: LocalStore) -> None:
    key = "/".join(["d" * 200] * 30 + ["file"])
    store.write(key, [b"deep"])
    with store.open(key) as stream:
        assert stream.read() == b"deep"
    store.flush("d" * 200)
    store.delete_below("d" * 200)
    assert store.scan("") == []
