"""Until when a record is kept: from its retention period and the year it was formed in.

A period of years is counted from the end of the year in which the record was formed (机关文件材料归档范围和文书档案保管期限规定,
Order 8 of the State Archives Administration, 2006; DA/T 22-2015), so it ends with a year too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from repository.recordkeeping.retention import parse_retention


class Keeping(StrEnum):
    """What is known of the end of a record's time."""

    FOR_EVER = "for-ever"
    UNTIL = "until"
    NO_PERIOD = "no-period"
    PERIOD_NOT_UNDERSTOOD = "period-not-understood"
    NO_YEAR = "no-year"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingTerm:
    """How long a record is kept.

    Args:
        keeping: what is known.
        code: the period, ``Y`` or ``D30``, or as it was written where it is not understood.
        years: of the period, where it has an end.
        start: the end of the year from which they are counted.
        end: the last day on which the record is kept.
    """

    keeping: Keeping
    code: str = ""
    years: int | None = None
    start: date | None = None
    end: date | None = None


def keeping_term(retention: str, year: str) -> KeepingTerm:
    """How long a record is kept.

    Args:
        retention: 保管期限 as the catalogue has it.
        year: 年度, four digits, or empty.
    """
    if not retention:
        return KeepingTerm(keeping=Keeping.NO_PERIOD)
    period = parse_retention(retention)
    if period is None:
        return KeepingTerm(keeping=Keeping.PERIOD_NOT_UNDERSTOOD, code=retention)
    if period.years is None:
        return KeepingTerm(keeping=Keeping.FOR_EVER, code=period.code)
    if not (len(year) == 4 and year.isascii() and year.isdigit() and 1 <= int(year) <= 9999 - period.years):
        return KeepingTerm(keeping=Keeping.NO_YEAR, code=period.code, years=period.years)
    start = date(int(year), 12, 31)
    return KeepingTerm(
        keeping=Keeping.UNTIL, code=period.code, years=period.years, start=start, end=start.replace(year=start.year + period.years)
    )
