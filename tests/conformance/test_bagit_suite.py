"""The BagIt conformance suite of the Library of Congress: every verdict, right through from the package to its findings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ingest.checks.received import compare
from ingest.profiles import profile
from ingest.unpack import unpack
from repository.findings import is_valid
from repository.settings import UnpackLimits

_CORPORA = Path(os.environ.get("JINGUI_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
_BAGS = sorted(path for path in _CORPORA.glob("bagit/*/*/*") if path.is_dir())


@pytest.mark.parametrize("bag", _BAGS, ids=lambda bag: "/".join(bag.parts[-3:]))
@pytest.mark.parametrize("form", ["folder", "zip", "tar", "gztar"])
def test_verdict(bag: Path, form: str, tmp_path: Path) -> None:
    source = bag
    if form != "folder":
        source = Path(shutil.make_archive(str(tmp_path / bag.name), form, bag.parent, bag.name))
    destination = tmp_path / "unpacked"
    destination.mkdir()
    tree, findings = unpack(source, destination, limits=UnpackLimits(), progress=lambda files, size: None)
    bagit = profile("bagit")
    assert bagit.recognise(tree).score == 100
    sip = bagit.read(tree)
    assert is_valid([*findings, *sip.findings, *compare(tree, sip)]) == (bag.parent.name != "invalid")


def test_the_suite_is_there(corpora: Path) -> None:
    assert (corpora / "bagit").is_dir()
    assert _BAGS
