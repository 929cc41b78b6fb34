"""Logging in through an identity provider that runs beside the test and is spoken to over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from joserfc.jwk import RSAKey
from sqlalchemy import select
from werkzeug.test import TestResponse

from repository.accounts import create_user
from repository.accounts.identities import link_identity
from repository.accounts.tables import User, UserIdentity
from repository.app import create_app
from repository.archive import Archive
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from repository.settings import SETTINGS_FILE
from repository.web import session
from tests.tools.clock import Clock
from tests.tools.console import PASSWORD, Visitor, readable
from tests.tools.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

LIN = {"sub": "248289761001", "preferred_username": "lin", "name": "林  听雨", "email": "lin@example.cn", "email_verified": True}


@pytest.fixture(scope="module")
def _provider() -> Iterator[Provider]:
    with pytest.MonkeyPatch.context() as patch, running() as provider:
        # the provider of the test has no certificate
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        yield provider


@pytest.fixture
def provider(_provider: Provider) -> Provider:
    _provider.person = {**LIN, "groups": ["staff"]}
    _provider.spoil = lambda claims: claims
    _provider.auth_time = _provider.key = None
    _provider.seen.clear()
    return _provider


@pytest.fixture
def create() -> bool:
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, provider: Provider, create: bool, clock: Clock) -> Iterator[Archive]:
    with (home / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(
            f"""
[oidc]
issuer = "{provider.issuer}"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
roles_claim = "groups"
create_accounts = {str(create).lower()}
label = "City account"
[oidc.roles]
staff = ["archivist"]
system = ["system-administrator"]
audit = ["audit-administrator"]
"""
        )
    opened = Archive.open(home, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def app(archive: Archive) -> Flask:
    application = create_app(archive)
    application.testing = True
    application.add_url_rule("/dangerous", view_func=session.needs(fresh=True)(lambda: "done"), endpoint="dangerous")
    return application


def at_provider(answer: TestResponse) -> str:
    """Follows the redirect to the provider, over HTTP; the address it sends the browser back to."""
    assert answer.status_code == 302, readable(answer)
    there = requests.get(answer.location, allow_redirects=False, timeout=10)
    assert there.status_code == 302, there.text
    return there.headers["Location"].removeprefix("http://localhost")


def log_in(visitor: Visitor, target: str = "") -> TestResponse:
    return visitor.get(at_provider(visitor.get("/login/provider" + (f"?next={target}" if target else ""))))


def users(archive: Archive) -> dict[str, list[Any]]:
    with archive.read(Actor.local()) as tx:
        return {user.name: user.role_names for user in tx.session.scalars(select(User))}


def add(archive: Archive, name: str, *roles: Role) -> None:
    with archive.transaction(Actor.local()) as tx:
        create_user(tx, name=name, password=PASSWORD, roles=roles or (Role.ARCHIVIST,), email="lin@example.cn")


def test_somebody_new_gets_an_account_with_the_roles_of_the_provider(app: Flask, archive: Archive, provider: Provider) -> None:
    visitor = Visitor(app)
    assert "City account" in visitor.text("/login")
    answer = log_in(visitor, "/records/")
    assert answer.location == "/records/"
    assert visitor.get("/records/").status_code == 200
    assert users(archive) == {"lin": ["archivist"]}
    asked = provider.seen[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["nonce"]
    assert asked["state"]
    with archive.read(Actor.local()) as tx:
        user = tx.session.scalars(select(User)).one()
        assert (user.full_name, user.email, user.password_hash) == ("林 听雨", "lin@example.cn", "")
        assert "login" in tx.session.scalars(select(LogEntry.action)).all()
    # nobody can log in to it by password
    assert Visitor(app).log_in("lin", password="").status_code == 400
    assert Visitor(app).log_in("lin").status_code == 401


def test_the_roles_follow_the_provider_and_those_granted_here_stay(app: Flask, archive: Archive, provider: Provider) -> None:
    log_in(Visitor(app))
    with archive.transaction(Actor.local()) as tx:
        user = tx.session.scalars(select(User)).one()
        user.role_names = ["approver", "archivist"]
    provider.person["groups"] = ["audit", "unknown"]
    log_in(Visitor(app))
    assert users(archive) == {"lin": ["approver", "audit-administrator"]}


def test_two_administrators_in_one_person_are_refused_and_nothing_is_changed(app: Flask, archive: Archive, provider: Provider) -> None:
    provider.person["groups"] = ["system", "audit"]
    visitor = Visitor(app)
    answer = log_in(visitor)
    assert answer.status_code == 400
    assert "the three administrators check each other" in readable(answer)
    assert users(archive) == {}
    assert visitor.get("/records/").status_code == 302
    # one here and another there are two as well
    add(archive, "wen", Role.SYSTEM_ADMINISTRATOR)
    with archive.transaction(Actor.local()) as tx:
        link_identity(tx, provider.issuer, LIN["sub"], name="wen")
    provider.person["groups"] = ["audit"]
    answer = log_in(visitor)
    assert "the three administrators check each other" in readable(answer)
    assert users(archive) == {"wen": ["system-administrator"]}
    assert visitor.get("/records/").status_code == 302


@pytest.mark.parametrize("create", [False])
def test_where_accounts_are_not_made_somebody_unknown_stays_outside(app: Flask, archive: Archive) -> None:
    add(archive, "lin")
    visitor = Visitor(app)
    answer = log_in(visitor)
    assert answer.status_code == 403
    assert "No account here belongs to you" in readable(answer)
    assert visitor.get("/account/").status_code == 302


def test_the_same_name_or_address_is_not_the_same_person(app: Flask, archive: Archive, provider: Provider) -> None:
    add(archive, "lin")
    answer = log_in(Visitor(app))
    assert answer.status_code == 403
    assert "is not linked with you" in readable(answer)
    provider.person |= {"preferred_username": "other"}
    log_in(Visitor(app))
    with archive.read(Actor.local()) as tx:
        assert tx.session.scalars(select(User.name).join(UserIdentity, UserIdentity.user_id == User.id)).all() == ["other"]


def test_without_a_role_there_is_no_way_in(app: Flask, archive: Archive, provider: Provider) -> None:
    provider.person["groups"] = ["unknown"]
    answer = log_in(Visitor(app))
    assert answer.status_code == 403
    assert "gives you no role" in readable(answer)
    assert users(archive) == {}


@pytest.mark.parametrize("create", [False])
def test_a_person_links_the_own_account_and_logs_in_with_it(app: Flask, archive: Archive, provider: Provider, clock: Clock) -> None:
    add(archive, "shu")
    visitor = Visitor(app)
    visitor.log_in("shu")
    # a link from elsewhere does not begin it
    assert visitor.get("/login/provider?link=1").status_code == 400
    explained = visitor.send("/account/", "/account/identities")
    assert "you log in there" in readable(explained).lower()
    assert visitor.get(at_provider(visitor.get("/login/provider?link=1"))).location == "/account/"
    other = Visitor(app)
    assert log_in(other).status_code == 302
    assert "shu" in other.text("/account/")
    # the same identity cannot be linked with somebody else
    add(archive, "wen")
    third = Visitor(app)
    third.log_in("wen")
    third.send("/account/", "/account/identities")
    refused = third.get(at_provider(third.get("/login/provider?link=1")))
    assert refused.status_code == 409
    with archive.read(Actor.local()) as tx:
        assert "identity.linked" in tx.session.scalars(select(LogEntry.action)).all()


def test_a_fresh_proof_is_the_providers_where_there_is_no_password(app: Flask, provider: Provider, clock: Clock) -> None:
    visitor = Visitor(app)
    log_in(visitor)
    clock.forward(minutes=20)
    asked = visitor.get("/dangerous")
    assert asked.location == "/login/again?next=/dangerous"
    begin = visitor.get(asked.location).location
    provider.auth_time = int(clock.now.timestamp()) - 3600
    remembered = visitor.get(at_provider(visitor.get(begin)))
    assert remembered.status_code == 403
    assert "did not ask you again" in readable(remembered)
    assert visitor.get("/dangerous").status_code == 302
    provider.auth_time = int(clock.now.timestamp()) - 5
    assert visitor.get(at_provider(visitor.get(begin))).location == "/dangerous"
    assert provider.seen[-1]["prompt"] == "login"
    assert visitor.text("/dangerous") == "done"
    # somebody else at the provider is no proof
    clock.forward(minutes=20)
    provider.person["sub"] = "another"
    provider.auth_time = int(clock.now.timestamp()) - 5
    assert visitor.get(at_provider(visitor.get(begin))).status_code == 403
    assert visitor.get("/dangerous").status_code == 302


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda claims: {**claims, "nonce": "another"}, id="nonce"),
        pytest.param(lambda claims: {name: value for name, value in claims.items() if name != "nonce"}, id="no nonce"),
        pytest.param(lambda claims: {**claims, "iss": "https://elsewhere.example"}, id="issuer"),
        pytest.param(lambda claims: {**claims, "aud": ["somebody-else"]}, id="audience"),
        pytest.param(lambda claims: {**claims, "exp": int(time.time()) - 3600}, id="expired"),
        pytest.param(lambda claims: {**claims, "sub": ""}, id="subject"),
    ],
)
def test_a_token_that_is_not_for_this_login_opens_nothing(app: Flask, archive: Archive, provider: Provider, spoil: Any) -> None:
    provider.spoil = spoil
    visitor = Visitor(app)
    assert log_in(visitor).status_code in (400, 403)
    assert users(archive) == {}
    assert visitor.get("/account/").status_code == 302


def test_a_token_signed_by_somebody_else_opens_nothing(app: Flask, archive: Archive, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    answer = log_in(Visitor(app))
    assert answer.status_code == 400
    assert "could not be verified" in readable(answer)
    assert users(archive) == {}


def test_an_answer_that_was_not_asked_for_opens_nothing(app: Flask, archive: Archive, provider: Provider) -> None:
    visitor, victim = Visitor(app), Visitor(app)
    back = at_provider(visitor.get("/login/provider"))
    # somebody else's answer, planted in another browser
    assert victim.get(back).status_code == 400
    victim.get("/login/provider")
    assert victim.get(back).status_code == 400
    assert visitor.get(back.replace("state=", "state=x")).status_code == 400
    assert visitor.get("/login/provider/back?error=access_denied").status_code == 400
    assert users(archive) == {}


def test_an_answer_counts_once(app: Flask, archive: Archive) -> None:
    visitor = Visitor(app)
    back = at_provider(visitor.get("/login/provider"))
    assert visitor.get(back).status_code == 302
    assert visitor.get(back).status_code == 400


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_the_way_back_never_leads_elsewhere(app: Flask, target: str) -> None:
    assert log_in(Visitor(app), target).location == "/"
