"""Where previews are kept: by record and content, whole or not at all, within bounds, and for no longer than the record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import update

from access import catalogue
from access.previews import cache, viewing
from access.previews.cache import Place, place_of
from access.previews.kinds import Kind
from access.previews.values import RENDERER, TOO_LONG, Form, Preview, Unshowable
from repository.archive import Archive
from repository.features import schedules
from repository.holdings import Job, Record, RecordState
from repository.permissions import Actor
from tests.tools.console import work_off
from tests.tools.previews import address

NOW = datetime(2024, 5, 6, tzinfo=UTC).timestamp()


def place(root: Path, *, record: str = "r", content: bytes = b"1", now: float = NOW) -> Place:
    return place_of(root, record_id=record, sha512=content * 64, kind=Kind.TEXT, now=now)


def full(at: Place, *, used: float, size: int = 1000) -> Path:
    """A preview of a size, last looked at then."""
    at.say(Preview(kind=Kind.TEXT, form=Form.LINES))
    (at.folder / "page-1.json").write_bytes(bytes(size))
    os.utime(at.folder, (used, used))
    return at.folder


def viewed(archive: Archive, ids: Mapping[str, str], name: str) -> viewing.Viewed:
    number = int(address(archive, ids["open"], name).split("/")[4])
    with archive.read(Actor.local()) as tx:
        return viewing.find(tx, catalogue.find_record(tx, ids["open"]), number)


def test_a_preview_is_found_by_content_and_by_how_it_was_made(archive: Archive, ids: Mapping[str, str]) -> None:
    file = viewed(archive, ids, "决定书.pdf")
    assert viewing.look(file) is None
    shown = viewing.show(file)
    assert shown is not None
    assert shown.page is not None
    assert shown.page.parent.name == f"{file.sha512.hex()}-{RENDERER}-pdf"
    assert shown.page.parent.parent.name == ids["open"]
    made = shown.page.stat().st_mtime_ns
    again = viewing.show(file)
    assert again is not None
    assert again.page is not None
    assert again.page.stat().st_mtime_ns == made


def test_two_who_ask_at_once_have_it_made_once(archive: Archive, ids: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    file = viewed(archive, ids, "扫描.jpg")
    opened = []
    kind = type(archive.stores[0].objects)
    before = kind.open

    def counted(store: object, key: str, *rest: object) -> object:
        if key.endswith(".jpg"):
            opened.append(key)
        return before(store, key, *rest)

    monkeypatch.setattr(kind, "open", counted)
    threads = [Thread(target=viewing.show, args=(file,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert viewing.look(file) is not None
    assert len(opened) == 1


def test_the_file_itself_is_not_kept(archive: Archive, ids: Mapping[str, str]) -> None:
    for name in ("决定书.pdf", "扫描.jpg", "决定书.ofd"):
        file = viewed(archive, ids, name)
        assert viewing.show(file) is not None
    kept = [path for path in (archive.home / "previews").rglob("*") if path.is_file()]
    assert kept
    sizes = {viewed(archive, ids, name).size for name in ("决定书.pdf", "扫描.jpg", "决定书.ofd")}
    assert not [path for path in kept if path.stat().st_size in sizes]


def test_the_least_used_go_first(tmp_path: Path) -> None:
    old, middle, new = (
        full(place(tmp_path, record=name, content=name.encode()), used=NOW - age) for name, age in (("a", 300), ("b", 200), ("c", 100))
    )
    kept, removed = cache.sweep(tmp_path, most=2500, now=NOW)
    assert (old.exists(), middle.exists(), new.exists()) == (False, True, True)
    assert kept <= 2500
    assert removed == 1
    assert cache.sweep(tmp_path, most=0, now=NOW) == (0, 2)
    assert cache.records_in(tmp_path) == []


def test_what_another_version_made_goes(tmp_path: Path) -> None:
    made = full(place(tmp_path), used=NOW)
    other = made.with_name(made.name.replace(f"-{RENDERER}-", "-999-"))
    made.rename(other)
    cache.sweep(tmp_path, most=1 << 30, now=NOW)
    assert not other.exists()


def test_the_timetable_sweeps_and_forgets_destroyed_records(archive: Archive, ids: Mapping[str, str]) -> None:
    assert "access.preview-sweep" in {spec.kind for spec in schedules()}
    assert viewing.show(viewed(archive, ids, "扫描.jpg")) is not None
    root = viewing.previews_folder(archive)
    assert cache.records_in(root) == [ids["open"]]
    with archive.transaction(Actor.local()) as tx:
        job = tx.enqueue("access.preview-sweep", {})
    work_off(archive)
    assert cache.records_in(root) == [ids["open"]]
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == ids["open"]).values(state=RecordState.DESTROYED))
        tx.enqueue("access.preview-sweep", {})
    work_off(archive)
    assert cache.records_in(root) == []
    with archive.read(Actor.local()) as tx:
        assert tx.session.get_one(Job, job).state == "done"


def test_what_was_given_up_for_time_is_tried_again_later(tmp_path: Path) -> None:
    at = place(tmp_path)
    at.say(Unshowable(TOO_LONG, lasting=False, seconds=5).preview(Kind.PDF))
    os.utime(at.folder / "about.json", (NOW, NOW))
    assert at.preview() is not None
    assert place(tmp_path, now=NOW + cache.RETRIED_AFTER + 1).preview() is None
    at.say(Unshowable(TOO_LONG, seconds=5).preview(Kind.PDF))
    os.utime(at.folder / "about.json", (NOW, NOW))
    assert place(tmp_path, now=NOW + cache.RETRIED_AFTER + 1).preview() is not None


def test_only_plain_files_of_known_names_are_taken_from_a_child(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "page-1.webp").write_bytes(b"page")
    (made / "evil.html").write_bytes(b"evil")
    (made / "page-2.webp").symlink_to("/etc/passwd")
    (made / "page-3.webp").mkdir()
    at = place(tmp_path / "root")
    at.take(made)
    assert [path.name for path in at.folder.iterdir()] == ["page-1.webp"]


def test_a_damaged_copy_is_not_shown_and_the_other_is_read(archive: Archive, ids: Mapping[str, str]) -> None:
    for folder in (store.location for store in archive.stores):
        for path in folder.rglob("*.jpg"):
            path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
        shown = viewing.show(viewed(archive, ids, "扫描.jpg"))
        assert shown is not None
        if folder == archive.stores[0].location:
            assert shown.preview.form is Form.IMAGE
            cache.forget(viewing.previews_folder(archive), ids["open"])
    assert shown.preview.form is Form.NOTHING
    assert "no store gives a sound copy" in shown.preview.notes[0].template
