"""The chain of the logbook: each line carries a digest over itself and the digest of the line before.

The digest is SM3 (GB/T 32905-2016) over the line's canonical form: a JSON array of all its fields in the order of
`canonical`, escaped to ASCII, keys sorted, no spaces. Who changes, removes or inserts a line must make every later
digest anew, and the last one no longer is the one that anchors (`repository.logbook.anchors`) have kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

#: What the chain begins with, in place of a line before the first.
GENESIS: Final = bytes(32)
_FORM: Final = "jingui-log-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What stands in one line, without its place in the chain.

    Args:
        at: when, UTC.
        actor_id: id of who did it.
        actor_name: name of who did it.
        action: what was done, a word such as ``record.read``.
        object_type: kind of the thing it was done to, or empty.
        object_id: id of the thing, or empty.
        outcome: ``success``, ``refused`` or ``failure``.
        address: from where, or empty.
        request_id: in which request, or empty.
        detail: named values (JSON).
    """

    at: datetime
    actor_id: str
    actor_name: str
    action: str
    object_type: str
    object_id: str
    outcome: str
    address: str
    request_id: str
    detail: Mapping[str, Any]


def canonical(sequence: int, line: Line, previous: bytes) -> bytes:
    """The bytes that a line's digest is made of."""
    fields = [
        _FORM,
        sequence,
        line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        line.actor_id,
        line.actor_name,
        line.action,
        line.object_type,
        line.object_id,
        line.outcome,
        line.address,
        line.request_id,
        line.detail,
        previous.hex(),
    ]
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def digest(sequence: int, line: Line, previous: bytes) -> bytes:
    """The digest of a line: SM3, 32 bytes.

    Args:
        sequence: its number, from 1.
        line: what it says.
        previous: digest of the line before; `GENESIS` for the first.
    """
    return hashlib.new("sm3", canonical(sequence, line, previous)).digest()
