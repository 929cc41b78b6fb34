"""Bad input: each is refused with a clear message and exit code 1, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from repository.archive import Archive
from tests.conftest import Cli
from tests.integration.test_ingest import assert_catalogue_empty, assert_nothing_left, failing, lines

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """A zip with these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def bag(place: Path, content: bytes = b"content", **changes: str) -> Path:
    """A bag whose manifest says what `changes` make it say."""
    (place / "data").mkdir(parents=True)
    (place / "data/file.txt").write_bytes(content)
    manifest = changes.get("manifest", f"{hashlib.sha256(content).hexdigest()}  data/file.txt\n")
    (place / "manifest-sha256.txt").write_text(manifest)
    (place / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    if "oxum" in changes:
        (place / "bag-info.txt").write_text(f"Payload-Oxum: {changes['oxum']}\n")
    return place


def truncated(place: Path) -> Path:
    """A zip that ends in its middle."""
    whole = zipped(place / "whole.zip", ("a.txt", random.Random(1).randbytes(5000)), ("b.txt", b"b"))
    cut = place / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:3000])
    return cut


def encrypted(place: Path) -> Path:
    """A zip that says of an entry that it is encrypted."""
    path = zipped(place / "secret.zip", ("a.txt", b"abc"))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(data)
    return path


def tarred(place: Path, name: str, kind: bytes, target: str = "") -> Path:
    """A tar with one entry that is not a file."""
    path = place / "package.tar"
    with tarfile.open(path, "w") as archive:
        good = tarfile.TarInfo("good.txt")
        good.size = 4
        archive.addfile(good, io.BytesIO(b"good"))
        entry = tarfile.TarInfo(name)
        entry.type = kind
        entry.linkname = target
        archive.addfile(entry)
    return path


def with_link(place: Path) -> Path:
    """A folder with a symbolic link out of it."""
    folder = place / "linked"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "passwd").symlink_to("/etc/passwd")
    return folder


def with_socket(place: Path) -> Path:
    """A folder with something in it that cannot be read as a file."""
    folder = place / "odd"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    here = os.getcwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)
    return folder


def twice(place: Path) -> Path:
    """A zip with two entries of one name."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(place / "two.zip", ("a.txt", b"1"), ("a.txt", b"2"))


def one_file(place: Path, name: str, content: bytes) -> Path:
    """A plain folder with a file of that content, and a good one."""
    folder = place / "package"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(content)
    (folder / "good.txt").write_text("good")
    return folder


_BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'
_OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
_DTD = b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>'

HOSTILE: dict[str, tuple[Callable[[Path], Path], set[str]]] = {
    "truncated archive": (truncated, {"ARCHIVE_TRUNCATED"}),
    "empty archive": (lambda place: zipped(place / "empty.zip"), {"ARCHIVE_EMPTY", "PACKAGE_EMPTY"}),
    "file of no bytes": (lambda place: _written(place / "nothing.zip", b""), {"ARCHIVE_EMPTY", "PACKAGE_EMPTY", "NOT_AN_ARCHIVE"}),
    "parent folder": (lambda place: zipped(place / "p.zip", ("../evil.txt", b"x")), {"ENTRY_PATH_ESCAPES"}),
    "absolute path": (lambda place: zipped(place / "p.zip", ("/etc/evil.txt", b"x")), {"ENTRY_PATH_ABSOLUTE"}),
    "drive letter": (lambda place: zipped(place / "p.zip", ("C:/evil.txt", b"x")), {"ENTRY_PATH_DRIVE"}),
    "symbolic link in a tar": (lambda place: tarred(place, "link", tarfile.SYMTYPE, "/etc/passwd"), {"ENTRY_LINK"}),
    "hard link in a tar": (lambda place: tarred(place, "link", tarfile.LNKTYPE, "good.txt"), {"ENTRY_LINK"}),
    "device in a tar": (lambda place: tarred(place, "null", tarfile.CHRTYPE), {"ENTRY_SPECIAL"}),
    "link in a folder": (with_link, {"ENTRY_LINK"}),
    "socket in a folder": (with_socket, {"ENTRY_SPECIAL"}),
    "bomb by ratio": (lambda place: zipped(place / "bomb.zip", ("a", bytes(20_000_000))), {"BOMB_RATIO"}),
    "bomb by depth": (lambda place: zipped(place / "deep.zip", ("d/" * 100 + "a", b"x")), {"BOMB_DEPTH"}),
    "encrypted entry": (encrypted, {"ENTRY_ENCRYPTED"}),
    "two entries of one name": (twice, {"DUPLICATE_ENTRY"}),
    "manifest with a wrong digest": (
        lambda place: bag(place / "bag", manifest=f"{'0' * 64}  data/file.txt\n"),
        {"MANIFEST_DIGEST_MISMATCH"},
    ),
    "manifest with a missing file": (
        lambda place: bag(place / "bag", manifest=f"{hashlib.sha256(b'content').hexdigest()}  data/file.txt\n{'0' * 64}  data/gone.txt\n"),
        {"MANIFEST_FILE_MISSING"},
    ),
    "manifest without a file": (lambda place: bag(place / "bag", manifest=f"{'0' * 64}  data/other.txt\n"), {"MANIFEST_FILE_EXTRA"}),
    "wrong size": (lambda place: bag(place / "bag", oxum="999.1"), {"DECLARED_BYTES_MISMATCH"}),
    "entity expansion": (lambda place: one_file(place, "data.xml", _BOMB), {"XML_DOCTYPE"}),
    "external entity": (lambda place: one_file(place, "data.xml", _OUTSIDE), {"XML_DOCTYPE"}),
    "document type": (lambda place: one_file(place, "data.xml", _DTD), {"XML_DOCTYPE"}),
    "broken metadata.csv": (
        lambda place: one_file(place, "metadata/metadata.csv", b'filename,dc.title\nobjects/gone.txt,"never closed\n'),
        {"METADATA_CSV_BROKEN", "METADATA_CSV_FILE_MISSING", "METADATA_CSV_MALFORMED"},
    ),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", HOSTILE)
def test_bad_input_is_refused_and_leaves_nothing(cli: Cli, archive: Archive, tmp_path: Path, kind: str) -> None:
    make, codes = HOSTILE[kind]
    place = tmp_path / "place"
    place.mkdir()
    (line,) = lines(cli, make(place), exit_code=1)
    assert line["state"] == "rejected"
    assert (line["record"], line["aip"]) == (None, None)
    assert codes & set(failing(line)), failing(line)
    for finding in line["findings"]:
        if finding["outcome"] == "fail":
            assert finding["subject"]
            assert finding["message"]
            assert finding["remedy"]
    assert_nothing_left(archive.home)
    assert_catalogue_empty(archive)


def test_too_many_entries_and_too_many_bytes(cli: Cli, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINGUI_UNPACK__ENTRIES", "50")
    monkeypatch.setenv("JINGUI_UNPACK__TOTAL_BYTES", "100000")
    many = zipped(tmp_path / "many.zip", *((f"{number}.txt", b"x") for number in range(60)))
    large = zipped(tmp_path / "large.zip", ("a.bin", random.Random(2).randbytes(150_000)))
    told = lines(cli, many, large, exit_code=1)
    assert [failing(line) for line in told] == [["BOMB_ENTRIES"], ["BOMB_TOTAL"]]
    assert_nothing_left(archive.home)


def test_names_that_differ_only_in_case_are_kept_with_a_warning(cli: Cli, archive: Archive, tmp_path: Path) -> None:
    package = zipped(tmp_path / "case.zip", ("a.txt", b"1"), ("A.txt", b"2"), ("e\u0301.txt", b"3"), ("\u00e9.txt", b"4"))
    (line,) = lines(cli, package)
    assert line["state"] == "stored"
    assert [finding["code"] for finding in line["findings"]].count("NAMES_DIFFER_ONLY_IN_FORM") == 2
    found = archive.store("a").root.find(line["aip"])
    assert found is not None
    names = {file.logical_path.rpartition("/")[2] for file in found.files() if "/data/" in file.logical_path}
    assert names == {"a.txt", "A.txt", "e\u0301.txt", "\u00e9.txt"}


def test_a_csv_in_gbk_is_read_with_a_warning(cli: Cli, tmp_path: Path) -> None:
    content = "filename,dc.title\ngood.txt,云栖市档案馆老照片目录说明\n".encode("gb18030")
    (line,) = lines(cli, one_file(tmp_path, "metadata.csv", content))
    assert line["state"] == "stored"
    assert any("GB" in finding["message"] for finding in line["findings"])


def test_odd_names_come_through_byte_for_byte(cli: Cli, archive: Archive, tmp_path: Path) -> None:
    names = ["line\nbreak.txt", "100%25.txt", "dot.", " blank ", "e\u0301.txt", "名" * 85]
    package = tmp_path / "package"
    package.mkdir()
    for name in names:
        (package / name).write_text(name, encoding="utf-8")
    with open(os.fsencode(package) + b"/\xce\xc4\xbc\xfe\xff.txt", "wb") as stream:
        stream.write(b"undecodable")
    (line,) = lines(cli, package)
    assert line["state"] == "stored", line
    for store in archive.stores:
        found = store.root.find(line["aip"])
        assert found is not None
        kept = {file.logical_path.removeprefix("representations/original/data/") for file in found.files()}
        assert set(names) <= kept


@pytest.mark.parametrize("megabytes", [4, 14], ids=["seen before", "met on the way"])
def test_a_full_disk_is_said_and_leaves_nothing(home: Path, program: Sequence[str], tmp_path: Path, megabytes: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    stores = home / "stores"
    stores.rename(home / "aside")
    stores.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(stores)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode()}")
    try:
        shutil.copytree(home / "aside", stores, dirs_exist_ok=True)
        package = tmp_path / "package"
        package.mkdir()
        (package / "a.bin").write_bytes(random.Random(3).randbytes(8_000_000))
        done = subprocess.run([*program, "--home", str(home), "ingest", "--json", str(package)], check=False, capture_output=True)
        line = json.loads(done.stdout)
        assert (done.returncode, line["state"]) == (1, "failed"), line
        assert "free" in line["error"] or "is full" in line["error"]
        assert_nothing_left(home)
    finally:
        subprocess.run(["umount", str(stores)], check=True)
