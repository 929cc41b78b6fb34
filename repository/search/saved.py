"""Saved searches: a search under a name, for oneself or for colleagues, which may report what is new.

A saved search holds a question and no answer: whoever opens it asks with the own rights, also where somebody else saved it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, func, or_, select

from repository.accounts.tables import User
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import Permission, allows
from repository.search.address import canonical
from repository.search.tables import SavedSearch

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Of one person.
MOST: Final = 100
NAME_LENGTH: Final = 120
_QUERY_LENGTH: Final = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A saved search as somebody sees it.

    Args:
        id: its id.
        name: as its owner calls it.
        query: the query part of an address (`repository.search.address`).
        owner: account name of who saved it.
        own: whether that is who asks.
        shared: colleagues see it.
        alert: its owner is told of records that are new in it.
        created_at: when it was saved.
    """

    id: str
    name: str
    query: str
    owner: str
    own: bool
    shared: bool
    alert: bool
    created_at: datetime


def may_share(tx: Transaction) -> bool:
    """Whether the actor belongs to the archive's staff, who share searches with each other."""
    return allows(tx.actor, Permission.RECORD_READ) and allows(tx.actor, Permission.AUDIT_READ)


def save_search(tx: Transaction, *, name: str, query: str, shared: bool = False, alert: bool = False) -> str:
    """Saves a search for the actor.

    Args:
        tx: the transaction.
        name: for people; each of a person's searches has another.
        query: the query part of an address; what does not belong to a search is left out.
        shared: colleagues see it too.
        alert: the actor is told of new and changed records from now on.

    Returns:
        Its id.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ`; `shared` without being staff.
        UsageError: no name or one too long, a query too long, or too many searches; or the actor has no account to keep it with.
        Conflict: the actor has a search of that name.
    """
    tx.require(Permission.RECORD_READ)
    if shared:
        tx.require(Permission.AUDIT_READ)
    if tx.actor.kind != "person":
        raise UsageError(N_("Only somebody with an account can save a search."), remedy=N_("Log in on the console."))
    kept = canonical(query)
    if len(kept) > _QUERY_LENGTH:
        raise UsageError(N_("This search is too long to be saved."), remedy=N_("Take some filters away."))
    if (tx.session.scalar(select(func.count()).where(SavedSearch.user_id == tx.actor.id)) or 0) >= MOST:
        raise UsageError(N_("You have saved {most} searches, and that is as many as can be."), most=MOST, remedy=N_("Delete one first."))
    row = SavedSearch(
        id=tx.archive.new_id(),
        user_id=tx.actor.id,
        name=_name(tx, name),
        query=kept,
        shared=shared,
        alert=alert,
        seen_at=tx.now,
        created_at=tx.now,
    )
    tx.session.add(row)
    note(tx, "search.saved", object_type="saved_search", object_id=row.id, detail={"name": row.name, "shared": shared})
    return row.id


def saved_searches(tx: Transaction) -> Sequence[Saved]:
    """The actor's own searches, and for staff those that colleagues share; the own first, by name. Everybody may ask for them."""
    statement = select(SavedSearch, User.name).join(User, User.id == SavedSearch.user_id).where(_visible(tx))
    own_first = SavedSearch.user_id != tx.actor.id
    rows = tx.session.execute(statement.order_by(own_first, SavedSearch.name, SavedSearch.id).limit(5 * MOST))
    return [_saved(tx, row, owner) for row, owner in rows]


def find_saved(tx: Transaction, search_id: str) -> Saved:
    """A search that the actor may open.

    Raises:
        NotFound: there is none, or it is somebody else's and not shared with the actor: the two answers are the same.
    """
    statement = select(SavedSearch, User.name).join(User, User.id == SavedSearch.user_id)
    found = tx.session.execute(statement.where(SavedSearch.id == search_id, _visible(tx))).one_or_none()
    if found is None:
        raise _none(search_id)
    return _saved(tx, *found)


def change_search(
    tx: Transaction, search_id: str, *, name: str | None = None, shared: bool | None = None, alert: bool | None = None
) -> None:
    """Changes an own search; None leaves a thing as it is.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ`; to share it without being staff.
        NotFound: the actor has no such search.
        UsageError, Conflict: as for `save_search`.
    """
    tx.require(Permission.RECORD_READ)
    row = _own(tx, search_id)
    if shared and not row.shared:
        tx.require(Permission.AUDIT_READ)
    if name is not None and name.strip() != row.name:
        row.name = _name(tx, name)
    if shared is not None:
        row.shared = shared
    if alert is not None:
        if alert and not row.alert:
            # what came while nobody asked to be told is no news
            row.seen_at = tx.now
        row.alert = alert
    note(tx, "search.changed", object_type="saved_search", object_id=row.id, detail={"name": row.name, "shared": row.shared})


def delete_search(tx: Transaction, search_id: str) -> None:
    """Deletes an own search.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ`.
        NotFound: the actor has no such search.
    """
    tx.require(Permission.RECORD_READ)
    row = _own(tx, search_id)
    note(tx, "search.deleted", object_type="saved_search", object_id=row.id, detail={"name": row.name})
    tx.session.delete(row)


def _visible(tx: Transaction) -> ColumnElement[bool]:
    own = SavedSearch.user_id == tx.actor.id
    return or_(own, SavedSearch.shared) if may_share(tx) else own


def _own(tx: Transaction, search_id: str) -> SavedSearch:
    row = tx.session.get(SavedSearch, search_id)
    if row is None or row.user_id != tx.actor.id:
        raise _none(search_id)
    return row


def _none(search_id: str) -> NotFound:
    return NotFound(
        N_("There is no saved search “{subject}”."), subject=search_id, remedy=N_("Choose one from the list of saved searches.")
    )


def _name(tx: Transaction, name: str) -> str:
    plain = " ".join(name.replace("\0", "").encode("utf-8", "replace").decode().split())
    if not plain:
        raise UsageError(N_("A saved search needs a name."), remedy=N_("Say in a few words what it looks for."))
    if len(plain) > NAME_LENGTH:
        raise UsageError(
            N_("The name of a saved search has at most {most} characters."), most=NAME_LENGTH, remedy=N_("Use a shorter name.")
        )
    if tx.session.scalar(select(SavedSearch.id).where(SavedSearch.user_id == tx.actor.id, SavedSearch.name == plain)):
        raise Conflict(
            N_("You have a saved search “{subject}” already."), subject=plain, remedy=N_("Use another name, or delete that one first.")
        )
    return plain


def _saved(tx: Transaction, row: SavedSearch, owner: str) -> Saved:
    return Saved(
        id=row.id,
        name=row.name,
        query=row.query,
        owner=owner,
        own=row.user_id == tx.actor.id,
        shared=row.shared,
        alert=row.alert,
        created_at=row.created_at,
    )
