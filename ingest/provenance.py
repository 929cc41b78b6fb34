"""What the package itself tells of how it came to be: the events so far and who did them, as PREMIS has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ingest.recording import agents_of
from ingest.work import Work
from metadata.premis import Agent, AgentLink, Event, ObjectLink
from repository.agents import AgentKey, AgentRole
from repository.events import EventOutcome, LedgerEvent

#: The outcomes of the ledger in the words of the Library of Congress.
_OUTCOMES: Final[Mapping[str, str]] = {EventOutcome.SUCCESS: "success", EventOutcome.WARNING: "warning", EventOutcome.FAILURE: "fail"}


def provenance(work: Work, aip_id: str, earlier: Sequence[LedgerEvent]) -> tuple[list[Event], list[Agent]]:
    """Events and agents for the package of a submission.

    Args:
        work: the submission; its events so far.
        aip_id: the package.
        earlier: the events of the versions before, as the ledger has them.
    """
    agents: dict[str, AgentKey] = {}

    def links(taking_part: Sequence[tuple[str, AgentKey]]) -> tuple[AgentLink, ...]:
        agents.update((agent.id, agent) for _, agent in taking_part)
        return tuple(AgentLink(identifier=agent.id, role=str(AgentRole(role))) for role, agent in taking_part)

    subject = (ObjectLink(identifier=aip_id, kind="package"),)
    events = [
        Event(
            identifier=event.id,
            type=event.type,
            at=event.at,
            detail=_detail(event.detail),
            outcome=_OUTCOMES.get(event.outcome, event.outcome),
            outcome_note=event.note,
            agents=links(event.agents),
            objects=subject,
        )
        for event in earlier
    ]
    events += [
        Event(
            identifier=item.id,
            type=item.type,
            at=item.at,
            detail=_detail(item.detail),
            outcome=_OUTCOMES[item.outcome],
            outcome_note=item.note,
            agents=links(agents_of(work, item)),
            objects=subject,
        )
        for item in work.events
    ]
    return events, [Agent(identifier=key.id, name=key.name, kind=str(key.type), version=key.version) for key in agents.values()]


def _detail(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""
