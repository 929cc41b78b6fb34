"""Tables for spreadsheet programs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.web.spreadsheets import csv_blocks, harmless


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1+1", "＠a", "\u3000=1", "|cmd", "\x00=1", "=HYPERLINK(…)"]
)
def test_nothing_is_taken_for_a_formula(value: str) -> None:
    assert harmless(value).startswith("'")


@pytest.mark.parametrize(("value", "cell"), [("许可", "许可"), (-3, "-3"), (12, "12"), (None, ""), ("a=1", "a=1"), ("", "")])
def test_what_is_harmless_stays_as_it_is(value: object, cell: str) -> None:
    assert harmless(value) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=20))
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    content = b"".join(csv_blocks(["题名", "年度"], rows))
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert read == [["题名", "年度"], *([harmless(value) for value in row] for row in rows)]


def test_a_large_table_comes_in_pieces() -> None:
    blocks = list(csv_blocks(["a"], ([str(number) * 10] for number in range(10_000))))
    assert len(blocks) > 3
    assert max(map(len, blocks)) < 70_000
