"""Under which circumstances something is done: from which address, in which request, and what its line in the logbook says beside.

The web layer opens them when a request begins; on the command line and in jobs there are none.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(kw_only=True, slots=True)
class Circumstances:
    """What is known of one request.

    Args:
        address: of who asks, as the server sees it; empty where there is no network.
        request_id: id of the request, the one that error pages show.
        told: named values that belong into the request's line (`tell`).
        noted: what the request has left in the logbook by itself, by action.
    """

    address: str = ""
    request_id: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)


_PRESENT: Final[ContextVar[Circumstances | None]] = ContextVar("jingui_circumstances", default=None)


def begin(*, address: str, request_id: str) -> Circumstances:
    """A request begins; what was known of the one before in this thread is forgotten."""
    found = Circumstances(address=address, request_id=request_id)
    _PRESENT.set(found)
    return found


def end() -> None:
    """The request is over."""
    _PRESENT.set(None)


def present() -> Circumstances:
    """The circumstances of now; empty ones outside a request."""
    return _PRESENT.get() or Circumstances()


def tell(**values: Any) -> None:
    """Puts named values (JSON) into the line that the present request will leave: what was searched for, how much was found.

    Outside a request it does nothing: who reads there notes it with `repository.logbook.recording.note_read`.
    """
    found = _PRESENT.get()
    if found is not None:
        found.told.update(values)
