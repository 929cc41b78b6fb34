"""Passwords for those who lost theirs, in such a way that no administrator takes over what another one may do.

Whoever gives somebody a password can log in as that person. For most accounts the system administrator does it alone,
the person is told, and the password works once. For one of the three administrators it takes two others with different
roles: one asks and one confirms, each sees one half of the password, and the owner puts the halves together.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from repository.accounts.lookup import named
from repository.accounts.passwords import give_password
from repository.accounts.roles import effective_roles, is_administrator, usable_roles
from repository.accounts.tables import PasswordReset, User
from repository.accounts.users import end_access
from repository.errors import Conflict, NotFound, PermissionDenied
from repository.findings import N_
from repository.logbook.recording import note
from repository.notices.happenings import password_replaced
from repository.notices.kinds import Kind, Severity
from repository.notices.sending import tell
from repository.permissions import ADMINISTRATORS, Permission

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: How long a wish waits for its confirmation.
WAITS: Final = timedelta(hours=24)

#: Without those that look like others when read aloud or from paper.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz"
_DIGITS: Final = "23456789"
_GROUP: Final = 5


@dataclass(frozen=True, kw_only=True)
class PendingReset:
    """A wish that waits.

    Args:
        id: of the wish.
        name: the account whose password is to be replaced.
        requested_by: name of the administrator who asked.
        row: with the moment it was made.
        confirmable: whether the asker may confirm it.
    """

    id: str
    name: str
    requested_by: str
    row: PasswordReset
    confirmable: bool


def one_time_password(length: int = 0, *, groups: int = 4) -> str:
    """A password to be typed once: groups of a capital, small letters and a digit, 21 bits of chance in each.

    Args:
        length: fewest characters.
        groups: fewest groups.
    """
    return "-".join(_group() for _ in range(max(groups, -(-(length + 1) // (_GROUP + 1)))))


def reset_password(tx: Transaction, name: str) -> str:
    """Gives an account a one-time password, ends its logins and tokens, and tells the person.

    Returns:
        The password, which is kept nowhere and cannot be shown again.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
        NotFound: no such account.
        Conflict: the own account, or one of the three administrators', which two others reset together.
    """
    tx.require(Permission.USER_MANAGE)
    user = named(tx, name)
    _refuse_own(tx, user)
    if is_administrator(user) and not tx.actor.unrestricted:
        raise Conflict(
            N_("“{subject}” is one of the three administrators: nobody replaces such a password alone."),
            subject=user.name,
            remedy=N_("Ask for the reset on the page of the account; an administrator with another role confirms it."),
        )
    password = one_time_password(tx.archive.settings.accounts.password_length)
    _replace(tx, user, password)
    note(tx, "user.reset", object_type="user", object_id=user.id, detail={"name": user.name})
    return password


def request_reset(tx: Transaction, name: str) -> str:
    """Asks that the password of one of the three administrators be replaced.

    Returns:
        The first half of the future password, shown to who asks, once.

    Raises:
        PermissionDenied: without `Permission.ADMINISTRATOR_RESET`.
        NotFound: no such account.
        Conflict: the own account; one that is nobody's of the three; a wish is waiting already; the command line.
    """
    tx.require(Permission.ADMINISTRATOR_RESET)
    user = named(tx, name)
    _refuse_own(tx, user)
    if tx.actor.unrestricted:
        raise Conflict(
            N_("On the command line nobody needs to confirm a reset."),
            subject=user.name,
            remedy=N_("Use “jingui user reset {subject}”."),
        )
    if not is_administrator(user):
        raise Conflict(
            N_("“{subject}” is none of the three administrators."),
            subject=user.name,
            remedy=N_("The system administrator replaces this password alone."),
        )
    waiting = tx.session.scalar(select(PasswordReset).where(PasswordReset.user_id == user.id))
    if waiting is not None and tx.now - waiting.requested_at < WAITS:
        raise Conflict(
            N_("A reset for “{subject}” waits for its confirmation already."),
            subject=user.name,
            remedy=N_("Have it confirmed, or withdraw it and ask again."),
        )
    if waiting is not None:
        tx.session.delete(waiting)
        tx.session.flush()
    half = _half(tx)
    wish = PasswordReset(id=tx.archive.new_id(), user_id=user.id, requested_by=tx.actor.id, first_half=half, requested_at=tx.now)
    tx.session.add(wish)
    tx.session.flush()
    _tell(tx, user, N_("{name} asked to replace your password; another administrator must confirm it. Refuse it if you do not want that."))
    note(tx, "user.reset.asked", object_type="user", object_id=user.id, detail={"name": user.name})
    return half


def confirm_reset(tx: Transaction, reset_id: str) -> str:
    """Replaces the password as another administrator asked.

    Returns:
        The second half of the password, shown to who confirms, once: the password is the first half, a hyphen, the second.

    Raises:
        PermissionDenied: without `Permission.ADMINISTRATOR_RESET`.
        NotFound: there is no such wish, or it waited for too long.
        Conflict: the asker is the owner, made the wish, or holds the same role as who made it; or that one is no
            administrator any more.
    """
    tx.require(Permission.ADMINISTRATOR_RESET)
    wish = _waiting(tx, reset_id)
    if not _may_confirm(tx, wish):
        raise Conflict(
            N_("You cannot confirm this reset for “{subject}”."),
            subject=wish.user.name,
            remedy=N_("It takes an administrator who did not ask for it, does not own the account, and has another role than who asked."),
        )
    user = wish.user
    half = _half(tx)
    password = f"{wish.first_half}-{half}"
    asked_by = wish.requester.name
    tx.session.delete(wish)
    _replace(tx, user, password)
    note(tx, "user.reset.confirmed", object_type="user", object_id=user.id, detail={"name": user.name, "asked_by": asked_by})
    return half


def refuse_reset(tx: Transaction, reset_id: str) -> None:
    """Ends a wish without replacing anything; any administrator may, the owner and who made it among them.

    Raises:
        PermissionDenied, NotFound: not allowed; no such wish.
    """
    tx.require(Permission.ADMINISTRATOR_RESET)
    wish = _waiting(tx, reset_id)
    note(tx, "user.reset.refused", object_type="user", object_id=wish.user_id, detail={"name": wish.user.name})
    tx.session.delete(wish)


def pending_resets(tx: Transaction) -> Sequence[PendingReset]:
    """The wishes that wait, the latest first.

    Raises:
        PermissionDenied: without `Permission.ADMINISTRATOR_RESET`.
    """
    tx.require(Permission.ADMINISTRATOR_RESET)
    statement = select(PasswordReset).where(PasswordReset.requested_at > tx.now - WAITS).order_by(PasswordReset.requested_at.desc())
    return [
        PendingReset(id=wish.id, name=wish.user.name, requested_by=wish.requester.name, row=wish, confirmable=_may_confirm(tx, wish))
        for wish in tx.session.scalars(statement)
    ]


def _waiting(tx: Transaction, reset_id: str) -> PasswordReset:
    wish = tx.session.get(PasswordReset, reset_id)
    if wish is None or tx.now - wish.requested_at >= WAITS:
        raise NotFound(
            N_("There is no such reset any more."), subject=reset_id, remedy=N_("It was confirmed, refused or too old; ask for a new one.")
        )
    return wish


def _may_confirm(tx: Transaction, wish: PasswordReset) -> bool:
    """A third person, with another of the three roles than who asked, who must still be one of them."""
    asked = usable_roles(effective_roles(wish.requester)) & ADMINISTRATORS if wish.requester.active else frozenset()
    mine = tx.actor.roles & ADMINISTRATORS
    return bool(asked and mine) and not asked & mine and tx.actor.id not in (wish.user_id, wish.requested_by)


def _replace(tx: Transaction, user: User, password: str) -> None:
    give_password(tx, user, password, must_change=True)
    end_access(tx, user)
    _tell(tx, user, N_("{name} replaced your password. If you did not ask for that, tell the audit administrator."))
    password_replaced(tx, user)


def _tell(tx: Transaction, user: User, template: str) -> None:
    tell(
        tx,
        user.id,
        kind=Kind.ACCOUNT_RESET,
        template=template,
        values={"name": tx.actor.name},
        path="/admin/resets" if is_administrator(user) else "/account",
        severity=Severity.WARNING,
    )


def _refuse_own(tx: Transaction, user: User) -> None:
    if tx.actor.scopes is not None:
        raise PermissionDenied(Permission.ADMINISTRATOR_RESET)
    if user.id == tx.actor.id:
        raise Conflict(
            N_("“{subject}” is your own account."), subject=user.name, remedy=N_("Change your password on the page of your account.")
        )


def _half(tx: Transaction) -> str:
    """Half of a password of which two people know a half each."""
    return one_time_password(-(-tx.archive.settings.accounts.password_length // 2), groups=2)


def _group() -> str:
    """A capital letter, small letters and a digit."""
    small = "".join(secrets.choice(_LETTERS) for _ in range(_GROUP - 2))
    return secrets.choice(_LETTERS).upper() + small + secrets.choice(_DIGITS)
