"""Retention periods as archives write them."""

import pytest

from repository.recordkeeping.retention import Retention, parse_retention


@pytest.mark.parametrize(
    ("text", "code", "years"),
    [
        ("永久", "Y", None),
        ("Y", "Y", None),
        ("30年", "D30", 30),
        ("１０ 年", "D10", 10),
        ("D30", "D30", 30),
        ("d05", "D5", 5),
        ("三十年", "D30", 30),
        ("十年", "D10", 10),
        ("二十五年", "D25", 25),
        ("99年", "D99", 99),
    ],
)
def test_known_periods(text: str, code: str, years: int | None) -> None:
    assert parse_retention(text) == Retention(code=code, years=years)


@pytest.mark.parametrize("text", ["", "若干年", "30", "0年", "D0", "100年", "D100", "年", "永久30年"])
def test_what_means_nothing_is_not_guessed(text: str) -> None:
    assert parse_retention(text) is None


@pytest.mark.parametrize(("text", "years"), [("长期", 50), ("短期", 15)])
def test_former_terms_mean_the_longest_they_could(text: str, years: int) -> None:
    assert parse_retention(text) == Retention(code=f"D{years}", years=years, former=True)
