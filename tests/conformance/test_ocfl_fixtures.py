"""The OCFL community's own fixtures: every verdict right, with the code in the folder's name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from repository.cli import main
from storage.ocfl.validator import validate
from storage.stores.local import LocalStore

CODE = re.compile(r"[EW]\d{3}")


def _fixtures(corpora: Path, kind: str) -> list[Path]:
    folder = corpora / "ocfl" / f"{kind}-objects"
    if not folder.is_dir():
        pytest.skip(f"no OCFL fixtures at {folder}")
    return sorted(folder.iterdir())


def test_good_objects_are_valid_without_a_remark(corpora: Path) -> None:
    for folder in _fixtures(corpora, "good"):
        result = validate(LocalStore("x", folder))
        assert [remark.message for remark in (*result.errors, *result.warnings)] == [], folder.name


def test_objects_to_warn_of_are_valid_with_that_warning(corpora: Path) -> None:
    for folder in _fixtures(corpora, "warn"):
        result = validate(LocalStore("x", folder))
        assert [remark.message for remark in result.errors] == [], folder.name
        assert set(CODE.findall(folder.name)) <= {remark.code for remark in result.warnings}, folder.name


def test_bad_objects_are_not_valid_with_each_code_of_their_name(corpora: Path) -> None:
    for folder in _fixtures(corpora, "bad"):
        result = validate(LocalStore("x", folder))
        assert set(CODE.findall(folder.name)) <= {remark.code for remark in result.errors}, folder.name
        assert all(f"https://ocfl.io/1.1/spec/#{remark.code}" in remark.message for remark in result.errors)


def test_the_command_line_needs_no_home_and_gives_its_verdict(corpora: Path, tmp_path: Path) -> None:
    good, bad = _fixtures(corpora, "good")[0], _fixtures(corpora, "bad")[0]

    def run(*paths: Path) -> tuple[int, list[dict[str, object]]]:
        done = CliRunner().invoke(main, ["--home", str(tmp_path / "none"), "ocfl", "validate", "--json", *map(str, paths)])
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]

    code, [line] = run(good)
    assert (code, line) == (0, {"path": str(good), "valid": True, "errors": [], "warnings": []})
    code, lines = run(good, bad)
    assert code == 1
    assert [line["valid"] for line in lines] == [True, False]
    assert run(tmp_path / "nowhere") == (2, [])
