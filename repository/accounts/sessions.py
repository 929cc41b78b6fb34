"""Sessions: rows of the catalogue, so that they can be limited, listed and ended from this side (GB/T 22239-2019, 8.1.4.1 b).

The browser holds a random secret, the catalogue its digest: who reads the catalogue cannot take a session over. A session
ends when nothing was asked for a while, after some hours in any case, and when somebody ends it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from repository.accounts.passwords import is_expired
from repository.accounts.roles import actor_of
from repository.accounts.tables import LoginSession, User
from repository.errors import NotFound
from repository.findings import N_
from repository.logbook import circumstances
from repository.logbook.recording import note
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.settings import AccountSettings
    from repository.transaction import Transaction

#: The time of the last request is written at most this often.
_WRITTEN_EVERY: Final = timedelta(minutes=1)
#: A session that waits for the second factor waits no longer than this.
_CODE_WITHIN: Final = timedelta(minutes=10)
#: Ended sessions are kept for so long, for the person to see.
_KEPT: Final = timedelta(days=30)
#: How somebody logged in whom an identity provider vouches for.
PROVIDER: Final = "provider"
_SYSTEM: Final = Actor.system("login")


@dataclass(frozen=True, kw_only=True)
class Login:
    """A session that can be used, and whose it is.

    Args:
        id: digest of its secret.
        actor: the person.
        uniquifier: the account, as the login library knows it.
        full_name: the person's name.
        language: the person's language, or empty.
        method: how the person logged in: ``password``, ``code`` (password and second factor) or ``provider``.
        fresh_at: when the person last proved who it is.
        awaits_code: the code of the second factor is still to come.
        needs_second_factor: a role of the person demands a second factor, and there is none yet.
        needs_password: the password must be changed first.
    """

    id: str
    actor: Actor
    uniquifier: str
    full_name: str
    language: str
    method: str
    fresh_at: datetime | None
    awaits_code: bool
    needs_second_factor: bool
    needs_password: bool


def begin_session(tx: Transaction, user: User, *, method: str, awaits_code: bool = False, program: str = "") -> str:
    """Begins a session.

    Args:
        tx: the transaction.
        user: whose.
        method: how the person logged in.
        awaits_code: whether the code of the second factor is still to come.
        program: what the browser calls itself.

    Returns:
        The secret for the browser; it is kept nowhere here.
    """
    tx.session.execute(delete(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at < tx.now - _KEPT))
    secret = secrets.token_urlsafe(32)
    tx.session.add(
        LoginSession(
            id=digest(secret),
            user_id=user.id,
            method=method,
            awaits_code=awaits_code,
            created_at=tx.now,
            seen_at=tx.now,
            fresh_at=None if awaits_code else tx.now,
            address=circumstances.present().address,
            program=program[:200],
        )
    )
    tx.session.flush()
    return secret


def find_session(archive: Archive, secret: str) -> Login | None:
    """The session of a secret, if it can be used; a session that has run out is ended.

    That it was used is written at most once a minute.
    """
    if not secret:
        return None
    with archive.read(_SYSTEM) as tx:
        found = _with_user(tx, digest(secret))
    if found is None:
        return None
    row, user = found
    if not user.active or row.ended_at is not None:
        return None
    if tx.now > runs_out(archive.settings.accounts, row):
        _let_run_out(archive, user, row.id)
        return None
    if tx.now - row.seen_at >= _WRITTEN_EVERY:
        with archive.transaction(_SYSTEM) as writing:
            writing.session.execute(
                update(LoginSession)
                .where(LoginSession.id == row.id)
                .values(seen_at=tx.now, address=circumstances.present().address or row.address)
            )
    return _login(archive.settings.accounts, row, user, tx.now)


def runs_out(rules: AccountSettings, row: LoginSession) -> datetime:
    """When a session ends by itself if nothing more is asked."""
    absolute = row.created_at + timedelta(hours=rules.session_hours)
    return min(absolute, row.created_at + _CODE_WITHIN if row.awaits_code else row.seen_at + timedelta(minutes=rules.idle_minutes))


def renew_session(tx: Transaction, id: str, *, method: str = "", fresh: bool = True) -> str:
    """Gives a session another secret, because the person proved anew who it is (against session fixation).

    Args:
        tx: the transaction.
        id: of the session; a session that ended meanwhile is not brought back.
        method: how the person has proved it, if that changes what the session is.
        fresh: whether it counts as a new proof of identity.

    Returns:
        The new secret.

    Raises:
        NotFound: the session has ended.
    """
    row = tx.session.get(LoginSession, id)
    if row is None or row.ended_at is not None:
        raise _gone()
    secret = secrets.token_urlsafe(32)
    values: dict[str, object] = {"id": digest(secret), "seen_at": tx.now}
    if fresh:
        values["fresh_at"] = tx.now
    if method:
        values |= {"method": method, "awaits_code": False}
    tx.session.execute(update(LoginSession).where(LoginSession.id == id).values(values), execution_options={"synchronize_session": False})
    tx.session.expunge(row)
    return secret


def prove_by_password(tx: Transaction, id: str) -> str:
    """Makes a session fresh after the password was asked for again (`repository.accounts.authentication.confirm_password`).

    Returns:
        Its new secret.

    Raises:
        NotFound: the session has ended.
    """
    tx.session.execute(update(User).where(User.id == tx.actor.id).values(failed_logins=0))
    note(tx, "login.proven", object_type="user", object_id=tx.actor.id)
    return renew_session(tx, id)


def end_session(tx: Transaction, id: str) -> None:
    """Ends a session of the person who acts.

    Raises:
        NotFound: the person has no such session.
    """
    row = tx.session.get(LoginSession, id)
    if row is None or row.user_id != tx.actor.id:
        raise _gone()
    if row.ended_at is None:
        row.ended_at = tx.now
        note(tx, "session.ended", object_type="user", object_id=row.user_id, detail={"begun": row.created_at.isoformat()})


def log_out(tx: Transaction, id: str) -> None:
    """Ends the present session of the person who acts."""
    row = tx.session.get(LoginSession, id)
    if row is not None and row.user_id == tx.actor.id and row.ended_at is None:
        row.ended_at = tx.now
        note(tx, "logout", object_type="user", object_id=row.user_id)


def end_sessions(tx: Transaction, user_id: str, *, but: str = "") -> int:
    """Ends every session of an account, but one if that is named; says how many. The use case around it has asked whether it may."""
    conditions = (LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.id != but)
    ids = tx.session.scalars(select(LoginSession.id).where(*conditions)).all()
    if ids:
        tx.session.execute(update(LoginSession).where(*conditions).values(ended_at=tx.now))
        note(tx, "session.ended", object_type="user", object_id=user_id, detail={"number": len(ids)})
    return len(ids)


def own_sessions(tx: Transaction) -> Sequence[LoginSession]:
    """The sessions of the person who acts that can still be used, the latest first."""
    rows = tx.session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == tx.actor.id, LoginSession.ended_at.is_(None))
        .order_by(LoginSession.seen_at.desc())
    ).all()
    return [row for row in rows if tx.now <= runs_out(tx.archive.settings.accounts, row)]


def digest(secret: str) -> str:
    """What the catalogue keeps of a secret. It is random and long, so that a plain digest suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _with_user(tx: Transaction, id: str) -> tuple[LoginSession, User] | None:
    found = tx.session.execute(select(LoginSession, User).join(User, User.id == LoginSession.user_id).where(LoginSession.id == id)).first()
    return None if found is None else (found[0], found[1])


def _login(rules: AccountSettings, row: LoginSession, user: User, now: datetime) -> Login:
    actor = actor_of(user)
    return Login(
        id=row.id,
        actor=actor,
        uniquifier=user.fs_uniquifier,
        full_name=user.full_name,
        language=user.language,
        method=row.method,
        fresh_at=row.fresh_at,
        awaits_code=row.awaits_code,
        needs_second_factor=not user.tf_totp_secret and bool(actor.roles & set(rules.two_factor_required_roles)),
        needs_password=row.method != PROVIDER and (user.must_change_password or is_expired(rules, user, now)),
    )


def _let_run_out(archive: Archive, user: User, id: str) -> None:
    with archive.transaction(actor_of(user)) as tx:
        row = tx.session.get(LoginSession, id)
        if row is not None and row.ended_at is None and tx.now > runs_out(archive.settings.accounts, row):
            row.ended_at = tx.now
            note(tx, "session.ended", object_type="user", object_id=user.id, detail={"reason": "time"})


def _gone() -> NotFound:
    return NotFound(N_("This session has ended already."), remedy=N_("Log in again."))
