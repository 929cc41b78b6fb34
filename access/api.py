"""Operations of access: searching records, reading one, taking its files out."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from flask import Response, request, stream_with_context

from access import api_schemas as shapes
from access import catalogue, delivery, reading
from repository.aip import description_from_json
from repository.api.etags import etag_of, unchanged
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Mode, Operation
from repository.api.pagination import PageQuery, cut, link, seal, unseal
from repository.api.ranges import range_wanted
from repository.findings import N_
from repository.holdings import Record
from repository.permissions import Actor, Permission, allows
from repository.search.finding import FILTERS, SearchQuery, find_records
from repository.transaction import Transaction
from repository.web import session
from repository.web.formatting import attachment

blueprint = ApiBlueprint("api_access", __name__)

_RECORD: Final = {"record_id": N_("Id of the record.")}
_FILE: Final = {**_RECORD, "file_id": N_("Id of the file.")}
_UNCHANGED: Final = Answer(description=N_("Nothing changed."), headers=("ETag",))
_DOWNLOAD: Final = ("ETag", "Accept-Ranges", "Content-Disposition", "Repr-Digest", "Content-Digest")
#: A part up to this size comes with a digest of its own.
_DIGESTED: Final = 1024 * 1024
_QUERY_LANGUAGE: Final = N_(
    "Words are looked for in titles, descriptions and names of files; filters given more than once mean any of their values. "
    "Records that the asker may not read are neither found nor counted."
)


@blueprint.operation(
    Operation(
        id="search_records",
        method="GET",
        path="/records",
        tag="records",
        summary=N_("Search the records"),
        description=_QUERY_LANGUAGE,
        needs=(Permission.RECORD_READ,),
        query=shapes.RecordQuery,
        answers={200: Answer(description=N_("What was found."), model=shapes.RecordPage, headers=("Link",))},
    )
)
def search_records(tx: Transaction, query: shapes.RecordQuery) -> Reply:
    """A page of what was found."""
    filters = {name: values for name in FILTERS if (values := [value for value in getattr(query, name) if value])}
    found = find_records(
        tx,
        SearchQuery(
            text=query.q,
            filters=filters,
            rules=query.rule,
            since=query.since,
            until=query.until,
            sort=query.sort,
            limit=query.limit,
            after=unseal(query.after),
        ),
        facets=list(dict.fromkeys(query.facet)),
    )
    following = seal(found.after) if found.after is not None else None
    page = shapes.RecordPage(
        items=[shapes.FoundRecord.model_validate(record, from_attributes=True) for record in found.records],
        next=following,
        total=found.total,
        facets={
            name: [shapes.FacetValue(value=item.value, count=item.count, chosen=item.chosen) for item in values]
            for name, values in found.facets.items()
        },
    )
    return Reply(body=page, headers=link(following))


@blueprint.operation(
    Operation(
        id="get_record",
        method="GET",
        path="/records/<record_id>",
        tag="records",
        summary=N_("Read a record"),
        needs=(Permission.RECORD_READ,),
        places=_RECORD,
        headers=("If-None-Match",),
        answers={200: Answer(description=N_("The record."), model=shapes.RecordShape, headers=("ETag",)), 304: _UNCHANGED},
    )
)
def get_record(tx: Transaction, record_id: str) -> Reply:
    """One record."""
    record = catalogue.find_record(tx, record_id)
    shown = _record(tx, record)
    return Reply(body=shown, etag=etag_of(shown.model_dump_json()))


@blueprint.operation(
    Operation(
        id="list_record_versions",
        method="GET",
        path="/records/<record_id>/versions",
        tag="records",
        summary=N_("List the versions of a record's package, the latest first"),
        needs=(Permission.RECORD_READ,),
        places=_RECORD,
        query=PageQuery,
        answers={200: Answer(description=N_("The versions."), model=shapes.VersionPage, headers=("Link",))},
    )
)
def list_record_versions(tx: Transaction, record_id: str, query: PageQuery) -> Reply:
    """A page of versions."""
    record = catalogue.find_record(tx, record_id)
    assert record.aip is not None
    told = allows(tx.actor, Permission.SUBMISSION_READ, record)
    versions = sorted(record.aip.versions, key=lambda version: -version.number)
    shown, following = cut(versions, key=lambda version: f"{10**9 - version.number:09d}", query=query)
    items = [
        shapes.VersionShape(
            number=version.number,
            message=version.message,
            files=version.files,
            bytes=version.bytes,
            created_at=version.created_at,
            submission=version.submission_id if told else None,
        )
        for version in shown
    ]
    return Reply(body=shapes.VersionPage(items=items, next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="list_record_events",
        method="GET",
        path="/records/<record_id>/events",
        tag="records",
        summary=N_("List the PREMIS events of a record, oldest first"),
        needs=(Permission.RECORD_READ, Permission.EVENT_READ),
        places=_RECORD,
        query=shapes.EventQuery,
        answers={200: Answer(description=N_("The events."), model=shapes.EventPage, headers=("Link",))},
    )
)
def list_record_events(tx: Transaction, record_id: str, query: shapes.EventQuery) -> Reply:
    """A page of events."""
    events = catalogue.list_events(tx, catalogue.find_record(tx, record_id))
    wanted = [event for event in events if not query.type or event.type == query.type]
    shown, following = cut(wanted, key=lambda event: f"{event.sequence:020d}", query=query)
    page = shapes.EventPage(items=[shapes.event_shape(event) for event in shown], next=following)
    return Reply(body=page, headers=link(following))


@blueprint.operation(
    Operation(
        id="list_record_files",
        method="GET",
        path="/records/<record_id>/files",
        tag="records",
        summary=N_("List the files of a record, by path"),
        needs=(Permission.RECORD_READ,),
        places=_RECORD,
        query=shapes.FileQuery,
        answers={200: Answer(description=N_("The files."), model=shapes.FilePage, headers=("Link",))},
    )
)
def list_record_files(tx: Transaction, record_id: str, query: shapes.FileQuery) -> Reply:
    """A page of files."""
    record = catalogue.find_record(tx, record_id)
    if query.all:
        tx.require(Permission.RECORD_EXPORT, record)
    page = catalogue.list_files(tx, record, after=unseal(query.after), limit=query.limit, roles=() if query.all else ("content",))
    following = seal(page.following) if page.following is not None else None
    return Reply(body=shapes.FilePage(items=[shapes.file_shape(file) for file in page.files], next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="get_file_content",
        method="GET",
        path="/records/<record_id>/files/<int:file_id>/content",
        tag="records",
        summary=N_("Download a file as it is kept"),
        description=N_(
            "Every byte of the whole file is compared with its digest on the way. One range of bytes may be asked for; a range of a "
            "file larger than 1 MiB is not compared: compare the whole with “Repr-Digest” once it is put together."
        ),
        needs=(Permission.RECORD_EXPORT,),
        places=_FILE,
        headers=("If-None-Match", "Range", "If-Range"),
        answers={
            200: Answer(description=N_("The whole file."), media="application/octet-stream", headers=_DOWNLOAD),
            206: Answer(
                description=N_("The bytes asked for."),
                media="application/octet-stream",
                headers=("ETag", "Accept-Ranges", "Content-Disposition", "Repr-Digest", "Content-Range"),
            ),
            304: _UNCHANGED,
        },
        problems=(416,),
        mode=Mode.OWN,
    )
)
def get_file_content(actor: Actor, record_id: str, file_id: int) -> Response:
    """The bytes of a file, or some of them."""
    archive = session.archive()
    with archive.read(actor) as tx:
        record = catalogue.find_record(tx, record_id)
        tx.require(Permission.RECORD_EXPORT, record)
        file = catalogue.find_file(tx, record, file_id)
    etag = file.sha256.hex()
    if unchanged(etag):
        answer = Response(status=304)
        answer.set_etag(etag)
        return answer
    part = range_wanted(file.size, etag)
    digest = base64.b64encode(file.sha256).decode()
    headers = {"Accept-Ranges": "bytes", "Repr-Digest": f"sha-256=:{digest}:"}
    start, stop = part or (0, file.size)
    headers["Content-Length"] = str(stop - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    if request.method == "HEAD":
        answer = Response(mimetype="application/octet-stream")
    else:
        with archive.transaction(actor) as tx:
            opened = delivery.open_file(tx, catalogue.find_record(tx, record_id), file_id, part=part)
        if part is None:
            headers["Content-Digest"] = headers["Repr-Digest"]
            answer = _stream(opened.blocks())
        elif stop - start <= _DIGESTED:
            content = b"".join(opened.part(start, stop))
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
            answer = Response(content, mimetype="application/octet-stream")
        else:
            answer = _stream(opened.part(start, stop))
    answer.status_code = 200 if part is None else 206
    answer.headers.update(headers)
    answer.set_etag(etag)
    return _download(answer, file.path.rpartition("/")[2])


@blueprint.operation(
    Operation(
        id="get_premis",
        method="GET",
        path="/records/<record_id>/premis.xml",
        tag="records",
        summary=N_("Download the PREMIS document of a record's package"),
        needs=(Permission.RECORD_EXPORT, Permission.EVENT_READ),
        places=_RECORD,
        answers={200: Answer(description=N_("The document."), media="application/xml", headers=("Content-Disposition",))},
        mode=Mode.OWN,
    )
)
def get_premis(actor: Actor, record_id: str) -> Response:
    """The PREMIS document."""
    archive = session.archive()
    with archive.read(actor) as tx:
        record = catalogue.find_record(tx, record_id)
        tx.require(Permission.EVENT_READ, record)
        tx.require(Permission.RECORD_EXPORT, record)
        holding = reading.holding_of(tx, record)
    return _download(_stream(delivery.premis_blocks(archive, holding), "application/xml"), f"premis-{record.id}.xml")


@blueprint.operation(
    Operation(
        id="get_dip",
        method="GET",
        path="/records/<record_id>/dip.zip",
        tag="records",
        summary=N_("Download a copy for use (DIP)"),
        description=N_("The files with METS, PREMIS and a page to read them by, as a zip that is made while it is sent."),
        needs=(Permission.DIP_CREATE,),
        places=_RECORD,
        answers={200: Answer(description=N_("The package."), media="application/zip", headers=("Content-Disposition",))},
        mode=Mode.OWN,
    )
)
def get_dip(actor: Actor, record_id: str) -> Response:
    """A dissemination package."""
    archive = session.archive()
    if request.method == "HEAD":
        with archive.read(actor) as tx:
            record = catalogue.find_record(tx, record_id)
            tx.require(Permission.DIP_CREATE, record)
        return _download(Response(mimetype="application/zip"), f"{record.id}.zip")
    with archive.transaction(actor) as tx:
        package = delivery.prepare_dip(tx, record_id)
    return _download(_stream(package.zip_blocks(), "application/zip"), f"{package.name}.zip")


def _stream(blocks: object, media: str = "application/octet-stream") -> Response:
    return Response(stream_with_context(blocks), mimetype=media)  # type: ignore[call-overload]


def _download(answer: Response, name: str) -> Response:
    """Should a browser show it all the same, nothing in it can run or reach us."""
    answer.headers["Content-Disposition"] = attachment(name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _record(tx: Transaction, record: Record) -> shapes.RecordShape:
    aip, description = record.aip, description_from_json(record.description)
    assert aip is not None
    copies = [shapes.CopyShape.model_validate(copy) for copy in aip.copies] if allows(tx.actor, Permission.STORE_READ) else None
    return shapes.RecordShape(
        id=record.id,
        identifier=record.identifier,
        agreement=record.agreement_code,
        profile=record.profile,
        title=record.title,
        unit=record.unit,
        fonds=record.fonds,
        affair_code=record.affair_code,
        affair=record.affair,
        affair_type=record.affair_type,
        case_number=record.case_number,
        year=record.year,
        retention=record.retention,
        sharing=record.sharing,
        security=record.security,
        abstract=description.abstract,
        subjects=list(description.subjects),
        dates=list(description.dates),
        creators=list(description.creators),
        elements=[
            shapes.ElementShape(scheme=element.scheme, name=element.name, label=element.label, value=element.value)
            for element in description.elements
            if not element.sensitive
        ],
        aip=aip.id,
        version=aip.version,
        files=aip.files,
        bytes=aip.bytes,
        copies=copies,
        created_at=record.created_at,
        changed_at=record.changed_at,
        stored_at=aip.stored_at,
    )
