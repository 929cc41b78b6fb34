"""E-ARK packages: what is written comes back equal, names survive, hostile input does not get far."""

from __future__ import annotations

import dataclasses
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from metadata.eark import read_package, write_package
from metadata.eark.package import ABOUT_FILE, DUBLIN_CORE_FILE, METS_FILE, PREMIS_FILE, RECORD_FILE, RECORD_SCHEMA_FILE
from metadata.errors import MalformedXml, MetadataError
from metadata.mets import MetsReader
from metadata.mets.reader import FileItem, Header
from metadata.vocabularies import PackageKind
from tests.tools.information_packages import digests_of, file_of, packages, sample, whole


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(package=packages)
def test_whatever_was_written_is_read_back_equal(package):
    with tempfile.TemporaryDirectory() as folder:
        write_package(Path(folder), package)
        assert whole(read_package(lambda path: (Path(folder) / path).open("rb"))) == package


def test_the_layout_is_that_of_csip(tmp_path):
    written = write_package(tmp_path, sample())
    assert [file.path for file in written] == [
        DUBLIN_CORE_FILE,
        RECORD_FILE,
        RECORD_SCHEMA_FILE,
        ABOUT_FILE,
        "representations/original/metadata/preservation/premis.xml",
        "representations/original/METS.xml",
        "representations/pdfa/metadata/preservation/premis.xml",
        "representations/pdfa/METS.xml",
        PREMIS_FILE,
        METS_FILE,
    ]
    on_disk = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert on_disk == {file.path for file in written}


def test_the_digests_reported_are_those_of_the_bytes_on_disk(tmp_path):
    for file in write_package(tmp_path, sample()):
        content = (tmp_path / file.path).read_bytes()
        assert (file.size, file.digests) == (len(content), digests_of(content))


def test_a_long_list_of_files_is_written_as_a_short_one_is(tmp_path):
    files = [file_of(f"{number:05}/材料 & {number % 7}.pdf", mime="application/pdf", modified=number / 4) for number in range(12_000)]
    one = dataclasses.replace(sample().representations[0], files=files, events=())
    written = write_package(tmp_path, dataclasses.replace(sample(), representations=(one,)))
    path = f"representations/{one.id}/METS.xml"
    with open(tmp_path / path, "rb") as stream:
        items = [part for part in MetsReader(stream, path) if isinstance(part, FileItem)]
    assert [item.path for item in items] == [f"data/{file.path}" for file in files]
    assert [item.attributes["ID"] for item in items] == [f"file-{number}" for number in range(1, 12_001)]
    for file in written:
        content = (tmp_path / file.path).read_bytes()
        assert (file.size, file.digests) == (len(content), digests_of(content))
    assert {path.name for path in tmp_path.iterdir()} == {"METS.xml", "documentation", "metadata", "representations", "schemas"}


def test_a_submission_names_its_agency_as_creator_and_is_not_called_archival(tmp_path):
    write_package(tmp_path, dataclasses.replace(sample(), kind=PackageKind.SIP, creator="规划局"))
    with open(tmp_path / METS_FILE, "rb") as stream:
        (header,) = [part for part in MetsReader(stream, METS_FILE) if isinstance(part, Header)]
    submitting = [agent.attributes for agent in header.agents if agent.names == ("规划局",)]
    assert submitting == [{"ROLE": "CREATOR", "TYPE": "ORGANIZATION"}]
    about = (tmp_path / ABOUT_FILE).read_text(encoding="utf-8")
    assert "a submission information package" in about
    assert "提交信息包" in about
    assert "archival" not in about
    assert "档案信息包" not in about


def test_names_are_written_as_relative_uris_and_mean_the_same_file(tmp_path):
    package = sample()
    write_package(tmp_path, package)
    path = "representations/original/METS.xml"
    with open(tmp_path / path, "rb") as stream:
        items = [part for part in MetsReader(stream, path) if isinstance(part, FileItem)]
    references = [item.locations[0]["{http://www.w3.org/1999/xlink}href"] for item in items]
    assert all(reference.isascii() and " " not in reference and "#" not in reference for reference in references)
    assert [item.path for item in items] == [f"data/{file.path}" for file in package.representations[0].files]


def test_a_sensitive_element_is_in_the_record_but_not_in_dublin_core(tmp_path):
    write_package(tmp_path, sample())
    assert b"SECRET-1" in (tmp_path / RECORD_FILE).read_bytes()
    assert b"SECRET-1" not in (tmp_path / DUBLIN_CORE_FILE).read_bytes()


@pytest.mark.parametrize("path", ["../out.txt", "/etc/passwd", "a//b", "a/./b", "a/../../b", "", "folder/", "nul\0"])
def test_a_path_that_leaves_the_package_is_refused(tmp_path, path):
    package = dataclasses.replace(sample(), other=(file_of(path),))
    with pytest.raises(MetadataError) as refused:
        write_package(tmp_path, package)
    assert refused.value.code in ("PACKAGE_PATH", "XML_CHARACTER")


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_representation_must_be_named_like_a_folder(tmp_path, name):
    one = dataclasses.replace(sample().representations[0], id=name)
    with pytest.raises(MetadataError, match="cannot stand in a package"):
        write_package(tmp_path, dataclasses.replace(sample(), representations=(one,)))


def test_a_list_that_can_be_read_only_once_is_refused_before_anything_is_written(tmp_path):
    one = dataclasses.replace(sample().representations[0], files=iter(()))
    with pytest.raises(MetadataError, match="only once"):
        write_package(tmp_path, dataclasses.replace(sample(), representations=(one,)))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    write_package(tmp_path, sample())
    with pytest.raises(FileExistsError):
        write_package(tmp_path, sample())


def test_a_name_that_xml_cannot_carry_is_refused_by_name(tmp_path):
    package = dataclasses.replace(sample(), other=(file_of("documentation/bell\x07.txt"),))
    with pytest.raises(MetadataError, match=r"U\+0007"):
        write_package(tmp_path, package)


def test_times_without_a_zone_are_a_mistake_of_the_caller(tmp_path):
    naive = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        write_package(tmp_path, dataclasses.replace(sample(), created=naive))


def test_a_mets_without_a_date_is_said_to_be_broken(tmp_path):
    write_package(tmp_path, sample())
    mets = tmp_path / METS_FILE
    mets.write_bytes(mets.read_bytes().replace(b"CREATEDATE=", b"DATE="))
    with pytest.raises(MalformedXml, match="CREATEDATE"):
        read_package(lambda path: (tmp_path / path).open("rb"))
