"""The page itself: what each part shows to this person, and the charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import format_datetime, gettext
from sqlalchemy import select

from repository.holdings import Audit, Record, Submission, SubmissionState
from repository.permissions import Permission, Role
from repository.recordkeeping.sharing import CLASS_WORDS
from repository.search.saved import Saved, saved_searches
from repository.transaction import Transaction
from repository.visibility import record_condition, submission_condition
from repository.web import charts, session
from repository.web.charts import Bar, Columns, Item, Segment, Series
from repository.web.dashboard import holdings, people, system
from repository.web.dashboard.holdings import Held
from repository.web.dashboard.waiting import Matter, waiting

#: Rows of the lists of the page.
_ROWS = 6


@dataclass(frozen=True, kw_only=True)
class Latest:
    """A submission as the page shows it.

    Args:
        submission: the row.
        reason: of a rejection: the first thing found, as template and values; else None.
    """

    submission: Submission
    reason: tuple[str, Mapping[str, Any]] | None


@dataclass(frozen=True, kw_only=True)
class StoreLine:
    """A store for the page.

    Args:
        name: its name.
        aips, bytes, owed: what it holds and lacks.
        free: room in bytes, or None where it does not tell.
        reached: whether it answers.
    """

    name: str
    aips: int
    bytes: int
    owed: int
    free: int | None
    reached: bool


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Everything the page shows; parts that are not for the asker are None or empty."""

    matters: Sequence[Matter]
    searches: bool
    held: Held | None
    latest: Sequence[Latest]
    saved: Sequence[Saved]
    recent: Sequence[Record]
    received: Columns | None
    year: bool
    stores: Sequence[StoreLine]
    coverage: Sequence[Segment]
    covered: Sequence[holdings.Coverage]
    last_audit: Audit | None
    formats: Sequence[Bar]
    sharing: Sequence[Segment]
    work: system.Work | None
    tools: Sequence[Any]
    accounts: people.Accounts | None
    today: people.Today | None


def dashboard(tx: Transaction, *, year: bool = False) -> Dashboard:
    """Puts the page together for the person who asks.

    Args:
        tx: the transaction; it only reads.
        year: whether submissions are counted by month instead of by day.
    """
    reads = session.may(Permission.RECORD_READ)
    takes_in = session.may(Permission.SUBMISSION_READ)
    administers = Role.SYSTEM_ADMINISTRATOR in tx.actor.roles
    # who only reads begins with the search
    searches = reads and not takes_in
    return Dashboard(
        matters=waiting(tx),
        searches=searches,
        held=holdings.held(tx) if reads else None,
        latest=_latest(tx) if takes_in else (),
        saved=saved_searches(tx)[:_ROWS] if reads else (),
        recent=_recent(tx) if searches else (),
        received=_received(tx, year=year) if takes_in else None,
        year=year,
        stores=_stores(tx),
        coverage=_coverage(tx),
        covered=holdings.coverage(tx),
        last_audit=_last_audit(tx) if session.may(Permission.AUDIT_READ) else None,
        formats=_formats(tx) if reads else (),
        sharing=_sharing(tx) if reads and not searches else (),
        work=system.work(tx),
        tools=system.lacking_tools() if administers else (),
        accounts=people.accounts(tx),
        today=people.today(tx),
    )


def _latest(tx: Transaction) -> Sequence[Latest]:
    rows = tx.session.scalars(
        select(Submission).where(submission_condition(tx.actor)).order_by(Submission.received_at.desc(), Submission.id).limit(_ROWS)
    )
    return [Latest(submission=row, reason=_reason(row)) for row in rows]


def _reason(row: Submission) -> tuple[str, Mapping[str, Any]] | None:
    if row.state != SubmissionState.REJECTED:
        return None
    failed = next((finding for finding in row.findings if finding.get("outcome") == "fail"), None)
    return (failed["message"], {"subject": failed["subject"], **failed["parameters"]}) if failed else None


def _recent(tx: Transaction) -> Sequence[Record]:
    statement = select(Record).where(record_condition(tx.actor)).order_by(Record.changed_at.desc(), Record.id.desc())
    return tx.session.scalars(statement.limit(_ROWS)).all()


def _received(tx: Transaction, *, year: bool) -> Columns:
    buckets = holdings.received(tx, year=year)
    labels = [_label(bucket.start, year=year) for bucket in buckets]
    return charts.columns(
        labels,
        [
            Series(name=gettext("stored"), values=[bucket.stored for bucket in buckets]),
            Series(name=gettext("under way, failed or held already"), values=[bucket.other for bucket in buckets]),
            Series(name=gettext("rejected"), values=[bucket.rejected for bucket in buckets]),
        ],
    )


def _label(moment: datetime, *, year: bool) -> str:
    return str(format_datetime(moment, "yyyy-MM" if year else "MM-dd"))


def _stores(tx: Transaction) -> Sequence[StoreLine]:
    rooms = {room.store: room for room in system.rooms(tx)}
    return [
        StoreLine(
            name=state.store.name,
            aips=state.aips,
            bytes=state.bytes,
            owed=state.owed,
            free=rooms[state.store.name].free,
            reached=rooms[state.store.name].reached,
        )
        for state in holdings.stores(tx)
    ]


def _coverage(tx: Transaction) -> Sequence[Segment]:
    stores = holdings.coverage(tx)
    days = tx.archive.settings.audit_ttl_days
    return charts.parts(
        [
            Item(label=gettext("read again within %(days)s days", days=days), value=sum(store.covered for store in stores)),
            Item(label=gettext("not yet, since it was written"), value=sum(store.never for store in stores)),
            Item(label=gettext("overdue"), value=sum(store.overdue for store in stores)),
        ]
        if stores
        else []
    )


def _last_audit(tx: Transaction) -> Audit | None:
    return tx.session.scalar(select(Audit).order_by(Audit.started_at.desc()).limit(1))


def _formats(tx: Transaction) -> Sequence[Bar]:
    found = holdings.formats(tx)
    items = [
        Item(
            label=each.name or gettext("not identified"),
            value=each.files,
            code=each.puid,
            address=url_for("access.records", format=each.puid) if each.puid else "",
        )
        for each in found
    ]
    return charts.bars(items, at_most=7, rest=gettext("others"))


def _sharing(tx: Transaction) -> Sequence[Segment]:
    found = holdings.sharing(tx)
    return charts.parts(
        [Item(label=gettext(CLASS_WORDS[each]), value=number) for each, number in found.items()] if any(found.values()) else []
    )
