"""A record with a file of each kind that can be shown, and helpers of tests that look at files."""

from __future__ import annotations

import io
import random
import re
import tarfile
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from openpyxl import Workbook
from PIL import Image
from sqlalchemy import select, update

from repository.archive import Archive
from repository.demo.documents import Sheet, docx, ofd, pdf, text, web_page
from repository.demo.media import film, recording, scan
from repository.holdings import File, Record
from repository.permissions import Actor
from tests.tools.console import Visitor, add_people, open_to_all, readable
from tests.tools.holdings import keep
from tests.tools.hostile_files import HOSTILE, zipped

_DATA: Final = "representations/original/data"
SHEET: Final = Sheet(
    title="云栖市公园规划许可决定书",
    number="云规许〔2024〕12号",
    lines=tuple("关于公园规划许可的申请，经审查符合法定条件，准予许可。" * 3 for _ in range(14)),
    agency="云栖市自然资源和规划局",
    at=datetime(2024, 5, 6),
    dice=random.Random(3),
)


def _tiff() -> bytes:
    stream = io.BytesIO()
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    return stream.getvalue()


def _workbook() -> bytes:
    book = Workbook()
    first = book.active
    assert first is not None
    first.title = "清单"
    for number in range(1, 251):
        first.append([number, f"事项{number}", "=1+1"])
    book.create_sheet("空表")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _open_workbook() -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    row = "<table:table-row>" + cell.format("单元") + cell.format("格") + "</table:table-row>"
    names = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0"?><office:document-content {names}><office:body><office:spreadsheet><table:table table:name="甲表">{row}'
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "META-INF/manifest.xml": "<m/>", "content.xml": content})


def _message() -> bytes:
    head = "From: =?utf-8?b?5byg5LiJ?= <zhang@example.org>\r\nSubject: =?utf-8?b?5rWL6K+V?=\r\nMIME-Version: 1.0\r\n"
    body = 'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html; charset=gb2312\r\n\r\n'
    page = "<p>你好，附上材料。<script>alert(1)</script></p>".encode("gbk")
    rest = '\r\n--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="plan.pdf"\r\n\r\nabc\r\n--x--\r\n'
    return head.encode() + body.encode() + page + rest.encode()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        about = tarfile.TarInfo("里面/图.txt")
        about.size = 3
        archive.addfile(about, io.BytesIO(b"abc"))
    return stream.getvalue()


def kinds_of_files() -> Mapping[str, bytes]:
    """A file of each kind, by name."""
    return {
        "01 决定书.pdf": pdf(SHEET),
        "02 决定书.ofd": ofd(SHEET),
        "03 扫描.jpg": scan("12", random.Random(1)),
        "04 多页.tif": _tiff(),
        "05 说明.txt": text(SHEET),
        "06 网页.html": web_page(SHEET),
        "07 表.csv": "姓名;事项\r\n张三;许可\r\n".encode("gb18030"),
        "08 表.xlsx": _workbook(),
        "09 表.ods": _open_workbook(),
        "10 数据.xml": b'<?xml version="1.0"?><a><b>one</b><b>two</b></a>',
        "11 数据.json": '{"许可":[1,2]}'.encode(),
        "12 信.eml": _message(),
        "13 压缩.zip": zipped({"里面.txt": "abc"}),
        "14 归档.tar": _tar(),
        "15 公文.docx": docx(SHEET),
        "16 录音.wav": recording(random.Random(2), seconds=1),
        "17 录像.mp4": film("2024-05-06", random.Random(2), frames=6),
        "18 程序.bin": b"\x7fELF" + bytes(range(256)),
        "19 长文.txt": b"".join(b"line %d\n" % number for number in range(1, 1201)),
    }


def keep_records(archive: Archive) -> Mapping[str, str]:
    """Puts records into a home: ``open`` with a file of each kind, ``hostile``, ``closed``, ``conditional``; gives their ids."""
    add_people(archive)
    ids = {
        "open": keep(
            archive, {f"{_DATA}/{name}": content for name, content in kinds_of_files().items()} | {"metadata/dc.xml": b"<secret/>"}
        ),
        "hostile": keep(archive, {f"{_DATA}/{name}": make() for name, (make, _) in HOSTILE.items()}),
        "closed": keep(archive, {f"{_DATA}/内部.pdf": pdf(SHEET)}),
        "conditional": keep(archive, {f"{_DATA}/条件.pdf": pdf(SHEET)}),
    }
    open_to_all(archive, ids["open"])
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(File).where(File.path.startswith(_DATA)).values(representation="original"))
        tx.session.execute(update(File).where(File.path == "metadata/dc.xml").values(role="metadata"))
        tx.session.execute(update(Record).where(Record.id == ids["conditional"]).values(sharing="有条件共享"))
        tx.session.execute(update(Record).values(title="公园规划许可"))
    return ids


def address(archive: Archive, record: str, name: str) -> str:
    """Where the preview of a file is."""
    with archive.read(Actor.local()) as tx:
        row = tx.session.scalars(select(File).where(File.path.endswith(name), File.aip_id == f"urn:uuid:{record}")).one()
    return f"/records/{record}/files/{row.id}/preview"


def markup(visitor: Visitor, where: str) -> str:
    """A page, which must be there."""
    answer = visitor.get(where)
    assert answer.status_code == 200, readable(answer)
    return answer.get_data(as_text=True)


def images(visitor: Visitor, page: str) -> list[str]:
    """The images of pages on a page."""
    return [found.replace("&amp;", "&") for found in re.findall(r'<img src="([^"]+/preview/page-[^"]+)"', page)]
