"""Identifiers for tests: compiled once, kept in the checkout's cache folder, shared by every test of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from preservation.formats import FormatRegistry
from preservation.identification import Identifier, Release

_FOLDER = Path(__file__).parents[2] / ".cache" / "formats"


@cache
def registry() -> FormatRegistry:
    """A registry that tests only read, apart from its compiled releases."""
    return FormatRegistry(_FOLDER)


@cache
def identifier(scanner: Literal["hyperscan", "re"] = "hyperscan", *, second_opinion: bool = False) -> Identifier:
    """The release that is installed, compiled."""
    return Identifier.open(registry().compiled, registry().bundled, engine=scanner, second_opinion=second_opinion)


def newer_release(corpora: Path) -> Release:
    """PRONOM V122 out of the corpora."""
    folder = corpora / "pronom"
    files = folder / "DROID_SignatureFile_V122.xml", folder / "container-signature-20260119.xml"
    return registry().import_release(*files, at=datetime(2026, 2, 1, tzinfo=UTC))
