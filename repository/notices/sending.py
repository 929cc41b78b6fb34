"""Telling people: a notice is written in the transaction of what it is about, so that neither is without the other.

The accounts tell people of what concerns them, so they are imported here only when somebody is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from repository.notices.kinds import KINDS, Channel, Kind, Severity
from repository.notices.tables import Notice
from repository.permissions import Permission, Role, allows

if TYPE_CHECKING:
    from repository.accounts.tables import User
    from repository.transaction import Transaction

#: The kind of the job that mails what waits.
MAIL_JOB = "notices.mail"


def tell(
    tx: Transaction,
    user_id: str,
    *,
    kind: str,
    template: str,
    values: Mapping[str, Any] | None = None,
    path: str = "",
    severity: str = Severity.INFO,
) -> str | None:
    """Tells one person, in the way that person has chosen for this kind.

    Args:
        tx: the transaction of what it is about.
        user_id: the account; one that is gone or closed is told nothing.
        kind: what it is about (`Kind`).
        template: English sentence, marked with `N_`, with places for the values; it is told in the reader's language.
        values: JSON; only what this person may see.
        path: where in the console it can be dealt with.
        severity: how grave it is (`Severity`).

    Returns:
        The id of the notice, or None where the person wants to hear nothing of it.
    """
    from repository.accounts.tables import User

    user = tx.session.get(User, user_id)
    if user is None or not user.active:
        return None
    return _write(tx, user, Kind(kind), template, values or {}, path, Severity(severity))


def tell_holders(
    tx: Transaction,
    permission: Permission,
    obj: object = None,
    *,
    kind: str,
    template: str,
    values: Mapping[str, Any] | None = None,
    path: str = "",
    severity: str = Severity.INFO,
    roles: Collection[Role] = (),
    but: Collection[str] = (),
) -> int:
    """Tells everybody who may do this, to this object if one is given.

    Args:
        permission: what they may do.
        obj: what to.
        roles: only those who hold one of these, if any are named.
        but: ids of accounts that are told already.
        tx, kind, template, values, path, severity: as for `tell`.

    Returns:
        How many were told.
    """
    from repository.accounts.roles import actor_of
    from repository.accounts.tables import User

    told = 0
    accounts = select(User).where(User.active).options(selectinload(User.agency), selectinload(User.groups)).order_by(User.name)
    for user in tx.session.scalars(accounts):
        actor = actor_of(user)
        if user.id in but or (roles and not actor.roles & frozenset(roles)) or not allows(actor, permission, obj):
            continue
        if _write(tx, user, Kind(kind), template, values or {}, path, Severity(severity)) is not None:
            told += 1
    return told


def account_named(tx: Transaction, name: str) -> str | None:
    """The id of the open account of this name, or None; what the command line or a program caused has none."""
    from repository.accounts.tables import User

    return tx.session.scalar(select(User.id).where(User.name == name, User.active))


def channel_of(user: User, kind: Kind) -> Channel:
    """How a person wants to be told of a kind; what concerns the own account's safety is told in any case."""
    chosen = user.preferences.get("notices")
    wanted = chosen.get(str(kind)) if isinstance(chosen, Mapping) else None
    channel = Channel(wanted) if wanted in set(Channel) else KINDS[kind].usual
    return Channel.PAGE if channel is Channel.NONE and KINDS[kind].kept else channel


def _write(tx: Transaction, user: User, kind: Kind, template: str, values: Mapping[str, Any], path: str, severity: Severity) -> str | None:
    channel = channel_of(user, kind)
    if channel is Channel.NONE:
        return None
    by_mail = channel is Channel.MAIL and bool(user.email) and bool(tx.archive.settings.mail.host)
    notice = Notice(
        id=tx.archive.new_id(),
        user_id=user.id,
        kind=kind,
        severity=severity,
        template=template,
        values=dict(values),
        path=path,
        created_at=tx.now,
        channel=channel,
        mail_due_at=tx.now if by_mail else None,
        mail_attempts=0,
        mail_error="",
    )
    tx.session.add(notice)
    if by_mail:
        tx.enqueue(MAIL_JOB, {}, key=MAIL_JOB, again=True)
    return notice.id
