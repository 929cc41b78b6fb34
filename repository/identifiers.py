"""Identifiers that the archive gives, and their forms."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Final

#: Before the number of a day and part: the OCFL objects of the journal of events.
JOURNAL_PREFIX: Final = "urn:jingui:journal:"


def new_uuid() -> str:
    """A new random id (RFC 9562 version 4); the source of `Archive.new_id`."""
    return str(uuid.uuid4())


def aip_id(record_id: str) -> str:
    """The id of the AIP, and of the OCFL object, that holds a record."""
    return f"urn:uuid:{record_id}"


def journal_id(day: date, part: int) -> str:
    """The id of an OCFL object of the journal: a day, and the part of it (from 1)."""
    return f"{JOURNAL_PREFIX}{day.isoformat()}" + (f":{part}" if part > 1 else "")


def is_journal(object_id: str) -> bool:
    """Whether an OCFL object is part of the journal, not an AIP."""
    return object_id.startswith(JOURNAL_PREFIX)
