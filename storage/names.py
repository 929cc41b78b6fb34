"""File names: from a sender's bytes to text that is legal on disk, in XML and in JSON, with nothing lost.

A name that is UTF-8 stays exactly as it is, in whatever Unicode form, with newlines, trailing dots and all 255 bytes.
Everything else is converted by one rule, and the bytes are kept beside the text.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

Encoding = Literal["utf-8", "gb18030", "cp437", "percent"]

#: Bytes that a file name may have on every file system that matters.
LONGEST_NAME: Final = 255

# C0 controls other than TAB, LF and CR, and U+FFFE, U+FFFF: not characters of XML 1.0 (§2.2). Lone surrogates too; here they
# stand for bytes that could not be decoded.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ENCODED: Final = re.compile("%(?=[0-9A-Fa-f]{2})")
_LONGEST_EXTENSION: Final = 32


class Name(NamedTuple):
    """One part of a path, without ``/``.

    Args:
        text: the name to use on disk, in METS and on pages.
        raw: the sender's bytes.
        encoding: how the bytes were read; ``percent`` when some were written as ``%XX``.
    """

    text: str
    raw: bytes
    encoding: Encoding


def decoded(raw: bytes, *, encoding_hint: str | None = None) -> str:
    """The bytes as text and no more: bytes that cannot be decoded come as lone surrogates, nothing is encoded or cut."""
    return _decoded(raw, encoding_hint)[0]


def text_of(raw: bytes, *, encoding_hint: str | None = None) -> Name:
    """Turns the bytes of one name into text.

    Args:
        raw: the name as the sender's bytes had it, without ``/``.
        encoding_hint: ``gb18030`` or ``cp437``, to be tried where the bytes are not UTF-8 (`encoding_of` finds it for a
            whole package); None: bytes that are not UTF-8 are written as ``%XX``.
    """
    text, encoding = _decoded(raw, encoding_hint)
    if _UNWRITABLE.search(text):
        text, encoding = _percent_encoded(text), "percent"
    if len(raw) > LONGEST_NAME or len(text) * 3 > LONGEST_NAME:
        text = _cut(text, raw)
    return Name(text, raw, encoding)


def numbered(text: str, number: int) -> str:
    """The name with ``~number`` before its extension, for a name that is taken: ``报告.pdf`` gives ``报告~2.pdf``."""
    stem, extension = _split(text)
    mark = f"~{number}"
    return _shortened(stem, LONGEST_NAME - len(mark) - len(extension.encode())) + mark + extension


def encoding_of(names: Iterable[bytes]) -> str | None:
    """The encoding that all names of a package share where they are not UTF-8: ``gb18030``, or None.

    Names count as GB18030 when every one of them decodes to printable characters of the kind Chinese names are made of,
    and at least half of these are in the everyday set GB/T 2312 (random Latin bytes seldom are).
    """
    everyday = others = 0
    for raw in names:
        if raw.isascii() or _is_utf8(raw):
            continue
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            return None
        for character in text:
            if character.isascii():
                continue
            if not _in_chinese_names(character):
                return None
            if _encodable(character, "gb2312"):
                everyday += 1
            else:
                others += 1
    return "gb18030" if everyday and everyday >= others else None


def folded(text: str) -> str:
    """A key that is equal for names that differ only in case or Unicode form (some file systems cannot keep both)."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def shown(raw: bytes) -> str:
    """Bytes as a person can read and retype them: ASCII as it is, the rest as ``\\xNN``."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in raw)


def _decoded(raw: bytes, hint: str | None) -> tuple[str, Encoding]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        if hint == "cp437":
            return raw.decode("cp437"), "cp437"
        try:
            if hint == "gb18030":
                return raw.decode("gb18030"), "gb18030"
        except UnicodeDecodeError:
            pass
        return raw.decode(errors="surrogateescape"), "utf-8"
    if hint == "gb18030" and _rather_gb18030(text, raw):
        return raw.decode("gb18030"), "gb18030"
    return text, "utf-8"


def _rather_gb18030(text: str, raw: bytes) -> bool:
    # 一 is D2 BB in GB18030, which is also UTF-8 for Cyrillic һ. Among names that are GB18030, text that needed no
    # three-byte sequence is far more likely Chinese.
    if text.isascii() or max(text) >= "\u0800":
        return False
    try:
        return all(character.isascii() or _in_chinese_names(character) for character in raw.decode("gb18030"))
    except UnicodeDecodeError:
        return False


def _percent_encoded(text: str) -> str:
    # A literal %41 must stay different from a byte 0x41 that was encoded, so its sign is encoded as well; only here, so
    # that ordinary names with a percent sign stay as they are.
    return _UNWRITABLE.sub(_percent, _LOOKS_ENCODED.sub("%25", text))


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _cut(text: str, raw: bytes) -> str:
    if len(text.encode()) <= LONGEST_NAME:
        return text
    stem, extension = _split(text)
    mark = "~" + hashlib.sha256(raw).hexdigest()[:16]
    return _shortened(stem, LONGEST_NAME - len(mark) - len(extension.encode())) + mark + extension


def _split(text: str) -> tuple[str, str]:
    stem, dot, extension = text.rpartition(".")
    if not stem or not dot or not extension or len(extension.encode()) > _LONGEST_EXTENSION:
        return text, ""
    return stem, dot + extension


def _shortened(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _in_chinese_names(character: str) -> bool:
    return (
        "\u3400" <= character <= "\u9fff"
        or "\u3000" <= character <= "\u33ff"
        or "\uff00" <= character <= "\uffef"
        or "\u2010" <= character <= "\u27bf"
        or "\U00020000" <= character <= "\U0003ffff"
        or character in "·×÷°±"
    ) and character.isprintable() | (character == "\u3000")
