"""The catalogue's table of incidents: copies that were not as they should be, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from repository.holdings import Base


class Incident(Base):
    """A copy that was found not to be what was stored: from its detection until it is well again.

    An incident outlives the package it is about, so nothing refers to the catalogue's other tables.
    """

    __tablename__ = "incident"
    __table_args__ = (Index("ix_incident_copy", "aip_id", "store"), Index("ix_incident_state", "state", "detected_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    aip_id: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[str] = mapped_column(String(36))
    store: Mapped[str] = mapped_column(String(32))
    #: an `IncidentState`
    state: Mapped[str] = mapped_column(String(16))
    #: a `storage.ocfl.verify.CopyOutcome`: what was found last
    outcome: Mapped[str] = mapped_column(String(16))
    problems: Mapped[list[Any]] = mapped_column(default=list)
    problem_count: Mapped[int]
    audit_id: Mapped[str | None] = mapped_column(String(36))
    #: when the copy was last known to be good; None where it never was
    last_good_at: Mapped[datetime | None]
    detected_at: Mapped[datetime]
    #: why a person is asked, an English template, and the values of its places
    reason: Mapped[str] = mapped_column(Text, default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    #: the store whose copy was taken to heal it
    source: Mapped[str] = mapped_column(String(32), default="")
    #: where in its own store the bad bytes are kept; empty where there were none
    kept: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(Text, default="")
