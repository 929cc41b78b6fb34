"""The cache of compiled releases is never trusted and never needed."""

from pathlib import Path

import pytest

from preservation.identification import cache
from preservation.identification.engine import Engine, Release
from tests.tools.identification import identifier

SIGNATURES = """<?xml version="1.0"?>
<FFSignatureFile Version="7" xmlns="http://www.nationalarchives.gov.uk/pronom/SignatureFile">
 <InternalSignatureCollection><InternalSignature ID="1"><ByteSequence Reference="BOFoffset">
  <SubSequence Position="1" SubSeqMinOffset="0" SubSeqMaxOffset="0"><Sequence>41424344</Sequence></SubSequence>
 </ByteSequence></InternalSignature></InternalSignatureCollection>
 <FileFormatCollection><FileFormat ID="1" PUID="fmt/1" Name="Abcd" Version="1"><InternalSignatureID>1</InternalSignatureID></FileFormat>
 </FileFormatCollection>
</FFSignatureFile>"""
CONTAINERS = '<?xml version="1.0"?><ContainerSignatureMapping signatureVersion="3"/>'


@pytest.fixture
def release(tmp_path: Path) -> Release:
    (tmp_path / "s.xml").write_text(SIGNATURES)
    (tmp_path / "c.xml").write_text(CONTAINERS)
    return Release(
        id="v7-c3-00000000",
        version="7",
        container_version="3",
        signature_file=tmp_path / "s.xml",
        container_file=tmp_path / "c.xml",
        digest="0" * 64,
    )


def found(engine: Engine, content: bytes) -> list[str]:
    from preservation.identification.containers import Content

    return [format.puid for format in engine.decide(Content(content, content, len(content), None)).formats]


@pytest.mark.parametrize("scanner", ["hyperscan", "re"])
def test_a_release_is_compiled_once_and_loaded_after(tmp_path: Path, release: Release, scanner: str) -> None:
    folder = tmp_path / "compiled"
    assert found(Engine.open(folder, release, scanner=scanner), b"ABCDE") == ["fmt/1"]  # type: ignore[arg-type]
    release.signature_file.unlink()
    assert found(Engine.open(folder, release, scanner=scanner), b"ABCDE") == ["fmt/1"]  # type: ignore[arg-type]
    assert found(Engine.open(folder, release, scanner=scanner), b"xABCD") == []  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, release: Release, damage: str) -> None:
    folder = tmp_path / "compiled"
    Engine.open(folder, release)
    (file,) = folder.iterdir()
    good = file.read_bytes()
    bad = {"flip": good[:-3] + b"\xff" + good[-2:], "cut": good[: len(good) // 2], "empty": b"", "other": b"something else"}[damage]
    file.write_bytes(bad)
    assert found(Engine.open(folder, release), b"ABCD") == ["fmt/1"]
    assert file.read_bytes() == good


def test_sections_that_are_whole_but_of_something_else_are_made_again(tmp_path: Path, release: Release) -> None:
    folder = tmp_path / "compiled"
    Engine.open(folder, release)
    (file,) = folder.iterdir()
    cache.save(file, [b"{}", b"[]", b"not a database"])
    assert found(Engine.open(folder, release), b"ABCD") == ["fmt/1"]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, release: Release) -> None:
    (tmp_path / "file").write_text("in the way")
    assert found(Engine.open(tmp_path / "file", release), b"ABCD") == ["fmt/1"]


def test_the_installed_release_is_pronom_109() -> None:
    assert identifier().engine.name == "pronom V109"
