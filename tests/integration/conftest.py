"""Fixtures of the tests that run the whole program."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tools.identification import identifier, registry


@pytest.fixture(autouse=True)
def _signatures(request: pytest.FixtureRequest) -> None:
    """Gives a home the compiled signatures of the release that is installed: compiling them takes seconds each time."""
    if "home" in request.fixturenames:
        home: Path = request.getfixturevalue("home")
        identifier()
        shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
