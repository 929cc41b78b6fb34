"""XML that comes from others, read without trust, and XML of ours, written as a stream.

Reading: no document type declaration (so no entity but the five of XML itself, no expansion, nothing external), no network,
limits on size, depth and the length of one item. Writing: text is escaped and characters that XML 1.0 forbids are refused.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self, cast

from lxml import etree

from metadata.errors import N_, MalformedXml, MetadataError, UnsafeXml

#: An element, as `lxml` gives it. Comments and processing instructions are never among the children.
Element = etree._Element

#: Largest document that `parse` takes, bytes.
DOCUMENT_LIMIT: Final = 64 * 1024 * 1024
#: Most bytes between two items of `iterate`; what lies between is held in memory.
ITEM_LIMIT: Final = 16 * 1024 * 1024
#: Longest prolog (declaration, comments, instructions before the root element), bytes.
PROLOG_LIMIT: Final = 64 * 1024

_CHUNK: Final = 64 * 1024
_BLOCK: Final = 256 * 1024
_UTF8: Final = frozenset({"utf-8", "us-ascii", "ascii"})
#: Encodings that are turned into UTF-8 before the parser sees them. Anything else is refused by name.
_TRANSCODED: Final[Mapping[str, str]] = {
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    # GB18030 holds GBK and GB2312, and writers that declare the smaller ones often use the larger
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
}
_DECLARATION: Final = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']")
_MISC: Final = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)


class _Utf8:
    """A stream of UTF-8 made from a stream of XML in any encoding we know, with the prolog already looked at.

    Raises:
        UnsafeXml: a DOCTYPE, or more bytes than a limit.
        MalformedXml: an unknown encoding, or bytes that are not of the encoding declared.
    """

    def __init__(self, stream: BinaryIO, subject: str, *, limit: int | None, item_limit: int | None = None) -> None:
        self._stream = stream
        self._subject = subject
        self._limit = limit
        self._item_limit = item_limit
        self._received = 0
        self._since_item = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended = False
        head = self._receive(4096)
        while len(head) < 256 and (more := self._receive(4096)):
            head += more
        encoding = self._encoding(head)
        if encoding is not None:
            self._decoder = codecs.getincrementaldecoder(encoding)("strict")
            head = self._recode(head)
        self._ready = head.removeprefix(codecs.BOM_UTF8)
        self._look_at_prolog()

    def item_done(self) -> None:
        """Starts the count of one item's bytes anew."""
        self._since_item = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as UTF-8; empty at the end."""
        if self._ready:
            block, self._ready = self._ready, b""
            return block
        while not self._ended:
            received = self._receive(_CHUNK)
            block = self._recode(received) if self._decoder is not None else received
            self._ended = not received
            if block:
                return block
        return b""

    def _receive(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._received += len(block)
        self._since_item += len(block)
        if self._limit is not None and self._received > self._limit:
            raise UnsafeXml(
                "XML_TOO_LARGE",
                N_("{subject} is larger than {limit} bytes, the most that is read of such a document."),
                subject=self._subject,
                remedy=N_("Check that this is the right file; a document of this kind is never so large."),
                limit=self._limit,
            )
        if self._item_limit is not None and self._since_item > self._item_limit:
            raise UnsafeXml(
                "XML_ITEM_TOO_LARGE",
                N_("{subject} holds one element of more than {limit} bytes near byte {offset}."),
                subject=self._subject,
                remedy=N_("Check that this is the right file, and that large content is kept in files beside it."),
                limit=self._item_limit,
                offset=self._received,
            )
        return block

    def _encoding(self, head: bytes) -> str | None:
        if head.startswith((b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\x00<", b"<\x00\x00\x00")):
            raise self._unknown_encoding("UTF-32")
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if head.startswith(b"<\x00"):
            return "utf-16-le"
        if head.startswith(b"\x00<"):
            return "utf-16-be"
        declared = _DECLARATION.match(head.removeprefix(codecs.BOM_UTF8))
        name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
        if name in _UTF8 or head.startswith(codecs.BOM_UTF8):
            return None
        if name not in _TRANSCODED or name.startswith("utf-16"):
            raise self._unknown_encoding(name)
        return _TRANSCODED[name]

    def _unknown_encoding(self, name: str) -> MalformedXml:
        return MalformedXml(
            "XML_ENCODING",
            N_("{subject} is written in the encoding “{encoding}”, which cannot be read."),
            subject=self._subject,
            remedy=N_("Save the document as UTF-8 (or GB18030, UTF-16) and declare that encoding in its first line."),
            encoding=name,
        )

    def _recode(self, block: bytes) -> bytes:
        decoder = self._decoder
        if decoder is None:
            return block
        try:
            return decoder.decode(block, final=not block).encode("utf-8")
        except UnicodeError as error:
            raise MalformedXml(
                "XML_ENCODING_BROKEN",
                N_("{subject} has bytes near position {offset} that are not of its declared encoding: {reason}."),
                subject=self._subject,
                remedy=N_("Save the document again in the encoding that its first line declares."),
                offset=self._received - len(block),
                reason=getattr(error, "reason", error),
            ) from error

    def _look_at_prolog(self) -> None:
        """A DOCTYPE can only stand before the root element, so looking at the prolog is enough to know that there is none."""
        position = 0
        while True:
            match = _MISC.match(self._ready, position)
            if match:
                position = match.end()
                continue
            rest = self._ready[position : position + 9]
            if rest.startswith(b"<!DOCTYPE"):
                raise UnsafeXml(
                    "XML_DOCTYPE",
                    N_("{subject} has a document type declaration (DOCTYPE), which can bring in entities and other files."),
                    subject=self._subject,
                    remedy=N_("Remove the DOCTYPE from the document; nothing that archives need depends on it."),
                )
            complete = not rest.startswith((b"<?", b"<!")) and len(rest) == 9
            if complete or len(self._ready) > PROLOG_LIMIT:
                if not complete:
                    raise UnsafeXml(
                        "XML_PROLOG_TOO_LARGE",
                        N_("{subject} has more than {limit} bytes before its first element."),
                        subject=self._subject,
                        remedy=N_("Remove the comments and instructions before the first element."),
                        limit=PROLOG_LIMIT,
                    )
                return
            received = self._receive(4096)
            if not received:
                self._ready += self._recode(b"") if self._decoder is not None else b""
                self._ended = True
                return
            self._ready += self._recode(received)


#: What lxml says when it has nothing to say, and where it repeats the line that we say ourselves.
_SILENT: Final = "no element found"
_POSITION: Final = re.compile(r", line \d+, column \d+$")


def _malformed(error: etree.XMLSyntaxError, subject: str) -> MalformedXml:
    line = error.lineno if error.lineno is not None else 0
    entries: Iterable[etree._LogEntry] = getattr(error, "error_log", ())
    told = [str(entry.message) for entry in entries if entry.domain_name == "PARSER"]
    reason = error.msg if error.msg and error.msg != _SILENT else told[-1] if told else _SILENT
    return MalformedXml(
        "XML_MALFORMED",
        N_("{subject} is not well-formed XML, line {line}: {reason}"),
        subject=subject,
        remedy=N_("Have the document written again by the system that made it; it may have been cut off or edited by hand."),
        line=line,
        reason=_POSITION.sub("", reason.strip()),
    )


def parse(stream: BinaryIO, subject: str, *, limit: int = DOCUMENT_LIMIT) -> Element:
    """Reads a small document whole and gives its root element (`getroottree()` of it is the tree).

    Args:
        stream: open for reading bytes, at the start of the document.
        subject: what to call the document in messages (its path).
        limit: most bytes to take. Beside it, libxml2's own limits hold: 256 levels, 10 MB for one text.

    Raises:
        UnsafeXml: a DOCTYPE or more bytes than `limit`.
        MalformedXml: not well-formed (with the line), or an encoding that is unknown or broken.
    """
    etree.clear_error_log()
    source = _Utf8(stream, subject, limit=limit)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        while block := source.read():
            parser.feed(block)
        root: Element = parser.close()
    except etree.XMLSyntaxError as error:
        raise _malformed(error, subject) from error
    return root


def parse_bytes(document: bytes, subject: str, *, limit: int = DOCUMENT_LIMIT) -> Element:
    """`parse` for a document that is already in memory."""
    return parse(io.BytesIO(document), subject, limit=limit)


def iterate(
    stream: BinaryIO,
    subject: str,
    tags: Sequence[str],
    *,
    limit: int | None = None,
    item_limit: int = ITEM_LIMIT,
    schema: etree.XMLSchema | None = None,
) -> Iterator[Element]:
    """Reads a document of any size, giving each element named in `tags` when it is complete, and forgetting it after.

    An element is emptied as soon as the next one is asked for, and what stood before it in its parent is removed, so that
    memory stays flat. Name only elements that do not lie in each other, or take the inner ones' text before the outer comes.

    Args:
        stream: open for reading bytes, at the start of the document.
        subject: what to call the document in messages.
        tags: element names in Clark notation (``{namespace}name``); ``{*}name`` is any namespace.
        limit: most bytes of the whole document, or None.
        item_limit: most bytes between two elements given, which is what must be held in memory.
        schema: checked on the way, without more memory; what breaks it is told at the end, as `MalformedXml`
            (`metadata.schemas.validate` makes a list of it).

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed (with the line), not of `schema`, or an encoding that is unknown or broken.
    """
    etree.clear_error_log()
    source = _Utf8(stream, subject, limit=limit, item_limit=item_limit)
    events = etree.iterparse(
        source,
        events=("end",),
        tag=list(tags),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
        schema=schema,
    )
    try:
        for _, element in events:
            source.item_done()
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise _malformed(error, subject) from error


def text_of(element: Element) -> str:
    """An element with everything in it as XML again, as the parser understood it; what follows it is left out."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def attributes_of(element: Element) -> dict[str, str]:
    """The attributes of an element, by name in Clark notation."""
    return dict(cast("list[tuple[str, str]]", element.items()))


_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_ILLEGAL: Final = re.compile(f"[{_FORBIDDEN}]")
_IN_TEXT: Final = re.compile(f"[&<>\r{_FORBIDDEN}]")
_IN_ATTRIBUTE: Final = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
_TEXT_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def is_plain(text: str) -> bool:
    """Whether the text certainly stands for itself in XML, in text and between single tags alike; tells of some that it might not.

    The cheap first question for what is written 10⁵ times: printable characters are legal ones, and none of them is white space
    but the blank. A text with a double quote is plain too, which matters in attributes only.
    """
    return text.isprintable() and "&" not in text and "<" not in text and ">" not in text


def is_legal(text: str) -> bool:
    """Whether every character may stand in XML 1.0 (production 2, Char)."""
    return _ILLEGAL.search(text) is None


def legal(text: str) -> str:
    """The text with every character that XML 1.0 forbids replaced by U+FFFD."""
    return _ILLEGAL.sub("\ufffd", text)


def _illegal(text: str) -> MetadataError:
    match = _ILLEGAL.search(text)
    code = ord(match.group()) if match else 0
    return MetadataError(
        "XML_CHARACTER",
        N_("The character U+{point} cannot be written in XML: “{text}”."),
        subject=legal(text)[:80],
        remedy=N_("Remove the character, or keep the bytes in an encoded form."),
        point=f"{code:04X}",
        text=legal(text)[:80],
    )


def escape(text: str) -> str:
    """Text as it stands between tags.

    Raises:
        MetadataError: ``XML_CHARACTER``, a character that XML 1.0 forbids.
    """
    if is_plain(text) or _IN_TEXT.search(text) is None:
        return text
    if _ILLEGAL.search(text):
        raise _illegal(text)
    return text.translate(_TEXT_ESCAPES)


def escape_words(text: str) -> str:
    """Words for people as they stand between tags; characters that XML 1.0 forbids become U+FFFD."""
    return text if is_plain(text) or _IN_TEXT.search(text) is None else legal(text).translate(_TEXT_ESCAPES)


def escape_attribute(text: str) -> str:
    """Text as it stands between the double quotes of an attribute; white space survives.

    Raises:
        MetadataError: ``XML_CHARACTER``, a character that XML 1.0 forbids.
    """
    if _IN_ATTRIBUTE.search(text) is None:
        return text
    if _ILLEGAL.search(text):
        raise _illegal(text)
    return text.translate(_ATTRIBUTE_ESCAPES)


class Destination(Protocol):
    """What can be written to: a binary stream, or anything else that takes bytes."""

    def write(self, block: bytes, /) -> object:
        """Takes all of the bytes."""


class Writer:
    """Writes XML as a stream: elements one after another, or ready-made pieces of text for what is written 10⁵ times.

    Used as a context manager it closes what is open; the stream itself stays open.

    Args:
        stream: open for writing bytes; gets UTF-8 in blocks of about 256 KiB.
        indent: whether `open` and `close` put each element on a line of its own, indented by two blanks.
    """

    __slots__ = ("_indent", "_open", "_pending", "_size", "_stream")

    def __init__(self, stream: Destination, *, indent: bool = True) -> None:
        self._stream = stream
        self._indent = indent
        self._open: list[str] = []
        self._pending: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            while self._open:
                self.close()
            self.flush()

    def open(self, tag: str, attributes: Mapping[str, str] | None = None) -> None:
        """Opens an element. Attributes in the order given; names are ours and are not checked."""
        self.raw(f"{self._margin()}<{tag}{_attributes(attributes)}>{self._newline()}")
        self._open.append(tag)

    def close(self) -> None:
        """Closes the element opened last."""
        tag = self._open.pop()
        self.raw(f"{self._margin()}</{tag}>{self._newline()}")

    def element(self, tag: str, text: str = "", attributes: Mapping[str, str] | None = None) -> None:
        """A whole element with text and no children; empty text gives an empty element."""
        content = f">{escape(text)}</{tag}>" if text else "/>"
        self.raw(f"{self._margin()}<{tag}{_attributes(attributes)}{content}{self._newline()}")

    def raw(self, piece: str) -> None:
        """Text that is XML already; who calls it has escaped the values in it."""
        self._pending.append(piece)
        self._size += len(piece)
        if self._size > _BLOCK:
            self.flush()

    def pieces(self, pieces: Iterable[str]) -> None:
        """`raw` for very many, one after another."""
        pending, size = self._pending, self._size
        for piece in pieces:
            pending.append(piece)
            size += len(piece)
            if size > _BLOCK:
                self.flush()
                size = 0
        self._size = size

    def copy(self, blocks: Iterable[bytes]) -> None:
        """XML in UTF-8 that was put together before."""
        self.flush()
        for block in blocks:
            self._stream.write(block)

    def flush(self) -> None:
        """Hands everything written so far to the stream."""
        self._stream.write("".join(self._pending).encode("utf-8"))
        self._pending.clear()
        self._size = 0

    def _margin(self) -> str:
        return "  " * len(self._open) if self._indent else ""

    def _newline(self) -> str:
        return "\n" if self._indent else ""


def _attributes(attributes: Mapping[str, str] | None) -> str:
    if not attributes:
        return ""
    return "".join(f' {name}="{escape_attribute(value)}"' for name, value in attributes.items())
