"""The profile of plain folders: metadata.csv, checksum files, the layout of Archivematica's transfers."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ingest.profiles.folder import profile
from ingest.sip import PackageTree, Role, Sip
from ingest.unpack import unpack
from repository.findings import Outcome, is_valid
from repository.settings import UnpackLimits

Make = Callable[[Mapping[str, bytes]], PackageTree]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An unpacked package of these files."""

    def build(files: Mapping[str, bytes]) -> PackageTree:
        source, work = tmp_path / "照片", tmp_path / "work"
        for name, content in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        work.mkdir()
        return unpack(source, work, limits=UnpackLimits(), progress=lambda files, size: None)[0]

    return build


def codes(sip: Sip) -> set[str]:
    return {finding.code for finding in sip.findings}


def failing(sip: Sip) -> set[str]:
    return {finding.code for finding in sip.findings if not is_valid([finding])}


def roles(sip: Sip) -> dict[str, Role]:
    return {placement.source: placement.role for placement in sip.placements}


def test_any_folder_is_recognised_but_only_just(make: Make) -> None:
    tree = make({"a.txt": b"a"})
    assert profile.recognise(tree).score == 10
    sip = profile.read(tree)
    assert sip.description.title == "照片"
    assert roles(sip) == {"a.txt": Role.CONTENT}
    assert not sip.findings


def test_layout_of_a_transfer(make: Make) -> None:
    tree = make(
        {
            "objects/a.txt": b"a",
            "metadata/metadata.csv": b"filename,dc.title,dc.creator,dc.date\nobjects/,Whole,Zhang,2019/5/6\nobjects/a.txt,One,,\n",
            "metadata/rights.csv": b"file\n",
            "metadata/submissionDocumentation/letter.txt": b"hello",
            "logs/transfer.log": b"done",
            "processingMCP.xml": b"<processingMCP/>",
        }
    )
    assert profile.recognise(tree).score > 10
    sip = profile.read(tree)
    assert roles(sip) == {
        "objects/a.txt": Role.CONTENT,
        "metadata/metadata.csv": Role.DESCRIPTIVE,
        "metadata/rights.csv": Role.OTHER,
        "metadata/submissionDocumentation/letter.txt": Role.DOCUMENTATION,
        "logs/transfer.log": Role.OTHER,
        "processingMCP.xml": Role.OTHER,
    }
    assert (sip.description.title, sip.description.creators, sip.description.dates) == ("Whole", ("Zhang",), ("2019-05-06",))
    assert [(element.scheme, element.name, element.value) for element in sip.description.elements][-1] == (
        "metadata/metadata.csv/objects/a.txt",
        "dc.title",
        "One",
    )
    assert is_valid(sip.findings)


def test_a_folder_named_metadata_that_is_content_stays_content(make: Make) -> None:
    sip = profile.read(make({"metadata/chapter1.txt": b"x", "data.txt": b"y"}))
    assert set(roles(sip).values()) == {Role.CONTENT}


def test_chinese_table_at_the_top_in_gb18030(make: Make) -> None:
    table = "文件名,题名,责任者,保管期限,密级\na.txt,望溪路街景,民政局,30年,公开\n".encode("gb18030")
    sip = profile.read(make({"a.txt": b"a", "metadata.csv": table}))
    assert (sip.description.title, sip.description.retention, sip.description.security) == ("望溪路街景", "D30", "公开")
    assert codes(sip) == {"METADATA_CSV_NOT_UTF8"}
    assert is_valid(sip.findings)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_tables_need_no_remark(make: Make, encoding: str) -> None:
    sip = profile.read(make({"甲.txt": b"a", "metadata.csv": "filename,dc.title\r\n甲.txt,题名\r\n".encode(encoding)}))
    assert sip.description.title == "题名"
    assert not sip.findings


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (b'filename,dc.title\na.txt,"never closed\n', "METADATA_CSV_BROKEN"),
        (b"filename,dc.title\na.txt,one,two,three\n", "METADATA_CSV_BROKEN"),
        (b"filename,dc.title\na.txt,\0\n", "METADATA_CSV_BROKEN"),
        (b"", "METADATA_CSV_HEADER"),
        (b"a.txt,One\n", "METADATA_CSV_HEADER"),
        (b"filename,dc.title\n\xff\xff,\x80\x80\n", "METADATA_CSV_ENCODING"),
        (b"filename,dc.title\nb.txt,Missing\n", "METADATA_CSV_FILE_MISSING"),
    ],
)
def test_broken_tables_are_refused_by_name(make: Make, table: bytes, code: str) -> None:
    sip = profile.read(make({"a.txt": b"a", "metadata.csv": table}))
    assert failing(sip) == {code}
    assert {finding.subject for finding in sip.findings} == {"metadata.csv"}


def test_a_broken_line_is_named(make: Make) -> None:
    sip = profile.read(make({"a.txt": b"a", "metadata.csv": b"filename,dc.title\na.txt,fine\na.txt,one,two\n"}))
    assert any("line 3" in finding.text() for finding in sip.findings if finding.code == "METADATA_CSV_BROKEN")


def test_thousands_of_missing_files_are_counted_not_listed(make: Make) -> None:
    rows = "".join(f"no-{number}.txt,x\n" for number in range(3000))
    sip = profile.read(make({"a.txt": b"a", "metadata.csv": f"filename,dc.title\n{rows}".encode()}))
    missing = [finding for finding in sip.findings if finding.code == "METADATA_CSV_FILE_MISSING"]
    assert len(missing) == 101
    assert "2900" in missing[-1].text()


def test_checksum_files_are_declared(make: Make) -> None:
    lines = (
        "d41d8cd98f00b204e9800998ecf8427e  a.txt\nD41D8CD98F00B204E9800998ECF8427E *gone.txt\nMD5 (sub/b.txt) = "
        + "0" * 32
        + "\nnonsense\n"
    )
    sip = profile.read(make({"objects/a.txt": b"", "objects/sub/b.txt": b"b", "metadata/checksum.md5": lines.encode()}))
    assert [(item.path, item.algorithm, item.digest) for item in sip.declared] == [
        ("objects/a.txt", "md5", "d41d8cd98f00b204e9800998ecf8427e"),
        ("objects/gone.txt", "md5", "d41d8cd98f00b204e9800998ecf8427e"),
        ("objects/sub/b.txt", "md5", "0" * 32),
    ]
    unread = [finding for finding in sip.findings if finding.code == "CHECKSUM_LINE_UNREADABLE"]
    assert [(finding.outcome, "line 4" in finding.text()) for finding in unread] == [(Outcome.NOT_CHECKED, True)]


def test_junk_is_kept_and_said(make: Make) -> None:
    sip = profile.read(make({"a.txt": b"a", ".DS_Store": b"x", "sub/Thumbs.db": b"x", "__MACOSX/._a.txt": b"x"}))
    assert [finding.subject for finding in sip.findings if finding.code == "JUNK_FILE"] == [
        ".DS_Store",
        "__MACOSX/._a.txt",
        "sub/Thumbs.db",
    ]
    assert set(roles(sip).values()) == {Role.CONTENT}
    assert is_valid(sip.findings)


def test_a_zip_is_read_as_a_folder_is(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.csv", "filename,dc.title\na.txt,One\n")
        archive.writestr("a.txt", "a")
    (tmp_path / "p.zip").write_bytes(packed.getvalue())
    (tmp_path / "work").mkdir()
    tree, _ = unpack(tmp_path / "p.zip", tmp_path / "work", limits=UnpackLimits(), progress=lambda files, size: None)
    assert profile.read(tree).description.title == "One"


def test_transfers_of_archivematica(corpora: Path, tmp_path: Path) -> None:
    """A name that the table gives below objects/ may lie at the top, where Archivematica looks for it too."""
    tree, _ = unpack(corpora / "archivematica" / "CSVmetadata", tmp_path, limits=UnpackLimits(), progress=lambda files, size: None)
    sip = profile.read(tree)
    assert [finding.parameters["name"] for finding in sip.findings if finding.code == "METADATA_CSV_FILE_MISSING"] == [
        "objects/MARBLES.TGA"
    ]
    assert roles(sip)["Landing zone.jpg"] is Role.CONTENT
