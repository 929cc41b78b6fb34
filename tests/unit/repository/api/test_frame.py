"""Who asks the API, and how mistakes are told."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, cast

import pytest
from flask import Flask

import access
import ingest
import preservation
import repository
from repository.accounts import disable_user
from repository.api.kinds import KINDS
from repository.api.problems import ApiError, kind_of
from repository.archive import Archive
from repository.errors import JinguiError
from repository.permissions import Actor
from tests.tools.api import Program, problem
from tests.tools.console import TOKEN, Ids, Visitor, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]

AGENCY = {"name": "云栖市水利局", "code": "", "fonds": "", "other_names": []}


def test_nobody_is_asked_who_it_is(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/records")
    assert problem(answer) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="jingui"'


@pytest.mark.parametrize(
    "given", ["Bearer jg_nothing", "Bearer ", "Basic YTpi", "Bearer jg_\udc80".encode("utf-8", "surrogateescape").decode("latin-1")]
)
def test_a_token_that_is_none_is_refused(app: Flask, given: str) -> None:
    answer = app.test_client().get("/api/v1/me", headers={"Authorization": given})
    assert problem(answer) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_ends_with_its_account(app: Flask, archive: Archive) -> None:
    program = Program(app, archive, "archivist")
    assert program.told("/me")["name"] == "archivist"
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "archivist")
    assert problem(program.get("/me")) == (401, "UNAUTHENTICATED")


def test_a_token_does_no_more_than_its_scopes(app: Flask, archive: Archive) -> None:
    program = Program(app, archive, "archivist", ["record.read"])
    assert program.told("/records")["total"] == 2
    assert problem(program.get("/submissions")) == (403, "PERMISSION_DENIED")
    assert program.told("/me")["permissions"] == ["record.read"]


def test_the_console_session_reads_and_changes_with_the_token_of_its_pages(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in("system-administrator")
    assert visitor.client.get("/api/v1/me").json["by_token"] is False  # type: ignore[index]
    assert problem(visitor.client.post("/api/v1/agencies", json=AGENCY)) == (403, "CSRF")
    found = TOKEN.search(visitor.get("/").get_data(as_text=True))
    assert found is not None
    made = visitor.client.post("/api/v1/agencies", json=AGENCY, headers={"X-CSRFToken": found[1]})
    assert made.status_code == 201, made.get_data(as_text=True)


def test_a_token_is_made_by_a_fresh_session_and_never_by_a_token(app: Flask, archive: Archive) -> None:
    wanted = {
        "name": "nightly",
        "scopes": ["record.read"],
        "expires_at": archive.clock().replace(year=archive.clock().year + 1).isoformat(),
    }
    assert problem(Program(app, archive, "archivist").ask("POST", "/tokens", json=wanted)) == (403, "PERMISSION_DENIED")
    visitor = Visitor(app)
    visitor.log_in("archivist")
    found = TOKEN.search(visitor.get("/").get_data(as_text=True))
    assert found is not None
    headers = {"X-CSRFToken": found[1], "Idempotency-Key": "once"}
    made = visitor.client.post("/api/v1/tokens", json=wanted, headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    secret = cast(dict[str, Any], made.json)["secret"]
    assert app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    again = visitor.client.post("/api/v1/tokens", json=wanted, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert cast(dict[str, Any], again.json)["secret"] is None, "the secret must be kept nowhere"


def test_what_is_wrong_with_a_body_is_named_where_it_is(app: Flask, archive: Archive) -> None:
    program = Program(app, archive, "system-administrator")
    answer = program.ask("POST", "/agencies", json={"code": 5, "other_names": ["", "x"], "colour": "red"})
    assert problem(answer) == (422, "INVALID")
    errors = {error["pointer"]: error["message"] for error in cast(dict[str, Any], answer.json)["errors"]}
    assert set(errors) == {"/name", "/code", "/other_names/0", "/colour"}
    assert errors["/name"] == "This is missing."


def test_what_is_wrong_with_the_query_is_named_by_parameter(app: Flask, archive: Archive) -> None:
    answer = Program(app, archive, "archivist").get("/records?limit=many&limt=3&sort=colour")
    assert problem(answer) == (422, "INVALID")
    errors = {error["parameter"]: error["message"] for error in cast(dict[str, Any], answer.json)["errors"]}
    assert set(errors) == {"limit", "limt", "sort"}
    assert problem(Program(app, archive, "archivist").get("/records?limit=1&limit=2")) == (422, "INVALID")


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/nothing", {}, (404, "NOT_FOUND")),
        ("PUT", "/records", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/records", {"headers": {"Accept": "text/csv"}}, (406, "NOT_ACCEPTABLE")),
        ("POST", "/agencies", {"data": b"<agency/>", "content_type": "application/xml"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST", "/agencies", {"data": b"{", "content_type": "application/json"}, (400, "MALFORMED")),
        ("POST", "/agencies", {"data": b"", "content_type": "application/json"}, (400, "MALFORMED")),
        ("POST", "/agencies", {"data": b" " * 1_100_000, "content_type": "application/json"}, (413, "CONTENT_TOO_LARGE")),
        ("GET", "/records/" + "x" * 600, {}, (404, "NOT_FOUND")),
        ("GET", "/records/a%00b", {}, (400, "USAGE")),
        ("GET", f"/records/x/files/{2**70}/content", {}, (404, "NOT_FOUND")),
    ],
)
def test_errors_are_problem_documents(
    app: Flask, archive: Archive, method: str, path: str, options: dict[str, Any], expected: tuple[int, str]
) -> None:
    role = "archivist" if path.startswith("/records") else "system-administrator"
    answer = Program(app, archive, role).ask(method, path, **options)
    assert problem(answer) == expected
    assert answer.headers["X-Request-Id"] == cast(dict[str, Any], answer.json)["request_id"]
    if expected[0] == 405:
        assert "GET" in answer.headers["Allow"]


def test_an_error_of_ours_has_an_id_and_tells_nothing(app: Flask, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(app, archive, "archivist")
    monkeypatch.setattr("access.catalogue.find_record", lambda tx, record_id: 1 / 0)
    answer = program.get("/records/x")
    assert problem(answer) == (500, "INTERNAL")
    assert "ZeroDivision" not in answer.get_data(as_text=True)
    assert cast(dict[str, Any], answer.json)["request_id"]


def test_problems_are_told_in_the_language_of_the_reader(app: Flask, archive: Archive) -> None:
    program = Program(app, archive, "archivist")
    assert cast(dict[str, Any], program.get("/records/none").json)["title"] == "There is nothing here"
    chinese = program.get("/records/none", Accept_Language="zh")
    assert cast(dict[str, Any], chinese.json)["title"] == "这里没有内容"
    assert chinese.headers["Content-Language"] == "zh-Hans"


def test_pages_are_not_touched(app: Flask) -> None:
    assert app.test_client().get("/nothing-here").mimetype == "text/html"
    assert app.test_client().put("/about").mimetype == "text/html"


def _errors() -> list[type[JinguiError]]:
    for package in (repository, ingest, preservation, access):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(("errors", "reading", "users", "policy", "importing")):
                importlib.import_module(module.name)
    found, waiting = [], [JinguiError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.append(kind)
    return [kind for kind in found if kind not in (JinguiError, ApiError) and kind.__module__.partition(".")[0] != "tests"]


def test_every_error_of_ours_has_its_row_and_the_pages_say_the_same_status() -> None:
    for kind in _errors():
        error = kind.__new__(kind)
        found = kind_of(error)
        assert found.status == kind.http_status, f"{kind.__name__}: {found.code}"
    assert all(kind.code.isupper() for kind in KINDS.values())


def test_what_a_closed_record_holds_is_in_no_answer(app: Flask, archive: Archive, ids: Ids) -> None:
    """A researcher gets the same answer for a closed record as for one that does not exist."""
    program = Program(app, archive, "researcher")
    found = program.told("/records?facet=unit&facet=format")
    assert [record["id"] for record in found["items"]] == [ids["record"]]
    assert found["total"] == 1
    for path in ("", "/files", "/versions", "/files/1/content", "/dip.zip", "/premis.xml", "/events"):
        closed, absent = program.get(f"/records/{ids['closed']}{path}"), program.get(f"/records/{'0' * 8}{path}")
        assert closed.status_code == absent.status_code, path
        assert "内部" not in closed.get_data(as_text=True), path
    assert problem(program.get(f"/records/{ids['closed']}")) == (404, "NOT_FOUND")
