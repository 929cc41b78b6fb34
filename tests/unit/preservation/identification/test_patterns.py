"""Where a pattern may stand, and that no bytes make looking for it slow."""

import pytest

from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import parse


def pattern(anchor: Anchor, sequence: str, low: int = 0, high: int | None = 0) -> Pattern:
    return Pattern(anchor=anchor, low=low, high=high, steps=parse(sequence))


@pytest.mark.parametrize(
    ("anchor", "low", "high", "window", "expected"),
    [
        (Anchor.START, 0, 0, b"AB", True),
        (Anchor.START, 0, 0, b"xAB", False),
        (Anchor.START, 2, 4, b"xxxAB", True),
        (Anchor.START, 2, 4, b"xAB", False),
        (Anchor.START, 2, 4, b"xxxxxAB", False),
        (Anchor.START, 1, None, b"x" * 5000 + b"AB", True),
        (Anchor.END, 0, 0, b"xxAB", True),
        (Anchor.END, 0, 0, b"xxABx", False),
        (Anchor.END, 0, 3, b"ABxxx", True),
        (Anchor.END, 0, 3, b"ABxxxx", False),
        (Anchor.END, 2, 3, b"ABx", False),
        (Anchor.ANYWHERE, 0, None, b"xxABxx", True),
        (Anchor.ANYWHERE, 0, None, b"A", False),
        (Anchor.START, 0, 0, b"", False),
    ],
)
def test_the_place_of_a_pattern(anchor: Anchor, low: int, high: int | None, window: bytes, expected: bool) -> None:
    assert pattern(anchor, "4142", low, high).matches(window) is expected


def test_a_gap_may_go_on_from_a_later_place_than_the_first() -> None:
    # the first A is too far from B, the second is not
    assert pattern(Anchor.START, "41{0-2}42", 0, 10).matches(b"AxxxxAxB")


def test_a_choice_of_different_lengths_tries_every_end() -> None:
    assert pattern(Anchor.START, "(41|4142)43").matches(b"ABC")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("anchor", [Anchor.ANYWHERE, Anchor.END])
def test_bytes_chosen_to_make_matching_slow_do_not(anchor: Anchor) -> None:
    # with a backtracking matcher this takes years
    hostile = pattern(anchor, "41{0-9000}41{0-9000}41{0-9000}41{0-9000}42{0-9000}43", 0, None)
    assert not hostile.matches(b"A" * 128 * 1024)
