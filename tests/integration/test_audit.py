"""`jingui audit` and the pages about audits, as people use them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from repository.app import create_app
from repository.archive import Archive
from repository.events import EventType, read_events
from repository.holdings import Audit, AuditOutcome, Copy
from repository.jobs.worker import Worker
from repository.journal import read_journal
from repository.permissions import Actor
from tests.conftest import Cli
from tests.tools.console import Visitor, add_people
from tests.tools.holdings import copy_folder, keep, lose_copy

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

CONTENTS = {"METS.xml": b"<mets/>", "representations/original/data/一\n件.txt": b"text"}


def lines(cli: Cli, *arguments: str, exit_code: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of `jingui audit --json`, and the summary."""
    result = cli("audit", "--json", *arguments)
    assert result.exit_code == exit_code, result.output
    *copies, last = [json.loads(line) for line in result.stdout.splitlines()]
    return copies, last["summary"]


def test_a_line_for_every_copy_and_a_summary(cli: Cli, archive: Archive) -> None:
    records = [keep(archive, {**CONTENTS, "number": bytes([number])}) for number in range(2)]
    copies, summary = lines(cli, "--all")
    assert sorted((line["store"], line["aip"]) for line in copies) == [
        (store, f"urn:uuid:{record}") for store in "ab" for record in sorted(records)
    ]
    for line in copies:
        assert list(line) == ["store", "aip", "outcome", "files", "bytes", "problems"]
        assert (line["outcome"], line["files"], line["bytes"], line["problems"]) == ("match", 3, 12, [])
    assert list(summary) == ["aips", "files", "bytes", "damaged", "seconds"]
    assert (summary["aips"], summary["files"], summary["bytes"], summary["damaged"]) == (2, 12, 48, 0)


@ON_SQLITE
def test_damage_is_exit_code_1_and_said_by_file(cli: Cli, archive: Archive) -> None:
    damaged, lost = keep(archive, CONTENTS), keep(archive, {"other": b"other"})
    (copy_folder(archive, "a", damaged) / "v1/content/representations/original/data/一\n件.txt").write_bytes(b"tex7")
    lose_copy(archive, "b", lost)
    copies, summary = lines(cli, exit_code=1)
    found = {(line["store"], line["aip"][9:]): line for line in copies}
    assert {key: line["outcome"] for key, line in found.items()} == {
        ("a", damaged): "damaged",
        ("b", damaged): "match",
        ("a", lost): "match",
        ("b", lost): "missing",
    }
    (problem,) = found["a", damaged]["problems"]
    assert list(problem) == ["path", "outcome", "expected", "found"]
    assert (problem["path"], problem["outcome"]) == ("v1/content/representations/original/data/一\n件.txt", "mismatch")
    assert summary["damaged"] == 2
    plain = cli("audit")
    assert plain.exit_code == 1
    assert sorted(line.split()[:2] for line in plain.stdout.splitlines() if "urn:uuid" in line and not line.startswith(" ")) == [
        ["damaged", "a"],
        ["missing", "b"],
    ]
    # a file's name cannot break the line
    assert r"一\u000a件.txt" in plain.stdout


@ON_SQLITE
def test_only_what_was_asked_for_is_read(cli: Cli, archive: Archive) -> None:
    records = [keep(archive, {"x": bytes([number])}) for number in range(3)]
    assert {line["store"] for line in lines(cli, "--store", "b")[0]} == {"b"}
    assert {line["aip"] for line in lines(cli, "--record", records[0])[0]} == {f"urn:uuid:{records[0]}"}
    assert lines(cli, "--sample", "2")[1]["aips"] == 2
    assert lines(cli, "--overdue")[0] == []
    assert cli("audit", "--all", "--overdue").exit_code == 2
    assert cli("audit", "--sample", "0").exit_code == 2
    assert cli("audit", "--store", "nowhere").exit_code == 1
    assert cli("audit", "--record", "nothing").exit_code == 1


@ON_SQLITE
def test_what_was_found_is_in_the_ledger_and_in_the_journal(cli: Cli, archive: Archive) -> None:
    record = keep(archive, CONTENTS)
    lose_copy(archive, "b", record)
    lines(cli, exit_code=1)
    with archive.read(Actor.local()) as tx:
        ledger = read_events(tx.session)
    about_copy, about_run = [event for event in ledger if event.type == EventType.FIXITY_CHECK]
    assert (about_copy.outcome, about_copy.detail["copy_state"]) == ("failure", "missing")
    assert (about_run.outcome, about_run.detail["copies"]) == ("failure", {"match": 1, "missing": 1})
    assert list(read_journal(archive.stores, lambda finding: None)) == ledger


@ON_SQLITE
def test_a_run_whose_command_was_killed_is_finished_by_the_next(archive: Archive, home: Path, program: Sequence[str]) -> None:
    for number in range(12):
        keep(archive, {"x": bytes([number]) * 3_000_000})
    command = [*program, "--home", str(home), "audit", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["outcome"] == "match"
        process.kill()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *copies, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({(line["store"], line["aip"]) for line in copies}) == len(copies) == 24
    assert summary["summary"]["aips"] == 12
    with archive.read(Actor.local()) as tx:
        assert tx.session.query(Audit).count() in (1, 2)
        assert {copy.state for copy in tx.session.scalars(select(Copy))} == {"match"}
        assert tx.session.scalars(select(Audit).where(Audit.ended_at.is_(None))).all() == []


class TestPages:
    """The console."""

    @pytest.fixture
    def app(self, archive: Archive) -> Flask:
        add_people(archive)
        application = create_app(archive)
        application.testing = True
        return application

    @ON_SQLITE
    def test_an_officer_starts_an_audit_and_reads_what_it_found(self, app: Flask, archive: Archive) -> None:
        record = keep(archive, CONTENTS)
        (copy_folder(archive, "b", record) / "v1/content/METS.xml").write_bytes(b"<mets?>")
        officer = Visitor(app)
        officer.log_in("preservation-officer")
        assert "Nothing was audited yet" in officer.text("/audits/")
        answer = officer.send("/audits/", scope="all", store="")
        assert answer.status_code == 302
        page = answer.headers["Location"]
        assert "data-refresh" in officer.get(page).get_data(as_text=True)
        Worker(archive).run(until_idle=True)
        text = officer.text(page)
        assert "1 copy is not as it should be" in text
        assert "v1/content/METS.xml mismatch" in text
        assert f"urn:uuid:{record}" in text
        assert "store a" not in text
        assert "store a" in officer.text(f"{page}?all=1")
        assert "1 copy is not as it should be" in officer.text("/audits/")

    @ON_SQLITE
    def test_who_may_only_read_has_no_button_and_a_reader_no_page(self, app: Flask, archive: Archive) -> None:
        archivist, researcher = Visitor(app), Visitor(app)
        archivist.log_in("archivist")
        researcher.log_in("researcher")
        assert "Start an audit" not in archivist.text("/audits/")
        assert archivist.send("/audits/", scope="all", store="").status_code == 403
        assert researcher.get("/audits/").status_code == 403
        assert "Audits" not in researcher.text("/")
        with archive.read(Actor.local()) as tx:
            assert tx.session.query(Audit).count() == tx.session.query(AuditOutcome).count() == 0

    @ON_SQLITE
    def test_nonsense_is_refused_with_a_page(self, app: Flask) -> None:
        officer = Visitor(app)
        officer.log_in("preservation-officer")
        assert officer.send("/audits/", scope="sample", sample="-3", store="").status_code == 400
        assert officer.send("/audits/", scope="everything", store="").status_code == 400
        assert officer.send("/audits/", scope="all", store="nowhere").status_code == 400
        assert officer.get("/audits/none").status_code == 404


def test_what_ingest_stored_is_a_match_and_every_one_of_its_files_is_read(cli: Cli, archive: Archive, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "决定书.txt").write_text("准予许可")
    record = ""
    for content in ("第一版", "第二版"):
        (package / "申请表.txt").write_text(content)
        stored = json.loads(cli("ingest", "--json", *(["--replaces", record] if record else []), str(package)).stdout)
        record = stored["record"]
        assert stored["state"] == "stored", stored
        copies, summary = lines(cli, "--all")
        assert [(line["outcome"], line["problems"]) for line in copies] == [("match", [])] * 2
        root = copy_folder(archive, "a", record)
        content_files = [path for path in root.rglob("*") if path.is_file() and "content" in path.relative_to(root).parts]
        assert {line["files"] for line in copies} == {len(content_files)}
        (damaged,) = root.glob("v*/content/METS.xml") if content == "第一版" else [root / "v2/content/METS.xml"]
        whole = damaged.read_bytes()
        damaged.write_bytes(whole.replace(b"mets", b"metz", 1))
        copies, _ = lines(cli, "--all", exit_code=1)
        assert [line["outcome"] for line in copies if line["store"] == "a"] == ["damaged"]
        damaged.write_bytes(whole)
