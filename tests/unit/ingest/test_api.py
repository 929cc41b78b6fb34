"""Submissions and checks through the API."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask

from repository.archive import Archive
from tests.conftest import Cli
from tests.tools.api import Program, problem
from tests.tools.console import Ids, _console_home, app, bag, database, home, ids, packed, work_off

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.fixture
def archivist(app: Flask, archive: Archive) -> Program:  # noqa: F811
    return Program(app, archive, "archivist")


def tus(metadata: str, length: int) -> dict[str, str]:
    return {"Tus-Resumable": "1.0.0", "Upload-Length": str(length), "Upload-Metadata": metadata}


def uploaded(program: Program, name: str, content: bytes) -> str:
    """An upload set with one file that is there whole; its id."""
    made = program.ask("POST", "/upload-sets", json={"name": name, "agreement": "local"})
    assert made.status_code == 201, made.get_data(as_text=True)
    found = cast(dict[str, Any], made.json)["id"]
    metadata = f"set {b64encode(found.encode()).decode()},filename {b64encode(name.encode()).decode()}"
    sent = program.ask(
        "POST", "/uploads", headers=tus(metadata, len(content)), data=content, content_type="application/offset+octet-stream"
    )
    assert sent.status_code == 201, sent.get_data(as_text=True)
    return str(found)


def test_what_was_uploaded_is_handed_in_once(archive: Archive, archivist: Program, tmp_path: Path) -> None:
    package = packed(tmp_path / "p.zip", bag({"a.txt": b"an open letter"})).read_bytes()
    wanted = {"upload_set": uploaded(archivist, "letters.zip", package)}
    first = archivist.ask("POST", "/submissions", json=wanted, headers={"Idempotency-Key": "s"})
    again = archivist.ask("POST", "/submissions", json=wanted, headers={"Idempotency-Key": "s"})
    third = archivist.ask("POST", "/submissions", json=wanted)
    assert first.status_code == again.status_code == third.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Location"] == again.headers["Location"] == third.headers["Location"]
    work_off(archive)
    done = archivist.told(first.headers["Location"].removeprefix("/api/v1"))
    assert (done["state"], done["under_way"]) == ("stored", False)
    assert {step["state"] for step in done["steps"]} <= {"done", "warning"}
    assert archivist.told(f"/records/{done['record']}")["files"] > 1


def test_a_rejection_names_rule_file_and_remedy_in_the_language_of_the_reader(archivist: Program, ids: Ids) -> None:  # noqa: F811
    path = f"/submissions/{ids['rejected']}"
    found = archivist.told(path)
    assert found["state"] == "rejected"
    failed = [finding for finding in found["findings"] if finding["outcome"] == "fail"]
    assert failed
    assert all(finding["code"] and finding["subject"] and finding["message"] for finding in failed)
    chinese = cast(dict[str, Any], archivist.get(path, Accept_Language="zh").json)
    assert [finding["code"] for finding in chinese["findings"]] == [finding["code"] for finding in found["findings"]]
    assert chinese["findings"] != found["findings"]
    assert archivist.get(path).headers["ETag"] != archivist.get(path, Accept_Language="zh").headers["ETag"]


def test_only_what_failed_is_tried_again_and_only_what_goes_on_is_cancelled(archivist: Program, ids: Ids) -> None:  # noqa: F811
    for verb in ("retry", "cancel"):
        answer = archivist.ask("POST", f"/submissions/{ids['submission']}/{verb}")
        assert problem(answer) == (409, "CONFLICT"), verb
        late = archivist.ask("POST", f"/submissions/{ids['submission']}/{verb}", headers={"If-Match": '"x"'})
        assert problem(late) == (412, "PRECONDITION_FAILED"), verb


def test_a_check_says_what_the_command_says_and_keeps_nothing(archive: Archive, archivist: Program, cli: Cli, tmp_path: Path) -> None:
    before = archivist.told("/submissions")["items"]
    for name, lie in (("good.zip", False), ("lie.zip", True)):
        package = packed(tmp_path / name, bag({"报告.txt": b"report"}, lie=lie))
        answer = archivist.ask("POST", f"/check?name={name}", data=package.read_bytes(), content_type="application/octet-stream")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        told = json.loads(cli("check", package, "--json").stdout)
        assert answer.json == {**told, "path": name}
        assert told["valid"] is not lie
    assert archivist.told("/submissions")["items"] == before
    assert not list(archive.work_folder.iterdir())


def test_a_check_needs_a_name(archivist: Program) -> None:
    assert problem(archivist.ask("POST", "/check", data=b"x", content_type="application/octet-stream")) == (422, "INVALID")


def test_an_officer_sees_the_own_agency_only(app: Flask, archive: Archive, ids: Ids) -> None:  # noqa: F811
    officer = Program(app, archive, "agency-officer")
    assert officer.told("/agreements")["items"] == []
    assert officer.told("/submissions")["items"] == []
    assert problem(officer.get(f"/submissions/{ids['rejected']}")) == (404, "NOT_FOUND")
    assert problem(Program(app, archive, "researcher").get("/agreements")) == (403, "PERMISSION_DENIED")
