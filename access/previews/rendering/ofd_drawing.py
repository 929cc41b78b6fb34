"""A page of OFD as an inert SVG: text, paths, pictures, composites, templates, annotations and seals (GB/T 33190-2016, 8–12)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from access.previews.rendering.ofd_fonts import Outlines, outlines_of
from access.previews.rendering.ofd_ink import Ink, identifier, path_of, plain
from access.previews.values import Unshowable
from metadata import ofd, xml
from metadata.errors import MetadataError
from metadata.ofd import OfdDocument, OfdPackage, children, first, local, numbers, text_of
from repository.findings import N_

_MOST_OBJECTS: Final = 60_000
_MOST_OUTPUT: Final = 32 * 1024**2
_MOST_NESTING: Final = 12
_LARGEST_PICTURE: Final = 2400
_MOST_PIXELS: Final = 120_000_000
_PICTURE_FORMATS: Final = ("PNG", "JPEG", "BMP", "DIB", "GIF", "TIFF", "JPEG2000", "WEBP", "PPM")
_SERIF: Final = "'Noto Serif SC', 'Noto Serif CJK SC', 'Source Han Serif SC', SimSun, 'Songti SC', serif"
_SANS: Final = "'Noto Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
#: Words in the names of fonts that tell their family where the flags are silent.
_SANS_WORDS: Final = ("黑", "hei", "sans", "arial", "helvetica", "圆")


@dataclass
class Drawing:
    """A page while it is drawn.

    Args:
        package: where parts come from.
        document: what the page belongs to.
        resources: what it refers to, its own resources among them.
    """

    package: OfdPackage
    document: OfdDocument
    resources: ofd.Resources
    body: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    missing: int = 0
    _size: int = 0
    _objects: int = 0
    _fonts: dict[str, Outlines | None] = field(default_factory=dict)
    _glyphs: set[str] = field(default_factory=set)
    _last: tuple[float, float] | None = None

    def put(self, piece: str) -> None:
        """Adds a piece.

        Raises:
            Unshowable: the page has more on it than a browser should be given.
        """
        self._size += len(piece)
        if self._size > _MOST_OUTPUT:
            raise Unshowable(N_("This page has more on it than can be shown."))
        self.body.append(piece)

    def graphics(self, element: xml.Element, parameter: str | None = None, depth: int = 0) -> None:
        """Draws the objects in a layer or block."""
        parameter = element.get("DrawParam") or parameter
        for child in element:
            self._objects += 1
            if self._objects > _MOST_OBJECTS or depth > _MOST_NESTING:
                raise Unshowable(N_("This page has more on it than can be shown."))
            if child.get("Visible") == "false":
                continue
            match local(child):
                case "PageBlock" | "Layer":
                    self.graphics(child, parameter, depth + 1)
                case "TextObject":
                    self._text(child, parameter)
                case "PathObject":
                    self._path(child, parameter)
                case "ImageObject":
                    self._image(child)
                case "CompositeObject":
                    self._composite(child, parameter, depth)

    def _opened(self, element: xml.Element) -> str:
        """The group an object stands in: moved to its place, bent by its matrix, as transparent and as cut as it says."""
        box = numbers(element.get("Boundary"))
        transform = f"translate({plain(box[0])} {plain(box[1])})" if len(box) == 4 else ""
        matrix = numbers(element.get("CTM"))
        if len(matrix) == 6:
            transform += f" matrix({' '.join(map(plain, matrix))})"
        alpha = numbers(element.get("Alpha"))
        opacity = f' opacity="{plain(min(max(alpha[0], 0), 255) / 255)}"' if alpha and alpha[0] < 255 else ""
        return f'<g transform="{transform.strip()}"{opacity}{self._clip(element)}>'

    def _clip(self, element: xml.Element) -> str:
        clips = first(element, "Clips")
        if clips is None:
            return ""
        areas = []
        for area in (area for clip in children(clips, "Clip") for area in children(clip, "Area")):
            path = first(area, "Path")
            if path is None or not (data := path_of(text_of(path, "AbbreviatedData"))):
                return ""
            box, matrix = numbers(path.get("Boundary")), numbers(area.get("CTM"))
            transform = f"matrix({' '.join(map(plain, matrix))}) " if len(matrix) == 6 else ""
            transform += f"translate({plain(box[0])} {plain(box[1])})" if len(box) == 4 else ""
            areas.append(f'<path d="{data}" transform="{transform}"/>')
        name = f"clip-{len(self.definitions)}"
        self.definitions.append(f'<clipPath id="{name}">{"".join(areas)}</clipPath>')
        return f' clip-path="url(#{name})"'

    def _path(self, element: xml.Element, parameter: str | None) -> None:
        data = path_of(text_of(element, "AbbreviatedData"))
        if not data:
            return
        ink = Ink(element, self.resources.parameters, parameter)
        look: dict[str, str] = {}
        look |= ink.filling(self.definitions) if element.get("Fill") == "true" else {"fill": "none"}
        if element.get("Stroke") != "false":
            look |= ink.stroking(self.definitions)
        if element.get("Rule") == "Even-Odd":
            look["fill-rule"] = "evenodd"
        self.put(f'{self._opened(element)}<path d="{data}"{_attributes(look)}/></g>')

    def _composite(self, element: xml.Element, parameter: str | None, depth: int) -> None:
        unit = self.resources.composites.get(str(element.get("ResourceID", "")))
        content = first(unit, "Content") if unit is not None else None
        if content is not None:
            self.put(self._opened(element))
            self.graphics(content, parameter, depth + 1)
            self.put("</g>")

    def _image(self, element: xml.Element) -> None:
        file = self.resources.media.get(str(element.get("ResourceID", "")))
        picture = self.picture(file) if file is not None else None
        if picture is None:
            self.missing += 1
            box = numbers(element.get("Boundary"))
            if len(box) == 4 and box[2] > 0 and box[3] > 0:
                place = "".join(f' {name}="{plain(value)}"' for name, value in zip(("x", "y", "width", "height"), box, strict=True))
                self.put(f'<rect{place} fill="#e8e4dc" stroke="#a09888" stroke-width="0.2" stroke-dasharray="1 1"/>')
            return
        box = numbers(element.get("Boundary"))
        # a matrix takes the picture for a square of one unit; without one it fills its place
        by_place = len(box) == 4 and len(numbers(element.get("CTM"))) != 6
        width, height = (plain(box[2]), plain(box[3])) if by_place else ("1", "1")
        self.put(f'{self._opened(element)}<image width="{width}" height="{height}" preserveAspectRatio="none" href="{picture}"/></g>')

    def picture(self, path: str) -> str | None:
        """A picture of the package, decoded and written anew, as an address that holds it; None where it cannot be read."""
        try:
            return address_of(self.package.read(path))
        except (MetadataError, ValueError):
            return None

    def _text(self, element: xml.Element, parameter: str | None) -> None:
        size = numbers(element.get("Size"))
        if not size or not 0 < size[0] < 10_000:
            return
        ink = Ink(element, self.resources.parameters, parameter)
        look = ink.filling(self.definitions) if element.get("Fill") != "false" else {"fill": "none"}
        if element.get("Stroke") == "true":
            look |= ink.stroking(self.definitions)
        name = str(element.get("Font", ""))
        font = self.resources.fonts.get(name) or ofd.Font(name="")
        weight = numbers(element.get("Weight"))
        if font.bold or (weight and weight[0] >= 600):
            look["font-weight"] = "bold"
        if font.italic or element.get("Italic") == "true":
            look["font-style"] = "italic"
        scale = numbers(element.get("HScale"))
        turned = numbers(element.get("CharDirection"))
        form = _Letters(size=size[0], scale=scale[0] if scale else 1.0, turned=turned[0] if turned else 0.0)
        self.put(f'{self._opened(element)}<g{_attributes(look)} font-family="{_family(font)}" font-size="{plain(size[0])}">')
        at = (0.0, 0.0)
        glyphs = _glyph_numbers(element)
        place = 0
        written = []
        for code in children(element, "TextCode"):
            text = (code.text or "").strip("\r\n\t")
            at = (_number(code.get("X"), at[0]), _number(code.get("Y"), at[1]))
            written.append(text)
            self._letters(code, text, at, form, self._outlines(name, font), glyphs, place)
            place += len(text)
        self.put("</g></g>")
        self._remember(element, "".join(written), size[0])

    def _letters(
        self,
        code: xml.Element,
        text: str,
        at: tuple[float, float],
        form: _Letters,
        outlines: Outlines | None,
        glyphs: dict[int, int],
        place: int,
    ) -> None:
        """Draws the characters of a TextCode, by outlines where the font came along, else with a font of the reader's."""
        across, down = _deltas(code.get("DeltaX"), len(text)), _deltas(code.get("DeltaY"), len(text))
        if outlines is None and not across and not down and form.upright:
            self.put(f'<text x="{plain(at[0])}" y="{plain(at[1])}" xml:space="preserve">{xml.escape_words(text)}</text>')
            return
        x, y = at
        rest: list[tuple[str, float, float]] = []
        for number, character in enumerate(text):
            outline = self._outline(outlines, glyphs.get(place + number), character)
            if outline is None:
                rest.append((character, x, y))
            elif outlines is not None:
                scale = form.size / outlines.units
                turn = f" rotate({plain(form.turned)})" if form.turned else ""
                size = f"scale({plain_scale(scale * form.scale)} {plain_scale(-scale)})"
                self.put(f'<use href="#{outline}" transform="translate({plain(x)} {plain(y)}){turn} {size}"/>')
            x += across[number] if number < len(across) else (0.0 if down else form.width(character))
            y += down[number] if number < len(down) else 0.0
        self._substituted(rest, form)

    def _substituted(self, letters: list[tuple[str, float, float]], form: _Letters) -> None:
        letters = [letter for letter in letters if not letter[0].isspace()]
        if not letters:
            return
        if form.upright:
            text = xml.escape_words("".join(letter[0] for letter in letters))
            # a character beyond the basic plane has one place, as have its two code units
            xs, ys = " ".join(plain(x) for _, x, _ in letters), " ".join(plain(y) for _, _, y in letters)
            self.put(f'<text x="{xs}" y="{ys}">{text}</text>')
            return
        for character, x, y in letters:
            turn = f" rotate({plain(form.turned)})" if form.turned else ""
            transform = f"translate({plain(x)} {plain(y)}){turn} scale({plain_scale(form.scale)} 1)"
            self.put(f'<text transform="{transform}">{xml.escape_words(character)}</text>')

    def _outline(self, outlines: Outlines | None, glyph: int | None, character: str) -> str | None:
        """The name of a glyph's outline among the definitions; None where there is none."""
        if outlines is None:
            return None
        number = glyph if glyph is not None else outlines.glyph_of(character)
        if number is None:
            return None
        name = identifier("g", outlines.name, number)
        if name not in self._glyphs:
            try:
                path = outlines.outline(number)
            except MemoryError:
                raise
            except Exception:
                # a damaged glyph raises whatever the instruction at fault raises
                path = None
            if path is None:
                return None
            self._glyphs.add(name)
            self._size += len(path)
            self.definitions.append(f'<path id="{name}" d="{path}"/>')
        return name

    def _outlines(self, name: str, font: ofd.Font) -> Outlines | None:
        if name not in self._fonts:
            self._fonts[name] = None
            if font.file is not None:
                try:
                    self._fonts[name] = outlines_of(name, self.package.read(font.file))
                except MetadataError:
                    self.missing += 1
        return self._fonts[name]

    def _remember(self, element: xml.Element, text: str, size: float) -> None:
        """Keeps the text; what stands on the same height joins the line before."""
        box = numbers(element.get("Boundary"))
        y = box[1] + box[3] if len(box) == 4 else 0.0
        if self._last is not None and self.lines and abs(y - self._last[0]) < max(size, self._last[1]) * 0.4:
            self.lines[-1] += text if text.startswith(" ") or self.lines[-1].endswith(" ") else f" {text}"
        else:
            self.lines.append(text)
        self._last = (y, size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Letters:
    """How large letters are, how wide, and how turned (clause 11.3)."""

    size: float
    scale: float
    turned: float

    @property
    def upright(self) -> bool:
        """Whether they stand as the font has them."""
        return self.scale == 1.0 and not self.turned

    def width(self, character: str) -> float:
        """About how wide a character is, where the document does not say: a Chinese one fills a square."""
        return self.size * self.scale * (1.0 if ord(character) > 0x2E7F else 0.5)


def address_of(content: bytes) -> str:
    """A picture, decoded and written anew, as an address that holds it.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        Image.init()
        with Image.open(io.BytesIO(content), formats=_PICTURE_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise ValueError("picture too large")
            opened.draft("RGB", (_LARGEST_PICTURE, _LARGEST_PICTURE))
            clear = "A" in opened.getbands() or "transparency" in opened.info
            picture = opened.convert("RGBA" if clear else "RGB")
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(str(error)) from error
    picture.thumbnail((_LARGEST_PICTURE, _LARGEST_PICTURE))
    stream = io.BytesIO()
    if clear:
        picture.save(stream, "PNG")
    else:
        picture.save(stream, "JPEG", quality=82)
    return f"data:image/{'png' if clear else 'jpeg'};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def plain_scale(value: float) -> str:
    """A small number as it stands in SVG."""
    return f"{value:.7g}"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{xml.escape_attribute(value)}"' for name, value in values.items())


def _family(font: ofd.Font) -> str:
    """A font of the reader's that stands in for one, as near to it as its name tells."""
    names = [xml.legal(name) for name in (font.name, font.family) if name]
    sans = not font.serif and any(word in name.lower() for name in names for word in _SANS_WORDS)
    quoted = [f"'{name}'" for name in dict.fromkeys(names) if not set(name) & set("'\"\\;")]
    family = [*quoted, "'Noto Sans Mono CJK SC', monospace"] if font.fixed else [*quoted, _SANS if sans else _SERIF]
    return xml.escape_attribute(", ".join(family))


def _deltas(text: object, count: int) -> list[float]:
    """The steps between characters; ``g n v`` is n times v (clause 11.3)."""
    found: list[float] = []
    tokens = iter(str(text or "").split())
    try:
        for token in tokens:
            if token == "g":
                times, value = int(next(tokens)), float(next(tokens))
                found.extend([value] * min(max(times, 0), count))
            else:
                found.append(float(token))
            if len(found) >= count:
                break
    except (ValueError, StopIteration):
        return found
    return found


def _glyph_numbers(element: xml.Element) -> dict[int, int]:
    """Which glyphs stand for which characters of a text object, by their place (CT_CGTransform, clause 11.4)."""
    return dict(_placed_glyphs(element))


def _placed_glyphs(element: xml.Element) -> Iterator[tuple[int, int]]:
    for change in children(element, "CGTransform"):
        start = int(_number(change.get("CodePosition"), 0))
        for place, glyph in enumerate(numbers(text_of(change, "Glyphs"))):
            yield start + place, int(glyph)


def _number(text: object, default: float) -> float:
    values = numbers(text)
    return values[0] if values else default
