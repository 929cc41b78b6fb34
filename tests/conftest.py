"""Fixtures that every test may use: homes on both databases, an open archive, the command line, the corpora."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from repository.archive import Archive
from repository.cli import main
from repository.database import connect
from repository.home import make_home
from repository.migrations import prepare_schema
from repository.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from tests.tools.object_services import ObjectService

# It must be there before any test imports `magic`, or that finds another libmagic and reads the wrong database with it.
import_module("pylibmagic")

ROOT = Path(__file__).parents[1]

Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of conformance corpora; skips where it is absent."""
    folder = Path(os.environ.get("JINGUI_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}; set JINGUI_CORPORA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> Iterator[None]:
    """Nothing of the caller's own Jingui reaches the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("JINGUI_") and name != "JINGUI_CORPORA"]:
            patch.delenv(name)
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


class PostgreSQL:
    """A PostgreSQL cluster for this run of the tests: a socket in a folder, no port, nothing durable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def address(self, database: str) -> str:
        """SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def execute(self, statement: str) -> None:
        """Runs a statement that must stand outside a transaction."""
        engine = connect(self.address("postgres"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()

    def create(self, *, template: str = "template0") -> str:
        """Makes a database and gives its name."""
        name = f"jingui_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return name

    def drop(self, name: str) -> None:
        """Removes a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _postgresql_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running PostgreSQL cluster; skips where the programs are absent."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (no initdb)")
    folder = Path(tempfile.mkdtemp(prefix="jingui-pg-", dir="/tmp"))
    # the server refuses to run as root
    as_other = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    if as_other:
        shutil.chown(folder, "nobody")
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run([*as_other, str(programs / program), *arguments], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"{program}: {done.stdout}{done.stderr}")

    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    try:
        run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield PostgreSQL(folder)
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> str:
    name = postgresql.create()
    engine = connect(postgresql.address(name))
    prepare_schema(engine, lock_file=tmp_path_factory.mktemp("lock") / "lock")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO agreement (code, title, unit, fonds, open) VALUES ('local', 'Local use', '', '', true)"))
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def _home_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    make_home(home).close()
    # what only a power cut could show is not tested here, and waiting for the disk takes most of the time
    settings = home / SETTINGS_FILE
    settings.write_text("durable_writes = false\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    return home


@pytest.fixture(scope="session")
def moto() -> Iterator[ObjectService]:
    """An object service that speaks S3, within the process."""
    from tests.tools.object_services import moto_service

    with moto_service() as service:
        yield service


@pytest.fixture(scope="session")
def swift() -> Iterator[ObjectService]:
    """OpenStack Swift with its S3 interface; skips where the programs are absent."""
    from tests.tools.swift import absent, swift_service

    reason = absent()
    if reason:
        pytest.skip(reason)
    with swift_service() as service:
        yield service


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; narrow it with ``@pytest.mark.parametrize("database", ["sqlite"], indirect=True)``."""
    return str(request.param)


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a fresh database with the schema in it; empty for SQLite in the home."""
    if database == "sqlite":
        yield ""
        return
    template = request.getfixturevalue("_postgresql_template")
    cluster: PostgreSQL = request.getfixturevalue("postgresql")
    name = cluster.create(template=template)
    yield cluster.address(name)
    cluster.drop(name)


@pytest.fixture
def home(tmp_path: Path, database_url: str, _home_template: Path) -> Path:
    """A repository home as ``init`` makes it, on each database."""
    home = tmp_path / "home"
    shutil.copytree(_home_template, home)
    if database_url:
        settings = home / SETTINGS_FILE
        settings.write_text(f'database_url = "{database_url}"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
        for file in home.glob("catalogue.sqlite*"):
            file.unlink()
    return home


@pytest.fixture
def archive(home: Path) -> Iterator[Archive]:
    """The home, open."""
    opened = Archive.open(home)
    yield opened
    opened.close()


@pytest.fixture
def cli(home: Path) -> Cli:
    """Runs a command line over the home: ``cli("store", "list", "--json")``; the result has `exit_code`, `stdout`, `stderr`."""

    def run(*arguments: str | Path, input: str | None = None) -> Result:
        return CliRunner().invoke(main, ["--home", str(home), *(str(item) for item in arguments)], input=input)

    return run


@pytest.fixture
def program() -> list[str]:
    """The command line as a program of its own, for tests that kill it or measure it."""
    return [sys.executable, "-m", "repository"]
