"""Profile ``eark``: recognition, placement, declared digests, description, and findings by requirement."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from ingest.profiles.eark import EarkProfile
from ingest.sip import PackageTree, ReceivedFile, Role
from metadata.eark import write_package
from repository.findings import Outcome, Property, is_valid
from storage.digests import Digester
from tests.tools.information_packages import CONTENT, place_content, sample

PROFILE = EarkProfile(lambda: datetime(2026, 1, 1, tzinfo=UTC))


def tree_of(folder, name=None):
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digester = Digester()
            digester.update(path.read_bytes())
            key = str(path.relative_to(folder))
            files[key] = ReceivedFile(path=key, raw_path=key.encode(), size=digester.size, digests=digester.digests())
    return PackageTree(name=name or folder.name, root=folder, files=files)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "aip-1"
    folder.mkdir()
    write_package(folder, sample("aip-1"))
    place_content(folder, sample("aip-1"))
    return folder


def test_a_package_of_ours_is_recognised_and_valid(package):
    tree = tree_of(package)
    assert PROFILE.recognise(tree).score > 90
    sip = PROFILE.read(tree)
    assert [finding.text() for finding in sip.findings if finding.outcome is Outcome.FAIL] == []


def test_every_file_has_one_place(package):
    tree = tree_of(package)
    placements = {one.source: one for one in PROFILE.read(tree).placements}
    assert placements.keys() == tree.files.keys()
    content = placements["representations/pdfa/data/申请表.pdf"]
    assert (content.role, content.representation, content.path) == (Role.CONTENT, "pdfa", "申请表.pdf")
    nested = placements["representations/original/data/材料/申请表 & <附件>.pdf"]
    assert (nested.representation, nested.path) == ("original", "材料/申请表 & <附件>.pdf")
    roles = {path: placements[path].role for path in placements}
    assert roles["metadata/descriptive/dc.xml"] is Role.DESCRIPTIVE
    assert roles["metadata/preservation/premis.xml"] is Role.PRESERVATION
    assert roles["documentation/说明.txt"] is Role.DOCUMENTATION
    assert roles["schemas/record.xsd"] is Role.SCHEMA
    assert placements["METS.xml"].path == "submission/METS.xml"
    targets = [(one.role, one.representation, one.path) for one in placements.values()]
    assert len(set(targets)) == len(targets)


def test_what_mets_declares_of_the_content_is_taken(package):
    declared = {one.path: one for one in PROFILE.read(tree_of(package)).declared}
    assert len(declared) == 8
    one = declared["representations/original/data/line\nbreak%20.txt"]
    assert (one.algorithm, one.size, one.source) == ("sha256", len(CONTENT), "representations/original/METS.xml")


def test_the_description_is_that_of_the_record(package):
    description = PROFILE.read(tree_of(package)).description
    expected = sample("aip-1").description
    assert (description.title, description.unit, description.identifier) == (expected.title, expected.unit, expected.identifier)
    assert description.process == expected.process
    assert set(expected.elements) <= set(description.elements)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda folder: (folder / "representations/original/data/dots...").write_bytes(b"other\n!"), "CSIP71"),
        (lambda folder: (folder / "representations/original/data/dots...").write_bytes(b"longer than before"), "CSIP69"),
        (lambda folder: (folder / "representations/original/data/dots...").unlink(), "CSIP79"),
        (lambda folder: (folder / "metadata/descriptive/dc.xml").write_bytes(b"<x/>"), "CSIP29"),
        (lambda folder: (folder / "METS.xml").unlink(), "CSIPSTR4"),
        (lambda folder: (folder / "METS.xml").write_bytes(b"<!DOCTYPE mets><mets/>"), "CSIPSTR4"),
        (lambda folder: (folder / "metadata/preservation/more.xml").write_bytes(b"<x/>"), "CSIP32"),
    ],
)
def test_damage_is_told_by_the_number_of_the_requirement(package, damage, code):
    damage(package)
    findings = PROFILE.read(tree_of(package)).findings
    hits = [finding for finding in findings if finding.code == code]
    assert hits
    assert hits[0].outcome is Outcome.FAIL
    assert hits[0].property is Property.INTEGRITY or code == "CSIPSTR4"
    assert not is_valid(findings)
    assert hits[0].text()
    assert code in hits[0].remedy_text()


def test_thousands_of_equal_faults_are_counted_not_listed(tmp_path):
    package = sample("aip-1")
    many = tuple(dataclasses.replace(package.representations[1].files[0], path=f"{number}.txt") for number in range(500))
    folder = tmp_path / "aip-1"
    folder.mkdir()
    write_package(folder, dataclasses.replace(package, representations=(dataclasses.replace(package.representations[0], files=many),)))
    findings = [finding for finding in PROFILE.read(tree_of(folder)).findings if finding.code == "CSIP79"]
    assert len(findings) < 60
    assert any("450" in finding.text() for finding in findings)


def test_changed_line_ends_are_named_as_what_they_are(package):
    document = package / "documentation/ABOUT.txt"
    document.write_bytes(document.read_bytes().replace(b"\n", b"\r\n"))
    hits = [finding for finding in PROFILE.read(tree_of(package)).findings if finding.code in ("CSIP69", "CSIP71")]
    assert {finding.outcome for finding in hits} == {Outcome.WARN}
    assert all("line ends" in finding.text() for finding in hits)


def test_a_date_in_the_future_is_told(package):
    early = EarkProfile(lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert {"CSIP7", "CSIP8"} <= {finding.code for finding in early.read(tree_of(package)).findings if finding.outcome is Outcome.FAIL}


def test_other_folders_are_not_taken_for_e_ark(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    assert PROFILE.recognise(tree_of(tmp_path)).score == 0
    (tmp_path / "METS.xml").write_bytes(b'<mets xmlns="http://www.loc.gov/METS/"/>')
    assert PROFILE.recognise(tree_of(tmp_path)).score < 30
