"""What a repair refuses, what stops it, and what becomes of one that is killed at any point."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from preservation.incidents import IncidentState
from preservation.repair import RepairRequest, start
from preservation.repairing import run as run_repair
from preservation.tables import Incident
from repository.app import create_app
from repository.archive import Archive
from repository.errors import PermissionDenied
from repository.events import EventType, read_events
from repository.holdings import Copy, Event
from repository.jobs.recovery import recover
from repository.permissions import Actor, Role
from repository.rebuild import rebuild
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.stores.local import LocalStore
from tests.conftest import Cli
from tests.tools.console import Visitor, add_people, work_off
from tests.tools.holdings import copy_folder, folder_of, keep, lose_copy

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

CONTENT = {"METS.xml": b"<mets/>", "data/a.txt": b"a text", "data/b.txt": b"b"}


def run(cli: Cli, *arguments: str, exit_code: int = 0) -> list[dict[str, Any]]:
    """The lines of a command with ``--json``, but for the last."""
    result = cli(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()][:-1]


def harm(archive: Archive, store: str, record: str, content: bytes = b"A text") -> Path:
    """Damages a copy."""
    file = copy_folder(archive, store, record) / "v1/content/data/a.txt"
    file.write_bytes(content)
    return file


def content_of(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def incident(archive: Archive) -> Incident:
    """The only incident."""
    with archive.read(Actor.local()) as tx:
        return tx.session.scalars(select(Incident)).one()


class TestThreeStores:
    """Where there are three copies, most of them must agree."""

    @pytest.fixture
    def archive(self, home: Path) -> Iterator[Archive]:
        settings = home / "jingui.toml"
        with settings.open("a", encoding="utf-8") as file:
            file.write('\n[[stores]]\nname = "c"\nlocation = "stores/c"\npriority = 30\n')
        (home / "stores/c").mkdir()
        archive = Archive.open(home)
        for store in archive.stores:
            store.root.create()
        yield archive
        archive.close()

    def test_one_bad_copy_of_three_is_healed(self, cli: Cli, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        harm(archive, "b", record)
        run(cli, "audit", exit_code=1)
        (line,) = run(cli, "repair")
        assert (line["store"], line["outcome"]) == ("b", "healed")

    def test_without_a_majority_nothing_is_written(self, cli: Cli, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        harm(archive, "a", record)
        harm(archive, "b", record, b"B text")
        run(cli, "audit", exit_code=1)
        lines = run(cli, "repair", exit_code=1)
        assert [(line["store"], line["outcome"]) for line in lines] == [("a", "person"), ("b", "person")]
        assert "1 of 3" in lines[0]["reason"]
        assert not (folder_of(archive, "a") / "quarantine").exists()

    def test_a_store_that_is_away_may_say_anything(self, cli: Cli, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        harm(archive, "b", record)
        run(cli, "audit", exit_code=1)
        shutil.move(folder_of(archive, "c"), archive.home / "unplugged")
        folder_of(archive, "c").mkdir()
        lines = {line["store"]: line for line in run(cli, "repair", exit_code=1)}
        assert {name: line["outcome"] for name, line in lines.items()} == {"b": "person", "c": "person"}
        assert list(folder_of(archive, "c").iterdir()) == []
        folder_of(archive, "c").rmdir()
        shutil.move(archive.home / "unplugged", folder_of(archive, "c"))
        assert [(line["store"], line["outcome"]) for line in run(cli, "repair")] == [("b", "healed")]

    def test_copies_that_are_gone_have_no_say(self, cli: Cli, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        lose_copy(archive, "a", record)
        lose_copy(archive, "b", record)
        run(cli, "audit", exit_code=1)
        assert [(line["store"], line["outcome"], line["source"]) for line in run(cli, "repair")] == [
            ("a", "healed", "c"), ("b", "healed", "c"),
        ]  # fmt: skip

    def test_a_copy_that_was_never_made_is_made_and_is_no_incident(self, cli: Cli, archive: Archive) -> None:
        record = keep(archive, CONTENT, stores=["a", "b"])
        run(cli, "audit", exit_code=1)
        assert [(line["store"], line["outcome"]) for line in run(cli, "repair")] == [("c", "made")]
        run(cli, "audit")
        with archive.read(Actor.local()) as tx:
            assert tx.session.scalars(select(Incident)).all() == []
            assert [event.type for event in read_events(tx.session) if "source" in event.detail] == [EventType.REPLICATION]
        assert content_of(copy_folder(archive, "c", record)) == content_of(copy_folder(archive, "a", record))


def test_many_bad_copies_stop_the_repair_of_their_store_until_somebody_has_looked(cli: Cli, archive: Archive) -> None:
    records = [keep(archive, {**CONTENT, "number": bytes([number])}) for number in range(6)]
    for record in records[:3]:
        harm(archive, "b", record)
    harm(archive, "a", records[5])
    run(cli, "audit", exit_code=1)
    before = content_of(folder_of(archive, "b") / "ocfl")
    lines = run(cli, "repair", exit_code=1)
    assert [line["outcome"] for line in lines if line["store"] == "b"] == ["person"] * 3
    assert [line["outcome"] for line in lines if line["store"] == "a"] == ["healed"], "the other store is not concerned"
    # of one record of the store at a time it is the same
    assert run(cli, "repair", "--record", records[0], exit_code=1)[0]["outcome"] == "person"
    now = content_of(folder_of(archive, "b") / "ocfl")
    assert {path: now[path] for path in before if "journal" not in path} == {
        path: content for path, content in before.items() if "journal" not in path
    }
    assert cli("repair", "--confirmed").exit_code == 2
    assert [line["outcome"] for line in run(cli, "repair", "--store", "b", "--confirmed")] == ["healed"] * 3
    run(cli, "audit")


def test_a_store_that_is_not_mounted_is_not_written_to(cli: Cli, archive: Archive) -> None:
    record = keep(archive, CONTENT)
    harm(archive, "b", record)
    run(cli, "audit", exit_code=1)
    place = folder_of(archive, "b")
    place.rename(archive.home / "unplugged")
    place.mkdir()
    (line,) = run(cli, "repair", exit_code=1)
    assert line["outcome"] == "person"
    assert list(place.iterdir()) == []


def test_a_dry_run_decides_and_writes_nothing(cli: Cli, archive: Archive) -> None:
    record = keep(archive, CONTENT)
    harm(archive, "b", record)
    before = content_of(folder_of(archive, "b"))
    (line,) = run(cli, "repair", "--dry-run", "--record", record, exit_code=1)
    assert (line["outcome"], line["source"]) == ("would-heal", "a")
    assert content_of(folder_of(archive, "b")) == before
    with archive.read(Actor.local()) as tx:
        assert tx.session.scalars(select(Incident)).all() == []
        assert {copy.state for copy in tx.session.scalars(select(Copy))} == {"match"}


def test_a_named_record_needs_no_audit_before(cli: Cli, archive: Archive) -> None:
    record = keep(archive, CONTENT)
    harm(archive, "b", record)
    assert run(cli, "repair") == [], "nothing is known yet"
    (line,) = run(cli, "repair", "--record", record)
    assert line["outcome"] == "healed"
    assert incident(archive).state == IncidentState.HEALED


def test_a_copy_that_is_well_again_ends_its_incident(cli: Cli, archive: Archive) -> None:
    record = keep(archive, CONTENT)
    file = harm(archive, "b", record)
    run(cli, "audit", exit_code=1)
    file.write_bytes(b"a text")
    assert run(cli, "repair") == []
    assert incident(archive).state == IncidentState.WELL_AGAIN
    with archive.read(Actor.local()) as tx:
        assert {copy.state for copy in tx.session.scalars(select(Copy))} == {"match"}


def test_a_repair_is_in_the_catalogue_that_is_made_again(cli: Cli, archive: Archive, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.txt").write_text("text", encoding="utf-8")
    record = json.loads(cli("ingest", "--json", str(package)).stdout)["record"]
    lose_copy(archive, "b", record)
    run(cli, "audit", exit_code=1)
    run(cli, "repair")
    with archive.read(Actor.local()) as tx:
        before = {copy.store: (copy.version, copy.state, copy.verified_at) for copy in tx.session.scalars(select(Copy))}
    assert rebuild(archive, Actor.local()).complete
    with archive.read(Actor.local()) as tx:
        now = {copy.store: (copy.version, copy.state, copy.verified_at) for copy in tx.session.scalars(select(Copy))}
    assert now["b"] == before["b"]
    assert now["a"][:2] == before["a"][:2]


def test_who_may_not_repair_is_refused(archive: Archive) -> None:
    archivist = Actor(id="1", name="archivist", roles=frozenset({Role.ARCHIVIST}))
    with archive.transaction(archivist) as tx, pytest.raises(PermissionDenied):
        start(tx, RepairRequest())


class TestPages:
    """The console."""

    @pytest.fixture
    def app(self, archive: Archive) -> Flask:
        add_people(archive)
        application = create_app(archive)
        application.testing = True
        return application

    def test_an_officer_repairs_and_reads_the_incident(self, app: Flask, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        harm(archive, "b", record)
        officer = Visitor(app)
        officer.log_in("preservation-officer")
        assert "Every copy is as it should be" in officer.text("/audits/incidents")
        officer.send("/audits/", scope="all", store="")
        work_off(archive)
        assert "found, not repaired yet" in officer.text("/audits/incidents")
        page = f"/audits/incidents/{incident(archive).id}"
        before = officer.text(page)
        assert "v1/content/data/a.txt mismatch" in before
        assert "Last known to be good" in before
        assert officer.send("/audits/", "/audits/repair").status_code == 302
        work_off(archive)
        after = officer.text(page)
        assert "healed" in after
        assert "made anew from the copy in store a" in after
        assert f"quarantine/{incident(archive).id}/1/" in after
        assert "Every copy is as it should be" in officer.text("/audits/incidents")
        assert "healed" in officer.text("/audits/incidents?settled=1")

    def test_a_record_is_checked_and_repaired_from_its_own_page(self, app: Flask, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        harm(archive, "b", record)
        officer, archivist = Visitor(app), Visitor(app)
        officer.log_in("preservation-officer")
        archivist.log_in("archivist")
        assert "Check and repair" in officer.text(f"/records/{record}")
        assert "Check and repair" not in archivist.text(f"/records/{record}")
        assert archivist.send("/account/", "/audits/repair", record=record).status_code == 403
        officer.send(f"/records/{record}", "/audits/repair", record=record)
        work_off(archive)
        assert incident(archive).state == IncidentState.HEALED
        assert officer.send(f"/records/{record}", "/audits/repair", record="nothing").status_code == 404
        assert officer.get("/audits/incidents/none").status_code == 404

    def test_a_person_who_must_decide_is_told_and_reads_why(self, app: Flask, archive: Archive) -> None:
        record = keep(archive, CONTENT)
        for store in "ab":
            harm(archive, store, record)
        officer = Visitor(app)
        officer.log_in("preservation-officer")
        officer.send("/audits/", "/audits/repair", record=record)
        work_off(archive)
        assert "a person must decide" in officer.text("/audits/incidents")
        with archive.read(Actor.local()) as tx:
            ids = tx.session.scalars(select(Incident.id)).all()
        assert "nothing to heal this one from" in officer.text(f"/audits/incidents/{ids[0]}")
        assert "wait for somebody to decide: 2" in officer.text("/notices")


#: Steps before and after each of which a process is killed: whatever changes a store, and every commit.
_STEPS = ("write", "import_files", "flush")


def _repair_and_die(home: Path, point: int) -> None:
    """In a process of its own: repairs, and is killed before or after the step of this number."""
    left = [point]

    def step(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            _die(left)
            result = function(*arguments, **named)
            _die(left)
            return result

        return counted

    for name in _STEPS:
        setattr(LocalStore, name, step(getattr(LocalStore, name)))
    for owner, name in ((Session, "commit"), (os, "unlink"), (os, "rename"), (os, "rmdir")):
        setattr(owner, name, step(getattr(owner, name)))
    archive = Archive.open(home)
    run_repair(archive, RepairRequest(), actor=Actor.local(), on_copy=lambda copy: None, progress=lambda *said: None, check=lambda: None)


def _die(left: list[int]) -> None:
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _killed_at(home: Path, point: int) -> bool:
    """Whether the process was killed, not done."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _repair_and_die(home, point)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_killed_at_any_step_the_old_or_the_new_copy_is_there_and_the_next_run_ends_it(
    cli: Cli, archive: Archive, tmp_path: Path, damage: str
) -> None:
    record = keep(archive, CONTENT)
    root = copy_folder(archive, "b", record)
    good = content_of(root)
    if damage == "changed":
        harm(archive, "b", record)
    else:
        lose_copy(archive, "b", record)
    run(cli, "audit", exit_code=1)
    old = content_of(root)
    archive.engine.dispose()
    home = Path(shutil.copytree(archive.home, tmp_path / "before"))
    place = home / root.relative_to(archive.home)
    points = 0
    while True:
        points += 1
        killed = Path(shutil.copytree(home, tmp_path / "killed"))
        root = killed / place.relative_to(home)
        was_killed = _killed_at(killed, points)
        after = Archive.open(killed)
        recover(after)
        assert content_of(root) in (old, good), f"point {points}"
        staging = folder_of(after, "b") / "staging"
        assert not staging.exists() or not list(staging.iterdir()), f"point {points}"
        run_repair(after, RepairRequest(), actor=Actor.local(), on_copy=lambda copy: None, progress=lambda *said: None, check=lambda: None)
        check = check_copy(after.store("b").objects, f"urn:uuid:{record}")
        assert check.outcome is CopyOutcome.MATCH, f"point {points}"
        assert content_of(root) == good, f"point {points}"
        assert validate(after.store("b").objects, "ocfl").errors == ()
        with after.read(Actor.local()) as tx:
            found = tx.session.scalars(select(Incident)).one()
            assert found.state == IncidentState.HEALED, f"point {points}: {found.state}"
            assert found.source == "a"
            assert bool(found.kept) is (damage == "changed")
            assert {copy.state for copy in tx.session.scalars(select(Copy))} == {"match"}
            assert len(tx.session.scalars(select(Event).where(Event.type == EventType.RECOVERY)).all()) == 1
        if found.kept:
            assert content_of(folder_of(after, "b") / found.kept) == old
        after.close()
        shutil.rmtree(killed)
        if not was_killed:
            break
    assert points > 20
