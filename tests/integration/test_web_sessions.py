"""Sessions under attack: planted, replayed, forged, shared; and the lock and the throttle, with those who want to get around them."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from repository.accounts import disable_user
from repository.accounts.users import set_password
from repository.app import create_app
from repository.archive import Archive
from repository.permissions import Actor
from tests.tools.console import PASSWORD, TOKEN, Visitor, _console_home, app, database, home

__all__ = ["_console_home", "app", "database", "home"]

#: The same account, as somebody may write it who wants to be counted as somebody else.
VARIANTS = (
    "archivist",
    "ARCHIVIST",
    "Archivist",
    " archivist",
    "archivist ",
    "archivist\u3000",
    "ａｒｃｈｉｖｉｓｔ",
    "arch\u00adivist",
    "archivist\u200b",
    "\ufeffarchivist",
    "archivıst",
    "archivist\0",
    "archivist\t",
)
_IDS = "SELECT id FROM login_session UNION SELECT id FROM user UNION SELECT fs_uniquifier FROM user"


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie("jingui")
    assert found is not None
    return found.value


def carrying(app: Flask, value: str) -> Visitor:  # noqa: F811
    """Somebody who has got hold of a cookie."""
    thief = Visitor(app)
    thief.client.set_cookie("jingui", value)
    return thief


def is_in(visitor: Visitor) -> bool:
    """Whether a person's session opens pages, and the API, alike."""
    page, operation = visitor.get("/account/").status_code, visitor.get("/api/v1/me").status_code
    assert (page, operation) in {(200, 200), (302, 401)}
    return page == 200


def secret_of(app: Flask, value: str) -> str:  # noqa: F811
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return str(serializer.loads(value)["_user_id"])


def test_a_cookie_planted_before_the_login_is_worth_nothing_after_it(app: Flask) -> None:  # noqa: F811
    attacker = Visitor(app)
    attacker.get("/login")
    planted = cookie(attacker)
    victim = carrying(app, planted)
    assert victim.log_in("archivist").status_code == 302
    assert is_in(victim)
    assert cookie(victim) != planted
    assert not is_in(carrying(app, planted))
    assert not is_in(attacker)


def test_another_accounts_session_planted_before_the_login_does_not_stay(app: Flask) -> None:  # noqa: F811
    attacker = Visitor(app)
    attacker.log_in("researcher")
    victim = carrying(app, cookie(attacker))
    # who wants to log in must log out first, and is then nobody
    victim.send("/", "/logout")
    assert not is_in(attacker)
    victim.log_in("archivist")
    assert victim.get("/api/v1/me").get_json()["name"] == "archivist"
    assert not is_in(attacker)


def test_a_kept_cookie_ends_with_its_session(app: Flask, archive: Archive) -> None:  # noqa: F811
    here, elsewhere = Visitor(app), Visitor(app)
    here.log_in("archivist")
    elsewhere.log_in("archivist")
    kept, other = cookie(here), cookie(elsewhere)
    assert kept != other
    assert here.send("/", "/logout").location == "/login"
    assert not is_in(carrying(app, kept))
    assert is_in(elsewhere)
    with archive.transaction(Actor.local()) as tx:
        set_password(tx, "archivist", "another-bronze-chest-7")
    assert not is_in(carrying(app, other))
    again = Visitor(app)
    again.log_in("archivist", password="another-bronze-chest-7")
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "archivist")
    assert not is_in(again)
    assert not is_in(carrying(app, cookie(again)))


def test_a_proof_of_identity_changes_the_secret(app: Flask) -> None:  # noqa: F811
    visitor = Visitor(app)
    visitor.log_in("archivist")
    before = cookie(visitor)
    assert visitor.send("/login/again", password=PASSWORD).status_code == 302
    assert is_in(visitor)
    assert not is_in(carrying(app, before))


def test_a_password_changed_in_one_browser_ends_the_other(app: Flask) -> None:  # noqa: F811
    here, elsewhere = Visitor(app), Visitor(app)
    here.log_in("archivist")
    elsewhere.log_in("archivist")
    kept = cookie(here)
    fields = {"current": PASSWORD, "new": "another-bronze-chest-7", "again": "another-bronze-chest-7"}
    assert here.send("/account/password", **fields).status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert not is_in(carrying(app, kept))


def test_a_cookie_that_was_changed_or_signed_by_somebody_else_opens_nothing(app: Flask) -> None:  # noqa: F811
    visitor = Visitor(app)
    visitor.log_in("archivist")
    value = cookie(visitor)
    for place in range(0, len(value), 7):
        other = "A" if value[place] != "A" else "B"
        changed = value[:place] + other + value[place + 1 :]
        # the last character of a signature has bits that stand for nothing
        if changed.rstrip("AB") != value.rstrip("AB") and place != len(value) - 1:
            assert not is_in(carrying(app, changed)), place
    forger = Flask("forger")
    forger.secret_key = "secret"
    serializer = SecureCookieSessionInterface().get_signing_serializer(forger)
    assert serializer is not None
    secret = secret_of(app, value)
    assert not is_in(carrying(app, serializer.dumps({"_user_id": secret, "_fresh": True})))
    # and whoever knows the key still needs a secret: neither an account's id nor a digest from the catalogue is one
    forger.secret_key = app.secret_key
    serializer = SecureCookieSessionInterface().get_signing_serializer(forger)
    assert serializer is not None
    archive: Archive = app.extensions["archive"]
    connection = sqlite3.connect(archive.home / "catalogue.sqlite")
    guesses = [
        str(row[0])
        for row in connection.execute("SELECT id FROM login_session UNION SELECT id FROM user UNION SELECT fs_uniquifier FROM user")
    ]
    connection.close()
    for guess in (*guesses, "1", "archivist", "", "' OR 1=1 --"):
        assert not is_in(carrying(app, serializer.dumps({"_user_id": guess, "_fresh": True}))), guess
    assert is_in(carrying(app, serializer.dumps({"_user_id": secret, "_fresh": True})))


def test_logins_side_by_side_have_nothing_to_do_with_each_other(app: Flask) -> None:  # noqa: F811
    people = [Visitor(app) for _ in range(3)]
    for visitor, name in zip(people, ("archivist", "archivist", "researcher"), strict=True):
        visitor.log_in(name)
    assert len({secret_of(app, cookie(visitor)) for visitor in people}) == 3
    assert [visitor.get("/api/v1/me").get_json()["name"] for visitor in people] == ["archivist", "archivist", "researcher"]
    tokens = [TOKEN.search(visitor.get("/about").get_data(as_text=True)) for visitor in people]
    first = tokens[0]
    assert first is not None
    # the token of one session is no token of another, of the same person or not
    for visitor in people[1:]:
        assert visitor.client.post("/logout", data={"csrf_token": first[1]}).status_code == 400
    people[0].send("/", "/logout")
    assert [is_in(visitor) for visitor in people] == [False, True, True]


def test_the_secret_of_a_session_is_told_to_nobody(app: Flask, caplog: pytest.LogCaptureFixture) -> None:  # noqa: F811
    caplog.set_level(logging.DEBUG)
    visitor = Visitor(app)
    entered = visitor.log_in("archivist")
    secret = secret_of(app, cookie(visitor))
    said = [entered.headers["Location"]]
    for path in ("/", "/account/", "/records/", "/login/again", "/nothing", "/api/v1/me", "/admin/accounts", f"/login?next=/{'x'}"):
        answer = visitor.get(path)
        said += [answer.get_data(as_text=True), answer.headers.get("Location", "")]
    visitor.send("/", "/logout")
    archive: Archive = app.extensions["archive"]
    connection = sqlite3.connect(archive.home / "catalogue.sqlite")
    said += list(connection.iterdump())
    connection.close()
    said.append(caplog.text)
    assert not any(secret in text or cookie_text in text for text in said for cookie_text in (secret, PASSWORD))


def test_the_lock_counts_an_account_however_its_name_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("JINGUI_ACCOUNTS__FAILED_LOGINS", "3")
    archive = Archive.open(home)
    app = create_app(archive)  # noqa: F811
    opens = []
    for name in VARIANTS:
        visitor = Visitor(app)
        if visitor.log_in(name).status_code == 302:
            opens.append(name)
    assert "archivist" in opens
    # whatever opens the account is counted for the account
    for name in opens:
        with archive.transaction(Actor.local()) as tx:
            set_password(tx, "archivist", PASSWORD + str(opens.index(name)))
        for other in (name, opens[0], name):
            assert Visitor(app).log_in(other, password="wrong").status_code == 401
        for variant in VARIANTS:
            assert Visitor(app).log_in(variant, password=PASSWORD + str(opens.index(name))).status_code in {400, 401}, (name, variant)
    archive.close()


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_the_throttle_is_not_talked_out_of_an_address(home: Path, monkeypatch: pytest.MonkeyPatch, proxies: str) -> None:  # noqa: F811
    monkeypatch.setenv("JINGUI_PROXIES", proxies)
    monkeypatch.setenv("JINGUI_ACCOUNTS__ADDRESS_FAILURES", "4")
    archive = Archive.open(home)
    app = create_app(archive)  # noqa: F811
    statuses = []
    for number in range(6):
        client = app.test_client()
        token = TOKEN.search(client.get("/login").get_data(as_text=True))
        assert token is not None
        # what the client claims; a web server in front adds what it saw behind it
        claim = f"198.51.100.{number}" + (", 203.0.113.9" if proxies == "1" else "")
        headers = {
            "X-Forwarded-For": claim,
            "X-Real-IP": f"198.51.100.{number}",
            "Forwarded": f"for=198.51.100.{number}",
            "Client-IP": f"198.51.100.{number}",
            "X-Originating-IP": f"198.51.100.{number}",
            "User-Agent": f"another/{number}",
        }
        answer = client.post("/login", data={"csrf_token": token[1], "name": f"name{number}", "password": "wrong"}, headers=headers)
        statuses.append(answer.status_code)
    archive.close()
    assert statuses == [401, 401, 401, 401, 429, 429]


def test_who_waits_gets_no_further_with_the_right_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("JINGUI_ACCOUNTS__ADDRESS_FAILURES", "2")
    archive = Archive.open(home)
    app = create_app(archive)  # noqa: F811
    assert [Visitor(app).log_in("nobody-here").status_code for _ in range(2)] == [401, 401]
    visitor = Visitor(app)
    assert visitor.log_in("archivist").status_code == 429
    assert not is_in(visitor)
    archive.close()
