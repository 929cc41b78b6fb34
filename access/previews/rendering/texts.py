"""Text in pages of numbered lines; XML and JSON indented first. What is cut short says so."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lxml import etree

from access.previews.orders import Order, page_name
from access.previews.values import DAMAGED, Form, Note, Preview, Unshowable
from metadata import xml
from metadata.errors import MetadataError
from repository.findings import N_

LINES_A_PAGE: Final = 500
MOST_LINES: Final = 50_000
_LONGEST_LINE: Final = 4000
#: How much of a text is looked at, bytes.
_MOST_BYTES: Final = 32 * 1024**2
#: Documents above this are shown as they are written, not indented, bytes.
_INDENTED: Final = 8 * 1024**2

CUT: Final = N_("Only the first {lines} lines are shown.")
ENCODING: Final = N_("Read as {encoding}.")
GUESSED: Final = N_("The encoding could not be told for certain; characters that could not be read are shown as �.")
AS_WRITTEN: Final = N_("Shown as it is written, because it cannot be read as {format}: {reason}")


class Decoded(NamedTuple):
    """Text that was bytes.

    Args:
        text: the text.
        encoding: the name people know.
        certain: whether every byte was read.
        whole: whether it is all of the file.
    """

    text: str
    encoding: str
    certain: bool
    whole: bool


def render(order: Order) -> None:
    """A plain text."""
    decoded = read_text(order)
    say_lines(order, decoded.text.splitlines(), notes_of(decoded), whole=decoded.whole)


def render_xml(order: Order) -> None:
    """An XML document, indented where it can be read without trust."""
    decoded = read_text(order)
    notes = notes_of(decoded)
    try:
        with order.source.open("rb") as stream:
            root = xml.parse(stream, order.name, limit=_INDENTED)
    except MetadataError as error:
        reason = error.message[:300]
        notes.append(Note(template=AS_WRITTEN, parameters={"format": "XML", "reason": reason}))
        lines = decoded.text.splitlines()
    else:
        etree.indent(root)
        lines = etree.tostring(root, encoding="unicode").splitlines()
    say_lines(order, lines, notes, whole=decoded.whole)


def render_json(order: Order) -> None:
    """A JSON document, indented where it is one."""
    decoded = read_text(order)
    notes = notes_of(decoded)
    lines: Sequence[str]
    try:
        if len(decoded.text) > _INDENTED or not decoded.whole:
            raise ValueError("too large")
        lines = json.dumps(json.loads(decoded.text), ensure_ascii=False, indent=2).splitlines()
    except (ValueError, RecursionError) as error:
        lines = decoded.text.splitlines()
        if not order.name.lower().endswith("l"):
            notes.append(Note(template=AS_WRITTEN, parameters={"format": "JSON", "reason": str(error)[:200]}))
    say_lines(order, lines, notes, whole=decoded.whole)


def say_lines(order: Order, lines: Sequence[str], notes: Sequence[Note], *, whole: bool) -> None:
    """Writes lines as pages."""
    shown = lines[:MOST_LINES]
    told = list(notes)
    if len(lines) > len(shown) or not whole:
        told.append(Note(template=CUT, parameters={"lines": str(len(shown))}))
    pages = list(_pages(shown))
    for number, (first, part) in enumerate(pages, start=1):
        order.write(page_name(number, "json"), json.dumps({"first": first, "lines": part}, ensure_ascii=False).encode())
    order.say(Preview(kind=order.kind, form=Form.LINES, pages=len(pages), notes=tuple(told)))


def read_text(order: Order) -> Decoded:
    """The beginning of a file as text: by its byte order mark, as UTF-8, as GB18030, or with what cannot be read replaced."""
    with order.source.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    return decode(content[:_MOST_BYTES], whole=len(content) <= _MOST_BYTES)


def decode(content: bytes, *, whole: bool = True) -> Decoded:
    """Bytes as text.

    Raises:
        Unshowable: they are no text.
    """
    for mark, codec, name in (
        (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
        (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if content.startswith(mark):
            return Decoded(_legal(content.decode(codec, "replace")), name, True, whole)
    for codec, name in (("utf-8", "UTF-8"), ("gb18030", "GB18030")):
        try:
            text = codecs.getincrementaldecoder(codec)("strict").decode(content, final=whole)
        except UnicodeDecodeError:
            continue
        # a byte 0 is legal in both and means that this is something else
        if "\0" in text[:65536]:
            raise Unshowable(DAMAGED, reason=N_("not a text"))
        return Decoded(_legal(text), name, True, whole)
    text = content.decode("utf-8", "replace")
    if "\0" in text[:65536] or text.count("\ufffd") > len(text) // 4:
        raise Unshowable(DAMAGED, reason=N_("not a text"))
    return Decoded(_legal(text), "UTF-8", False, whole)


def notes_of(decoded: Decoded) -> list[Note]:
    """What a reader should know of how a text was read."""
    if not decoded.certain:
        return [Note(template=GUESSED)]
    return [Note(template=ENCODING, parameters={"encoding": decoded.encoding})]


def _legal(text: str) -> str:
    """Without controls that a page cannot have; and marks that turn the reading direction become visible."""
    return xml.legal(text).translate(_TURNING)


#: The marks with which a text can be made to read as another (bidirectional controls).
_TURNING: Final = {ord(mark): f"⟨U+{ord(mark):04X}⟩" for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def _pages(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for start in range(0, len(lines) or 1, LINES_A_PAGE):
        part = lines[start : start + LINES_A_PAGE]
        yield start + 1, [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in part]
