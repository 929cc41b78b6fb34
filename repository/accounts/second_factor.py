"""The second factor: switched on, off, and asked for at the login (GB/T 22239-2019, 8.1.4.1 d: two kinds of proof).

The codes themselves (RFC 6238) are the login library's affair: these use cases take functions that ask it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from repository.accounts.authentication import enter, failed_code, is_locked
from repository.accounts.lookup import named
from repository.accounts.roles import is_administrator
from repository.accounts.sessions import PROVIDER, end_sessions, renew_session
from repository.accounts.tables import User
from repository.errors import Conflict, NotFound
from repository.findings import N_
from repository.logbook.recording import REFUSED, note
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.accounts.sessions import Login
    from repository.transaction import Transaction

#: Whether a code is right, asked about the account's row within the transaction.
Check = Callable[[User], bool]
#: Something done to the account's row within the transaction.
Change = Callable[[User], object]

CODE: Final = "code"


def finish_login(tx: Transaction, login: Login, check: Check) -> str | None:
    """Lets somebody in whose password was right and who now gives a code.

    Args:
        tx: the transaction.
        login: the session that waits for the code.
        check: whether the code is right.

    Returns:
        The secret of the session, a new one; None if the code was wrong, which counts as a wrong attempt, or the account is locked.
    """
    user = _own(tx)
    if not _may_try(tx, user):
        return None
    if not check(user):
        failed_code(tx, user)
        return None
    method = login.method if login.method == PROVIDER else CODE
    enter(tx, user, method=method)
    return renew_session(tx, login.id, method=method)


def prove_again(tx: Transaction, login: Login, check: Check) -> str | None:
    """Proves anew who the person is; see `finish_login`."""
    user = _own(tx)
    if not _may_try(tx, user):
        return None
    if not check(user):
        failed_code(tx, user)
        return None
    user.failed_logins = 0
    note(tx, "login.proven", object_type="user", object_id=user.id)
    return renew_session(tx, login.id)


def enable_second_factor(tx: Transaction, login: Login, check: Check, put: Change) -> str | None:
    """Switches the second factor of the person who acts on, once the first code shows that it works.

    Every other session of the account ends.

    Args:
        tx: the transaction.
        login: the present session.
        check: whether the code is right for the new secret.
        put: keeps the secret.

    Returns:
        The new secret of the session; None if the code was wrong.

    Raises:
        Conflict: it is on already.
    """
    user = _own(tx)
    if user.tf_totp_secret:
        raise Conflict(
            N_("The second factor is on already."), remedy=N_("To move it to another telephone, switch it off and set it up anew.")
        )
    if not check(user):
        return None
    put(user)
    end_sessions(tx, user.id, but=login.id)
    note(tx, "totp.enabled", object_type="user", object_id=user.id, detail={"name": user.name})
    return renew_session(tx, login.id)


def disable_second_factor(tx: Transaction, login: Login, take: Change) -> str:
    """Switches the second factor of the person who acts off.

    Returns:
        The new secret of the session.

    Raises:
        Conflict: a role of the person demands it.
    """
    user = _own(tx)
    demanding = sorted(tx.actor.roles & set(tx.archive.settings.accounts.two_factor_required_roles))
    if demanding:
        raise Conflict(
            N_("The role “{subject}” demands a second factor, so it cannot be switched off."),
            subject=demanding[0],
            remedy=N_("To move it to another telephone, ask the system administrator to reset it."),
        )
    take(user)
    end_sessions(tx, user.id, but=login.id)
    note(tx, "totp.disabled", object_type="user", object_id=user.id, detail={"name": user.name})
    return renew_session(tx, login.id)


def renew_recovery_codes(tx: Transaction, make: Change) -> None:
    """Gives the person who acts new recovery codes; the former ones are worth nothing then.

    Raises:
        Conflict: there is no second factor.
    """
    user = _own(tx)
    if not user.tf_totp_secret:
        raise Conflict(N_("The second factor is off."), remedy=N_("Switch it on first."))
    make(user)
    note(tx, "totp.codes", object_type="user", object_id=user.id, detail={"name": user.name})


def reset_second_factor(tx: Transaction, name: str) -> None:
    """Switches somebody's second factor off who lost the telephone; every session of the account ends.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
        NotFound: no such account.
        Conflict: one of the three administrators; only who holds the home folder may.
    """
    tx.require(Permission.USER_MANAGE)
    user = named(tx, name)
    if is_administrator(user) and not tx.actor.unrestricted:
        raise Conflict(
            N_("“{subject}” is one of the three administrators: no other administrator takes the second factor from them."),
            subject=user.name,
            remedy=N_("Use “jingui user totp-off” on the server."),
        )
    user.tf_primary_method = None
    user.tf_totp_secret = None
    user.tf_last_counter = None
    user.mf_recovery_codes = []
    end_sessions(tx, user.id)
    note(tx, "totp.disabled", object_type="user", object_id=user.id, detail={"name": user.name, "reset": True})


def _may_try(tx: Transaction, user: User) -> bool:
    if user.active and not is_locked(tx, user):
        return True
    note(tx, "login.failed", outcome=REFUSED, object_type="user", object_id=user.id, detail={"name": user.name, "reason": "locked"})
    return False


def _own(tx: Transaction) -> User:
    """The account of the person who acts, locked against attempts at the same moment."""
    user = tx.session.scalar(select(User).where(User.id == tx.actor.id).with_for_update(of=User).execution_options(populate_existing=True))
    if user is None:
        raise NotFound(N_("This account is gone."), subject=tx.actor.name)
    return user
