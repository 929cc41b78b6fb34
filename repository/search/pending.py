"""Keeping the index up to date: records whose entry is behind wait in the table `search_pending`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, tuple_

from repository.holdings import Record, SearchPending
from repository.permissions import Actor
from repository.search.base import SearchIndex, index_of, other_indexes
from repository.search.documents import SEARCHED_STATES, documents_of

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: Records that are indexed together; Whoosh makes a segment of each batch.
BATCH: Final = 500
#: Batch inside a transaction of the catalogue, which others wait for.
SMALL_BATCH: Final = 100

_SEARCH: Final = Actor.system("search")


def prepare(archive: Archive) -> bool:
    """Makes sure that there is an index of the present version: if not, an empty one, and every record waits to be indexed.

    Returns:
        Whether an index was made.
    """
    index = index_of(archive)
    with archive.read(_SEARCH) as tx:
        if index.ready(tx):
            return False
    with archive.transaction(_SEARCH) as tx:
        if index.ready(tx):
            return False
        logger.info("making the search index (%s)", index.name)
        start_again(tx)
    return True


def start_again(tx: Transaction) -> None:
    """Empties the index and has every record indexed again. The other engine's index goes: nobody would keep it up to date."""
    index_of(tx.archive).clear(tx)
    for other in other_indexes(tx.archive):
        other.discard(tx)
    tx.session.execute(delete(SearchPending))
    everything = select(Record.id, Record.changed_at).where(Record.state.in_(SEARCHED_STATES))
    tx.session.execute(insert(SearchPending).from_select(["record_id", "since"], everything))


def refresh(archive: Archive, *, after_batch: Callable[[int], None] | None = None) -> int:
    """Indexes what is behind.

    Args:
        archive: the open archive.
        after_batch: called with the number of records indexed so far; what it raises ends the work between two batches.

    Returns:
        The number of records indexed.
    """
    prepare(archive)
    index = index_of(archive)
    done = 0
    while True:
        count = _index_batch_in_transaction(archive, index) if index.name == "database" else _index_batch_beside(archive, index)
        if not count:
            return done
        done += count
        if after_batch is not None:
            after_batch(done)


def is_behind(archive: Archive) -> bool:
    """Whether a record waits to be indexed."""
    with archive.read(_SEARCH) as tx:
        return tx.session.scalar(select(SearchPending.record_id).limit(1)) is not None


def index_at_once(tx: Transaction, record_ids: Collection[str]) -> None:
    """Indexes records in the transaction that changed them, where the engine is the database.

    Without an index yet they just wait like all others.
    """
    index = index_of(tx.archive)
    if index.name != "database" or not record_ids or not index.ready(tx):
        return
    _replace(tx, index, record_ids)
    tx.session.execute(delete(SearchPending).where(SearchPending.record_id.in_(record_ids)))


def _index_batch_in_transaction(archive: Archive, index: SearchIndex) -> int:
    with archive.transaction(_SEARCH) as tx:
        waiting = select(SearchPending.record_id).order_by(SearchPending.since).limit(SMALL_BATCH).with_for_update(skip_locked=True)
        record_ids = tx.session.scalars(waiting).all()
        _replace(tx, index, record_ids)
        tx.session.execute(delete(SearchPending).where(SearchPending.record_id.in_(record_ids)))
        return len(record_ids)


def _index_batch_beside(archive: Archive, index: SearchIndex) -> int:
    """Indexes outside any transaction that writes, then forgets those that have not changed again meanwhile."""
    with archive.read(_SEARCH) as tx:
        waiting = tx.session.execute(select(SearchPending.record_id, SearchPending.since).order_by(SearchPending.since).limit(BATCH)).all()
        if not waiting:
            return 0
        _replace(tx, index, [record_id for record_id, _ in waiting])
    with archive.transaction(_SEARCH) as tx:
        done = [(record_id, since) for record_id, since in waiting]
        tx.session.execute(delete(SearchPending).where(tuple_(SearchPending.record_id, SearchPending.since).in_(done)))
    return len(waiting)


def _replace(tx: Transaction, index: SearchIndex, record_ids: Collection[str]) -> None:
    if not record_ids:
        return
    found = set(tx.session.scalars(select(Record.id).where(Record.id.in_(record_ids), Record.state.in_(SEARCHED_STATES))))
    if gone := set(record_ids) - found:
        index.remove(tx, gone)
    index.replace(tx, documents_of(tx, sorted(found)))
