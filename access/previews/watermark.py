"""The mark on page images: who looked, and when. It is drawn for each answer and never kept."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from metadata.xml import escape_words

#: Fonts with Chinese characters, where Debian and its kin put them.
_FONTS: Final = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
)
_ANGLE: Final = 24
_INK: Final = (120, 40, 30, 46)
#: Width of the letters in parts of the image's width.
_SIZE: Final = 58


def mark_image(content: bytes, text: str) -> bytes:
    """A WebP of ours with the text across it."""
    with Image.open(io.BytesIO(content), formats=("WEBP",)) as opened:
        picture = opened.convert("RGBA")
    size = max(14, max(picture.size) // _SIZE)
    tile = _tile(text, size)
    for row, y in enumerate(range(-tile.height // 2, picture.height, tile.height)):
        for x in range(-tile.width // 2 * (row % 2), picture.width, tile.width):
            left, top = max(x, 0), max(y, 0)
            picture.alpha_composite(tile, (left, top), (left - x, top - y))
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "WEBP", quality=80, method=1)
    return stream.getvalue()


def mark_drawing(content: bytes, text: str) -> bytes:
    """An SVG of ours with the text across it."""
    before, end, after = content.rpartition(b"</svg>")
    box = _box(content)
    if not end or box is None:
        return content
    x, y, width, height = box
    size = max(width, height) / _SIZE
    across, down = size * (len(text) * 0.75 + 8), size * 9
    mark = (
        f'<defs><pattern id="viewed" patternUnits="userSpaceOnUse" x="{x:g}" y="{y:g}" width="{across:g}" height="{down:g}"'
        f' patternTransform="rotate(-{_ANGLE})"><text x="{size:g}" y="{size * 2:g}" font-size="{size:g}" font-family="sans-serif"'
        f' fill="#78281e" fill-opacity="0.18">{escape_words(text)}</text></pattern></defs>'
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="url(#viewed)"/>'
    )
    return before + mark.encode("utf-8", "replace") + end + after


def _box(content: bytes) -> tuple[float, float, float, float] | None:
    head = content[: content.find(b">", content.find(b"<svg")) + 1].decode("utf-8", "replace")
    try:
        x, y, width, height = (float(part) for part in head.split('viewBox="')[1].split('"')[0].replace(",", " ").split())
    except (IndexError, ValueError):
        return None
    return (x, y, width, height) if width > 0 and height > 0 else None


def _tile(text: str, size: int) -> Image.Image:
    font = _font(size)
    left, top, right, bottom = font.getbbox(text)
    tile = Image.new("RGBA", (int(right - left) + size * 3, int(bottom - top) + size * 2), (0, 0, 0, 0))
    ImageDraw.Draw(tile).text((size - left, size - top), text, font=font, fill=_INK)
    return tile.rotate(_ANGLE, expand=True, resample=Image.Resampling.BILINEAR)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for path in _FONTS:
        if path.is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)
