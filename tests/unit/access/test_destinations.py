"""What is taken out appears when it is whole, overwrites nothing, and leaves nothing behind."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from access.destinations import landing, require_room
from repository.errors import Conflict, UsageError
from storage.errors import OutOfSpace


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError(), OSError(errno.ENOSPC, "full")])
def test_nothing_is_left_when_it_fails(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with landing(tmp_path / "out") as folder:
            folder.mkdir()
            (folder / "half").write_bytes(b"half")
            raise error

    with pytest.raises((OutOfSpace, RuntimeError, KeyboardInterrupt)):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with landing(out) as folder:
        folder.mkdir()
        (folder / "file").touch()
        folder.rename(out)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "file"]


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    for name in ("full", "file", "link"):
        with pytest.raises(Conflict), landing(tmp_path / name):
            pass
    (tmp_path / "empty").mkdir()
    with pytest.raises(Conflict), landing(tmp_path / "empty", file=True):
        pass
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "empty"])


def test_another_export_to_the_same_place_is_not_disturbed(tmp_path: Path) -> None:
    with landing(tmp_path / "out") as first:
        first.mkdir()
        with pytest.raises(Conflict), landing(tmp_path / "out"):
            pass
        assert first.is_dir()


@pytest.mark.parametrize("place", ["none/out", ".."])
def test_a_place_that_is_none_is_said(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError), landing(tmp_path / place):
        pass


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutOfSpace) as said, landing(tmp_path / "out") as folder:
        require_room(folder, 2**62)
    assert str(tmp_path / "out") in said.value.message
    assert list(tmp_path.iterdir()) == []
