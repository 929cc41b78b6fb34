"""The logbook: a chain that only grows, tells what is broken first, and takes whatever text it is given."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from repository.archive import Archive
from repository.errors import PermissionDenied
from repository.events import EventType, read_events
from repository.logbook import anchors, circumstances, reading
from repository.logbook.recording import REFUSED, note, note_read
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from tests.conftest import Cli

ALICE = Actor(id="a", name="alice", roles=frozenset({Role.ARCHIVIST}))
AUDITOR = Actor(id="b", name="audit", roles=frozenset({Role.AUDIT_ADMINISTRATOR}))


def lines(archive: Archive, **wanted: Any) -> list[LogEntry]:
    with archive.read(AUDITOR) as tx:
        return list(reversed(reading.list_lines(tx, reading.LogQuery(**wanted)).lines))


def tamper(archive: Archive, *statements: str) -> None:
    """What only somebody can do who owns the database: takes the guards away first."""
    guards = ["DROP TRIGGER log_entry_no_update", "DROP TRIGGER log_entry_no_delete", "DROP TRIGGER log_entry_no_replace"]
    if archive.engine.dialect.name != "sqlite":
        guards = ["DROP TRIGGER log_entry_append_only ON log_entry", "DROP TRIGGER log_entry_no_truncate ON log_entry"]
    with archive.engine.begin() as connection:
        for statement in (*guards, *statements):
            connection.execute(text(statement))


def three_lines(archive: Archive) -> None:
    for name in ("r1", "r2", "r3"):
        note_read(archive, ALICE, "record.read", object_type="record", object_id=name)


def test_a_line_tells_who_what_when_and_from_where(archive: Archive) -> None:
    circumstances.begin(address="192.0.2.7", request_id="abc")
    with archive.transaction(ALICE) as tx:
        note(tx, "record.exported", object_type="record", object_id="r1", detail={"form": "bagit", "files": 3})
    circumstances.end()
    note_read(archive, ALICE, "record.read", outcome=REFUSED)
    first, second = lines(archive)
    assert (first.sequence, first.actor_id, first.actor_name, first.action, first.outcome) == (
        1,
        "a",
        "alice",
        "record.exported",
        "success",
    )
    assert (first.object_type, first.object_id, first.address, first.request_id) == ("record", "r1", "192.0.2.7", "abc")
    assert first.detail == {"form": "bagit", "files": 3}
    assert (second.sequence, second.outcome, second.address, second.previous_digest) == (2, "refused", "", first.digest)


def test_what_is_rolled_back_leaves_no_line_and_no_gap(archive: Archive) -> None:
    def fail_late() -> None:
        with archive.transaction(ALICE) as tx:
            note(tx, "record.exported")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_late()
    three_lines(archive)
    assert [line.sequence for line in lines(archive)] == [1, 2, 3]


def test_a_reading_transaction_refuses_a_line_that_would_be_lost(archive: Archive) -> None:
    with archive.read(ALICE) as tx, pytest.raises(ValueError, match="note_read"):
        note(tx, "record.read")


def test_writers_at_once_make_one_chain(archive: Archive) -> None:
    def both(number: int) -> None:
        with archive.transaction(ALICE) as tx:
            note(tx, "record.read", object_id=str(number))
            tx.record_event(EventType.EXPORTING, objects=[])
            if number % 2:
                # takes the event ledger's lock early: the other order would be a deadlock
                tx.flush()
            note(tx, "record.read", object_id=str(number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(both, range(20)))
    found = reading.verify(archive, AUDITOR)
    assert (found.lines, found.broken) == (40, None)


def test_control_characters_and_broken_text_are_kept_as_escapes(archive: Archive) -> None:
    evil = "r1\r\n2024-01-01 root deleted\x00\x1b[2J\u202e\udcff"
    note_read(archive, ALICE, "record.searched", object_id=evil, detail={"query": evil, "x\ny": [evil], "long": "长" * 5000, "f": 0.1})
    (line,) = lines(archive)
    assert line.object_id == r"r1\r\n2024-01-01 root deleted\u0000\u001b[2J\u202e\udcff"
    assert line.detail["query"] == line.object_id
    assert line.detail[r"x\ny"] == [line.object_id]
    assert len(line.detail["long"]) == 2000
    assert reading.verify(archive, AUDITOR).broken is None


@pytest.mark.parametrize(
    ("statement", "sequence", "word"),
    [
        ("UPDATE log_entry SET actor_name = 'bob' WHERE sequence = 2", 2, "not as it was written"),
        ("UPDATE log_entry SET detail = '{\"x\": 1}' WHERE sequence = 3", 3, "not as it was written"),
        ("DELETE FROM log_entry WHERE sequence = 2", 2, "missing"),
        ("DELETE FROM log_entry WHERE sequence = 1", 1, "missing"),
        ("DELETE FROM log_entry WHERE sequence = 3", 3, "missing"),
        ("DELETE FROM log_entry", 1, "missing"),
        ("UPDATE log_entry SET digest = previous_digest WHERE sequence = 1", 1, "not as it was written"),
        ("UPDATE log_entry SET previous_digest = digest WHERE sequence = 3", 3, "does not follow"),
    ],
)
def test_the_first_line_that_was_touched_is_named(archive: Archive, statement: str, sequence: int, word: str) -> None:
    three_lines(archive)
    tamper(archive, statement)
    broken = reading.verify(archive, AUDITOR).broken
    assert broken is not None
    assert broken.sequence == sequence
    assert word in broken.template


def test_a_chain_that_was_made_again_contradicts_the_ledger(archive: Archive) -> None:
    three_lines(archive)
    with archive.transaction(Actor.system("worker")) as tx:
        event = anchors.anchor(tx)
    with archive.transaction(Actor.system("worker")) as tx:
        assert anchors.anchor(tx) is None
    with archive.read(AUDITOR) as tx:
        assert [found.id for found in read_events(tx.session)] == [event]
    assert reading.verify(archive, AUDITOR).broken is None
    tamper(archive, "DELETE FROM log_entry")
    for name in ("r1", "r9", "r3", "r4"):
        note_read(archive, ALICE, "record.read", object_type="record", object_id=name)
    # the file in the home was made again as well
    broken = reading.verify(archive, AUDITOR).broken
    assert broken is not None
    assert (broken.sequence, broken.values["place"]) == (3, "ledger")


def test_lines_cut_off_the_end_are_missed_by_the_file_in_the_home(archive: Archive, cli: Cli) -> None:
    three_lines(archive)
    assert cli("log", "verify").exit_code == 0
    tamper(archive, "DELETE FROM log_entry WHERE sequence >= 3")
    result = cli("log", "verify", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["valid"], found["lines"], found["broken"]["sequence"]) == (False, 2, 3)


def test_a_file_in_the_home_that_is_no_anchor_is_told(archive: Archive) -> None:
    three_lines(archive)
    anchors.head_file(archive).write_text("{}")
    broken = reading.verify(archive, AUDITOR).broken
    assert broken is not None
    assert "home" in broken.template


def test_only_the_audit_administrator_reads_and_the_command_line_does_not(archive: Archive) -> None:
    three_lines(archive)
    others = [Actor(id="x", name="x", roles=frozenset({role})) for role in Role if role is not Role.AUDIT_ADMINISTRATOR]
    for actor in (*others, Actor.local(), Actor.system("worker")):
        with archive.read(actor) as tx, pytest.raises(PermissionDenied):
            reading.list_lines(tx, reading.LogQuery())
        with archive.read(actor) as tx, pytest.raises(PermissionDenied):
            reading.known_actions(tx)


def test_lines_are_narrowed_down_and_paged(archive: Archive) -> None:
    three_lines(archive)
    note_read(archive, AUDITOR, "log.read", outcome=REFUSED)
    assert [line.object_id for line in lines(archive, person="alice", action="record.")] == ["r1", "r2", "r3"]
    assert [line.sequence for line in lines(archive, object_id="r2")] == [2]
    assert [line.sequence for line in lines(archive, outcome=REFUSED)] == [4]
    now = archive.clock()
    assert lines(archive, since=now + timedelta(hours=1)) == []
    assert len(lines(archive, since=now - timedelta(hours=1), until=now + timedelta(hours=1))) == 4
    with archive.read(AUDITOR) as tx:
        first = reading.list_lines(tx, reading.LogQuery(limit=3))
        second = reading.list_lines(tx, reading.LogQuery(limit=3, before=first.following))
        assert ([line.sequence for line in first.lines], [line.sequence for line in second.lines]) == ([4, 3, 2], [1])
        assert second.following is None
        assert reading.known_actions(tx) == ["log.read", "record.read"]
    assert len(list(reading.stream_lines(archive, AUDITOR, reading.LogQuery(limit=1)))) == 4


def test_the_database_refuses_to_change_a_line(archive: Archive, database: str) -> None:
    three_lines(archive)
    statements = ["UPDATE log_entry SET actor_name = 'x'", "DELETE FROM log_entry"]
    statements.append("INSERT OR REPLACE INTO log_entry SELECT * FROM log_entry" if database == "sqlite" else "TRUNCATE log_entry")
    for statement in statements:
        with pytest.raises(Exception, match="append-only"), archive.engine.begin() as connection:
            connection.execute(text(statement))
    with archive.read(AUDITOR) as tx:
        assert len(tx.session.scalars(select(LogEntry)).all()) == 3
