"""How values look."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_babel import force_locale

from repository.events import LedgerEvent
from repository.findings import N_
from repository.web.formatting import address_with, attachment, event_note, said, size_words
from repository.web.words import retention_word, tone, word
from tests.tools.console import _console_home, app, database, home

__all__ = ["_console_home", "app", "database", "home"]

NOTE = N_("{copies} copies written and read back in full: {stores}")


def event(text: str, **detail: object) -> LedgerEvent:
    return LedgerEvent(
        id="1", sequence=1, type="replication", at=datetime(2026, 1, 1, tzinfo=UTC), outcome="success", detail=detail, note=text
    )


def test_a_note_kept_with_its_template_is_told_in_the_readers_language(app: Flask) -> None:
    kept = event(NOTE.format(copies=2, stores="a, b"), note=NOTE, copies=2, stores="a, b")
    with app.test_request_context(), force_locale("zh_Hans_CN"):
        assert event_note(kept) == "已写入 2 份副本并完整回读：a, b"
        assert event_note(event("as somebody wrote it {copies}")) == "as somebody wrote it {copies}"
        assert said(
            N_("{profile}: {score} points, {reason}"), {"profile": "bagit", "score": 100, "reason": "bagit.txt at the top"}
        ).endswith("顶层有 bagit.txt")


def test_nothing_in_a_template_from_a_store_is_evaluated(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        hostile = "{copies.__class__} {copies!r} {copies} {missing} {0}"
        assert said(hostile, {"copies": 2}) == "{copies.__class__} {copies!r} 2 {missing} {0}"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (5 * 1024**4, "5 TiB"), (5 * 1024**5, "5,120 TiB")],
)
def test_sizes(app: Flask, size: int, text: str) -> None:
    with app.test_request_context(), force_locale("en"):
        assert size_words(size) == text


def test_words(app: Flask) -> None:
    with app.test_request_context(), force_locale("zh_Hans_CN"):
        five = [word(code) for code in ("match", "damaged", "missing", "unreadable", "unexpected", "not_checked")]
        assert five == ["一致", "损坏", "缺失", "不可读", "多余", "未检测"]
        assert word("a code of tomorrow") == "a code of tomorrow"
        assert [retention_word(code) for code in ("Y", "D30", "若干年", "")] == ["永久", "30 年", "若干年", ""]
    assert (tone("not_checked"), tone("unreadable"), tone("anything")) == ("warn", "bad", "quiet")


def test_an_address_keeps_the_rest_of_the_page(app: Flask) -> None:
    with app.test_request_context("/records/?q=许可&unit=a&unit=b&after=x"):
        app.preprocess_request()
        changed = address_with(unit=["b"], after=None)
        assert "unit=b" in changed
        assert "unit=a" not in changed
        assert "after" not in changed
        assert "q=%E8%AE%B8%E5%8F%AF" in changed


@pytest.mark.parametrize("name", ['a"b.txt', "a\r\nSet-Cookie: x=1.txt", "申请书；1.pdf", "a;filename=b.exe", "a'b", "\udcff.bin"])
def test_no_file_name_gets_out_of_its_header(name: str) -> None:
    value = attachment(name)
    assert value.isascii()
    assert not set("\r\n\"; '") & set(value.removeprefix("attachment; filename*=UTF-8''"))
