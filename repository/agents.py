"""Agents (PREMIS): who or what takes part in events, each known once by type, name and version."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from sqlalchemy.orm import Session

from repository import __version__
from repository.database import insertion
from repository.holdings import Agent
from repository.permissions import Actor

_NAMESPACE: Final = uuid.UUID("6f0b4d2e-54d8-5f0a-9d0f-6a3f1c1f7a10")


class AgentType(StrEnum):
    """Kinds of agents (PREMIS 3.0 agentType, LoC vocabulary)."""

    PERSON = "person"
    ORGANIZATION = "organization"
    SOFTWARE = "software"


class AgentRole(StrEnum):
    """What an agent does in an event (PREMIS 3.0 linkingAgentRole, LoC vocabulary)."""

    IMPLEMENTER = "implementer"
    AUTHORIZER = "authorizer"
    EXECUTING_PROGRAM = "executing program"
    VALIDATOR = "validator"


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentKey:
    """What tells agents apart.

    Args:
        type: person, organisation or software.
        name: name of the account, the organisation or the program.
        version: of a program; with signature releases where they decide what it says (``1.6.1 signatures 116``).
    """

    type: AgentType
    name: str
    version: str = ""

    @property
    def id(self) -> str:
        """The agent's id: made from what it is, so that a rebuilt catalogue has the same ids."""
        return _agent_id(f"{self.type}\n{self.name}\n{self.version}")


@lru_cache(1024)
def _agent_id(key: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, key))


#: This program.
JINGUI: Final = AgentKey(type=AgentType.SOFTWARE, name="Jingui", version=__version__)


def agent_of(actor: Actor) -> AgentKey:
    """The agent that stands in events for an actor."""
    if actor.kind == "system":
        return AgentKey(type=AgentType.SOFTWARE, name=f"Jingui {actor.name}", version=__version__)
    return AgentKey(type=AgentType.PERSON, name=actor.name)


def ensure_agents(session: Session, agents: Iterable[AgentKey]) -> None:
    """Makes sure that every agent has its row; two transactions may do so at once."""
    rows = [
        {"id": id, "type": str(agent.type), "name": agent.name, "version": agent.version}
        # in one order, so that two transactions do not wait for each other in a circle
        for id, agent in sorted({agent.id: agent for agent in agents}.items())
    ]
    if rows:
        session.execute(insertion(session, Agent).on_conflict_do_nothing(), rows)
