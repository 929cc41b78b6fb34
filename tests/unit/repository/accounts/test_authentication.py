"""Wrong attempts, the lock that follows them, passwords that grow old, and what the logbook keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from repository.accounts import authenticate, create_user, disable_user, set_password, unlock_user
from repository.accounts.authentication import change_password, confirm_password, log_in
from repository.accounts.passwords import hash_password, matches
from repository.accounts.policy import WeakPassword
from repository.accounts.sessions import find_session
from repository.accounts.tables import User
from repository.archive import Archive
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from tests.conftest import Cli
from tests.tools.clock import Clock

PASSWORD = "bronze-bound-chest"
OTHERS = [f"another chest, number {number}" for number in ("one", "two", "three", "four", "five")]


@pytest.fixture
def database() -> str:
    """Each login takes the time of a password hash; what depends on the database is tried on both in test_sessions."""
    return "sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    with opened.transaction(Actor.local()) as tx:
        create_user(tx, name="alice", password=PASSWORD, roles=[Role.ARCHIVIST])
    yield opened
    opened.close()


def actions(archive: Archive) -> list[str]:
    with archive.read(Actor.local()) as tx:
        return list(tx.session.scalars(select(LogEntry.action).order_by(LogEntry.sequence)))


def alice(archive: Archive) -> Actor:
    with archive.read(Actor.local()) as tx:
        return Actor(id=tx.session.scalars(select(User.id)).one(), name="alice", roles=frozenset({Role.ARCHIVIST}))


def fail(archive: Archive, times: int) -> None:
    for _ in range(times):
        assert authenticate(archive, "alice", "a wrong one") is None


def test_after_five_wrong_passwords_the_right_one_opens_nothing_until_the_time_is_over(archive: Archive, clock: Clock) -> None:
    fail(archive, 4)
    assert authenticate(archive, "alice", PASSWORD) is not None
    fail(archive, 1)
    assert authenticate(archive, "alice", PASSWORD) is None
    clock.forward(minutes=14, seconds=59)
    assert authenticate(archive, "alice", PASSWORD) is None
    clock.forward(seconds=2)
    assert authenticate(archive, "alice", PASSWORD) is not None


def test_a_whole_login_forgets_the_wrong_attempts(archive: Archive) -> None:
    for _ in range(3):
        fail(archive, 4)
        assert log_in(archive, "alice", PASSWORD) is not None


def test_attempts_during_the_lock_do_not_make_it_longer(archive: Archive, clock: Clock) -> None:
    fail(archive, 5)
    clock.forward(minutes=10)
    fail(archive, 20)
    clock.forward(minutes=5, seconds=1)
    assert authenticate(archive, "alice", PASSWORD) is not None


def test_a_lock_is_taken_away_by_an_administrator_and_by_the_command_line(archive: Archive, cli: Cli) -> None:
    fail(archive, 5)
    with archive.transaction(Actor(id="s", name="s", roles=frozenset({Role.SYSTEM_ADMINISTRATOR}))) as tx:
        unlock_user(tx, "alice")
    assert authenticate(archive, "alice", PASSWORD) is not None
    fail(archive, 5)
    assert cli("user", "unlock", "alice").exit_code == 0
    assert authenticate(archive, "alice", PASSWORD) is not None


def test_the_logbook_knows_of_every_attempt_and_holds_no_password(archive: Archive) -> None:
    fail(archive, 5)
    assert log_in(archive, "alice", PASSWORD) is None
    assert log_in(archive, "nobody", PASSWORD) is None
    assert actions(archive)[-8:] == [*["login.failed"] * 5, "login.locked", "login.failed", "login.failed"]
    with archive.read(Actor.local()) as tx:
        details = str([entry.detail for entry in tx.session.scalars(select(LogEntry))])
    assert "a wrong one" not in details
    assert PASSWORD not in details


def test_asking_for_the_password_again_counts_like_a_login(archive: Archive) -> None:
    person = alice(archive)
    assert confirm_password(archive, person, PASSWORD)
    for _ in range(5):
        assert not confirm_password(archive, person, "a wrong one")
    assert not confirm_password(archive, person, PASSWORD)
    assert log_in(archive, "alice", PASSWORD) is None


def test_changing_the_password_ends_every_session_and_begins_one(archive: Archive) -> None:
    before = [log_in(archive, "alice", PASSWORD) for _ in range(2)]
    secret = change_password(archive, alice(archive), PASSWORD, OTHERS[0], method="password")
    assert secret is not None
    assert find_session(archive, secret) is not None
    assert [find_session(archive, old or "") for old in before] == [None, None]
    assert authenticate(archive, "alice", PASSWORD) is None
    assert authenticate(archive, "alice", OTHERS[0]) is not None
    assert "password.changed" in actions(archive)


def test_who_does_not_know_the_present_password_changes_nothing(archive: Archive) -> None:
    assert change_password(archive, alice(archive), "a wrong one", OTHERS[0], method="password") is None
    assert authenticate(archive, "alice", PASSWORD) is not None
    assert "login.failed" in actions(archive)


def test_the_last_five_passwords_do_not_come_again(archive: Archive) -> None:
    used = [PASSWORD, *OTHERS[:4]]
    for old, new in zip(used, used[1:], strict=False):
        change_password(archive, alice(archive), old, new, method="password")
    for former in used:
        with pytest.raises(WeakPassword, match="used before"):
            change_password(archive, alice(archive), used[-1], former, method="password")
    assert change_password(archive, alice(archive), used[-1], OTHERS[4], method="password")
    assert change_password(archive, alice(archive), OTHERS[4], PASSWORD, method="password")


def test_a_password_that_is_too_old_must_be_changed_first(archive: Archive, clock: Clock) -> None:
    clock.forward(days=89)
    found = find_session(archive, log_in(archive, "alice", PASSWORD) or "")
    assert found is not None
    assert not found.needs_password
    clock.forward(days=2)
    found = find_session(archive, log_in(archive, "alice", PASSWORD) or "")
    assert found is not None
    assert found.needs_password


def test_a_closed_account_has_no_sessions(archive: Archive) -> None:
    secret = log_in(archive, "alice", PASSWORD) or ""
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "alice")
    assert find_session(archive, secret) is None
    assert log_in(archive, "alice", PASSWORD) is None


def test_a_password_given_by_the_command_line_ends_the_sessions_and_the_lock(archive: Archive) -> None:
    secret = log_in(archive, "alice", PASSWORD) or ""
    fail(archive, 5)
    with archive.transaction(Actor.local()) as tx:
        set_password(tx, "alice", OTHERS[0])
    assert find_session(archive, secret) is None
    assert authenticate(archive, "alice", OTHERS[0]) is not None


def test_a_hash_of_weaker_parameters_is_replaced(archive: Archive) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with archive.transaction(Actor.local()) as tx:
        tx.session.scalars(select(User)).one().password_hash = weak
    assert authenticate(archive, "alice", PASSWORD) is not None
    with archive.read(Actor.local()) as tx:
        assert tx.session.scalars(select(User)).one().password_hash != weak
    assert authenticate(archive, "alice", PASSWORD) is not None


def test_the_login_librarys_argon2_and_ours_are_the_same() -> None:
    from passlib.context import CryptContext

    library = CryptContext(schemes=["argon2"])
    assert library.verify(PASSWORD, hash_password(PASSWORD))
    assert matches(library.hash(PASSWORD), PASSWORD)
