"""What the catalogue promises on every database: the schema is the models', the ledger is append-only and without gaps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

import repository.migrations
from repository.agents import JINGUI, AgentKey, AgentRole, AgentType
from repository.archive import Archive
from repository.database import connect, insert_files
from repository.errors import HomeUnusable
from repository.events import EventType, LedgerEvent, ObjectType, events_of, insert_events, read_events
from repository.features import import_tables
from repository.holdings import Aip, Base, Event, EventAgent, EventObject, File, Job, Record, SearchPending
from repository.migrations import HEAD, prepare_schema, revision
from repository.permissions import Actor

ALICE = Actor(id="a", name="alice")


def add_record(archive: Archive, id: str = "r1") -> None:
    now = archive.clock()
    with archive.transaction(ALICE) as tx:
        tx.session.add(
            Record(
                id=id, agreement_code="local", identifier=id, state="stored", profile="folder", title="办件", description={},
                created_at=now, changed_at=now,
            )
        )  # fmt: skip
        tx.session.flush()
        tx.session.add(
            Aip(id=f"urn:uuid:{id}", record_id=id, version=1, inventory_digest="0", files=0, bytes=0, created_at=now, stored_at=now)
        )


def record_one(archive: Archive) -> str:
    with archive.transaction(ALICE) as tx:
        return tx.record_event(EventType.INGESTION, objects=[(ObjectType.RECORD, "r1")])


def test_the_migrations_make_what_the_models_say(archive: Archive) -> None:
    import_tables()
    with archive.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_migration_is_the_one_the_program_asks_for() -> None:
    scripts = ScriptDirectory(str(Path(repository.migrations.__file__).parent))
    assert scripts.get_current_head() == HEAD


def test_a_newer_schema_is_refused_and_left_alone(archive: Archive, tmp_path: Path) -> None:
    with archive.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HomeUnusable, match="9999"):
        prepare_schema(archive.engine, lock_file=tmp_path / "lock")
    assert revision(archive.engine) == "9999"


def test_processes_that_come_at_once_migrate_once(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if database_url:
        cluster = request.getfixturevalue("postgresql")
        name = cluster.create()
        address = cluster.address(name)
    else:
        address = f"sqlite:///{tmp_path / 'new.sqlite'}"
    engines = [connect(address) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda engine: prepare_schema(engine, lock_file=tmp_path / "lock"), engines))
    assert {revision(engine) for engine in engines} == {HEAD}
    for engine in engines:
        engine.dispose()
    if database_url:
        cluster.drop(name)


@pytest.mark.parametrize("table", [Event, EventObject, EventAgent])
def test_the_database_refuses_to_change_or_delete_an_event(archive: Archive, table: type[Event | EventObject | EventAgent]) -> None:
    record_one(archive)
    column = {Event: "note", EventObject: "object_id", EventAgent: "role"}[table]
    for statement in (update(table).values({column: "other"}), delete(table)):
        with pytest.raises(DBAPIError, match="append-only"), archive.engine.begin() as connection:
            connection.execute(statement)
    with archive.read(ALICE) as tx:
        assert [event.type for event in read_events(tx.session)] == ["ingestion"]


def test_an_event_cannot_be_replaced_or_cut_off(archive: Archive, database: str) -> None:
    record_one(archive)
    statement = "INSERT OR REPLACE INTO event SELECT * FROM event" if database == "sqlite" else "TRUNCATE event CASCADE"
    with pytest.raises(DBAPIError, match="append-only"), archive.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_is_rolled_back_leaves_no_gap_and_calls_nothing(archive: Archive) -> None:
    called: list[str] = []
    record_one(archive)

    def fail_late() -> None:
        with archive.transaction(ALICE) as tx:
            tx.record_event(EventType.INGESTION, objects=[])
            tx.enqueue("kind", {})
            tx.after_commit(lambda: called.append("rolled back"))
            tx.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_late()
    with archive.transaction(ALICE) as tx:
        tx.record_event(EventType.DELETION, objects=[])
        tx.after_commit(lambda: called.append("committed"))
        assert called == []
    with archive.read(ALICE) as tx:
        assert [(event.sequence, event.type) for event in read_events(tx.session)] == [(1, "ingestion"), (2, "deletion")]
        assert tx.session.scalar(select(func.count()).select_from(Job)) == 0
    assert called == ["committed"]


def test_what_follows_a_commit_may_fail_and_the_commit_stands(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def fail() -> None:
        raise RuntimeError("the index is away")

    with archive.transaction(ALICE) as tx:
        tx.changed("r1")
        tx.after_commit(fail)
        tx.after_commit(lambda: called.append("next"))
    assert called == ["next"]
    assert "the index is away" in caplog.text
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(SearchPending.record_id)) == "r1"


def test_text_that_is_no_unicode_is_kept_in_json(archive: Archive) -> None:
    with archive.transaction(ALICE) as tx:
        tx.enqueue("kind", {"name": "办件\udcff.pdf"})
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(Job.arguments)) == {"name": "办件\udcff.pdf"}


def test_writers_at_once_number_events_one_after_another(archive: Archive) -> None:
    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(lambda _: record_one(archive), range(40)))
    with archive.read(ALICE) as tx:
        found = read_events(tx.session)
    assert [event.sequence for event in found] == list(range(1, 41))
    assert {event.id for event in found} == set(ids)


def test_numbers_become_visible_in_their_order(archive: Archive) -> None:
    """Whoever sees event n sees every event before n, also while somebody with a smaller number has not committed."""
    holding, let_go = threading.Event(), threading.Event()

    def slow() -> None:
        with archive.transaction(ALICE) as tx:
            tx.record_event(EventType.INGESTION, objects=[], note="slow")
            tx.flush()
            holding.set()
            let_go.wait(10)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow)
        assert holding.wait(10)
        second = threads.submit(record_one, archive)
        assert not second.done()
        with archive.read(ALICE) as tx:
            assert read_events(tx.session) == []
        let_go.set()
        first.result(10)
        second.result(10)
    with archive.read(ALICE) as tx:
        assert [event.note for event in read_events(tx.session)] == ["slow", ""]


def test_events_come_back_as_they_were(archive: Archive) -> None:
    tool = AgentKey(type=AgentType.SOFTWARE, name="fido", version="1.6.1")
    events = [
        LedgerEvent(
            id=f"e{number}",
            sequence=number,
            type="format identification",
            at=datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC),
            outcome="success",
            detail={"puid": "fmt/18", "名": ["甲", None, 1.5, True]},
            note="第一行\n第二行",
            objects=(("aip", "urn:uuid:1"), ("record", "1")),
            agents=((AgentRole.EXECUTING_PROGRAM, JINGUI), (AgentRole.EXECUTING_PROGRAM, tool), (AgentRole.IMPLEMENTER, tool)),
        )
        for number in range(1, 30)
    ]
    with archive.transaction(ALICE) as tx:
        assert insert_events(tx.session, iter(events)) == 29
    with archive.read(ALICE) as tx:
        assert read_events(tx.session) == events
        assert read_events(tx.session, after=3, up_to=5) == events[3:5]
        assert events_of(tx.session, [(ObjectType.AIP, "urn:uuid:1"), (ObjectType.RECORD, "1")]) == events
        assert events_of(tx.session, [(ObjectType.AIP, "urn:uuid:2")]) == []
    assert [LedgerEvent.from_json(event.as_json()) for event in events] == events


def test_what_only_reads_cannot_write_and_waits_for_nobody(archive: Archive) -> None:
    with archive.transaction(ALICE) as writing:
        writing.changed("r1")
        writing.flush()
        with archive.read(ALICE) as reading:
            assert reading.session.scalar(select(func.count()).select_from(SearchPending)) == 0
    with pytest.raises(DBAPIError), archive.read(ALICE) as reading:
        reading.session.execute(insert(SearchPending).values(record_id="r2", since=archive.clock()))
    with archive.transaction(ALICE) as writing:
        writing.changed("r1")
        writing.changed("r2")


def test_a_transaction_that_reads_first_and_writes_later_never_fails_because_of_another(archive: Archive) -> None:
    add_record(archive)

    def count_up(_: int) -> None:
        with archive.transaction(ALICE) as tx:
            record = tx.session.get(Record, "r1", with_for_update=True)
            assert record is not None
            record.year = str(int(record.year or 0) + 1)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count_up, range(40)))
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(Record.year)) == "40"


def test_work_of_one_key_is_queued_once(archive: Archive) -> None:
    with archive.transaction(ALICE) as tx:
        first = tx.enqueue("ingest.process", {"submission": "1"}, key="submission:1")
        assert tx.enqueue("ingest.process", {"submission": "1"}, key="submission:1") == first
        assert tx.enqueue("ingest.process", {"submission": "2"}, key="submission:2") != first
        assert tx.enqueue("ingest.process", {}) != tx.enqueue("ingest.process", {})
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(func.count()).select_from(Job)) == 4


def test_files_are_inserted_in_bulk(archive: Archive) -> None:
    add_record(archive)
    rows = (
        {
            "aip_id": "urn:uuid:r1",
            "path": f"data/{number:06}\n页.pdf",
            "role": "content",
            "representation": "original",
            "raw_name": b"\xff",
            "size": 5 * 1024**3,
            "sha512": b"\0" * 64,
            "sha256": b"\0" * 32,
            "sm3": b"\xff" * 32,
            "modified_at": archive.clock(),
            "puid": "fmt/18",
            "format_matches": ["fmt/18"],
        }
        for number in range(10_001)
    )
    with archive.transaction(ALICE) as tx:
        assert insert_files(tx.session, rows) == 10_001
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(func.count(File.id))) == 10_001
        file = tx.session.scalars(select(File).order_by(File.path).limit(1)).one()
        assert (file.path, file.size, file.raw_name, file.format_engine) == ("data/000000\n页.pdf", 5 * 1024**3, b"\xff", "")


def test_moments_keep_their_instant(archive: Archive) -> None:
    beijing = datetime(2025, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=8)))
    with archive.transaction(ALICE) as tx:
        tx.session.add(SearchPending(record_id="r1", since=beijing))
    with archive.read(ALICE) as tx:
        found = tx.session.scalar(select(SearchPending.since))
        assert found == beijing
        assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"), archive.transaction(ALICE) as tx:
        tx.session.add(SearchPending(record_id="r2", since=datetime(2025, 1, 1)))
