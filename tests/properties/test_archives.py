"""Whatever bytes arrive as an archive: either they unpack inside the folder and within the limits, or they are refused."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import PackageRefused
from ingest.unpack import unpack
from repository.settings import UnpackLimits

LIMITS = UnpackLimits(entries=50, ratio=50, depth=5, total_bytes=3_000_000)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("top/a.txt", b"alpha" * 200)
        archive.writestr("top/文件.bin", bytes(range(256)) * 4, zipfile.ZIP_STORED)
        archive.writestr("top/c", b"", zipfile.ZIP_BZIP2)
        archive.writestr("top/d/e", b"lzma" * 50, zipfile.ZIP_LZMA)
    return buffer.getvalue()


def _tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name in ("top/a.txt", "top/" + "长" * 60, "top/d/e"):
            info = tarfile.TarInfo(name)
            info.size = 700
            archive.addfile(info, io.BytesIO(b"x" * 700))
    return buffer.getvalue()


SEEDS = [_zip(), _tar("w"), _tar("w:gz"), _tar("w:xz"), _tar("w:bz2")]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An archive with some of its bytes changed, cut out or doubled."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(["set", "cut", "insert", "name"]))
        if change == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif change == "cut":
            del data[at : at + draw(st.integers(1, 600))]
        elif change == "insert":
            data[at:at] = draw(st.binary(max_size=40))
        else:
            data = data.replace(b"top/", draw(st.sampled_from([b"../x"[:4], b"/op/", b"C:\\p", b"\\\\p\\", b"t\x00p/", b"\xff\xfep/"])))
    return bytes(data)


@settings(max_examples=120, deadline=None)
@given(content=mutated(), name=st.sampled_from(["p.zip", "p.tar", "p.tar.gz", "p"]))
def test_no_archive_crashes_escapes_or_exceeds_its_limits(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as base:
        source = Path(base, "in", name)
        source.parent.mkdir()
        source.write_bytes(content)
        destination = Path(base, "out", "package")
        destination.mkdir(parents=True)
        refused = None
        try:
            tree, _ = unpack(source, destination, limits=LIMITS, progress=lambda files, size: None)
        except PackageRefused as error:
            refused = error
        if refused is not None:
            assert refused.findings
            assert all(finding.text() and finding.remedy_text() for finding in refused.findings)
        else:
            assert sum(file.size for file in tree.files.values()) <= LIMITS.total_bytes
            assert {path: file.size for path, file in tree.files.items()} == {
                str(path.relative_to(tree.root)): path.stat().st_size for path in tree.root.rglob("*") if path.is_file()
            }
        assert not any(path.is_symlink() for path in Path(base).rglob("*"))
        assert {path.name for path in Path(base).iterdir()} == {"in", "out"}
        assert [path.name for path in Path(base, "out").iterdir()] == ["package"]
        assert [path.name for path in Path(base, "in").iterdir()] == [name]
