"""A home with files of every kind: shared by the tests that only look, and fresh for those that care what was made before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask

from repository.app import create_app
from repository.archive import Archive
from repository.permissions import Role
from repository.settings import SETTINGS_FILE
from tests.tools.console import Visitor
from tests.tools.previews import keep_records


@pytest.fixture(scope="session")
def _kept(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previews")
    shutil.copytree(_home_template, folder / "home")
    # what a reader would wait for must not depend on how busy the machine of the tests is
    settings = folder / "home" / SETTINGS_FILE
    settings.write_text("preview_patience_seconds = 100\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    opened = Archive.open(folder / "home")
    try:
        (folder / "ids.json").write_text(json.dumps(dict(keep_records(opened))))
    finally:
        opened.close()
    return folder


@pytest.fixture(scope="session")
def ids(_kept: Path) -> Mapping[str, str]:
    """The records: ``open``, ``hostile``, ``closed``, ``conditional``."""
    found: Mapping[str, str] = json.loads((_kept / "ids.json").read_text())
    return found


@pytest.fixture
def database() -> str:
    """What is shown does not depend on the database."""
    return "sqlite"


@pytest.fixture
def home(_kept: Path, tmp_path: Path) -> Path:
    """A home of which nobody has looked at a file."""
    return Path(shutil.copytree(_kept / "home", tmp_path / "home"))


@pytest.fixture
def app(archive: Archive) -> Flask:
    """The application over it."""
    application = create_app(archive)
    application.testing = True
    return application


@pytest.fixture(scope="session")
def seen(_kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A home that tests share: previews made for one are there for the next."""
    opened = Archive.open(Path(shutil.copytree(_kept / "home", tmp_path_factory.mktemp("seen") / "home")))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def site(seen: Archive) -> Flask:
    """The application over it."""
    application = create_app(seen)
    application.testing = True
    return application


@pytest.fixture(scope="session")
def archivist(site: Flask) -> Visitor:
    """Somebody who may have the files themselves."""
    visitor = Visitor(site)
    visitor.log_in(Role.ARCHIVIST)
    return visitor


@pytest.fixture(scope="session")
def researcher(site: Flask) -> Visitor:
    """Somebody who may only look."""
    visitor = Visitor(site)
    visitor.log_in(Role.RESEARCHER)
    return visitor
