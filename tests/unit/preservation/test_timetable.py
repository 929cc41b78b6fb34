"""The timetable of audits: everything within its time, evenly, oldest first, never above the budget."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select, update

from preservation.audits import Scope, Selection
from preservation.timetable import DueCopy, begin, due
from repository.accounts import create_user
from repository.archive import Archive
from repository.holdings import Audit, AuditOutcome, Copy, CopyState, Schedule
from repository.jobs.timetable import ensure_schedules, tick
from repository.jobs.worker import Worker
from repository.notices.kinds import Kind
from repository.notices.tables import Notice
from repository.permissions import Actor, Role
from tests.tools.clock import Clock
from tests.tools.holdings import folder_of, keep

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERIOD = timedelta(days=10)


def simulate(copies: dict[str, DueCopy], hours: int, *, budget: int = 10**15, asleep: range = range(0)) -> list[list[str]]:
    """What is read in each hour."""
    told: list[list[str]] = []
    for hour in range(hours):
        if hour in asleep:
            told.append([])
            continue
        now = START + hour * HOUR
        listed = sorted(copies.values(), key=lambda copy: (copy.checked_at or START - timedelta(days=999), copy.record_id))
        chosen = [copy.record_id for copy in due(listed, now=now, period=PERIOD, budget=budget)]
        for name in chosen:
            copies[name] = copies[name]._replace(checked_at=now)
        told.append(chosen)
    return told


def collection(sizes: list[int], checked_at: datetime | None = START) -> dict[str, DueCopy]:
    return {f"{number:05}": DueCopy(f"{number:05}", size, size, checked_at) for number, size in enumerate(sizes)}


def test_what_came_in_on_one_day_is_spread_over_the_whole_period() -> None:
    hours = simulate(collection([10] * 960), 24 * 20)
    assert {len(chosen) for chosen in hours[1:]} <= {3, 4, 5}


@pytest.mark.parametrize("sizes", [[10] * 500, [1, 1000, 3, 70, 20_000] * 60, [5], [10_000_000, 1, 1]])
def test_every_copy_is_read_within_the_period(sizes: list[int]) -> None:
    copies = collection(sizes)
    read: dict[str, list[int]] = {name: [0] for name in copies}
    for hour, chosen in enumerate(simulate(copies, 24 * 35)):
        for name in chosen:
            read[name].append(hour)
    for moments in read.values():
        assert all((after - before) * HOUR <= PERIOD + HOUR for before, after in pairwise(moments))
        assert (24 * 35 - moments[-1]) * HOUR <= PERIOD + HOUR


def test_what_was_never_read_and_what_is_late_comes_first_and_at_once() -> None:
    copies = collection([10] * 100)
    copies["00070"] = copies["00070"]._replace(checked_at=None)
    copies["00080"] = copies["00080"]._replace(checked_at=START - 2 * PERIOD)
    assert simulate(copies, 1)[0][:2] == ["00070", "00080"]


def test_the_budget_of_an_hour_is_kept_but_nothing_is_too_large_to_be_read() -> None:
    late = {name: copy._replace(checked_at=None) for name, copy in collection([10] * 50).items()}
    hours = simulate(late, 10, budget=100)
    assert [len(chosen) for chosen in hours[:5]] == [10] * 5
    assert simulate(collection([10**9], None), 1, budget=100) == [["00000"]]


def test_after_a_pause_it_goes_on_where_it_was() -> None:
    copies = collection([10] * 240)
    hours = simulate(copies, 24 * 8, asleep=range(24 * 2, 24 * 5))
    assert len(hours[24 * 5]) > 60, "what is missed is made up for"
    assert sum(map(len, hours)) == pytest.approx(24 * 8, abs=4)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestSchedule:
    """In a home."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def archive(self, home: Path, clock: Clock) -> Iterator[Archive]:
        archive = Archive.open(home, clock=clock)
        yield archive
        archive.close()

    def test_an_hour_reads_what_is_due_and_writes_when(self, archive: Archive, clock: Clock) -> None:
        records = [keep(archive, {"a": bytes([number])}) for number in range(4)]
        with archive.transaction(Actor.local()) as tx:
            tx.session.execute(update(Copy).where(Copy.store == "a").values(checked_at=clock.now - timedelta(days=100)))
        begun = begin(archive, Actor.system("timetable"))
        Worker(archive).run(until_idle=True)
        with archive.read(Actor.local()) as tx:
            runs = [Selection.from_json(audit.selection) for audit in tx.session.scalars(select(Audit).where(Audit.id.in_(begun)))]
            assert {run.store for run in runs if set(run.records) == set(records)} == {"a"}
            assert all(run.scope is Scope.TIMETABLE for run in runs)
            assert tx.session.scalars(select(Copy).where(Copy.checked_at < clock.now)).all() == []
            assert {copy.state for copy in tx.session.scalars(select(Copy))} == {CopyState.MATCH}

    def test_the_schedule_fires_it_and_switching_it_off_pauses_it(self, archive: Archive, clock: Clock) -> None:
        keep(archive, {"a": b"a"})
        ensure_schedules(archive)
        for enabled, expected in ((False, 0), (True, 2)):
            with archive.transaction(Actor.local()) as tx:
                tx.session.execute(update(Schedule).where(Schedule.name == "preservation.audits").values(enabled=enabled))
            clock.forward(hours=24)
            tick(archive)
            Worker(archive).run(until_idle=True)
            with archive.read(Actor.local()) as tx:
                assert len(tx.session.scalars(select(AuditOutcome)).all()) == expected

    def test_a_store_that_is_away_is_left_out(self, archive: Archive) -> None:
        keep(archive, {"a": b"a"})
        shutil.rmtree(folder_of(archive, "b") / "ocfl")
        begin(archive, Actor.system("timetable"))
        with archive.read(Actor.local()) as tx:
            assert [audit.selection["store"] for audit in tx.session.scalars(select(Audit))] == ["a"]

    def test_an_auditor_that_is_silent_for_more_than_a_day_is_an_alarm(self, archive: Archive, clock: Clock) -> None:
        with archive.transaction(Actor.local()) as tx:
            create_user(tx, name="paul", password="correct horse Battery", roles=[Role.PRESERVATION_OFFICER])

        def alarms() -> int:
            with archive.transaction(Actor.local()) as tx:
                tx.enqueue("notices.watch", {})
            Worker(archive).run(until_idle=True)
            with archive.read(Actor.local()) as tx:
                return len(tx.session.scalars(select(Notice).where(Notice.kind == Kind.AUDIT_SILENT)).all())

        clock.forward(hours=30)
        assert alarms() == 0, "there are no copies"
        keep(archive, {"a": b"a"})
        clock.forward(hours=25)
        assert alarms() == 0
        clock.forward(hours=2)
        assert alarms() == 1
        assert alarms() == 1, "once a day"
        begin(archive, Actor.system("timetable"))
        Worker(archive).run(until_idle=True)
        clock.forward(hours=25)
        assert alarms() == 1
