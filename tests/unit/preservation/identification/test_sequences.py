"""PRONOM's signature syntax: what each construct stands for."""

import pytest

from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import Gap, Run, SequenceError, as_json, extent, from_json, joined, parse


def stands_for(sequence: str, content: bytes) -> bool:
    """Whether the sequence is exactly these bytes: anchored at the start, and as long as they are."""
    steps = parse(sequence)
    least, most = extent(steps)
    fits = least <= len(content) and (most is None or len(content) <= most)
    return fits and Pattern(anchor=Anchor.START, low=0, high=0, steps=steps).matches(content)


@pytest.mark.parametrize(
    ("sequence", "yes", "no"),
    [
        ("255044462D", b"%PDF-", b"%PDF+"),
        ("'PK' 0304", b"PK\x03\x04", b"PK\x03\x05"),
        ('"PK"', b"PK", b"KP"),
        ("41??43", b"A\x0aC", b"A\x0aD"),
        ("[30:39]", b"5", b"a"),
        ("['6'-'7']", b"7", b"8"),
        ("[01-04]", b"\x04", b"\x05"),
        ("[22 27]", b"'", b"!"),
        ("[!30:39]", b"a", b"5"),
        ("[!00]", b"\x01", b"\x00"),
        ("[&01]", b"\x03", b"\x02"),
        ("[!&01]", b"\x02", b"\x03"),
        ("(41|4243)44", b"AD", b"BD"),
        ("(41|4243)44", b"BCD", b"ACD"),
        ("41{2}42", b"AxxB", b"AxB"),
        ("41{1-3}42", b"AxxxB", b"AxxxxB"),
        ("41*42", b"A" + b"x" * 1000 + b"B", b"A" + b"x" * 1000),
        ("[0100:0203]", b"\x02\x03", b"\x02\x04"),
        ("[0100:0203]", b"\x01\xff", b"\x00\xff"),
        ("[!4001C8]", b"\x40\x01\xc9", b"\x40\x01\xc8"),
        ("[!4001C8]", b"\x41\x01\xc8", b"\x40\x01\xc8"),
    ],
)
def test_what_a_sequence_stands_for(sequence: str, yes: bytes, no: bytes) -> None:
    assert stands_for(sequence, yes)
    assert not stands_for(sequence, no)


@pytest.mark.parametrize(
    "text",
    ["4", "41(42", "41)", "[", "[]", "[0102:03]", "[!0102:0304]", "{a}", "xyz", "(" * 100, "'中'", f"[{'00' * 900}:{'ff' * 900}]"],
)
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(SequenceError):
        parse(text)


def test_neighbouring_steps_become_one() -> None:
    assert joined([Run((b"A",)), Gap(1, 1), Run((b"B",))]) == (Run((b"A", bytes(range(256)), b"B")),)
    assert joined([Gap(1, 2), Gap(3, None)]) == (Gap(4, None),)


def test_a_tree_comes_back_from_the_cache_as_it_was() -> None:
    steps = parse("41[30:39]{2-9}([0100:0203]|'x'*FF)??")
    assert from_json(as_json(steps)) == steps
