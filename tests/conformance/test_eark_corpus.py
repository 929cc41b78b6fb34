"""The E-ARK corpus: a folder a requirement, each with packages that meet or break it.

A package that breaks a requirement must be told so by its number; one that meets it must not fail by that number. (What else
is wrong with a package is not this test's matter: many packages made for one requirement break another.)
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from metadata.eark import Level, validate_csip

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FolderView:
    """A package in a folder, as the checks see it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = root.name
        self.sizes = {}
        self.folders = set()
        for folder, folders, files in os.walk(root):
            below = Path(folder).relative_to(root)
            self.folders |= {str(below / name) for name in folders}
            self.sizes |= {str(below / name): (root / below / name).stat().st_size for name in files}

    def open(self, path):
        return open(self.root / path, "rb")

    def digest(self, path, algorithm):
        with self.open(path) as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()


@cache
def violations(folder: Path):
    return validate_csip(FolderView(folder), now=NOW)


def cases(corpus: Path):
    for case in sorted(corpus.glob("*/*/testCase.xml")):
        root = etree.parse(case).getroot()
        code = root.find("id").get("requirementId")
        for package in root.iter("package"):
            folder = case.parent / (package.findtext("path") or "").strip()
            if package.get("isImplemented") == "TRUE" and package.findtext("path") and folder.is_dir():
                yield code, folder, package.get("isValid") == "TRUE"


def test_every_verdict_of_the_corpus(corpora):
    wrong, seen = [], 0
    for code, folder, valid in cases(corpora / "eark"):
        seen += 1
        hits = [one for one in violations(folder) if one.code == code]
        right = not any(one.level is Level.MUST for one in hits) if valid else bool(hits)
        if not right:
            wrong.append(f"{code} {folder.parent.name}/{folder.name}")
    assert seen > 200
    assert wrong == []


def test_every_message_can_be_said(corpora):
    for _, folder, _ in cases(corpora / "eark"):
        for one in violations(folder):
            assert one.message.format_map({"subject": one.subject, **one.parameters})
            assert one.code in one.remedy.format_map({"subject": one.subject, **one.parameters})


def test_the_minimal_packages_break_no_must(corpora):
    for path in ("CSIP/CSIP1/valid/minimal_IP_with_1_representation", "CSIP/CSIP38/valid/valid_IP_with_SHOULD_MAY_1_rep"):
        folder = corpora / "eark" / path
        if not folder.is_dir():
            pytest.skip(f"{path} is not in this half of the corpus")
        assert [one for one in violations(folder) if one.level is Level.MUST] == []
