"""The catalogue's schema and its history (alembic)."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from repository.errors import HomeUnusable
from repository.findings import N_

#: The newest revision. Written here so that opening a home whose schema is current needs no alembic.
HEAD: Final = "0005"
#: Key of the PostgreSQL advisory lock under which one process migrates.
_MIGRATION_LOCK: Final = 0x4A494E475550


def prepare_schema(engine: Engine, *, lock_file: Path, migrate: bool = True) -> None:
    """Makes the schema current, or says why not. Processes that come at once wait for the one that does it.

    Args:
        engine: the catalogue's database.
        lock_file: a file that processes of this machine lock meanwhile.
        migrate: whether an older schema is brought up to date; a newer one never is.

    Raises:
        HomeUnusable: the database cannot be used, or its schema is not the one this version knows.
    """
    try:
        if revision(engine) == HEAD:
            return
        if not migrate:
            raise _not_current(engine)
        with _locked(lock_file):
            _upgrade(engine)
    except DatabaseError as error:
        raise HomeUnusable(
            N_("The catalogue {subject} cannot be used: {reason}."),
            subject=engine.url.render_as_string(hide_password=True),
            remedy=N_("See that the database is reachable and writable, and that it is this home's."),
            reason=str(error.orig or error),
        ) from error
    except OSError as error:
        raise HomeUnusable(
            N_("{subject} cannot be written: {reason}."),
            subject=str(lock_file),
            remedy=N_("See that the home folder belongs to you and has room."),
            reason=error.strerror or str(error),
        ) from error


def revision(engine: Engine) -> str | None:
    """The revision of the schema in the database; None where there is none yet."""
    with engine.execution_options(jingui_reading=True, postgresql_readonly=True).connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        found = _revision(connection)
        if found is not None and found not in known:
            raise _not_current(engine)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _not_current(engine: Engine) -> HomeUnusable:
    return HomeUnusable(
        N_("The catalogue {subject} has schema {found}, this program knows {known}."),
        subject=engine.url.render_as_string(hide_password=True),
        remedy=N_("An older schema is brought up to date by “jingui init”; for a newer one, install the newer version of this program."),
        found=revision(engine) or "-",
        known=HEAD,
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
