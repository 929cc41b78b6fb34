"""What takes long is made by a worker; what a program is missing for says so; films come in ranges."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from repository.archive import Archive
from repository.holdings import Job
from repository.permissions import Actor, Role
from tests.tools.console import Visitor, work_off
from tests.tools.previews import address, images, markup


@pytest.fixture
def reader(app: Flask) -> Visitor:
    """A researcher at a home of which nobody has looked at a file."""
    visitor = Visitor(app)
    visitor.log_in(Role.RESEARCHER)
    return visitor


@pytest.mark.parametrize(("name", "program"), [("公文.docx", "soffice"), ("录音.wav", "ffmpeg"), ("录像.mp4", "ffmpeg")])
def test_what_takes_long_is_made_by_a_worker(reader: Visitor, archive: Archive, ids: Mapping[str, str], name: str, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    where = address(archive, ids["open"], name)
    for _ in range(2):
        answer = reader.get(where)
        assert answer.status_code == 202
        assert "data-refresh" in answer.get_data(as_text=True)
    with archive.read(Actor.local()) as tx:
        assert len(tx.session.scalars(select(Job).where(Job.kind == "access.preview")).all()) == 1
    work_off(archive)
    page = markup(reader, where)
    if program == "soffice":
        (image,) = images(reader, page)
        assert reader.get(image).mimetype == "image/webp"
        assert "公园规划许可的申请" in page
    else:
        assert f"{where}/media" in page


def test_a_film_is_sent_in_ranges(reader: Visitor, archive: Archive, ids: Mapping[str, str]) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    where = address(archive, ids["open"], "录像.mp4")
    assert reader.get(f"{where}/media").status_code == 404
    reader.get(where)
    work_off(archive)
    whole = reader.get(f"{where}/media")
    assert whole.mimetype == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = reader.client.get(f"{where}/media", headers={"Range": "bytes=10-19"}, buffered=True)
    assert part.status_code == 206
    assert part.get_data() == whole.get_data()[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.get_data())}"
    beyond = reader.client.get(f"{where}/media", headers={"Range": "bytes=99999999-"}, buffered=True)
    assert beyond.status_code == 416


def test_without_the_program_the_page_says_which_is_missing(
    reader: Visitor, archive: Archive, ids: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Not shown: LibreOffice is not installed on this server." in reader.text(address(archive, ids["open"], "公文.docx"))
    assert "Not shown: FFmpeg is not installed on this server." in reader.text(address(archive, ids["open"], "录音.wav"))


def test_small_pictures_say_what_there_is(reader: Visitor, archive: Archive, ids: Mapping[str, str]) -> None:
    markup(reader, address(archive, ids["open"], "扫描.jpg"))
    assert reader.get(f"{address(archive, ids['open'], '扫描.jpg')}/thumbnail").mimetype == "image/webp"
    sheet = reader.get(f"{address(archive, ids['open'], '公文.docx')}/thumbnail")
    assert sheet.mimetype == "image/svg+xml"
    assert ">DOCX<" in sheet.get_data(as_text=True)
    with archive.read(Actor.local()) as tx:
        assert not tx.session.scalars(select(Job).where(Job.kind == "access.preview")).all()


@pytest.mark.parametrize("name", ["决定书.pdf", "多页.tif"])
def test_a_page_beyond_the_end_in_a_size_beyond_the_largest_is_the_last_page(
    reader: Visitor, archive: Archive, ids: Mapping[str, str], name: str
) -> None:
    page = markup(reader, f"{address(archive, ids['open'], name)}?page=99&zoom=9")
    (image,) = images(reader, page)
    assert reader.get(image).mimetype == "image/webp"
    assert 'rel="next"' not in page
