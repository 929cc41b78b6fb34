"""The own account on the pages: second factor, fresh proof, forced change, sessions, lock; and what a stranger learns from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from repository.accounts.tables import LoginSession, User
from repository.app import create_app
from repository.archive import Archive
from repository.logbook.tables import LogEntry
from repository.permissions import Actor
from repository.settings import SETTINGS_FILE
from repository.web import people, session
from tests.conftest import Cli
from tests.tools.clock import Clock
from tests.tools.console import PASSWORD, Visitor, _console_home, database, home, readable

__all__ = ["_console_home", "database", "home"]

NEW = "another chest, of oak"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings() -> str:
    """What stands under ``[accounts]``."""
    return ""


@pytest.fixture
def archive(home: Path, clock: Clock, settings: str) -> Iterator[Archive]:
    with (home / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(f"\n[accounts]\n{settings}\n")
    opened = Archive.open(home, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def app(archive: Archive) -> Flask:
    application = create_app(archive)
    application.testing = True
    application.add_url_rule("/dangerous", view_func=session.needs(fresh=True)(lambda: "done"), endpoint="dangerous")
    return application


@pytest.fixture
def archivist(app: Flask) -> Visitor:
    visitor = Visitor(app)
    assert visitor.log_in("archivist").status_code == 302
    return visitor


def secret_of(app: Flask, visitor: Visitor) -> str:
    """The key that the page shows, as a telephone reads it from the picture."""
    with visitor.client.session_transaction() as kept:
        return str(kept["second-factor"])


def code(app: Flask, secret: str) -> str:
    """What the telephone shows now."""
    with app.app_context():
        return str(people.security().totp_factory.generate_totp_password(secret))


def with_second_factor(app: Flask, visitor: Visitor) -> tuple[str, list[str]]:
    """Switches the second factor on; its secret and the recovery codes."""
    visitor.get("/account/second-factor")
    secret = secret_of(app, visitor)
    answer = visitor.send("/account/second-factor", code=code(app, secret))
    assert answer.status_code == 200, readable(answer)
    return secret, re.findall(r"<code>([0-9a-f-]+)</code>", answer.get_data(as_text=True))


def user(archive: Archive, name: str = "archivist") -> User:
    with archive.read(Actor.local()) as tx:
        return tx.session.scalars(select(User).where(User.name == name)).one()


def noted(archive: Archive) -> list[str]:
    with archive.read(Actor.local()) as tx:
        return list(tx.session.scalars(select(LogEntry.action)))


def cookie_of(visitor: Visitor) -> str:
    found = visitor.client.get_cookie("jingui")
    return found.value if found is not None else ""


def place(answer: TestResponse) -> str:
    return answer.location.partition("?")[0] if answer.location else ""


def test_a_second_factor_is_set_up_and_asked_for(app: Flask, archive: Archive, archivist: Visitor, clock: Clock) -> None:
    page = archivist.get("/account/second-factor").get_data(as_text=True)
    assert 'src="data:image/svg+xml;base64,' in page
    secret, codes = with_second_factor(app, archivist)
    assert len(codes) == 10
    kept = user(archive)
    assert kept.tf_totp_secret == secret
    assert "enckey" in secret
    assert not any(given in str(kept.mf_recovery_codes) for given in codes)
    clock.forward(minutes=1)

    visitor = Visitor(app)
    answer = visitor.log_in("archivist", target="/records/")
    assert place(answer) == "/login/code"
    for address in ("/", "/records/", "/account/", "/account/password", "/dangerous", "/login/again"):
        assert place(visitor.get(address)) == "/login/code", address
    assert visitor.send("/login/code", code="000000").status_code == 401
    assert place(visitor.send("/login/code?next=/records/", code=f" {code(app, secret)} ")) == "/records/"
    assert visitor.get("/records/").status_code == 200
    assert {"totp.enabled", "login", "login.failed"} <= set(noted(archive))


def test_a_code_is_taken_once(app: Flask, archivist: Visitor, clock: Clock) -> None:
    secret, _ = with_second_factor(app, archivist)
    first, second = Visitor(app), Visitor(app)
    for visitor in (first, second):
        visitor.log_in("archivist")
    # the code that switched it on counts as used
    assert first.send("/login/code", code=code(app, secret)).status_code == 401
    clock.forward(minutes=1)
    used = code(app, secret)
    assert first.send("/login/code", code=used).status_code == 302
    assert second.send("/login/code", code=used).status_code == 401


def test_a_recovery_code_opens_one_login(app: Flask, archivist: Visitor) -> None:
    _, codes = with_second_factor(app, archivist)
    for expected in (302, 401):
        visitor = Visitor(app)
        visitor.log_in("archivist")
        assert visitor.send("/login/code", code=codes[3].upper()).status_code == expected
    assert "9 recovery codes are left" in archivist.text("/account/")
    with_new = archivist.send("/account/", "/account/second-factor/codes")
    assert with_new.status_code == 200
    visitor = Visitor(app)
    visitor.log_in("archivist")
    assert visitor.send("/login/code", code=codes[4]).status_code == 401


def test_wrong_codes_lock_the_account_whatever_the_password(app: Flask, archivist: Visitor, clock: Clock) -> None:
    secret, _ = with_second_factor(app, archivist)
    clock.forward(minutes=1)
    for _ in range(5):
        visitor = Visitor(app)
        # the right password between two guesses does not wipe the guesses out
        visitor.log_in("archivist")
        assert visitor.send("/login/code", code="123456").status_code == 401
    assert visitor.send("/login/code", code=code(app, secret)).status_code == 401
    assert Visitor(app).log_in("archivist").status_code == 401


def test_a_login_that_waits_for_its_code_does_not_wait_for_ever(app: Flask, archivist: Visitor, clock: Clock) -> None:
    secret, _ = with_second_factor(app, archivist)
    visitor = Visitor(app)
    visitor.log_in("archivist")
    clock.forward(minutes=11)
    assert place(visitor.get("/login/code")) == "/login"


def test_the_second_factor_goes_with_a_fresh_proof_or_by_the_command_line(
    app: Flask, archive: Archive, archivist: Visitor, clock: Clock, cli: Cli
) -> None:
    secret, _ = with_second_factor(app, archivist)
    clock.forward(minutes=20)
    assert place(archivist.send("/account/", "/account/second-factor/off")) == "/login/again"
    assert user(archive).tf_totp_secret
    # where there is a second factor, it is the proof
    assert archivist.send("/login/again", password=PASSWORD).status_code == 400
    assert archivist.send("/login/again?next=/account/", code=code(app, secret)).location == "/account/"
    assert place(archivist.send("/account/", "/account/second-factor/off")) == "/account/"
    assert user(archive).tf_totp_secret is None
    assert user(archive).mf_recovery_codes == []
    assert Visitor(app).log_in("archivist").location == "/"
    with_second_factor(app, archivist)
    assert cli("user", "totp-off", "archivist").exit_code == 0
    assert Visitor(app).log_in("archivist").location == "/"
    assert noted(archive).count("totp.disabled") == 2


@pytest.mark.parametrize("settings", ['two_factor_required_roles = ["archivist"]'])
def test_a_role_can_demand_a_second_factor(app: Flask, archive: Archive) -> None:
    visitor = Visitor(app)
    assert place(visitor.log_in("archivist", target="/records/")) == "/account/second-factor"
    for address in ("/", "/records/", "/account/", "/dangerous"):
        assert place(visitor.get(address)) == "/account/second-factor", address
    with_second_factor(app, visitor)
    assert visitor.get("/records/").status_code == 200
    refused = visitor.send("/account/", "/account/second-factor/off")
    assert refused.status_code == 409
    assert "demands a second factor" in readable(refused)
    assert user(archive).tf_totp_secret
    assert Visitor(app).log_in("researcher").location == "/"


def test_a_dangerous_act_asks_who_is_there_and_leads_back(app: Flask, archivist: Visitor, clock: Clock) -> None:
    assert archivist.text("/dangerous") == "done"
    clock.forward(minutes=16)
    asked = archivist.get("/dangerous?x=1")
    assert asked.location == "/login/again?next=/dangerous?x%3D1"
    before = cookie_of(archivist)
    assert archivist.send(asked.location, password="a wrong one").status_code == 401
    assert place(archivist.get("/dangerous")) == "/login/again"
    assert archivist.send(asked.location, password=PASSWORD).location == "/dangerous?x=1"
    assert archivist.text("/dangerous") == "done"
    assert archivist.get("/records/").status_code == 200
    # the secret from before the proof is worth nothing any more
    archivist.client.set_cookie("jingui", before)
    assert place(archivist.get("/records/")) == "/login"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "/%09/elsewhere.example"])
def test_no_step_of_a_login_leads_elsewhere(app: Flask, archivist: Visitor, clock: Clock, target: str) -> None:
    assert archivist.send(f"/login/again?next={target}", password=PASSWORD).location == "/"
    secret, _ = with_second_factor(app, archivist)
    clock.forward(minutes=1)
    visitor = Visitor(app)
    visitor.log_in("archivist")
    assert visitor.send(f"/login/code?next={target}", code=code(app, secret)).location == "/"
    changed = archivist.send(f"/account/password?next={target}", current=PASSWORD, new=NEW, again=NEW)
    assert changed.location == "/"


def test_a_first_password_is_changed_before_anything_else(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(User).where(User.name == "archivist").values(must_change_password=True))
    visitor = Visitor(app)
    assert place(visitor.log_in("archivist", target="/records/")) == "/account/password"
    for address in ("/", "/records/", "/account/", "/account/second-factor", "/dangerous"):
        assert place(visitor.get(address)) == "/account/password", address
    refused = visitor.send("/account/password", current=PASSWORD, new="short", again="short")
    assert refused.status_code == 400
    text = readable(refused)
    assert "5 characters; it needs at least 12" in text
    assert "1 of the four kinds" in text
    assert "used before" in readable(visitor.send("/account/password", current=PASSWORD, new=PASSWORD, again=PASSWORD))
    assert "not the same" in readable(visitor.send("/account/password", current=PASSWORD, new=NEW, again=NEW + "!"))
    assert "not your password" in readable(visitor.send("/account/password", current="x", new=NEW, again=NEW))
    assert place(visitor.send("/account/password?next=/records/", current=PASSWORD, new=NEW, again=NEW)) == "/records/"
    assert visitor.get("/records/").status_code == 200
    assert Visitor(app).log_in("archivist").status_code == 401
    assert Visitor(app).log_in("archivist", password=NEW).status_code == 302


def test_an_old_password_is_changed_before_anything_else(app: Flask, clock: Clock) -> None:
    clock.forward(days=91)
    assert place(Visitor(app).log_in("archivist")) == "/account/password"


def test_changing_the_password_ends_every_other_session(app: Flask, archivist: Visitor) -> None:
    other = Visitor(app)
    other.log_in("archivist")
    assert place(archivist.send("/account/password", current=PASSWORD, new=NEW, again=NEW)) == "/account/"
    assert archivist.get("/account/").status_code == 200
    assert place(other.get("/account/")) == "/login"


def test_a_person_ends_the_own_sessions_elsewhere_and_nobody_elses(app: Flask, archive: Archive, archivist: Visitor) -> None:
    elsewhere, stranger = Visitor(app), Visitor(app)
    elsewhere.log_in("archivist")
    stranger.log_in("researcher")
    page = archivist.get("/account/").get_data(as_text=True)
    [ending] = re.findall(r"/account/sessions/([0-9a-f]{64})/end", page)
    assert stranger.send("/account/", f"/account/sessions/{ending}/end").status_code == 404
    assert elsewhere.get("/account/").status_code == 200
    assert place(archivist.send("/account/", f"/account/sessions/{ending}/end")) == "/account/"
    assert place(elsewhere.get("/account/")) == "/login"
    assert archivist.get("/account/").status_code == 200
    elsewhere.log_in("archivist")
    archivist.send("/account/", "/account/sessions/end")
    assert place(elsewhere.get("/account/")) == "/login"
    assert stranger.get("/account/").status_code == 200


def test_logging_out_ends_the_session_at_the_server(app: Flask, archive: Archive, archivist: Visitor) -> None:
    kept = cookie_of(archivist)
    archivist.send("/account/", "/logout")
    archivist.client.set_cookie("jingui", kept)
    assert place(archivist.get("/account/")) == "/login"
    with archive.read(Actor.local()) as tx:
        assert all(row.ended_at is not None for row in tx.session.scalars(select(LoginSession)))
    assert "logout" in noted(archive)


def test_a_session_that_somebody_planted_is_not_taken_over(app: Flask) -> None:
    attacker, victim = Visitor(app), Visitor(app)
    attacker.log_in("researcher")
    planted = cookie_of(attacker)
    victim.client.set_cookie("jingui", planted)
    victim.send("/account/", "/logout")
    victim.client.set_cookie("jingui", planted)
    victim.log_in("archivist")
    assert "archivist" not in readable(attacker.get("/account/"))


def test_a_locked_account_answers_as_one_that_does_not_exist(app: Flask) -> None:
    answers = set()
    for name in ("archivist", "nobody"):
        for _ in range(7):
            answer = Visitor(app).log_in(name, password="a wrong one")
            text = re.sub(r'value="[^"]*"|Id of this answer: \w+', "", answer.get_data(as_text=True))
            answers.add((answer.status_code, text))
    locked = Visitor(app).log_in("archivist")
    assert locked.status_code == 401
    assert len(answers) == 1
    assert "or the account is locked for now" in readable(locked)


@pytest.mark.parametrize("settings", ["address_failures = 6"])
def test_one_address_does_not_try_for_ever(app: Flask, clock: Clock) -> None:
    for number in range(6):
        assert Visitor(app).log_in(f"nobody-{number}", password="a wrong one").status_code == 401
    refused = Visitor(app).log_in("archivist")
    assert refused.status_code == 429
    assert "Try again in 15 minutes" in readable(refused)
    clock.forward(minutes=16)
    assert Visitor(app).log_in("archivist").status_code == 302


def test_language_and_address_are_kept_with_the_account(app: Flask, archive: Archive, archivist: Visitor) -> None:
    assert place(archivist.send("/account/", email="lin@example.cn", language="zh_Hans_CN")) == "/account/"
    kept = user(archive)
    assert (kept.email, kept.language) == ("lin@example.cn", "zh_Hans_CN")
    assert '<html lang="zh-Hans"' in archivist.get("/account/").get_data(as_text=True)
    refused = archivist.send("/account/", email="not an address", language="en")
    assert refused.status_code == 400
    assert 'value="not an address"' in refused.get_data(as_text=True)
    assert user(archive).email == "lin@example.cn"


def test_by_https_the_cookie_belongs_to_this_host_only(app: Flask) -> None:
    headers = Visitor(app).client.get("/login", base_url="https://archive.example").headers
    assert headers["Set-Cookie"].startswith("__Host-jingui=")
    assert "Secure" in headers["Set-Cookie"]
    assert "Domain" not in headers["Set-Cookie"]


def test_the_librarys_own_doors_are_shut(app: Flask, archivist: Visitor) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert not paths & {"/register", "/reset", "/tf-setup", "/tf-validate", "/verify", "/confirm", "/mf-recovery"}
    assert place(Visitor(app).get("/?auth_token=x")) == "/login"


def test_the_pages_hold_nothing_that_the_policy_forbids(app: Flask, archivist: Visitor) -> None:
    for address in ("/account/", "/account/password", "/account/second-factor", "/login/again"):
        text = archivist.get(address).get_data(as_text=True)
        for forbidden in (" style=", "<style", " onclick=", "<script>", 'src="http'):
            assert forbidden not in text, (address, forbidden)
