"""The search page: one box, facets, chips, columns, and the same as a spreadsheet. The whole state is in the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from flask import Response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from access.blueprint import blueprint, download
from access.columns import COLUMNS, Column, chosen_columns
from access.facets import FACETS, panels, reliefs, wanted_facets
from repository.accounts.preferences import preferences, remember
from repository.archive import Archive
from repository.findings import N_
from repository.permissions import Actor, Permission
from repository.search.address import LOOKS, canonical, query_of
from repository.search.finding import FoundRecord, SearchQuery, find_records, next_records
from repository.search.order import Sort
from repository.search.rules import Rule
from repository.search.saved import may_share, saved_searches
from repository.web import session
from repository.web.spreadsheets import csv_blocks
from repository.web.words import retention_word, word

PAGE: Final = 30

#: The orders, as a page offers them.
SORTS: Final[Mapping[Sort, str]] = {
    Sort.LATEST: N_("latest change first"),
    Sort.RELEVANCE: N_("found in the title first"),
    Sort.TITLE: N_("by title"),
    Sort.YEAR: N_("latest year first"),
}
#: The rules, as a page offers them to staff.
RULES: Final[Mapping[Rule, str]] = {
    Rule.EXPIRES_THIS_YEAR: N_("retention ends this year"),
    Rule.EXPIRED: N_("retention has ended"),
    Rule.NO_SHARING: N_("no sharing class"),
    Rule.UNIDENTIFIED: N_("holds files of unknown format"),
    Rule.NEVER_AUDITED: N_("never audited"),
    Rule.AUDIT_OVERDUE: N_("audit overdue"),
}
_COLUMNS: Final = "records.columns"
_VIEW: Final = "records.view"


@blueprint.get("/")
@session.needs(Permission.RECORD_READ)
def records() -> str:
    """What is found, with everything that narrows it down."""
    query = _query(limit=PAGE)
    opened = [name for name in request.args.getlist("facet") if name in FACETS]
    with session.archive().read(session.actor()) as tx:
        found = find_records(tx, query, facets=wanted_facets(query.filters, opened), insist=opened)
        kept = preferences(tx)
        return render_template(
            "access/records.html",
            found=found,
            query=query,
            panels=panels(tx, found, query.filters),
            reliefs=reliefs(tx, query) if not found.total else (),
            headings=FACETS,
            sorts=SORTS,
            rules=RULES if session.may(Permission.AUDIT_READ) else {},
            columns=_columns(kept),
            every_column=COLUMNS.values(),
            view=_view(kept),
            saved=saved_searches(tx),
            may_share=may_share(tx),
            state=canonical(request.query_string.decode("ascii", "replace")),
        )


@blueprint.post("/columns")
@session.needs(Permission.RECORD_READ)
def choose_columns() -> AnyResponse:
    """Keeps the columns and the view that somebody chose, and shows the list with them."""
    names = [name for name in request.form.getlist("columns") if name in COLUMNS]
    state = canonical(request.form.get("state", ""))
    with session.archive().transaction(session.actor()) as tx:
        remember(tx, _COLUMNS, names)
        remember(tx, _VIEW, "table")
    pairs = [pair for pair in parse_qsl(state) if pair[0] not in LOOKS]
    return redirect(f"{url_for('access.records')}?{urlencode([*pairs, ('view', 'table'), ('columns', ','.join(names))])}")


@blueprint.get("/records.csv")
@session.needs(Permission.RECORD_READ)
def records_csv() -> Response:
    """All that is found, in the chosen columns, as a spreadsheet made while it is sent."""
    archive, actor = session.archive(), session.actor()
    query = _query()
    with archive.read(actor) as tx:
        columns = _columns(preferences(tx))
        # what cannot be asked is refused before anything is sent
        next_records(tx, query)
    heading = [gettext("Title"), *(gettext(column.label) for column in columns)]
    zone = ZoneInfo(archive.settings.time_zone)
    rows = ([record.title, *(_cell(column, record, zone) for column in columns)] for record in _every(archive, actor, query))
    return download(csv_blocks(heading, rows), gettext("records") + ".csv", "text/csv; charset=utf-8")


def _query(*, limit: int = PAGE) -> SearchQuery:
    pairs = [(name, value) for name, values in request.args.lists() for value in values]
    return query_of(pairs, limit=limit, after=request.args.get("after") or None, before=request.args.get("before") or None)


def _view(kept: Mapping[str, object]) -> str:
    asked = request.args.get("view") or kept.get(_VIEW)
    return "table" if asked == "table" else "list"


def _columns(kept: Mapping[str, object]) -> Sequence[Column]:
    asked = request.args.get("columns")
    remembered = kept.get(_COLUMNS)
    names = asked.split(",") if asked else remembered if isinstance(remembered, list) else ()
    return chosen_columns(names)


def _every(archive: Archive, actor: Actor, query: SearchQuery) -> Iterator[FoundRecord]:
    """Every record found. No transaction stays open while a slow reader takes what was found so far."""
    after: str | None = None
    while True:
        with archive.read(actor) as tx:
            found, after = next_records(tx, replace(query, after=after, before=None))
        yield from found
        if after is None:
            return


def _cell(column: Column, record: FoundRecord, zone: ZoneInfo) -> object:
    value = column.value(record)
    match column.kind:
        case "moment":
            return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else ""
        case "retention":
            return retention_word(str(value)) if value else ""
        case "word":
            return word(str(value))
    return value
