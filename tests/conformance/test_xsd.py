"""Every METS and PREMIS document of ours against the official schemas, which lie in the packages of the E-ARK corpus."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings

from metadata import mets, premis, schemas
from metadata.eark import write_package
from metadata.errors import MetadataError
from tests.tools.information_packages import MOMENT, sample
from tests.unit.metadata.test_premis import documents, written

PREMIS_ITEMS = [f"{{{premis.NAMESPACE}}}{name}" for name in ("object", "event", "agent", "rights")]
METS_ITEMS = [f"{{{mets.NAMESPACE}}}{name}" for name in ("file", "fileGrp", "dmdSec", "amdSec", "structMap")]


def _schema(corpora, name):
    found = sorted((corpora / "eark").glob(f"*/*/*/*/schemas/{name}"))
    found = [path for path in found if name != "mets.xsd" or (path.parent / "xlink.xsd").is_file()]
    if not found:
        pytest.skip(f"no {name} in the E-ARK corpus")
    return schemas.load(found[0])


@pytest.fixture(scope="module")
def mets_schema(corpora):
    return _schema(corpora, "mets.xsd")


@pytest.fixture(scope="module")
def premis_schema(corpora):
    return _schema(corpora, "premis-v3-0.xsd")


def test_every_document_of_a_package_is_valid(tmp_path, mets_schema, premis_schema):
    checked = 0
    for file in write_package(tmp_path, sample()):
        if file.path.endswith(("METS.xml", "premis.xml")):
            schema, items = (mets_schema, METS_ITEMS) if file.path.endswith("METS.xml") else (premis_schema, PREMIS_ITEMS)
            with open(tmp_path / file.path, "rb") as stream:
                assert schemas.validate(stream, file.path, schema, items) == []
            checked += 1
    assert checked == 6


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(document=documents.filter(lambda document: document["files"]))
def test_whatever_premis_is_written_is_valid(premis_schema, document):
    assert schemas.validate(io.BytesIO(written(document)), "premis.xml", premis_schema, PREMIS_ITEMS) == []


def test_a_broken_document_is_not_valid(tmp_path, mets_schema, premis_schema):
    event = premis.Event(identifier="e", type="ingestion", at=MOMENT)
    out = io.BytesIO()
    premis.write(out, events=[event], objects=[premis.IntellectualEntity(identifier="x")])
    broken = out.getvalue().replace(b"<eventDateTime>2024-05-17T09:30:00.123456Z</eventDateTime>", b"")
    (problem,) = schemas.validate(io.BytesIO(broken), "premis.xml", premis_schema, PREMIS_ITEMS)
    assert "eventDateTime" in problem
    write_package(tmp_path, sample())
    content = (tmp_path / "METS.xml").read_bytes()
    assert schemas.validate(io.BytesIO(content.replace(b' SIZE="', b' SIZE="x')), "METS.xml", mets_schema, METS_ITEMS)


def test_a_reference_to_nothing_is_found_in_the_same_pass(tmp_path, mets_schema):
    write_package(tmp_path, sample())
    content = (tmp_path / "METS.xml").read_bytes().replace(b'FILEID="schemas"', b'FILEID="nowhere"')
    assert schemas.validate(io.BytesIO(content), "METS.xml", mets_schema, METS_ITEMS) == ["The reference “nowhere” points to no ID."]


def test_a_schema_whose_part_is_missing_is_not_fetched(tmp_path, corpora):
    found = sorted((corpora / "eark").glob("*/*/*/*/schemas/mets.xsd"))
    if not found:
        pytest.skip("no mets.xsd in the E-ARK corpus")
    alone = tmp_path / "mets.xsd"
    alone.write_bytes(found[0].read_bytes())
    with pytest.raises(MetadataError):
        schemas.load(alone)
