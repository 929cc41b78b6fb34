"""Archives: what is refused, and that nothing is written outside."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.archives import ArchiveKind, Landing, open_source, recognise
from storage.errors import OutOfSpace, UnsafePackage


@dataclass
class Allowed:
    """Limits for a test."""

    entries: int = 1000
    ratio: float = 100.0
    depth: int = 20
    total_bytes: int = 50_000_000


def read(path: Path, limits: Allowed | None = None) -> dict[str, bytes]:
    with open_source(path, limits or Allowed()) as source:
        return {entry.path: b"".join(entry.blocks) for entry in source.entries() if not entry.folder}


def codes(path: Path, limits: Allowed | None = None) -> set[str]:
    with pytest.raises(UnsafePackage) as caught:
        read(path, limits)
    assert all(problem.message and problem.remedy for problem in (caught.value, *caught.value.also))
    return {problem.code for problem in (caught.value, *caught.value.also)}


def make_zip(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, *members: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size if kind == tarfile.REGTYPE else 0
    info.type, info.linkname, info.mtime = kind, target, 1_700_000_000
    return info


CONTENT = {"a.txt": b"alpha", "文件夹/空.bin": b"", "文件夹/大.bin": os.urandom(1_300_000), "d/e/f": b"z" * 4000}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_content_comes_out_as_it_went_in(tmp_path: Path, method: int) -> None:
    assert read(make_zip(tmp_path / "p.zip", CONTENT, method)) == CONTENT


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_content_comes_out_as_it_went_in(tmp_path: Path, mode: str, form: int) -> None:
    path = tmp_path / "p"
    content = {**CONTENT, "l/" + "long" * 24 + "/" + "n" * 90: b"long"}
    with tarfile.open(path, mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    assert recognise(path) == ("tar" if mode == "w" else f"tar.{mode[2:]}")
    assert read(path) == content


def test_zip_written_as_a_stream_with_data_descriptors(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a", b"alpha" * 100)
        with archive.open("b", "w", force_zip64=True) as entry:
            entry.write(b"beta")
    (tmp_path / "p.zip").write_bytes(pipe.written)
    assert read(tmp_path / "p.zip") == {"a": b"alpha" * 100, "b": b"beta"}


def test_what_a_file_is_depends_on_its_content_not_its_name(tmp_path: Path) -> None:
    assert recognise(make_zip(tmp_path / "p.dat", {"a": b"1"})) is ArchiveKind.ZIP
    assert recognise(make_zip(tmp_path / "form.docx", {"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})) is None
    (tmp_path / "one.xml.gz").write_bytes(gzip.compress(b"<x/>" * 500))
    assert recognise(tmp_path / "one.xml.gz") is None
    assert recognise(tmp_path) is ArchiveKind.FOLDER


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../evil", "ENTRY_PATH_ESCAPES"),
        ("a/../../evil", "ENTRY_PATH_ESCAPES"),
        ("..", "ENTRY_PATH_ESCAPES"),
        ("/etc/evil", "ENTRY_PATH_ABSOLUTE"),
        ("C:\\evil", "ENTRY_PATH_DRIVE"),
        ("c:/evil", "ENTRY_PATH_DRIVE"),
        ("\\\\server\\share\\evil", "ENTRY_PATH_NETWORK"),
        ("//server/share/evil", "ENTRY_PATH_NETWORK"),
        ("..\\..\\evil", "ENTRY_PATH_ESCAPES"),
        ("a\\..\\..\\evil", "ENTRY_PATH_ESCAPES"),
        ("\\evil", "ENTRY_PATH_ABSOLUTE"),
        ("/".join("d" * 40), "BOMB_DEPTH"),
        ("/".join(["n" * 250] * 13), "ENTRY_PATH_TOO_LONG"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, code: str) -> None:
    assert codes(make_zip(tmp_path / "p.zip", {"ok": b"1", name: b"2"})) == {code}
    assert codes(make_tar(tmp_path / "p.tar", member("ok"), member(name))) == {code}
    assert codes(make_tar(tmp_path / "p.tgz", member("ok"), member(name), mode="w:gz")) == {code}


def test_every_bad_entry_is_named_at_once(tmp_path: Path) -> None:
    entries = [member("../a"), member("/b"), member("l", kind=tarfile.SYMTYPE, target="/etc/passwd"), member("p", kind=tarfile.FIFOTYPE)]
    expected = {"ENTRY_PATH_ESCAPES", "ENTRY_PATH_ABSOLUTE", "ENTRY_LINK", "ENTRY_SPECIAL"}
    assert codes(make_tar(tmp_path / "p.tar", *entries)) == expected
    assert codes(make_tar(tmp_path / "p.tar.gz", *entries, mode="w:gz")) == expected


@pytest.mark.parametrize(
    "kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_tar_entries_that_are_no_files_are_refused(tmp_path: Path, kind: bytes) -> None:
    assert codes(make_tar(tmp_path / "p.tar", member("ok"), member("x", kind=kind, target="ok"))) <= {
        "ENTRY_LINK",
        "ENTRY_SPECIAL",
        "ENTRY_SPARSE",
    }


@pytest.mark.parametrize(("mode", "code"), [(stat.S_IFLNK, "ENTRY_LINK"), (stat.S_IFIFO, "ENTRY_SPECIAL"), (stat.S_IFBLK, "ENTRY_SPECIAL")])
def test_zip_entries_that_are_no_files_are_refused(tmp_path: Path, mode: int, code: str) -> None:
    info = zipfile.ZipInfo("x")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert codes(tmp_path / "p.zip") == {code}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("a", "2")
    assert codes(tmp_path / "p.zip") == {"DUPLICATE_ENTRY"}
    assert codes(make_tar(tmp_path / "p.tar", member("a"), member("./a"))) == {"DUPLICATE_ENTRY"}


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    assert codes(make_zip(tmp_path / "p.zip", {"a": b"1", "a/b": b"2"})) == {"ENTRY_FILE_AND_FOLDER"}
    assert codes(make_zip(tmp_path / "q.zip", {"a/b": b"2", "a": b"1"})) == {"ENTRY_FILE_AND_FOLDER"}


def patched(path: Path, find: bytes, offset: int, value: bytes, which: int = 0) -> Path:
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(which + 1):
        at = data.index(find, at + 1)
    data[at + offset : at + offset + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("find", "offset", "value", "code"),
    [
        (b"PK\x01\x02", 8, b"\x01\x00", "ENTRY_ENCRYPTED"),
        (b"PK\x01\x02", 10, struct.pack("<H", 99), "ENTRY_ENCRYPTED"),
        (b"PK\x01\x02", 10, struct.pack("<H", 9), "ENTRY_METHOD_UNSUPPORTED"),
        (b"PK\x03\x04", 30, b"z", "ENTRY_HEADERS_DISAGREE"),
        (b"PK\x03\x04", 6, b"\x01\x00", "ENTRY_HEADERS_DISAGREE"),
        (b"PK\x03\x04", 14, b"\0\0\0\0", "ENTRY_HEADERS_DISAGREE"),
        (b"PK\x03\x04", 0, b"XX", "ARCHIVE_DAMAGED"),
    ],
)
def test_zip_headers_that_lie_are_refused(tmp_path: Path, find: bytes, offset: int, value: bytes, code: str) -> None:
    # The first local header is left readable where the file as a whole must still be known as a zip file.
    path = make_zip(tmp_path / "p.zip", {"first": b"1" * 50, "second": b"2" * 50})
    assert codes(patched(path, find, offset, value, which=1)) == {code}


@pytest.mark.parametrize(("size", "code"), [(10, "ENTRY_LONGER_THAN_DECLARED"), (5000, "ARCHIVE_DAMAGED")])
def test_a_declared_size_that_is_wrong_is_noticed(tmp_path: Path, size: int, code: str) -> None:
    path = make_zip(tmp_path / "p.zip", {"a": b"abc" * 1000})
    patched(path, b"PK\x01\x02", 24, struct.pack("<L", size))
    assert codes(patched(path, b"PK\x03\x04", 22, struct.pack("<L", size))) == {code}


def test_damaged_content_is_noticed_and_every_damaged_entry_named(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"a": b"a" * 100, "b": b"b" * 100}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"bbbb", b"bbbB"))
    assert codes(path) == {"ENTRY_DAMAGED"}


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.7, 0.97, 0.999])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz"])
def test_truncated_archives_are_refused(tmp_path: Path, kind: str, keep: float) -> None:
    path = tmp_path / f"p.{kind}"
    if kind == "zip":
        make_zip(path, CONTENT)
    else:
        with tarfile.open(path, "w" + kind.replace("tar", "").replace(".", ":")) as archive:  # type: ignore[call-overload]
            for name, data in CONTENT.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    whole = path.read_bytes().rstrip(b"\0") if kind == "tar" else path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert codes(path) <= {"ARCHIVE_TRUNCATED", "ARCHIVE_DAMAGED"}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("p.zip", b"", "ARCHIVE_EMPTY"),
        ("p.tar", b"", "ARCHIVE_EMPTY"),
        ("p.zip", b"hello", "NOT_AN_ARCHIVE"),
        ("p.tgz", b"hello" * 500, "NOT_AN_ARCHIVE"),
        ("p.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 50, "ARCHIVE_KIND_UNSUPPORTED"),
        ("p.zip", b"PK\x05\x06" + b"\0" * 18, "ARCHIVE_EMPTY"),
    ],
)
def test_what_is_named_an_archive_and_is_none_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert codes(tmp_path / name) == {code}


def test_bytes_behind_the_end_are_refused(tmp_path: Path) -> None:
    for path in (make_zip(tmp_path / "p.zip", {"a": b"1"}), make_tar(tmp_path / "p.tar", member("a"))):
        with open(path, "ab") as file:
            file.write(b"hidden")
        assert codes(path) == {"ARCHIVE_DAMAGED"}


def test_bombs_are_stopped_by_ratio_total_count_and_depth(tmp_path: Path) -> None:
    zeros = {"zeros": b"\0" * 8_000_000}
    bomb = make_zip(tmp_path / "p.zip", zeros)
    assert codes(bomb) == {"BOMB_RATIO"}
    assert codes(bomb, Allowed(ratio=1e9, total_bytes=1_000_000)) == {"BOMB_TOTAL"}
    assert read(bomb, Allowed(ratio=1e9)) == zeros
    assert codes(make_tar(tmp_path / "p.tgz", member("zeros", 8_000_000), mode="w:gz")) == {"BOMB_RATIO"}
    assert codes(make_zip(tmp_path / "n.zip", {str(n): b"" for n in range(11)}), Allowed(entries=10)) == {"BOMB_ENTRIES"}
    assert codes(make_tar(tmp_path / "n.tar", *(member(str(n)) for n in range(11))), Allowed(entries=10)) == {"BOMB_ENTRIES"}


def test_the_real_bytes_count_not_the_declared_ones(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"zeros": b"\0" * 8_000_000})
    for header, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        patched(path, header, offset, struct.pack("<L", 100))
    assert codes(path) == {"ENTRY_LONGER_THAN_DECLARED"}


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"aaaa": b"1" * 500, "bbbb": b"1" * 500})
    assert codes(patched(path, b"PK\x01\x02", 42, struct.pack("<L", 0), which=1)) == {"ENTRIES_OVERLAP"}


def test_names_of_chinese_windows_and_the_unicode_path_field(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"xxxxxx.txt": b"1", "yyyy/zz.txt": b"2"})
    data = path.read_bytes().replace(b"xxxxxx", "申请表".encode("gbk")).replace(b"yyyy", "附件".encode("gbk"))
    path.write_bytes(data)
    with open_source(path, Allowed()) as source:
        found = {entry.path: entry.raw_path for entry in source.entries()}
    assert found == {"申请表.txt": "申请表.txt".encode("gbk"), "附件/zz.txt": "附件/zz.txt".encode("gbk")}


def test_backslashes_of_windows_archives_separate_folders(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a|b.txt")
    info.create_system = 0
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr(info, "1")
    path = tmp_path / "p.zip"
    path.write_bytes(path.read_bytes().replace(b"a|b", b"a\\b"))
    assert read(path) == {"a/b.txt": b"1"}


def test_names_that_become_the_same_text_are_both_kept(tmp_path: Path) -> None:
    names = [b"a\x01", b"a%01"]
    folder = tmp_path / "p"
    folder.mkdir()
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(name)
    assert sorted(read(folder).values()) == sorted(names)
    with open_source(folder, Allowed()) as source:
        assert len({entry.path for entry in source.entries()}) == 2


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with Landing(tmp_path) as landing, pytest.raises(OutOfSpace):
        landing.make_room_for(1 << 60, "p.zip")
    assert not list(tmp_path.iterdir())


def test_landing_overwrites_nothing_and_follows_no_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with Landing(root) as landing:
        landing.file("a/b", [b"1"])
        with pytest.raises(FileExistsError):
            landing.file("a/b", [b"2"])
        with pytest.raises((NotADirectoryError, FileExistsError)):
            landing.file("link/x", [b"2"])
    assert (root / "a/b").read_bytes() == b"1"
    assert not list((tmp_path / "outside").iterdir())
