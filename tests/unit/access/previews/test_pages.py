"""Looking at files on the console: what is shown of each kind, and that the file itself never leaves."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import pytest
from flask import Flask
from PIL import Image

from repository.archive import Archive
from tests.tools.console import Visitor, readable, work_off
from tests.tools.hostile_files import ELSEWHERE, HOSTILE
from tests.tools.previews import SHEET, address, images, kinds_of_files, markup


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("决定书.pdf", ("Text of this page", "公园规划许可的申请", "of 2")),
        ("决定书.ofd", ("Title: 云栖市公园规划许可决定书", "公园规划许可的申请")),
        ("扫描.jpg", ("JPEG, 744 × 1052 pixels",)),
        ("多页.tif", ("TIFF, 60 × 40 pixels", "of 3")),
        ("说明.txt", ("云规许〔2024〕12号", "Read as GB18030.")),
        ("网页.html", ("Scripts, forms, remote pictures and links",)),
        ("表.csv", ("姓名 事项", "张三 许可")),
        ("表.xlsx", ("清单", "空表", "事项100", "of 4")),
        ("表.ods", ("单元 格",)),
        ("数据.xml", ("1 <a> 2 <b>one</b>",)),
        ("数据.json", ('2 "许可": [',)),
        ("信.eml", ("张三 <zhang@example.org>", "测试", "你好，附上材料。", "plan.pdf")),
        ("压缩.zip", ("里面.txt", "3 B")),
        ("归档.tar", ("里面/图.txt",)),
        ("程序.bin", ("There is no preview for files of this format.",)),
        ("长文.txt", ("line 500", "of 3")),
    ],
)
def test_each_kind_is_shown_while_the_reader_waits(
    archivist: Visitor, seen: Archive, ids: Mapping[str, str], name: str, expected: tuple[str, ...]
) -> None:
    text = archivist.text(address(seen, ids["open"], name))
    for words in expected:
        assert words in text, words


def test_pages_are_turned_by_plain_links(archivist: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    where = address(seen, ids["open"], "决定书.pdf")
    first = markup(archivist, where)
    assert "page=2#page" in first
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first
    second = markup(archivist, f"{where}?page=2")
    assert 'alt="Page 2 of 2 of 01 决定书.pdf"' in second
    assert 'rel="prev"' in second
    assert markup(archivist, f"{where}?page=99").count('alt="Page 2 of 2') == 1
    assert markup(archivist, f"{where}?page=nonsense").count('alt="Page 1 of 2') == 1


def test_files_of_the_record_are_gone_through_by_plain_links(archivist: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    where = address(seen, ids["open"], "决定书.ofd")
    page = markup(archivist, where)
    assert address(seen, ids["open"], "决定书.pdf") in page
    assert address(seen, ids["open"], "扫描.jpg") in page


@pytest.mark.parametrize(("name", "type"), [("决定书.pdf", "image/webp"), ("决定书.ofd", "image/svg+xml"), ("扫描.jpg", "image/webp")])
def test_images_of_pages_are_inert(archivist: Visitor, seen: Archive, ids: Mapping[str, str], name: str, type: str) -> None:
    (where,) = images(archivist, markup(archivist, address(seen, ids["open"], name)))
    answer = archivist.get(where)
    assert answer.status_code == 200
    assert answer.mimetype == type
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_images_come_in_sizes(archivist: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    where = address(seen, ids["open"], "决定书.pdf")
    widths = []
    for zoom in (1, 2, 3):
        (image,) = images(archivist, markup(archivist, f"{where}?zoom={zoom}"))
        with Image.open(io.BytesIO(archivist.get(image).get_data())) as picture:
            widths.append(picture.width)
    assert widths[0] < widths[1] < widths[2]


def test_a_web_page_stands_in_a_frame_of_its_own(archivist: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    where = address(seen, ids["open"], "网页.html")
    answer = archivist.get(where)
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    assert f'<iframe class="preview-frame" sandbox title="{SHEET.title}" src="{where}/document"' in answer.get_data(as_text=True)
    frame = archivist.get(f"{where}/document")
    policy = frame.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "sandbox", "frame-ancestors 'self'"):
        assert part in policy, part
    assert "script-src" not in policy
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert SHEET.lines[0] in frame.get_data(as_text=True)
    assert "frame-src" not in archivist.get("/records/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_with_a_clear_word_and_cost_nothing_else(
    archivist: Visitor, seen: Archive, ids: Mapping[str, str], name: str
) -> None:
    where = address(seen, ids["hostile"], name)
    page = archivist.get(where)
    assert page.status_code == 200, readable(page)
    shown = readable(page)
    inside = []
    for image in images(archivist, page.get_data(as_text=True)):
        inside.append(archivist.get(image).get_data())
    if "preview-frame" in page.get_data(as_text=True):
        inside.append(archivist.get(f"{where}/document").get_data())
        shown += inside[-1].decode()
    assert HOSTILE[name][1] in shown, shown[-600:]
    inside.append(archivist.get(f"{where}/thumbnail").get_data())
    for content in inside:
        for active in (
            b"<script",
            b"onload",
            b"onerror",
            b"onclick",
            b"javascript:",
            b"<iframe",
            b"<form",
            b"http-equiv",
            b"foreignObject",
            ELSEWHERE.encode(),
        ):
            assert active not in content, active


def test_no_answer_holds_the_file_itself(researcher: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    shown = ("pdf", "ofd", "jpg", "html", "xlsx", "zip", "mp4", "bin", "eml")
    for name, content in ((name, content) for name, content in kinds_of_files().items() if name.endswith(shown)):
        where = address(seen, ids["open"], name)
        page = researcher.get(where)
        if page.status_code == 202:
            work_off(seen)
            page = researcher.get(where)
        rest = [f"{where}/{part}" for part in ("thumbnail", "media", "document", "page-1", "page-2")]
        answers = [page.get_data(), *(researcher.get(part).get_data() for part in rest)]
        for answer in answers:
            assert hashlib.sha256(answer).digest() != hashlib.sha256(content).digest()
            assert len(content) < 500 or content not in answer, name
            if not name.endswith((".txt", ".csv", ".xml", ".json")):
                assert content[200:500] not in answer or len(content) < 500, name


def test_a_closed_record_is_as_absent_to_a_researcher(
    researcher: Visitor, archivist: Visitor, seen: Archive, ids: Mapping[str, str]
) -> None:
    for record in ("closed", "conditional"):
        where = address(seen, ids[record], ".pdf")
        markup(archivist, where)
        for rest in ("", "/page-1", "/thumbnail", "/media", "/document"):
            hidden, absent = researcher.get(where + rest), researcher.get(f"/records/{'0' * 36}/files/1/preview{rest}")
            assert hidden.status_code == absent.status_code == 404
            assert SHEET.title not in hidden.get_data(as_text=True)
            assert hidden.mimetype == "text/html"


def test_nobody_sees_a_preview_without_logging_in(site: Flask, seen: Archive, ids: Mapping[str, str]) -> None:
    where = address(seen, ids["open"], "决定书.pdf")
    for rest in ("", "/page-1", "/thumbnail", "/media", "/document"):
        assert Visitor(site).get(where + rest).status_code == 302


@pytest.mark.parametrize("role", ["system-administrator", "security-administrator", "audit-administrator"])
def test_administrators_see_no_content(site: Flask, seen: Archive, ids: Mapping[str, str], role: str) -> None:
    visitor = Visitor(site)
    visitor.log_in(role)
    where = address(seen, ids["open"], "决定书.pdf")
    for rest in ("", "/page-1", "/thumbnail", "/media", "/document"):
        assert visitor.get(where + rest).status_code == 403


def test_documents_around_the_content_are_for_those_who_may_have_them(
    researcher: Visitor, archivist: Visitor, seen: Archive, ids: Mapping[str, str]
) -> None:
    where = address(seen, ids["open"], "dc.xml")
    assert researcher.get(where).status_code == 404
    assert "<secret/>" in archivist.text(where)


def test_a_file_belongs_to_its_record_only(archivist: Visitor, seen: Archive, ids: Mapping[str, str]) -> None:
    other = address(seen, ids["closed"], ".pdf").replace(ids["closed"], ids["open"])
    assert archivist.get(other).status_code == 404


def test_who_may_not_have_the_file_gets_the_name_across_the_image(
    researcher: Visitor, archivist: Visitor, seen: Archive, ids: Mapping[str, str]
) -> None:
    where = f"{address(seen, ids['open'], '决定书.pdf')}/page-1"
    plain, marked = archivist.get(where).get_data(), researcher.get(where).get_data()
    assert plain != marked
    assert plain == archivist.get(where).get_data()
    assert "Your name and the time" in researcher.text(where.removesuffix("/page-1"))
    drawing = researcher.get(f"{address(seen, ids['open'], '决定书.ofd')}/page-1").get_data(as_text=True)
    assert "researcher  20" in drawing
    for file in (seen.home / "previews").rglob("*.svg"):
        assert "researcher" not in file.read_text()


def test_the_pages_are_told_in_chinese(site: Flask, seen: Archive, ids: Mapping[str, str]) -> None:
    visitor = Visitor(site, language="zh-CN")
    visitor.log_in("archivist")
    assert 'lang="zh-Hans"' in markup(visitor, address(seen, ids["open"], "决定书.pdf"))
