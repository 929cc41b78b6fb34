"""Every route, walked through by four people and by nobody: what its answer tells browsers, and what it leaves behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from repository.app import create_app
from repository.archive import Archive
from tests.tools.attacked_console import MARK, Answered, Attacked, _attacked_home, active, asked, attacked
from tests.tools.console import TOKEN, Visitor, _console_home, app, database, home

__all__ = ["_attacked_home", "_console_home", "app", "attacked", "database", "home"]

WALKERS: Final = ("archivist", "system-administrator", "security-administrator", "audit-administrator", "")
#: What giving content out leaves: the event that says so, in the ledger of the holdings.
_EVENTS: Final = frozenset({"agent", "event", "event_agent", "event_object"})
GIVES_OUT: Final = ("/original", "/content", "/dip.zip", "/export/")
#: Looking at a file may leave a job that makes its preview.
_PREVIEWS: Final = frozenset({"job"})


@pytest.fixture(scope="module")
def walk(attacked: Attacked) -> list[Answered]:  # noqa: F811
    """Every route that can be read, with something in every place, and the pages of every hostile file."""
    answers = []
    for who in WALKERS:
        for method, rule in attacked.rules("GET"):
            answers.append(asked(attacked, who, method, rule.rule, attacked.address(rule, attacked.places)))
    record = attacked.places["record_id"]
    for file_id in attacked.files.values():
        for end in ("", "/preview", "/preview/thumbnail", "/preview/page-1", "/original"):
            answers.append(asked(attacked, "archivist", "GET", f"file{end}", f"/records/{record}/files/{file_id}{end}"))
    for path in (
        f"/records/{record}?all=1",
        "/records/?view=table&columns=unit,affair,case_number,identifier,fonds,affair_type,id&facet=unit&facet=affair",
        f"/records/?q={MARK}&unit={MARK}",
        f"/ingest/?name={MARK}&agreement={MARK}",
        f"/nothing/{MARK}",
        f"/log?person={MARK}",
    ):
        who = "audit-administrator" if path.startswith("/log") else "archivist"
        answers.append(asked(attacked, who, "GET", "list", path))
    return answers


def policy(answer: TestResponse) -> Mapping[str, str]:
    """The directives of the content security policy."""
    parts = (part.split(maxsplit=1) for part in answer.headers["Content-Security-Policy"].split(";") if part.strip())
    return {name: "".join(value) for name, *value in parts}


def careless(answer: TestResponse, *, for_all: bool = False) -> list[str]:
    """What an answer does not forbid browsers."""
    headers, wrong = answer.headers, []
    if "Content-Security-Policy" not in headers:
        return ["no policy"]
    directives = policy(answer)
    if directives.get("default-src") != "'none'":
        wrong.append("default-src")
    loose = ("unsafe", "*", "http:", "https:", "blob:", "strict-dynamic")
    wrong += [f"{name} {value}" for name, value in directives.items() if any(word in value for word in loose)]
    if directives.get("script-src", "'none'") not in {"'self'", "'none'"}:
        wrong.append("script-src")
    if "data:" in "".join(value for name, value in directives.items() if name != "img-src"):
        wrong.append("data:")
    framed = directives.get("frame-ancestors", "")
    if framed not in {"'none'", "'self'"} and headers.get("X-Frame-Options") != "DENY":
        wrong.append("frames")
    if headers.get("X-Frame-Options") not in {"DENY", "SAMEORIGIN"}:
        wrong.append("X-Frame-Options")
    if framed == "'self'" and "sandbox" not in directives:
        wrong.append("a frame without a sandbox")
    if headers.get("X-Content-Type-Options") != "nosniff":
        wrong.append("nosniff")
    if headers.get("Referrer-Policy") not in {"same-origin", "no-referrer"}:
        wrong.append("Referrer-Policy")
    wrong += [name for name in ("Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy") if headers.get(name) != "same-origin"]
    if not for_all and headers.get("Cache-Control") != "no-store":
        wrong.append(f"Cache-Control {headers.get('Cache-Control')}")
    if "Access-Control-Allow-Origin" in headers:
        wrong.append("Access-Control-Allow-Origin")
    for cookie in headers.getlist("Set-Cookie"):
        wrong += [f"cookie without {word}" for word in ("HttpOnly", "SameSite=Lax", "Path=/") if word not in cookie]
    return wrong


def test_every_answer_tells_browsers_to_be_careful(walk: list[Answered]) -> None:
    wrong = {str(item): found for item in walk if (found := careless(item.answer, for_all="static" in item.rule))}
    assert wrong == {}
    assert {item.answer.status_code for item in walk} >= {200, 302, 403, 404, 409, 500}


def test_what_is_the_same_for_all_may_be_kept(walk: list[Answered]) -> None:
    static = [item for item in walk if "static" in item.rule]
    assert static
    assert all(item.answer.status_code == 200 and "no-store" not in item.answer.headers["Cache-Control"] for item in static)


def test_no_page_holds_what_acts(walk: list[Answered]) -> None:
    wrong = {}
    pages = 0
    for item in walk:
        if item.page is None:
            continue
        pages += 1
        found = active(item.page)
        if "/preview/document" in item.rule and item.answer.status_code == 200:
            # the one style that this document may have is named in its policy by its digest
            style = item.page.find(".//style").text
            digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert policy(item.answer)["style-src"] == f"'sha256-{digest}'"
            assert "sandbox" in policy(item.answer)
            found = [entry for entry in found if not entry.startswith("style: ")]
        sources = [
            node.get(name) for node in item.page.iter("script", "link", "img", "iframe") for name in ("src", "href") if node.get(name)
        ]
        found += [source for source in sources if not source.startswith("/") and not source.startswith("data:image/")]
        found += [source for source in sources if source.startswith("//")]
        if found:
            wrong[str(item)] = found
    assert wrong == {}
    assert pages > 150


def test_every_form_that_changes_something_carries_its_token(walk: list[Answered]) -> None:
    wrong, forms = [], 0
    for item in walk:
        if item.page is None:
            continue
        for form in item.page.iter("form"):
            if form.get("method", "get").lower() != "post":
                names = {field.get("name", "") for field in form.iter("input")}
                if "csrf_token" in names:
                    wrong.append(f"{item}: {form.get('action')} shows its token in the address")
                continue
            forms += 1
            tokens = [field.get("value") for field in form.iter("input") if field.get("name") == "csrf_token"]
            if len(tokens) != 1 or not tokens[0]:
                wrong.append(f"{item}: {form.get('action')} has {len(tokens)} tokens")
            action = form.get("action") or "/"
            if not action.startswith(("/", "?")) or action.startswith("//"):
                wrong.append(f"{item}: leads to {action}")
    assert not wrong, "\n".join(wrong)
    assert forms > 200


def test_reading_changes_nothing(walk: list[Answered]) -> None:
    wrong = []
    for item in walk:
        given = item.answer.status_code < 400 and any(part in item.path for part in GIVES_OUT)
        allowed = (_EVENTS if given else frozenset()) | (_PREVIEWS if "/preview" in item.path else frozenset())
        if item.changed - allowed:
            wrong.append(f"{item} changed {sorted(item.changed - allowed)}")
    assert not wrong, "\n".join(wrong)


def test_links_to_elsewhere_do_not_know_where_they_were_opened(walk: list[Answered]) -> None:
    for item in walk:
        for link in item.page.iter("a") if item.page is not None else ():
            # the frame of a web page keeps links as words, without where they led
            where = link.get("href", "#")
            assert where.startswith(("/", "#", "?", "mailto:")) or "noreferrer" in link.get("rel", ""), (str(item), where)
            assert not where.startswith("//"), (str(item), where)


def test_errors_are_as_careful_as_pages(attacked: Attacked) -> None:  # noqa: F811
    client = attacked.visitor("archivist").client
    token = attacked.token("archivist")
    api = {"X-CSRFToken": token}
    answers = {
        400: [
            client.post("/look"),
            client.get("/?x=%00"),
            client.get("/api/v1/records?q=" + "x" * 20_000),
            client.post("/api/v1/tokens", data="{", content_type="application/json", headers=api),
        ],
        403: [client.get("/admin/accounts"), client.get("/api/v1/users"), client.post("/api/v1/tokens", json={})],
        404: [client.get("/nothing"), client.get("/api/v1/nothing"), client.get("/static/nothing")],
        405: [client.delete("/about"), client.delete("/api/v1/me")],
        413: [
            client.post("/account/", data={"csrf_token": token, "email": "x" * 5_000_000}),
            client.post("/api/v1/tokens", data=b"x" * 2_000_000, content_type="application/json", headers=api),
        ],
        414: [client.get("/?q=" + "x" * 20_000)],
        415: [client.post("/api/v1/tokens", data="x", content_type="text/plain", headers=api)],
        500: [client.get("/broken"), client.get("/api/v1/broken")],
    }
    for status, several in answers.items():
        for answer in several:
            assert (answer.status_code, careless(answer)) == (status, []), (answer.request.path, answer.status, careless(answer))
            assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True), answer.request.path
    host = client.get("/login", headers={"Host": "[no host"})
    assert host.status_code == 400
    assert host.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/login", "/api/v1/me"])
def test_who_asks_too_often_gets_a_careful_answer(home: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:  # noqa: F811
    monkeypatch.setenv("JINGUI_ACCOUNTS__ADDRESS_FAILURES", "1")
    monkeypatch.setenv("JINGUI_RATE_LIMIT", "1 per hour")
    archive = Archive.open(home)
    visitor = Visitor(create_app(archive))
    last = [visitor.log_in("nobody-here") if path == "/login" else visitor.get(path) for _ in range(2)][-1]
    archive.close()
    assert (last.status_code, careless(last)) == (429, [])


def test_by_https_the_cookie_and_the_browser_stay_with_it(app: Flask) -> None:  # noqa: F811
    client = app.test_client()
    https = {"base_url": "https://archive.example", "headers": {"Referer": "https://archive.example/login"}}
    page = client.get("/login", base_url="https://archive.example")
    token = TOKEN.search(page.get_data(as_text=True))
    assert token is not None
    data = {"csrf_token": token[1], "name": "archivist", "password": "bronze-bound-chest"}
    answer = client.post("/login", data=data, **https)
    assert answer.status_code == 302
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Domain" not in cookie
    for path in ("/", "/nothing", "/static/jingui.css", "/api/v1/me"):
        seen = client.get(path, base_url="https://archive.example", buffered=True)
        assert int(seen.headers["Strict-Transport-Security"].removeprefix("max-age=").partition(";")[0]) >= 31_536_000
    # by HTTP a browser ignores it, and a console on a closed network without certificates must stay reachable
    assert "Strict-Transport-Security" not in app.test_client().get("/login").headers
    # by HTTPS a form from elsewhere is refused even with a token
    elsewhere = {"base_url": "https://archive.example", "headers": {"Referer": "https://elsewhere.invalid/"}}
    assert client.post("/look", data={"csrf_token": token[1], "theme": "dark"}, **elsewhere).status_code == 400
