"""Charts: values and labels in, the geometry of an SVG and the rows of the table beside it out.

Pure functions: no database, no request. The templates of `shell/_charts.html` draw what they give, escape every label,
and put the same values into a table, which is the chart for whoever cannot see it (WCAG 2.2, 1.1.1). Colour never
carries anything alone: stacked series differ by pattern too, and values are written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Width of the drawing, in its own units; it is scaled to the page.
WIDTH: Final = 440
_LEFT: Final = 34
_RIGHT: Final = 8
_TOP: Final = 10
_BOTTOM: Final = 24


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values of one kind, one for each label of the chart.

    Args:
        name: what they count, as people say it.
        values: not negative.
    """

    name: str
    values: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A rectangle.

    Args:
        series: the how-manieth series it belongs to, from 1.
        x, y, width, height: in units of the drawing.
        title: what it stands for, in words.
    """

    series: int
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the grid with its value."""

    y: float
    value: int


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A label below the axis."""

    x: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Stacked columns over time.

    Args:
        width, height, base: of the drawing; `base` is where the axis lies.
        names: of the series.
        labels: one a column.
        marks: the rectangles that are not empty.
        grid: lines of the grid.
        ticks: labels that have room, the latest first.
        rows: the table: a label and the values of every series.
        totals: of each series.
    """

    width: int
    height: int
    base: float
    left: int
    names: Sequence[str]
    labels: Sequence[str]
    marks: Sequence[Mark]
    grid: Sequence[Line]
    ticks: Sequence[Tick]
    rows: Sequence[tuple[str, Sequence[int]]]
    totals: Sequence[int]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(self.totals)


def columns(labels: Sequence[str], series: Sequence[Series], *, height: int = 170) -> Columns:
    """Columns that stand beside each other in time, each with the series upon each other.

    Args:
        labels: one a column, the earliest first.
        series: from the bottom up.
        height: of the drawing, in its own units (it is `WIDTH` wide).

    Raises:
        ValueError: a series has not one value a label, or a negative one.
    """
    for one in series:
        if len(one.values) != len(labels) or any(value < 0 for value in one.values):
            raise ValueError(f"the series “{one.name}” does not fit the labels")
    base = height - _BOTTOM
    highest = max((sum(one.values[place] for one in series) for place in range(len(labels))), default=0)
    top = round_up(highest)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    width = min(step * 0.72, 44)
    marks = []
    for place, label in enumerate(labels):
        y = float(base)
        for number, one in enumerate(series, 1):
            value = one.values[place]
            if not value:
                continue
            # a value is never too small to be seen
            size = max((base - _TOP) * value / top, 1.5)
            y -= size
            x = _LEFT + step * place + (step - width) / 2
            marks.append(
                Mark(
                    series=number,
                    x=round(x, 2),
                    y=round(y, 2),
                    width=round(width, 2),
                    height=round(size, 2),
                    title=f"{label}: {one.name} {value}",
                )
            )
    every = max(1, -(-len(labels) // 6))
    return Columns(
        width=WIDTH,
        height=height,
        base=base,
        left=_LEFT,
        names=[one.name for one in series],
        labels=list(labels),
        marks=marks,
        grid=[Line(y=round(base - (base - _TOP) * part / 2, 2), value=top * part // 2) for part in ((0, 1, 2) if top > 1 else (0, 2))],
        ticks=[Tick(x=round(_LEFT + step * (place + 0.5), 2), text=labels[place]) for place in range(len(labels) - 1, -1, -every)],
        rows=[(label, [one.values[place] for one in series]) for place, label in enumerate(labels)],
        totals=[sum(one.values) for one in series],
    )


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One of several bars that are compared.

    Args:
        label: what it stands for.
        value: how much.
        share: of the largest, 0 to 1.
        part: of the sum, 0 to 1.
        code: the code behind the label, or empty.
        address: where it leads, or empty.
    """

    label: str
    value: int
    share: float
    part: float
    code: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A label with its value, as a chart takes it."""

    label: str
    value: int
    code: str = ""
    address: str = ""


def bars(items: Sequence[Item], *, at_most: int = 8, rest: str = "") -> list[Bar]:
    """Bars for a table, the largest first.

    Args:
        items: what is compared.
        at_most: how many bars; the smallest are added up in a last one.
        rest: what that one is called; empty: the smallest are left out.
    """
    ordered = sorted(items, key=lambda item: (-item.value, item.label))
    shown, others = ordered[:at_most], ordered[at_most:]
    left = sum(item.value for item in others)
    if rest and left:
        shown = [*shown, Item(label=rest, value=left)]
    largest = max((item.value for item in shown), default=0)
    total = sum(item.value for item in ordered)
    return [
        Bar(
            label=item.label,
            value=item.value,
            share=item.value / largest if largest else 0.0,
            part=item.value / total if total else 0.0,
            code=item.code,
            address=item.address,
        )
        for item in shown
    ]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of a whole, drawn as a piece of one bar.

    Args:
        number: the how-manieth, from 1; chooses colour and pattern.
        x, width: in per cent of the bar.
        label: what it is.
        value: how much.
        part: of the whole, 0 to 1.
    """

    number: int
    x: float
    width: float
    label: str
    value: int
    part: float


def parts(items: Sequence[Item]) -> list[Segment]:
    """The parts of a whole side by side in one bar, in the order given; parts of nothing are in the table only (width 0)."""
    total = sum(item.value for item in items)
    found = []
    x = 0.0
    for number, item in enumerate(items, 1):
        part = item.value / total if total else 0.0
        found.append(Segment(number=number, x=round(x * 100, 3), width=round(part * 100, 3), label=item.label, value=item.value, part=part))
        x += part
    return found


def round_up(value: int) -> int:
    """The next number that makes a good upper end of an axis: 1, 2, 4, 5, 10, 20, 40, 50, 100 … and never less than 1."""
    power = 1
    while True:
        for step in (1, 2, 4, 5):
            if step * power >= value:
                return step * power
        power *= 10
