"""Signature releases: taking one in, putting it in force, going back, and what it changes for the holdings."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from click.testing import CliRunner, Result

from preservation.formats import Comparison, FormatRegistry, HeldFile, compare
from repository.cli import main
from repository.errors import Conflict, NotFound, UsageError
from tests.tools.identification import identifier

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def write_release(folder: Path, version: str = "900", sequence: str = "25504446") -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    signatures, containers = folder / "signatures.xml", folder / "containers.xml"
    signatures.write_text(
        f'<FFSignatureFile Version="{version}" xmlns="http://www.nationalarchives.gov.uk/pronom/SignatureFile"><InternalSignatureCollection>'
        '<InternalSignature ID="1"><ByteSequence Reference="BOFoffset"><SubSequence Position="1" SubSeqMinOffset="0" SubSeqMaxOffset="0">'
        f"<Sequence>{sequence}</Sequence></SubSequence></ByteSequence></InternalSignature></InternalSignatureCollection><FileFormatCollection>"
        '<FileFormat ID="1" PUID="fmt/5000" Name="New format"><InternalSignatureID>1</InternalSignatureID><Extension>pdf</Extension>'
        "</FileFormat></FileFormatCollection></FFSignatureFile>"
    )
    containers.write_text('<ContainerSignatureMapping signatureVersion="77"/>')
    return signatures, containers


@pytest.fixture
def registry(tmp_path: Path) -> FormatRegistry:
    return FormatRegistry(tmp_path / "formats")


def test_the_installed_release_is_in_force_at_first(registry: FormatRegistry) -> None:
    assert registry.active.version == "109"
    assert [known.active for known in registry.known()] == [True]
    assert not registry.folder.exists()


def test_a_release_is_taken_in_put_in_force_and_left_again(registry: FormatRegistry, tmp_path: Path) -> None:
    release = registry.import_release(*write_release(tmp_path / "new"), at=NOW)
    assert release.id.startswith("v900-c77-")
    assert registry.active.version == "109"
    registry.activate(release.id)
    assert FormatRegistry(registry.folder).active == release
    assert registry.back().version == "109"
    assert registry.active.version == "109"
    with pytest.raises(Conflict):
        registry.back()


def test_the_same_release_twice_is_one(registry: FormatRegistry, tmp_path: Path) -> None:
    files = write_release(tmp_path / "new")
    assert registry.import_release(*files, at=NOW) == registry.import_release(*files, at=NOW)
    assert len(registry.known()) == 2


def test_the_same_version_with_other_content_is_another(registry: FormatRegistry, tmp_path: Path) -> None:
    first = registry.import_release(*write_release(tmp_path / "a"), at=NOW)
    second = registry.import_release(*write_release(tmp_path / "b", sequence="4142"), at=NOW)
    assert first.version == second.version
    assert first.id != second.id


def test_files_that_are_not_a_release_are_refused_and_leave_nothing(registry: FormatRegistry, tmp_path: Path) -> None:
    signatures, containers = write_release(tmp_path / "new")
    with pytest.raises(UsageError, match="ContainerSignatureMapping"):
        registry.import_release(containers, signatures, at=NOW)
    (tmp_path / "dtd.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><FFSignatureFile/>')
    with pytest.raises(UsageError):
        registry.import_release(tmp_path / "dtd.xml", containers, at=NOW)
    with pytest.raises(UsageError, match="byte sequence"):
        registry.import_release(*write_release(tmp_path / "bad", sequence="41(42"), at=NOW)
    with pytest.raises(UsageError, match="cannot be read"):
        registry.import_release(tmp_path / "absent", containers, at=NOW)
    assert not list(registry.folder.glob("releases/*"))


@pytest.mark.parametrize("id", ["v1-c1-00000000", "../../etc", "", "v109"])
def test_an_unknown_release_is_not_found(registry: FormatRegistry, id: str) -> None:
    with pytest.raises(NotFound):
        registry.activate(id)


def test_what_a_release_changes_for_the_holdings() -> None:
    def held(path: str, puid: str | None, content: bytes | None) -> HeldFile:
        def opened() -> BinaryIO:
            if content is None:
                raise FileNotFoundError(path)
            return io.BytesIO(content)

        return HeldFile(path=path, name=path, puid=puid, size=len(content or b""), open=opened)

    pdf = b"%PDF-1.4\nx\n%%EOF"
    comparison = Comparison()
    files = [
        held("same.pdf", "fmt/18", pdf),
        held("a.pdf", "fmt/17", pdf),
        held("b.pdf", "fmt/17", pdf),
        held("c.pdf", None, pdf),
        held("gone.pdf", "fmt/18", None),
    ]
    changes = list(compare(files, identifier(), comparison))
    assert [(change.path, change.old, change.new.puid) for change in changes] == [
        ("a.pdf", "fmt/17", "fmt/18"),
        ("b.pdf", "fmt/17", "fmt/18"),
        ("c.pdf", None, "fmt/18"),
    ]
    assert comparison.most_frequent() == [(("fmt/17", "fmt/18"), 2), ((None, "fmt/18"), 1)]
    assert (comparison.files, comparison.changed) == (5, 3)
    assert [path for path, _ in comparison.unreadable] == ["gone.pdf"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(each) for each in arguments])

    return invoke


def test_the_commands_without_a_home(run: object, tmp_path: Path) -> None:
    assert callable(run)
    imported = run("formats", "import", *write_release(tmp_path / "new"), "--json")
    assert imported.exit_code == 0, imported.output
    (summary,) = [json.loads(line) for line in imported.stdout.splitlines()]
    assert summary["summary"]["in_force"] is True
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.pdf").write_bytes(b"%PDF-1.4\nx\n%%EOF")
    identified = run("identify", tmp_path / "files", "--json")
    assert identified.exit_code == 0
    line = json.loads(identified.stdout)
    assert list(line) == ["path", "puid", "name", "version", "mime", "basis", "engine", "matches", "warnings"]
    assert (line["puid"], line["basis"], line["engine"], line["matches"]) == ("fmt/5000", "signature", "pronom V900", ["fmt/5000"])
    listed = [json.loads(each) for each in run("formats", "list", "--json").stdout.splitlines()]
    assert [(each["version"], each["active"]) for each in listed] == [("109", False), ("900", True)]
    assert json.loads(run("formats", "show", "fmt/5000", "--json").stdout)["name"] == "New format"
    assert run("formats", "back").exit_code == 0
    assert run("formats", "back").exit_code == 1


def test_a_dry_run_changes_nothing(run: object, tmp_path: Path) -> None:
    assert callable(run)
    assert run("formats", "import", *write_release(tmp_path / "new"), "--dry-run").exit_code == 0
    assert [json.loads(each)["version"] for each in run("formats", "list", "--json").stdout.splitlines()] == ["109"]


def test_a_file_that_cannot_be_read_is_a_line_and_exit_code_1(run: object, tmp_path: Path) -> None:
    assert callable(run)
    run("formats", "import", *write_release(tmp_path / "new"))
    result = run("identify", tmp_path / "absent", "--json")
    assert result.exit_code == 1
    line = json.loads(result.stdout)
    assert (line["puid"], line["basis"]) == (None, "none")
    assert "unreadable" in line["warnings"][0]
