"""Electronic seals (GB/T 38540-2020, and GM/T 0031-2014 before it): what they look like. What they vouch for is not asked here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_NESTING: Final = 24
#: In a tag of DER: there are values in the value (ITU-T X.690, 8.1.2.5).
_CONSTRUCTED: Final = 0x20
#: What a seal's picture is in DER: IA5String, OCTET STRING, INTEGER, INTEGER.
_PICTURE: Final = [0x16, 0x04, 0x02, 0x02]


@dataclass(frozen=True, kw_only=True, slots=True)
class SealPicture:
    """The picture in an electronic seal (GB/T 38540-2020, SES_ESPictureInfo).

    Args:
        type: as the seal says: ``png``, ``ofd`` …
        content: its bytes.
        width: millimetres.
        height: millimetres.
    """

    type: str
    content: bytes
    width: int
    height: int


def seal_picture(der: bytes) -> SealPicture | None:
    """The picture in a seal or in a signature that holds the seal, or None where there is none: whichever edition made it,
    it is a sequence of a type, the bytes, and two numbers.
    """
    return _picture_in(memoryview(der), 0)


def _picture_in(der: memoryview, depth: int) -> SealPicture | None:
    parts = list(_parts(der))
    if [tag for tag, _ in parts[:4]] == _PICTURE:
        type, image, width, height = (bytes(value) for _, value in parts[:4])
        return SealPicture(
            type=type.decode("ascii", "replace").lower(),
            content=image,
            width=int.from_bytes(width, "big", signed=True),
            height=int.from_bytes(height, "big", signed=True),
        )
    if depth < _NESTING:
        for tag, content in parts:
            if tag & _CONSTRUCTED and (found := _picture_in(content, depth + 1)) is not None:
                return found
    return None


def _parts(der: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The values one after another in DER; ends where it is not DER."""
    at = 0
    while at + 2 <= len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7F
            if not 0 < octets <= 4 or at + octets > len(der):
                return
            length = int.from_bytes(der[at : at + octets], "big")
            at += octets
        if at + length > len(der):
            return
        yield tag, der[at : at + length]
        at += length
