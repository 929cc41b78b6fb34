"""eark-validator, in an environment of its own, finds no fault with the packages we write."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from metadata.eark import write_package
from metadata.vocabularies import PackageKind
from tests.tools.information_packages import place_content, sample

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".cache" / "tools" / "eark-validator" / "bin" / "python"


def validate(folder: Path):
    if not PYTHON.exists():
        pytest.skip("eark-validator is not installed; run `make tools`")
    runner = ROOT / "tests" / "tools" / "eark_validate.py"
    done = subprocess.run([PYTHON, runner, folder], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", [PackageKind.AIP, PackageKind.DIP])
def test_our_packages_have_no_csip_error(tmp_path, kind):
    package = dataclasses.replace(sample(f"{kind}-1"), kind=kind)
    folder = tmp_path / package.identifier
    folder.mkdir()
    write_package(folder, package)
    place_content(folder, package)
    report = validate(folder)
    assert report["structure"] == "WellFormed"
    assert report["schema"] == []
    assert [error for error in report["errors"] if error["rule"].startswith("CSIP")] == []


def test_our_submissions_have_no_csip_or_sip_error(tmp_path):
    package = dataclasses.replace(sample("sip-1"), kind=PackageKind.SIP, record_status="NEW", agreement="DEAL-1")
    folder = tmp_path / package.identifier
    folder.mkdir()
    write_package(folder, package)
    place_content(folder, package)
    report = validate(folder)
    assert (report["structure"], report["schema"]) == ("WellFormed", [])
    # the validator asks of every CREATOR what CSIP asks of the one that is the program, and of every note what SIP14 asks of one
    # kind, so that no SIP which names its agency as SIP15 wants it is free of these
    assert {error["rule"] for error in report["errors"]} <= {"CSIP12", "CSIP13", "CSIP15", "CSIP16", "SIP14"}


def test_it_does_find_faults(tmp_path):
    package = sample("aip-1")
    folder = tmp_path / package.identifier
    folder.mkdir()
    write_package(folder, package)
    mets = folder / "METS.xml"
    mets.write_bytes(mets.read_bytes().replace(b' OBJID="aip-1"', b""))
    assert "CSIP1" in {error["rule"] for error in validate(folder)["errors"]}
