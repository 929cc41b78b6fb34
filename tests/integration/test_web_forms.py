"""Forms of others: sent without the page's token, with fields nobody offered, about things of other people, leading elsewhere."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.tools.attacked_console import Attacked, _attacked_home, absent, attacked, differences
from tests.tools.console import AGENCY, PASSWORD, TOKEN, Visitor, _console_home, app, database, home

__all__ = ["_attacked_home", "_console_home", "app", "attacked", "database", "home"]

CHANGING: Final = ("POST", "PUT", "PATCH", "DELETE")
#: Addresses that lead elsewhere in one browser or another.
ELSEWHERE: Final = (
    "//elsewhere.invalid",
    "///elsewhere.invalid",
    "/\\elsewhere.invalid",
    "\\/elsewhere.invalid",
    "\\\\elsewhere.invalid",
    "https:elsewhere.invalid",
    "https://elsewhere.invalid",
    "HTTPS://elsewhere.invalid/",
    "http://archive.example@elsewhere.invalid/",
    "//archive.example@elsewhere.invalid/",
    "/\t/elsewhere.invalid",
    "/\n/elsewhere.invalid",
    "\t//elsewhere.invalid",
    " //elsewhere.invalid",
    "/%2f%2felsewhere.invalid/..",
    "%2f%2felsewhere.invalid",
    "/%5celsewhere.invalid",
    "/.//elsewhere.invalid",
    "/x/..//elsewhere.invalid",
    "/..//elsewhere.invalid",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "elsewhere.invalid",
    "//[::1]",
    "//[",
    "/\u3002/elsewhere.invalid",
    "．．/／elsewhere.invalid",
    "/\r\nLocation: //elsewhere.invalid",
    "",
)


def leads_here(answer: TestResponse) -> bool:
    """Whether a browser that asked ``http://archive.example/login`` is led on within it."""
    # what browsers make of an address before they go there (WHATWG URL Standard, 4.4)
    where = re.sub(r"[\t\r\n]", "", answer.headers["Location"]).strip("".join(map(chr, range(33)))).replace("\\", "/")
    parts = urlsplit(urljoin("http://archive.example/login", where))
    return (parts.scheme, parts.netloc) == ("http", "archive.example")


@pytest.mark.parametrize("place", ["login", "again", "password", "look", "notice"])
def test_nothing_leads_elsewhere(app: Flask, place: str) -> None:  # noqa: F811
    visitor = Visitor(app)
    if place != "login":
        visitor.log_in("archivist")
    for target in ELSEWHERE:
        asked = quote(target, safe="")
        if place == "login":
            answer = Visitor(app).send(f"/login?next={asked}", name="researcher", password=PASSWORD)
        elif place == "again":
            answer = visitor.send(f"/login/again?next={asked}", password=PASSWORD)
        elif place == "password":
            # who is in already is led on at once
            answer = visitor.get(f"/login?next={asked}")
        elif place == "look":
            answer = visitor.send("/about", "/look", theme="dark", next=target)
        else:
            answer = visitor.client.get("/records/", headers={"Referer": target.encode("unicode_escape").decode()})
            assert answer.status_code == 200
            continue
        assert answer.status_code == 302, (place, target)
        assert leads_here(answer), (place, target, answer.headers["Location"])


def test_a_notice_that_leads_elsewhere_leads_nowhere(attacked: Attacked) -> None:  # noqa: F811
    visitor = attacked.visitor("archivist")
    for fields in ({"go": "1"}, {"next": "//elsewhere.invalid"}):
        answer = visitor.send("/notices", f"/notices/{attacked.places['notice_id']}/read", **fields)
        assert answer.status_code == 302
        assert leads_here(answer)


def test_the_host_that_a_browser_names_is_in_no_link(app: Flask) -> None:  # noqa: F811
    visitor = Visitor(app)
    visitor.log_in("archivist")
    elsewhere = {"Host": "elsewhere.invalid", "X-Forwarded-Host": "elsewhere.invalid", "Forwarded": "host=elsewhere.invalid"}
    for path in (
        "/",
        "/records",
        "/ingest",
        "/account",
        "//elsewhere.invalid//x",
        "/records//",
        "/login",
        "/about",
        "/nothing",
        "/api/v1/me",
    ):
        for client in (visitor.client, app.test_client()):
            answer = client.get(path, headers=elsewhere)
            location = answer.headers.get("Location", "/")
            assert location.startswith("/"), (path, location)
            assert not location.startswith("//"), (path, location)
            body = answer.get_data(as_text=True)
            assert 'href="http' not in body, path
            assert "://elsewhere.invalid" not in body, path


def sent_without_token(world: Attacked, method: str, rule: Rule, token: str) -> TestResponse:
    path = world.address(rule, world.places)
    headers = {"X-CSRFToken": token} if token else {}
    if path.startswith("/api/"):
        json_body = {"name": "planted", "scopes": ["record.read"], "agreement": "local", "scope": "all"}
        return world.visitor("archivist").client.open(path, method=method, json=json_body, headers=headers)
    data = {"name": "planted", "email": "planted@example.org", "theme": "dark", "state": "q=1", **({"csrf_token": token} if token else {})}
    return world.visitor("archivist").client.open(path, method=method, data=data)


def test_a_form_without_the_token_of_its_page_changes_nothing(attacked: Attacked) -> None:  # noqa: F811
    another = attacked.token("researcher")
    before = attacked.tables()
    asked, wrong = 0, []
    for method, rule in attacked.rules(*CHANGING):
        for token in ("", "made-up", another):
            answer = sent_without_token(attacked, method, rule, token)
            asked += 1
            refused = answer.status_code == 400
            if rule.rule.startswith("/api/"):
                # before who asks is told what is wrong with it, or what there is
                refused = answer.status_code == 403 and answer.get_json()["code"] in {"CSRF", "PERMISSION_DENIED"}
                if method == "POST" and rule.rule == "/api/v1/uploads/<upload_id>":
                    refused = refused or answer.status_code == 405
            if not refused:
                wrong.append(f"{method} {rule.rule} with {token[:8]!r}: {answer.status} {answer.get_data(as_text=True)[:120]}")
    assert not wrong, "\n".join(wrong)
    assert differences(before, attacked.tables()) == frozenset()
    assert attacked.visitor("archivist").get("/account/").status_code == 200
    assert asked > 200


def plain(answer: TestResponse, values: dict[str, Any]) -> tuple[int, str]:
    """What an answer says, without what differs between any two: ids of the request and of the thing, tokens."""
    text = re.sub(r"/files/\d+", "/files/·", answer.get_data(as_text=True))
    for value in sorted(map(str, values.values()), key=len, reverse=True):
        if len(value) > 8:
            text = text.replace(value, "·")
    text = re.sub(r'(name="csrf_token"[^>]*value|name="csrf-token" content)="[^"]*"', "", text)
    return answer.status_code, re.sub(r"\b[0-9a-f]{12}\b", "·", text)


#: What belongs to somebody else, by who asks: places of addresses.
OTHERS: Final = {
    "archivist": {"search_id", "token_id", "notice_id", "id", "set_id", "upload_id", "reset_id"},
    "agency-officer": {
        "search_id",
        "token_id",
        "notice_id",
        "id",
        "set_id",
        "upload_id",
        "submission_id",
        "record_id",
        "event_id",
        "file_id",
    },
    "researcher": {"search_id", "token_id", "notice_id", "id", "record_id", "event_id", "file_id"},
}


def about_others(world: Attacked, who: str) -> Iterator[tuple[str, Rule]]:
    for method, rule in world.rules("GET", *CHANGING):
        if rule.arguments & OTHERS[who]:
            yield method, rule


@pytest.mark.parametrize("who", OTHERS)
def test_what_belongs_to_others_is_as_absent_as_what_is_not_there(attacked: Attacked, who: str) -> None:  # noqa: F811
    token, client = attacked.token(who), attacked.visitor(who).client
    before = attacked.tables()
    nothing = absent(attacked.foreign)
    wrong, asked = [], 0
    for method, rule in about_others(attacked, who):
        answers = []
        for places in (attacked.foreign, nothing):
            path = attacked.address(rule, {**nothing, **places, "name": "archivist"})
            headers = {"X-CSRFToken": token, "Accept-Language": "en", "Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
            if path.startswith("/api/"):
                headers["Content-Type"] = (
                    "application/offset+octet-stream" if "/uploads" in path and method == "PATCH" else "application/json"
                )
                answers.append(client.open(path, method=method, headers=headers, data=b"{}" if method != "GET" else None))
            else:
                data = {"csrf_token": token, "name": "planted"} if method != "GET" else None
                answers.append(client.open(path, method=method, headers=headers, data=data))
        first, second = plain(answers[0], attacked.foreign), plain(answers[1], nothing)
        asked += 1
        if first != second or first[0] < 400:
            wrong.append(f"{method} {rule.rule}: {first[0]} and {second[0]}")
    assert not wrong, "\n".join(wrong)
    assert differences(before, attacked.tables()) == frozenset()
    assert asked >= 10


def test_parts_of_one_record_are_not_found_in_another(attacked: Attacked) -> None:  # noqa: F811
    record, hidden = attacked.places["record_id"], attacked.foreign["record_id"]
    visitor = attacked.visitor("archivist")
    for base, ends in (
        (
            f"/records/{record}/files/{attacked.foreign['file_id']}",
            ("", "/original", "/preview", "/preview/thumbnail", "/preview/document"),
        ),
        (f"/records/{hidden}/files/{attacked.places['file_id']}", ("", "/original", "/preview", "/preview/page-1")),
        (f"/api/v1/records/{record}/files/{attacked.foreign['file_id']}", ("/content",)),
        (f"/records/{record}/events/{attacked.foreign['event_id']}.xml", ("",)),
    ):
        for end in ends:
            assert visitor.get(base + end).status_code == 404, base + end


def test_fields_that_nobody_offered_change_nothing(attacked: Attacked) -> None:  # noqa: F811
    def row(name: str) -> dict[str, object]:
        connection = sqlite3.connect(attacked.archive.home / "catalogue.sqlite")
        connection.row_factory = sqlite3.Row
        try:
            return dict(connection.execute('SELECT * FROM "user" WHERE name = ?', (name,)).fetchone())
        finally:
            connection.close()

    more = {
        "role": "system-administrator",
        "roles": "system-administrator",
        "user_id": "1",
        "id": "1",
        "name": "root",
        "unit": AGENCY,
        "agency": AGENCY,
        "active": "1",
        "must_change_password": "0",
        "password": "x" * 20,
        "password_hash": "x",
        "tf_totp_secret": "",
        "fs_uniquifier": "x",
        "full_name": "Somebody Else",
        "created_by": "1",
    }
    visitor = attacked.visitor("approver")
    before = row("approver")
    assert visitor.send("/account/", **{**more, "email": "approver@example.org", "language": "en"}).status_code == 302
    after = row("approver")
    assert {name for name in before if before[name] != after[name]} <= {"email", "language"}
    # an account made by the system administrator gets no role by that
    system = attacked.visitor("system-administrator")
    system.send("/admin/new-account", **{**more, "name": "newcomer", "email": "", "agency": "", "language": ""})
    assert json.loads(str(row("newcomer")["roles"])) == []
    system.send("/admin/accounts/archivist", **{**more, "email": "", "language": ""})
    assert json.loads(str(row("archivist")["roles"])) == ["archivist"]
    # searches and tokens belong to who makes them
    visitor.send("/records/", "/records/saved", **{**more, "name": "mine", "state": "q=1", "owner": "archivist"})
    assert "mine" not in attacked.visitor("archivist").text("/records/saved")
    assert "mine" in visitor.text("/records/saved")
    token = attacked.token("approver")
    for body in ({"name": "n", "scopes": ["record.read"], "user_id": "1"}, {"name": "n", "scopes": ["account.manage"], "role": "x"}):
        answer = visitor.client.post("/api/v1/tokens", json=body, headers={"X-CSRFToken": token})
        assert answer.status_code in {403, 422}, answer.get_data(as_text=True)
    page = visitor.get("/account/tokens/").get_data(as_text=True)
    found = TOKEN.search(page)
    assert found is not None
    answer = visitor.client.post(
        "/account/tokens/", data={"csrf_token": found[1], "name": "n", "scopes": "account.manage", "days": "1", "user_id": "1"}
    )
    assert answer.status_code == 400
