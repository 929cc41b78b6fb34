"""Declared against received: match, mismatch, missing and not checked are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ingest.checks.received import compare
from ingest.sip import Declared, PackageTree, Sip
from ingest.unpack import unpack
from metadata.description import Description
from repository.findings import Outcome
from repository.settings import UnpackLimits


def received(tmp_path: Path) -> PackageTree:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"alpha")
    (tmp_path / "out").mkdir()
    return unpack(tmp_path / "in", tmp_path / "out", limits=UnpackLimits(), progress=lambda files, size: None)[0]


def outcomes(tree: PackageTree, *declared: Declared) -> list[tuple[str, str, Outcome]]:
    sip = Sip(profile="test", description=Description(), placements=(), declared=declared)
    return [(finding.code, finding.subject, finding.outcome) for finding in compare(tree, sip)]


def test_every_algorithm_and_size_is_compared(tmp_path: Path) -> None:
    tree = received(tmp_path)
    names = ("md5", "sha1", "sha256", "sha512", "sm3", "sha3_256", "blake2b")
    right = [Declared(path="a", source="list", algorithm=name, digest=hashlib.new(name, b"alpha").hexdigest().upper()) for name in names]
    assert outcomes(tree, *right, Declared(path="a", source="list", size=5)) == [("DIGESTS_MATCH", "in", Outcome.PASS)]
    wrong = [Declared(path="a", source="list", algorithm=name, digest=hashlib.new(name, b"other").hexdigest()) for name in names]
    assert outcomes(tree, *wrong) == [("MANIFEST_DIGEST_MISMATCH", "a", Outcome.FAIL)] * len(names)
    assert outcomes(tree, Declared(path="a", source="list", size=6)) == [("DECLARED_SIZE_MISMATCH", "a", Outcome.FAIL)]


def test_a_missing_file_is_told_once(tmp_path: Path) -> None:
    absent = [Declared(path="b", source=source, algorithm="md5", digest="0" * 32) for source in ("one", "two")]
    assert outcomes(received(tmp_path), *absent) == [("MANIFEST_FILE_MISSING", "b", Outcome.FAIL)]


def test_an_algorithm_that_is_not_available_is_not_checked_and_never_a_pass(tmp_path: Path) -> None:
    found = outcomes(received(tmp_path), Declared(path="a", source="list", algorithm="whirlpool", digest="00"))
    assert found == [("MANIFEST_NOT_CHECKED", "list", Outcome.NOT_CHECKED)]


def test_a_copy_that_can_no_longer_be_read_is_unreadable_not_missing(tmp_path: Path) -> None:
    tree = received(tmp_path)
    (tree.root / "a").unlink()
    found = outcomes(tree, Declared(path="a", source="list", algorithm="md5", digest="0" * 32))
    assert found == [("FILE_UNREADABLE", "a", Outcome.FAIL)]
