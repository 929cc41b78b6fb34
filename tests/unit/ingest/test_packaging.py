"""Where received files lie in the package, and that nothing of theirs and ours collides."""

from __future__ import annotations

import pytest

from ingest.packaging import path_in_aip
from ingest.sip import Placement, Role
from metadata.description import Description, Element, ProcessStep
from repository.aip import content_digest, description_as_json, description_from_json
from storage.digests import Digests


@pytest.mark.parametrize(
    ("role", "path", "expected"),
    [
        (Role.CONTENT, "a/b.txt", "representations/original/data/a/b.txt"),
        (Role.DESCRIPTIVE, "ead.xml", "metadata/descriptive/ead.xml"),
        (Role.PRESERVATION, "events.xml", "metadata/preservation/events.xml"),
        (Role.OTHER, "submission/METS.xml", "metadata/other/submission/METS.xml"),
        (Role.DOCUMENTATION, "manual.pdf", "documentation/manual.pdf"),
        (Role.SCHEMA, "a.xsd", "schemas/a.xsd"),
        (Role.DESCRIPTIVE, "dc.xml", "metadata/descriptive/received/dc.xml"),
        (Role.PRESERVATION, "premis.xml", "metadata/preservation/received/premis.xml"),
        (Role.SCHEMA, "record.xsd", "schemas/received/record.xsd"),
        (Role.OTHER, "checks/report.json", "metadata/other/received/checks/report.json"),
    ],
)
def test_files_go_to_the_folder_of_their_role(role: Role, path: str, expected: str) -> None:
    assert path_in_aip(Placement(source="x", role=role, path=path)) == expected


def digests(text: bytes) -> Digests:
    return Digests(text, b"", b"")


def test_a_package_is_its_paths_and_bytes_in_any_order() -> None:
    files = [("a", 1, digests(b"1")), ("b", 2, digests(b"2"))]
    assert content_digest(files) == content_digest(reversed(files))
    assert content_digest(files) != content_digest([("a", 1, digests(b"1")), ("c", 2, digests(b"2"))])
    assert content_digest(files) != content_digest([("a", 1, digests(b"1")), ("b", 2, digests(b"3"))])
    assert content_digest([("a 1 00\n1 b", 1, digests(b""))]) != content_digest([("a", 1, digests(b"")), ("b", 1, digests(b""))])


def test_a_description_comes_back_from_the_catalogue() -> None:
    description = Description(
        identifier="1",
        title="题名",
        creators=("甲", "乙"),
        elements=(Element(scheme="DAT46", name="M22", value="题名", label="题名", sensitive=True),),
        process=(ProcessStep(node="受理", actor="丙"),),
    )
    assert description_from_json(description_as_json(description)) == description
