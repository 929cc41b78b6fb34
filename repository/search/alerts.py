"""The job that tells people what is new in the searches they saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from repository.accounts import find_actor
from repository.errors import JinguiError
from repository.findings import N_
from repository.notices.kinds import Kind, Severity
from repository.notices.sending import tell
from repository.permissions import Actor
from repository.search.address import saved_query
from repository.search.finding import count_records
from repository.search.tables import SavedSearch

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext

#: A change is looked at only when it is so old that its transaction has ended and the index has it.
_SETTLED: Final = timedelta(minutes=5)


def tell_news(context: JobContext) -> Mapping[str, Any]:
    """Asks every search with an alert again, with its owner's rights as they are now; interrupted, it goes on the next time."""
    archive = context.archive
    with archive.read(Actor.system("alerts")) as tx:
        ids = tx.session.scalars(select(SavedSearch.id).where(SavedSearch.alert).order_by(SavedSearch.id)).all()
    told = 0
    for done, search_id in enumerate(ids, start=1):
        told += _tell(archive, search_id)
        context.progress(N_("Asking saved searches again"), done, len(ids), "searches")
        context.check()
    return {"searches": len(ids), "told": told}


def _tell(archive: Archive, search_id: str) -> int:
    with archive.read(Actor.system("alerts")) as tx:
        row = tx.session.get(SavedSearch, search_id)
        until = tx.now - _SETTLED
        if row is None or not row.alert or (row.seen_at is not None and row.seen_at >= until):
            return 0
        owner, name, query, since = row.user_id, row.name, row.query, row.seen_at
    reader = find_actor(archive, owner)
    if reader is None:
        return 0
    try:
        with archive.read(reader) as tx:
            found = count_records(tx, replace(saved_query(query), since=since, until=until))
    except JinguiError:
        # the owner may no longer ask for this; there is nothing to tell of it
        found = 0
    with archive.transaction(Actor.system("alerts")) as tx:
        row = tx.session.get(SavedSearch, search_id)
        if row is None or not row.alert or row.seen_at != since:
            return 0
        row.seen_at = until
        if found:
            tell(
                tx,
                owner,
                kind=Kind.SEARCH_NEWS,
                template=N_("“{name}”: {records} new or changed records."),
                values={"name": name, "records": found},
                path=f"/records/saved/{search_id}",
                severity=Severity.INFO,
            )
    return 1 if found else 0
