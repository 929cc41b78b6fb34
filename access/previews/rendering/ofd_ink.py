"""Colours, lines and paths of OFD (GB/T 33190-2016, clauses 8 and 9) as attributes of SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from metadata import ofd, xml
from metadata.ofd import first, local, numbers

_LINE_WIDTH: Final = 0.353
_LONGEST_PATH: Final = 2_000_000
#: Operators of AbbreviatedData (clause 9.2), how many numbers follow, and what they are in SVG.
_OPERATORS: Final = {"S": (2, "M"), "M": (2, "M"), "L": (2, "L"), "Q": (4, "Q"), "B": (6, "C"), "A": (7, "A"), "C": (0, "Z")}
_CAPS: Final = {"Butt": "butt", "Round": "round", "Square": "square"}
_JOINS: Final = {"Miter": "miter", "Round": "round", "Bevel": "bevel"}
_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9]")


def plain(value: float) -> str:
    """A number as it stands in SVG."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def path_of(data: str) -> str:
    """AbbreviatedData as the ``d`` of a path; ends where it is broken."""
    made: list[str] = []
    tokens = iter(data[:_LONGEST_PATH].split())
    for token in tokens:
        if token not in _OPERATORS:
            break
        count, command = _OPERATORS[token]
        values = list(islice(_values(tokens), count))
        if len(values) < count:
            break
        if command == "A":
            # flags are 0 or 1, nothing between
            values[3], values[4] = float(bool(values[3])), float(bool(values[4]))
        made.append(command + " ".join(map(plain, values)))
    return "".join(made)


def _values(tokens: Iterator[str]) -> Iterator[float]:
    for token in tokens:
        try:
            yield float(token)
        except ValueError:
            return


def colour(element: xml.Element | None) -> tuple[str, float] | None:
    """A CT_Color as a colour of SVG and its opacity; None where there is no value."""
    if element is None:
        return None
    alpha = numbers(element.get("Alpha", "255"))
    opacity = min(max(alpha[0], 0), 255) / 255 if alpha else 1.0
    values = numbers(element.get("Value"))
    return (mixed(values), opacity) if values else None


def mixed(values: list[float]) -> str:
    """Grey, red-green-blue or cyan-magenta-yellow-black, of 8 bits each."""
    parts = [min(max(value, 0.0), 255.0) for value in values]
    if len(parts) >= 4:
        black = 1 - parts[3] / 255
        parts = [255 * (1 - part / 255) * black for part in parts[:3]]
    elif len(parts) < 3:
        parts = parts[:1] * 3
    return "#" + "".join(f"{round(part):02x}" for part in parts[:3])


class Ink:
    """What an object is drawn with: its own attributes over those of its drawing parameter.

    Args:
        element: the object.
        parameters: drawing parameters by id.
        inherited: id of the layer's drawing parameter, or None.
    """

    def __init__(self, element: xml.Element, parameters: dict[str, xml.Element], inherited: str | None) -> None:
        self._sources = [element]
        name = element.get("DrawParam") or inherited
        while name in parameters and len(self._sources) < 8:
            self._sources.append(parameters[str(name)])
            name = parameters[str(name)].get("Relative")

    def attribute(self, name: str, default: str = "") -> str:
        """An attribute, from the object or from its parameters."""
        return next((str(source.get(name)) for source in self._sources if source.get(name) is not None), default)

    def child(self, name: str) -> xml.Element | None:
        """A child, likewise."""
        return next((found for source in self._sources if (found := first(source, name)) is not None), None)

    def filling(self, definitions: list[str]) -> dict[str, str]:
        """How its inside is filled; gradients are put into `definitions`."""
        return self._paint("fill", self.child("FillColor"), definitions)

    def stroking(self, definitions: list[str]) -> dict[str, str]:
        """How its lines are drawn."""
        width = numbers(self.attribute("LineWidth"))
        attributes = self._paint("stroke", self.child("StrokeColor"), definitions)
        attributes["stroke-width"] = plain(width[0] if width and width[0] > 0 else _LINE_WIDTH)
        attributes["stroke-linecap"] = _CAPS.get(self.attribute("Cap"), "butt")
        attributes["stroke-linejoin"] = _JOINS.get(self.attribute("Join"), "miter")
        if dashes := numbers(self.attribute("DashPattern")):
            attributes["stroke-dasharray"] = " ".join(plain(abs(dash)) for dash in dashes[:32])
        return attributes

    def _paint(self, what: str, element: xml.Element | None, definitions: list[str]) -> dict[str, str]:
        found = colour(element)
        if found is not None:
            attributes = {what: found[0]}
            if found[1] < 1:
                attributes[f"{what}-opacity"] = plain(found[1])
            return attributes
        if element is not None:
            for shade in element:
                if local(shade) in ("AxialShd", "RadialShd") and (reference := _gradient(shade, definitions)):
                    return {what: reference}
        return {what: "#000000"}


def _gradient(shade: xml.Element, definitions: list[str]) -> str:
    start, end = numbers(shade.get("StartPoint")), numbers(shade.get("EndPoint"))
    if len(start) != 2 or len(end) != 2:
        return ""
    name = f"gradient-{len(definitions)}"
    stops = []
    segments = ofd.children(shade, "Segment")[:64]
    for number, segment in enumerate(segments):
        found = colour(first(segment, "Color"))
        place = numbers(segment.get("Position")) or [number / max(len(segments) - 1, 1)]
        if found is not None:
            stops.append(f'<stop offset="{plain(place[0])}" stop-color="{found[0]}" stop-opacity="{plain(found[1])}"/>')
    if local(shade) == "AxialShd":
        places = dict(zip(("x1", "y1", "x2", "y2"), (*start, *end), strict=True))
        kind = "linearGradient"
    else:
        radius = numbers(shade.get("EndRadius")) or [1.0]
        places = {"cx": end[0], "cy": end[1], "r": abs(radius[0]), "fx": start[0], "fy": start[1]}
        kind = "radialGradient"
    where = "".join(f' {key}="{plain(value)}"' for key, value in places.items())
    definitions.append(f'<{kind} id="{name}" gradientUnits="userSpaceOnUse"{where}>{"".join(stops)}</{kind}>')
    return f"url(#{name})"


def identifier(*parts: object) -> str:
    """A name for something in a drawing."""
    return "-".join(_IDENTIFIER.sub("_", str(part)) for part in parts)
