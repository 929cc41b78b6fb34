"""Fonts that an OFD brings along: its glyphs become outlines in the drawing, so that no font of a stranger reaches a browser."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

from fontTools.cffLib import CFFFontSet
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont, TTLibError

_LARGEST: Final = 48 * 1024**2
_LONGEST_OUTLINE: Final = 20_000


class Outlines:
    """The glyphs of one font.

    Args:
        name: what a document calls it.
        content: the font: TrueType, OpenType, or CFF alone.

    Raises:
        ValueError: it cannot be read as any of them.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        if len(content) > _LARGEST:
            raise ValueError("font too large")
        self._draw: Callable[[str, Any], object]
        try:
            font = TTFont(io.BytesIO(content), lazy=True, fontNumber=0)
            glyphs = font.getGlyphSet()
            self._names: list[str] = font.getGlyphOrder()
            self._draw = lambda name, pen: glyphs[name].draw(pen)
            self.units = float(font["head"].unitsPerEm)
            self._characters: Mapping[int, str] = (font.getBestCmap() or {}) if "cmap" in font else {}
        except TTLibError:
            fonts = CFFFontSet()
            fonts.decompile(io.BytesIO(content), None)
            top = fonts[fonts.fontNames[0]]
            self._names = list(top.charset)
            self._draw = lambda name, pen: top.CharStrings[name].draw(pen)
            self.units = 1000.0
            self._characters = {}
        self._paths: dict[int, str] = {}
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def glyph_of(self, character: str) -> int | None:
        """The number of the glyph of a character, or None where the font has none."""
        name = self._characters.get(ord(character))
        return self._numbers.get(name) if name is not None else None

    def outline(self, glyph: int) -> str | None:
        """The outline of a glyph as the ``d`` of a path, upright on its baseline with y upwards; None where there is none."""
        if glyph not in self._paths:
            if not 0 <= glyph < len(self._names):
                return None
            pen = SVGPathPen(None)
            self._draw(self._names[glyph], pen)
            path = pen.getCommands()
            self._paths[glyph] = path if len(path) <= _LONGEST_OUTLINE else ""
        return self._paths[glyph]


def outlines_of(name: str, content: bytes) -> Outlines | None:
    """The glyphs of a font, or None where it cannot be read; then a font of the reader's stands in."""
    try:
        return Outlines(name, content)
    except MemoryError:
        raise
    except Exception:
        # a damaged font raises whatever the table at fault happens to raise
        return None
