"""Out again: export, dissemination package, one file, search; from the command line and from the console."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select

from access import delivery
from access.catalogue import find_record
from access.exports import ExportForm, export
from access.naming import find_named
from access.reading import CopyFailed, NoSoundCopy
from repository.accounts import create_user
from repository.app import create_app
from repository.archive import Archive
from repository.cli import main
from repository.errors import NotFound, PermissionDenied
from repository.events import LedgerEvent, ObjectType, events_of
from repository.holdings import Agreement, File, Record
from repository.home import make_home
from repository.permissions import Actor, Role
from tests.tools.kept_records import (
    CONTENT,
    DATA,
    SECRET,
    Kept,
    _kept_home,
    content_of,
    database,
    home,
    kept,
    person,
    share_openly,
    states,
    stored,
    tree,
)

__all__ = ["_kept_home", "database", "home", "kept"]

Cli = Callable[..., Result]
PASSWORD = "correct horse battery staple"


def last_event(archive: Archive, record_id: str) -> LedgerEvent:
    with archive.read(Actor.local()) as tx:
        return events_of(tx.session, [(ObjectType.RECORD, record_id)])[-1]


def file_id(archive: Archive, record_id: str, path: str) -> int:
    with archive.read(Actor.local()) as tx:
        found = tx.session.scalar(select(File.id).where(File.aip_id == f"urn:uuid:{record_id}", File.path == path))
    assert found is not None
    return found


class TestExport:
    @pytest.mark.parametrize("name", sorted(CONTENT))
    def test_the_eark_package_holds_the_content_byte_for_byte(self, cli: Cli, kept: Kept, tmp_path: Path, name: str) -> None:
        assert cli("export", kept[name], "--as", "eark", tmp_path / "out").exit_code == 0
        files = tree(tmp_path / "out")
        assert {path: content for path, content in files.items() if path.startswith(DATA)} == content_of(name)
        assert {"METS.xml", "metadata/preservation/premis.xml", "metadata/descriptive/dc.xml"} <= files.keys()

    def test_a_bag_holds_the_same_package_and_says_whose_it_is(self, cli: Cli, kept: Kept, tmp_path: Path) -> None:
        for form in ("eark", "bag"):
            assert cli("export", kept["bag"], "--as", form, tmp_path / form).exit_code == 0
        bag = tree(tmp_path / "bag")
        assert {path.removeprefix("data/"): content for path, content in bag.items() if path.startswith("data/")} == tree(tmp_path / "eark")
        about = bag["bag-info.txt"].decode()
        assert f"External-Identifier: urn:uuid:{kept['bag']}\n" in about
        assert "Internal-Sender-Identifier: ID-1\n" in about

    def test_an_ocfl_object_comes_with_all_its_versions(self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path) -> None:
        assert cli("export", kept["twice"], "--as", "ocfl", tmp_path / "out").exit_code == 0
        kept_object = stored(archive, "a", kept["twice"], DATA + "kept.txt").parents[5]
        assert tree(tmp_path / "out") == tree(kept_object)
        assert (tmp_path / "out" / "v2" / "content" / DATA / "corrected.txt").read_bytes() == b"second"

    def test_what_was_exported_is_told_and_written_down(self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path) -> None:
        done = cli("export", "ID-1", "--as", "eark", tmp_path / "out", "--json")
        line = json.loads(done.stdout)
        assert line["record"] == kept["bag"]
        assert (line["aip"], line["version"], line["form"]) == (f"urn:uuid:{kept['bag']}", 1, "eark")
        files = tree(tmp_path / "out")
        assert (line["files"], line["bytes"]) == (len(files), sum(map(len, files.values())))
        event = last_event(archive, kept["bag"])
        assert (event.type, event.detail["form"]) == ("exporting", "eark")

    @pytest.mark.parametrize("form", ["ocfl", "bagit", "eark"])
    def test_a_damaged_copy_gives_way_to_the_other(self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path, form: str) -> None:
        large = stored(archive, "a", kept["plain"], DATA + "large.bin")
        large.write_bytes(large.read_bytes()[:-1] + b"!")
        done = cli("export", kept["plain"], "--as", form, tmp_path / "out")
        assert done.exit_code == 0, done.stderr
        written = {path.rpartition("/")[2]: content for path, content in tree(tmp_path / "out").items() if "/data/" in path}
        assert {name: written[name] for name in CONTENT["plain"]} == CONTENT["plain"]
        assert states(archive, kept["plain"]) == {"a": "damaged", "b": "match"}

    @pytest.mark.parametrize("form", ["ocfl", "bagit", "eark", "dip"])
    def test_without_a_sound_copy_it_fails_and_leaves_nothing(
        self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path, form: str
    ) -> None:
        for store in ("a", "b"):
            stored(archive, store, kept["plain"], DATA + "large.bin").write_bytes(b"")
        out = tmp_path / "out" / "here"
        out.parent.mkdir()
        done = cli("dip", kept["plain"], out) if form == "dip" else cli("export", kept["plain"], "--as", form, out)
        assert done.exit_code == 1
        assert "large.bin" in done.stderr
        assert list(out.parent.iterdir()) == []

    def test_nothing_is_overwritten(self, cli: Cli, kept: Kept, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").write_text("mine")
        assert cli("export", kept["plain"], "--as", "eark", tmp_path / "out").exit_code == 1
        assert tree(tmp_path / "out") == {"mine": b"mine"}

    def test_an_export_that_is_named_like_an_archive_is_refused(self, cli: Cli, kept: Kept, tmp_path: Path) -> None:
        assert cli("export", kept["plain"], "--as", "eark", tmp_path / "out.zip").exit_code == 2

    @pytest.mark.parametrize("form", list(ExportForm))
    def test_nothing_is_left_when_somebody_interrupts_it(self, archive: Archive, kept: Kept, tmp_path: Path, form: ExportForm) -> None:
        out = tmp_path / "out" / "here"
        out.parent.mkdir()
        seen: list[str] = []

        def interrupt(files: int, size: int) -> None:
            seen.extend(path.name for path in out.parent.iterdir())
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            export(archive, Actor.local(), kept["plain"], form, out, progress=interrupt)
        assert seen == ["here.partial"]
        assert list(out.parent.iterdir()) == []
        assert last_event(archive, kept["plain"]).type != "exporting"

    def test_it_can_be_ingested_elsewhere_and_is_known_there_when_it_comes_again(
        self, cli: Cli, home: Path, kept: Kept, tmp_path: Path
    ) -> None:
        for form in ("bagit", "eark"):
            assert cli("export", kept["bag"], "--as", form, tmp_path / form).exit_code == 0
        there = tmp_path / "there"
        make_home(there).close()
        shutil.copytree(home / "formats", there / "formats", dirs_exist_ok=True)

        def run(*arguments: str | Path) -> Result:
            return CliRunner().invoke(main, ["--home", str(there), *map(str, arguments)])

        done = run("ingest", "--json", *(tmp_path / form for form in ("bagit", "eark", "bagit", "eark")))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["state"] for line in lines] == ["stored", "stored", "duplicate", "duplicate"], done.stdout + done.stderr
        assert [line["record"] for line in lines[:2]] == [line["record"] for line in lines[2:]]
        assert run("export", lines[1]["record"], "--as", "eark", tmp_path / "again").exit_code == 0
        again = {path: content for path, content in tree(tmp_path / "again").items() if path.startswith(DATA)}
        assert again == content_of("bag")


class TestNames:
    def test_by_every_name_a_record_has(self, archive: Archive, kept: Kept) -> None:
        with archive.read(Actor.local()) as tx:
            found = {
                find_named(tx, name).id for name in (kept["bag"], f"urn:uuid:{kept['bag']}", f"URN:UUID:{kept['bag'].upper()}", "ID-1")
            }
        assert found == {kept["bag"]}

    def test_a_name_of_several_is_said_with_their_ids(self, cli: Cli, archive: Archive, kept: Kept, tmp_path: Path) -> None:
        with archive.transaction(Actor.local()) as tx:
            tx.session.add(Agreement(code="other", title="other"))
            tx.session.flush()
            record = tx.session.get_one(Record, kept["plain"])
            record.agreement_code, record.identifier = "other", "ID-1"
        done = cli("dip", "ID-1", tmp_path / "out")
        assert done.exit_code == 1
        assert kept["plain"] in done.stderr
        assert kept["bag"] in done.stderr

    def test_a_name_of_none_is_said(self, cli: Cli, tmp_path: Path) -> None:
        done = cli("dip", "ID-2", tmp_path / "out")
        assert (done.exit_code, "ID-2" in done.stderr) == (1, True)


class TestDip:
    @pytest.mark.parametrize("name", sorted(CONTENT))
    def test_it_holds_the_content_byte_for_byte(self, cli: Cli, kept: Kept, tmp_path: Path, name: str) -> None:
        for out in ("folder", "file.zip"):
            done = cli("dip", kept[name], tmp_path / out)
            assert done.exit_code == 0, done.stderr
        folder = tree(tmp_path / "folder")
        with zipfile.ZipFile(tmp_path / "file.zip") as archive:
            packed = {path.partition("/")[2]: archive.read(path) for path in archive.namelist()}
        for files in (folder, packed):
            assert {path: content for path, content in files.items() if path.startswith(DATA)} == content_of(name)
        assert folder.keys() == packed.keys()
        assert {"index.html", "METS.xml", "metadata/preservation/premis.xml", "metadata/descriptive/dc.xml"} <= folder.keys()

    def test_what_is_not_for_readers_is_left_out(self, cli: Cli, kept: Kept, tmp_path: Path) -> None:
        cli("dip", kept["bag"], tmp_path / "out")
        cli("export", kept["bag"], "--as", "eark", tmp_path / "aip")
        assert any(SECRET.encode() in content for content in tree(tmp_path / "aip").values())
        files = tree(tmp_path / "out")
        assert [path for path, content in files.items() if SECRET.encode() in content] == []
        assert [path for path in files if path.startswith("metadata/other")] == []
        assert [path for path, content in files.items() if Actor.local().name.encode() + b"<" in content] == []
        assert "门牌证明" in files["index.html"].decode()

    def test_it_says_where_it_comes_from(self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path) -> None:
        line = json.loads(cli("dip", kept["bag"], tmp_path / "out", "--json").stdout)
        event = last_event(archive, kept["bag"])
        assert (event.type, event.objects) == ("dissemination", (("record", kept["bag"]), ("dip", line["package"])))
        premis = (tmp_path / "out" / "metadata" / "preservation" / "premis.xml").read_text()
        assert all(text in premis for text in (event.id, line["package"], f"urn:uuid:{kept['bag']}"))
        assert f'OBJID="{line["package"]}"' in (tmp_path / "out" / "METS.xml").read_text()

    def test_a_damaged_document_gives_way_to_the_other_copy(self, cli: Cli, kept: Kept, archive: Archive, tmp_path: Path) -> None:
        stored(archive, "a", kept["plain"], "representations/original/metadata/preservation/premis.xml").write_bytes(b"<premis/>")
        assert cli("dip", kept["plain"], tmp_path / "out").exit_code == 0
        assert tree(tmp_path / "out")[DATA + "small.txt"] == b"small"
        assert states(archive, kept["plain"])["a"] == "damaged"

    def test_a_reader_gets_what_is_open_and_learns_nothing_of_the_rest(self, archive: Archive, kept: Kept) -> None:
        share_openly(archive, kept["plain"])
        reader = person(Role.RESEARCHER)
        with archive.transaction(reader) as tx:
            package = delivery.prepare_dip(tx, kept["plain"])
            with pytest.raises(NotFound):
                delivery.prepare_dip(tx, kept["bag"])
            with pytest.raises(NotFound):
                delivery.prepare_dip(tx, "no-such-record")
        with zipfile.ZipFile(io.BytesIO(b"".join(package.zip_blocks()))) as sent:
            assert sent.read(f"{package.name}/{DATA}small.txt") == b"small"
        assert list(archive.work_folder.iterdir()) == []

    def test_who_may_only_see_gets_no_copy(self, archive: Archive, kept: Kept) -> None:
        with archive.transaction(person(Role.APPROVER)) as tx, pytest.raises(PermissionDenied):
            delivery.prepare_dip(tx, kept["plain"])

    def test_the_work_folder_is_clean_when_the_reader_goes_away(self, archive: Archive, kept: Kept) -> None:
        with archive.transaction(Actor.local()) as tx:
            package = delivery.prepare_dip(tx, kept["plain"])
        blocks = package.zip_blocks()
        next(blocks)
        del blocks
        assert list(archive.work_folder.iterdir()) == []


class TestOneFile:
    def test_its_bytes_and_its_digest(self, archive: Archive, kept: Kept) -> None:
        for name, content in CONTENT["plain"].items():
            with archive.transaction(Actor.local()) as tx:
                opened = delivery.open_file(tx, find_record(tx, kept["plain"]), file_id(archive, kept["plain"], DATA + name))
            assert (opened.name, opened.size, b"".join(opened.blocks())) == (name, len(content), content)
            assert opened.sha256_base64 == base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert last_event(archive, kept["plain"]).type == "dissemination"

    def test_a_file_of_another_record_is_not_there(self, archive: Archive, kept: Kept) -> None:
        other = file_id(archive, kept["bag"], DATA + "门牌证明.txt")
        with archive.transaction(Actor.local()) as tx, pytest.raises(NotFound):
            delivery.open_file(tx, find_record(tx, kept["plain"]), other)

    def test_no_wrong_file_ever_ends_as_if_it_were_whole(self, archive: Archive, kept: Kept) -> None:
        file = stored(archive, "a", kept["plain"], DATA + "large.bin")
        file.write_bytes(file.read_bytes()[:-1] + b"!")
        with archive.transaction(Actor.local()) as tx:
            opened = delivery.open_file(tx, find_record(tx, kept["plain"]), file_id(archive, kept["plain"], DATA + "large.bin"))
        received: list[bytes] = []
        with pytest.raises(CopyFailed):
            received.extend(opened.blocks())
        assert 0 < sum(map(len, received)) < opened.size
        assert states(archive, kept["plain"])["a"] == "damaged"

    def test_what_no_copy_has_is_said_before_anything_is_sent(self, archive: Archive, kept: Kept) -> None:
        for store in ("a", "b"):
            stored(archive, store, kept["plain"], DATA + "small.txt").write_bytes(b"Small")
        with archive.transaction(Actor.local()) as tx:
            opened = delivery.open_file(tx, find_record(tx, kept["plain"]), file_id(archive, kept["plain"], DATA + "small.txt"))
        with pytest.raises(NoSoundCopy):
            opened.blocks()


class TestSearch:
    def test_people_get_a_list(self, cli: Cli, kept: Kept) -> None:
        done = cli("search", "门牌")
        assert done.exit_code == 0
        assert "门牌证明" in done.stdout
        assert kept["bag"] in done.stdout
        assert kept["plain"] not in done.stdout

    def test_programs_get_lines(self, cli: Cli, kept: Kept) -> None:
        lines = [json.loads(line) for line in cli("search", "--json").stdout.splitlines()]
        assert {line["record"] for line in lines} == set(kept.values())
        line = next(line for line in lines if line["record"] == kept["bag"])
        assert (line["aip"], line["title"], line["identifier"]) == (f"urn:uuid:{kept['bag']}", "门牌证明", "ID-1")

    def test_it_can_be_narrowed_and_limited(self, cli: Cli, kept: Kept) -> None:
        assert json.loads(cli("search", "--unit", "虚构市民政局", "--json").stdout)["record"] == kept["bag"]
        assert len(cli("search", "--limit", "2", "--json").stdout.splitlines()) == 2

    def test_nothing_found_is_no_failure(self, cli: Cli) -> None:
        done = cli("search", "不存在的")
        assert (done.exit_code, done.stdout) == (0, "")
        assert done.stderr

    def test_a_title_cannot_write_over_the_terminal(self, cli: Cli, archive: Archive, kept: Kept) -> None:
        with archive.transaction(Actor.local()) as tx:
            tx.session.get_one(Record, kept["plain"]).title = "a\x1b[2Jb\nc"
        out = cli("search").stdout
        assert "\x1b" not in out
        assert r"a\x1b[2Jb\nc" in out


class TestConsole:
    @pytest.fixture
    def client(self, archive: Archive) -> Iterator[FlaskClient]:
        with archive.transaction(Actor.local()) as tx:
            for name, role in (("archivist", Role.ARCHIVIST), ("reader", Role.RESEARCHER)):
                create_user(tx, name=name, password=PASSWORD, roles=[str(role)])
        app = create_app(archive)
        app.config["WTF_CSRF_ENABLED"] = False
        with app.test_client() as client:
            yield client

    def test_a_file_and_a_copy_for_use_are_downloaded(self, client: FlaskClient, archive: Archive, kept: Kept) -> None:
        client.post("/login", data={"name": "archivist", "password": PASSWORD})
        path = DATA + "large.bin"
        answer = client.get(f"/records/{kept['plain']}/files/{file_id(archive, kept['plain'], path)}/original")
        assert answer.data == CONTENT["plain"]["large.bin"]
        digest = base64.b64encode(hashlib.sha256(answer.data).digest()).decode()
        assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        packed = client.get(f"/records/{kept['names']}/dip.zip")
        with zipfile.ZipFile(io.BytesIO(packed.data)) as sent:
            assert sent.testzip() is None
            content = {path.partition("/")[2]: sent.read(path) for path in sent.namelist()}
        assert {path: data for path, data in content.items() if path.startswith(DATA)} == content_of("names")

    def test_a_reader_finds_no_trace_of_what_is_closed(self, client: FlaskClient, archive: Archive, kept: Kept) -> None:
        share_openly(archive, kept["plain"])
        client.post("/login", data={"name": "reader", "password": PASSWORD})
        assert client.get(f"/records/{kept['plain']}/dip.zip").status_code == 200
        answers = [(name, client.get(f"/records/{name}/dip.zip")) for name in (kept["bag"], "no-such-record")]
        assert [answer.status_code for _, answer in answers] == [404, 404]
        # but for the name that was asked for and the number of the request they are the same
        closed, absent = (re.sub(r"\b[0-9a-f]{12}\b", "", answer.text.replace(name, "")) for name, answer in answers)
        assert closed == absent
