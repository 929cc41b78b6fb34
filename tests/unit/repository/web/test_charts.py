"""What a chart draws is what its table says."""

import re
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from repository.web import charts
from repository.web.charts import Item, Series
from tests.tools.console import _console_home, app, database, home

__all__ = ["_console_home", "app", "database", "home"]

VALUES = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=40)


@given(VALUES)
def test_columns_are_as_high_as_their_values_and_never_leave_the_drawing(pairs: list[tuple[int, int]]) -> None:
    labels = [f"d{place}" for place in range(len(pairs))]
    chart = charts.columns(labels, [Series(name="a", values=[one for one, _ in pairs]), Series(name="b", values=[two for _, two in pairs])])
    assert [values for _, values in chart.rows] == [list(pair) for pair in pairs]
    assert chart.totals == [sum(one for one, _ in pairs), sum(two for _, two in pairs)]
    drawn = {mark.title for mark in chart.marks}
    assert drawn == {
        f"d{place}: {name} {value}" for place, pair in enumerate(pairs) for name, value in zip("ab", pair, strict=True) if value
    }
    assert all(mark.x >= chart.left and mark.x + mark.width <= chart.width for mark in chart.marks)
    assert all(mark.y >= 0 and mark.y + mark.height <= chart.base + 0.02 for mark in chart.marks)


def test_the_highest_column_of_even_values_is_twice_the_half() -> None:
    chart = charts.columns(["x", "y"], [Series(name="a", values=[50, 100])])
    half, whole = (mark.height for mark in chart.marks)
    assert whole == pytest.approx(2 * half)
    assert chart.grid[-1].value == 100


def test_values_that_do_not_fit_the_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        charts.columns(["x"], [Series(name="a", values=[1, 2])])
    with pytest.raises(ValueError, match="does not fit"):
        charts.columns(["x"], [Series(name="a", values=[-1])])


@given(st.lists(st.integers(0, 10**12), max_size=30), st.integers(1, 12))
def test_bars_and_their_rest_add_up_to_everything(values: list[int], most: int) -> None:
    bars = charts.bars([Item(label=f"l{place}", value=value) for place, value in enumerate(values)], at_most=most, rest="others")
    assert sum(bar.value for bar in bars) == sum(values)
    assert len(bars) <= most + 1
    assert all(0 <= bar.share <= 1 for bar in bars)


@given(st.lists(st.integers(0, 10**9), max_size=8))
def test_parts_fill_the_bar_and_follow_each_other(values: list[int]) -> None:
    segments = charts.parts([Item(label=str(place), value=value) for place, value in enumerate(values)])
    assert [segment.value for segment in segments] == values
    if sum(values):
        assert sum(segment.width for segment in segments) == pytest.approx(100, abs=0.05)
    for before, after in zip(segments, segments[1:], strict=False):
        assert after.x == pytest.approx(before.x + before.width, abs=0.01)


@given(st.integers(0, 10**15))
def test_an_axis_ends_at_or_a_little_above_the_value(value: int) -> None:
    end = charts.round_up(value)
    assert value <= end <= max(1, value * 2.5)


def _drawn(app: Flask, macro: str, *arguments: Any) -> str:
    with app.test_request_context("/"):
        module = app.jinja_env.get_template("shell/_charts.html").make_module({})
        return str(getattr(module, macro)(*arguments))


def test_a_label_cannot_become_markup(app: Flask) -> None:
    evil = '"><script>alert(1)</script><b title="'
    drawn = [
        _drawn(app, "columns", charts.columns([evil], [Series(name=evil, values=[3])]), "c", evil, evil),
        _drawn(app, "bars", charts.bars([Item(label=evil, value=1, code=evil, address="/x?" + evil)]), evil, evil),
        _drawn(app, "parts", charts.parts([Item(label=evil, value=1)]), "p", evil, evil, evil),
    ]
    for markup in drawn:
        assert "<script" not in markup
        assert "<b " not in markup
        assert "&lt;script&gt;" in markup


def test_a_chart_is_told_to_who_cannot_see_it(app: Flask) -> None:
    chart = charts.columns(["11-21", "11-22"], [Series(name="stored", values=[0, 7]), Series(name="rejected", values=[2, 0])])
    markup = _drawn(app, "columns", chart, "received", "Submissions by day", "Day")
    assert 'role="img"' in markup
    assert 'aria-labelledby="received-title received-desc"' in markup
    cells = re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", markup[markup.index("<tbody>") :])
    assert cells[:6] == ["11-21", "0", "2", "11-22", "7", "0"]
    assert " style=" not in markup
