"""Packages go in: what becomes of each, said in JSON, and what is left where."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from repository.archive import Archive
from repository.demo import DemoPackage, generate
from repository.holdings import Aip, Copy, Event, File, Record, Submission
from repository.permissions import Actor
from storage.ocfl.verify import CopyOutcome, check_copy
from tests.conftest import Cli

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def lines(cli: Cli, *arguments: str | Path, exit_code: int = 0) -> list[dict[str, Any]]:
    """The JSON lines of `jingui ingest`."""
    result = cli("ingest", "--json", *arguments)
    assert result.exit_code == exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def failing(line: Mapping[str, Any]) -> list[str]:
    """Codes of what failed."""
    return [finding["code"] for finding in line["findings"] if finding["outcome"] == "fail"]


def a_folder(place: Path, **files: str) -> Path:
    """A plain package."""
    place.mkdir()
    for name, text in files.items():
        (place / f"{name}.txt").write_text(text, encoding="utf-8")
    return place


def objects_in(home: Path) -> dict[str, int]:
    """How many AIPs (not journal objects) lie in each store."""
    found = {}
    for store in ("a", "b"):
        inventories = (home / "stores" / store).glob("ocfl/*/*/*/*/inventory.json")
        found[store] = sum(json.loads(path.read_text())["id"].startswith("urn:uuid:") for path in inventories)
    return found


def assert_nothing_left(home: Path) -> None:
    """Neither stores nor work folder nor inbox keep anything of what was refused."""
    assert objects_in(home) == {"a": 0, "b": 0}
    for store in ("a", "b"):
        staging = home / "stores" / store / "staging"
        assert not staging.exists() or not any(staging.iterdir())
    assert not any((home / "work").iterdir())
    assert not any((home / "inbox").iterdir())


def assert_catalogue_empty(archive: Archive) -> None:
    """No record, package or file row is there."""
    with archive.read(Actor.local()) as tx:
        for table in (Record, Aip, File, Copy):
            assert tx.session.query(table).count() == 0


class TestStored:
    """A good package."""

    def test_both_copies_are_whole_and_the_line_says_where(self, cli: Cli, archive: Archive, tmp_path: Path) -> None:
        package = a_folder(tmp_path / "三件材料", a="申请", b="决定", c="结果")
        (line,) = lines(cli, package)
        assert (line["state"], line["files"], line["bytes"]) == ("stored", 3, len("申请决定结果".encode()))
        assert line["aip"] == f"urn:uuid:{line['record']}"
        for store in archive.stores:
            check = check_copy(store.objects, line["aip"])
            assert check.outcome is CopyOutcome.MATCH
        with archive.read(Actor.local()) as tx:
            record = tx.session.get(Record, line["record"])
            assert record is not None
            assert (record.state, record.title) == ("stored", "三件材料")
            assert {copy.state for copy in tx.session.query(Copy)} == {"match"}
            files = {file.path: file.role for file in tx.session.query(File)}
            received = {f"representations/original/data/{name}.txt" for name in "abc"}
            assert {path for path, role in files.items() if role == "content"} == received
            # the catalogue knows every file of the package, so that all of them are audited
            kept = archive.stores[0].root.find(line["aip"])
            assert kept is not None
            assert set(files) == {file.logical_path for file in kept.files()}
            types = [event.type for event in tx.session.query(Event).order_by(Event.sequence)]
        for wanted in ("transfer", "unpacking", "message digest calculation", "format identification", "replication", "fixity check"):
            assert wanted in types
        assert types[-2:] == ["ingestion", "accession"]
        assert not any((archive.home / "work").iterdir())

    def test_the_package_itself_tells_what_was_done(self, cli: Cli, home: Path, tmp_path: Path) -> None:
        lines(cli, a_folder(tmp_path / "package", a="text"))
        (premis,) = (home / "stores/a").glob("ocfl/*/*/*/*/v1/content/metadata/preservation/premis.xml")
        text = premis.read_text(encoding="utf-8")
        assert all(word in text for word in ("unpacking", "validation", "format identification", "message digest calculation"))
        (report,) = (home / "stores/b").glob("ocfl/*/*/*/*/v1/content/metadata/other/checks/report.json")
        assert json.loads(report.read_text())["profile"] == "folder"

    def test_plain_words_for_people(self, cli: Cli, tmp_path: Path) -> None:
        result = cli("ingest", a_folder(tmp_path / "package", a="text", b=""))
        assert result.exit_code == 0
        assert "stored, record " in result.stdout
        assert "FILE_EMPTY" in result.stderr

    def test_a_missing_path_is_said_and_the_others_go_on(self, cli: Cli, tmp_path: Path) -> None:
        package = a_folder(tmp_path / "package", a="text")
        result = cli("ingest", "--json", tmp_path / "not-there", package)
        assert result.exit_code == 1
        assert "not-there" in result.stderr
        assert json.loads(result.stdout)["state"] == "stored"


class TestAgain:
    """The same package, a corrected one, one that says what it replaces."""

    def test_the_same_again_is_a_duplicate_in_whatever_form(self, cli: Cli, home: Path, tmp_path: Path) -> None:
        package = a_folder(tmp_path / "package", a="one", b="two")
        (first,) = lines(cli, package)
        packed = shutil.make_archive(str(tmp_path / "other-name"), "zip", tmp_path, "package")
        for again in (package, Path(packed)):
            (line,) = lines(cli, again)
            assert (line["state"], line["record"], line["aip"]) == ("duplicate", first["record"], first["aip"])
        assert objects_in(home) == {"a": 1, "b": 1}

    def test_a_corrected_package_is_version_two_and_stores_unchanged_bytes_once(self, cli: Cli, archive: Archive, tmp_path: Path) -> None:
        (first,) = lines(cli, a_folder(tmp_path / "package", a="stays as it is", b="wrong"))
        corrected = a_folder(tmp_path / "corrected", a="stays as it is", b="right")
        (second,) = lines(cli, "--replaces", first["record"], corrected)
        assert (second["state"], second["record"]) == ("stored", first["record"])
        for store in archive.stores:
            found = store.root.find(first["aip"])
            assert found is not None
            files = {file.logical_path: file.content_path for file in found.files()}
            assert files["representations/original/data/a.txt"].startswith("v1/")
            assert files["representations/original/data/b.txt"].startswith("v2/")
            assert check_copy(store.objects, first["aip"]).outcome is CopyOutcome.MATCH
        with archive.read(Actor.local()) as tx:
            aip = tx.session.get(Aip, first["aip"])
            assert aip is not None
            assert [version.number for version in aip.versions] == [1, 2]
            assert {copy.version for copy in aip.copies} == {2}
            assert tx.session.query(File).filter_by(role="content").count() == 2

    @ON_SQLITE
    def test_the_sender_s_identifier_makes_it_a_version(self, cli: Cli, demo: list[DemoPackage], tmp_path: Path) -> None:
        good = next(package for package in demo if package.fault is None and package.path.is_dir() and package.profile == "zj-zwfw")
        (first,) = lines(cli, good.path)
        corrected = tmp_path / good.path.name
        shutil.copytree(good.path, corrected)
        (corrected / "补充说明.txt").write_text("补充", encoding="utf-8")
        (second,) = lines(cli, corrected)
        assert (second["state"], second["record"], second["files"]) == ("stored", first["record"], first["files"] + 1)

    def test_replacing_what_is_not_there_is_refused(self, cli: Cli, home: Path, tmp_path: Path) -> None:
        result = cli("ingest", "--replaces", "no-such-record", a_folder(tmp_path / "package", a="text"))
        assert result.exit_code == 1
        assert "no-such-record" in result.stderr
        assert_nothing_left(home)

    @ON_SQLITE
    def test_two_at_once_give_one_record(self, home: Path, program: Sequence[str], tmp_path: Path) -> None:
        package = a_folder(tmp_path / "package", **{f"file-{number}": str(number) * 100 for number in range(200)})
        command = [*program, "--home", str(home), "ingest", "--json", str(package)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
        states = sorted(json.loads(process.communicate(timeout=120)[0])["state"] for process in running)
        assert states == ["duplicate", "duplicate", "stored"]
        assert objects_in(home) == {"a": 1, "b": 1}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[DemoPackage]:
    """Demo packages, some of them wrong in one way each."""
    return generate(tmp_path_factory.mktemp("demo") / "packages")


@ON_SQLITE
def test_every_demo_package_ends_as_expected(cli: Cli, home: Path, demo: list[DemoPackage]) -> None:
    paths = sorted({package.batch or package.path for package in demo})
    result = cli("ingest", "--json", *paths)
    assert result.exit_code == 1
    told = {Path(line["path"]): line for line in map(json.loads, result.stdout.splitlines())}
    for package in demo:
        line = told[package.path]
        if package.expected_code is None:
            assert (line["state"], failing(line)) == ("stored", []), package.path
        else:
            assert line["state"] == "rejected", package.fault
            assert set(failing(line)) == {package.expected_code}, package.fault
    assert objects_in(home) == {store: sum(package.fault is None for package in demo) for store in ("a", "b")}
    assert not any((home / "work").iterdir())


@ON_SQLITE
def test_every_real_transfer_is_stored_or_says_which_file_breaks_which_rule(cli: Cli, home: Path, corpora: Path) -> None:
    places = [corpora / "archivematica"]
    places += [corpora / "archivematica/ZippedDirectoryTransfers", *(corpora / "archivematica/BagExamples").iterdir()]
    transfers = [
        path
        for place in places
        if place.is_dir()
        for path in sorted(place.iterdir())
        if path.name not in {"BagExamples", "ZippedDirectoryTransfers"} and path.suffix != ".md"
    ]
    result = cli("ingest", "--json", *transfers)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["path"] for line in told] == [str(path) for path in transfers]
    for line in told:
        assert line["state"] in {"stored", "rejected", "duplicate"}, line
        if line["state"] == "rejected":
            failed = [finding for finding in line["findings"] if finding["outcome"] == "fail"]
            assert failed
            assert all(finding["subject"] and finding["code"] and finding["remedy"] for finding in failed)
    assert sum(line["state"] == "stored" for line in told) >= 8
    assert not any((home / "work").iterdir())


class TestOursToFail:
    """The package is good and we are not."""

    def test_without_enough_copies_nothing_is_kept_and_it_can_be_tried_again(self, cli: Cli, archive: Archive, tmp_path: Path) -> None:
        home = archive.home
        package = a_folder(tmp_path / "package", a="text")
        (home / "stores/b").rename(home / "b-away")
        (home / "stores/b").write_text("not a folder", encoding="utf-8")
        (line,) = lines(cli, package, exit_code=3)
        assert line["state"] == "failed"
        assert line["error"]
        assert objects_in(home) == {"a": 0, "b": 0}
        assert_catalogue_empty(archive)
        assert [folder.name for folder in (home / "work").iterdir()] == [line["submission"]], "only what a retry goes on from is kept"
        (home / "stores/b").unlink()
        (home / "b-away").rename(home / "stores/b")
        (line,) = lines(cli, package)
        assert line["state"] == "stored"

    @ON_SQLITE
    def test_with_enough_copies_the_missing_one_is_owed(
        self, cli: Cli, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JINGUI_COPIES_REQUIRED", "1")
        home = archive.home
        shutil.rmtree(home / "stores/b")
        (home / "stores/b").write_text("not a folder", encoding="utf-8")
        (line,) = lines(cli, a_folder(tmp_path / "package", a="text"))
        assert line["state"] == "stored"
        with archive.read(Actor.local()) as tx:
            assert {copy.store: copy.state for copy in tx.session.query(Copy)} == {"a": "match", "b": "missing"}

    @ON_SQLITE
    @pytest.mark.parametrize("step", ["unpack", "identify", "match", "package", "store", "register"])
    def test_killed_in_the_middle_it_is_resumed_and_stored_once(
        self, home: Path, program: Sequence[str], tmp_path: Path, step: str
    ) -> None:
        settings = home / "jingui.toml"
        settings.write_text("lease_seconds = 5\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
        package = a_folder(tmp_path / "package", **{f"file-{number}": str(number) * 50 for number in range(800)})
        command = [*program, "--home", str(home), "ingest", "--json", str(package)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        for _ in _until(lambda: _at(home, step), 60):
            if process.poll() is not None:
                break
        process.kill()
        said = process.communicate()[0]
        if said:
            assert json.loads(said)["state"] == "stored"
        again = subprocess.run(command, capture_output=True, check=True, timeout=120)
        states = [json.loads(line)["state"] for line in (said + again.stdout).splitlines()]
        assert states.count("stored") <= 1
        assert states[-1] in {"stored", "duplicate"}
        assert objects_in(home) == {"a": 1, "b": 1}
        with closing(sqlite3.connect(home / "catalogue.sqlite")) as catalogue:
            assert catalogue.execute("SELECT count(*), min(state) FROM record").fetchone() == (1, "stored")
            assert catalogue.execute("SELECT count(*) FROM file WHERE role = 'content'").fetchone() == (800,)


def _until(true: Any, seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        yield
        time.sleep(0.005)


def _at(home: Path, step: str) -> bool:
    with closing(sqlite3.connect(home / "catalogue.sqlite")) as catalogue:
        row = catalogue.execute("SELECT state FROM submission_step WHERE name = ?", (step,)).fetchone()
    return row is not None and row[0] != "pending"


@ON_SQLITE
def test_check_judges_without_a_home(cli: Cli, home: Path, demo: list[DemoPackage]) -> None:
    good = next(package for package in demo if package.fault is None and package.batch is None)
    wrong = next(package for package in demo if package.expected_code == "DATE_ORDER")
    result = cli("check", "--json", good.path, wrong.path)
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["profile"], first["valid"]) == ("zj-zwfw", True)
    assert (second["valid"], failing(second)) == (False, ["DATE_ORDER"])
    with closing(sqlite3.connect(home / "catalogue.sqlite")) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM submission").fetchone() == (0,)
    people = cli("check", good.path)
    assert "valid as zj-zwfw" in people.stdout
    assert "folder: " in people.stderr


@ON_SQLITE
def test_a_zip_that_holds_a_batch_is_taken_case_by_case(cli: Cli, home: Path, demo: list[DemoPackage], tmp_path: Path) -> None:
    faulty = {package.batch for package in demo if package.fault}
    batch = next(package.batch for package in demo if package.batch is not None and package.batch not in faulty)
    packed = tmp_path / "batch.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(batch.rglob("*")):
            archive.write(path, path.relative_to(batch))
    told = lines(cli, packed)
    assert {line["state"] for line in told} == {"stored"}
    assert len(told) == sum(package.batch == batch for package in demo)
    assert not any((home / "inbox").iterdir())
    assert {row.name for row in _submissions(home)} == {package.path.name for package in demo if package.batch == batch}


def _submissions(home: Path) -> list[Submission]:
    archive = Archive.open(home)
    try:
        with archive.read(Actor.local()) as tx:
            return list(tx.session.query(Submission))
    finally:
        archive.close()
