"""PDF pages as images, with their text beside them. The library is built without a JavaScript engine: nothing in a PDF can run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from access.previews.orders import THUMBNAIL, Order, page_name
from access.previews.rendering.pictures import thumbnail, webp
from access.previews.values import DAMAGED, LOCKED, Form, Note, Preview, Unshowable
from metadata.xml import legal
from repository.findings import N_

_MOST_PAGES: Final = 100_000
#: Height or width of a page of each size, pixels: to read it whole, across a screen, and to see a stamp.
LEVELS: Final = (1400, 2400, 3600)
#: Pages are drawn no larger than this, however large the PDF says they are, pixels.
_MOST_PIXELS: Final = 36_000_000
_LONGEST_TEXT: Final = 200_000


def render(order: Order) -> None:
    """Draws pages of a PDF."""
    render_pdf(order, order.source)


def render_pdf(order: Order, source: Path) -> None:
    """Draws pages of the PDF in a file, which may have been made from the order's file."""
    begun = time.monotonic()
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        if pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise Unshowable(LOCKED) from error
        raise Unshowable(DAMAGED, reason="PDF") from error
    pages = min(len(document), _MOST_PAGES)
    if pages == 0:
        raise Unshowable(DAMAGED, reason=N_("no pages"))
    document.init_forms()
    order.say(Preview(kind=order.kind, form=Form.IMAGE, pages=pages, levels=len(LEVELS), has_text=True, notes=tuple(_notes(document))))
    for number in range(order.first, min(order.first + order.count, pages + 1)):
        _render_page(order, document, number)
        if time.monotonic() - begun > order.seconds / 3:
            break


def _render_page(order: Order, document: pypdfium2.PdfDocument, number: int) -> None:
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise Unshowable(N_("Page {number} cannot be shown: it is damaged."), number=number) from error
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise Unshowable(N_("Page {number} cannot be shown: it is damaged."), number=number)
    scale = min(LEVELS[order.level - 1] / max(width, height), (_MOST_PIXELS / (width * height)) ** 0.5)
    if width * scale < 1 or height * scale < 1:
        raise Unshowable(N_("Page {number} cannot be shown: it is damaged."), number=number)
    image = page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
    if number == 1 and order.level == 1:
        order.write(THUMBNAIL, thumbnail(image))
    order.write(page_name(number, "webp", order.level), webp(image))
    if order.level == 1:
        text = page.get_textpage().get_text_bounded()[:_LONGEST_TEXT]
        if text.strip():
            lines = legal(text.replace("\r\n", "\n").replace("\r", "\n"))
            order.write(page_name(number, "txt"), lines.encode("utf-8", "replace"))
    page.close()


def _notes(document: pypdfium2.PdfDocument) -> list[Note]:
    notes = []
    if pdfium.FPDFDoc_GetJavaScriptActionCount(document.raw) > 0:
        notes.append(Note(template=N_("This PDF has scripts in it; they do not run here.")))
    if pdfium.FPDFDoc_GetAttachmentCount(document.raw) > 0:
        notes.append(Note(template=N_("This PDF has other files attached; they are not shown.")))
    if pdfium.FPDF_GetSignatureCount(document.raw) > 0:
        notes.append(Note(template=N_("This PDF is signed; the signature is not verified here.")))
    return notes
