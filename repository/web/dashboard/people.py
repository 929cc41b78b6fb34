"""What security and audit administrators look after: accounts that need a decision, and what the logbook says of today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from repository.accounts.roles import effective_roles
from repository.accounts.tables import ApiToken, User
from repository.logbook.recording import REFUSED
from repository.logbook.tables import LogEntry
from repository.permissions import Permission, allows
from repository.transaction import Transaction

#: A token that ends within this time is announced.
SOON: Final = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Accounts, as far as somebody must look at them.

    Args:
        active: accounts that can log in.
        without_roles: of those, how many may do nothing.
        locked: how many are locked after wrong passwords.
        tokens_ending: API tokens that end soon.
    """

    active: int
    without_roles: int
    locked: int
    tokens_ending: int


@dataclass(frozen=True, kw_only=True)
class Today:
    """What the logbook has of today, and how long it is.

    Args:
        entries, failed_logins, refusals: since midnight in the archive's time zone.
        lines: in all.
    """

    entries: int
    failed_logins: int
    refusals: int
    lines: int


def accounts(tx: Transaction) -> Accounts | None:
    """The accounts; None for who may not know of them."""
    if not allows(tx.actor, Permission.USER_READ):
        return None
    users = tx.session.scalars(select(User).where(User.active).options(selectinload(User.groups))).all()
    tokens = select(func.count()).select_from(ApiToken).join(User, User.id == ApiToken.user_id)
    ending = tokens.where(User.active, ApiToken.revoked_at.is_(None), ApiToken.expires_at > tx.now, ApiToken.expires_at < tx.now + SOON)
    return Accounts(
        active=len(users),
        without_roles=sum(not effective_roles(user) for user in users),
        locked=sum(user.locked_until is not None and user.locked_until > tx.now for user in users),
        tokens_ending=tx.session.scalar(ending) or 0,
    )


def today(tx: Transaction) -> Today | None:
    """What the logbook has of today; None for who may not read it."""
    if not allows(tx.actor, Permission.LOG_READ):
        return None
    zone = ZoneInfo(tx.archive.settings.time_zone)
    midnight = tx.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    of_today = select(func.count()).select_from(LogEntry).where(LogEntry.at >= midnight)
    return Today(
        entries=tx.session.scalar(of_today) or 0,
        failed_logins=tx.session.scalar(of_today.where(LogEntry.action == "login.failed")) or 0,
        refusals=tx.session.scalar(of_today.where(LogEntry.outcome == REFUSED)) or 0,
        lines=tx.session.scalar(select(func.max(LogEntry.sequence))) or 0,
    )
