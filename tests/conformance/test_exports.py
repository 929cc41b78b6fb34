"""Packages that leave the archive, before the judges of others: bagit.py, eark-validator, ocfl-py, the official schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from click.testing import Result
from lxml import etree

from metadata import schemas
from tests.tools.kept_records import CONTENT, Kept, _kept_home, database, home, kept

__all__ = ["_kept_home", "database", "home", "kept"]

TOOLS = Path(__file__).parents[2] / ".cache" / "tools"
NAMES = sorted(CONTENT)

Export = Callable[..., Path]


@pytest.fixture
def export(cli: Callable[..., Result], kept: Kept, tmp_path: Path) -> Export:
    """Exports a record, by its name."""

    def run(name: str, form: str) -> Path:
        out = tmp_path / f"{name}-{form}"
        command = ["dip", kept[name], out] if form == "dip" else ["export", kept[name], "--as", form, out]
        done = cli(*command)
        assert done.exit_code == 0, done.stderr
        return out

    return run


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_bagit_py_accepts_the_bags(export: Export, name: str) -> None:
    done = run(sys.executable, bagit.__file__, "--validate", "--quiet", export(name, "bagit"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["flip", "remove", "add"])
def test_bagit_py_sees_damage_to_them(export: Export, damage: str) -> None:
    folder = export("plain", "bagit")
    file = folder / "data" / "representations" / "original" / "data" / "small.txt"
    if damage == "flip":
        file.write_bytes(b"Small")
    elif damage == "remove":
        file.unlink()
    else:
        file.with_name("more.txt").touch()
    assert run(sys.executable, bagit.__file__, "--validate", "--quiet", folder).returncode == 1


@pytest.mark.parametrize("form", ["eark", "dip"])
def test_eark_validator_finds_no_error(export: Export, form: str) -> None:
    python = TOOLS / "eark-validator" / "bin" / "python"
    if not python.is_file():
        pytest.skip("eark-validator is not installed in .cache/tools/eark-validator")
    done = run(python, Path(__file__).parents[1] / "tools" / "eark_validate.py", *(export(name, form) for name in NAMES))
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["structure"] for report in reports] == ["WellFormed"] * len(NAMES)
    assert [(report["errors"], report["schema"]) for report in reports] == [([], [])] * len(NAMES)


@pytest.mark.parametrize("form", ["eark", "dip"])
def test_the_official_schemas_accept_every_mets_and_premis(export: Export, corpora: Path, form: str) -> None:
    folder = next(iter(sorted((corpora / "eark").rglob("premis-v3-0.xsd")))).parent
    mets, premis = schemas.load(folder / "mets.xsd"), schemas.load(folder / "premis-v3-0.xsd")
    for name in NAMES:
        package = export(name, form)
        documents = dict.fromkeys(package.rglob("METS.xml"), mets) | dict.fromkeys(package.rglob("premis.xml"), premis)
        assert len(documents) == 4
        for path, schema in documents.items():
            assert schema.validate(etree.parse(path)), (path, schema.error_log)


@pytest.mark.parametrize("name", NAMES)
def test_the_exported_object_is_a_valid_ocfl_object(export: Export, cli: Callable[..., Result], name: str) -> None:
    out = export(name, "ocfl")
    done = cli("ocfl", "validate", out, "--json")
    assert json.loads(done.stdout) | {"warnings": []} == {"path": str(out), "valid": True, "errors": [], "warnings": []}


def test_ocfl_py_has_nothing_against_it_but_that_it_does_not_know_sm3(export: Export) -> None:
    tool = TOOLS / "ocfl-py" / "bin"
    if not (tool / "ocfl-validate.py").is_file():
        pytest.skip("ocfl-py is not installed in .cache/tools/ocfl-py")
    done = run(tool / "python", tool / "ocfl-validate.py", export("twice", "ocfl"))
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("[")]
    assert all(line.startswith("[E056b]") and "fixity block" in line for line in lines), lines
