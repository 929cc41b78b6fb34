"""Passwords: their hashes (Argon2id, RFC 9106), which of them may not come again, and giving an account a new one."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from repository.accounts.policy import Fault, WeakPassword, faults
from repository.findings import N_
from repository.logbook.recording import note

if TYPE_CHECKING:
    from datetime import datetime

    from argon2 import PasswordHasher

    from repository.accounts.tables import User
    from repository.settings import AccountSettings
    from repository.transaction import Transaction


def check_strength(rules: AccountSettings, name: str, password: str) -> None:
    """Refuses a password that the rules do not allow for a new account of this name.

    Raises:
        WeakPassword: with everything that is wrong.
    """
    found = faults(rules, name, password)
    if found:
        raise WeakPassword(found)


def give_password(tx: Transaction, user: User, password: str, *, must_change: bool = False) -> None:
    """Gives an account a new password and ends its sessions; the use case around it has asked whether that is allowed.

    Args:
        tx: the transaction.
        user: the account, of this transaction.
        password: the new password.
        must_change: whether the person must choose another one at the next login.

    Raises:
        WeakPassword: the rules refuse it, or it is one of the latest of this account.
    """
    from repository.accounts.sessions import end_sessions

    rules = tx.archive.settings.accounts
    found = faults(rules, user.name, password)
    # only a password that is fine otherwise is compared with the former ones: each comparison takes as long as a login
    if not found and was_used(user, password, rules.password_history):
        found.append(
            Fault(
                template=N_("This password was used before; the last {number} cannot be used again."),
                values={"number": rules.password_history},
            )
        )
    if found:
        raise WeakPassword(found)
    former = [user.password_hash, *user.password_history] if user.password_hash else list(user.password_history)
    user.password_history = former[: rules.password_history - 1]
    user.password_hash = hash_password(password)
    user.password_changed_at = tx.now
    user.must_change_password = must_change
    user.failed_logins = 0
    user.locked_until = None
    end_sessions(tx, user.id)
    note(tx, "password.changed", object_type="user", object_id=user.id, detail={"name": user.name})


def was_used(user: User, password: str, last: int) -> bool:
    """Whether a password is the present one of an account or one of those before, ``last`` of them in all."""
    kept = [user.password_hash, *(str(former) for former in user.password_history)]
    return any(former and matches(former, password) for former in kept[:last])


def is_expired(rules: AccountSettings, user: User, now: datetime) -> bool:
    """Whether a password is so old that it must be changed (GB/T 22239-2019, 8.1.4.1 a)."""
    since = user.password_changed_at or user.created_at
    return bool(rules.password_days) and bool(user.password_hash) and now - since > timedelta(days=rules.password_days)


def hash_password(password: str) -> str:
    """The hash to keep."""
    return _hasher().hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one of this hash; takes as long when it is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


@cache
def unknown_account_hash() -> str:
    """A hash to compare with when there is no such account, so that names cannot be told by the time an answer takes."""
    return hash_password("no account has this password")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()
