"""The ledger of PREMIS events: append-only, numbered without gaps, refused by the database to whoever would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, selectinload

from repository.agents import AgentKey, AgentType, ensure_agents
from repository.database import insert_rows
from repository.holdings import Event, EventAgent, EventObject

#: Key of the PostgreSQL advisory lock under which sequence numbers are given out.
_LEDGER_LOCK: Final = 0x4A494E475549
_BATCH: Final = 10_000


#: In the detail of a fixity check of a copy (an event about an AIP and a store): what became of the copy, a `CopyState`.
COPY_STATE: Final = "copy_state"


class EventType(StrEnum):
    """What happened: the words of the Library of Congress vocabulary ``preservation/eventType``."""

    ACCESSION = "accession"
    APPRAISAL = "appraisal"
    CAPTURE = "capture"
    CREATION = "creation"
    DEACCESSION = "deaccession"
    DELETION = "deletion"
    DIGITAL_SIGNATURE_VALIDATION = "digital signature validation"
    DISSEMINATION = "dissemination"
    EXPORTING = "exporting"
    EXTRACTION = "extraction"
    FILENAME_CHANGE = "filename change"
    FIXITY_CHECK = "fixity check"
    FORMAT_IDENTIFICATION = "format identification"
    INFORMATION_PACKAGE_CREATION = "information package creation"
    INGESTION = "ingestion"
    INGESTION_START = "ingestion start"
    INGESTION_END = "ingestion end"
    MESSAGE_DIGEST_CALCULATION = "message digest calculation"
    METADATA_EXTRACTION = "metadata extraction"
    METADATA_MODIFICATION = "metadata modification"
    MIGRATION = "migration"
    MODIFICATION = "modification"
    NORMALIZATION = "normalization"
    PACKING = "packing"
    POLICY_ASSIGNMENT = "policy assignment"
    QUARANTINE = "quarantine"
    RECOVERY = "recovery"
    REDACTION = "redaction"
    REPLICATION = "replication"
    TRANSFER = "transfer"
    UNPACKING = "unpacking"
    UNQUARANTINE = "unquarantine"
    VALIDATION = "validation"
    VIRUS_CHECK = "virus check"


class EventOutcome(StrEnum):
    """How it ended (LoC vocabulary ``preservation/eventOutcome``)."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


class ObjectType(StrEnum):
    """What an event is about."""

    RECORD = "record"
    AIP = "aip"
    DIP = "dip"
    FILE = "file"
    SUBMISSION = "submission"
    STORE = "store"
    AUDIT = "audit"
    USER = "user"
    AGREEMENT = "agreement"
    SIGNATURES = "signatures"
    CATALOGUE = "catalogue"


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEvent:
    """One event with all that belongs to it, as the ledger, the journal and PREMIS tell it.

    Args:
        id: its id.
        sequence: its number in the ledger, from 1, without gaps.
        type: what happened; `EventType`, or a word of a newer ledger that is read back.
        at: when.
        outcome: how it ended.
        detail: named values (JSON).
        note: text for people (eventOutcomeDetailNote).
        objects: what it was about: type and id, in order.
        agents: who took part: role and agent, in order.
    """

    id: str
    sequence: int
    type: str
    at: datetime
    outcome: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    objects: Sequence[tuple[str, str]] = ()
    agents: Sequence[tuple[str, AgentKey]] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape of a line of the journal."""
        return {
            "id": self.id,
            "sequence": self.sequence,
            "type": str(self.type),
            "at": self.at.isoformat(),
            "outcome": str(self.outcome),
            "detail": dict(self.detail),
            "note": self.note,
            "objects": [{"type": str(kind), "id": id} for kind, id in self.objects],
            "agents": [
                {"role": str(role), "type": str(agent.type), "name": agent.name, "version": agent.version} for role, agent in self.agents
            ],
        }

    @staticmethod
    def from_json(line: Mapping[str, Any]) -> LedgerEvent:
        """Reads the shape of a line of the journal.

        Raises:
            KeyError, ValueError, TypeError: the line is not of that shape.
        """
        return LedgerEvent(
            id=line["id"],
            sequence=int(line["sequence"]),
            type=line["type"],
            at=datetime.fromisoformat(line["at"]),
            outcome=line["outcome"],
            detail=line["detail"],
            note=line["note"],
            objects=tuple((item["type"], item["id"]) for item in line["objects"]),
            agents=tuple(
                (item["role"], AgentKey(type=AgentType(item["type"]), name=item["name"], version=item["version"]))
                for item in line["agents"]
            ),
        )


def next_sequence(session: Session) -> int:
    """The next free number of the ledger, with the writer lock held until the transaction ends.

    On SQLite the transaction holds the only writer lock anyway; on PostgreSQL an advisory lock makes who comes second
    wait, so that numbers become visible in their order and "all events up to n" never changes afterwards.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LEDGER_LOCK})
    return (session.scalar(select(func.max(Event.sequence))) or 0) + 1


def insert_events(session: Session, events: Iterable[LedgerEvent]) -> int:
    """Appends events as they are, with their ids and numbers, in batches; says how many."""
    source = iter(events)
    count = 0
    while batch := list(islice(source, _BATCH)):
        ensure_agents(session, (agent for event in batch for _, agent in event.agents))
        insert_rows(
            session,
            Event,
            (
                {
                    "id": event.id,
                    "sequence": event.sequence,
                    "type": str(event.type),
                    "at": event.at,
                    "outcome": str(event.outcome),
                    "detail": dict(event.detail),
                    "note": event.note,
                }
                for event in batch
            ),
        )
        insert_rows(
            session,
            EventObject,
            (
                {"event_id": event.id, "position": position, "object_type": str(kind), "object_id": id}
                for event in batch
                for position, (kind, id) in enumerate(event.objects)
            ),
        )
        insert_rows(
            session,
            EventAgent,
            (
                {"event_id": event.id, "position": position, "agent_id": agent.id, "role": str(role)}
                for event in batch
                for position, (role, agent) in enumerate(event.agents)
            ),
        )
        count += len(batch)
    return count


def read_events(session: Session, *, after: int = 0, up_to: int | None = None, limit: int = _BATCH) -> list[LedgerEvent]:
    """Events of the ledger in their order.

    Args:
        session: where to read.
        after: only those with a greater number.
        up_to: only those with this number or a smaller one.
        limit: at most so many.
    """
    statement = select(Event).where(Event.sequence > after).order_by(Event.sequence).limit(limit)
    if up_to is not None:
        statement = statement.where(Event.sequence <= up_to)
    return list(_ledger_events(session, statement))


def events_of(session: Session, objects: Sequence[tuple[ObjectType, str]]) -> list[LedgerEvent]:
    """Every event that is about one of the objects, in the ledger's order."""
    ids: set[str] = set()
    for kind, id in objects:
        ids.update(session.scalars(select(EventObject.event_id).where(EventObject.object_type == str(kind), EventObject.object_id == id)))
    found: list[LedgerEvent] = []
    remaining = sorted(ids)
    for start in range(0, len(remaining), 500):
        found.extend(_ledger_events(session, select(Event).where(Event.id.in_(remaining[start : start + 500]))))
    return sorted(found, key=lambda event: event.sequence)


def _ledger_events(session: Session, statement: Any) -> Iterator[LedgerEvent]:
    rows = session.scalars(statement.options(selectinload(Event.objects), selectinload(Event.agents).joinedload(EventAgent.agent)))
    for row in rows:
        yield LedgerEvent(
            id=row.id,
            sequence=row.sequence,
            type=row.type,
            at=row.at,
            outcome=row.outcome,
            detail=row.detail,
            note=row.note,
            objects=tuple((item.object_type, item.object_id) for item in row.objects),
            agents=tuple(
                (item.role, AgentKey(type=AgentType(item.agent.type), name=item.agent.name, version=item.agent.version))
                for item in row.agents
            ),
        )
