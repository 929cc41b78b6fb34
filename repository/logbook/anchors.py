"""Anchors: what the logbook's chain was at some moment, kept where whoever changes the catalogue does not reach it by that.

Two kinds. A file in the home holds the head after each commit; it shows lines that were cut off the end of the catalogue's
table, as long as the file was not changed too. Once a day the head goes into the ledger of PREMIS events and with the journal
into every store; it shows a chain that was made again from some line on, even if catalogue and home were both rewritten.

What cannot be seen: lines cut off since the last daily anchor by somebody who changes the catalogue and the home's file
together, and whatever was kept out of the logbook before it was written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import func, select

from repository.events import EventType, ObjectType
from repository.findings import N_
from repository.holdings import Event, EventObject
from repository.logbook.tables import LogEntry

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext
    from repository.transaction import Transaction

#: The file in the home.
HEAD_FILE: Final = "logbook-head.json"
#: What the daily event is about (`ObjectType.CATALOGUE`).
LOGBOOK: Final = "logbook"


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """The chain as it was.

    Args:
        lines: number of lines.
        digest: digest of the last of them, hexadecimal.
        kept: where: in the home, or in the ledger of events.
    """

    lines: int
    digest: str
    kept: Literal["home", "ledger"]


def keep_head(archive: Archive, lines: int, digest: bytes) -> None:
    """Writes the head of the chain into the home.

    Processes that commit at once may write in the wrong order; the file then tells an earlier head, which is true as well.
    """
    target = head_file(archive)
    with NamedTemporaryFile("w", encoding="ascii", dir=target.parent, prefix=".logbook-", delete=False) as stream:
        json.dump({"lines": lines, "digest": digest.hex()}, stream)
    os.replace(stream.name, target)


def head_file(archive: Archive) -> Path:
    """Where the home keeps the head."""
    return archive.settings.under_home(HEAD_FILE)


def kept_head(archive: Archive) -> Anchor | None:
    """The head that the home's file tells; None where there is no file yet.

    Raises:
        ValueError: the file is there and is not what we write.
    """
    try:
        found = json.loads(head_file(archive).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return _anchor(found, "home")


def anchors_in_ledger(tx: Transaction) -> list[Anchor]:
    """Every anchor that the ledger of events has, oldest first."""
    statement = (
        select(Event.detail)
        .join(EventObject, EventObject.event_id == Event.id)
        .where(EventObject.object_type == str(ObjectType.CATALOGUE), EventObject.object_id == LOGBOOK)
        .order_by(Event.sequence)
    )
    return [_anchor(detail, "ledger") for detail in tx.session.scalars(statement)]


def anchor(tx: Transaction) -> str | None:
    """Puts the present head of the chain into the ledger of events, and with the next journal into every store.

    Returns:
        The id of the event; None if there are no lines since the last anchor.
    """
    lines = tx.session.scalar(select(func.max(LogEntry.sequence))) or 0
    earlier = anchors_in_ledger(tx)
    if lines <= (earlier[-1].lines if earlier else 0):
        return None
    digest = tx.session.scalars(select(LogEntry.digest).where(LogEntry.sequence == lines)).one()
    return tx.record_event(
        EventType.MESSAGE_DIGEST_CALCULATION,
        objects=[(ObjectType.CATALOGUE, LOGBOOK)],
        detail={"lines": lines, "digest": digest.hex(), "algorithm": "SM3", "note": N_("The logbook has {lines} lines.")},
        note=f"The logbook has {lines} lines.",
        decision=True,
    )


def anchor_job(context: JobContext) -> dict[str, Any]:
    """Job ``logbook.anchor``: the daily anchor."""
    with context.archive.transaction(context.actor) as tx:
        return {"event": anchor(tx)}


def _anchor(found: dict[str, Any], kept: Literal["home", "ledger"]) -> Anchor:
    try:
        return Anchor(lines=int(found["lines"]), digest=str(found["digest"]), kept=kept)
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
