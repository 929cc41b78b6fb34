"""Sessions end when they should, belong to one person, and are worth nothing to who reads the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from repository.accounts import create_user
from repository.accounts.authentication import log_in
from repository.accounts.sessions import end_session, end_sessions, find_session, log_out, own_sessions, prove_by_password, renew_session
from repository.accounts.tables import LoginSession
from repository.archive import Archive
from repository.errors import NotFound
from repository.permissions import Actor, Role
from tests.tools.clock import Clock

PASSWORD = "bronze-bound-chest"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    with opened.transaction(Actor.local()) as tx:
        for name in ("alice", "bob"):
            create_user(tx, name=name, password=PASSWORD, roles=[Role.ARCHIVIST])
    yield opened
    opened.close()


def enter(archive: Archive, name: str = "alice") -> str:
    secret = log_in(archive, name, PASSWORD)
    assert secret is not None
    return secret


def actor(archive: Archive, secret: str) -> Actor:
    found = find_session(archive, secret)
    assert found is not None
    return found.actor


def rows(archive: Archive) -> list[LoginSession]:
    with archive.read(Actor.local()) as tx:
        return list(tx.session.scalars(select(LoginSession)))


def test_a_session_that_is_not_used_ends(archive: Archive, clock: Clock) -> None:
    secret = enter(archive)
    for _ in range(3):
        clock.forward(minutes=29)
        assert find_session(archive, secret) is not None
    clock.forward(minutes=31)
    assert find_session(archive, secret) is None
    # it is ended for good, not only hidden while the clock says so
    clock.forward(minutes=-31)
    assert find_session(archive, secret) is None


def test_a_session_in_use_ends_after_the_working_day(archive: Archive, clock: Clock) -> None:
    secret = enter(archive)
    for _ in range(23):
        clock.forward(minutes=20)
        assert find_session(archive, secret) is not None
    clock.forward(minutes=21)
    assert find_session(archive, secret) is None


def test_that_it_was_seen_is_written_once_a_minute(archive: Archive, clock: Clock) -> None:
    secret = enter(archive)
    begun = rows(archive)[0].seen_at
    clock.forward(seconds=59)
    find_session(archive, secret)
    assert rows(archive)[0].seen_at == begun
    clock.forward(seconds=1)
    find_session(archive, secret)
    assert rows(archive)[0].seen_at == clock.now


@pytest.mark.parametrize("secret", ["", "x", "0" * 64, "\x00", "密"])
def test_no_other_secret_opens_a_session(archive: Archive, secret: str) -> None:
    enter(archive)
    assert find_session(archive, secret) is None


def test_what_stands_in_the_catalogue_opens_nothing(archive: Archive) -> None:
    secret = enter(archive)
    [row] = rows(archive)
    assert secret not in row.id
    assert find_session(archive, row.id) is None


def test_a_fresh_proof_changes_the_secret_and_ends_the_old_one(archive: Archive, clock: Clock) -> None:
    old = enter(archive)
    found = find_session(archive, old)
    assert found is not None
    clock.forward(minutes=20)
    with archive.transaction(found.actor) as tx:
        new = prove_by_password(tx, found.id)
    assert find_session(archive, old) is None
    renewed = find_session(archive, new)
    assert renewed is not None
    assert renewed.fresh_at == clock.now
    assert len(rows(archive)) == 1


def test_a_session_that_has_ended_is_not_brought_back(archive: Archive) -> None:
    secret = enter(archive)
    found = find_session(archive, secret)
    assert found is not None
    with archive.transaction(found.actor) as tx:
        log_out(tx, found.id)
    assert find_session(archive, secret) is None
    with pytest.raises(NotFound), archive.transaction(found.actor) as tx:
        renew_session(tx, found.id)


def test_a_person_sees_and_ends_the_own_sessions_only(archive: Archive) -> None:
    mine, second, other = enter(archive), enter(archive), enter(archive, "bob")
    alice, bob = actor(archive, mine), actor(archive, other)
    with archive.read(alice) as tx:
        assert {row.user_id for row in own_sessions(tx)} == {alice.id}
        assert len(own_sessions(tx)) == 2
    theirs = find_session(archive, other)
    assert theirs is not None
    with pytest.raises(NotFound), archive.transaction(alice) as tx:
        end_session(tx, theirs.id)
    with archive.transaction(bob) as tx:
        log_out(tx, (find_session(archive, mine) or theirs).id)
    assert find_session(archive, mine) is not None
    present = find_session(archive, mine)
    assert present is not None
    with archive.transaction(alice) as tx:
        assert end_sessions(tx, alice.id, but=present.id) == 1
    assert find_session(archive, second) is None
    assert find_session(archive, mine) is not None
    assert find_session(archive, other) is not None
