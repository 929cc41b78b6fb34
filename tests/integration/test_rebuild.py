"""Storage is the truth: the catalogue comes back from the stores alone, row by row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from repository.accounts import create_user
from repository.archive import Archive
from repository.cli import main
from repository.errors import Conflict, PermissionDenied
from repository.events import COPY_STATE, EventType, ObjectType
from repository.holdings import (
    Agent,
    Aip,
    AipVersion,
    Base,
    Copy,
    Event,
    EventAgent,
    EventObject,
    File,
    Hold,
    Job,
    Record,
    SearchPending,
    Submission,
)
from repository.home import make_home
from repository.permissions import Actor, Role
from repository.rebuild import rebuild
from repository.search.finding import SearchQuery, find_records
from repository.settings import SETTINGS_FILE

HOLDINGS: tuple[type[Base], ...] = (Record, Aip, AipVersion, File, Copy, Hold, Event, EventObject, EventAgent, Agent)
LOCAL = Actor.local()


def rows(archive: Archive) -> dict[str, list[str]]:
    """Everything in the holdings' tables, but the numbers the database itself gives to files."""
    found = {}
    with archive.read(LOCAL) as tx:
        for table in HOLDINGS:
            columns = [column for column in table.__table__.columns if not (table is File and column.name == "id")]
            found[str(table.__tablename__)] = sorted(map(repr, tx.session.execute(select(*columns))))
    return found


def run(home: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *(str(item) for item in arguments)])


def ingest(home: Path, *paths: str | Path) -> list[dict[str, Any]]:
    result = run(home, "ingest", "--json", *paths)
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def compiled_signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first home leaves its compiled signatures for the others, since compiling takes seconds."""
    return tmp_path_factory.mktemp("signatures") / "formats"


@pytest.fixture
def held(home: Path, tmp_path: Path, compiled_signatures: Path) -> Path:
    """A home with records of several kinds in it: two versions, odd names, a duplicate, a package that was refused."""
    if compiled_signatures.exists():
        shutil.copytree(compiled_signatures, home / "formats", dirs_exist_ok=True)
    first = tmp_path / "许可 一"
    (first / "附件").mkdir(parents=True)
    (first / "申请表.txt").write_text("关于餐饮服务许可的申请", encoding="utf-8")
    (first / "附件" / "name%20with\nnewline.").write_bytes(b"x" * 5000)
    (first / "metadata.csv").write_text("filename,dc.title,dc.identifier\n.,餐饮服务许可,CASE-1\n", encoding="utf-8")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / b"latin-\xe9.txt".decode("utf-8", "surrogateescape")).write_bytes(b"one")
    hostile = tmp_path / "hostile.zip"
    hostile.write_bytes(b"PK\x03\x04 not a zip")
    states = [line["state"] for line in ingest(home, first, bare, first, hostile)]
    assert states[:3] == ["stored", "stored", "duplicate"]
    assert states[3] == "rejected"
    (first / "附件" / "补正.txt").write_text("补正材料", encoding="utf-8")
    assert ingest(home, "--replaces", first_record(home), first)[0]["state"] == "stored"
    held, lifted = (run(home, "hold", "place", first_record(home), "--reason", reason).stdout.strip() for reason in ("行政复议", "审计"))
    assert held
    assert run(home, "hold", "lift", lifted, "--reason", "审计结束").exit_code == 0
    if not compiled_signatures.exists():
        shutil.copytree(home / "formats", compiled_signatures)
    return home


def first_record(home: Path) -> str:
    archive = Archive.open(home)
    try:
        with archive.read(LOCAL) as tx:
            return tx.session.scalars(select(Record.id).order_by(Record.created_at)).first() or ""
    finally:
        archive.close()


@pytest.fixture
def new_home(held: Path, database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Path]]:
    """Makes a home with an empty catalogue over the same stores."""
    made: list[str] = []

    def make() -> Path:
        home = tmp_path / "new-home"
        home.mkdir()
        settings = (held / SETTINGS_FILE).read_text(encoding="utf-8").splitlines()
        lines = [line for line in settings if not line.startswith("database_url")]
        text = "\n".join(lines).replace('location = "stores/', f'location = "{held}/stores/')
        if database == "postgresql":
            cluster = request.getfixturevalue("postgresql")
            made.append(cluster.create())
            text = f'database_url = "{cluster.address(made[0])}"\n{text}'
        (home / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")
        return home

    yield make
    for name in made:
        request.getfixturevalue("postgresql").drop(name)


def test_a_lost_catalogue_comes_back_equal(held: Path, new_home: Callable[[], Path]) -> None:
    archive = Archive.open(held)
    before = rows(archive)
    archive.close()
    home = new_home()
    result = run(home, "rebuild", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["records"], told["findings"]) == (2, [])
    again = Archive.open(home)
    assert rows(again) == before
    with again.read(LOCAL) as tx:
        assert tx.session.scalar(select(SearchPending.record_id)) is None
        assert len(find_records(tx, SearchQuery(text="file:补正")).records) == 1
    again.close()


def test_a_catalogue_in_use_is_put_right_and_keeps_what_is_no_holding(held: Path) -> None:
    archive = Archive.open(held)
    before = rows(archive)
    with archive.transaction(LOCAL) as tx:
        create_user(tx, name="keeper", password="cloud-dwelling-tower", roles=[Role.ARCHIVIST])
        submissions = tx.session.scalars(select(Submission.id)).all()
        tx.session.execute(update(Record).values(title="forged", identifier=None))
        tx.session.execute(update(File).values(puid="fmt/0"))
        tx.session.execute(update(Copy).values(state="damaged"))
    assert rows(archive) != before
    result = rebuild(archive, LOCAL)
    assert result.complete
    assert rows(archive) == before
    with archive.read(LOCAL) as tx:
        assert tx.session.scalars(select(Submission.id)).all() == submissions
        assert tx.session.scalar(select(Submission.record_id).where(Submission.state == "stored")) is not None
    assert "keeper" in run(held, "user", "list").stdout
    assert [rebuild(archive, LOCAL).records, rows(archive)] == [2, before]
    archive.close()


def test_what_was_found_of_copies_later_comes_back(held: Path, new_home: Callable[[], Path]) -> None:
    archive = Archive.open(held)
    with archive.transaction(LOCAL) as tx:
        copy = tx.session.scalars(select(Copy).where(Copy.store == "b")).first()
        assert copy is not None
        copy.state, copy.checked_at = "damaged", tx.now
        objects = [(ObjectType.AIP, copy.aip_id), (ObjectType.STORE, "b")]
        tx.record_event(EventType.FIXITY_CHECK, objects=objects, detail={COPY_STATE: "damaged"})
    before = rows(archive)
    rebuild(archive, LOCAL)
    assert rows(archive) == before
    archive.close()
    again = make_home(new_home())
    rebuild(again, LOCAL)
    assert rows(again) == before
    again.close()


def test_one_store_is_enough_and_the_other_copies_are_missing(held: Path, new_home: Callable[[], Path]) -> None:
    shutil.rmtree(held / "stores" / "a" / "ocfl")
    (held / "stores" / "a").joinpath("ocfl").mkdir()
    again = make_home(new_home())
    result = rebuild(again, LOCAL)
    assert result.records == 2
    with again.read(LOCAL) as tx:
        states = {(copy.store, copy.state) for copy in tx.session.scalars(select(Copy))}
    assert states <= {("a", "missing"), ("a", "match"), ("b", "match")}
    again.close()


def test_a_damaged_document_is_taken_from_the_other_copy(held: Path, new_home: Callable[[], Path]) -> None:
    archive = Archive.open(held)
    before = rows(archive)
    archive.close()
    for file in (held / "stores" / "a").rglob("record.xml"):
        file.chmod(0o644)
        file.write_bytes(file.read_bytes().replace("许可".encode(), "处罚".encode()) + b" ")
    again = make_home(new_home())
    result = rebuild(again, LOCAL)
    assert {finding.code for finding in result.findings} == {"COPY_UNREADABLE"}
    assert rows(again) == before
    again.close()


def test_without_the_journal_packages_tell_for_themselves(held: Path, new_home: Callable[[], Path]) -> None:
    archive = Archive.open(held)
    before = rows(archive)
    for store in archive.stores:
        for key in list(store.root.object_roots()):
            if "journal" in store.root.identifier(key):
                shutil.rmtree(store.location / key)
    archive.close()
    again = make_home(new_home())
    result = rebuild(again, LOCAL)
    assert {finding.code for finding in result.findings} == {"INGESTION_EVENT_MISSING"}
    assert result.complete
    after = rows(again)
    assert result.events == len(after["event"])
    assert after["record"] == before["record"]
    assert after["file"] == before["file"]
    with again.read(LOCAL) as tx:
        types = set(tx.session.scalars(select(Event.type)))
    assert {"format identification", "ingestion"} <= types
    again.close()


def test_a_ledger_that_contradicts_the_journal_stops_it(held: Path, new_home: Callable[[], Path]) -> None:
    home = new_home()
    again = make_home(home)
    with again.transaction(LOCAL) as tx:
        tx.record_event(EventType.ACCESSION, objects=[(ObjectType.RECORD, "x")])
    before = rows(again)
    with pytest.raises(Conflict, match="Event 1"):
        rebuild(again, LOCAL)
    assert rows(again) == before
    again.close()


def test_it_waits_for_no_running_job_and_asks_for_the_permission(held: Path) -> None:
    archive = Archive.open(held)
    with pytest.raises(PermissionDenied):
        rebuild(archive, Actor(id="1", name="eve", roles=frozenset({Role.RESEARCHER})))
    with archive.transaction(LOCAL) as tx:
        tx.enqueue("test", {})
        tx.session.execute(update(Job).where(Job.kind == "test").values(state="running", worker="elsewhere", lease_until=tx.now))
    with pytest.raises(Conflict):
        rebuild(archive, LOCAL)
    archive.close()
