"""Text: whether bytes are text and in which encoding, and what libmagic calls them.

libmagic knows no GB18030 (it says ``iso-8859-1`` or ``unknown-8bit``), which is what Chinese agencies write; so encodings are told
here, by decoding, and libmagic is asked only for the media type.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import re
from functools import cache
from typing import Any, Final

#: Bytes that text does not have: controls other than tab, line ends, form feed, backspace, bell, escape.
_NOT_TEXT: Final = tuple(bytes((byte,)) for byte in (*range(0x07), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F))
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16BE"),
)
#: Share of the two-byte characters that must be usual Chinese before bytes count as GB18030: almost any bytes decode as it.
_USUAL_SHARE: Final = 0.9
_MAGIC_WINDOW: Final = 8192
#: Beginnings of which libmagic says nothing else: what is damaged further on still begins like this.
_BEGINNINGS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\n%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
)
#: MAGIC_NO_CHECK_ENCODING and MAGIC_NO_CHECK_TEXT of libmagic's ``magic.h``.
_NO_CHECK_OF_TEXT: Final = 0x200000 | 0x020000
#: These make no character of any encoding, so for what has them (libmagic overlooks them at the end) it need not look for one.
_NO_TEXT: Final = bytes(4)


def encoding_of(head: bytes) -> str | None:
    """The encoding of text by its IANA name, or None where the bytes are not text.

    Args:
        head: the first bytes of the file; a character cut at the end of the window does no harm.
    """
    if not head:
        return None
    for bom, codec, name in _BOMS:
        if head.startswith(bom):
            text = _decoded(head, codec)
            return name if text is not None and "\x00" not in text else None
    # one fast search for each is a fiftieth of what one for all of them takes as an expression; most of what is not text has NUL
    for byte in _NOT_TEXT:
        if byte in head:
            return None
    if head.isascii():
        return "US-ASCII"
    if _decoded(head, "utf-8") is not None:
        return "UTF-8"
    text = _decoded(head, "gb18030")
    if text is not None and _is_usual_chinese(text):
        return "GB18030"
    # bytes 80 to 9F are controls in Latin-1: what has them is something else
    return None if re.search(rb"[\x80-\x9f]", head) else "ISO-8859-1"


class Magic:
    """libmagic, where it is installed. One thread at a time."""

    def __init__(self) -> None:
        self._magic: Any = None
        with contextlib.suppress(ImportError):
            # puts the library it brings where python-magic looks for one
            importlib.import_module("pylibmagic")
        try:
            import magic
        except ImportError:
            return
        self._magic = magic.Magic(mime=True)
        self._binary: Any = magic.Magic(mime=True)
        magic.magic_setflags(self._binary.cookie, self._binary.flags | _NO_CHECK_OF_TEXT)
        self._error: type[Exception] = magic.MagicException

    def mime(self, head: bytes) -> str:
        """The media type of the content, or an empty string where libmagic does not know or is absent."""
        if self._magic is None or not head:
            return ""
        for beginning, mime in _BEGINNINGS:
            if head.startswith(beginning):
                return mime
        start = head[:_MAGIC_WINDOW]
        try:
            found = str((self._binary if _NO_TEXT in start.rstrip(b"\x00") else self._magic).from_buffer(start))
        except self._error:
            return ""
        return "" if found in {"application/octet-stream", "inode/x-empty"} else found


def _decoded(head: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(head, final=False)
    except UnicodeDecodeError:
        return None


def _is_usual_chinese(text: str) -> bool:
    """Whether the characters beyond ASCII are mostly Chinese ones, or the punctuation that goes with them."""
    others = [character for character in text[:20_000] if character > "\x7f"]
    usual = sum(map(_usual().__contains__, others))
    return bool(others) and usual >= _USUAL_SHARE * len(others)


@cache
def _usual() -> frozenset[str]:
    # the characters of GB2312 lie at B0A1 to F7FE, its punctuation and full-width forms at A1 to A3
    codes = [bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    codes += [bytes((row, cell)) for row in range(0xA1, 0xA4) for cell in range(0x40, 0xFF)]
    return frozenset(text for code in codes if len(text := code.decode("gb18030", "ignore")) == 1 and text > "\x7f")
