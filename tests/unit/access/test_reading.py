"""Reading out of copies of which some are damaged: what is handed on is right, or it ends before it is whole."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from access.catalogue import find_record
from access.reading import CopyFailed, NoSoundCopy, PackageReader, holding_of
from repository.archive import Archive
from repository.errors import NotFound
from repository.events import ObjectType, events_of
from repository.permissions import Actor
from tests.tools.kept_records import CONTENT, DATA, Kept, _kept_home, database, home, kept, states, stored

__all__ = ["_kept_home", "database", "home", "kept"]

SMALL = CONTENT["plain"]["small.txt"]
LARGE = CONTENT["plain"]["large.bin"]


@pytest.fixture
def record(kept: Kept) -> str:
    return kept["plain"]


def reader(archive: Archive, record: str) -> PackageReader:
    with archive.read(Actor.local()) as tx:
        return PackageReader(archive, holding_of(tx, find_record(tx, record)))


def read(reader: PackageReader, path: str) -> bytes:
    with reader.open(DATA + path) as stream:
        return stream.read()


def blocks(reader: PackageReader, path: str) -> list[bytes]:
    file = reader.file(DATA + path)
    return list(reader.blocks(file.content_path, file.digests.sha512.hex()))


def test_every_file_comes_back_as_it_was(archive: Archive, record: str) -> None:
    one = reader(archive, record)
    assert [read(one, name) for name in ("small.txt", "large.bin", "empty")] == [SMALL, LARGE, b""]
    assert one.size(one.file(DATA + "large.bin").content_path) == len(LARGE)
    assert one.file(DATA + "small.txt").digests.sha256 == hashlib.sha256(SMALL).digest()
    assert states(archive, record) == {"a": "match", "b": "match"}


def test_a_file_that_the_package_has_not_is_said(archive: Archive, record: str) -> None:
    with pytest.raises(NotFound):
        reader(archive, record).open(DATA + "other.txt")


@pytest.mark.parametrize(("how", "state"), [("flip", "damaged"), ("truncate", "damaged"), ("remove", "missing"), ("folder", "unreadable")])
def test_the_next_copy_is_read_and_the_bad_one_reported(archive: Archive, record: str, how: str, state: str) -> None:
    file = stored(archive, "a", record, DATA + "small.txt")
    if how == "flip":
        file.write_bytes(b"Small")
    elif how == "truncate":
        file.write_bytes(b"smal")
    else:
        file.unlink()
        if how == "folder":
            file.mkdir()
    assert read(reader(archive, record), "small.txt") == SMALL
    assert states(archive, record) == {"a": state, "b": "match"}
    with archive.read(Actor.local()) as tx:
        event = events_of(tx.session, [(ObjectType.STORE, "a")])[-1]
    assert (event.type, event.outcome, event.detail["copy_state"]) == ("fixity check", "failure", state)
    assert event.detail["path"] == "v1/content/" + DATA + "small.txt"


def test_damage_found_late_ends_the_delivery_before_it_is_whole(archive: Archive, record: str) -> None:
    file = stored(archive, "a", record, DATA + "large.bin")
    file.write_bytes(LARGE[:-1] + b"!")
    one = reader(archive, record)
    received: list[bytes] = []
    kept = one.file(DATA + "large.bin")
    with pytest.raises(CopyFailed):
        received.extend(one.blocks(kept.content_path, kept.digests.sha512.hex()))
    assert states(archive, record)["a"] == "damaged"
    # asked again, the other copy is read
    assert b"".join(blocks(one, "large.bin")) == LARGE


def test_a_copy_known_to_be_damaged_is_read_last(archive: Archive, record: str) -> None:
    stored(archive, "a", record, DATA + "small.txt").write_bytes(b"Small")
    read(reader(archive, record), "small.txt")
    with archive.read(Actor.local()) as tx:
        assert [store.name for store in holding_of(tx, find_record(tx, record)).stores] == ["b", "a"]


def test_two_copies_with_different_damage_still_make_one_package(archive: Archive, record: str) -> None:
    stored(archive, "a", record, DATA + "small.txt").write_bytes(b"Small")
    stored(archive, "b", record, DATA + "empty").write_bytes(b"not empty")
    for _ in range(2):
        one = reader(archive, record)
        assert [read(one, name) for name in ("small.txt", "empty", "large.bin")] == [SMALL, b"", LARGE]


def test_without_a_sound_copy_nothing_is_given(archive: Archive, record: str) -> None:
    for store in ("a", "b"):
        stored(archive, store, record, DATA + "small.txt").write_bytes(b"Small")
    with pytest.raises(NoSoundCopy):
        read(reader(archive, record), "small.txt")
    assert states(archive, record) == {"a": "damaged", "b": "damaged"}


def test_an_inventory_that_was_changed_with_its_sidecar_is_not_believed(archive: Archive, record: str) -> None:
    """Whoever can write to a store can change content, inventory and sidecar alike; the catalogue knows better."""
    file = stored(archive, "a", record, DATA + "small.txt")
    content = b"Small"
    file.write_bytes(content)
    root = file.parents[5]
    for folder in (root, root / "v1"):
        text = (folder / "inventory.json").read_text()
        text = text.replace(hashlib.sha512(SMALL).hexdigest(), hashlib.sha512(content).hexdigest())
        (folder / "inventory.json").write_text(text)
        (folder / "inventory.json.sha512").write_text(f"{hashlib.sha512(text.encode()).hexdigest()} inventory.json\n")
    assert read(reader(archive, record), "small.txt") == SMALL
    assert states(archive, record)["a"] == "damaged"


def test_a_store_that_is_not_connected_says_nothing_about_its_copies(archive: Archive, record: str) -> None:
    shutil.move(archive.store("a").location, archive.store("a").location.with_name("elsewhere"))
    assert read(reader(archive, record), "small.txt") == SMALL
    assert states(archive, record) == {"a": "match", "b": "match"}
