"""Pages, cursors and ETags."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest
from flask import Flask

from repository.archive import Archive
from repository.permissions import Actor
from repository.recordkeeping.agencies import create_agency
from tests.tools.api import Program, problem
from tests.tools.console import Ids, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.fixture
def program(app: Flask, archive: Archive) -> Program:
    return Program(app, archive, "system-administrator")


@pytest.fixture
def agencies(archive: Archive) -> list[str]:
    with archive.transaction(Actor.local()) as tx:
        for number in range(7):
            create_agency(tx, name=f"单位{number}")
    return sorted(["云栖市民政局", *(f"单位{number}" for number in range(7))])


def test_pages_follow_one_another_and_end(program: Program, agencies: list[str]) -> None:
    path, seen = "/agencies?limit=3", []
    while path:
        answer = program.get(path)
        document = cast(dict[str, Any], answer.json)
        seen += [item["name"] for item in document["items"]]
        following = answer.headers.get("Link", "")
        assert bool(following) == (document["next"] is not None)
        path = following.partition(">")[0].removeprefix("</api/v1")
    assert seen == agencies


def test_the_next_page_keeps_the_rest_of_the_question(program: Program, agencies: list[str]) -> None:
    link = program.get("/agencies?limit=2&q=单位&active=true").headers["Link"]
    assert "q=%E5%8D%95%E4%BD%8D" in link
    assert "active=true" in link
    assert link.endswith('; rel="next"')


def test_a_cursor_that_was_changed_or_comes_from_elsewhere_is_refused(
    app: Flask, archive: Archive, program: Program, agencies: list[str]
) -> None:
    cursor = program.told("/agencies?limit=2")["next"]
    forged = base64.urlsafe_b64encode(b'"x"').decode().rstrip("=") + "." + cursor.partition(".")[2]
    for wrong in (cursor[:-1], cursor + "x", forged, "x", "单位", cursor.swapcase()):
        assert problem(program.get(f"/agencies?limit=2&after={wrong}")) == (400, "CURSOR_INVALID"), wrong
    assert problem(program.get(f"/jobs?after={cursor}")) == (400, "CURSOR_INVALID")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.0", "1e1", "+1", "٣", ""])
def test_a_page_has_one_to_a_hundred_entries(program: Program, limit: str) -> None:
    assert problem(program.get(f"/agencies?limit={limit.replace('+', '%2B')}")) == (422, "INVALID")


@pytest.mark.parametrize("path", ["/submissions", "/records", "/records?sort=title"])
def test_every_list_ends_with_what_is_there(app: Flask, archive: Archive, path: str) -> None:
    archivist = Program(app, archive, "archivist")
    whole = [item["id"] for item in archivist.told(path)["items"]]
    cursor, seen = "", []
    while True:
        page = archivist.told(f"{path}{'&' if '?' in path else '?'}limit=1" + (f"&after={cursor}" if cursor else ""))
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == whole
    assert len(whole) > 1


def test_what_is_known_is_not_sent_again(app: Flask, archive: Archive, ids: Ids) -> None:
    program = Program(app, archive, "archivist")
    for path in (f"/records/{ids['record']}", f"/submissions/{ids['rejected']}"):
        first = program.get(path)
        etag = first.headers["ETag"]
        assert not etag.startswith("W/")
        again = program.get(path, If_None_Match=etag)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
        assert program.get(path, If_None_Match='"other"').status_code == 200
        assert program.get(path, If_None_Match=f'"a", {etag}').status_code == 304


def test_a_change_names_the_state_it_changes(program: Program, agencies: list[str]) -> None:
    agency = program.told("/agencies?limit=1")["items"][0]
    path = f"/agencies/{agency['id']}"
    etag = program.get(path).headers["ETag"]
    assert problem(program.ask("PATCH", path, json={"fonds": "0001"})) == (428, "PRECONDITION_REQUIRED")
    changed = program.ask("PATCH", path, json={"fonds": "0001"}, headers={"If-Match": etag})
    assert (changed.status_code, cast(dict[str, Any], changed.json)["fonds"]) == (200, "0001")
    late = program.ask("PATCH", path, json={"fonds": "0002"}, headers={"If-Match": etag})
    assert problem(late) == (412, "PRECONDITION_FAILED")
    assert late.headers["ETag"] == changed.headers["ETag"] != etag
    assert program.told(path)["fonds"] == "0001"


def test_who_may_not_change_learns_nothing_of_the_state(app: Flask, archive: Archive, program: Program, agencies: list[str]) -> None:
    agency = program.told("/agencies?limit=1")["items"][0]
    reader = Program(app, archive, "archivist")
    answer = reader.ask("PATCH", f"/agencies/{agency['id']}", json={"fonds": "9"}, headers={"If-Match": '"x"'})
    assert problem(answer) == (403, "PERMISSION_DENIED")
    assert "ETag" not in answer.headers
