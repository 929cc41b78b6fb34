"""Another validator, ocfl-py, on what is written here. It lives in an environment of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from storage.ocfl.reader import StorageRoot
from storage.ocfl.writer import write_version
from storage.stores.local import LocalStore
from tests.unit.storage.ocfl.conftest import Plan, plan, store

__all__ = ["plan", "store"]

TOOL = Path(__file__).parents[2] / ".cache" / "tools" / "ocfl-py" / "bin"


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not (TOOL / "ocfl-validate.py").is_file():
        pytest.skip("ocfl-py is not installed in .cache/tools/ocfl-py")


def _validate(*paths: str) -> tuple[int, str]:
    done = subprocess.run([str(TOOL / "python"), str(TOOL / "ocfl-validate.py"), *paths], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _fill(store: LocalStore, plan: Plan, **options: object) -> list[str]:
    first = plan({"a": b"1", "名/b.": b"2", "c\nd": b""}, **options)
    write_version(store, first)
    write_version(store, plan({"a": b"1", "名/b.": b"3"}, previous=first.inventory, **options))
    write_version(store, plan({"x": b"1"}, object_id="urn:x:" + "2" * 200, **options))
    return [f"{store.folder}/{key}" for key in StorageRoot(store).object_roots()]


def test_it_accepts_a_storage_root(store: LocalStore, plan: Plan) -> None:
    _fill(store, plan)
    code, said = _validate(f"{store.folder}/ocfl")
    assert code == 0, said


def test_it_finds_every_object_valid(store: LocalStore, plan: Plan) -> None:
    roots = _fill(store, plan, fixity=("sha256",))
    code, said = _validate(*roots)
    assert code == 0, said
    assert said.count(" is VALID") == len(roots), said
    assert not re.search(r"\[[EW]\d", said), said


def test_it_has_nothing_against_sm3_but_that_it_does_not_know_it(store: LocalStore, plan: Plan) -> None:
    _, said = _validate(*_fill(store, plan, fixity=("sha256", "sm3")))
    assert set(re.findall(r"\[([EW]\d+)\w?\]", said)) == {"E056"}, said
