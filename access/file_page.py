"""The page of one file, and the file itself."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, render_template
from flask_babel import gettext

from access import catalogue, delivery
from access.blueprint import blueprint, download
from preservation.format_policy import certainty_of, line_of, standing_of
from preservation.identification.remarks import translated
from repository.aip import description_from_json
from repository.archive import Archive
from repository.holdings import File
from repository.permissions import Actor, Permission
from repository.web import session


@blueprint.get("/<record_id>/files/<int:file_id>")
@session.needs(Permission.RECORD_READ)
def file(record_id: str, file_id: int) -> str:
    """What is known of a file, and how it looks where that can be shown."""
    with session.archive().read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        kept = catalogue.find_file(tx, row, file_id)
        previous, following = catalogue.neighbours(tx, row, kept)
        return render_template(
            "access/file.html",
            record=row,
            description=description_from_json(row.description),
            file=kept,
            file_before=previous,
            file_after=following,
            line=line_of(kept.puid),
            standing=standing_of(kept.puid),
            certainty=certainty_of(kept.format_basis, len(kept.format_warnings)),
            remark=lambda text: translated(text, gettext),
        )


@blueprint.get("/<record_id>/files/<int:file_id>/original")
@session.needs(Permission.RECORD_EXPORT)
def original(record_id: str, file_id: int) -> Response:
    """The file as it is kept, for saving; never shown by the browser itself, for it is somebody else's content."""
    archive = session.archive()
    with archive.transaction(session.actor()) as tx:
        opened = delivery.open_file(tx, catalogue.find_record(tx, record_id), file_id)
    answer = download(opened.blocks(), opened.name, "application/octet-stream")
    answer.headers["Content-Length"] = str(opened.size)
    answer.headers["Repr-Digest"] = f"sha-256=:{opened.sha256_base64}:"
    return answer


@blueprint.get("/<record_id>/checksums.sha256")
@session.needs(Permission.RECORD_READ)
def checksums(record_id: str) -> Response:
    """The SHA-256 of every file of the content, as ``sha256sum --check`` reads them in an unpacked copy for use."""
    archive, actor = session.archive(), session.actor()
    with archive.read(actor) as tx:
        catalogue.find_record(tx, record_id)
    return download(_checksum_lines(archive, actor, record_id), "checksums.sha256", "text/plain; charset=utf-8")


def _checksum_lines(archive: Archive, actor: Actor, record_id: str) -> Iterator[bytes]:
    after: str | None = None
    while True:
        with archive.read(actor) as tx:
            row = catalogue.find_record(tx, record_id)
            page = catalogue.list_files(tx, row, after=after, limit=1000, roles=("content",))
            lines = b"".join(_checksum_line(kept) for kept in page.files)
        # not inside the transaction: it may be long until a slow reader takes them
        yield lines
        after = page.following
        if after is None:
            return


def _checksum_line(kept: File) -> bytes:
    """A line as GNU sha256sum writes it: with a backslash before it where characters of the name had to be escaped."""
    name = kept.path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if name != kept.path else ''}{kept.sha256.hex()}  {name}\n".encode("utf-8", "replace")
