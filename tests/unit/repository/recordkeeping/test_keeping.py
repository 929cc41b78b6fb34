"""Until when a record is kept."""

from datetime import date

import pytest

from repository.recordkeeping.keeping import Keeping, keeping_term


def test_years_are_counted_from_the_end_of_the_year_of_formation() -> None:
    term = keeping_term("D30", "2017")
    assert (term.keeping, term.start, term.end, term.years) == (Keeping.UNTIL, date(2017, 12, 31), date(2047, 12, 31), 30)


def test_a_former_term_is_kept_as_long_as_it_could_mean() -> None:
    assert keeping_term("长期", "1990").end == date(2040, 12, 31)


@pytest.mark.parametrize(
    ("retention", "year", "keeping"),
    [
        ("Y", "", Keeping.FOR_EVER),
        ("永久", "2017", Keeping.FOR_EVER),
        ("", "2017", Keeping.NO_PERIOD),
        ("a while", "2017", Keeping.PERIOD_NOT_UNDERSTOOD),
        ("D10", "", Keeping.NO_YEAR),
        ("D10", "201", Keeping.NO_YEAR),
        ("D10", "２０１７", Keeping.NO_YEAR),
        ("D10", "0000", Keeping.NO_YEAR),
        ("D10", "9995", Keeping.NO_YEAR),
    ],
)
def test_what_cannot_be_decided_is_said(retention: str, year: str, keeping: Keeping) -> None:
    term = keeping_term(retention, year)
    assert term.keeping is keeping
    assert term.end is None
