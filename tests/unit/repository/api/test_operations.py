"""Jobs, timetable, stores, audits, accounts and the logbook through the API: who may, and what comes."""

from __future__ import annotations

from typing import Any, cast

import pytest
from flask import Flask

from repository.archive import Archive
from repository.jobs.timetable import ensure_schedules
from repository.permissions import Actor
from tests.tools.api import Program, problem
from tests.tools.console import Visitor, _console_home, app, database, home, work_off

__all__ = ["_console_home", "app", "database", "home"]


def test_a_waiting_job_is_cancelled_and_started_again(app: Flask, archive: Archive) -> None:  # noqa: F811
    with archive.transaction(Actor.local()) as tx:
        job = tx.enqueue("journal.flush", {})
    program = Program(app, archive, "archivist")
    etag = program.get(f"/jobs/{job}").headers["ETag"]
    assert problem(program.ask("POST", f"/jobs/{job}/retry")) == (409, "CONFLICT")
    cancelled = program.ask("POST", f"/jobs/{job}/cancel", headers={"If-Match": etag})
    assert cast(dict[str, Any], cancelled.json)["state"] == "cancelled"
    late = program.ask("POST", f"/jobs/{job}/retry", headers={"If-Match": etag})
    assert problem(late) == (412, "PRECONDITION_FAILED")
    again = program.ask("POST", f"/jobs/{job}/retry")
    assert cast(dict[str, Any], again.json)["state"] == "queued"
    assert job in [item["id"] for item in program.told("/jobs?state=queued&kind=journal.flush")["items"]]


def test_the_timetable_is_the_system_administrators(app: Flask, archive: Archive) -> None:  # noqa: F811
    ensure_schedules(archive)
    reader = Program(app, archive, "archivist")
    row = reader.told("/schedules/journal.flush")
    etag = reader.get("/schedules/journal.flush").headers["ETag"]
    change = {"enabled": False, "every_seconds": 600}
    refused = reader.ask("PATCH", "/schedules/journal.flush", json=change, headers={"If-Match": etag})
    assert problem(refused) == (403, "PERMISSION_DENIED")
    administrator = Program(app, archive, "system-administrator")
    changed = administrator.ask("PATCH", "/schedules/journal.flush", json=change, headers={"If-Match": etag})
    document = cast(dict[str, Any], changed.json)
    assert (document["enabled"], document["every_seconds"], document["usual_seconds"]) == (False, 600, row["every_seconds"])
    assert problem(administrator.get("/schedules/none")) == (404, "NOT_FOUND")
    assert "journal.flush" in [item["name"] for item in administrator.told("/schedules")["items"]]


def test_an_audit_is_started_done_and_read(app: Flask, archive: Archive) -> None:  # noqa: F811
    officer = Program(app, archive, "preservation-officer")
    started = officer.ask("POST", "/audits", json={"scope": "all"})
    assert started.status_code == 202, started.get_data(as_text=True)
    path = started.headers["Location"].removeprefix("/api/v1")
    work_off(archive)
    done = officer.told(f"{path}?all=true&limit=3")
    assert (done["state"], done["copies"]) == ("ended", {"match": 4})
    rest = officer.told(f"{path}?all=true&limit=3&after={done['next']}")
    assert len({(item["aip"], item["store"]) for item in done["items"] + rest["items"]}) == 4
    assert officer.told("/audits")["items"][0]["id"] == done["id"]
    assert problem(officer.ask("POST", "/audits", json={"scope": "records"})) == (422, "INVALID")
    assert problem(officer.ask("POST", "/audits", json={"scope": "all", "store": "nowhere"})) == (404, "NOT_FOUND")
    assert problem(Program(app, archive, "archivist").ask("POST", "/audits", json={"scope": "all"})) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("path", "role", "refused"),
    [
        ("/stores", "system-administrator", "researcher"),
        ("/formats/releases", "approver", "researcher"),
        ("/users", "security-administrator", "archivist"),
        ("/agencies", "archivist", "researcher"),
        ("/jobs", "audit-administrator", "agency-officer"),
        ("/audits", "approver", "agency-officer"),
    ],
)
def test_who_may_read_what(app: Flask, archive: Archive, path: str, role: str, refused: str) -> None:  # noqa: F811
    assert "items" in Program(app, archive, role).told(path)
    assert problem(Program(app, archive, refused).get(path)) == (403, "PERMISSION_DENIED")


def test_accounts_are_told_without_what_keeps_them_safe(app: Flask, archive: Archive) -> None:  # noqa: F811
    program = Program(app, archive, "security-administrator")
    users = program.told("/users?role=archivist")["items"]
    assert [user["name"] for user in users] == ["archivist"]
    assert not {"password_hash", "tf_totp_secret", "fs_uniquifier"} & set(users[0])
    assert Program(app, archive, "researcher").told("/users/researcher")["roles"] == ["researcher"]
    assert problem(Program(app, archive, "researcher").get("/users/archivist")) == (403, "PERMISSION_DENIED")


def test_nobody_sees_or_revokes_anothers_tokens(app: Flask, archive: Archive) -> None:  # noqa: F811
    mine, other = Program(app, archive, "archivist"), Program(app, archive, "approver")
    token = mine.told("/tokens")["items"][0]
    assert "secret" not in token
    assert token["id"] not in [item["id"] for item in other.told("/tokens")["items"]]
    assert problem(other.ask("DELETE", f"/tokens/{token['id']}")) == (404, "NOT_FOUND")
    assert mine.ask("DELETE", f"/tokens/{token['id']}").status_code == 204
    assert problem(mine.get("/me")) == (401, "UNAUTHENTICATED")


def test_the_logbook_is_read_in_the_console_and_by_no_token(app: Flask, archive: Archive) -> None:  # noqa: F811
    Program(app, archive, "archivist").get("/records?q=规划")
    assert problem(Program(app, archive, "audit-administrator").get("/log")) == (403, "PERMISSION_DENIED")
    visitor = Visitor(app)
    visitor.log_in("audit-administrator")
    lines = cast(dict[str, Any], visitor.get("/api/v1/log?action=record.&limit=5").json)["items"]
    assert [(line["actor_name"], line["action"]) for line in lines][0] == ("archivist", "record.searched")
    visitor = Visitor(app)
    visitor.log_in("system-administrator")
    assert problem(visitor.get("/api/v1/log")) == (403, "PERMISSION_DENIED")
