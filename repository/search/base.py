"""What a search engine is, and which one serves an archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import ColumnElement

from repository.search.language import Term, TextField

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

#: Version of what is in an index; an index of another version is made again by itself.
INDEX_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What is searched of one record.

    Args:
        record_id: the record.
        texts: its texts, by field; a phrase is never found across two texts.
    """

    record_id: str
    texts: Mapping[TextField, Sequence[str]]


class SearchIndex(Protocol):
    """A search engine: it knows which records hold which words, and nothing of who may see them.

    It answers with a condition on `Record.id`, so that visibility, filters, order and counts are one query in the
    catalogue, and what a reader may not see is never read, however old the index is.
    """

    name: str

    def ready(self, tx: Transaction) -> bool:
        """Whether there is an index of the right version."""

    def clear(self, tx: Transaction) -> None:
        """Makes an empty index, whatever there was."""

    def discard(self, tx: Transaction) -> None:
        """Removes the index; nothing happens if there is none."""

    def replace(self, tx: Transaction, documents: Iterable[Document]) -> None:
        """Puts documents into the index, in place of those of the same records."""

    def remove(self, tx: Transaction, record_ids: Collection[str]) -> None:
        """Takes records out of the index; those not in it are ignored."""

    def condition(self, tx: Transaction, terms: Sequence[Term]) -> ColumnElement[bool]:
        """The condition on `Record.id` under which a record satisfies every term."""

    def count(self, tx: Transaction) -> int:
        """Number of records in the index."""


def index_of(archive: Archive) -> SearchIndex:
    """The search engine that the settings name."""
    return _engine(archive, archive.settings.search_engine)


def other_indexes(archive: Archive) -> Sequence[SearchIndex]:
    """The engines that are not in use, whose indexes would grow old unnoticed."""
    return [_engine(archive, name) for name in ("whoosh", "database") if name != archive.settings.search_engine]


def _engine(archive: Archive, name: str) -> SearchIndex:
    if name == "whoosh":
        from repository.search.whoosh_index import WhooshIndex

        return WhooshIndex(archive.index_folder)
    from repository.search.database_index import database_index

    return database_index(archive.engine)
