"""Tables: separated values, and what every table has in common: pages of rows, with limits."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from access.previews.orders import Order, page_name
from access.previews.rendering.texts import notes_of, read_text
from access.previews.values import Form, Note, Preview
from metadata.xml import legal
from repository.findings import N_

ROWS_A_PAGE: Final = 100
MOST_ROWS: Final = 10_000
MOST_COLUMNS: Final = 100
_LONGEST_CELL: Final = 1000

CUT: Final = N_("Only the first {rows} rows of each table are shown.")
CUT_COLUMNS: Final = N_("Only the first {columns} columns are shown.")

Row = Sequence[object]


class Pages:
    """Writes tables as pages of rows; the first row of each table heads all of its pages.

    Args:
        order: where to.
        headed: whether the first row of a table names its columns.
    """

    def __init__(self, order: Order, *, headed: bool) -> None:
        self._order = order
        self._headed = headed
        self.titles: list[str] = []
        self._cut_rows = False
        self._cut_columns = False

    def table(self, title: str, rows: Iterable[Row]) -> None:
        """Writes a table."""
        cells = self._cells(rows)
        head = next(cells, []) if self._headed else []
        first = 2 if self._headed else 1
        written = 0
        while True:
            part = list(islice(cells, min(ROWS_A_PAGE, MOST_ROWS - written)))
            if written and not part:
                break
            self.titles.append(legal(title)[:100])
            page = {"head": head, "rows": part, "first": first + written}
            self._order.write(page_name(len(self.titles), "json"), json.dumps(page, ensure_ascii=False).encode())
            written += len(part)
            if len(part) < ROWS_A_PAGE or written >= MOST_ROWS:
                self._cut_rows = self._cut_rows or next(cells, None) is not None
                break

    def notes(self) -> list[Note]:
        """What was left out."""
        notes = []
        if self._cut_rows:
            notes.append(Note(template=CUT, parameters={"rows": str(MOST_ROWS)}))
        if self._cut_columns:
            notes.append(Note(template=CUT_COLUMNS, parameters={"columns": str(MOST_COLUMNS)}))
        return notes

    def preview(self, notes: Sequence[Note] = ()) -> Preview:
        """The preview of all that was written."""
        titles = tuple(self.titles) if len(set(self.titles)) > 1 else ()
        return Preview(kind=self._order.kind, form=Form.TABLE, pages=len(self.titles), titles=titles, notes=(*notes, *self.notes()))

    def _cells(self, rows: Iterable[Row]) -> Iterator[list[str]]:
        for row in rows:
            if len(row) > MOST_COLUMNS:
                self._cut_columns = True
            yield [_cell(value) for value in row[:MOST_COLUMNS]]


def render_separated(order: Order) -> None:
    """Comma-separated values and their kin."""
    decoded = read_text(order)
    csv.field_size_limit(1 << 20)
    lines = decoded.text.splitlines(keepends=True)
    pages = Pages(order, headed=True)
    pages.table("", csv.reader(lines, delimiter=_delimiter(order.name, lines)))
    order.say(pages.preview(notes_of(decoded)))


def _delimiter(name: str, lines: Sequence[str]) -> str:
    """What separates the values: the character that every one of the first lines has most of."""
    if name.lower().endswith((".tsv", ".tab")):
        return "\t"
    sample = [line for line in lines[:20] if line.strip()]
    return max(",;\t|", key=lambda mark: (min((line.count(mark) for line in sample), default=0), mark == ","))


def _cell(value: object) -> str:
    text = "" if value is None else legal(str(value))
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} …"
