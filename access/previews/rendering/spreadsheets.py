"""Workbooks: the values in the cells, sheet by sheet. Formulas are not computed, links are not followed."""

from __future__ import annotations

import zipfile
from typing import BinaryIO, Final, cast

from openpyxl import Workbook, load_workbook

from access.previews.orders import Order
from access.previews.rendering.tables import MOST_COLUMNS, MOST_ROWS, Pages
from access.previews.values import DAMAGED, LOCKED, TOO_LARGE, Unshowable
from metadata import xml
from metadata.errors import MetadataError

_MOST_SHEETS: Final = 50
#: What a workbook may unpack to, in all and in one part, bytes; and how much for one packed byte.
_MOST_UNPACKED: Final = 512 * 1024**2
_MOST_RATIO: Final = 150
_RATIO_FREE: Final = 8 * 1024**2
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"


def render(order: Order) -> None:
    """A workbook of ECMA-376 (XLSX)."""
    _refuse_bomb(order)
    with order.source.open("rb") as stream:
        try:
            book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, SyntaxError) as error:
            raise Unshowable(DAMAGED, reason=type(error).__name__) from error
        _render_sheets(order, book)


def _render_sheets(order: Order, book: Workbook) -> None:
    pages = Pages(order, headed=False)
    for sheet in book.worksheets[:_MOST_SHEETS]:
        # the size a sheet claims is made up by whoever wrote it
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS + 1, values_only=True)
        pages.table(sheet.title, (_trimmed(list(row)) for row in rows))
    order.say(pages.preview())


def render_open(order: Order) -> None:
    """A workbook of OpenDocument (ODS)."""
    _refuse_bomb(order)
    try:
        with zipfile.ZipFile(order.source) as container:
            if b"manifest:encryption-data" in container.read("META-INF/manifest.xml"):
                raise Unshowable(LOCKED)
            _render_content(order, container)
    except (KeyError, OSError, zipfile.BadZipFile, MetadataError) as error:
        raise Unshowable(DAMAGED, reason=type(error).__name__) from error


def _render_content(order: Order, container: zipfile.ZipFile) -> None:
    pages = Pages(order, headed=False)
    rows: list[list[object]] = []
    sheets = 0
    with container.open("content.xml") as stream:
        document = cast(BinaryIO, stream)
        for element in xml.iterate(document, "content.xml", [f"{_TABLE}table-row", f"{_TABLE}table"], limit=_MOST_UNPACKED):
            if element.tag == f"{_TABLE}table-row":
                row = _trimmed(_open_cells(element))
                times = min(_number(element.get(f"{_TABLE}number-rows-repeated")), MOST_ROWS + 1 - len(rows))
                rows.extend([row] * times)
                continue
            while rows and not rows[-1]:
                rows.pop()
            pages.table(str(element.get(f"{_TABLE}name", "")), iter(rows))
            rows = []
            sheets += 1
            if sheets == _MOST_SHEETS:
                break
    order.say(pages.preview())


def _open_cells(row: xml.Element) -> list[object]:
    cells: list[object] = []
    for cell in row:
        paragraphs = ["".join(map(str, part.itertext())) for part in cell.iter(f"{_TEXT}p")]
        text = "\n".join(paragraphs) or cell.get(f"{_OFFICE}value", "")
        times = min(_number(cell.get(f"{_TABLE}number-columns-repeated")), MOST_COLUMNS + 1 - len(cells))
        cells.extend([text] * times)
    return cells


def _trimmed(row: list[object]) -> list[object]:
    while row and row[-1] in (None, ""):
        row.pop()
    return row


def _number(text: str | bytes | None) -> int:
    try:
        return max(1, int(text or 1))
    except ValueError:
        return 1


def _refuse_bomb(order: Order) -> None:
    """Looks at what the parts claim to unpack to; that they unpack to no more is the zip reader's care and the memory limit's."""
    try:
        with zipfile.ZipFile(order.source) as container:
            size = sum(entry.file_size for entry in container.infolist())
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise Unshowable(DAMAGED, reason=type(error).__name__) from error
    packed = max(order.source.stat().st_size, 1)
    if size > _MOST_UNPACKED or (size > _RATIO_FREE and size / packed > _MOST_RATIO):
        raise Unshowable(TOO_LARGE, reason=f"{packed} → {size} B")
