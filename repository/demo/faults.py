"""The faults that some demo packages have: one each, with a name, and the code of the finding that must name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from repository.demo.cases import DemoCase

#: Files of a package, by path below it.
Files = dict[str, bytes]


class Form(StrEnum):
    """What a package looks like on its way."""

    FOLDER = "folder"
    ZIP = "zip"
    ZIP_GBK = "zip-gbk"
    BAG = "bag"
    BATCH_FOLDER = "batch-folder"
    BATCH_ZIP = "batch-zip"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to be wrong.

    Args:
        name: what was done, in words.
        code: code of the one finding that fails.
        affair: 权力事项编码 of the affair it needs.
        form: the form it needs.
        on_case: changes the case before its package is made.
        on_files: changes the files of the package.
        on_path: damages the finished package.
        unlisted: the index of the batch leaves the case out.
    """

    name: str
    code: str
    affair: str
    form: Form
    on_case: Callable[[DemoCase], DemoCase] | None = None
    on_files: Callable[[Files], None] | None = None
    on_path: Callable[[Path], None] | None = None
    unlisted: bool = False


def _without(case: DemoCase, name: str) -> DemoCase:
    return replace(case, papers=tuple(paper for paper in case.papers if paper.material.name != name))


def _not_even_asked_for(case: DemoCase, name: str) -> DemoCase:
    asked = tuple(paper for paper in case.affair.papers if paper.material.name != name)
    return replace(_without(case, name), affair=replace(case.affair, papers=asked))


def _path_of(files: Files, name: str) -> str:
    return next(path for path in files if name in path)


def _wrong_last_character(case: DemoCase) -> DemoCase:
    last = case.card[-1]
    return replace(case, card=case.card[:-1] + ("7" if last != "7" else "4"))


def _empty(files: Files) -> None:
    files[_path_of(files, "工伤决定书")] = b""


def _with_doctype(files: Files) -> None:
    path = _path_of(files, "基本信息描述")
    files[path] = files[path].replace(b"\n", b'\n<!DOCTYPE description [<!ENTITY place "&#20113;">]>\n', 1)


def _only_a_link(files: Files) -> None:
    path = _path_of(files, "检测报告")
    del files[path]
    files[f"{path.rpartition('.')[0]}.url"] = b"[InternetShortcut]\r\nURL=http://reports.example/2019/0307.pdf\r\n"


def _impossible_date(files: Files) -> None:
    path = _path_of(files, "基本信息描述")
    before, mark, after = files[path].partition('<transacttime title="办结时间">'.encode())
    year = after[:4]
    files[path] = before + mark + year + b"-02-30 10:00:00" + after[19:]


def _no_applicant(files: Files) -> None:
    path = _path_of(files, "基本信息描述")
    lines = files[path].split(b"\n")
    files[path] = b"\n".join(line for line in lines if b"<applyname" not in line)


def _cut_off(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.truncate(size * 2 // 3)


def _one_byte_changed(path: Path) -> None:
    target = sorted((path / "data").rglob("*.jpg"))[0]
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 0x01
    target.write_bytes(content)


#: In the order in which they are handed out.
FAULTS: Final = (
    Fault(
        name="a necessary material is missing",
        code="MATERIAL_MISSING",
        affair="许可-00101-000",
        form=Form.FOLDER,
        on_case=lambda case: _without(case, "营业执照"),
    ),
    Fault(
        name="the case is finished before it was accepted",
        code="DATE_ORDER",
        affair="确认-00203-000",
        form=Form.ZIP,
        on_case=lambda case: replace(case, finished=case.received - timedelta(days=3)),
    ),
    Fault(name="the zip is cut off", code="ARCHIVE_TRUNCATED", affair="许可-00212-001", form=Form.ZIP, on_path=_cut_off),
    Fault(
        name="the index of the batch does not list the case",
        code="INDEX_CASE_NOT_LISTED",
        affair="给付-00101-000",
        form=Form.BATCH_FOLDER,
        unlisted=True,
    ),
    Fault(name="a file of no bytes", code="FILE_EMPTY", affair="确认-00511-000", form=Form.BATCH_ZIP, on_files=_empty),
    Fault(
        name="one byte in the bag is not what its manifest says",
        code="MANIFEST_DIGEST_MISMATCH",
        affair="许可-00101-000",
        form=Form.BAG,
        on_path=_one_byte_changed,
    ),
    Fault(
        name="the check character of the identity number is wrong",
        code="NUMBER_CHECK_WRONG",
        affair="给付-00105-000",
        form=Form.BATCH_FOLDER,
        on_case=_wrong_last_character,
    ),
    Fault(
        name="a document type declaration in the description",
        code="XML_DOCTYPE",
        affair="奖励-00101-000",
        form=Form.FOLDER,
        on_files=_with_doctype,
    ),
    Fault(
        name="the case is classified as a state secret",
        code="STATE_SECRET",
        affair="处罚-00408-002",
        form=Form.ZIP_GBK,
        on_case=lambda case: replace(case, security="机密★10年"),
    ),
    Fault(
        name="a retention period that nobody knows",
        code="RETENTION_UNKNOWN",
        affair="公共服务-00514-000",
        form=Form.ZIP,
        on_case=lambda case: replace(case, retention="若干年"),
    ),
    Fault(
        name="a penalty without proof that it was served",
        code="CASE_FILE_DOCUMENT_MISSING",
        affair="处罚-00317-000",
        form=Form.BATCH_ZIP,
        on_case=lambda case: _not_even_asked_for(case, "送达回证"),
    ),
    Fault(name="the applicant's name is missing", code="FIELD_MISSING", affair="给付-00101-000", form=Form.FOLDER, on_files=_no_applicant),
    Fault(
        name="a link in the place of a report", code="MATERIAL_IS_LINK", affair="许可-00307-000", form=Form.ZIP_GBK, on_files=_only_a_link
    ),
    Fault(name="a day that no calendar has", code="DATE_UNREADABLE", affair="许可-00212-001", form=Form.FOLDER, on_files=_impossible_date),
)
