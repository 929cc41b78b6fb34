"""Batches of service-affair packages and their index."""

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.batches import Batch, BatchCase, find_batch, is_packed_batch, reconcile
from metadata.service_affairs import BatchIndex, IndexEntry
from repository.demo import DemoPackage, generate
from repository.findings import is_valid


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[DemoPackage]:
    return generate(tmp_path_factory.mktemp("demo") / "packages", cases=24)


def a_batch(packages: list[DemoPackage]) -> Path:
    """A batch with several cases and nothing wrong with its index."""
    wrong = {package.batch for package in packages if package.fault}
    batches = [package.batch for package in packages if package.batch is not None and package.batch not in wrong]
    return max(batches, key=batches.count)


def found(path: Path) -> Batch:
    batch = find_batch(path)
    assert batch is not None
    return batch


def test_a_batch_gives_its_cases_and_agrees_with_its_index(packages: list[DemoPackage]) -> None:
    path = a_batch(packages)
    batch = found(path)
    assert {case.path for case in batch.cases} == {package.path for package in packages if package.batch == path}
    assert batch.index is not None
    assert {case.identifier for case in batch.cases} == {entry.identifier for entry in batch.index.entries}
    assert reconcile(batch.index, batch.cases) == []


def test_a_dropped_case_is_one_difference(packages: list[DemoPackage], tmp_path: Path) -> None:
    path = shutil.copytree(a_batch(packages), tmp_path / "batch")
    dropped = found(path).cases[0]
    if dropped.path.is_dir():
        shutil.rmtree(dropped.path)
    else:
        dropped.path.unlink()
    batch = found(path)
    assert batch.index is not None
    findings = reconcile(batch.index, batch.cases)
    assert [(finding.code, finding.subject) for finding in findings] == [("INDEX_CASE_MISSING", dropped.identifier)]


ENTRY = IndexEntry(identifier="A-1", title="甲", archived="2018-06-22 10:05:31", unit="局")
CASE = BatchCase(path=Path("A-1"), name="A-1", identifier="A-1", title="甲", archived="2018-06-22 10:05:31", unit="局", read=True)


def codes(index: BatchIndex, *cases: BatchCase) -> list[str]:
    return [finding.code for finding in reconcile(index, cases)]


def test_what_an_index_can_get_wrong() -> None:
    index = BatchIndex(count="1", entries=(ENTRY,))
    assert codes(index, CASE) == []
    assert codes(index, replace(CASE, archived="2018/6/22 10:05:31")) == []
    assert codes(index, replace(CASE, title="乙")) == ["INDEX_CASE_DIFFERENT"]
    assert codes(index, CASE, replace(CASE, name="A-2", identifier="A-2")) == ["INDEX_CASE_NOT_LISTED"]
    assert codes(replace(index, count="2"), CASE) == ["INDEX_COUNT_WRONG"]
    assert codes(BatchIndex(count="2", entries=(ENTRY, ENTRY)), CASE) == ["INDEX_CASE_TWICE"]
    assert codes(index, replace(CASE, identifier="other")) == ["INDEX_CASE_DIFFERENT"]


def test_a_finding_says_which_case_it_keeps_out() -> None:
    findings = reconcile(BatchIndex(count="0"), [CASE])
    assert [finding.parameters["case"] for finding in findings] == ["A-1"]


INDEX = """<?xml version="1.0" encoding="UTF-8"?>
<description title="x">
<systemcode>33990113</systemcode><batchname>20180622</batchname>
<sendtime>2018/6/22</sendtime><sendnumber>1</sendnumber>
<directories><directorie>
<documentnumber>A-1</documentnumber><projectname>甲</projectname><archivetime>2018-06-22 10:05:31</archivetime>
<daptname>局</daptname></directorie></directories></description>"""


def test_habits_of_exporters_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "存档信息包目录清单-（33990113）-（20180622.XML").write_text(INDEX)
    (tmp_path / "A-1").mkdir()
    batch = found(tmp_path)
    assert batch.index is not None
    assert batch.index.entries[0].unit == "局"
    assert {finding.code for finding in batch.findings} == {"INDEX_NAME", "ELEMENT_MISSPELT", "DATE_WRITTEN_LOCALLY"}
    assert is_valid(batch.findings)


def test_an_index_with_a_document_type_is_refused(tmp_path: Path) -> None:
    unsafe = INDEX.replace("<description", "<!DOCTYPE x><description")
    (tmp_path / "存档信息包目录清单-（33990113）-（20180622）.xml").write_text(unsafe)
    batch = found(tmp_path)
    assert batch.index is None
    assert [finding.code for finding in batch.findings] == ["XML_DOCTYPE"]


def test_a_case_is_no_batch(packages: list[DemoPackage]) -> None:
    case = next(package.path for package in packages if package.profile == "zj-zwfw" and package.path.is_dir())
    assert find_batch(case) is None
    assert find_batch(case / "nothing") is None


@pytest.mark.parametrize("top", ["", "batch/"])
def test_a_packed_batch_is_known_from_its_list_of_entries(packages: list[DemoPackage], tmp_path: Path, top: str) -> None:
    path = a_batch(packages)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for file in path.rglob("*"):
            archive.write(file, top + str(file.relative_to(path)))
    assert is_packed_batch(tmp_path / "b.zip")
    assert not any(is_packed_batch(package.path) for package in packages if package.path.is_file())
