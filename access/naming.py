"""What people call a record: its id, the id of its package, or the sender's identifier."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from access.catalogue import find_record
from repository.errors import Conflict, NotFound
from repository.findings import N_
from repository.holdings import Record
from repository.permissions import Permission
from repository.transaction import Transaction
from repository.visibility import visible_records

_PACKAGE: Final = "urn:uuid:"
_TOLD: Final = 5


def find_named(tx: Transaction, name: str) -> Record:
    """The record that somebody names, if this actor may read it; its own id and that of its package come before any identifier.

    Raises:
        NotFound: there is none, or the actor may not know of it: the two answers are the same.
        Conflict: several records have this identifier.
        PermissionDenied: the actor may read no records at all.
    """
    try:
        return find_record(tx, name.strip().lower().removeprefix(_PACKAGE))
    except NotFound:
        pass
    tx.require(Permission.RECORD_READ)
    statement = visible_records(select(Record.id).where(Record.identifier == name), tx.actor)
    found = tx.session.scalars(statement.order_by(Record.id).limit(_TOLD + 1)).all()
    if not found:
        raise NotFound(
            N_("There is no record “{subject}”."),
            subject=name,
            remedy=N_("Give its id, the id of its package (urn:uuid:…) or the sender's identifier; “jingui search” finds them."),
        )
    if len(found) > 1:
        raise Conflict(
            N_("“{subject}” is the identifier of several records: {records}."),
            subject=name,
            remedy=N_("Give the id of the one you mean."),
            records=", ".join(found[:_TOLD]) + (" …" if len(found) > _TOLD else ""),
        )
    return find_record(tx, found[0])
