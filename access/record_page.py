"""The page of one record, and the whole of it to take away."""

from __future__ import annotations

from flask import Response, render_template, request
from flask_babel import gettext

from access import catalogue, delivery, reading
from access.blueprint import blueprint, download
from access.exports import ExportForm
from access.folders import list_folders, representations_of
from access.standing import standing_of_record
from access.tiers import find_listed
from access.timeline import timeline_of
from access.zip_exports import prepare_export
from metadata.description import Description
from preservation.identification.remarks import translated
from repository.aip import content_folder, description_from_json
from repository.permissions import Permission
from repository.recordkeeping.sharing import CLASS_WORDS, SharingClass
from repository.web import session

FILES = 100
#: Up to so many files are listed at once, whatever folders they lie in.
FLAT = 25


@blueprint.get("/<record_id>")
@session.needs(Permission.RECORD_READ)
def record(record_id: str) -> str | tuple[str, int]:
    """Everything the asker may see of one record."""
    with session.archive().read(session.actor()) as tx:
        listed = find_listed(tx, record_id)
        if listed is not None:
            gone = listed.sharing_class is SharingClass.DESTROYED
            return render_template("access/listed.html", listed=listed, class_words=CLASS_WORDS), 410 if gone else 403
        row = catalogue.find_record(tx, record_id)
        whole = bool(request.args.get("all")) and session.may(Permission.RECORD_EXPORT)
        representations = representations_of(tx, row)
        chosen = request.args.get("rep", "")
        shown = chosen if chosen in {item.name for item in representations} else representations[0].name if representations else ""
        root = "" if whole else content_folder(shown) + "/"
        folder, name = request.args.get("folder", "").strip("/"), request.args.get("name", "").strip()
        place = f"{root}{folder}/" if folder else root
        roles = () if whole else ("content",)
        there = row.aip.files if whole and row.aip else sum(item.files for item in representations if item.name == shown)
        flat = not folder and there <= FLAT
        page = catalogue.list_files(tx, row, after=request.args.get("after"), limit=FILES, roles=roles, folder=place, name=name, deep=flat)
        description: Description = description_from_json(row.description)
        return render_template(
            "access/record.html",
            record=row,
            aip=row.aip,
            description=description,
            standing=standing_of_record(tx, row),
            representations=representations,
            representation=shown,
            whole=whole,
            root=root,
            folder=folder,
            name=name,
            folders=() if name or flat else list_folders(tx, row, place, roles=roles),
            page=page,
            relations=catalogue.list_relations(tx, row),
            timeline=timeline_of(tx, row, request.args) if session.may(Permission.EVENT_READ) else None,
            remark=lambda text: translated(text, gettext),
            forms=list(ExportForm),
        )


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
    return download(delivery.premis_blocks(archive, holding), f"premis-{record_id}.xml", "application/xml")


@blueprint.get("/<record_id>/dip.zip")
@session.needs(Permission.DIP_CREATE)
def dip(record_id: str) -> Response:
    """A copy for use: the files with METS, PREMIS and a page to read them by, as a zip made while it is sent."""
    archive = session.archive()
    with archive.transaction(session.actor()) as tx:
        package = delivery.prepare_dip(tx, record_id)
    return download(package.zip_blocks(), f"{package.name}.zip", "application/zip")


@blueprint.get("/<record_id>/export/<any(ocfl, bagit, eark):form>.zip")
@session.needs(Permission.RECORD_EXPORT)
def export(record_id: str, form: str) -> Response:
    """The archival package itself in one of its forms, as a zip made while it is sent."""
    archive = session.archive()
    with archive.transaction(session.actor()) as tx:
        package = prepare_export(tx, record_id, ExportForm(form))
    return download(package.zip_blocks(), f"{package.name}.zip", "application/zip")
