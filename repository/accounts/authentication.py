"""Proving who somebody is: the password, wrong attempts and the lock that follows them (GB/T 22239-2019, 8.1.4.1 b).

A wrong name, a wrong password, a locked and a disabled account get one answer, after the same time. What wrong attempts
leave behind is written under the account's row lock, so that attempts at the same moment are counted one after the other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from repository.accounts.lookup import plain_name
from repository.accounts.passwords import give_password, hash_password, is_outdated, matches, unknown_account_hash
from repository.accounts.roles import actor_of
from repository.accounts.sessions import begin_session
from repository.accounts.tables import User
from repository.logbook import circumstances
from repository.logbook.recording import FAILURE, REFUSED, note
from repository.notices.happenings import account_locked
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

_LOGIN: Final = Actor.system("login")


def authenticate(archive: Archive, name: str, password: str) -> Actor | None:
    """The actor of this name and password; None if there is no such account, it is disabled or locked, or the password is another.

    All of them take the same time, and all are counted. A hash of older parameters is replaced by a new one.
    """
    with archive.transaction(_LOGIN) as tx:
        user = _proven(tx, name, password, _checked(archive, name, password))
        return actor_of(user) if user is not None else None


def log_in(archive: Archive, name: str, password: str, *, program: str = "") -> str | None:
    """Logs a person in by password.

    Args:
        archive: the archive.
        name: of the account.
        password: as typed.
        program: what the browser calls itself.

    Returns:
        The secret of a new session, which may wait for the code of the second factor; None for every kind of refusal.
    """
    checked = _checked(archive, name, password)
    with archive.transaction(_LOGIN) as tx:
        user = _proven(tx, name, password, checked)
        if user is None:
            return None
        tx.actor = actor_of(user)
        awaits_code = bool(user.tf_totp_secret)
        if not awaits_code:
            enter(tx, user, method="password")
        return begin_session(tx, user, method="password", awaits_code=awaits_code, program=program)


def enter(tx: Transaction, user: User, *, method: str) -> None:
    """Writes down that somebody is in: the last of the steps of a login."""
    user.failed_logins = 0
    user.last_login_at = tx.now
    user.last_login_address = circumstances.present().address
    note(tx, "login", object_type="user", object_id=user.id, detail={"method": method})


def confirm_password(archive: Archive, actor: Actor, password: str) -> bool:
    """Whether this is the present password of the person who is logged in; wrong ones count as wrong attempts to log in."""
    checked = _checked(archive, actor.name, password)
    with archive.transaction(actor) as tx:
        return _proven(tx, actor.name, password, checked) is not None


def change_password(archive: Archive, actor: Actor, current: str, new: str, *, method: str, program: str = "") -> str | None:
    """Changes the password of the person who is logged in; every session of the account ends, and one begins anew.

    Args:
        archive: the archive.
        actor: the person.
        current: the present password; a wrong one counts as a wrong attempt to log in.
        new: the wish.
        method: how the person had logged in.
        program: what the browser calls itself.

    Returns:
        The secret of the new session; None if the present password was another, or the account is locked.

    Raises:
        WeakPassword: the rules refuse the new one; nothing is changed.
    """
    checked = _checked(archive, actor.name, current)
    with archive.transaction(actor) as tx:
        user = _proven(tx, actor.name, current, checked)
        if user is None:
            return None
        give_password(tx, user, new)
        return begin_session(tx, user, method=method, program=program)


def failed_code(tx: Transaction, user: User) -> None:
    """Counts a wrong code of the second factor as a wrong attempt to log in."""
    _failed(tx, user, "code")


def _checked(archive: Archive, name: str, password: str) -> str | None:
    """The hash that the password belongs to, or None. Slow, and therefore outside a transaction that writes."""
    with archive.read(_LOGIN) as tx:
        kept = tx.session.scalar(select(User.password_hash).where(User.name == plain_name(name)))
    return kept if matches(kept or unknown_account_hash(), password) and kept else None


def _proven(tx: Transaction, name: str, password: str, checked: str | None) -> User | None:
    """The account if everything is well; otherwise the attempt is counted and written down."""
    user = _of(tx, name)
    if user is None:
        note(tx, "login.failed", outcome=FAILURE, object_type="user", detail={"name": plain_name(name)[:64]})
        return None
    if is_locked(tx, user) or not user.active:
        reason = "locked" if user.active else "disabled"
        note(tx, "login.failed", outcome=REFUSED, object_type="user", object_id=user.id, detail={"name": user.name, "reason": reason})
        return None
    # the password may have been changed since it was compared
    if checked is None or checked != user.password_hash:
        _failed(tx, user, "password")
        return None
    if is_outdated(user.password_hash):
        user.password_hash = hash_password(password)
    return user


def _failed(tx: Transaction, user: User, what: str) -> None:
    rules = tx.archive.settings.accounts
    user.failed_logins += 1
    note(tx, "login.failed", outcome=FAILURE, object_type="user", object_id=user.id, detail={"name": user.name, "wrong": what})
    if user.failed_logins >= rules.failed_logins:
        user.failed_logins = 0
        user.locked_until = tx.now + timedelta(minutes=rules.lockout_minutes)
        note(
            tx,
            "login.locked",
            outcome=REFUSED,
            object_type="user",
            object_id=user.id,
            detail={"name": user.name, "until": user.locked_until.isoformat()},
        )
        account_locked(tx, user)


def _of(tx: Transaction, name: str) -> User | None:
    return tx.session.scalar(
        select(User).where(User.name == plain_name(name)).with_for_update(of=User).execution_options(populate_existing=True)
    )


def is_locked(tx: Transaction, user: User) -> bool:
    """Whether too many wrong attempts have locked an account for now."""
    return user.locked_until is not None and user.locked_until > tx.now
