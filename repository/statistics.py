"""What the database knows of its own tables, by which it chooses the way to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from repository.database import is_sqlite

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext

#: Entries of an index that are looked at: enough to tell a column with five values from one with five thousand.
_LOOKED_AT: Final = 2_000


def refresh_statistics(archive: Archive) -> None:
    """Brings SQLite's statistics up to date, in a moment whatever the size; PostgreSQL does so by itself."""
    if not is_sqlite(archive.engine):
        return
    with archive.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit={_LOOKED_AT}")
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def refresh(context: JobContext) -> Mapping[str, Any]:
    """The job, of the kind ``catalogue.statistics``."""
    refresh_statistics(context.archive)
    return {}
