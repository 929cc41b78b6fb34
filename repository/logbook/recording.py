"""Writing lines into the logbook, in the transaction of what they tell; a read has a small transaction of its own.

The logbook is the second ledger beside the PREMIS events: those tell what became of the holdings and go to storage with
them, this one tells what people did and is read by the audit administrator only (GB/T 22239-2019, 8.1.4.3 security audit).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from repository.database import insert_rows, is_reading
from repository.logbook import circumstances
from repository.logbook.chain import GENESIS, Line, digest
from repository.logbook.tables import LogEntry

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.permissions import Actor
    from repository.transaction import Transaction

SUCCESS: Final = "success"
REFUSED: Final = "refused"
FAILURE: Final = "failure"

#: Key of the PostgreSQL advisory lock under which numbers are given out; another than the event ledger's.
_LOGBOOK_LOCK: Final = 0x4A494E474C4F
#: Longest text that is kept of a value somebody else chose; what is cut off ends in an ellipsis.
_LONGEST: Final = 2000
_DEEPEST: Final = 6


def note(
    tx: Transaction,
    action: str,
    *,
    outcome: str = SUCCESS,
    object_type: str = "",
    object_id: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Leaves a line in the logbook when this transaction is committed, and none if it is rolled back.

    Values may come from anybody: control characters are written as escapes, overlong texts are cut.

    Args:
        tx: the transaction; it must be one that writes.
        action: what was done: a word and a word, ``user.created``; at most 64 characters.
        outcome: `SUCCESS`, `REFUSED` or `FAILURE`.
        object_type: kind of the thing; at most 16 characters.
        object_id: id of the thing.
        detail: named values, JSON; never a password, a token, content, nor a title or a file's name: the audit
            administrator reads the logbook and may read no records. What somebody searched for is the exception.

    Raises:
        ValueError: the transaction only reads, so that the line would be lost; see `note_read`.
    """
    if is_reading(tx.session):
        raise ValueError("a transaction that only reads leaves no line; use note_read")
    found = circumstances.present()
    found.noted.add(action)
    tx.append_line(
        Line(
            at=tx.now,
            actor_id=_plain(tx.actor.id),
            actor_name=_plain(tx.actor.name),
            action=_plain(action)[:64],
            object_type=_plain(object_type)[:16],
            object_id=_plain(object_id),
            outcome=_plain(outcome)[:16],
            address=_plain(found.address),
            request_id=_plain(found.request_id)[:32],
            detail=_json(detail or {}),
        )
    )


def note_read(
    archive: Archive,
    actor: Actor,
    action: str,
    *,
    outcome: str = SUCCESS,
    object_type: str = "",
    object_id: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Leaves a line about something that itself writes nothing, and returns when it is kept: call it before content leaves.

    The web layer does it for every page by `repository.logbook.noting`; commands and jobs call it themselves.
    """
    with archive.transaction(actor) as tx:
        note(tx, action, outcome=outcome, object_type=object_type, object_id=object_id, detail=detail)


def write_lines(session: Session, lines: Sequence[Line]) -> tuple[int, bytes]:
    """Appends lines to the chain; for `Transaction`, right before the commit.

    The lock that gives out numbers is held until the commit. It is always taken last, after the event ledger's, so that
    two transactions never wait for each other.

    Returns:
        Number and digest of the last line.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOGBOOK_LOCK})
    last = session.execute(select(LogEntry.sequence, LogEntry.digest).order_by(LogEntry.sequence.desc()).limit(1)).one_or_none()
    start, head = (last.sequence, last.digest) if last is not None else (0, GENESIS)
    digests = [head]
    for number, line in enumerate(lines, start=start + 1):
        digests.append(digest(number, line, digests[-1]))
    insert_rows(
        session,
        LogEntry,
        (
            {
                "sequence": number,
                "at": line.at,
                "actor_id": line.actor_id,
                "actor_name": line.actor_name,
                "action": line.action,
                "object_type": line.object_type,
                "object_id": line.object_id,
                "outcome": line.outcome,
                "address": line.address,
                "request_id": line.request_id,
                "detail": dict(line.detail),
                "previous_digest": previous,
                "digest": own,
            }
            for number, (line, (previous, own)) in enumerate(zip(lines, pairwise(digests), strict=True), start=start + 1)
        ),
    )
    return start + len(lines), digests[-1]


def _plain(value: str) -> str:
    """A text of one line that every database takes: control characters and halves of surrogate pairs as escapes."""
    text = "".join(character if _shown(character) else _escaped(character) for character in value[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character < "\x7f" or "\ud800" <= character <= "\udfff" else f"\\u{ord(character):04x}"


def _json(value: Mapping[str, Any]) -> dict[str, Any]:
    return {_plain(str(name)): _value(item, 1) for name, item in value.items()}


def _value(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {_plain(str(name)): _value(item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [_value(item, depth + 1) for item in items]
    return _plain(str(value))
