"""Audits: each kind of damage has its own word, nothing whole is called damaged, and nothing is passed over."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from preservation import auditing
from preservation.audits import AuditedCopy, AuditSummary, Scope, Selection, find_audit, list_audits, start
from repository.archive import Archive
from repository.errors import NotFound, PermissionDenied, UsageError
from repository.events import EventOutcome, EventType, LedgerEvent, ObjectType, events_of
from repository.holdings import Aip, AipVersion, Audit, AuditOutcome, Copy, CopyState, File, Job
from repository.identifiers import aip_id
from repository.permissions import Actor, Role
from tests.tools.holdings import copy_folder, keep, lose_copy

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

CONTENTS = {
    "METS.xml": b"<mets/>",
    "representations/original/data/申请.txt": "申请".encode(),
    "representations/original/data/決定.bin": bytes(range(256)) * 2_000,
    "representations/original/data/empty": b"",
    "representations/original/data/again": "申请".encode(),
}
DATA = "v1/content/representations/original/data"


def audit(archive: Archive, selection: Selection | None = None, *, audit_id: str = "") -> tuple[list[AuditedCopy], AuditSummary]:
    """One run, done here; what it told and its summary."""
    told: list[AuditedCopy] = []
    with archive.transaction(Actor.local()) as tx:
        audit_id = audit_id or start(tx, selection or Selection())
        # the job is done here, so its key is free for the next run
        tx.session.execute(update(Job).values(key=None, state="done"))
    summary = auditing.run(
        archive, audit_id, actor=Actor.local(), on_outcome=told.append, progress=lambda done, total: None, check=lambda: None
    )
    return told, summary


def words(told: list[AuditedCopy]) -> dict[tuple[str, str], str]:
    return {(copy.store, copy.aip.removeprefix("urn:uuid:")): str(copy.outcome) for copy in told}


def states(archive: Archive) -> dict[str, str]:
    with archive.read(Actor.local()) as tx:
        return {copy.store: copy.state for copy in tx.session.scalars(select(Copy))}


def events(archive: Archive, record: str) -> list[LedgerEvent]:
    with archive.read(Actor.local()) as tx:
        found = events_of(tx.session, [(ObjectType.AIP, aip_id(record))])
    return [event for event in found if event.type == EventType.FIXITY_CHECK]


def test_what_is_whole_is_a_match_in_every_store(archive: Archive) -> None:
    records = [keep(archive, {**CONTENTS, "number": str(number).encode()}) for number in range(3)]
    told, summary = audit(archive)
    assert words(told) == {(store, record): "match" for store in "ab" for record in records}
    assert all(not copy.problems for copy in told)
    size = sum(map(len, CONTENTS.values())) + 1
    assert (summary.aips, summary.files, summary.bytes, summary.damaged) == (3, 3 * 2 * 6, 3 * 2 * size, 0)
    assert {copy.files for copy in told} == {6}


@ON_SQLITE
def test_a_match_that_was_a_match_is_one_event_for_the_whole_run(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    before = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Copy).values(checked_at=before))
    audit(archive)
    assert events(archive, record) == []
    with archive.read(Actor.local()) as tx:
        (run,) = list_audits(tx)
        (event,) = events_of(tx.session, [(ObjectType.AUDIT, run.id)])
        assert (event.outcome, event.detail["aips"], event.detail["copies"]) == (EventOutcome.SUCCESS, 1, {"match": 2})
        assert all(copy.checked_at and copy.checked_at > before for copy in tx.session.scalars(select(Copy)))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def rewrite_inventories(root: Path) -> None:
    """An inventory that is consistent in itself, sidecars and all, and is not the one that was stored."""
    inventory = json.loads((root / "inventory.json").read_bytes())
    inventory["versions"]["v1"]["message"] = "nothing to see here"
    text = json.dumps(inventory).encode()
    for folder in (root, root / "v1"):
        (folder / "inventory.json").write_bytes(text)
        (folder / "inventory.json.sha512").write_text(f"{hashlib.sha512(text).hexdigest()} inventory.json\n")


#: What is done to a copy: the copy's outcome, and path and outcome of problems.
DAMAGE: Mapping[str, tuple[Callable[[Path], object], str, list[tuple[str, str]]]] = {
    "a bit flipped": (lambda root: flip(root / DATA / "決定.bin"), "damaged", [(f"{DATA}/決定.bin", "mismatch")]),
    "cut off": (lambda root: (root / DATA / "決定.bin").write_bytes(b"\0\1"), "damaged", [(f"{DATA}/決定.bin", "mismatch")]),
    "longer": (lambda root: (root / DATA / "申请.txt").write_bytes("申请!".encode()), "damaged", [(f"{DATA}/申请.txt", "mismatch")]),
    "no longer empty": (lambda root: (root / DATA / "empty").write_bytes(b" "), "damaged", [(f"{DATA}/empty", "mismatch")]),
    "emptied": (lambda root: (root / DATA / "again").write_bytes(b""), "damaged", [(f"{DATA}/again", "mismatch")]),
    "swapped": (
        lambda root: swap(root / DATA / "申请.txt", root / DATA / "empty"),
        "damaged",
        [(f"{DATA}/empty", "mismatch"), (f"{DATA}/申请.txt", "mismatch")],
    ),
    "deleted": (lambda root: (root / DATA / "申请.txt").unlink(), "missing", [(f"{DATA}/申请.txt", "missing")]),
    "a folder deleted": (
        lambda root: shutil.rmtree(root / DATA),
        "missing",
        [(f"{DATA}/{name}", "missing") for name in ("again", "empty", "決定.bin", "申请.txt")],
    ),
    "something more": (lambda root: (root / DATA / "more").write_bytes(b"x"), "unexpected", [(f"{DATA}/more", "unexpected")]),
    "something more, deep down": (
        lambda root: ((root / "v1/more/deep").mkdir(parents=True), (root / "v1/more/deep/down").write_bytes(b"x")),
        "unexpected",
        [("v1/more/deep/down", "unexpected")],
    ),
    "renamed": (
        lambda root: (root / DATA / "申请.txt").rename(root / DATA / "申請.txt"),
        "missing",
        [(f"{DATA}/申請.txt", "unexpected"), (f"{DATA}/申请.txt", "missing")],
    ),
    "a link in place of a file": (
        lambda root: replace_by_link(root / DATA / "申请.txt"),
        "damaged",
        [("v1/content/representations/original/elsewhere", "unexpected"), (f"{DATA}/申请.txt", "mismatch")],
    ),
    "inventory damaged": (lambda root: flip(root / "inventory.json"), "damaged", [("inventory.json", "mismatch")]),
    "inventory gone": (lambda root: (root / "inventory.json").unlink(), "missing", [("inventory.json", "missing")]),
    "sidecar gone": (lambda root: (root / "v1/inventory.json.sha512").unlink(), "missing", [("v1/inventory.json.sha512", "missing")]),
    "inventory replaced": (
        rewrite_inventories,
        "damaged",
        [(f"{folder}{name}", "mismatch") for folder in ("", "v1/") for name in ("inventory.json", "inventory.json.sha512")],
    ),
    "declaration changed": (
        lambda root: (root / "0=ocfl_object_1.1").write_bytes(b"ocfl_object_1.0\n"),
        "damaged",
        [("0=ocfl_object_1.1", "mismatch")],
    ),
    "whole copy gone": (shutil.rmtree, "missing", [("", "missing")]),
}


@pytest.mark.parametrize("damage", DAMAGE)
@ON_SQLITE
def test_each_damage_has_its_own_word_and_the_other_copy_none(archive: Archive, damage: str) -> None:
    record = keep(archive, CONTENTS)
    act, outcome, problems = DAMAGE[damage]
    act(copy_folder(archive, "b", record))
    told, summary = audit(archive)
    assert words(told) == {("a", record): "match", ("b", record): outcome}
    (found,) = [copy for copy in told if copy.store == "b"]
    assert sorted((item["path"], item["outcome"]) for item in found.problems) == sorted(problems)
    assert summary.damaged == 1
    assert states(archive) == {"a": "match", "b": "damaged" if outcome == "unexpected" else outcome}
    (event,) = events(archive, record)
    assert (event.outcome, event.detail["copy_state"], event.detail["store"]) == (EventOutcome.FAILURE, states(archive)["b"], "b")


@ON_SQLITE
def test_a_mismatch_says_what_was_expected_and_what_was_found(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    (copy_folder(archive, "a", record) / DATA / "申请.txt").write_bytes(b"no")
    (problem,) = next(copy.problems for copy in audit(archive)[0] if copy.store == "a")
    assert problem["expected"] == f"sha256:{hashlib.sha256('申请'.encode()).hexdigest()} (6 bytes)"
    assert problem["found"] == f"sha256:{hashlib.sha256(b'no').hexdigest()} (2 bytes)"


@ON_SQLITE
def test_a_folder_in_place_of_a_file_is_no_match(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    replace_by_folder(copy_folder(archive, "a", record) / DATA / "申请.txt")
    assert words(audit(archive)[0])["a", record] == "damaged"


@ON_SQLITE
def test_a_catalogue_that_is_wrong_is_told_as_such(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(File).where(File.path == "METS.xml").values(sha256=b"\0" * 32))
    for copy in audit(archive)[0]:
        (problem,) = copy.problems
        assert copy.outcome == "damaged"
        assert problem["found"].endswith("the catalogue is wrong")
    assert record


@ON_SQLITE
def test_every_version_is_read_again(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    keep(archive, {"METS.xml": b"<mets>2</mets>", "representations/original/data/申请.txt": "申请".encode()}, record_id=record)
    told, summary = audit(archive)
    assert words(told) == {("a", record): "match", ("b", record): "match"}
    assert summary.files == 2 * (len(CONTENTS) + 1)
    # a file that only the first version has
    flip(copy_folder(archive, "a", record) / DATA / "決定.bin")
    assert words(audit(archive)[0]) == {("a", record): "damaged", ("b", record): "match"}


@ON_SQLITE
def test_a_copy_that_lags_behind_is_missing_the_new_version_and_not_damaged(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    keep(archive, {"METS.xml": b"<mets>2</mets>"}, record_id=record, stores=["a"])
    told, _ = audit(archive)
    assert words(told) == {("a", record): "match", ("b", record): "missing"}
    (lagging,) = [copy for copy in told if copy.store == "b"]
    assert [dict(problem) for problem in lagging.problems] == [
        {"path": "v2", "outcome": "missing", "expected": "version 2", "found": "version 1"}
    ]


@ON_SQLITE
def test_a_copy_that_is_owed_is_missing_and_one_that_came_is_a_match(archive: Archive) -> None:
    record = keep(archive, CONTENTS, stores=["a"])
    assert words(audit(archive)[0]) == {("a", record): "match", ("b", record): "missing"}
    assert states(archive) == {"a": "match", "b": "missing"}
    shutil.copytree(
        copy_folder(archive, "a", record),
        archive.store("b").location / copy_folder(archive, "a", record).relative_to(archive.store("a").location),
    )
    assert words(audit(archive)[0]) == {("a", record): "match", ("b", record): "match"}
    assert states(archive) == {"a": "match", "b": "match"}
    assert [event.detail["copy_state"] for event in events(archive, record)] == ["missing", "match"]


@ON_SQLITE
def test_copies_in_a_store_that_is_away_are_unreadable_with_the_reason(archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    away = archive.store("b").location
    away.rename(away.with_name("elsewhere"))
    # the mount point is still there, and empty
    away.mkdir()
    told, summary = audit(archive)
    assert words(told) == {("a", record): "match", ("b", record): "unreadable"}
    (copy,) = [copy for copy in told if copy.store == "b"]
    assert "no storage root" in copy.problems[0]["found"]
    assert (summary.damaged, states(archive)["b"]) == (1, "unreadable")
    away.rmdir()
    assert words(audit(archive)[0])["b", record] == "unreadable"


@ON_SQLITE
def test_what_lies_in_a_store_and_nobody_knows_is_unexpected(archive: Archive) -> None:
    known, stranger = keep(archive, CONTENTS), keep(archive, {"x": b"x"})
    with archive.transaction(Actor.local()) as tx:
        for table in (File, Copy, AipVersion):
            tx.session.query(table).filter_by(aip_id=aip_id(stranger)).delete()
        tx.session.query(Aip).filter_by(id=aip_id(stranger)).delete()
    told, _ = audit(archive, Selection(store="a"))
    assert words(told) == {("a", known): "match", ("a", stranger): "unexpected"}


class TestSelection:
    """Which copies a run reads."""

    @ON_SQLITE
    def test_one_store(self, archive: Archive) -> None:
        record = keep(archive, CONTENTS)
        assert words(audit(archive, Selection(store="b"))[0]) == {("b", record): "match"}

    @ON_SQLITE
    def test_records(self, archive: Archive) -> None:
        records = [keep(archive, {"x": str(number).encode()}) for number in range(3)]
        told, _ = audit(archive, Selection(scope=Scope.RECORDS, records=(records[1],)))
        assert words(told) == {("a", records[1]): "match", ("b", records[1]): "match"}

    @ON_SQLITE
    def test_a_sample_has_as_many_packages_as_asked_for(self, archive: Archive) -> None:
        for number in range(5):
            keep(archive, {"x": str(number).encode()})
        assert audit(archive, Selection(scope=Scope.SAMPLE, sample=2))[1].aips == 2
        assert audit(archive, Selection(scope=Scope.SAMPLE, sample=50))[1].aips == 5

    @ON_SQLITE
    def test_overdue_is_what_nobody_read_for_long(self, archive: Archive) -> None:
        old, new = keep(archive, {"x": b"old"}), keep(archive, {"x": b"new"})
        with archive.transaction(Actor.local()) as tx:
            long_ago = tx.now - timedelta(days=archive.settings.audit_ttl_days, seconds=1)
            tx.session.execute(update(Copy).where(Copy.aip_id == aip_id(old), Copy.store == "a").values(checked_at=long_ago))
        assert words(audit(archive, Selection(scope=Scope.OVERDUE))[0]) == {("a", old): "match"}
        assert audit(archive, Selection(scope=Scope.OVERDUE))[0] == []
        assert new

    @ON_SQLITE
    def test_what_does_not_exist_is_said(self, archive: Archive) -> None:
        with archive.read(Actor.local()) as tx:
            for selection in (Selection(store="z"), Selection(scope=Scope.RECORDS, records=("none",))):
                with pytest.raises(NotFound):
                    start(tx, selection)
            with pytest.raises(UsageError):
                start(tx, Selection(scope=Scope.SAMPLE, sample=0))

    @ON_SQLITE
    def test_it_needs_the_permission(self, archive: Archive) -> None:
        reader = Actor(id="r", name="r", roles=frozenset({Role.RESEARCHER}))
        with archive.read(reader) as tx:
            for act in (lambda: start(tx, Selection()), lambda: list_audits(tx), lambda: find_audit(tx, "x")):
                with pytest.raises(PermissionDenied):
                    act()


class Stopped(Exception):
    """Somebody pulled the plug."""


def test_a_run_that_was_broken_off_goes_on_where_it_was(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_PAGE", 1)
    for number in range(4):
        keep(archive, {"x": str(number).encode()})
    with archive.transaction(Actor.local()) as tx:
        audit_id = start(tx, Selection())
    first: list[AuditedCopy] = []

    def check() -> None:
        if len(first) == 5:
            raise Stopped

    def run(told: list[AuditedCopy], check: Callable[[], None]) -> AuditSummary:
        return auditing.run(archive, audit_id, actor=Actor.local(), on_outcome=told.append, progress=lambda done, total: None, check=check)

    with pytest.raises(Stopped):
        run(first, check)
    with archive.read(Actor.local()) as tx:
        # what was not written is not shown as it was before
        written = {(row.store, row.aip_id) for row in tx.session.scalars(select(AuditOutcome))}
        assert len(written) == 4
        unclear = tx.session.scalars(select(Copy).where(Copy.state == CopyState.NOT_CHECKED)).all()
        assert {(copy.store, copy.aip_id) for copy in unclear}.isdisjoint(written)
        assert len(unclear) == 2
    second: list[AuditedCopy] = []
    summary = run(second, lambda: None)
    assert {(copy.store, copy.aip) for copy in second}.isdisjoint(written)
    assert (len(second), summary.aips, summary.copies) == (4, 4, {"match": 8})
    assert set(states(archive).values()) == {"match"}


@ON_SQLITE
def test_the_same_selection_is_not_begun_twice(archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        first, second, other = start(tx, Selection()), start(tx, Selection()), start(tx, Selection(store="a"))
        assert first == second != other
        assert tx.session.query(Audit).count() == 2


@ON_SQLITE
def test_a_run_is_shown_page_by_page(archive: Archive) -> None:
    records = [keep(archive, {"x": str(number).encode()}) for number in range(3)]
    for record in records:
        lose_copy(archive, "a", record)
    audit(archive)
    shown: list[Any] = []
    with archive.read(Actor.local()) as tx:
        (run,) = list_audits(tx)
        view = find_audit(tx, run.id, limit=2)
        shown += view.outcomes
        assert view.following
        view = find_audit(tx, run.id, after=view.following, limit=2)
        shown += view.outcomes
        assert not view.following
        assert view.copies == {"match": 3, "missing": 3}
        assert len(find_audit(tx, run.id, everything=True).outcomes) == 6
    assert sorted(row.aip_id for row in shown) == sorted(aip_id(record) for record in records)
