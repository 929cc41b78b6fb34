"""Times as XML writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from metadata.times import format_moment, format_seconds, parse_moment, parse_seconds
from tests.tools.information_packages import moments, seconds


@given(seconds)
def test_times_of_files_come_back_exactly(value):
    text = format_seconds(value)
    assert text is not None
    assert parse_seconds(text) == value
    assert abs(parse_moment(text[:19] + "Z").timestamp() - value) <= 1.000001


@given(moments)
def test_moments_come_back(moment):
    assert parse_moment(format_moment(moment)) == moment


def test_a_moment_is_written_in_utc():
    assert format_moment(datetime(2024, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))) == "2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (-0.25, "1969-12-31T23:59:59.75Z"),
        (1.7e9 + 0.5, "2023-11-14T22:13:20.5Z"),
        (1.1, "1970-01-01T00:00:01.1Z"),
        (1e-07, "1970-01-01T00:00:00.0000001Z"),
        (253402300799.5, "9999-12-31T23:59:59.5Z"),
        (1e20, None),
        (-1e12, None),
    ],
)
def test_seconds_count_from_the_epoch(value, text):
    assert format_seconds(value) == text


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "."])
def test_what_is_no_time_is_none(text):
    assert parse_seconds(text) is None


def test_a_time_without_a_zone_is_taken_as_utc():
    assert parse_moment("2024-01-01T00:00:00") == datetime(2024, 1, 1, tzinfo=UTC)
