"""Re-reading many copies with several processes gives what reading them one by one gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preservation import fixity
from preservation.expectations import expectations, held_packages
from preservation.fixity import CopyToCheck, Rereading, reread
from repository.archive import Archive
from repository.holdings import Aip
from repository.permissions import Actor
from storage.ocfl.verify import CopyOutcome
from tests.tools.holdings import copy_folder, keep

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def copies(archive: Archive) -> list[CopyToCheck]:
    with archive.read(Actor.local()) as tx:
        return [
            CopyToCheck(
                store=store.objects,
                object_id=package.id,
                version=package.version,
                inventory_digest=package.inventory_digest,
                expected=expectation.files,
                files=package.files,
                bytes=package.bytes,
            )
            for package, expectation in expectations(tx, held_packages(tx, Aip.id != ""), archive.stores)
            for store in archive.stores
        ]


@pytest.fixture
def damaged(archive: Archive) -> Archive:
    """Six packages; of one a file is damaged, of another one is gone."""
    records = [keep(archive, {f"data/{name}": f"{number}{name}".encode() for name in range(20)}) for number in range(6)]
    (copy_folder(archive, "a", records[1]) / "v1/content/data/3").write_bytes(b"")
    (copy_folder(archive, "b", records[4]) / "v1/content/data/7").unlink()
    return archive


def test_several_processes_find_the_same_as_none(damaged: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixity, "_MANY_FILES", 1)
    monkeypatch.setattr(fixity, "_BATCH_COPIES", 2)
    listed = copies(damaged)
    one_by_one = {(copy.object_id, copy.store.name): reread(copy, processes=0) for copy in listed}
    told: list[tuple[int, int]] = []
    with Rereading(2) as rereading:
        found = {(copy.object_id, copy.store.name): check for copy, check in rereading.check(listed, lambda *done: told.append(done))}
    assert found == one_by_one
    assert sorted(str(check.outcome) for check in found.values()).count("match") == 10
    assert sum(files for files, _ in told) == 6 * 2 * 20 - 1


def test_the_files_of_one_copy_are_shared_out_and_nothing_is_lost(archive: Archive, tmp_path: Path) -> None:
    names = [*(f"many/{number}" for number in range(700)), *(f"folder{number}/one" for number in range(40)), "top"]
    record = keep(archive, {name: name.encode() for name in names}, stores=["a"])
    root = copy_folder(archive, "a", record)
    (copy,) = [copy for copy in copies(archive) if copy.store.name == "a"]
    check = reread(copy, processes=2)
    assert (check.outcome, check.files, check.bytes) == (CopyOutcome.MATCH, len(names), sum(map(len, names)))
    for number in range(0, 700, 7):
        (root / f"v1/content/many/{number}").write_bytes(b"?")
    for number in range(300):
        (root / f"v1/content/many/{'long' * 50}{number}").write_bytes(b"")
    (root / "v1/content/folder9/one").unlink()
    check = reread(copy, processes=2)
    assert [str(problem.outcome) for problem in check.problems].count("damaged") == 100
    assert [str(problem.outcome) for problem in check.problems].count("unexpected") == 300
    assert [problem.path for problem in check.problems if problem.outcome is CopyOutcome.MISSING] == ["v1/content/folder9/one"]


def test_a_pipe_in_place_of_an_empty_file_is_no_match(archive: Archive) -> None:
    record = keep(archive, {"empty": b"", "full": b"full"})
    place = copy_folder(archive, "a", record) / "v1/content/empty"
    place.unlink()
    os.mkfifo(place)
    (check,) = [reread(copy) for copy in copies(archive) if copy.store.name == "a"]
    assert [(problem.path, problem.outcome) for problem in check.problems] == [("v1/content/empty", CopyOutcome.DAMAGED)]
