"""Archives inside the archive: what lies in them, by name. Nothing is unpacked."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from typing import Final

from access.previews.orders import Order
from access.previews.rendering.tables import Pages, Row
from access.previews.values import DAMAGED, Note, Unshowable
from repository.findings import N_
from storage.names import decoded

_MOST_ENTRIES: Final = 5000
_UTF8_FLAG: Final = 0x800
_LISTED: Final = N_("An archive file: what lies in it is listed, not unpacked.")
_HEAD: Final = (N_("Name"), N_("Size"), N_("Changed"))


def render_zip(order: Order) -> None:
    """The directory of a zip."""
    try:
        with zipfile.ZipFile(order.source) as container:
            entries = container.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unshowable(DAMAGED, reason=type(error).__name__) from error
    pages = Pages(order, headed=True)
    pages.table("", _zip_rows(entries[:_MOST_ENTRIES]))
    order.say(pages.preview([Note(template=_LISTED), *_cut(len(entries))]))


def render_tar(order: Order) -> None:
    """The headers of a tar."""
    rows: list[Row] = [_HEAD]
    more = 0
    try:
        with tarfile.open(order.source, "r:*") as container:
            for entry in container:
                if len(rows) > _MOST_ENTRIES:
                    more = _MOST_ENTRIES + 1
                    break
                rows.append((entry.name, entry.size, ""))
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise Unshowable(DAMAGED, reason=type(error).__name__) from error
    pages = Pages(order, headed=True)
    pages.table("", rows)
    order.say(pages.preview([Note(template=_LISTED), *_cut(more)]))


def _zip_rows(entries: list[zipfile.ZipInfo]) -> Iterator[Row]:
    yield _HEAD
    for entry in entries:
        name = entry.filename
        if not entry.flag_bits & _UTF8_FLAG:
            # without the flag the reader takes the bytes for CP437; in China they are GBK
            raw = name.encode("cp437", "replace")
            name = decoded(raw, encoding_hint="gb18030").encode("utf-8", "replace").decode()
        yield name, entry.file_size, "{:04}-{:02}-{:02} {:02}:{:02}".format(*entry.date_time[:5])


def _cut(entries: int) -> list[Note]:
    if entries <= _MOST_ENTRIES:
        return []
    return [Note(template=N_("Only the first {rows} entries are listed."), parameters={"rows": str(_MOST_ENTRIES)})]
