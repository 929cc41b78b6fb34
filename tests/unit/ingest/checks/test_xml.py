"""XML in packages: what reaches outside is refused; a public document type of a drawing is not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ingest.checks.description import check_classification
from ingest.checks.structure import check_content, check_names
from ingest.checks.xml import check_xml
from ingest.sip import PackageTree, Placement, ReceivedFile, Role, Sip
from metadata.description import Description
from repository.findings import Outcome
from storage.digests import Digests

SVG = b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>'


def a_package(folder: Path, role: Role = Role.CONTENT, security: str = "", **files: bytes) -> tuple[PackageTree, Sip]:
    """A package of these files, all of one role; ``__`` in a name stands for the full stop."""
    received = {}
    for name, content in files.items():
        path = name.replace("__", ".")
        (folder / path).write_bytes(content)
        digests = Digests(hashlib.sha512(content).digest(), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())
        received[path] = ReceivedFile(path=path, raw_path=path.encode(), size=len(content), digests=digests)
    placements = [Placement(source=path, role=role, path=path) for path in received]
    tree = PackageTree(name="package", root=folder, files=received)
    return tree, Sip(profile="folder", description=Description(security=security), placements=placements)


@pytest.mark.parametrize("role", [Role.CONTENT, Role.DESCRIPTIVE])
@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>',
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
    ],
)
def test_document_types_and_entities_are_refused(tmp_path: Path, role: Role, content: bytes) -> None:
    (finding,) = check_xml(*a_package(tmp_path, role, a__xml=content))
    assert (finding.code, finding.outcome, finding.subject) == ("XML_DOCTYPE", Outcome.FAIL, "a.xml")
    assert finding.remedy


def test_a_public_type_is_a_warning_in_content_and_refused_in_metadata(tmp_path: Path) -> None:
    (finding,) = check_xml(*a_package(tmp_path, a__svg=SVG))
    assert (finding.code, finding.outcome) == ("XML_PUBLIC_DOCTYPE", Outcome.WARN)
    (finding,) = check_xml(*a_package(tmp_path, Role.DESCRIPTIVE, a__svg=SVG))
    assert finding.outcome is Outcome.FAIL


@pytest.mark.parametrize(("role", "outcome"), [(Role.CONTENT, Outcome.WARN), (Role.PRESERVATION, Outcome.FAIL)])
def test_what_is_not_well_formed_says_the_line(tmp_path: Path, role: Role, outcome: Outcome) -> None:
    (finding,) = check_xml(*a_package(tmp_path, role, a__xml=b"<a>\n<b></a>"))
    assert (finding.code, finding.outcome) == ("XML_MALFORMED", outcome)
    assert "line 2" in finding.text()


def test_good_xml_and_other_files_are_not_spoken_of(tmp_path: Path) -> None:
    assert list(check_xml(*a_package(tmp_path, a__xml=b"<a/>", b__txt=b"<a>"))) == []


def test_nothing_to_keep_is_a_failure_and_no_bytes_a_warning(tmp_path: Path) -> None:
    (finding,) = check_content(*a_package(tmp_path, Role.OTHER, a__txt=b"1"))
    assert (finding.code, finding.outcome) == ("PACKAGE_EMPTY", Outcome.FAIL)
    (finding,) = check_content(*a_package(tmp_path, a__txt=b""))
    assert (finding.code, finding.outcome, finding.subject) == ("FILE_EMPTY", Outcome.WARN, "a.txt")


@pytest.mark.parametrize("name", ["a:b", "a\nb", "a\u202eb", "a ", "a."])
def test_names_that_are_in_somebodys_way_are_kept_and_said(tmp_path: Path, name: str) -> None:
    (finding,) = check_names(*a_package(tmp_path, **{name: b"1"}))
    assert (finding.code, finding.outcome, finding.subject) == ("NAME_ODD", Outcome.WARN, name)


@pytest.mark.parametrize(("security", "refused"), [("秘密", True), ("机密", True), ("绝密", True), ("内部", False), ("", False)])
def test_state_secrets_do_not_come_in(tmp_path: Path, security: str, refused: bool) -> None:
    found = list(check_classification(*a_package(tmp_path, security=security, a__txt=b"1")))
    assert [finding.code for finding in found] == (["STATE_SECRET"] if refused else [])
