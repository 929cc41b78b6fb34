"""Reading one's own notices, and choosing how one wants to be told. Nobody reads another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, or_, select, update

from repository.accounts.preferences import remember
from repository.accounts.tables import User
from repository.errors import NotFound, UsageError
from repository.findings import N_
from repository.notices.kinds import KINDS, Channel, Kind
from repository.notices.sending import channel_of
from repository.notices.tables import Notice

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Notices on one page.
PAGE: Final = 40


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A page of notices, the newest first.

    Args:
        notices: those of this page.
        unread: how many are unread in all.
        following: where the next page begins, or empty.
    """

    notices: Sequence[Notice]
    unread: int
    following: str


def inbox(tx: Transaction, *, unread_only: bool = False, after: str = "", limit: int = PAGE) -> Inbox:
    """The asker's own notices.

    Args:
        tx: the transaction.
        unread_only: leave out what was read.
        after: `Inbox.following` of the page before.
        limit: of one page.
    """
    statement = select(Notice).where(Notice.user_id == tx.actor.id)
    if unread_only:
        statement = statement.where(Notice.read_at.is_(None))
    last = tx.session.get(Notice, after) if after else None
    if last is not None and last.user_id == tx.actor.id:
        earlier = or_(Notice.created_at < last.created_at, and_(Notice.created_at == last.created_at, Notice.id < last.id))
        statement = statement.where(earlier)
    found = tx.session.scalars(statement.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit + 1)).all()
    return Inbox(notices=found[:limit], unread=unread_count(tx), following=found[limit - 1].id if len(found) > limit else "")


def unread_count(tx: Transaction) -> int:
    """How many of the asker's own notices are unread."""
    statement = select(func.count()).select_from(Notice).where(Notice.user_id == tx.actor.id, Notice.read_at.is_(None))
    return tx.session.scalar(statement) or 0


def mark_read(tx: Transaction, notice_id: str) -> str:
    """Marks one of the asker's own notices as read.

    Returns:
        Where in the console it leads, or empty.

    Raises:
        NotFound: there is no such notice for the asker.
    """
    notice = tx.session.get(Notice, notice_id)
    if notice is None or notice.user_id != tx.actor.id:
        raise NotFound(N_("There is no notice {subject}."), subject=notice_id)
    notice.read_at = notice.read_at or tx.now
    return notice.path


def mark_all_read(tx: Transaction) -> None:
    """Marks all of the asker's own notices as read."""
    statement = update(Notice).where(Notice.user_id == tx.actor.id, Notice.read_at.is_(None)).values(read_at=tx.now)
    tx.session.execute(statement)


def choices(tx: Transaction) -> Mapping[Kind, Channel]:
    """How the asker is told of each kind that may ever concern the asker; nothing for who has no account."""
    user = tx.session.get(User, tx.actor.id)
    if user is None:
        return {}
    return {kind: channel_of(user, kind) for kind, about in KINDS.items() if about.concerns(tx.actor)}


def own_address(tx: Transaction) -> str:
    """The asker's own mail address, or empty."""
    user = tx.session.get(User, tx.actor.id)
    return user.email if user is not None else ""


def choose(tx: Transaction, wanted: Mapping[str, str]) -> None:
    """Keeps how the asker wants to be told.

    Args:
        tx: the transaction.
        wanted: kind to channel; kinds that are not named stay as they are.

    Raises:
        UsageError: an unknown kind or channel, or `Channel.NONE` for what concerns the own account's safety.
    """
    chosen = {str(kind): str(channel) for kind, channel in choices(tx).items()}
    for kind, channel in wanted.items():
        if kind not in chosen or channel not in set(Channel):
            raise UsageError(N_("“{subject}” cannot be chosen here."), subject=f"{kind}: {channel}")
        if channel == Channel.NONE and KINDS[Kind(kind)].kept:
            raise UsageError(N_("What concerns the safety of your own account cannot be switched off."))
        chosen[kind] = channel
    remember(tx, "notices", chosen)
