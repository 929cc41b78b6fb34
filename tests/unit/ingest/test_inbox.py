"""The inbox: uploads are put down whole, under a harmless name, or not at all."""

import io
from typing import BinaryIO, cast

import pytest

from ingest.inbox import file_name, hand_in
from ingest.submissions import LOCAL_AGREEMENT
from repository.archive import Archive
from repository.errors import HomeUnusable, NotFound, PermissionDenied, UsageError
from repository.holdings import Submission
from repository.permissions import Actor, Role


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.zip", "a.zip"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\李\\档案 1.zip", "档案 1.zip"),
        ("/absolute.tar.gz", "absolute.tar.gz"),
        ("a\r\nb.zip", "a__b.zip"),
        ("a\0b.zip", "a_b.zip"),
        ("..zip", "..zip"),
    ],
)
def test_only_the_last_part_of_a_name_counts(sent: str, kept: str) -> None:
    assert file_name(sent) == kept


def test_a_long_name_still_fits_on_a_disk() -> None:
    assert len(file_name("档" * 200 + ".zip").encode()) <= 255
    assert file_name("档" * 200 + ".zip").endswith(".zip")


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "a/", "  ", "\\"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        file_name(name)


def test_an_upload_lies_in_the_inbox_until_it_is_worked_on(archive: Archive) -> None:
    submission = hand_in(archive, Actor.local(), stream=io.BytesIO(b"PK.."), name="../x.zip", agreement=LOCAL_AGREEMENT)
    with archive.read(Actor.local()) as tx:
        row = tx.session.get_one(Submission, submission)
    (folder,) = archive.inbox_folder.iterdir()
    assert row.source == str(folder / "x.zip")
    assert (folder / "x.zip").read_bytes() == b"PK.."
    assert row.keep_source is False


class Breaking(io.BytesIO):
    """A stream whose sender goes away."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ConnectionError("gone")
        return super().read(1)


class NoRoom(io.BytesIO):
    """A stream for which the disk has no room."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("stream", "error"), [(Breaking(b"abc"), ConnectionError), (NoRoom(), HomeUnusable)])
def test_nothing_is_left_of_an_upload_that_broke_off(archive: Archive, stream: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        hand_in(archive, Actor.local(), stream=cast(BinaryIO, stream), name="x.zip", agreement=LOCAL_AGREEMENT)
    assert not list(archive.inbox_folder.iterdir())


def test_nothing_is_left_where_it_may_not_be_handed_in(archive: Archive) -> None:
    with pytest.raises(NotFound):
        hand_in(archive, Actor.local(), stream=io.BytesIO(b"x"), name="x.zip", agreement="none")
    researcher = Actor(id="1", name="r", roles=frozenset({Role.RESEARCHER}))
    with pytest.raises(PermissionDenied):
        hand_in(archive, researcher, stream=io.BytesIO(b"x"), name="x.zip", agreement=LOCAL_AGREEMENT)
    assert not list(archive.inbox_folder.iterdir())
