"""Resumable uploads over HTTP: sets of files, and the tus 1.0 protocol for the bytes of each file.

POST /api/v1/upload-sets             begins a set: a name and an agreement
POST /api/v1/uploads                 announces a file of it (tus: creation), with its first bytes if the sender likes
PATCH, HEAD, DELETE /api/v1/uploads/<id>
POST /api/v1/upload-sets/<id>/finish makes the submission
"""

from __future__ import annotations

from io import RawIOBase
from typing import BinaryIO, Final, cast

from flask import Response, request, url_for
from werkzeug.exceptions import ClientDisconnected

from ingest.uploads import sets, tus
from ingest.uploads.documents import NewSet, SetDocument, SetList, SetWithFiles
from ingest.uploads.receiving import Checksum, present_offset, receive_bytes
from ingest.uploads.sets import UploadView
from repository.api.frame import ApiBlueprint, Reply, authenticate
from repository.api.inputs import check_places
from repository.api.operation import Answer, Content, Mode, Operation
from repository.api.problems import PREFIX, ApiError
from repository.errors import UsageError
from repository.findings import N_
from repository.permissions import Permission
from repository.transaction import Transaction
from repository.web import session

blueprint = ApiBlueprint("api_uploads", __name__)

_NEEDS: Final = (Permission.SUBMISSION_CREATE,)
_SET: Final = {"set_id": "Id of the set."}
_UPLOAD: Final = {"upload_id": "Id of the upload."}
_ANSWERED: Final = ("Tus-Resumable", "Upload-Offset", "Upload-Expires")
_SET_EXAMPLE: Final = {
    "id": "0b0f1b70-6a0c-4d0e-8f5e-0f8b6a6f2f10",
    "name": "云栖市公园规划许可",
    "agreement": "local",
    "files": 2,
    "complete": 1,
    "bytes": 7340032,
    "received": 5242880,
    "created_at": "2026-05-01T08:00:00Z",
    "expires_at": "2026-05-04T08:00:00Z",
    "submission": None,
}


@blueprint.operation(
    Operation(
        id="list_upload_sets",
        method="GET",
        path="/upload-sets",
        summary=N_("Your unfinished uploads"),
        tag="uploads",
        answers={200: Answer(description=N_("The sets."), model=SetList, example={"items": [_SET_EXAMPLE]})},
        needs=_NEEDS,
    )
)
def list_upload_sets(tx: Transaction) -> Reply:
    """The unfinished sets of who asks."""
    return Reply(body=SetList(items=[SetDocument.of(view) for view in sets.unfinished_sets(tx)]))


@blueprint.operation(
    Operation(
        id="begin_upload_set",
        method="POST",
        path="/upload-sets",
        summary=N_("Begin an upload"),
        description=N_("A set of files that together become one package: one packed file, or a folder with its files."),
        tag="uploads",
        body=NewSet,
        example={"name": "云栖市公园规划许可", "agreement": "local"},
        answers={201: Answer(description=N_("The new set."), model=SetDocument, headers=("Location",), example=_SET_EXAMPLE)},
        problems=(404, 409),
        needs=_NEEDS,
        mode=Mode.WRITE,
    )
)
def begin_upload_set(tx: Transaction, body: NewSet) -> Reply:
    """Begins a set."""
    view = sets.begin_set(tx, name=body.name, agreement=body.agreement)
    return Reply(body=SetDocument.of(view), status=201, headers={"Location": f"{PREFIX}/upload-sets/{view.id}"})


@blueprint.operation(
    Operation(
        id="read_upload_set",
        method="GET",
        path="/upload-sets/<set_id>",
        summary=N_("The state of an upload, with its files"),
        tag="uploads",
        places=_SET,
        answers={200: Answer(description=N_("The set."), model=SetWithFiles, example={**_SET_EXAMPLE, "uploads": []})},
        needs=_NEEDS,
    )
)
def read_upload_set(tx: Transaction, set_id: str) -> Reply:
    """A set with its files."""
    return Reply(body=SetWithFiles.of(sets.find_set(tx, set_id)))


@blueprint.operation(
    Operation(
        id="finish_upload_set",
        method="POST",
        path="/upload-sets/<set_id>/finish",
        summary=N_("Hand an upload in as a package"),
        description=N_("Every file must be here whole. Handing it in twice gives the same submission."),
        tag="uploads",
        places=_SET,
        answers={200: Answer(description=N_("The set, with the id of its submission."), model=SetDocument, example=_SET_EXAMPLE)},
        problems=(409,),
        needs=_NEEDS,
        mode=Mode.WRITE,
    )
)
def finish_upload_set(tx: Transaction, set_id: str) -> Reply:
    """Makes the submission."""
    sets.finish(tx, set_id)
    tx.flush()
    return Reply(body=SetDocument.of(sets.find_set(tx, set_id, uploads=False)))


@blueprint.operation(
    Operation(
        id="cancel_upload_set",
        method="DELETE",
        path="/upload-sets/<set_id>",
        summary=N_("Cancel an upload"),
        description=N_("Everything that was sent of it is removed."),
        tag="uploads",
        places=_SET,
        answers={204: Answer(description=N_("It is gone."))},
        problems=(409,),
        needs=_NEEDS,
        mode=Mode.WRITE,
    )
)
def cancel_upload_set(tx: Transaction, set_id: str) -> Reply:
    """Gives a set up."""
    sets.cancel_set(tx, set_id)
    return Reply(status=204)


blueprint.describe(
    Operation(
        id="tus_options",
        method="OPTIONS",
        path="/uploads",
        summary=N_("What the server speaks of tus 1.0"),
        tag="uploads",
        answers={
            204: Answer(description=N_("The headers say it."), headers=("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"))
        },
        public=True,
        changes=False,
    )
)


@blueprint.route("/uploads", methods=["OPTIONS"], endpoint="tus_options")
@blueprint.route("/uploads/<upload_id>", methods=["OPTIONS"], endpoint="tus_options")
def tus_options(upload_id: str = "") -> Response:
    """Core: what is spoken here; needs no version and nobody's name."""
    del upload_id
    response = _empty(204)
    response.headers.update(tus.capabilities(most=session.archive().settings.upload_limit_bytes))
    return response


blueprint.describe(
    Operation(
        id="tus_create",
        method="POST",
        path="/uploads",
        summary=N_("Announce a file (tus: creation)"),
        description=N_(
            "“Upload-Metadata” has “set”, the id of the set, and “relativePath” or “filename”, its path in the package. "
            "The first bytes may come along."
        ),
        tag="uploads",
        body=Content(media=tus.OFFSET_STREAM, description=N_("The first bytes of the file."), required=False),
        headers=("Upload-Checksum",),
        required_headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"),
        answers={201: Answer(description=N_("The new upload."), headers=("Location", *_ANSWERED))},
        problems=(400, 404, 409, 412, 413, 415, 423, 460, 507),
        needs=_NEEDS,
        mode=Mode.OWN,
        changes=False,
    )
)


@blueprint.route("/uploads", methods=["POST"], endpoint="tus_create", provide_automatic_options=False)
def tus_create() -> Response:
    """Creation, and creation with upload."""
    actor = authenticate()
    tus.require_version(request.headers)
    if "Upload-Defer-Length" in request.headers:
        raise UsageError(N_("The length of the file must be known when it is announced (header “Upload-Length”)."))
    length = tus.number(request.headers, "Upload-Length")
    values = tus.read_metadata(request.headers.get("Upload-Metadata", ""))
    if not values.get("set"):
        raise UsageError(
            N_("“Upload-Metadata” does not say which upload the file belongs to."),
            remedy=N_("Begin one with POST {prefix}/upload-sets, and give its id as “set”."),
            prefix=PREFIX,
        )
    checksum = _checksum()
    comes = request.content_length is None or request.content_length > 0
    with_bytes = request.mimetype == tus.OFFSET_STREAM and comes
    if not with_bytes and request.content_length:
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", N_("The bytes of an upload have the media type “{subject}”."), subject=tus.OFFSET_STREAM)
    archive = session.archive()
    with archive.transaction(actor) as tx:
        view = sets.add_file(tx, values["set"], path=values.get("relativePath") or values.get("filename", ""), length=length)
    if with_bytes:
        view = receive_bytes(archive, actor, view.id, offset=0, stream=_stream(), announced=request.content_length, checksum=checksum)
    response = _told(view, 201)
    response.headers["Location"] = url_for("api_uploads.tus_head", upload_id=view.id, _external=False)
    return response


blueprint.describe(
    Operation(
        id="tus_head",
        method="HEAD",
        path="/uploads/<upload_id>",
        summary=N_("How far a file is (tus: core)"),
        tag="uploads",
        places=_UPLOAD,
        required_headers=("Tus-Resumable",),
        answers={200: Answer(description=N_("The headers say it."), headers=(*_ANSWERED, "Upload-Length", "Upload-Metadata"))},
        problems=(412,),
        needs=_NEEDS,
        mode=Mode.OWN,
        changes=False,
    )
)


@blueprint.route("/uploads/<upload_id>", methods=["HEAD"], endpoint="tus_head", provide_automatic_options=False)
def tus_head(upload_id: str) -> Response:
    """Core: the offset from which to go on."""
    actor = authenticate()
    tus.require_version(request.headers)
    check_places({"upload_id": upload_id})
    view = present_offset(session.archive(), actor, upload_id)
    response = _told(view, 200)
    response.headers["Upload-Length"] = str(view.length)
    response.headers["Upload-Metadata"] = tus.write_metadata({"relativePath": view.path, "set": view.set_id})
    return response


blueprint.describe(
    Operation(
        id="tus_patch",
        method="PATCH",
        path="/uploads/<upload_id>",
        summary=N_("Send bytes of a file (tus: core)"),
        tag="uploads",
        places=_UPLOAD,
        body=Content(media=tus.OFFSET_STREAM, description=N_("Bytes of the file from the offset on."), required=False),
        headers=("Upload-Checksum",),
        required_headers=("Tus-Resumable", "Upload-Offset"),
        answers={204: Answer(description=N_("They lie safely here."), headers=_ANSWERED)},
        problems=(400, 409, 412, 413, 415, 423, 460, 507),
        needs=_NEEDS,
        mode=Mode.OWN,
        changes=False,
    )
)


@blueprint.route("/uploads/<upload_id>", methods=["PATCH"], endpoint="tus_patch", provide_automatic_options=False)
def tus_patch(upload_id: str) -> Response:
    """Core: bytes from the offset on."""
    actor = authenticate()
    tus.require_version(request.headers)
    check_places({"upload_id": upload_id})
    if request.mimetype != tus.OFFSET_STREAM:
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", N_("The bytes of an upload have the media type “{subject}”."), subject=tus.OFFSET_STREAM)
    view = receive_bytes(
        session.archive(),
        actor,
        upload_id,
        offset=tus.number(request.headers, "Upload-Offset"),
        stream=_stream(),
        announced=request.content_length,
        checksum=_checksum(),
    )
    return _told(view, 204)


blueprint.describe(
    Operation(
        id="tus_delete",
        method="DELETE",
        path="/uploads/<upload_id>",
        summary=N_("Take a file out of an upload (tus: termination)"),
        tag="uploads",
        places=_UPLOAD,
        required_headers=("Tus-Resumable",),
        answers={204: Answer(description=N_("It is gone."), headers=("Tus-Resumable",))},
        problems=(409, 412),
        needs=_NEEDS,
        mode=Mode.OWN,
        changes=False,
    )
)


@blueprint.route("/uploads/<upload_id>", methods=["DELETE"], endpoint="tus_delete", provide_automatic_options=False)
def tus_delete(upload_id: str) -> Response:
    """Termination."""
    actor = authenticate()
    tus.require_version(request.headers)
    check_places({"upload_id": upload_id})
    with session.archive().transaction(actor) as tx:
        sets.cancel_upload(tx, upload_id)
    return _empty(204)


@blueprint.route("/uploads/<upload_id>", methods=["POST"], endpoint="tus_override", provide_automatic_options=False)
def tus_override(upload_id: str) -> Response:
    """Core, X-HTTP-Method-Override: for surroundings that let no PATCH or DELETE through."""
    views = {"PATCH": tus_patch, "DELETE": tus_delete, "HEAD": tus_head}
    view = views.get(request.headers.get("X-HTTP-Method-Override", "").upper())
    if view is None:
        authenticate()
        raise ApiError("METHOD_NOT_ALLOWED", headers={"Allow": "HEAD, PATCH, DELETE, OPTIONS"})
    return view(upload_id)


@blueprint.after_request
def _speaks_tus(response: Response) -> Response:
    if (request.endpoint or "").startswith("api_uploads.tus_"):
        response.headers["Tus-Resumable"] = tus.VERSION
    return response


class _Body(RawIOBase):
    """The body of the request; that the sender is gone is told as every stream of ours tells it."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            ConnectionError: the connection broke before the announced end.
        """
        try:
            return request.stream.read(size)
        except ClientDisconnected as error:
            raise ConnectionError("the sender is gone") from error


def _stream() -> BinaryIO:
    return cast(BinaryIO, _Body())


def _checksum() -> Checksum | None:
    text = request.headers.get("Upload-Checksum")
    return Checksum.parse(text) if text is not None else None


def _told(view: UploadView, status: int) -> Response:
    response = _empty(status)
    response.headers["Upload-Offset"] = str(view.received)
    if not view.complete:
        response.headers["Upload-Expires"] = tus.expires(view.expires_at)
    return response


def _empty(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
