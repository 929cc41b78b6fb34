"""Dates as exporters write them: read leniently, with what was odd about them said."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Writing(StrEnum):
    """How a date was written.

    `PLAIN`: year, month, day in the order and with the marks of GB/T 7408 (ISO 8601). `LOCAL`: in the habit of one machine
    (``2018/6/22``, ``2018年6月22日``). `MINUTES_FOR_MONTH`: an exporter's wrong pattern ``yyyy-mm-dd hh: mm:ss``, which puts
    the minutes where the month belongs; the month cannot be known. `UNREADABLE`: no date at all, or an impossible one.
    """

    PLAIN = "plain"
    LOCAL = "local"
    MINUTES_FOR_MONTH = "minutes_for_month"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A date that was read.

    Args:
        raw: as written.
        writing: how it was written.
        value: the date and time of the clock where it was written (no time zone), or None where it cannot be known.
        timed: whether a time of day was given.
        year: the year, also where the month cannot be known; 0 where nothing can.
    """

    raw: str
    writing: Writing
    value: datetime | None = None
    timed: bool = False
    year: int = 0

    @property
    def iso(self) -> str:
        """ISO 8601, date alone or with the time, or empty."""
        if self.value is None:
            return ""
        return self.value.isoformat() if self.timed else self.value.date().isoformat()


_TIME: Final = (
    r"(?P<hour>\d{1,2})\s*[:时]\s*(?P<minute>\d{1,2})(?:\s*[:分]\s*(?P<second>\d{1,2})(?:\.\d+)?)?\s*[秒分]?(?:Z|[+-]\d{2}:?\d{2})?"
)
_WRITTEN: Final = re.compile(
    rf"(?P<year>\d{{4}})\s*([-/.年])\s*(?P<month>\d{{1,2}})\s*[-/.月]\s*(?P<day>\d{{1,2}})\s*日?(?:[T\s]\s*{_TIME})?"
)
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:T?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?")
_PLAIN: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?|\d{8}(?:\d{6})?")
_WRONG_PATTERN: Final = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) \d\d(?P<colon>: ?)(?P<minute>\d\d):\d\d")
_EARLIEST_YEAR: Final = 1900
_LATEST_YEAR: Final = 2200


def read_moment(text: str) -> Moment:
    """Reads a date or a date with time; never raises.

    The wrong pattern is known by the blank after the hour, or by an impossible month that equals the minutes.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    wrong = _WRONG_PATTERN.fullmatch(plain)
    if wrong and _minutes_for_month(wrong):
        return Moment(raw=text, writing=Writing.MINUTES_FOR_MONTH, year=int(wrong["year"]))
    match = _COMPACT.fullmatch(plain) or _WRITTEN.fullmatch(plain)
    value = _value(match) if match else None
    if match is None or value is None:
        return Moment(raw=text, writing=Writing.UNREADABLE)
    writing = Writing.PLAIN if _PLAIN.fullmatch(plain) else Writing.LOCAL
    return Moment(raw=text, writing=writing, value=value, timed=match["hour"] is not None, year=value.year)


def _minutes_for_month(match: re.Match[str]) -> bool:
    if not 1 <= int(match["day"]) <= 31:
        return False
    possible = 1 <= int(match["month"]) <= 12
    return match["colon"] == ": " or (not possible and match["month"] == match["minute"])


def _value(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second = (int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second"))
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def is_before(earlier: Moment, later: Moment) -> bool | None:
    """Whether one moment is not after the other; None where one of them is not known. A date without a time is the whole day."""
    if earlier.value is None or later.value is None:
        return None
    if earlier.timed and later.timed:
        return earlier.value <= later.value
    return earlier.value.date() <= later.value.date()
