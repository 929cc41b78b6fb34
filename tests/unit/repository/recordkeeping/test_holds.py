"""Holds: placed and lifted with an event and a line, and never on what is not there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied, UsageError
from repository.events import ObjectType, events_of
from repository.holdings import Record
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from repository.recordkeeping.holds import holds_of, is_held, lift_hold, list_holds, place_hold
from tests.tools.holdings import keep

CURATOR = Actor(id="1", name="alice", roles=frozenset({Role.ARCHIVIST}))


def held(archive: Archive) -> set[str]:
    with archive.read(CURATOR) as tx:
        return set(tx.session.scalars(select(Record.id).where(is_held())))


def test_a_hold_is_in_force_until_it_is_lifted(archive: Archive) -> None:
    record, other = keep(archive, {"a.txt": b"a"}), keep(archive, {"b.txt": b"b"})
    with archive.transaction(CURATOR) as tx:
        first = place_hold(tx, record, " 行政复议 〔2026〕7号 ")
    with archive.transaction(CURATOR) as tx:
        second = place_hold(tx, record, "审计")
    assert held(archive) == {record}
    with archive.transaction(CURATOR) as tx:
        lift_hold(tx, first, "已结案")
    assert held(archive) == {record}
    with archive.transaction(CURATOR) as tx:
        lift_hold(tx, second)
    assert held(archive) == set()
    with archive.read(CURATOR) as tx:
        assert [(hold.reason, hold.placed_by, hold.lifted_at is not None) for hold in holds_of(tx, record)] == [
            ("行政复议 〔2026〕7号", "alice", True),
            ("审计", "alice", True),
        ]
        assert holds_of(tx, other) == []
        assert list_holds(tx) == []
        assert len(list_holds(tx, lifted=True)) == 2
        notes = [event.note for event in events_of(tx.session, [(ObjectType.RECORD, record)])]
        lines = tx.session.scalars(select(LogEntry.action).where(LogEntry.action.startswith("hold.")).order_by(LogEntry.sequence)).all()
    assert notes == [
        "A hold was placed: 行政复议 〔2026〕7号",
        "A hold was placed: 审计",
        "A hold was lifted. 已结案",
        "A hold was lifted.",
    ]
    assert lines == ["hold.placed", "hold.placed", "hold.lifted", "hold.lifted"]


@pytest.mark.parametrize("reason", ["", "   ", "长" * 1001])
def test_a_hold_without_a_reason_is_refused(archive: Archive, reason: str) -> None:
    record = keep(archive, {"a.txt": b"a"})
    with archive.transaction(CURATOR) as tx, pytest.raises(UsageError):
        place_hold(tx, record, reason)


def test_what_is_not_there_cannot_be_held_or_let_go(archive: Archive) -> None:
    record = keep(archive, {"a.txt": b"a"})
    with archive.transaction(CURATOR) as tx:
        hold = place_hold(tx, record, "审计")
        lift_hold(tx, hold)
    for wrong in ("nothing", ""):
        with archive.transaction(CURATOR) as tx, pytest.raises(NotFound):
            place_hold(tx, wrong, "审计")
        with archive.transaction(CURATOR) as tx, pytest.raises(NotFound):
            lift_hold(tx, wrong)
    with archive.transaction(CURATOR) as tx, pytest.raises(Conflict):
        lift_hold(tx, hold)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ARCHIVIST])
def test_only_archivists_hold(archive: Archive, role: Role) -> None:
    record = keep(archive, {"a.txt": b"a"})
    someone = Actor(id="2", name="bob", roles=frozenset({role}))
    with archive.transaction(someone) as tx, pytest.raises(PermissionDenied):
        place_hold(tx, record, "审计")
    with archive.read(someone) as tx, pytest.raises(PermissionDenied):
        holds_of(tx, record)
