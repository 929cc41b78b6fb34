"""What a reader sees of a record: its description, files, copies, versions and events. Read only, visibility in the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from repository.errors import NotFound
from repository.events import LedgerEvent, ObjectType, events_of
from repository.findings import N_
from repository.holdings import Aip, File, Record
from repository.permissions import Permission
from repository.transaction import Transaction
from repository.visibility import visible_records


@dataclass(frozen=True, kw_only=True)
class FilePage:
    """Some files of a record, in the order of their paths.

    Args:
        files: the rows.
        following: path after which the next page begins, or None when this is the last.
    """

    files: Sequence[File]
    following: str | None


def find_record(tx: Transaction, record_id: str) -> Record:
    """The record, if this actor may read it.

    Raises:
        NotFound: there is none, or the actor may not know of it: the two answers are the same.
        PermissionDenied: the actor may read no records at all.
    """
    tx.require(Permission.RECORD_READ)
    statement = select(Record).where(Record.id == record_id)
    record = tx.session.scalars(
        visible_records(statement, tx.actor).options(
            selectinload(Record.aip).selectinload(Aip.versions), selectinload(Record.aip).selectinload(Aip.copies)
        )
    ).one_or_none()
    if record is None or record.aip is None:
        raise NotFound(N_("There is no record “{subject}”."), subject=record_id, remedy=N_("Look it up with a search."))
    return record


def list_files(tx: Transaction, record: Record, *, after: str | None = None, limit: int = 100, roles: Sequence[str] = ()) -> FilePage:
    """Files of a record that `find_record` gave."""
    assert record.aip is not None
    statement = select(File).where(File.aip_id == record.aip.id).order_by(File.path).limit(limit + 1)
    if after is not None:
        statement = statement.where(File.path > after)
    if roles:
        statement = statement.where(File.role.in_(roles))
    rows = tx.session.scalars(statement).all()
    return FilePage(files=rows[:limit], following=rows[limit - 1].path if len(rows) > limit else None)


def find_file(tx: Transaction, record: Record, file_id: int) -> File:
    """One file of a record.

    Raises:
        NotFound: the record has no such file.
    """
    assert record.aip is not None
    row = tx.session.scalars(select(File).where(File.id == file_id, File.aip_id == record.aip.id)).one_or_none()
    if row is None:
        raise NotFound(N_("The record has no file “{subject}”."), subject=str(file_id))
    return row


def format_names(tx: Transaction, puids: Sequence[str]) -> Mapping[str, str]:
    """What files of these formats say that their format is called, with its version; a format that no file has is left out."""
    tx.require(Permission.RECORD_READ)
    names = {}
    for puid in puids:
        # one look into the index each: the same name stands with thousands of files
        found = tx.session.execute(select(File.format_name, File.format_version).where(File.puid == puid).limit(1)).one_or_none()
        if found is not None and found.format_name:
            # many names of PRONOM end in the version
            twice = found.format_version in found.format_name
            names[puid] = found.format_name if twice else f"{found.format_name} {found.format_version}"
    return names


def list_events(tx: Transaction, record: Record) -> Sequence[LedgerEvent]:
    """The record's PREMIS events, oldest first; those of its AIP and of the submissions that made it are among them."""
    tx.require(Permission.EVENT_READ)
    assert record.aip is not None
    objects = [(ObjectType.RECORD, record.id), (ObjectType.AIP, record.aip.id)]
    objects += [(ObjectType.SUBMISSION, version.submission_id) for version in record.aip.versions]
    return events_of(tx.session, objects)
