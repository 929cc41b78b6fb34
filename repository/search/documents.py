"""What of a record is searched: the texts that describe it and the names of its files, never what is marked sensitive."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from repository.aip import content_folder, description_from_json
from repository.holdings import Aip, File, Record, RecordState
from repository.search.base import Document
from repository.search.language import TextField

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: States of records that can be found.
SEARCHED_STATES: Final = (RecordState.STORED, RecordState.DESTROYED)


def documents_of(tx: Transaction, record_ids: Collection[str]) -> Iterator[Document]:
    """The documents of those of the records that can be found, one at a time; of a destroyed one, what its notice says."""
    for record in tx.session.scalars(select(Record).where(Record.id.in_(record_ids), Record.state.in_(SEARCHED_STATES))).all():
        if record.state == RecordState.DESTROYED:
            yield Document(record_id=record.id, texts={TextField.TITLE: (record.title,), TextField.UNIT: (record.unit,)})
            continue
        description = description_from_json(record.description)
        rest = (
            record.id,
            record.identifier or "",
            record.case_number,
            record.fonds,
            record.year,
            description.abstract,
            *description.subjects,
            *(step.node for step in description.process),
        )
        yield Document(
            record_id=record.id,
            texts={
                TextField.TITLE: (record.title,),
                TextField.UNIT: (record.unit,),
                TextField.AFFAIR: (record.affair, record.affair_code, record.affair_type),
                TextField.FILES: tuple(_file_names(tx, record.id)),
                TextField.REST: tuple(value for value in rest if value),
            },
        )


def _file_names(tx: Transaction, record_id: str) -> Iterator[str]:
    """The paths of the record's content as the sender named them."""
    statement = select(File.path, File.representation).join(Aip, Aip.id == File.aip_id)
    for path, representation in tx.session.execute(statement.where(Aip.record_id == record_id, File.role == "content")):
        yield path.removeprefix(content_folder(representation) + "/")
