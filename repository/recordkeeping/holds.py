"""Holds: reasons for which a record must not be destroyed, as long as they are not lifted.

A hold stops destruction and nothing else: who may read the record follows its class. Placing and lifting are events of
the ledger and go to storage at once, so that a rebuilt catalogue holds what was held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, delete, exists, select

from repository.errors import Conflict, NotFound, UsageError
from repository.events import EventType, ObjectType
from repository.findings import N_
from repository.holdings import Event, EventObject, Hold, Record, RecordState
from repository.logbook.recording import note
from repository.permissions import Permission
from repository.visibility import record_condition

if TYPE_CHECKING:
    from repository.transaction import Transaction

LONGEST_REASON: Final = 1000
#: In the detail of an event: the hold it placed, or lifted.
PLACED: Final = "hold_placed"
LIFTED: Final = "hold_lifted"


def place_hold(tx: Transaction, record_id: str, reason: str) -> str:
    """Places a hold on a stored record.

    Args:
        tx: the transaction.
        record_id: the record.
        reason: why, for those who come later: the case, the inquiry, the law.

    Returns:
        The id of the hold.

    Raises:
        PermissionDenied: without `Permission.HOLD_MANAGE`.
        NotFound: there is no such record, or the actor may not know of it.
        Conflict: the record is destroyed.
        UsageError: no reason, or too long a one.
    """
    tx.require(Permission.HOLD_MANAGE)
    record = _record(tx, record_id)
    if record.state != RecordState.STORED:
        raise Conflict(N_("Record {subject} is destroyed; nothing of it is left to be held."), subject=record_id)
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise UsageError(
            N_("A hold needs a reason of 1 to {most} characters."),
            remedy=N_("Name the case, the inquiry or the law, so that somebody can lift it one day."),
            most=LONGEST_REASON,
        )
    hold = Hold(id=tx.archive.new_id(), record_id=record.id, reason=reason, placed_by=tx.actor.name, placed_at=tx.now)
    tx.session.add(hold)
    tx.record_event(
        EventType.POLICY_ASSIGNMENT,
        objects=[(ObjectType.RECORD, record.id)],
        detail={PLACED: hold.id, "reason_given": reason, "by": tx.actor.name, "note": N_("A hold was placed: {reason_given}")},
        note=f"A hold was placed: {reason}",
        decision=True,
    )
    note(tx, "hold.placed", object_type="record", object_id=record.id, detail={"hold": hold.id})
    return hold.id


def lift_hold(tx: Transaction, hold_id: str, reason: str = "") -> None:
    """Lifts a hold; its row stays and tells that it was there.

    Args:
        tx: the transaction.
        hold_id: the hold.
        reason: why it is no longer needed.

    Raises:
        PermissionDenied: without `Permission.HOLD_MANAGE`.
        NotFound: there is no such hold on a record that the actor may know of.
        Conflict: it is lifted already.
        UsageError: too long a reason.
    """
    tx.require(Permission.HOLD_MANAGE)
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise UsageError(N_("The reason may have {most} characters at most."), most=LONGEST_REASON)
    hold = tx.session.scalars(
        select(Hold).join(Record, Record.id == Hold.record_id).where(Hold.id == hold_id, record_condition(tx.actor))
    ).one_or_none()
    if hold is None:
        raise NotFound(N_("There is no hold “{subject}”."), subject=hold_id, remedy=N_("“jingui hold list” names them all."))
    if hold.lifted_at is not None:
        raise Conflict(N_("Hold {subject} is lifted already."), subject=hold_id)
    hold.lifted_at = tx.now
    tx.record_event(
        EventType.POLICY_ASSIGNMENT,
        objects=[(ObjectType.RECORD, hold.record_id)],
        detail={LIFTED: hold.id, "reason_given": reason, "note": N_("A hold was lifted. {reason_given}")},
        note=f"A hold was lifted. {reason}".strip(),
        decision=True,
    )
    note(tx, "hold.lifted", object_type="record", object_id=hold.record_id, detail={"hold": hold.id})


def holds_of(tx: Transaction, record_id: str) -> Sequence[Hold]:
    """The holds on a record, lifted ones too, in the order in which they were placed.

    Raises:
        PermissionDenied: without `Permission.HOLD_MANAGE`.
    """
    tx.require(Permission.HOLD_MANAGE)
    statement = select(Hold).join(Record, Record.id == Hold.record_id).where(Hold.record_id == record_id, record_condition(tx.actor))
    return tx.session.scalars(statement.order_by(Hold.placed_at, Hold.id)).all()


def list_holds(tx: Transaction, *, lifted: bool = False) -> Sequence[Hold]:
    """Every hold in force, oldest first; with ``lifted`` those that were lifted too.

    Raises:
        PermissionDenied: without `Permission.HOLD_MANAGE`.
    """
    tx.require(Permission.HOLD_MANAGE)
    statement = select(Hold).join(Record, Record.id == Hold.record_id).where(record_condition(tx.actor))
    if not lifted:
        statement = statement.where(Hold.lifted_at.is_(None))
    return tx.session.scalars(statement.order_by(Hold.placed_at, Hold.id)).all()


def is_held() -> ColumnElement[bool]:
    """The condition on `Record` under which a hold stops its destruction."""
    return exists().where(Hold.record_id == Record.id, Hold.lifted_at.is_(None))


def rebuild_holds(tx: Transaction) -> int:
    """Makes the holds again from the ledger of events, for the records that are there; says how many."""
    tx.session.execute(delete(Hold))
    placed: dict[str, Hold] = {}
    statement = (
        select(Event, EventObject.object_id)
        .join(EventObject, EventObject.event_id == Event.id)
        .where(Event.type == EventType.POLICY_ASSIGNMENT, EventObject.object_type == str(ObjectType.RECORD))
        .order_by(Event.sequence)
    )
    known = set(tx.session.scalars(select(Record.id)))
    for event, record_id in tx.session.execute(statement):
        detail = event.detail
        if PLACED in detail and record_id in known:
            hold = Hold(id=detail[PLACED], record_id=record_id, reason=detail["reason_given"], placed_by=detail["by"], placed_at=event.at)
            placed[hold.id] = hold
        elif detail.get(LIFTED) in placed:
            placed[detail[LIFTED]].lifted_at = event.at
    tx.session.add_all(placed.values())
    tx.session.flush()
    return len(placed)


def _record(tx: Transaction, record_id: str) -> Record:
    record = tx.session.scalars(select(Record).where(Record.id == record_id, record_condition(tx.actor))).one_or_none()
    if record is None:
        raise NotFound(N_("There is no record “{subject}”."), subject=record_id, remedy=N_("Look it up with a search."))
    return record
