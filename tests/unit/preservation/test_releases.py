"""Signature releases of a home: the catalogue follows the folder, and every change is an event."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select

from preservation import releases
from repository.archive import Archive
from repository.errors import PermissionDenied
from repository.events import EventType, read_events
from repository.holdings import SignatureRelease
from repository.permissions import Actor

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    signatures, containers = tmp_path / "signatures.xml", tmp_path / "containers.xml"
    signatures.write_text(
        '<FFSignatureFile Version="900" xmlns="http://www.nationalarchives.gov.uk/pronom/SignatureFile"><InternalSignatureCollection>'
        '<InternalSignature ID="1"><ByteSequence Reference="BOFoffset"><SubSequence Position="1" SubSeqMinOffset="0" SubSeqMaxOffset="0">'
        "<Sequence>41424344</Sequence></SubSequence></ByteSequence></InternalSignature></InternalSignatureCollection><FileFormatCollection>"
        '<FileFormat ID="1" PUID="fmt/5000" Name="New"><InternalSignatureID>1</InternalSignatureID></FileFormat>'
        "</FileFormatCollection></FFSignatureFile>"
    )
    containers.write_text('<ContainerSignatureMapping signatureVersion="77"/>')
    return signatures, containers


def standing(archive: Archive) -> list[tuple[str, bool]]:
    with archive.read(Actor.local()) as tx:
        return sorted((row.version, row.active) for row in tx.session.scalars(select(SignatureRelease)))


def test_the_catalogue_follows_and_the_ledger_tells(archive: Archive, files: tuple[Path, Path]) -> None:
    with archive.transaction(Actor.local()) as tx:
        release = releases.import_release(tx, *files)
    assert standing(archive) == [("109", True), ("900", False)]
    with archive.transaction(Actor.local()) as tx:
        releases.activate(tx, release.id)
    assert standing(archive) == [("109", False), ("900", True)]
    with archive.transaction(Actor.local()) as tx:
        releases.back(tx)
    assert standing(archive) == [("109", True), ("900", False)]
    with archive.read(Actor.local()) as tx:
        events = [event for event in read_events(tx.session) if event.objects and event.objects[0][0] == "signatures"]
    assert [event.type for event in events] == [EventType.ACCESSION, EventType.POLICY_ASSIGNMENT, EventType.POLICY_ASSIGNMENT]
    assert events[1].detail["in_force"] == release.id
    assert events[2].detail["before"] == release.id


def test_who_may_not_manage_formats_changes_nothing(archive: Archive, files: tuple[Path, Path]) -> None:
    nobody = Actor(id="n", name="nobody", roles=frozenset())
    with pytest.raises(PermissionDenied), archive.transaction(nobody) as tx:
        releases.import_release(tx, *files)
    assert not (archive.formats_folder / "releases").exists()


def test_the_commands_in_a_home(cli: Callable[..., Result], home: Path, files: tuple[Path, Path]) -> None:
    imported = cli("formats", "import", *files, "--json")
    assert imported.exit_code == 0, imported.output
    summary = json.loads(imported.stdout.splitlines()[-1])["summary"]
    assert (summary["in_force"], summary["files"], summary["changed"]) == (True, 0, 0)
    assert (home / "formats" / "active.json").is_file()
    assert json.loads(cli("formats", "back", "--json").stdout)["release"].startswith("v109-")
