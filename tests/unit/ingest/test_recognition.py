"""Which profile reads a package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.profiles import profiles
from ingest.recognition import choose, recognise
from ingest.sip import PackageTree
from ingest.unpack import unpack
from repository.settings import UnpackLimits


def tree_of(tmp_path: Path, *files: str) -> PackageTree:
    source = tmp_path / "package"
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" if name == "bagit.txt" else "<a/>")
    destination = tmp_path / "unpacked"
    destination.mkdir()
    tree, _ = unpack(source, destination, limits=UnpackLimits(), progress=lambda files, bytes: None)
    return tree


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("bagit.txt", "data/a.txt", "manifest-sha256.txt"), "bagit"),
        (("归档配置表.XML", "基本信息描述.XML", "办理流程.XML", "申请表.pdf"), "zj-zwfw"),
        (("anything.txt",), "folder"),
    ],
)
def test_the_best_score_reads_and_every_profile_says_why(tmp_path: Path, files: tuple[str, ...], expected: str) -> None:
    known = profiles()
    said = recognise(tree_of(tmp_path, *files), known)
    profile = choose(said, known)
    assert profile is not None
    assert profile.name == expected
    assert len(said) == len(known)
    assert [item.score for item in said] == sorted((item.score for item in said), reverse=True)
    assert all(item.reason for item in said)


def test_nobody_reads_what_nobody_knows() -> None:
    assert choose((), profiles()) is None
