"""Points in time as the XML standards write them (ISO 8601, xs:dateTime)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import floor
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST: Final = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())


def format_moment(moment: datetime) -> str:
    """A point in time as UTC text.

    Raises:
        ValueError: the time knows no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written")
    text = moment.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else format_moment(moment.astimezone(UTC))


@lru_cache(maxsize=64)
def parse_moment(text: str) -> datetime:
    """The point in time of a text; without a zone it is taken as UTC.

    Raises:
        ValueError: not an ISO 8601 date or time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=16)
def format_seconds(seconds: float) -> str | None:
    """Seconds since the epoch as UTC text with every digit that the number has, or None outside the years 1 to 9999."""
    second = floor(seconds)
    if not _FIRST <= second <= _LAST:
        return None
    if seconds == second:
        digits = ""
    elif seconds > 1:
        # what repr gives in this range has no exponent, and its digits after the point are the ones that count
        digits = repr(seconds).partition(".")[2]
    else:
        digits = format(Decimal(repr(seconds)) - second, "f")[2:].rstrip("0")
    return f"{_minute(second // 60)}{second % 60:02}{'.' if digits else ''}{digits}Z"


@lru_cache(maxsize=1024)
def _minute(minute: int) -> str:
    day, clock = divmod(minute, 1440)
    return f"{date.fromordinal(_EPOCH.toordinal() + day).isoformat()}T{clock // 60:02}:{clock % 60:02}:"


def parse_seconds(text: str) -> float | None:
    """Seconds since the epoch of a text that `format_seconds` or anyone else wrote; None for what is no time."""
    head, dot, tail = text.strip().partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))] if dot else ""
    try:
        moment = parse_moment(head + tail[len(digits) :])
        whole = int((moment - _EPOCH).total_seconds())
        if whole >= 0 and len(digits) <= 15:
            return float(f"{whole}.{digits}")
        return float(Decimal(whole) + Decimal(f"0.{digits or 0}"))
    except (ValueError, OverflowError, InvalidOperation):
        return None
