"""Dates as exporters write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.recordkeeping.dates import Writing, is_before, read_moment


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2018-06-22 10:05:31", "2018-06-22T10:05:31"),
        ("2018-06-22T10:05:31+08:00", "2018-06-22T10:05:31"),
        ("2018-06-22", "2018-06-22"),
        ("20180622", "2018-06-22"),
        ("20180622100531", "2018-06-22T10:05:31"),
    ],
)
def test_plain_dates(text: str, iso: str) -> None:
    moment = read_moment(text)
    assert (moment.writing, moment.iso) == (Writing.PLAIN, iso)


@pytest.mark.parametrize(
    ("text", "iso"),
    [("2018/6/22", "2018-06-22"), ("2018/6/22 9:05:31", "2018-06-22T09:05:31"), ("2018年6月2日", "2018-06-02"), ("2018.6.2", "2018-06-02")],
)
def test_the_habit_of_a_machine_is_read_and_known(text: str, iso: str) -> None:
    moment = read_moment(text)
    assert (moment.writing, moment.iso) == (Writing.LOCAL, iso)


@pytest.mark.parametrize("text", ["2018-05-22 10: 05:31", "2018-37-22 10: 37:00", "2018-37-22 10:37:00", "2018-00-22 10: 00:12"])
def test_minutes_in_the_place_of_the_month_leave_the_month_unknown(text: str) -> None:
    moment = read_moment(text)
    assert moment.writing is Writing.MINUTES_FOR_MONTH
    assert moment.value is None
    assert moment.year == 2018


@pytest.mark.parametrize(
    "text", ["", "昨天", "2018-02-30", "2018-13-01", "2018-37-22 10:36:00", "2018-05-32 10: 05:31", "0018-01-01", "2018-06-22 25:00:00"]
)
def test_impossible_dates_are_unreadable(text: str) -> None:
    assert read_moment(text).writing is Writing.UNREADABLE


def test_a_date_without_time_is_the_whole_day() -> None:
    day, morning = read_moment("2018-06-22"), read_moment("2018-06-22 08:00:00")
    assert is_before(day, morning)
    assert is_before(morning, day)
    assert is_before(morning, read_moment("2018-06-22 07:59:59")) is False
    assert is_before(morning, read_moment("2018-05-22 10: 05:31")) is None


@given(st.text())
def test_nothing_makes_it_fail(text: str) -> None:
    moment = read_moment(text)
    assert (moment.value is None) == (moment.writing in {Writing.UNREADABLE, Writing.MINUTES_FOR_MONTH})


@given(st.datetimes())
def test_what_is_written_plainly_is_read_as_it_was(at: object) -> None:
    text = f"{at:%Y-%m-%d %H:%M:%S}"
    year = int(text.split("-")[0])
    if 1900 <= year <= 2200:
        assert read_moment(text).iso == text.replace(" ", "T")
