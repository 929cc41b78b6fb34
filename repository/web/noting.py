"""The logbook's line for each request: read, searched, opened, exported, changed, refused. Written before content leaves.

What an endpoint's line says is in `Feature.noted`. Where a use case left the line itself (`repository.logbook.recording.note`)
there is no second one; a request that changes something and left no line at all is noted here all the same.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, Response, g, request
from flask_login import current_user

from repository.features import noted
from repository.logbook import circumstances
from repository.logbook.actions import Noted
from repository.logbook.recording import REFUSED, SUCCESS, note_read
from repository.permissions import Actor
from repository.web import session

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Answers that give nothing: 404 is also the answer for what the asker may not know of, 410 that for what is destroyed.
_REFUSALS: Final = frozenset({403, 404, 410})


def register(app: Flask) -> None:
    """Has every request of the application noted."""
    app.before_request(_begin)
    app.after_request(_note)
    app.teardown_request(_end)


def _begin() -> None:
    circumstances.begin(address=request.remote_addr or "", request_id=g.get("request_id", ""))


def _end(error: BaseException | None) -> None:
    circumstances.end()


def _note(response: Response) -> Response:
    if g.get("noted") or request.endpoint is None:
        return response
    # an error while noting makes an error page, which must not try again
    g.noted = True
    actor = _asker()
    entry = noted().get(request.endpoint)
    outcome = REFUSED if response.status_code in _REFUSALS else SUCCESS
    if actor is None or (outcome == SUCCESS and not _worth_a_line(entry, response)):
        return response
    if entry is None or not entry.action:
        entry = Noted(action="page.opened" if request.method in _READING else "form.sent")
    note_read(
        session.archive(),
        actor,
        entry.action,
        outcome=outcome,
        object_type=entry.object_type,
        object_id=str((request.view_args or {}).get(entry.argument, "")),
        detail=_detail(entry, response),
    )
    return response


def _worth_a_line(entry: Noted | None, response: Response) -> bool:
    if response.status_code >= 400:
        return False
    noted_already = circumstances.present().noted
    if request.method in _READING:
        return entry is not None and bool(entry.action) and entry.action not in noted_already and response.status_code < 300
    return not noted_already and (entry is None or bool(entry.action))


def _asker() -> Actor | None:
    """Who asks, at a page or through the API; None for somebody unknown."""
    found = g.get("actor")
    if isinstance(found, Actor):
        return found
    return session.actor() if current_user.is_authenticated else None


def _detail(entry: Noted, response: Response) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in entry.arguments:
        given = (request.view_args or {}).get(name) or request.args.getlist(name)
        if given:
            values[name] = given
    if not entry.argument:
        values["path"] = request.path
    if response.status_code >= 300 or request.method not in _READING:
        values |= {"method": request.method, "status": response.status_code}
    return values | circumstances.present().told
