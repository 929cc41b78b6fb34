"""Text: whether bytes are text and in which encoding, and what libmagic calls them.

libmagic knows no GB18030 (it says ``iso-8859-1`` or ``unknown-8bit``), which is what Chinese agencies write; so encodings are told
here, by decoding, and libmagic is asked only for the media type.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import re
from typing import Any, Final

#: Bytes that text does not have: controls other than tab, line ends, form feed, backspace, bell, escape.
_NOT_TEXT: Final = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
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
    if _NOT_TEXT.search(head):
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
        self._error: type[Exception] = magic.MagicException

    def mime(self, head: bytes) -> str:
        """The media type of the content, or an empty string where libmagic does not know or is absent."""
        if self._magic is None or not head:
            return ""
        try:
            found = str(self._magic.from_buffer(head[:_MAGIC_WINDOW]))
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
    usual = sum(_is_usual(character) for character in others)
    return bool(others) and usual >= _USUAL_SHARE * len(others)


def _is_usual(character: str) -> bool:
    # the characters of GB2312 lie at B0A1 to F7FE, its punctuation and full-width forms at A1 to A3
    code = character.encode("gb18030")
    return len(code) == 2 and (0xB0 <= code[0] <= 0xF7 and code[1] >= 0xA1 or 0xA1 <= code[0] <= 0xA3)
