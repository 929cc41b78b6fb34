"""Unpacking: packages of every form become the same tree, and refusals name everything."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from ingest.errors import PackageRefused
from ingest.sip import PackageTree
from ingest.unpack import unpack
from repository.findings import Finding, Property
from repository.settings import UnpackLimits
from storage.errors import OutOfSpace


def unpacked(source: Path, tmp_path: Path) -> tuple[PackageTree, list[Finding]]:
    destination = tmp_path / "unpacked"
    destination.mkdir()
    return unpack(source, destination, limits=UnpackLimits(), progress=lambda files, size: None)


def refused(source: Path, tmp_path: Path) -> list[Finding]:
    with pytest.raises(PackageRefused) as caught:
        unpacked(source, tmp_path)
    return list(caught.value.findings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package as a folder."""
    root = tmp_path / "in" / "办件-001"
    (root / "材料/空文件夹").mkdir(parents=True)
    (root / "材料/申请.txt").write_bytes(b"apply")
    (root / "large.bin").write_bytes(os.urandom(3_000_000))
    os.utime(root / "large.bin", (1_600_000_000, 1_600_000_000))
    return root


def test_a_folder_is_copied_digested_and_left_alone(folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.rglob("*"))
    tree, findings = unpacked(folder, tmp_path)
    assert findings == []
    assert (tree.name, tree.form, tree.folders) == ("办件-001", "folder", ("材料/空文件夹",))
    assert sorted(tree.files) == ["large.bin", "材料/申请.txt"]
    large = tree.files["large.bin"]
    content = (folder / "large.bin").read_bytes()
    assert (large.size, large.modified) == (3_000_000, 1_600_000_000)
    assert large.digests.hex("sha512") == hashlib.sha512(content).hexdigest()
    assert large.digests.hex("sha256") == hashlib.sha256(content).hexdigest()
    assert large.digests.hex("sm3") == hashlib.new("sm3", content).hexdigest()
    with tree.open("large.bin") as copy:
        assert copy.read() == content
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("top", [True, False])
def test_every_form_gives_the_same_tree_with_or_without_a_top_folder(folder: Path, tmp_path: Path, form: str, top: bool) -> None:
    archive = tmp_path / f"P-1.{form}"
    base = folder.parent if top else folder
    names = sorted(base.rglob("*"))
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in names:
                packed.write(path, path.relative_to(base))
    else:
        with tarfile.open(archive, "w" + form.replace("tar", "").replace(".", ":")) as tar:  # type: ignore[call-overload]
            for path in names:
                tar.add(path, path.relative_to(base), recursive=False)
    tree, findings = unpacked(archive, tmp_path)
    assert findings == []
    assert (tree.name, tree.form, tree.folders) == ("P-1", form, ("材料/空文件夹",))
    assert {path: file.raw_path for path, file in tree.files.items()} == {
        "large.bin": b"large.bin",
        "材料/申请.txt": "材料/申请.txt".encode(),
    }
    assert tree.root.name == ("办件-001" if top else "unpacked")
    assert all((tree.root / path).stat().st_size == file.size for path, file in tree.files.items())
    assert tree.received_bytes == archive.stat().st_size


def test_one_ordinary_file_is_a_package_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "决定书.pdf").write_bytes(b"%PDF-1.7")
    tree, _ = unpacked(tmp_path / "决定书.pdf", tmp_path)
    assert (tree.form, list(tree.files)) == ("file", ["决定书.pdf"])


def test_links_pipes_and_sockets_of_a_folder_are_all_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "材料/up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(folder)  # the address of a socket is short
        server.bind("sock")
        findings = refused(folder, tmp_path)
    assert {(finding.code, finding.subject) for finding in findings} == {
        ("ENTRY_LINK", "link"),
        ("ENTRY_LINK", "材料/up"),
        ("ENTRY_SPECIAL", "pipe"),
        ("ENTRY_SPECIAL", "sock"),
    }
    assert all(finding.property is Property.SAFETY for finding in findings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a part as another user")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    base = Path("/tmp") / f"unreadable-{os.getpid()}"
    try:
        (base / "in").mkdir(parents=True)
        (base / "out").mkdir()
        (base / "in/secret.txt").write_bytes(b"1")
        (base / "in/secret.txt").chmod(0)
        (base / "out").chmod(0o777)
        script = (
            "import os, sys\nfrom pathlib import Path\nfrom ingest.unpack import unpack\nfrom ingest.errors import PackageRefused\n"
            "from repository.settings import UnpackLimits\nos.setuid(65534)\n"
            "try:\n    unpack(Path(sys.argv[1]), Path(sys.argv[2]), limits=UnpackLimits(), progress=print)\n"
            "except PackageRefused as refused:\n    print([(finding.code, finding.subject) for finding in refused.findings])\n"
        )
        command = [sys.executable, "-c", script, str(base / "in"), str(base / "out")]
        done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[('FILE_UNREADABLE', 'secret.txt')]"
    finally:
        shutil.rmtree(base)


def test_a_disk_too_small_is_said_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with open(tmp_path / "in/sparse", "wb") as file:
        file.truncate(2 << 40)
    with pytest.raises(OutOfSpace) as caught:
        unpacked(tmp_path / "in", tmp_path)
    assert str(2 << 40) in caught.value.message
    assert not list((tmp_path / "unpacked").iterdir())


def test_names_are_kept_byte_for_byte(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    names = ["line\nbreak", "dots...", "e\u0301.txt", "名" * 85, " space ", "50%41.txt", "back\\slash"]
    for name in names:
        (root / name).write_bytes(name.encode())
    with open(os.fsencode(root) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"raw")
    tree, findings = unpacked(root, tmp_path)
    assert set(tree.files) == {*names, "caf%E9.txt"}
    assert tree.files["caf%E9.txt"].raw_path == b"caf\xe9.txt"
    assert [(finding.code, finding.subject) for finding in findings] == [("NAME_CONVERTED", "caf%E9.txt")]
    assert r"caf\xe9.txt" in findings[0].text()


def test_names_that_differ_only_in_case_or_unicode_form_are_kept_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("A/x", "a/y", "é", unicodedata.normalize("NFD", "é"), "other"):
            archive.writestr(name, name)
    tree, findings = unpacked(path, tmp_path)
    assert len(tree.files) == 5
    assert [finding.code for finding in findings] == ["NAMES_DIFFER_ONLY_IN_FORM"] * 2
    assert {finding.subject for finding in findings} == {"a", unicodedata.normalize("NFD", "é")}


def test_gbk_names_are_told_once_for_the_package(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xxxx.txt", "1")
        archive.writestr("yyyy.txt", "2")
    path.write_bytes(path.read_bytes().replace(b"xxxx", "甲方".encode("gbk")).replace(b"yyyy", "乙方".encode("gbk")))
    tree, findings = unpacked(path, tmp_path)
    assert tree.files["甲方.txt"].raw_path == "甲方.txt".encode("gbk")
    assert [finding.code for finding in findings] == ["NAME_CONVERTED"]
    assert "GB18030" in findings[0].text()


def test_hostile_broken_and_encrypted_are_told_under_their_property(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../a", "1")
        archive.writestr("b", "2")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    findings = refused(path, tmp_path)
    assert {(finding.code, finding.property) for finding in findings} == {
        ("ENTRY_PATH_ESCAPES", Property.SAFETY),
        ("ENTRY_ENCRYPTED", Property.USABILITY),
    }
    assert not list((tmp_path / "unpacked").iterdir())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in/below").mkdir(parents=True)
    assert [finding.code for finding in refused(tmp_path / "in", tmp_path)] == ["ARCHIVE_EMPTY"]
