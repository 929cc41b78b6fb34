"""What was done to a record, as its page shows it, and one event of it as PREMIS."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from access.catalogue import list_events
from metadata import premis
from repository.errors import NotFound
from repository.events import LedgerEvent, ObjectType
from repository.findings import N_
from repository.holdings import Record
from repository.transaction import Transaction

#: Events that are shown until somebody asks for more.
EVENTS: Final = 40
_STEP: Final = 200

#: Words of the ledger for outcomes as the vocabulary of PREMIS has them.
_OUTCOMES: Final = {"failure": "fail"}
#: Kinds of objects that PREMIS knows an identifier of ours for.
_PACKAGES: Final = frozenset({ObjectType.AIP, ObjectType.DIP})


@dataclass(frozen=True, kw_only=True)
class Day:
    """The events of a day, in the archive's time zone; the latest first."""

    day: date
    events: Sequence[LedgerEvent]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The events of a record as its page shows them.

    Args:
        days: the latest first.
        types: how many events there are of each type, the commonest first.
        agents: how many each agent took part in, the commonest first.
        outcomes: how many ended how.
        type: the only type that is shown, or empty.
        agent: the only agent whose events are shown, or empty.
        outcome: the only outcome that is shown, or empty.
        hidden: how many older ones are not shown.
        following: how many to ask for to see more.
    """

    days: Sequence[Day]
    types: Sequence[tuple[str, int]]
    agents: Sequence[tuple[str, int]]
    outcomes: Sequence[tuple[str, int]]
    type: str
    agent: str
    outcome: str
    hidden: int
    following: int


def timeline_of(tx: Transaction, record: Record, asked: Mapping[str, str]) -> Timeline:
    """The events of a record that `access.catalogue` gave.

    Args:
        tx: the transaction.
        record: the record.
        asked: what of it: ``event`` (type), ``agent``, ``outcome``, ``events`` (how many, or ``all``); what does not occur is ignored.

    Raises:
        PermissionDenied: without `Permission.EVENT_READ`.
    """
    events = list_events(tx, record)
    types = Counter(event.type for event in events)
    agents = Counter(name for event in events for name in {agent.name for _, agent in event.agents})
    outcomes = Counter(event.outcome for event in events)
    type = asked.get("event", "") if asked.get("event") in types else ""
    by = asked.get("agent", "") if asked.get("agent") in agents else ""
    outcome = asked.get("outcome", "") if asked.get("outcome") in outcomes else ""
    chosen = [
        event
        for event in reversed(events)
        if (not type or event.type == type)
        and (not outcome or event.outcome == outcome)
        and (not by or any(agent.name == by for _, agent in event.agents))
    ]
    many = asked.get("events", "")
    limit = len(chosen) if many == "all" else int(many) if many.isascii() and many.isdigit() and len(many) < 7 else EVENTS
    zone = ZoneInfo(tx.archive.settings.time_zone)
    shown = groupby(chosen[:limit], key=lambda event: event.at.astimezone(zone).date())
    return Timeline(
        days=[Day(day=day, events=list(of_day)) for day, of_day in shown],
        types=types.most_common(),
        agents=agents.most_common(),
        outcomes=outcomes.most_common(),
        type=type,
        agent=by,
        outcome=outcome,
        hidden=len(chosen[limit:]),
        following=limit + _STEP,
    )


def event_document(tx: Transaction, record: Record, event_id: str) -> bytes:
    """One event of a record as a PREMIS 3.0 document, with the agents that took part and the package it is about.

    Raises:
        PermissionDenied: without `Permission.EVENT_READ`.
        NotFound: the record has no such event.
    """
    assert record.aip is not None
    found = next((event for event in list_events(tx, record) if event.id == event_id), None)
    if found is None:
        raise NotFound(N_("The record has no event “{subject}”."), subject=event_id)
    agents = {agent.id: agent for _, agent in found.agents}
    about = [id for kind, id in found.objects if kind in _PACKAGES] or [record.aip.id]
    event = premis.Event(
        identifier=found.id,
        type=found.type,
        at=found.at,
        detail=json.dumps(found.detail, ensure_ascii=False, sort_keys=True) if found.detail else "",
        outcome=_OUTCOMES.get(found.outcome, found.outcome),
        outcome_note=found.note,
        agents=tuple(premis.AgentLink(identifier=agent.id, role=str(role)) for role, agent in found.agents),
        objects=tuple(premis.ObjectLink(identifier=id, kind="package") for id in about),
    )
    out = io.BytesIO()
    premis.write(
        out,
        objects=[premis.IntellectualEntity(identifier=id) for id in about],
        events=[event],
        agents=[
            premis.Agent(identifier=agent.id, name=agent.name, kind=str(agent.type), version=agent.version) for agent in agents.values()
        ],
    )
    return out.getvalue()
