"""Incidents: what was the matter with a copy, since when at most, and how it was put right.

One is opened when a copy is found not to be what was stored, and there is never more than one open about a copy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select

from preservation.audits import AuditedCopy
from preservation.tables import Incident
from repository.errors import NotFound
from repository.events import COPY_STATE, EventType, ObjectType
from repository.findings import N_
from repository.holdings import Copy, CopyState, Record
from repository.permissions import Permission, allows
from repository.transaction import Transaction
from storage.ocfl.verify import CopyOutcome

#: Problems of one copy that an incident keeps; the outcome of the audit has more.
PROBLEM_LIMIT: Final = 100


class IncidentState(StrEnum):
    """Where an incident stands. `PERSON`: nothing is done before a person has decided."""

    OPEN = "open"
    PERSON = "person"
    HEALED = "healed"
    WELL_AGAIN = "well-again"


#: States in which the copy is not as it should be.
UNSETTLED: Final = (IncidentState.OPEN, IncidentState.PERSON)


@dataclass(frozen=True, kw_only=True)
class IncidentView:
    """One incident for people.

    Args:
        incident: the row.
        title: of the record, or empty where the asker may not read it or it is gone.
    """

    incident: Incident
    title: str


def note_incident(
    tx: Transaction, copy: AuditedCopy, *, record_id: str, last_good_at: datetime | None, audit_id: str | None = None
) -> Incident:
    """Opens an incident about a copy that is not as it should be, or adds to the one that is open what was found now.

    Args:
        tx: the unit of work.
        copy: what was found.
        record_id: whose package.
        last_good_at: when the copy was last read in full and was a match.
        audit_id: which audit found it, if one did.
    """
    incident = unsettled(tx, {copy.aip}).get((copy.aip, copy.store))
    if incident is None:
        incident = Incident(
            id=tx.archive.new_id(),
            aip_id=copy.aip,
            record_id=record_id,
            store=copy.store,
            state=IncidentState.OPEN,
            audit_id=audit_id,
            last_good_at=last_good_at,
            detected_at=copy.at,
            attempts=0,
            source="",
            kept="",
        )
        tx.session.add(incident)
    incident.outcome = str(copy.outcome)
    incident.problems = [dict(problem) for problem in copy.problems[:PROBLEM_LIMIT]]
    incident.problem_count = len(copy.problems)
    return incident


def unsettled(tx: Transaction, aip_ids: Collection[str]) -> dict[tuple[str, str], Incident]:
    """The incidents about copies of some packages that are not settled, by package and store."""
    statement = select(Incident).where(Incident.aip_id.in_(aip_ids), Incident.state.in_(UNSETTLED))
    return {(incident.aip_id, incident.store): incident for incident in tx.session.scalars(statement)}


def is_owed(copy: Copy | None, version: int, outcome: CopyOutcome) -> bool:
    """Whether a copy that is missing was never made, because its store could not be reached then: nothing happened to it."""
    return outcome is CopyOutcome.MISSING and (copy is None or copy.version < version)


def ask_person(incident: Incident, reason: str, values: Mapping[str, str]) -> bool:
    """Notes that a person must decide, and why; says whether that is news.

    Args:
        incident: which.
        reason: English template, marked with `N_`.
        values: of its places.
    """
    is_news = (incident.state, incident.reason) != (IncidentState.PERSON, reason)
    incident.state, incident.reason, incident.values = IncidentState.PERSON, reason, dict(values)
    return is_news


def settle_well(tx: Transaction, incident: Incident, copy: AuditedCopy) -> None:
    """Ends an incident about a copy of which every byte was just found to be what was stored.

    Where a repair had been about to put a verified copy in its place, that is what made it well, also when the process
    that did it was killed before it could say so.
    """
    incident.ended_at, incident.ended_by = tx.now, tx.actor.name
    if not incident.source:
        incident.state = IncidentState.WELL_AGAIN
        return
    incident.state = IncidentState.HEALED
    record_recovery(tx, copy, incident.record_id, incident.source, incident.kept, incident)


def record_recovery(tx: Transaction, copy: AuditedCopy, record_id: str, source: str, kept: str, incident: Incident | None = None) -> None:
    """The event about a copy that was made anew from another: of an incident a recovery, of one that was owed a replication.

    Args:
        tx: the unit of work.
        copy: what reading it again gave, a match.
        record_id: whose package.
        source: the store whose copy was taken.
        kept: where in its own store lies what was there before, or empty.
        incident: the incident that ends with it.
    """
    detail = {
        "store": copy.store,
        "source": source,
        "files": copy.files,
        "bytes": copy.bytes,
        "kept": kept,
        COPY_STATE: str(CopyState.MATCH),
    }
    note = f"the copy in store {copy.store} was made anew from the copy in store {source}, which had been read in full, and read back"
    if incident is not None:
        detail |= {
            "incident": incident.id,
            "outcome": incident.outcome,
            "problems": incident.problems[:20],
            "problem_count": incident.problem_count,
            "last_good_at": incident.last_good_at.isoformat() if incident.last_good_at else None,
            "detected_at": incident.detected_at.isoformat(),
        }
    tx.record_event(
        EventType.REPLICATION if incident is None else EventType.RECOVERY,
        objects=[(ObjectType.AIP, copy.aip), (ObjectType.RECORD, record_id), (ObjectType.STORE, copy.store)],
        detail=detail,
        note=note,
        at=copy.at,
    )


def list_incidents(tx: Transaction, *, settled: bool = False, after: str = "", limit: int = 100) -> Sequence[Incident]:
    """Incidents, the latest first.

    Args:
        tx: the unit of work.
        settled: those that are over, instead of those that are not.
        after: id of the incident after which the list begins.
        limit: at most so many.

    Raises:
        PermissionDenied: without `Permission.AUDIT_READ`.
    """
    tx.require(Permission.AUDIT_READ)
    statement = select(Incident).order_by(Incident.detected_at.desc(), Incident.id).limit(limit)
    statement = statement.where(Incident.state.not_in(UNSETTLED) if settled else Incident.state.in_(UNSETTLED))
    last = tx.session.get(Incident, after) if after else None
    if last is not None:
        later = (Incident.detected_at == last.detected_at) & (Incident.id > last.id)
        statement = statement.where((Incident.detected_at < last.detected_at) | later)
    return tx.session.scalars(statement).all()


def count_unsettled(tx: Transaction) -> int:
    """How many copies are not as they should be and not put right yet; 0 for who may not know."""
    if not allows(tx.actor, Permission.AUDIT_READ):
        return 0
    return tx.session.scalar(select(func.count()).select_from(Incident).where(Incident.state.in_(UNSETTLED))) or 0


def find_incident(tx: Transaction, incident_id: str) -> IncidentView:
    """One incident.

    Raises:
        NotFound: there is none.
        PermissionDenied: without `Permission.AUDIT_READ`.
    """
    tx.require(Permission.AUDIT_READ)
    incident = tx.session.get(Incident, incident_id)
    if incident is None:
        raise NotFound(N_("There is no incident “{subject}”."), subject=incident_id)
    record = tx.session.get(Record, incident.record_id)
    readable = record is not None and allows(tx.actor, Permission.RECORD_READ, record)
    return IncidentView(incident=incident, title=record.title if record is not None and readable else "")


def as_json(incident: Incident) -> dict[str, Any]:
    """The JSON shape of the command line."""
    return {
        "incident": incident.id,
        "aip": incident.aip_id,
        "store": incident.store,
        "state": incident.state,
        "outcome": incident.outcome,
        "problems": incident.problem_count,
        "last_good_at": incident.last_good_at.isoformat() if incident.last_good_at else None,
        "detected_at": incident.detected_at.isoformat(),
        "source": incident.source,
        "kept": incident.kept,
    }
