"""The first run: nobody sets a home up but who started it, once, and there is no default password."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from repository.accounts import authenticate, create_user
from repository.accounts.first_run import FirstPerson, is_setup_key, offer_setup, set_up
from repository.accounts.tables import User
from repository.archive import Archive
from repository.errors import Conflict, NotFound, UsageError
from repository.permissions import Actor, Role

LOCAL = Actor.local()
THREE = (
    FirstPerson(role=Role.SYSTEM_ADMINISTRATOR, name="sys", full_name="砚白露"),
    FirstPerson(role=Role.SECURITY_ADMINISTRATOR, name="sec"),
    FirstPerson(role=Role.AUDIT_ADMINISTRATOR, name="aud"),
)


@pytest.fixture
def database() -> str:
    return "sqlite"


def users(archive: Archive) -> dict[str, User]:
    with archive.read(LOCAL) as tx:
        return {user.name: user for user in tx.session.query(User)}


def test_the_key_makes_three_people_with_a_role_each_and_then_nothing(archive: Archive) -> None:
    key = offer_setup(archive)
    assert key is not None
    made = set_up(archive, key, THREE)
    for person, account in zip(THREE, made, strict=True):
        actor = authenticate(archive, account.name, account.password)
        assert actor is not None
        assert actor.roles == {person.role}
        assert users(archive)[account.name].must_change_password
    assert not is_setup_key(archive, key)
    with pytest.raises(NotFound):
        set_up(archive, key, [FirstPerson(role=Role.ARCHIVIST, name="late")])
    assert offer_setup(archive) is None
    assert set(users(archive)) == {"sys", "sec", "aud"}


def test_the_home_keeps_no_key_and_shows_its_digest_to_the_owner_only(archive: Archive) -> None:
    key = offer_setup(archive)
    assert key is not None
    file = archive.home / "setup-key"
    assert key not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_start_makes_a_new_key_and_the_old_one_is_nothing(archive: Archive) -> None:
    first, second = offer_setup(archive), offer_setup(archive)
    assert first is not None
    assert second is not None
    assert not is_setup_key(archive, first)
    assert is_setup_key(archive, second)


@pytest.mark.parametrize("key", ["", "x", "\ud800", "A" * 43])
def test_another_key_is_nothing(archive: Archive, key: str) -> None:
    assert not is_setup_key(archive, key)
    offer_setup(archive)
    assert not is_setup_key(archive, key)
    with pytest.raises(NotFound):
        set_up(archive, key, THREE)
    assert not users(archive)


def test_an_account_made_otherwise_ends_it(archive: Archive) -> None:
    key = offer_setup(archive)
    assert key is not None
    with archive.transaction(LOCAL) as tx:
        create_user(tx, name="alice", password="bronze-bound-chest", roles=["archivist"])
    assert not is_setup_key(archive, key)
    with pytest.raises(NotFound):
        set_up(archive, key, THREE)


def test_what_cannot_be_leaves_nothing_and_the_key_good(archive: Archive) -> None:
    key = offer_setup(archive)
    assert key is not None
    same = [*THREE[:2], FirstPerson(role=Role.AUDIT_ADMINISTRATOR, name="ｓｙｓ")]
    with pytest.raises(Conflict, match="twice"):
        set_up(archive, key, same)
    with pytest.raises(UsageError):
        set_up(archive, key, [*THREE[:2], FirstPerson(role=Role.AUDIT_ADMINISTRATOR, name="a b")])
    assert not users(archive)
    set_up(archive, key, THREE)


def test_a_home_with_accounts_forgets_an_old_key(archive: Archive) -> None:
    offer_setup(archive)
    with archive.transaction(LOCAL) as tx:
        create_user(tx, name="alice", password="bronze-bound-chest", roles=["archivist"])
    assert offer_setup(archive) is None
    assert not Path(archive.home / "setup-key").exists()


def test_nothing_in_the_program_is_a_password_but_the_demos() -> None:
    """Somebody who adds a default password writes it beside ``password=``."""
    root = Path(__file__).parents[4]
    found = [
        str(file.relative_to(root))
        for file in sorted(root.glob("repository/**/*.py"))
        if re.search(r"password\s*=\s*\"[^\"]+\"", file.read_text(encoding="utf-8"))
    ]
    assert not found
