"""Console pages of access: search, one record, one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask_babel import gettext

from access import catalogue, delivery, reading
from metadata.description import Description
from preservation.identification.remarks import translated
from repository.aip import description_from_json
from repository.events import LedgerEvent
from repository.findings import N_
from repository.permissions import Permission
from repository.search.finding import FILTERS, SearchQuery, SearchResult, find_records
from repository.transaction import Transaction
from repository.web import session
from repository.web.formatting import attachment
from repository.web.words import retention_word, word

blueprint = Blueprint("access", __name__, url_prefix="/records", template_folder="templates")

PAGE = 30
FILES = 100
EVENTS = 40

#: What the narrowing-down beside the results is headed by.
FACETS = {
    "unit": N_("Agency"),
    "affair_type": N_("Kind of affair"),
    "affair": N_("Affair"),
    "year": N_("Year"),
    "retention": N_("Retention"),
    "sharing": N_("Sharing"),
    "profile": N_("Package kind"),
    "format": N_("Format"),
    "agreement": N_("Agreement"),
}
#: Those that are always counted; the others are when they are in force.
USUAL = ("unit", "affair_type", "year", "retention", "profile", "format")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A value that the records found can be narrowed by, as a page shows it.

    Args:
        value: as the address has it.
        label: for people.
        code: the value itself where the label does not say it, or empty.
        count: records that have it; with it is left out, more.
        chosen: whether it is in force.
        values: of the same filter that would be in force after following the link.
    """

    value: str
    label: str
    code: str
    count: int
    chosen: bool
    values: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The events of a record as its page shows them.

    Args:
        events: newest first.
        types: how many there are of each type, the commonest first.
        chosen: the only type that is shown, or empty.
        hidden: how many older ones are not shown.
    """

    events: Sequence[LedgerEvent]
    types: Sequence[tuple[str, int]]
    chosen: str
    hidden: int


@blueprint.get("/")
@session.needs(Permission.RECORD_READ)
def records() -> str:
    """Search with facets; the whole state is in the address."""
    filters = {name: values for name in FILTERS if (values := [value for value in request.args.getlist(name) if value])}
    query = SearchQuery(text=request.args.get("q", ""), filters=filters, limit=PAGE, after=request.args.get("after"))
    with session.archive().read(session.actor()) as tx:
        found = find_records(tx, query, facets=[name for name in FACETS if name in USUAL or name in filters])
        facets = _facets(tx, found, filters)
    return render_template("access/records.html", found=found, facets=facets, filters=filters, headings=FACETS)


@blueprint.get("/<record_id>")
@session.needs(Permission.RECORD_READ)
def record(record_id: str) -> str:
    """Everything the asker may see of one record."""
    with session.archive().read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        roles = () if request.args.get("all") and session.may(Permission.RECORD_EXPORT) else ("content",)
        page = catalogue.list_files(tx, row, after=request.args.get("after"), limit=FILES, roles=roles)
        events = catalogue.list_events(tx, row) if session.may(Permission.EVENT_READ) else ()
        description: Description = description_from_json(row.description)
        return render_template(
            "access/record.html",
            record=row,
            aip=row.aip,
            description=description,
            page=page,
            timeline=_timeline(events, chosen=request.args.get("event", ""), whole=bool(request.args.get("events"))),
            remark=lambda text: translated(text, gettext),
        )


@blueprint.get("/<record_id>/files/<int:file_id>")
@session.needs(Permission.RECORD_EXPORT)
def file(record_id: str, file_id: int) -> Response:
    """One file as it is kept, for saving; never shown by the browser itself, for it is somebody else's content."""
    archive = session.archive()
    with archive.transaction(session.actor()) as tx:
        opened = delivery.open_file(tx, catalogue.find_record(tx, record_id), file_id)
    answer = _download(Response(stream_with_context(opened.blocks()), mimetype="application/octet-stream"), opened.name)
    answer.headers["Content-Length"] = str(opened.size)
    answer.headers["Repr-Digest"] = f"sha-256=:{opened.sha256_base64}:"
    return answer


@blueprint.get("/<record_id>/premis.xml")
@session.needs(Permission.RECORD_EXPORT)
def premis(record_id: str) -> Response:
    """The PREMIS document of the package, for saving."""
    archive = session.archive()
    with archive.read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        tx.require(Permission.EVENT_READ, row)
        tx.require(Permission.RECORD_EXPORT, row)
        holding = reading.holding_of(tx, row)
    blocks = delivery.premis_blocks(archive, holding)
    return _download(Response(stream_with_context(blocks), mimetype="application/xml"), f"premis-{record_id}.xml")


@blueprint.get("/<record_id>/dip.zip")
@session.needs(Permission.DIP_CREATE)
def dip(record_id: str) -> Response:
    """A copy for use: the files with METS, PREMIS and a page to read them by, as a zip made while it is sent."""
    archive = session.archive()
    with archive.transaction(session.actor()) as tx:
        package = delivery.prepare_dip(tx, record_id)
    return _download(Response(stream_with_context(package.zip_blocks()), mimetype="application/zip"), f"{package.name}.zip")


def _download(answer: Response, name: str) -> Response:
    """Has the browser save it; should it show it all the same, nothing in it can run or reach us."""
    answer.headers["Content-Disposition"] = attachment(name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _facets(tx: Transaction, found: SearchResult, filters: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Choice]]:
    """The facets that leave a choice, with words for the values."""
    names = catalogue.format_names(tx, [item.value for item in found.facets.get("format", ()) if item.value])
    facets: dict[str, list[Choice]] = {}
    for facet, items in found.facets.items():
        chosen = [*filters.get(facet, ())]
        # a value in force of which nothing is left must stay there to be taken away
        counted = {item.value: item.count for item in items if item.value} | dict.fromkeys(set(chosen) - {item.value for item in items}, 0)
        if len(counted) < 2 and not chosen:
            continue
        facets[facet] = [
            Choice(
                value=value,
                label=_label(facet, value, names),
                code=value if facet == "format" and value in names else "",
                count=count,
                chosen=value in chosen,
                values=[other for other in chosen if other != value] if value in chosen else [*chosen, value],
            )
            for value, count in counted.items()
        ]
    return facets


def _label(facet: str, value: str, formats: Mapping[str, str]) -> str:
    match facet:
        case "format":
            return formats.get(value, value)
        case "retention":
            return retention_word(value)
        case "profile":
            return word(value)
    return value


def _timeline(events: Sequence[LedgerEvent], *, chosen: str, whole: bool) -> Timeline:
    types = Counter(event.type for event in events)
    chosen = chosen if chosen in types else ""
    shown = [event for event in reversed(events) if not chosen or event.type == chosen]
    limit = len(shown) if whole else EVENTS
    return Timeline(events=shown[:limit], types=types.most_common(), chosen=chosen, hidden=len(shown[limit:]))
