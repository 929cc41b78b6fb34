"""The folders of a record, counted in the database; no row of a file is loaded to count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, case, func, select

from repository.database import is_sqlite
from repository.holdings import File, Record
from repository.transaction import Transaction

#: Folders that are listed; in a folder with more of them a name has to be looked for.
MOST: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A folder or a representation.

    Args:
        name: its own name.
        files: in it and in the folders below.
        bytes: of these files.
    """

    name: str
    files: int
    bytes: int


def representations_of(tx: Transaction, record: Record) -> Sequence[Folder]:
    """The representations of a record that `access.catalogue` gave, with the content of each."""
    assert record.aip is not None
    statement = select(File.representation, func.count(), func.sum(File.size)).where(File.aip_id == record.aip.id, File.role == "content")
    rows = tx.session.execute(statement.group_by(File.representation).order_by(File.representation))
    found = [Folder(name=name, files=files, bytes=int(size or 0)) for name, files, size in rows]
    # what came first is shown first
    return sorted(found, key=lambda item: item.name != "original")


def list_folders(tx: Transaction, record: Record, place: str, *, roles: Sequence[str] = ()) -> Sequence[Folder]:
    """The folders right below a place, by name, up to `MOST` of them.

    Args:
        tx: the transaction.
        record: that `access.catalogue` gave.
        place: the beginning that the paths have in common, with the slash at its end, or empty.
        roles: only files of these roles; of every role by default.
    """
    assert record.aip is not None
    rest = func.substr(File.path, len(place) + 1)
    slash = slash_in(tx, rest)
    name = func.substr(rest, 1, slash - 1)
    statement = (
        select(name, func.count(), func.sum(File.size))
        .where(File.aip_id == record.aip.id, below(place), slash > 0)
        .group_by(name)
        .order_by(name)
    )
    if roles:
        statement = statement.where(File.role.in_(roles))
    return [Folder(name=name, files=files, bytes=int(size or 0)) for name, files, size in tx.session.execute(statement.limit(MOST))]


def below(place: str) -> ColumnElement[bool]:
    """The condition under which a file lies below a place."""
    return func.substr(File.path, 1, len(place)) == place


def right_in(tx: Transaction, place: str) -> ColumnElement[bool]:
    """The condition under which a file lies right in a place, in no folder of it."""
    return case((below(place), slash_in(tx, func.substr(File.path, len(place) + 1))), else_=1) == 0


def slash_in(tx: Transaction, text: ColumnElement[str]) -> ColumnElement[int]:
    """Where the first slash of a text stands, from 1, or 0."""
    return func.instr(text, "/") if is_sqlite(tx.archive.engine) else func.strpos(text, "/")
