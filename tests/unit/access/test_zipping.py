"""A zip that is made while it is sent is a zip like any other."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.zipping import ZipEntry, zip_blocks

AT = datetime(2024, 5, 17, 9, 30, 2, tzinfo=UTC)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20)


@settings(deadline=None)
@given(content=st.dictionaries(names, st.lists(st.binary(max_size=300), max_size=4), max_size=5))
def test_what_goes_in_comes_out(content: dict[str, list[bytes]]) -> None:
    entries = [ZipEntry(name, sum(map(len, blocks)), lambda blocks=blocks: blocks) for name, blocks in content.items()]
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_blocks(entries, AT)))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {name: b"".join(blocks) for name, blocks in content.items()}


def test_it_is_made_while_it_is_read() -> None:
    asked: list[int] = []

    def content() -> Iterator[bytes]:
        for number in range(3):
            asked.append(number)
            yield bytes([number]) * 200_000

    blocks = zip_blocks([ZipEntry("a", 600_000, content)], AT)
    next(blocks)
    assert asked == [0]


def test_an_entry_of_more_than_four_gib_is_said_to_be_one() -> None:
    """The header comes before the content, so that the expected size must decide."""
    head = b"".join(zip_blocks([ZipEntry("a", 5 * 1024**3, lambda: [b"x"])], AT))
    assert int.from_bytes(head[4:6], "little") == 45
    with zipfile.ZipFile(io.BytesIO(head)) as archive:
        assert archive.read("a") == b"x"


@pytest.mark.parametrize("effort", [0, 6])
def test_compressed_or_not_it_is_deflate_which_streams_can_carry(effort: int) -> None:
    whole = b"".join(zip_blocks([ZipEntry("a", 100_000, lambda: [b"x" * 100_000], effort)], AT))
    assert (len(whole) > 100_000) == (effort == 0)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
        assert archive.read("a") == b"x" * 100_000


@pytest.mark.parametrize("year", [1, 1979, 2500])
def test_a_year_that_zip_does_not_know_is_no_obstacle(year: int) -> None:
    blocks = zip_blocks([ZipEntry("a", 0, list)], AT.replace(year=year))
    assert zipfile.ZipFile(io.BytesIO(b"".join(blocks))).namelist() == ["a"]
