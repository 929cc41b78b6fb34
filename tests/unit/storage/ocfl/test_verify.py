"""Re-reading a copy tells apart what happened to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import StoreUnavailable
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import VersionPlan, write_version
from storage.stores.local import LocalStore
from tests.unit.storage.ocfl.conftest import OBJECT, Plan

CONTENTS = {"data/a": b"first", "data/b": b"second", "data/c/d": b"", "名/e\n": b"x" * 300_000}


@pytest.fixture
def written(store: LocalStore, plan: Plan) -> VersionPlan:
    version = plan(CONTENTS)
    write_version(store, version)
    return version


def expected_of(plan: VersionPlan) -> dict[str, tuple[int, bytes]]:
    return {f"v1/content/{file.path}": (file.size, file.sha256) for file in plan.content}


@pytest.mark.parametrize("processes", [0, 2])
@pytest.mark.parametrize("given", [True, False])
def test_a_whole_copy_matches(store: LocalStore, written: VersionPlan, given: bool, processes: int) -> None:
    check = check_copy(store, OBJECT, expected=expected_of(written) if given else None, processes=processes)
    assert (check.outcome, check.files, check.bytes, check.problems) == (CopyOutcome.MATCH, 4, 300_011, ())


CHANGES: dict[str, tuple[Callable[[Path], object], CopyOutcome, str]] = {
    "other bytes, same size": (lambda root: (root / "v1/content/data/a").write_bytes(b"fir5t"), CopyOutcome.DAMAGED, "v1/content/data/a"),
    "one byte more": (lambda root: (root / "v1/content/data/c/d").write_bytes(b"x"), CopyOutcome.DAMAGED, "v1/content/data/c/d"),
    "late in a long file": (
        lambda root: (root / "v1/content/名/e\n").write_bytes(b"x" * 299_999 + b"y"),
        CopyOutcome.DAMAGED,
        "v1/content/名/e\n",
    ),
    "gone": (lambda root: (root / "v1/content/data/a").unlink(), CopyOutcome.MISSING, "v1/content/data/a"),
    "extra": (lambda root: (root / "v1/content/data/z").write_bytes(b"z"), CopyOutcome.UNEXPECTED, "v1/content/data/z"),
    "extra at the top": (lambda root: (root / "note.txt").write_bytes(b"z"), CopyOutcome.UNEXPECTED, "note.txt"),
    "inventory": (
        lambda root: (root / "inventory.json").write_bytes((root / "inventory.json").read_bytes() + b" "),
        CopyOutcome.DAMAGED,
        "inventory.json",
    ),
    "no inventory": (lambda root: (root / "inventory.json").unlink(), CopyOutcome.MISSING, "inventory.json"),
    "no sidecar": (lambda root: (root / "v1/inventory.json.sha512").unlink(), CopyOutcome.MISSING, "v1/inventory.json.sha512"),
    "declaration": (lambda root: (root / "0=ocfl_object_1.1").write_bytes(b"?"), CopyOutcome.DAMAGED, "0=ocfl_object_1.1"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("processes", [0, 1])
def test_each_change_has_its_own_word(store: LocalStore, written: VersionPlan, change: str, processes: int) -> None:
    act, outcome, path = CHANGES[change]
    assert store.folder
    act(store.folder / written.root_key)
    check = check_copy(store, OBJECT, expected=expected_of(written), processes=processes)
    assert check.outcome is outcome
    assert (path, outcome) in [(problem.path, problem.outcome) for problem in check.problems]


def test_what_is_damaged_says_expected_and_found(store: LocalStore, written: VersionPlan) -> None:
    assert store.folder
    (store.folder / written.root_key / "v1/content/data/a").write_bytes(b"fir5t")
    [problem] = check_copy(store, OBJECT).problems
    assert problem.expected.startswith("sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e")
    assert problem.found.startswith("sha256:")
    assert problem.found != problem.expected


def test_a_link_in_place_of_a_file_is_damage(store: LocalStore, written: VersionPlan, tmp_path: Path) -> None:
    assert store.folder
    place = store.folder / written.root_key / "v1/content/data/a"
    place.unlink()
    (tmp_path / "elsewhere").write_bytes(b"first")
    place.symlink_to(tmp_path / "elsewhere")
    check = check_copy(store, OBJECT, expected=expected_of(written))
    assert [(problem.path, problem.outcome) for problem in check.problems] == [("v1/content/data/a", CopyOutcome.DAMAGED)]


def test_an_object_that_is_not_there_is_missing(store: LocalStore) -> None:
    assert check_copy(store, OBJECT).outcome is CopyOutcome.MISSING


def test_a_store_that_is_not_there_is_no_statement_about_the_copy(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        check_copy(LocalStore("gone", tmp_path / "gone"), OBJECT)


def test_lost_permission_is_unreadable_neither_damaged_nor_missing(store: LocalStore, written: VersionPlan) -> None:
    assert store.folder
    root = store.folder / written.root_key
    for folder in (store.folder, *store.folder.parents):
        if folder.stat().st_uid == os.getuid() and "pytest" in str(folder):
            folder.chmod(0o755)
    (root / "v1/content/data/a").chmod(0)
    (root / "v1/content/名").chmod(0)
    program = (
        "import os\nfrom pathlib import Path\nfrom storage.stores.local import LocalStore\nfrom storage.ocfl.verify import check_copy\n"
        "if os.getuid() == 0:\n    os.setgid(65534); os.setuid(65534)\n"
        f"check = check_copy(LocalStore('a', Path({str(store.folder)!r})), {OBJECT!r})\n"
        "print(check.outcome, sorted((problem.path, str(problem.outcome)) for problem in check.problems if 'content' in problem.path))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[4])
    (root / "v1/content/名").chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("unreadable"), done.stdout
    assert "('v1/content/data/a', 'unreadable')" in done.stdout
    assert "'missing'" not in done.stdout
    assert "'damaged'" not in done.stdout


def test_a_tampered_inventory_is_found_by_what_the_catalogue_expects(store: LocalStore, written: VersionPlan, plan: Plan) -> None:
    expected = expected_of(written) | {"v1/content/added-later": (1, b"\0" * 32)}
    [problem] = check_copy(store, OBJECT, expected=expected).problems
    assert (problem.path, problem.outcome) == ("v1/content/added-later", CopyOutcome.MISSING)
