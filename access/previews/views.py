"""The pages on which a file is looked at, and the images, films and frames on them. Nothing here sends a byte of the file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, g, make_response, render_template, request, send_file
from flask_babel import gettext
from markupsafe import escape
from werkzeug.utils import cached_property

from access import catalogue
from access.blueprint import blueprint
from access.previews import viewing
from access.previews.frame import FRAME_POLICY, framed
from access.previews.kinds import PICTURED, SLOW, Kind, declared_kind
from access.previews.orders import FILM, SOUND, THUMBNAIL
from access.previews.values import Form
from access.previews.viewing import Shown, Viewed
from access.previews.watermark import mark_drawing, mark_image
from repository.app import CONTENT_SECURITY_POLICY
from repository.errors import NotFound
from repository.findings import N_
from repository.holdings import File
from repository.permissions import Permission
from repository.web import session

_INERT: Final = "default-src 'none'; img-src data:; sandbox; frame-ancestors 'none'"
_TYPES: Final = {".webp": "image/webp", ".svg": "image/svg+xml"}
#: Drawings are sharp in any size; so many sizes of them are offered.
_DRAWING_LEVELS: Final = 3
#: For so long the list of a record's files waits for a small picture, seconds.
_GLANCE: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the page shows of a preview.

    Args:
        viewed: the file.
        shown: the preview.
        number: of the page that is shown.
        zoom: size of images, from 1.
    """

    viewed: Viewed
    shown: Shown
    number: int
    zoom: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return self.shown.preview.pages

    @property
    def zooms(self) -> int:
        """How many sizes there are."""
        preview = self.shown.preview
        return {Form.IMAGE: preview.levels, Form.DRAWING: _DRAWING_LEVELS}.get(preview.form, 1)

    @property
    def title(self) -> str:
        """Name of the page, or empty."""
        titles = self.shown.preview.titles
        return titles[self.number - 1] if self.number <= len(titles) else ""

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """Sheets of a workbook: name and first page of each."""
        titles = self.shown.preview.titles
        return [(title, number) for number, title in enumerate(titles, start=1) if number == 1 or titles[number - 2] != title]

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The page, where it is text, a table or a message."""
        return self.viewed.place.content(self.number) or {}

    @cached_property
    def text(self) -> str:
        """The text of the page, where it is an image."""
        return self.viewed.place.text(self.number)

    @property
    def columns(self) -> Sequence[str]:
        """Letters of the columns of a sheet."""
        rows = self.content.get("rows", ())
        return [_letters(number) for number in range(max(map(len, rows), default=0))]


@blueprint.get("/<record_id>/files/<int:file_id>/preview")
@session.needs(Permission.RECORD_READ)
def preview(record_id: str, file_id: int) -> Response:
    """A page of a file to look at, with ways to the other pages and to the other files of the record."""
    archive = session.archive()
    number, zoom = _number("page"), _number("zoom")
    with archive.read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        viewed = viewing.find(tx, row, file_id)
        file = catalogue.find_file(tx, row, file_id)
        before, after = catalogue.neighbours(tx, row, file)
    shown = viewing.show(viewed, page=number, level=zoom)
    sight = None
    if shown is None:
        with archive.transaction(session.actor()) as tx:
            viewing.ask(tx, record_id, file_id, page=number, level=zoom)
        # the page asks again every other second, and the logbook need not tell each time
        g.noted = True
    else:
        number = min(number, max(shown.preview.pages, 1))
        sight = Sight(viewed=viewed, shown=shown, number=number, zoom=zoom)
        sight = sight if zoom <= sight.zooms else Sight(viewed=viewed, shown=shown, number=number, zoom=sight.zooms)
    answer = make_response(
        render_template("access/preview.html", record=row, file=file, sight=sight, before=before, after=after, marked=_mark(viewed) != "")
    )
    answer.status_code = 200 if shown is not None else 202
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer


@blueprint.get("/<record_id>/files/<int:file_id>/preview/page-<int:number>")
@session.needs(Permission.RECORD_READ)
def preview_image(record_id: str, file_id: int, number: int) -> Response:
    """The image of a page."""
    viewed = _viewed(record_id, file_id)
    shown = viewing.show(viewed, page=number, level=_number("zoom"))
    if shown is None or shown.page is None or shown.page.suffix not in _TYPES or not 1 <= number <= shown.preview.pages:
        raise _nothing(number)
    content = shown.page.read_bytes()
    mark = _mark(viewed)
    if mark:
        content = (mark_image if shown.page.suffix == ".webp" else mark_drawing)(content, mark)
    return _image(content, _TYPES[shown.page.suffix])


@blueprint.get("/<record_id>/files/<int:file_id>/preview/thumbnail")
@session.needs(Permission.RECORD_READ)
def preview_thumbnail(record_id: str, file_id: int) -> Response:
    """A small picture of a file; a drawn sheet of paper where there is none, or where making one would take long."""
    viewed = _viewed(record_id, file_id)
    if viewed.kind in PICTURED:
        shown = viewing.look(viewed)
        if shown is None and viewed.kind not in SLOW:
            shown = viewing.show(viewed, patience=_GLANCE)
        small = viewed.place.path(THUMBNAIL)
        if small is not None:
            return _image(small.read_bytes(), "image/webp")
        if shown is not None and shown.page is not None and shown.page.suffix == ".svg":
            # a drawing is the page itself, however small it is shown
            mark, drawing = _mark(viewed), shown.page.read_bytes()
            return _image(mark_drawing(drawing, mark) if mark else drawing, "image/svg+xml")
    return _image(_sheet(viewed.name).encode(), "image/svg+xml")


@blueprint.get("/<record_id>/files/<int:file_id>/preview/media")
@session.needs(Permission.RECORD_READ)
def preview_media(record_id: str, file_id: int) -> Response:
    """The viewing copy of a sound or a film, whole or in ranges (RFC 9110, 14)."""
    viewed = _viewed(record_id, file_id)
    film, sound = viewed.place.path(FILM), viewed.place.path(SOUND)
    path = film or sound
    if path is None or viewing.look(viewed) is None:
        raise _nothing(1)
    answer = send_file(path, mimetype="video/mp4" if film else "audio/mp4", conditional=True, etag=False, last_modified=None)
    answer.headers["Content-Security-Policy"] = _INERT
    answer.headers["Content-Disposition"] = "inline"
    # a player asks for many ranges of what it began
    g.noted = not request.headers.get("Range", "bytes=0-").startswith("bytes=0-")
    return answer


@blueprint.get("/<record_id>/files/<int:file_id>/preview/document")
@session.needs(Permission.RECORD_READ)
def preview_document(record_id: str, file_id: int) -> Response:
    """A web page of a package, without anything that acts, for the frame on our page."""
    viewed = _viewed(record_id, file_id)
    shown = viewing.show(viewed)
    if shown is None or shown.page is None or shown.page.suffix != ".html":
        raise _nothing(1)
    answer = make_response(framed(shown.page.read_text(encoding="utf-8"), theme=session.theme()))
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


@blueprint.app_template_global("preview_kind")
def preview_kind(file: File) -> Kind:
    """As what a file would be shown."""
    return declared_kind(file)


@blueprint.app_template_test("pictured")
def is_pictured(kind: Kind) -> bool:
    """Whether a small picture of such files can be shown."""
    return kind in PICTURED


def _viewed(record_id: str, file_id: int) -> Viewed:
    with session.archive().read(session.actor()) as tx:
        return viewing.find(tx, catalogue.find_record(tx, record_id), file_id)


def _number(name: str) -> int:
    """A number from 1 in the address; what is none counts as 1."""
    text = request.args.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _nothing(number: int) -> NotFound:
    return NotFound(N_("There is no page {number} of this preview."), number=number)


def _image(content: bytes, type: str) -> Response:
    answer = Response(content, mimetype=type)
    answer.headers["Content-Security-Policy"] = _INERT
    answer.headers["Content-Disposition"] = "inline"
    return answer


def _mark(viewed: Viewed) -> str:
    """What is written across images for the person who asks; empty: nothing."""
    settings = session.archive().settings
    match settings.preview_watermark:
        case "none":
            return ""
        case "viewers" if viewed.original_too:
            return ""
    now = session.archive().clock().astimezone(ZoneInfo(settings.time_zone))
    return f"{session.actor().name}  {now:%Y-%m-%d %H:%M}"


def _letters(number: int) -> str:
    """The name of a column of a sheet, from 0."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _sheet(name: str) -> str:
    """A sheet of paper with the extension on it."""
    extension = name.rpartition(".")[2].upper()[:4] if "." in name else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 80" width="60" height="80"><path d="M8 4h30l14 14v58H8z" fill="#f6f2e9"'
        ' stroke="#8c8171" stroke-width="2"/><path d="M38 4v14h14" fill="none" stroke="#8c8171" stroke-width="2"/>'
        f'<text x="30" y="54" text-anchor="middle" font-family="sans-serif" font-size="13" fill="#665d52">{escape(extension)}</text></svg>'
    )


def alternative(sight: Sight) -> str:
    """What stands in for the image of a page, for those who do not see it."""
    if sight.pages > 1:
        return str(gettext("Page %(page)s of %(pages)s of %(name)s", page=sight.number, pages=sight.pages, name=sight.viewed.name))
    return str(gettext("Image of %(name)s", name=sight.viewed.name))


blueprint.add_app_template_filter(alternative, "alternative")
