"""Check characters of GB 32100, GB 11714 and GB 11643."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.recordkeeping.identity_numbers import NumberKind, check_number, credit_check_character, resident_check_character


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("91350100M000100Y43", NumberKind.CREDIT),
        ("11330000MB1905426E", NumberKind.CREDIT),
        ("D2143569-X", NumberKind.BODY),
        ("11010519491231002X", NumberKind.RESIDENT),
        ("11010519491231002x", NumberKind.RESIDENT),
    ],
)
def test_published_numbers_hold(number: str, kind: NumberKind) -> None:
    check = check_number(number)
    assert check is not None
    assert (check.kind, check.valid) == (kind, True)


@pytest.mark.parametrize(
    ("number", "expected"), [("11330000MB1905426R", "E"), ("110105194912310021", "X"), ("D2143569-1", "X"), ("110105194913310021", "")]
)
def test_wrong_numbers_say_what_they_should_end_in(number: str, expected: str) -> None:
    check = check_number(number)
    assert check is not None
    assert not check.valid
    assert check.expected == expected


@pytest.mark.parametrize("number", ["", "E12345678", "110105491231002", "港澳居民", "C1234567(8)"])
def test_other_documents_are_not_judged(number: str) -> None:
    assert check_number(number) is None


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.integers(0, 16))
def test_one_changed_character_is_seen(first: str, place: int) -> None:
    changed = first[:place] + ("0" if first[place] != "0" else "1") + first[place + 1 :]
    assert credit_check_character(first) != credit_check_character(changed)


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 15))
def test_two_digits_in_the_wrong_order_are_seen(first: str, place: int) -> None:
    swapped = first[:place] + first[place + 1] + first[place] + first[place + 2 :]
    assert (resident_check_character(first) == resident_check_character(swapped)) == (first == swapped)
