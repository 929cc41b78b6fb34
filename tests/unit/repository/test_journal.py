"""The journal of events in the stores: complete, idempotent, readable when a store is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from repository import journal
from repository.archive import Archive
from repository.events import EventOutcome, EventType, LedgerEvent, ObjectType, read_events
from repository.findings import Finding
from repository.holdings import JournalMark
from repository.identifiers import is_journal
from repository.permissions import Actor
from storage.ocfl.verify import CopyOutcome, check_copy

ALICE = Actor(id="a", name="alice")


def happen(archive: Archive, count: int) -> None:
    with archive.transaction(ALICE) as tx:
        for number in range(count):
            tx.record_event(
                EventType.VALIDATION,
                objects=[(ObjectType.RECORD, f"记录{number}"), (ObjectType.AIP, "urn:uuid:1")],
                outcome=EventOutcome.WARNING,
                detail={"files": number, "names": ["办件\n一"]},
                note="看过",
            )


def ledger(archive: Archive) -> list[LedgerEvent]:
    with archive.read(ALICE) as tx:
        return read_events(tx.session)


def read(archive: Archive) -> tuple[list[LedgerEvent], list[Finding]]:
    findings: list[Finding] = []
    return list(journal.read_journal(archive.stores, findings.append)), findings


def segment_file(archive: Archive, store: str) -> Path:
    return next(archive.store(store).location.glob("ocfl/**/*.jsonl"))


def test_what_the_ledger_says_is_read_back_from_the_stores(archive: Archive) -> None:
    for count in (3, 1, 5):
        happen(archive, count)
        assert journal.flush(archive) == len(ledger(archive))
    assert read(archive) == (ledger(archive), [])
    assert [event.sequence for event in ledger(archive)] == list(range(1, 10))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_store_has_a_journal_that_is_whole(archive: Archive) -> None:
    happen(archive, 4)
    journal.flush(archive)
    happen(archive, 2)
    journal.flush(archive)
    for store in archive.stores:
        objects = list(store.root.objects())
        assert [is_journal(name) for name in objects] == [True]
        assert check_copy(store.objects, objects[0]).outcome is CopyOutcome.MATCH


def test_writing_again_writes_nothing(archive: Archive) -> None:
    happen(archive, 2)
    journal.flush(archive)
    before = sorted(str(path) for store in archive.stores for path in store.location.rglob("*"))
    journal.flush(archive)
    assert sorted(str(path) for store in archive.stores for path in store.location.rglob("*")) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mark_lost_after_the_write_doubles_nothing(archive: Archive) -> None:
    happen(archive, 3)
    journal.flush(archive)
    with archive.transaction(ALICE) as tx:
        for mark in tx.session.query(JournalMark):
            tx.session.delete(mark)
    happen(archive, 1)
    journal.flush(archive)
    assert read(archive) == (ledger(archive), [])
    for store in archive.stores:
        assert sorted(path.name for path in store.location.glob("ocfl/**/*.jsonl")) == [
            "000000000001-000000000003.jsonl",
            "000000000004-000000000004.jsonl",
        ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_goes_on_in_another_part(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PART_VERSIONS", 2)
    for _ in range(5):
        happen(archive, 1)
        journal.flush(archive)
    assert len(list(archive.stores[0].root.objects())) == 3
    assert read(archive) == (ledger(archive), [])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_segment_is_said_and_taken_from_the_other_store(archive: Archive) -> None:
    happen(archive, 3)
    journal.flush(archive)
    damaged = segment_file(archive, "a")
    damaged.write_bytes(damaged.read_bytes().replace(b"urn", b"URN"))
    events, findings = read(archive)
    assert events == ledger(archive)
    assert [finding.code for finding in findings] == ["JOURNAL_DIGEST_MISMATCH"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_events_that_no_store_has_are_named(archive: Archive) -> None:
    happen(archive, 3)
    journal.flush(archive)
    happen(archive, 2)
    journal.flush(archive)
    for store in ("a", "b"):
        next(archive.store(store).location.glob("ocfl/**/*000003.jsonl")).unlink()
    events, findings = read(archive)
    assert [event.sequence for event in events] == [4, 5]
    assert [finding.code for finding in findings] == ["JOURNAL_UNREADABLE", "JOURNAL_UNREADABLE", "JOURNAL_GAP"]
    assert "1 to 3" in findings[-1].text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_store_that_is_away_catches_up_later(archive: Archive) -> None:
    away = archive.store("b").location
    away.rename(away.with_name("elsewhere"))
    happen(archive, 2)
    with pytest.raises(journal.JournalBehind, match="“b”"):
        journal.flush(archive)
    assert len(list(archive.store("a").location.glob("ocfl/**/*.jsonl"))) == 1
    assert not away.exists()
    away.with_name("elsewhere").rename(away)
    journal.flush(archive)
    assert len(list(away.glob("ocfl/**/*.jsonl"))) == 1


def test_a_decision_asks_for_the_journal_at_once(archive: Archive) -> None:
    from repository.jobs import ledger as jobs

    with archive.transaction(ALICE) as tx:
        tx.record_event(EventType.POLICY_ASSIGNMENT, objects=[(ObjectType.RECORD, "1")], decision=True)
        tx.record_event(EventType.POLICY_ASSIGNMENT, objects=[(ObjectType.RECORD, "2")], decision=True)
    first = jobs.claim(archive, "w1")
    assert first is not None
    assert first.kind == "journal.flush"
    assert jobs.claim(archive, "w2") is None
    # the running flush may have begun too early to see this one
    with archive.transaction(ALICE) as tx:
        tx.record_event(EventType.POLICY_ASSIGNMENT, objects=[(ObjectType.RECORD, "3")], decision=True)
    assert jobs.claim(archive, "w2") is not None
