"""Previews of files that nobody on this project wrote."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from access.previews.confinement import Ending, run
from access.previews.kinds import HEAD, Kind, kind_of
from access.previews.orders import ABOUT, Order
from access.previews.values import Form, from_json

FILES = [
    ("archivematica/Images/G31DS.TIF", Kind.PICTURE, Form.IMAGE, 1),
    ("archivematica/Images/WFPC01.GIF", Kind.PICTURE, Form.IMAGE, 1),
    ("archivematica/Images/oakland03.jp2", Kind.PICTURE, Form.IMAGE, 1),
    ("archivematica/Images/lion.svg", Kind.DRAWING, Form.DRAWING, 1),
    ("archivematica/Images/BBhelmet.ai", Kind.PDF, Form.IMAGE, 1),
    ("archivematica/OfficeDocs/objects/Club-Report.doc", Kind.OFFICE, Form.IMAGE, 3),
    ("archivematica/Multimedia/BlastOff.wmv", Kind.VIDEO, Form.FILM, 1),
    ("archivematica/Multimedia/sample.aif", Kind.AUDIO, Form.SOUND, 1),
    ("format-corpus/office-examples/LibreOffice7-ODF-1.3/LibreOfficeCalc_ods_1.3.ods", Kind.OPEN_SPREADSHEET, Form.TABLE, 1),
    ("format-corpus/tiff-examples/old-style-jpeg-compression/old-style-jpeg-compression.tif", Kind.PICTURE, Form.IMAGE, 1),
    ("format-corpus/jp2k-formats/balloon.jpm", Kind.PICTURE, Form.NOTHING, 0),
]
PROGRAMS = {Kind.OFFICE: "soffice", Kind.VIDEO: "ffmpeg", Kind.AUDIO: "ffmpeg"}


@pytest.mark.parametrize(("name", "kind", "form", "pages"), FILES, ids=[name.rpartition("/")[2] for name, *_ in FILES])
def test_real_files_are_shown(corpora: Path, tmp_path: Path, name: str, kind: Kind, form: Form, pages: int) -> None:
    source = corpora / name
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    if kind in PROGRAMS and shutil.which(PROGRAMS[kind]) is None:
        pytest.skip(f"{PROGRAMS[kind]} is not installed")
    with source.open("rb") as stream:
        assert kind_of(stream.read(HEAD), SimpleNamespace(path=name, puid=None, mime="")) is kind
    target, home = tmp_path / "target", tmp_path / "home"
    target.mkdir()
    home.mkdir()
    order = Order(kind=kind, source=source.resolve(), name=source.name, target=target, seconds=120, memory=4 << 30)
    assert run(order, home) is Ending.DONE
    preview = from_json((target / ABOUT).read_text(encoding="utf-8"))
    assert (preview.form, preview.pages) == (form, pages)
    if pages:
        assert [path for path in target.iterdir() if path.name.startswith(("page-1.", "media."))]
