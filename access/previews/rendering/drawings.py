"""Drawings in SVG: taken apart and put together again from what can neither run nor load anything."""

from __future__ import annotations

import re
from typing import Final, cast

from lxml import etree

from access.previews.orders import Order, page_name
from access.previews.values import DAMAGED, Form, Note, Preview, Unshowable
from metadata import xml
from metadata.errors import MetadataError
from repository.findings import N_

_SVG: Final = "http://www.w3.org/2000/svg"
_NAMES: Final = cast("dict[str, str]", {None: _SVG})
_LIMIT: Final = 16 * 1024**2
_MOST_ELEMENTS: Final = 200_000
_MOST_USES: Final = 2000
#: The declaration that drawing programs write: a name and an address, nothing inside. Any other is refused by the parser.
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s+svg[^\[\]<>]{0,300}>")
_ELEMENT_NAMES: Final = (
    "svg g defs symbol use path rect circle ellipse line polyline polygon text tspan title desc linearGradient radialGradient stop clipPath"
    " mask pattern marker switch"
)
_ELEMENTS: Final = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTE_NAMES: Final = (
    "id class x y x1 y1 x2 y2 cx cy r rx ry fx fy d points width height viewBox preserveAspectRatio transform gradientTransform"
    " gradientUnits patternUnits patternContentUnits patternTransform spreadMethod offset stop-color stop-opacity fill fill-opacity"
    " fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray stroke-dashoffset"
    " opacity clip-path clip-rule clipPathUnits mask maskUnits maskContentUnits font-family font-size font-weight font-style"
    " font-variant text-anchor text-decoration dominant-baseline letter-spacing word-spacing writing-mode dx dy rotate textLength"
    " lengthAdjust visibility display overflow color marker-start marker-mid marker-end markerWidth markerHeight markerUnits refX refY"
    " orient style vector-effect paint-order version"
)
_ATTRIBUTES: Final = frozenset(_ATTRIBUTE_NAMES.split())
#: What an address or a style may not have in it, unless it leads to something of the same drawing.
_REACHING: Final = re.compile(r"url\s*\(\s*(?![\"']?#)|@|\\|expression|javascript:|image\s*\(|image-set|src\s*\(|data:", re.IGNORECASE)
_HREFS: Final = ("href", "{http://www.w3.org/1999/xlink}href")


def render(order: Order) -> None:
    """A drawing that is inert."""
    content = order.source.read_bytes()[: _LIMIT + 1]
    try:
        root = xml.parse_bytes(_DOCTYPE.sub(b"", content, count=1), order.name, limit=_LIMIT)
    except MetadataError as error:
        raise Unshowable(DAMAGED, reason=error.code) from error
    if root.tag != f"{{{_SVG}}}svg":
        raise Unshowable(DAMAGED, reason=str(root.tag)[:80])
    drawing, dropped = inert(root)
    order.write(page_name(1, "svg"), drawing)
    notes = [Note(template=N_("Parts of this drawing that run or load something were left out."))] if dropped else []
    order.say(Preview(kind=order.kind, form=Form.DRAWING, pages=1, notes=tuple(notes)))


def inert(root: xml.Element) -> tuple[bytes, bool]:
    """The drawing made of what is known to be harmless, and whether anything was left out.

    Raises:
        Unshowable: it has more in it than a page may show.
    """
    counts = {"elements": 0, "uses": 0, "dropped": 0}
    made = _copied(root, counts, 0)
    assert made is not None
    if made.get("viewBox") is None and (box := _box(made)):
        made.set("viewBox", box)
    return etree.tostring(made, encoding="utf-8", xml_declaration=True), counts["dropped"] > 0


def _copied(element: xml.Element, counts: dict[str, int], depth: int) -> xml.Element | None:
    name = etree.QName(element)
    counts["elements"] += 1
    if name.localname == "use":
        counts["uses"] += 1
    if counts["elements"] > _MOST_ELEMENTS or counts["uses"] > _MOST_USES:
        raise Unshowable(N_("This drawing has more in it than a page can show."))
    if name.namespace != _SVG or name.localname not in _ELEMENTS or (depth and name.localname == "svg"):
        # what editors keep for themselves does no harm and is no loss
        counts["dropped"] += name.namespace == _SVG and name.localname not in ("metadata", "style")
        return None
    made = etree.Element(f"{{{_SVG}}}{name.localname}", nsmap=_NAMES)
    for attribute, value in xml.attributes_of(element).items():
        if attribute in _HREFS and value.startswith("#"):
            made.set("href", value)
        elif attribute in _ATTRIBUTES and not _REACHING.search(value):
            made.set(attribute, value)
        elif attribute in _HREFS or attribute.startswith("on") or attribute in _ATTRIBUTES:
            counts["dropped"] += 1
    if name.localname in ("text", "tspan", "title", "desc"):
        made.text = element.text
    for child in element:
        if (copy := _copied(child, counts, depth + 1)) is not None:
            copy.tail = child.tail if name.localname in ("text", "tspan") else None
            made.append(copy)
    return made


def _box(root: xml.Element) -> str:
    sizes = [re.match(r"[0-9.]+", str(root.get(name, ""))) for name in ("width", "height")]
    return f"0 0 {sizes[0][0]} {sizes[1][0]}" if sizes[0] and sizes[1] else ""
