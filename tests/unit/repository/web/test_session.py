"""Logging in and out, and what the answers say to browsers."""

import pytest
from flask import Flask

from repository.accounts import disable_user
from repository.archive import Archive
from repository.permissions import Actor
from tests.tools.console import PASSWORD, TOKEN, Visitor, _console_home, app, database, home

__all__ = ["_console_home", "app", "database", "home"]


def cookie_of(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("jingui")
    return cookie.value if cookie is not None else ""


def test_without_a_login_every_page_leads_to_the_login_and_back(app: Flask) -> None:
    visitor = Visitor(app)
    for address in ("/", "/records/", "/records/x", "/ingest/", "/ingest/upload", "/records/x/dip.zip", "/records/x/files/1"):
        answer = visitor.get(address)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login"), address
    answer = visitor.log_in("archivist", target="/records/?q=许可")
    assert answer.status_code == 302
    assert answer.location.startswith("/records/?q=")
    assert "Records" in visitor.text("/records/")


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example/",
        "/%09/elsewhere.example/",
        "/%0A/elsewhere.example/",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "%20//elsewhere.example",
        "/%5C%5Celsewhere.example",
        "//[",
    ],
)
def test_a_login_never_leads_elsewhere(app: Flask, target: str) -> None:
    assert Visitor(app).log_in("archivist", target=target).location == "/"


def test_neither_does_a_change_of_the_look(app: Flask) -> None:
    visitor = Visitor(app)
    for target in ("//elsewhere.example", "/\t/elsewhere.example", "https://elsewhere.example"):
        assert visitor.send("/login", "/look", language="zh", next=target).location == "/"
    assert visitor.send("/login", "/look", language="zh", next="/about?x=1").location == "/about?x=1"


def test_a_wrong_name_and_a_wrong_password_look_the_same(app: Flask) -> None:
    answers = []
    for name, password in (("archivist", "not-the-password"), ("nobody", PASSWORD), ("archivist", "x" * 2000)):
        visitor = Visitor(app)
        answer = visitor.log_in(name, password=password)
        answers.append(answer.status_code)
        assert visitor.get("/").status_code == 302
    assert answers == [401, 401, 400]


def test_empty_fields_are_named_in_the_readers_language(app: Flask) -> None:
    for language, word in (("zh-CN", "该字段是必填字段"), ("en", "This field is required")):
        answer = Visitor(app, language=language).log_in("", password="")
        assert answer.status_code == 400
        assert word in answer.get_data(as_text=True)


def test_a_login_begins_a_new_session(app: Flask) -> None:
    visitor = Visitor(app)
    found = TOKEN.search(visitor.get("/login").get_data(as_text=True))
    assert found is not None
    visitor.send("/login", "/look", theme="dark", next="/login")
    before = cookie_of(visitor)
    visitor.log_in("archivist")
    assert cookie_of(visitor) != before
    # what somebody else may have known of the session before is worth nothing after it, but the look is kept
    assert visitor.client.post("/logout", data={"csrf_token": found[1]}).status_code == 400
    assert 'data-theme="dark"' in visitor.get("/").get_data(as_text=True)


def test_logging_out_ends_the_session(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    assert visitor.send("/", "/logout").location == "/login"
    assert visitor.get("/").status_code == 302


def test_an_account_that_is_disabled_is_out_at_once(app: Flask, archive: Archive) -> None:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "archivist")
    assert visitor.get("/").status_code == 302


@pytest.mark.parametrize("address", ["/login", "/logout", "/look", "/ingest/upload", "/ingest/x/retry"])
def test_a_form_without_the_pages_token_is_refused(app: Flask, address: str) -> None:
    visitor = Visitor(app)
    if address not in ("/login", "/look"):
        visitor.log_in("archivist")
    for data in ({}, {"csrf_token": "made-up"}):
        answer = visitor.client.post(address, data=data)
        assert answer.status_code == 400
        assert "open for too long" in answer.get_data(as_text=True) or "打开时间过长" in answer.get_data(as_text=True)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask) -> None:
    visitor = Visitor(app)
    header = visitor.log_in("archivist").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header
    token = TOKEN.search(visitor.client.get("/about", base_url="https://archive.example").get_data(as_text=True))
    assert token is not None
    answer = visitor.client.post(
        "/look",
        data={"csrf_token": token[1], "theme": "dark"},
        base_url="https://archive.example",
        headers={"Referer": "https://archive.example/about"},
    )
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("address", ["/", "/login", "/about", "/nothing", "/healthz", "/static/jingui.css"])
def test_every_answer_tells_browsers_to_be_careful(app: Flask, address: str) -> None:
    headers = Visitor(app).get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    if not address.startswith("/static"):
        assert headers["Cache-Control"] == "no-store"


def test_pages_hold_nothing_that_the_policy_forbids_and_nothing_from_elsewhere(app: Flask) -> None:
    visitor = Visitor(app)
    pages = [visitor.get("/login"), visitor.get("/nothing")]
    visitor.log_in("archivist")
    pages += [visitor.get(address) for address in ("/", "/records/", "/ingest/", "/ingest/upload", "/about")]
    for page in pages:
        text = page.get_data(as_text=True)
        for forbidden in (" style=", "<style", " onclick=", "javascript:", "<script>", 'src="http', 'href="http', "//cdn"):
            assert forbidden not in text, (page.request.path, forbidden)
