"""The logbook's pages: read, narrow down, take along as a table, prove the chain. For the audit administrator alone."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from repository.errors import UsageError
from repository.findings import N_
from repository.logbook.actions import ACTION_WORDS, DETAIL_WORDS, OBJECT_WORDS
from repository.logbook.reading import PLACES, LogQuery, known_actions, list_lines, stream_lines, verify
from repository.logbook.recording import FAILURE, REFUSED, SUCCESS, note_read
from repository.logbook.tables import LogEntry
from repository.permissions import Permission
from repository.web import session
from repository.web.formatting import attachment, said
from repository.web.spreadsheets import csv_blocks

blueprint = Blueprint("logbook", __name__, template_folder="templates")

PAGE: Final = 100
COLUMNS: Final = (
    "sequence", "at", "person", "person_id", "action", "object_type", "object_id", "outcome", "address", "request_id", "detail", "digest",
)  # fmt: skip


@blueprint.get("/log")
@session.needs(Permission.LOG_READ)
def log() -> str:
    """A page of the logbook, newest first; the whole state is in the address."""
    query = _query(limit=PAGE)
    with session.archive().read(session.actor()) as tx:
        page = list_lines(tx, query)
        actions = known_actions(tx)
    return render_template(
        "logbook/log.html",
        page=page,
        query=query,
        narrowed=any((query.person, query.action, query.object_id, query.outcome, query.since, query.until)),
        actions=actions,
        outcomes=(SUCCESS, REFUSED, FAILURE),
        action_word=_action_word,
        object_word=lambda code: gettext(OBJECT_WORDS[code]) if code in OBJECT_WORDS else code,
        detail_text=_detail,
    )


@blueprint.get("/log.csv")
@session.needs(Permission.LOG_READ)
def log_csv() -> Response:
    """The lines asked for as a table for a spreadsheet, sent while it is read."""
    query = _query(limit=PAGE)
    archive, actor = session.archive(), session.actor()
    with archive.read(actor) as tx:
        tx.require(Permission.LOG_READ)
    blocks = csv_blocks(COLUMNS, map(_row, stream_lines(archive, actor, query)))
    answer = Response(stream_with_context(blocks), mimetype="text/csv")
    answer.headers["Content-Disposition"] = attachment("logbook.csv")
    return answer


@blueprint.post("/log/verify")
@session.needs(Permission.LOG_READ)
def verification() -> AnyResponse:
    """Follows the whole chain and says whether it holds."""
    archive, actor = session.archive(), session.actor()
    with archive.read(actor) as tx:
        tx.require(Permission.LOG_READ)
    found = verify(archive, actor)
    detail = {"lines": found.lines, "anchors": found.anchors}
    if found.broken is None:
        note_read(archive, actor, "log.verified", detail=detail)
        flash(
            gettext("The chain holds. Lines: %(lines)s; heads kept elsewhere that agree: %(anchors)s.", **detail),
            "good",
        )
    else:
        note_read(archive, actor, "log.verified", outcome=FAILURE, detail={**detail, "broken": found.broken.sequence})
        values = {**found.broken.values, "subject": str(found.broken.sequence)}
        if "place" in values:
            values["place"] = gettext(PLACES[values["place"]])
        flash(gettext("The chain is broken.") + " " + said(found.broken.template, values), "bad")
    return redirect(url_for("logbook.log"))


def _query(*, limit: int) -> LogQuery:
    given = {name: request.args.get(name, "").strip() for name in ("person", "action", "object", "outcome", "since", "until", "before")}
    before = given["before"]
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise UsageError(N_("“{subject}” is not the number of a line."), subject=before, remedy=N_("Start again from the first page."))
    since, until = _day(given["since"]), _day(given["until"])
    return LogQuery(
        person=given["person"],
        action=given["action"],
        object_id=given["object"],
        outcome=given["outcome"],
        since=since,
        # the day named is the last that counts
        until=until + timedelta(days=1) if until else None,
        before=int(before) if before else None,
        limit=limit,
    )


def _day(text: str) -> datetime | None:
    """The beginning of a day in the archive's time zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year < 9999:
        raise UsageError(N_("“{subject}” is not a day."), subject=text, remedy=N_("Write it as 2024-05-31."))
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(session.archive().settings.time_zone))


def _row(line: LogEntry) -> tuple[object, ...]:
    return (
        line.sequence,
        line.at.isoformat(),
        line.actor_name,
        line.actor_id,
        line.action,
        line.object_type,
        line.object_id,
        line.outcome,
        line.address,
        line.request_id,
        json.dumps(line.detail, ensure_ascii=False, sort_keys=True) if line.detail else "",
        line.digest.hex(),
    )


def _action_word(action: str) -> str:
    return gettext(ACTION_WORDS[action]) if action in ACTION_WORDS else action


def _detail(entry: LogEntry) -> list[tuple[str, str]]:
    """The named values of a line as they are shown: plain text, whatever they are."""
    shown = []
    for name, value in entry.detail.items():
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        word = gettext(DETAIL_WORDS[name]) if name in DETAIL_WORDS else name
        shown.append((word, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return shown
