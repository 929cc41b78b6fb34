"""Lost passwords: replaced without anybody taking over what an administrator may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from repository.accounts import authenticate, find_actor
from repository.accounts.passwords import unknown_account_hash
from repository.accounts.resets import confirm_reset, one_time_password, pending_resets, refuse_reset, request_reset, reset_password
from repository.accounts.tables import User
from repository.accounts.users import add_user, change_user
from repository.archive import Archive
from repository.errors import Conflict, JinguiError, NotFound, PermissionDenied
from repository.notices.tables import Notice
from repository.permissions import Actor, Role

THREE = {"sys": Role.SYSTEM_ADMINISTRATOR, "sec": Role.SECURITY_ADMINISTRATOR, "aud": Role.AUDIT_ADMINISTRATOR}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Archive:
    return Archive.open(home, clock=clock)


@pytest.fixture
def people(archive: Archive) -> dict[str, Actor]:
    names = {**THREE, "sec2": Role.SECURITY_ADMINISTRATOR, "alice": Role.ARCHIVIST}
    with archive.transaction(Actor.local()) as tx:
        ids = {name: add_user(tx, name=name, password_hash=unknown_account_hash(), roles=[role]) for name, role in names.items()}
    found = {name: find_actor(archive, id) for name, id in ids.items()}
    return {name: actor for name, actor in found.items() if actor is not None}


def notices(archive: Archive, actor: Actor) -> list[Notice]:
    with archive.read(Actor.local()) as tx:
        return list(tx.session.query(Notice).filter(Notice.user_id == actor.id))


def test_a_reset_gives_a_password_for_once_and_the_person_is_told(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(people["sys"]) as tx:
        password = reset_password(tx, "alice")
    assert authenticate(archive, "alice", password) is not None
    with archive.read(Actor.local()) as tx:
        row = tx.session.query(User).filter(User.name == "alice").one()
        assert row.must_change_password
    [told] = notices(archive, people["alice"])
    assert told.values == {"name": "sys"}


def test_a_reset_lets_somebody_in_who_was_locked_out(archive: Archive, people: dict[str, Actor]) -> None:
    for _ in range(archive.settings.accounts.failed_logins):
        assert authenticate(archive, "alice", "wrong") is None
    with archive.transaction(people["sys"]) as tx:
        password = reset_password(tx, "alice")
    assert authenticate(archive, "alice", password) is not None


@pytest.mark.parametrize("asker", ["sec", "aud", "alice"])
def test_nobody_else_resets_a_password(archive: Archive, people: dict[str, Actor], asker: str) -> None:
    with pytest.raises(PermissionDenied), archive.transaction(people[asker]) as tx:
        reset_password(tx, "alice")


@pytest.mark.parametrize("name", list(THREE))
def test_nobody_resets_an_administrators_password_alone(archive: Archive, people: dict[str, Actor], name: str) -> None:
    for asker in people.values():
        with pytest.raises(JinguiError), archive.transaction(asker) as tx:
            reset_password(tx, name)
    with archive.transaction(Actor.local()) as tx:
        assert reset_password(tx, name)


@pytest.mark.parametrize(("owner", "asker", "confirmer"), list(permutations(THREE)))
def test_two_of_the_three_reset_the_third_and_neither_knows_the_password(
    archive: Archive, people: dict[str, Actor], owner: str, asker: str, confirmer: str
) -> None:
    with archive.transaction(people[asker]) as tx:
        first = request_reset(tx, owner)
        [wish] = pending_resets(tx)
    assert not wish.confirmable
    with archive.transaction(people[confirmer]) as tx:
        assert pending_resets(tx)[0].confirmable
        second = confirm_reset(tx, wish.id)
    for known in (first, second, f"{second}-{first}", first + second):
        assert authenticate(archive, owner, known) is None
    assert authenticate(archive, owner, f"{first}-{second}") is not None
    assert len(notices(archive, people[owner])) == 2


def test_who_asked_the_owner_and_the_same_role_do_not_confirm(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(people["sec"]) as tx:
        request_reset(tx, "aud")
        [wish] = pending_resets(tx)
    for name in ("sec", "sec2", "aud"):
        with pytest.raises(Conflict, match="cannot confirm"), archive.transaction(people[name]) as tx:
            confirm_reset(tx, wish.id)
    with pytest.raises(PermissionDenied), archive.transaction(people["alice"]) as tx:
        confirm_reset(tx, wish.id)
    with archive.transaction(people["sys"]) as tx:
        confirm_reset(tx, wish.id)


def test_the_command_line_asks_nobody(archive: Archive, people: dict[str, Actor]) -> None:
    with pytest.raises(Conflict, match="command line"), archive.transaction(Actor.local()) as tx:
        request_reset(tx, "aud")


def test_the_owner_may_refuse_and_a_wish_grows_old(archive: Archive, people: dict[str, Actor], clock: Clock) -> None:
    with archive.transaction(people["sys"]) as tx:
        request_reset(tx, "aud")
        [wish] = pending_resets(tx)
    with archive.transaction(people["aud"]) as tx:
        refuse_reset(tx, wish.id)
    with pytest.raises(NotFound), archive.transaction(people["sec"]) as tx:
        confirm_reset(tx, wish.id)
    with archive.transaction(people["sys"]) as tx:
        request_reset(tx, "aud")
        [wish] = pending_resets(tx)
        with pytest.raises(Conflict, match="already"):
            request_reset(tx, "aud")
    clock.now += timedelta(hours=24)
    with pytest.raises(NotFound), archive.transaction(people["sec"]) as tx:
        confirm_reset(tx, wish.id)
    with archive.transaction(people["sys"]) as tx:
        assert not pending_resets(tx)
        request_reset(tx, "aud")


def test_the_mail_of_an_administrator_is_changed_by_nobody_else(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(people["sys"]) as tx:
        change_user(tx, "alice", email="alice@example.cn")
        change_user(tx, "sys", email="sys@example.cn")
        change_user(tx, "sec", full_name="汀立春")
    with pytest.raises(Conflict), archive.transaction(people["sys"]) as tx:
        change_user(tx, "sec", email="sys@example.cn")


def test_one_time_passwords_differ_and_are_long_enough() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(password) >= 20 for password in made)
    assert all(len(one_time_password(length)) >= length for length in range(1, 129))
