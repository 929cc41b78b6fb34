"""Tables as CSV for spreadsheet programs, made while they are sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

#: Tells spreadsheet programs that the text is UTF-8; without it they show Chinese as nonsense.
_MARK: Final = b"\xef\xbb\xbf"
#: What a spreadsheet program takes for the beginning of a formula, also after blanks, in both widths (OWASP, CSV injection).
_FORMULA: Final = tuple("=+-@＝＋－＠|\t\r\n\0")


def harmless(value: object) -> str:
    """A value as a cell that no spreadsheet program evaluates: what looks like a formula gets an apostrophe before it."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if not isinstance(value, int | float) and text.lstrip(" \u00a0\u3000\ufeff").startswith(_FORMULA) else text


def csv_blocks(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The table as CSV (RFC 4180) in UTF-8, in blocks; every cell is harmless."""
    outbox = io.StringIO(newline="")
    writer = csv.writer(outbox)
    writer.writerow([harmless(name) for name in heading])
    block = _MARK
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        if outbox.tell() > 32_768:
            yield block + outbox.getvalue().encode("utf-8", "replace")
            block = b""
            outbox.seek(0)
            outbox.truncate()
    yield block + outbox.getvalue().encode("utf-8", "replace")
