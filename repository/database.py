"""The database: SQLite in WAL mode or PostgreSQL, behind one engine.

A plain transaction may write and, on SQLite, takes the writer lock when it begins, so that it never fails halfway
because somebody else wrote; `reading` gives the same engine for transactions that only read and never wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, ColumnDefault, Connection, Engine, LargeBinary, create_engine, event
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.orm import Session

from repository.errors import HomeUnusable
from repository.findings import N_
from repository.holdings import Base, File

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_READING: Final = "jingui_reading"
# made once: `json.dumps` makes one for every value
_PLAIN: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED: Final = json.JSONEncoder(separators=(",", ":"))
#: How long a writer waits for another, in milliseconds.
_BUSY_TIMEOUT: Final = 60_000
_BATCH: Final = 10_000


def connect(address: str, *, durable: bool = True) -> Engine:
    """An engine for the catalogue.

    Args:
        address: SQLAlchemy address, ``sqlite:///…`` or ``postgresql://…``.
        durable: whether a commit survives a power cut (SQLite); PostgreSQL decides for itself.

    Raises:
        HomeUnusable: the driver of the database is not installed.
    """
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        if find_spec("psycopg") is None:
            raise HomeUnusable(
                N_("The catalogue is in PostgreSQL, but its driver is not installed."), remedy=N_("pip install 'jingui[postgresql]'")
            )
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, json_serializer=_to_json)
    engine = create_engine(url, json_serializer=_to_json)
    event.listen(engine, "connect", _prepare_durable if durable else _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: they take no lock, and the database refuses them to write."""
    return engine.execution_options(**{_READING: True, "postgresql_readonly": True})


def is_reading(session: Session) -> bool:
    """Whether the session's transactions only read (`reading`)."""
    bind = session.get_bind()
    return bool(bind.engine.get_execution_options().get(_READING))


def is_sqlite(engine: Engine) -> bool:
    """Whether the catalogue is a SQLite file."""
    return engine.dialect.name == "sqlite"


def insertion(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insertion that can say what to do about a row that is there already (``on_conflict_do_…``), on either database."""
    # imported here: the other database's dialect is not needed, and slow to load
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_files(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Inserts rows of `File` in bulk; says how many. Every row has the same columns; those left out get their defaults."""
    return insert_rows(session, File, rows)


def insert_rows(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> int:
    """Inserts rows of any table in batches, five times as fast as through the session; says how many.

    Values are prepared a column at a time and handed to the driver as they are.

    Args:
        session: whose transaction; what is pending in it is written first.
        model: the mapped class of the table.
        rows: column's name to value, every row with the same columns; a column left out gets its default.
    """
    session.flush()
    connection = session.connection()
    count = 0
    columns: Sequence[_BulkColumn] = ()
    statement = ""
    for batch in _batches(rows):
        if not columns:
            columns = _bulk_columns(model, batch[0], connection.dialect)
            statement = _bulk_statement(model.__tablename__, columns, connection.dialect)
        connection.exec_driver_sql(statement, list(zip(*(column.values(batch) for column in columns), strict=True)))
        count += len(batch)
    return count


@dataclass(frozen=True, slots=True)
class _BulkColumn:
    name: str
    process: Callable[[Any], Any] | None
    default: Any
    given: bool

    def values(self, batch: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What the rows of a batch have in this column, as the driver takes it."""
        if not self.given:
            return [self.default] * len(batch)
        name, process = self.name, self.process
        return [row[name] for row in batch] if process is None else [process(row[name]) for row in batch]


def _bulk_columns(model: type[Base], row: Mapping[str, Any], dialect: Dialect) -> list[_BulkColumn]:
    table = model.__table__
    unknown = set(row) - {column.name for column in table.columns}
    if unknown:
        raise ValueError(f"{model.__tablename__} has no column {', '.join(sorted(unknown))}")
    found = []
    for column in table.columns:
        # bytes go to either driver as they are; SQLAlchemy would wrap each of them
        wrapped = isinstance(column.type, LargeBinary)
        process = None if wrapped else column.type.dialect_impl(dialect).bind_processor(dialect)
        if column.name in row:
            found.append(_BulkColumn(column.name, process, None, given=True))
        elif isinstance(column, Column) and isinstance(column.default, ColumnDefault):
            # a callable default was wrapped to take the context of a statement, which none of ours looks at
            value = column.default.arg(None) if callable(column.default.arg) else column.default.arg
            found.append(_BulkColumn(column.name, None, process(value) if process else value, given=False))
    return found


def _bulk_statement(table: str, columns: Sequence[_BulkColumn], dialect: Dialect) -> str:
    place = "?" if dialect.name == "sqlite" else "%s"
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    return f"INSERT INTO {quote(table)} ({names}) VALUES ({', '.join([place] * len(columns))})"


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _to_json(value: object) -> str:
    # what most columns of most files hold
    if value == []:
        return "[]"
    text = _PLAIN.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        # half a surrogate pair, from a name that is no UTF-8: the databases take it only as an escape
        return _ESCAPED.encode(value)
    return text


def _prepare(connection: Any, record: object) -> None:
    # The driver would begin transactions by itself, only before writing and without the lock; `_begin` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={_BUSY_TIMEOUT}", "foreign_keys=ON", "cache_size=-32000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_durable(connection: Any, record: object) -> None:
    _prepare(connection, record)
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_READING):
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
