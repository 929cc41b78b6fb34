"""Accounts: made, used, changed, closed."""

from __future__ import annotations

import json

import pytest

from repository.accounts import (
    authenticate,
    create_user,
    disable_user,
    enable_user,
    find_actor,
    has_users,
    list_users,
    set_password,
    set_roles,
)
from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied, UsageError
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency
from tests.conftest import Cli

PASSWORD = "五个不常见的词 cassette"


def add(archive: Archive, name: str = "alice", *roles: str, password: str = PASSWORD, unit: str = "") -> str:
    with archive.transaction(Actor.local()) as tx:
        return create_user(tx, name=name, password=password, roles=roles or ("archivist",), unit=unit)


def test_the_right_password_gives_the_actor(archive: Archive) -> None:
    with archive.read(Actor.local()) as tx:
        assert not has_users(tx)
    id = add(archive, "alice", "archivist", "approver")
    alice = authenticate(archive, "alice", PASSWORD)
    assert alice == Actor(id=id, name="alice", roles=frozenset({Role.ARCHIVIST, Role.APPROVER}))
    assert find_actor(archive, id) == alice


@pytest.mark.parametrize(("name", "password"), [("alice", PASSWORD + " "), ("alice", ""), ("Alice", PASSWORD), ("bob", PASSWORD), ("", "")])
def test_anything_else_gives_nobody(archive: Archive, name: str, password: str) -> None:
    add(archive)
    assert authenticate(archive, name, password) is None


def test_the_password_itself_is_kept_nowhere(archive: Archive) -> None:
    add(archive)
    with archive.read(Actor.local()) as tx:
        [user] = list_users(tx)
        assert user.password_hash.startswith("$argon2id$")
        assert PASSWORD not in user.password_hash


def test_a_closed_account_is_nobody_until_it_is_opened(archive: Archive) -> None:
    id = add(archive)
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "alice")
    assert authenticate(archive, "alice", PASSWORD) is None
    assert find_actor(archive, id) is None
    with archive.transaction(Actor.local()) as tx:
        enable_user(tx, "alice")
    assert find_actor(archive, id) is not None


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "alice-alice-alice", "x" * 1025])
def test_weak_passwords_are_refused(archive: Archive, password: str) -> None:
    with pytest.raises(UsageError, match="password"):
        add(archive, password=password)


@pytest.mark.parametrize("name", ["", "-alice", "a b", "a/b", "a" * 65, "a\n"])
def test_names_that_cannot_be_are_refused(archive: Archive, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        add(archive, name)


def test_a_name_is_taken_once_however_it_is_written(archive: Archive) -> None:
    add(archive, "alice")
    with pytest.raises(Conflict, match="alice"):
        add(archive, "ａｌｉｃｅ")


def test_an_agency_officer_needs_an_agency(archive: Archive) -> None:
    with pytest.raises(UsageError, match="agency"):
        add(archive, "wang", "agency-officer")
    with pytest.raises(NotFound, match="云栖市民政局") as refused:
        add(archive, "wang", "agency-officer", unit="云栖市民政局")
    assert "jingui agency add" in refused.value.remedy
    with archive.transaction(Actor.local()) as tx:
        create_agency(tx, name="云栖市民政局", code="11339900003399133D")
    id = add(archive, "wang", "agency-officer", unit="云栖市民政局")
    add(archive, "li", "agency-officer", unit="11339900003399133d")
    wang = find_actor(archive, id)
    assert wang is not None
    assert (wang.unit, wang.units) == ("云栖市民政局", {"云栖市民政局"})


def test_a_person_changes_the_own_password_and_nobody_elses(archive: Archive) -> None:
    id = add(archive)
    add(archive, "bob")
    alice = find_actor(archive, id)
    assert alice is not None
    with archive.transaction(alice) as tx:
        set_password(tx, "alice", "another good one")
    assert authenticate(archive, "alice", PASSWORD) is None
    assert authenticate(archive, "alice", "another good one") == alice
    with pytest.raises(PermissionDenied), archive.transaction(alice) as tx:
        set_password(tx, "bob", "another good one")


def test_who_makes_accounts_does_not_grant_roles_and_the_other_way(archive: Archive) -> None:
    add(archive)
    system = Actor(id="s", name="s", roles=frozenset({Role.SYSTEM_ADMINISTRATOR}))
    security = Actor(id="t", name="t", roles=frozenset({Role.SECURITY_ADMINISTRATOR}))
    with pytest.raises(PermissionDenied), archive.transaction(system) as tx:
        set_roles(tx, "alice", ["approver"])
    with archive.transaction(security) as tx:
        set_roles(tx, "alice", ["approver"])
    with pytest.raises(PermissionDenied), archive.transaction(security) as tx:
        disable_user(tx, "alice")
    with archive.transaction(system) as tx:
        disable_user(tx, "alice")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_accounts_from_the_command_line(cli: Cli, archive: Archive) -> None:
    made = cli("user", "add", "alice", "--role", "archivist", "--role", "approver", "--password-stdin", input=PASSWORD + "\n")
    assert (made.exit_code, made.stdout, made.stderr) == (0, "Account alice: archivist, approver\n", "")
    assert PASSWORD not in made.output
    asked = cli("user", "add", "bob", "--role", "researcher", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0, asked.stderr
    assert authenticate(archive, "bob", PASSWORD) is not None
    assert cli("user", "disable", "bob").exit_code == 0
    assert [json.loads(line) for line in cli("user", "list", "--json").stdout.splitlines()] == [
        {"name": "alice", "full_name": "", "roles": ["approver", "archivist"], "groups": [], "unit": "", "active": True},
        {"name": "bob", "full_name": "", "roles": ["researcher"], "groups": [], "unit": "", "active": False},
    ]
    assert cli("user", "passwd", "alice", "--password-stdin", input="another good one\n").exit_code == 0
    assert authenticate(archive, "alice", "another good one") is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_line_says_what_is_wrong(cli: Cli) -> None:
    two = cli("user", "add", "eve", "--role", "system-administrator", "--role", "audit-administrator", "--password-stdin", input=PASSWORD)
    assert two.exit_code == 2
    assert "three administrators" in two.stderr
    assert cli("user", "add", "eve", "--role", "emperor", "--password-stdin", input=PASSWORD).exit_code == 2
    gone = cli("user", "disable", "nobody")
    assert gone.exit_code == 1
    assert "nobody" in gone.stderr
    assert not gone.stdout
