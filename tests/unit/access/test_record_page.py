"""The page of a record: folders, how it stands, what was done, its versions, and what can be taken away to be checked."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import bagit
import pytest
from flask import Flask
from sqlalchemy import select, update

from access.words import verification
from metadata import premis, schemas
from repository.archive import Archive
from repository.events import EventOutcome, EventType, ObjectType, events_of
from repository.holdings import Event, File, Record
from repository.permissions import Actor
from repository.recordkeeping.holds import place_hold
from repository.search.pending import refresh
from tests.conftest import Cli
from tests.tools.console import FILES, Ids, Visitor, _console_home, app, database, home, ids
from tests.tools.holdings import keep

__all__ = ["_console_home", "app", "database", "home", "ids"]

DATA = "representations/original/data/"
PREMIS_ITEMS = [f"{{{premis.NAMESPACE}}}{name}" for name in ("object", "event", "agent", "rights")]


@pytest.fixture
def archivist(app: Flask) -> Visitor:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    return visitor


@pytest.fixture
def deep(archive: Archive) -> str:
    """A record with folders, in two versions."""
    names = {"a.txt": b"1", "图/一.txt": b"22", "图/二.txt": b"333", "图/里/三.txt": b"4444", "图%_x/四.txt": b"5"}
    record = keep(archive, {DATA + name: content for name, content in names.items()})
    changed = {**names, "a.txt": b"other", "新.txt": b"new"}
    del changed["图/二.txt"]
    keep(archive, {DATA + name: content for name, content in changed.items()}, record_id=record)
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(File).where(File.path.startswith(DATA)).values(representation="original"))
    return record


def change(archive: Archive, record: str, **values: object) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == record).values(**values))
        tx.changed(record)
    refresh(archive)


class TestFolders:
    @pytest.fixture(autouse=True)
    def _not_flat(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As if there were very many files."""
        monkeypatch.setattr("access.record_page.FLAT", 0)

    def test_one_level_is_shown_with_what_lies_below(self, archivist: Visitor, deep: str) -> None:
        text = archivist.text(f"/records/{deep}")
        assert re.search(r"图/ 2 files 6 B", text)
        assert re.search(r"图%_x/ 1 file 1 B", text)
        assert "a.txt" in text
        assert "一.txt" not in text
        inside = archivist.text(f"/records/{deep}?folder=图")
        assert "一.txt" in inside
        assert re.search(r"里/ 1 file 4 B", inside)
        assert "a.txt" not in inside
        assert "四.txt" not in inside

    def test_a_part_of_a_name_is_looked_for_in_every_folder_below(self, archivist: Visitor, deep: str) -> None:
        text = archivist.text(f"/records/{deep}?name=.TXT")
        assert "图/里/三.txt" in text
        assert "图/里/三.txt" not in archivist.text(f"/records/{deep}?name=一.txt")
        assert "四.txt" not in archivist.text(f"/records/{deep}?name=.txt&folder=图")
        assert "No file has “%” in its name." not in archivist.text(f"/records/{deep}?name=%25")
        assert "No file has “__” in its name." in archivist.text(f"/records/{deep}?name=__")

    @pytest.mark.parametrize("folder", ["..", "../../..", "/", "no such folder", "图/../a", "图%"])
    def test_a_folder_that_is_none_is_empty(self, archivist: Visitor, deep: str, folder: str) -> None:
        assert archivist.get(f"/records/{deep}?folder={folder}&rep=nonsense").status_code == 200

    def test_pages_of_files_join(self, archivist: Visitor, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
        record = keep(archive, {f"{DATA}{number:03d}.txt": b"x" for number in range(7)})
        with archive.transaction(Actor.local()) as tx:
            tx.session.execute(update(File).where(File.path.startswith(DATA)).values(representation="original"))
        monkeypatch.setattr("access.record_page.FILES", 3)
        address, found = f"/records/{record}", []
        for _ in range(3):
            page = archivist.get(address).get_data(as_text=True)
            found += re.findall(r">(\d{3}\.txt)<", page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = following[1] if following else ""
        assert found == [f"{number:03d}.txt" for number in range(7)]
        assert not address


def test_few_files_are_listed_at_once(archivist: Visitor, deep: str) -> None:
    text = archivist.text(f"/records/{deep}")
    for path in ("a.txt", "图/里/三.txt", "图%_x/四.txt"):
        assert path in text, path


class TestStanding:
    def test_until_when_it_is_kept(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        page = f"/records/{ids['record']}"
        for values, expected in (
            ({"retention": "D30", "year": "2017"}, "keep until 2047-12-31 30 years from 2017-12-31, D30"),
            ({"retention": "Y"}, "for ever Y"),
            ({"retention": "D10", "year": ""}, "the record has no year"),
            ({"retention": ""}, "the record came without a retention period"),
            ({"retention": "一阵子"}, "this period is none that the archive knows"),
        ):
            change(archive, ids["record"], **values)
            assert expected in archivist.text(page), expected

    def test_who_may_use_it_and_what_stops_its_destruction(self, app: Flask, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        assert "open to everybody" in archivist.text(f"/records/{ids['record']}")
        assert "until somebody gives it one, it is not shared" in archivist.text(f"/records/{ids['closed']}")
        with archive.transaction(Actor.local()) as tx:
            place_hold(tx, ids["record"], "Case 2026-17")
        assert "must not be destroyed Case 2026-17" in archivist.text(f"/records/{ids['record']}")
        researcher = Visitor(app)
        researcher.log_in("researcher")
        assert "Case 2026-17" not in researcher.text(f"/records/{ids['record']}")

    def test_other_records_of_the_case_are_those_the_reader_may_see(
        self, app: Flask, archivist: Visitor, archive: Archive, ids: Ids
    ) -> None:
        for record in (ids["record"], ids["closed"]):
            change(archive, record, case_number="330100-1", unit="云栖市民政局")
        assert "Same case" in archivist.text(f"/records/{ids['record']}")
        researcher = Visitor(app)
        researcher.log_in("researcher")
        assert "Same case" not in researcher.text(f"/records/{ids['record']}")


class TestEvents:
    def test_they_are_grouped_by_the_day_of_the_archive(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        with archive.transaction(Actor.local()) as tx:
            # late in the evening in UTC is the next day in Shanghai
            at = datetime(2024, 2, 28, 20, 0, tzinfo=UTC)
            tx.record_event(EventType.VALIDATION, objects=[(ObjectType.RECORD, ids["record"])], outcome=EventOutcome.FAILURE, at=at)
        text = archivist.text(f"/records/{ids['record']}")
        assert re.search(r"2024-02-29 checked failure 04:00:00", text)

    def test_they_are_filtered_by_type_agent_and_outcome(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        with archive.transaction(Actor.local()) as tx:
            objects = [(ObjectType.RECORD, ids["record"])]
            tx.record_event(EventType.APPRAISAL, objects=objects, outcome=EventOutcome.FAILURE, note="gazed upon")
        page = f"/records/{ids['record']}"
        assert "gazed upon" in archivist.text(f"{page}?outcome=failure")
        assert "read back in full store a" not in archivist.text(f"{page}?outcome=failure")
        assert "gazed upon" not in archivist.text(f"{page}?outcome=success")
        assert "gazed upon" in archivist.text(f"{page}?agent={Actor.local().name}")
        assert "gazed upon" not in archivist.text(f"{page}?agent={Actor.local().name}&event=validation")
        for nonsense in ("event=x", "agent=x", "outcome=x", "events=-1", "events=999999999999", "events=٣"):
            assert "gazed upon" in archivist.text(f"{page}?{nonsense}"), nonsense

    def test_older_ones_are_asked_for(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        with archive.transaction(Actor.local()) as tx:
            for number in range(60):
                tx.record_event(EventType.APPRAISAL, objects=[(ObjectType.RECORD, ids["record"])], note=f"look {number:03d}.")
        page = archivist.get(f"/records/{ids['record']}").get_data(as_text=True)
        assert "look 059." in page
        assert "look 000." not in page
        more = re.search(r'href="([^"]*events=\d+[^"]*)"', page)
        assert more is not None
        assert "look 000." in archivist.get(more[1]).get_data(as_text=True)

    def test_every_event_is_valid_premis_by_itself(self, archivist: Visitor, archive: Archive, ids: Ids, corpora: Path) -> None:
        found = sorted((corpora / "eark").glob("*/*/*/*/schemas/premis-v3-0.xsd"))
        if not found:
            pytest.skip("no premis-v3-0.xsd in the E-ARK corpus")
        schema = schemas.load(found[0])
        with archive.transaction(Actor.local()) as tx:
            objects = [(ObjectType.RECORD, ids["record"]), (ObjectType.DIP, "urn:x:1"), (ObjectType.STORE, "a")]
            tx.record_event(EventType.DISSEMINATION, objects=objects, detail={"名": "<&>"}, note="\x01 & <b>", outcome=EventOutcome.FAILURE)
        with archive.read(Actor.local()) as tx:
            record = tx.session.get_one(Record, ids["record"])
            about = [(ObjectType.RECORD, record.id), (ObjectType.AIP, record.aip.id if record.aip else "")]
            events = events_of(tx.session, about)
        assert len(events) > 5
        for event in events:
            answer = archivist.get(f"/records/{ids['record']}/events/{event.id}.xml")
            assert answer.headers["Content-Disposition"].startswith("attachment; ")
            content = answer.get_data()
            assert schemas.validate(io.BytesIO(content), "event.xml", schema, PREMIS_ITEMS) == []
            entities = list(premis.read(io.BytesIO(content), "event.xml"))
            (told,) = [entity for entity in entities if isinstance(entity, premis.Event)]
            assert (told.identifier, told.type, told.at) == (event.id, event.type, event.at)
            agents = {entity.identifier for entity in entities if isinstance(entity, premis.Agent)}
            assert {link.identifier for link in told.agents} == agents == {agent.id for _, agent in event.agents}

    def test_an_event_of_another_record_is_not_there(self, app: Flask, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        with archive.transaction(Actor.local()) as tx:
            other = tx.record_event(EventType.APPRAISAL, objects=[(ObjectType.RECORD, ids["closed"])])
        assert archivist.get(f"/records/{ids['record']}/events/{other}.xml").status_code == 404
        assert archivist.get(f"/records/{ids['closed']}/events/{other}.xml").status_code == 200
        researcher = Visitor(app)
        researcher.log_in("researcher")
        with archive.read(Actor.local()) as tx:
            any_event = tx.session.scalars(select(Event.id)).first()
        assert researcher.get(f"/records/{ids['record']}/events/{any_event}.xml").status_code == 403


class TestVersions:
    def test_what_was_added_removed_changed_and_what_stayed(self, archivist: Visitor, deep: str) -> None:
        text = archivist.text(f"/records/{deep}/difference")
        assert re.search(r"1\s*added\s+1\s*removed\s+1\s*changed\s+3\s*unchanged", text)
        page = archivist.get(f"/records/{deep}").get_data(as_text=True)
        assert f"/records/{deep}/difference?before=1&amp;after=2" in page

    def test_the_spreadsheet_has_every_file_with_its_digests(self, archivist: Visitor, deep: str) -> None:
        answer = archivist.get(f"/records/{deep}/difference.csv?before=1&after=2")
        _, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline=""))
        found = {path: (word, before, after) for path, word, before, after in rows}
        digest = {content: hashlib.sha512(content).hexdigest() for content in (b"1", b"other", b"22", b"333", b"new")}
        assert found[f"{DATA}a.txt"] == ("changed", digest[b"1"], digest[b"other"])
        assert found[f"{DATA}新.txt"] == ("added", "", digest[b"new"])
        assert found[f"{DATA}图/二.txt"] == ("removed", digest[b"333"], "")
        assert found[f"{DATA}图/一.txt"] == ("unchanged", digest[b"22"], digest[b"22"])
        assert len(found) == 6

    def test_backwards_it_is_the_other_way_round_and_with_itself_nothing(self, archivist: Visitor, deep: str) -> None:
        assert re.search(r"added .*图/二.txt", archivist.text(f"/records/{deep}/difference?before=2&after=1"))
        assert "The two versions hold the same files" in archivist.text(f"/records/{deep}/difference?before=2&after=2")

    @pytest.mark.parametrize("versions", ["before=0&after=1", "before=1&after=3", "before=-1&after=1"])
    def test_a_version_that_is_none_is_told(self, archivist: Visitor, deep: str, versions: str) -> None:
        answer = archivist.get(f"/records/{deep}/difference?{versions}")
        assert answer.status_code == 404
        assert "The package has no version" in answer.get_data(as_text=True)


class TestTakenAway:
    def unpacked(self, archivist: Visitor, record: str, form: str, folder: Path) -> Path:
        answer = archivist.get(f"/records/{record}/export/{form}.zip")
        assert answer.status_code == 200
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as packed:
            assert packed.testzip() is None
            packed.extractall(folder)
        (top,) = folder.iterdir()
        return top

    def test_an_ocfl_object_is_valid_with_every_version(self, archivist: Visitor, cli: Cli, deep: str, tmp_path: Path) -> None:
        top = self.unpacked(archivist, deep, "ocfl", tmp_path / "out")
        done = cli("ocfl", "validate", top, "--json")
        assert (done.exit_code, json.loads(done.stdout)["errors"]) == (0, [])
        assert (top / "v1").is_dir()
        assert (top / "v2/content" / DATA / "a.txt").read_bytes() == b"other"

    def test_a_bag_is_valid(self, archivist: Visitor, deep: str, ids: Ids, tmp_path: Path) -> None:
        for number, record in enumerate((deep, ids["record"])):
            top = self.unpacked(archivist, record, "bagit", tmp_path / str(number))
            bagit.Bag(str(top)).validate()

    def test_a_package_is_what_is_kept(self, archivist: Visitor, archive: Archive, ids: Ids, tmp_path: Path) -> None:
        top = self.unpacked(archivist, ids["record"], "eark", tmp_path / "out")
        assert (top / "METS.xml").is_file()
        assert {path.read_bytes() for path in (top / DATA).rglob("*") if path.is_file()} == set(FILES.values())
        with archive.read(Actor.local()) as tx:
            last = events_of(tx.session, [(ObjectType.RECORD, ids["record"])])[-1]
        assert (last.type, last.detail["form"]) == (EventType.EXPORTING, "eark")
        assert list(archive.work_folder.iterdir()) == []

    def test_a_form_that_is_none_is_not_there(self, archivist: Visitor, ids: Ids) -> None:
        assert archivist.get(f"/records/{ids['record']}/export/exe.zip").status_code == 404

    @pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
    def test_the_checksums_prove_the_copy_for_use(self, app: Flask, ids: Ids, tmp_path: Path) -> None:
        researcher = Visitor(app)
        researcher.log_in("researcher")
        with zipfile.ZipFile(io.BytesIO(researcher.get(f"/records/{ids['record']}/dip.zip").get_data())) as packed:
            packed.extractall(tmp_path / "out")
        (top,) = (tmp_path / "out").iterdir()
        (top / "checksums.sha256").write_bytes(researcher.get(f"/records/{ids['record']}/checksums.sha256").get_data())
        done = subprocess.run(["sha256sum", "--check", "checksums.sha256"], cwd=top, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(": OK") == len(FILES)


class TestFile:
    def test_it_says_what_is_known(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        file = next(row for row in rows(archive, ids["record"]) if row.path.endswith("plan.gif"))
        text = archivist.text(f"/records/{ids['record']}/files/{file.id}")
        for expected in (
            "plan.gif",
            "fmt/4",
            "accepted for archiving",
            "identified by content",
            file.sha256.hex(),
            file.sm3.hex(),
            file.sha512.hex(),
        ):
            assert expected in text, expected
        assert f"/files/{file.id}/original" in archivist.get(f"/records/{ids['record']}/files/{file.id}").get_data(as_text=True)

    def test_a_reader_sees_the_page_and_gets_no_original(self, app: Flask, archive: Archive, ids: Ids) -> None:
        researcher = Visitor(app)
        researcher.log_in("researcher")
        file = next(row for row in rows(archive, ids["record"]) if row.path.endswith("plan.gif"))
        page = researcher.get(f"/records/{ids['record']}/files/{file.id}")
        assert page.status_code == 200
        assert "/original" not in page.get_data(as_text=True)
        assert researcher.get(f"/records/{ids['record']}/files/{file.id}/original").status_code == 403
        hidden = rows(archive, ids["closed"])[0].id
        assert researcher.get(f"/records/{ids['closed']}/files/{hidden}").status_code == 404

    @pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
    @pytest.mark.parametrize("name", ["a.txt", "许 可.txt", "it's.txt", "-n", '"; touch x; "', "$(touch x)`touch x`", "a&b|c>d"])
    def test_the_command_proves_the_file_and_runs_nothing_else(self, tmp_path: Path, name: str) -> None:
        content = b"content"
        (tmp_path / name).write_bytes(content)
        digest = hashlib.sha256(content).digest()
        file = File(path=DATA + name, role="content", representation="original", sha256=digest)
        command = verification(file)[0][1]
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in tmp_path.iterdir()} == {name}

    @pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\\b"])
    def test_a_name_that_a_terminal_could_obey_is_never_in_a_command(self, name: str) -> None:
        file = File(path=DATA + name, role="content", representation="original", sha256=b"\0" * 32)
        assert all(name not in command for _, command in verification(file))


def rows(archive: Archive, record: str) -> list[File]:
    with archive.read(Actor.local()) as tx:
        row = tx.session.get_one(Record, record)
        assert row.aip is not None
        return list(tx.session.scalars(select(File).where(File.aip_id == row.aip.id, File.role == "content")))
