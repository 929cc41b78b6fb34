"""The page that makes the first people, for whoever started the server, once."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from repository.accounts import authenticate
from repository.accounts.first_run import offer_setup
from repository.accounts.tables import User
from repository.archive import Archive
from repository.permissions import Actor
from tests.tools.console import Visitor, app, readable

__all__ = ["app"]

LOCAL = Actor.local()
SECRET = re.compile(r"<code>([^<]+)</code>")


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_the_address_makes_the_three_and_works_once(app: Flask, archive: Archive) -> None:
    key = offer_setup(archive)
    visitor = Visitor(app)
    page = f"/setup?key={key}"
    people = {"system": "sys", "security": "sec", "audit": "aud", "archivist": "arch"}
    made = visitor.send(page, "/setup", key=str(key), **people, system_person="砚白露")
    assert made.status_code == 200
    passwords = SECRET.findall(made.get_data(as_text=True))
    assert len(passwords) == 4
    for name, password, role in zip(people.values(), passwords, ("system", "security", "audit", "archivist"), strict=True):
        actor = authenticate(archive, name, password)
        assert actor is not None
        assert [str(held).partition("-")[0] for held in actor.roles] == [role]
    assert visitor.get(page).status_code == 404


def test_without_the_key_there_is_nothing(app: Flask, archive: Archive) -> None:
    offer_setup(archive)
    visitor = Visitor(app)
    for address in ("/setup", "/setup?key=", "/setup?key=x"):
        assert visitor.get(address).status_code == 404
    assert visitor.send("/login", "/setup", system="a", security="b", audit="c", key="x").status_code == 404


def test_names_must_differ_and_be_there(app: Flask, archive: Archive) -> None:
    key = offer_setup(archive)
    visitor = Visitor(app)
    page = f"/setup?key={key}"
    same = visitor.send(page, "/setup", key=str(key), system="sys", security="sys", audit="aud")
    assert same.status_code == 400
    assert "twice" in readable(same)
    assert visitor.send(page, "/setup", key=str(key), system="sys", security="", audit="aud").status_code == 400
    assert visitor.send(page, "/setup", key=str(key), system="sys", security="a b", audit="aud").status_code == 400
    with archive.read(LOCAL) as tx:
        assert tx.session.query(User).count() == 0
