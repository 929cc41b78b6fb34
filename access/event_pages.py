"""One event of a record as PREMIS."""

from __future__ import annotations

from flask import Response

from access import catalogue
from access.blueprint import blueprint, download
from access.timeline import event_document
from repository.permissions import Permission
from repository.web import session


@blueprint.get("/<record_id>/events/<event_id>.xml")
@session.needs(Permission.EVENT_READ)
def event(record_id: str, event_id: str) -> Response:
    """One event with its agents as a PREMIS document, for saving."""
    with session.archive().read(session.actor()) as tx:
        document = event_document(tx, catalogue.find_record(tx, record_id), event_id)
    return download(iter([document]), f"event-{event_id}.xml", "application/xml")
