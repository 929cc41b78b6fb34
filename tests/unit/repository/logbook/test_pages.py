"""The logbook's pages, and the line that every request leaves before content leaves."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask

from repository.archive import Archive
from repository.logbook import reading
from repository.logbook.recording import note_read
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from tests.tools.console import Ids, Visitor, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]

AUDITOR = Actor(id="b", name="audit", roles=frozenset({Role.AUDIT_ADMINISTRATOR}))


def visitor(app: Flask, role: Role) -> Visitor:
    found = Visitor(app)
    assert found.log_in(str(role)).status_code == 302
    return found


def told(archive: Archive, action: str) -> list[LogEntry]:
    with archive.read(AUDITOR) as tx:
        return list(reversed(reading.list_lines(tx, reading.LogQuery(action=action)).lines))


def test_reading_searching_and_taking_along_leave_lines(app: Flask, archive: Archive, ids: Ids) -> None:
    curator = visitor(app, Role.ARCHIVIST)
    answer = curator.get(f"/records/{ids['record']}")
    curator.get("/records/?q=云栖市公园&year=2024")
    curator.get(f"/records/{ids['record']}/dip.zip")
    (read,) = told(archive, "record.read")
    assert (read.actor_name, read.object_type, read.object_id) == ("archivist", "record", ids["record"])
    assert (read.address, read.request_id) == ("127.0.0.1", answer.headers["X-Request-Id"])
    (searched,) = told(archive, "record.searched")
    assert (searched.detail["query"], searched.detail["hits"]) == ("云栖市公园", 0)
    assert searched.detail["filters"] == {"year": ["2024"]}
    assert [line.object_id for line in told(archive, "dip.made")] == [ids["record"]]
    assert reading.verify(archive, AUDITOR).broken is None


def test_refusals_are_noted_and_a_hidden_record_is_one(app: Flask, archive: Archive, ids: Ids) -> None:
    reader = visitor(app, Role.RESEARCHER)
    assert reader.get(f"/records/{ids['closed']}").status_code == 404
    assert reader.get("/log").status_code == 403
    assert [(line.outcome, line.object_id) for line in told(archive, "record.read")] == [("refused", ids["closed"])]
    (refused,) = told(archive, "log.read")
    assert (refused.actor_name, refused.outcome, refused.detail["status"]) == ("researcher", "refused", 403)


def test_without_a_line_nothing_is_shown(app: Flask, archive: Archive, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    curator = visitor(app, Role.ARCHIVIST)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    app.testing = False
    monkeypatch.setattr("repository.web.noting.note_read", full)
    answer = curator.get(f"/records/{ids['record']}")
    assert answer.status_code == 500
    assert "云栖市公园" not in answer.get_data(as_text=True)


def test_the_audit_administrator_narrows_down_and_pages(app: Flask, archive: Archive, ids: Ids) -> None:
    for number in range(130):
        note_read(archive, Actor(id="a", name="alice"), "record.read", object_type="record", object_id=f"r{number}")
    auditor = visitor(app, Role.AUDIT_ADMINISTRATOR)
    text = auditor.text("/log?person=alice&action=record.read")
    assert "r129" in text
    assert "r29 " not in text
    page = auditor.get("/log?person=alice").get_data(as_text=True)
    mark = re.search(r"before=(\d+)", page)
    assert mark is not None
    following = auditor.text(f"/log?person=alice&before={mark[1]}")
    assert "r29 " in following
    assert "r30 " not in following
    assert "No line matches" in auditor.text("/log?person=nobody")
    assert auditor.get("/log?since=yesterday").status_code == 400
    assert auditor.get("/log?before=x").status_code == 400
    lines = told(archive, "log.read")
    assert lines[0].detail["person"] == ["alice"]


def test_the_table_is_whole_and_safe_for_spreadsheets(app: Flask, archive: Archive) -> None:
    evil = "=HYPERLINK(1)\n+1"
    for number in range(120):
        note_read(archive, Actor(id="a", name="alice"), "record.searched", object_id=evil, detail={"query": f"{number}", "甲": '乙,"丙"'})
    auditor = visitor(app, Role.AUDIT_ADMINISTRATOR)
    answer = auditor.get("/log.csv?person=alice")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) == 120
    assert rows[0]["object_id"] == r"'=HYPERLINK(1)\n+1"
    assert "乙" in rows[0]["detail"]
    assert [line.detail["person"] for line in told(archive, "log.exported")] == [["alice"]]


def test_the_button_says_whether_the_chain_holds(app: Flask, archive: Archive) -> None:
    auditor = visitor(app, Role.AUDIT_ADMINISTRATOR)
    assert auditor.send("/log", "/log/verify").status_code == 302
    assert "The chain holds" in auditor.text("/log")
    with archive.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER log_entry_no_update")
        connection.exec_driver_sql("UPDATE log_entry SET actor_name = 'somebody' WHERE sequence = 1")
    auditor.send("/log", "/log/verify")
    assert "The chain is broken. Line 1 is not as it was written." in auditor.text("/log")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDIT_ADMINISTRATOR])
def test_nobody_else_reads_it(app: Flask, archive: Archive, role: Role) -> None:
    person = visitor(app, role)
    assert person.get("/log").status_code == 403
    assert person.get("/log.csv").status_code == 403
    assert person.send("/about", "/log/verify").status_code == 403
