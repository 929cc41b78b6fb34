"""API tokens: what they may do, when they end, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repository.accounts import create_user, disable_user, enable_user, find_actor, set_roles
from repository.accounts.resets import reset_password
from repository.accounts.tables import ApiToken
from repository.accounts.tokens import NewToken, create_token, find_token_actor, list_tokens, revoke_token
from repository.archive import Archive
from repository.errors import JinguiError, NotFound, PermissionDenied, UsageError
from repository.permissions import Actor, Permission, Role, allows
from tests.conftest import Cli

PASSWORD = "bronze-bound-chest"
LOCAL = Actor.local()


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
def alice(archive: Archive) -> Actor:
    with archive.transaction(LOCAL) as tx:
        id = create_user(tx, name="alice", password=PASSWORD, roles=["archivist"])
    found = find_actor(archive, id)
    assert found is not None
    return found


def make(archive: Archive, actor: Actor, *scopes: str, days: float = 30) -> NewToken:
    with archive.transaction(actor) as tx:
        return create_token(tx, name="harvester", scopes=scopes or ("record.read",), expires=tx.now + timedelta(days=days))


def test_a_token_may_do_what_its_scopes_say_and_no_more(archive: Archive, alice: Actor) -> None:
    found = find_token_actor(archive, make(archive, alice, "record.read", "submission.read").secret)
    assert found is not None
    assert (found.actor.id, found.actor.name, found.name) == (alice.id, "alice", "harvester")
    assert allows(found.actor, Permission.RECORD_READ)
    assert allows(found.actor, Permission.SUBMISSION_READ)
    assert not allows(found.actor, Permission.SUBMISSION_CREATE)
    assert allows(alice, Permission.SUBMISSION_CREATE)


def test_only_a_digest_and_the_last_four_characters_are_kept(archive: Archive, alice: Actor) -> None:
    made = make(archive, alice)
    assert made.secret.startswith("jg_")
    assert len(made.secret) >= 3 + 43
    with archive.read(LOCAL) as tx:
        row = tx.session.get(ApiToken, made.id)
        assert row is not None
        kept = [value for key, value in vars(row).items() if not key.startswith("_")]
    assert made.secret not in map(str, kept)
    assert len(row.digest) == 32
    assert row.hint == made.hint == made.secret[-4:]


def test_a_token_loses_with_its_owner(archive: Archive, alice: Actor) -> None:
    secret = make(archive, alice, "record.read", "submission.read").secret
    with archive.transaction(LOCAL) as tx:
        set_roles(tx, "alice", ["researcher"])
    found = find_token_actor(archive, secret)
    assert found is not None
    assert allows(found.actor, Permission.RECORD_READ)
    assert not allows(found.actor, Permission.SUBMISSION_READ)


def test_a_token_ends_when_it_said(archive: Archive, alice: Actor, clock: Clock) -> None:
    secret = make(archive, alice, days=1).secret
    clock.now += timedelta(days=1) - timedelta(seconds=1)
    assert find_token_actor(archive, secret) is not None
    clock.now += timedelta(seconds=1)
    assert find_token_actor(archive, secret) is None


def test_a_revoked_token_is_nobody(archive: Archive, alice: Actor) -> None:
    made, other = make(archive, alice), make(archive, alice)
    with archive.transaction(alice) as tx:
        revoke_token(tx, made.id)
    assert find_token_actor(archive, made.secret) is None
    assert find_token_actor(archive, other.secret) is not None


@pytest.mark.parametrize("end", [disable_user, reset_password])
def test_tokens_end_with_the_account_and_with_its_password(archive: Archive, alice: Actor, end: Callable[..., object]) -> None:
    secret = make(archive, alice).secret
    with archive.transaction(LOCAL) as tx:
        end(tx, "alice")
    assert find_token_actor(archive, secret) is None
    with archive.transaction(LOCAL) as tx:
        enable_user(tx, "alice")
    assert find_token_actor(archive, secret) is None


@pytest.mark.parametrize("secret", ["", "jg_", "jg_" + "x" * 43, "密" * 2000, "\ud800", "' OR 1=1 --"])
def test_what_is_no_token_is_nobody(archive: Archive, alice: Actor, secret: str) -> None:
    make(archive, alice)
    assert find_token_actor(archive, secret) is None


def test_a_cut_or_changed_secret_is_nobody(archive: Archive, alice: Actor) -> None:
    secret = make(archive, alice).secret
    for wrong in (secret[:-1], secret + "A", secret[3:], secret.upper(), secret + "\n"):
        assert find_token_actor(archive, wrong) is None


@pytest.mark.parametrize(
    ("scopes", "days"),
    [
        ((), 30),
        (("user.manage",), 30),
        (("emperor",), 30),
        (("audit.run",), 30),
        (("record.read",), 0),
        (("record.read",), 367),
        (("record.read",), -1),
    ],
)
def test_wishes_that_cannot_be_are_refused(archive: Archive, alice: Actor, scopes: tuple[str, ...], days: float) -> None:
    with pytest.raises(UsageError), archive.transaction(alice) as tx:
        create_token(tx, name="x", scopes=scopes, expires=tx.now + timedelta(days=days))
    with archive.read(alice) as tx:
        assert not list_tokens(tx)


def test_a_token_cannot_make_tokens_nor_revoke_others(archive: Archive, alice: Actor) -> None:
    found = find_token_actor(archive, make(archive, alice).secret)
    assert found is not None
    with pytest.raises(PermissionDenied), archive.transaction(found.actor) as tx:
        create_token(tx, name="child", scopes=["record.read"], expires=tx.now + timedelta(days=1))


def test_tokens_are_the_owners_and_the_security_administrators(archive: Archive, alice: Actor) -> None:
    made = make(archive, alice)
    stranger = Actor(id="9", name="bob", roles=frozenset({Role.ARCHIVIST, Role.SYSTEM_ADMINISTRATOR}))
    with archive.transaction(stranger) as tx:
        assert not list_tokens(tx)
        with pytest.raises(PermissionDenied):
            list_tokens(tx, "alice")
        with pytest.raises(NotFound):
            revoke_token(tx, made.id)
        with pytest.raises(JinguiError):
            create_token(tx, name="x", scopes=["record.read"], expires=tx.now + timedelta(days=1), owner="alice")
    assert find_token_actor(archive, made.secret) is not None
    with archive.transaction(Actor(id="8", name="sec", roles=frozenset({Role.SECURITY_ADMINISTRATOR}))) as tx:
        assert [token.id for token in list_tokens(tx, "alice")] == [made.id]
        revoke_token(tx, made.id)
    assert find_token_actor(archive, made.secret) is None


def test_the_last_use_is_written_once_a_minute(archive: Archive, alice: Actor, clock: Clock) -> None:
    made = make(archive, alice)

    def used() -> datetime | None:
        with archive.read(LOCAL) as tx:
            row = tx.session.get(ApiToken, made.id)
            assert row is not None
            return row.last_used_at

    assert used() is None
    find_token_actor(archive, made.secret)
    first = used()
    clock.now += timedelta(seconds=59)
    find_token_actor(archive, made.secret)
    assert used() == first
    clock.now += timedelta(seconds=1)
    find_token_actor(archive, made.secret)
    assert used() == clock.now


def test_a_token_from_the_command_line(cli: Cli, archive: Archive, alice: Actor, clock: Clock) -> None:
    clock.now = datetime.now(UTC)
    made = cli("user", "token", "alice", "--scope", "record.read", "--days", "7", "--label", "harvester")
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith("jg_")
    assert len(made.stdout.splitlines()) == 1
    found = find_token_actor(archive, made.stdout.strip())
    assert found is not None
    assert found.actor.scopes == {Permission.RECORD_READ}
    refused = cli("user", "token", "alice", "--scope", "user.manage")
    assert refused.exit_code == 2
    assert "No token may carry" in refused.stderr
    assert cli("user", "token", "alice", "--scope", "record.read", "--days", "4000").exit_code == 2
