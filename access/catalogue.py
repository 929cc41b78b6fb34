"""What a reader sees of a record: its description, files, copies, versions and events. Read only, visibility in the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from access.folders import below, right_in
from repository.errors import NotFound
from repository.events import LedgerEvent, ObjectType, events_of
from repository.findings import N_
from repository.holdings import Aip, File, Record
from repository.permissions import Permission
from repository.search.base import index_of
from repository.search.language import Term, TextField
from repository.search.text import phrase_of
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


def list_files(
    tx: Transaction,
    record: Record,
    *,
    after: str | None = None,
    limit: int = 100,
    roles: Sequence[str] = (),
    folder: str | None = None,
    name: str = "",
    deep: bool = False,
) -> FilePage:
    """Files of a record that `find_record` gave.

    Args:
        tx: the transaction.
        record: the record.
        after: path after which the page begins.
        limit: at most so many.
        roles: only files of these roles.
        folder: beginning of the paths, with its slash at the end: only the files right in this folder; with `name`, also those below.
        name: only files with this in their path below the folder, whatever the case of ASCII letters.
        deep: also the files below the folder.
    """
    assert record.aip is not None
    statement = select(File).where(File.aip_id == record.aip.id).order_by(File.path).limit(limit + 1)
    if after is not None:
        statement = statement.where(File.path > after)
    if roles:
        statement = statement.where(File.role.in_(roles))
    if folder is not None:
        statement = statement.where(below(folder) if name or deep else right_in(tx, folder))
    if name:
        statement = statement.where(func.substr(File.path, len(folder or "") + 1).icontains(name, autoescape=True))
    rows = tx.session.scalars(statement).all()
    return FilePage(files=rows[:limit], following=rows[limit - 1].path if len(rows) > limit else None)


def neighbours(tx: Transaction, record: Record, file: File) -> tuple[int | None, int | None]:
    """Ids of the files of the same role before and after a file, in the order of their paths."""
    others = select(File.id).where(File.aip_id == file.aip_id, File.role == file.role).limit(1)
    return (
        tx.session.scalar(others.where(File.path < file.path).order_by(File.path.desc())),
        tx.session.scalar(others.where(File.path > file.path).order_by(File.path)),
    )


def list_relations(tx: Transaction, record: Record) -> Sequence[Record]:
    """Other records of the same case that the actor may read, up to 20."""
    phrase = phrase_of(record.case_number)
    if phrase is None:
        return ()
    # the search index leads to the few rows to compare: in the catalogue it would be all of the agency's
    term = Term(text=record.case_number, phrase=phrase, field=TextField.REST)
    same = select(Record).where(index_of(tx.archive).condition(tx, [term]))
    same = same.where(Record.case_number == record.case_number, Record.unit == record.unit, Record.id != record.id)
    return tx.session.scalars(visible_records(same, tx.actor).order_by(Record.changed_at.desc(), Record.id).limit(20)).all()


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
