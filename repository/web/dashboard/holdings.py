"""What the archive holds, in figures and charts, counted over what the asker may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import g
from sqlalchemy import case, func, select

from repository.holdings import Aip, Copy, File, Record, RecordState, Submission, SubmissionState
from repository.permissions import Permission, allows
from repository.recordkeeping.sharing import SharingClass, class_of
from repository.stores import StoreState, store_states
from repository.transaction import Transaction
from repository.visibility import record_condition, submission_condition
from repository.web.dashboard.counting import counted, seen

DAYS: Final = 30
MONTHS: Final = 12


@dataclass(frozen=True, kw_only=True)
class Held:
    """How much there is.

    Args:
        records, files: how many.
        bytes: in one copy.
    """

    records: int
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A day or a month, with the submissions received in it.

    Args:
        start: its first moment, in the archive's time zone.
        stored, rejected, other: how they ended; `other` has not ended, has failed, was cancelled or is a duplicate.
    """

    start: datetime
    stored: int
    rejected: int
    other: int


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """When the copies in a store were last read again in full.

    Args:
        store: its name.
        covered: within the time that the settings give.
        overdue: longer ago.
        never: never since they were written.
    """

    store: str
    covered: int
    overdue: int
    never: int


@dataclass(frozen=True, kw_only=True)
class FormatCount:
    """Files of content of one format; `puid` is empty for those that were not identified."""

    puid: str
    name: str
    files: int


def held(tx: Transaction) -> Held:
    """How much the asker may read."""
    condition = record_condition(tx.actor)

    def count() -> Held:
        sums = select(func.count(), func.coalesce(func.sum(Aip.files), 0), func.coalesce(func.sum(Aip.bytes), 0))
        statement = sums.select_from(Aip).join(Record, Record.id == Aip.record_id).where(condition)
        records, files, size = tx.session.execute(statement).one()
        return Held(records=records, files=int(files), bytes=int(size))

    return counted(tx, ("held", seen(condition)), count)


def formats(tx: Transaction) -> Sequence[FormatCount]:
    """Formats of the files the asker may read, the most frequent first."""
    condition = record_condition(tx.actor)

    everything = held(tx).records == (tx.session.scalar(select(func.count()).select_from(Aip)) or 0)

    def count() -> Sequence[FormatCount]:
        statement = select(File.puid, func.count()).where(File.role == "content")
        if not everything:
            # who may see every package needs no look at the records of a million files
            statement = statement.join(Aip, Aip.id == File.aip_id).join(Record, Record.id == Aip.record_id).where(condition)
        rows = tx.session.execute(statement.group_by(File.puid).order_by(func.count().desc())).all()
        names = {
            puid: tx.session.scalar(select(File.format_name).where(File.puid == puid, File.role == "content").limit(1)) or ""
            for puid, _ in rows[:12]
            if puid
        }
        return [FormatCount(puid=puid or "", name=names.get(puid, puid) if puid else "", files=files) for puid, files in rows]

    return counted(tx, ("formats", seen(condition)), count)


def sharing(tx: Transaction) -> Mapping[SharingClass, int]:
    """Records the asker may read, by who may read them."""
    condition = record_condition(tx.actor)

    def count() -> Mapping[SharingClass, int]:
        rows = tx.session.execute(
            select(Record.sharing, Record.security, func.count()).where(condition).group_by(Record.sharing, Record.security)
        )
        found: dict[SharingClass, int] = dict.fromkeys((each for each in SharingClass if each is not SharingClass.DESTROYED), 0)
        for shared, security, number in rows:
            found[class_of(sharing=shared, security=security, state=RecordState.STORED)] += number
        return found

    return counted(tx, ("sharing", seen(condition)), count)


def received(tx: Transaction, *, year: bool = False) -> Sequence[Bucket]:
    """Submissions the asker may see, by the day they came in the last 30 days, or by the month in the last 12; the earliest first."""
    if not allows(tx.actor, Permission.SUBMISSION_READ):
        return ()
    condition = submission_condition(tx.actor)
    starts = bucket_starts(tx.now, ZoneInfo(tx.archive.settings.time_zone), year=year)

    place = case(
        *((Submission.received_at < start.astimezone(UTC), number) for number, start in enumerate(starts[1:])), else_=len(starts) - 1
    )
    inner = select(place.label("place"), Submission.state).where(Submission.received_at >= starts[0].astimezone(UTC), condition).subquery()
    rows = tx.session.execute(select(inner.c.place, inner.c.state, func.count()).group_by(inner.c.place, inner.c.state))
    found = [{"stored": 0, "rejected": 0, "other": 0} for _ in starts]
    known: dict[str, str] = {SubmissionState.STORED: "stored", SubmissionState.REJECTED: "rejected"}
    for number, state, submissions in rows:
        found[number][known.get(str(state), "other")] += submissions
    return [Bucket(start=start, **values) for start, values in zip(starts, found, strict=True)]


def bucket_starts(now: datetime, zone: ZoneInfo, *, year: bool) -> list[datetime]:
    """The first moments of the last 30 days, or of the last 12 months, the earliest first; today or this month is the last."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if not year:
        return [today - timedelta(days=back) for back in reversed(range(DAYS))]
    months = [today.year * 12 + today.month - 1 - back for back in reversed(range(MONTHS))]
    return [today.replace(year=month // 12, month=month % 12 + 1, day=1) for month in months]


def stores(tx: Transaction) -> Sequence[StoreState]:
    """Every store with what it holds; nothing for who may not know of stores."""
    if not allows(tx.actor, Permission.STORE_READ):
        return ()
    return counted(tx, "stores", lambda: store_states(tx))


def coverage(tx: Transaction) -> Sequence[Coverage]:
    """When the copies in each store were last read again; nothing for who may not know of audits."""
    if not allows(tx.actor, Permission.AUDIT_READ):
        return ()
    # a page asks for it in several places
    if "coverage" not in g:
        g.coverage = _counted_coverage(tx)
    found: Sequence[Coverage] = g.coverage
    return found


def _counted_coverage(tx: Transaction) -> Sequence[Coverage]:
    limit = tx.now - timedelta(days=tx.archive.settings.audit_ttl_days)
    never = func.sum(case((Copy.checked_at.is_(None), 1), else_=0))
    overdue = func.sum(case((Copy.checked_at < limit, 1), else_=0))
    rows = tx.session.execute(select(Copy.store, func.count(), never, overdue).group_by(Copy.store))
    found = {store: (int(copies), int(missing), int(late)) for store, copies, missing, late in rows}
    names = [*(store.name for store in tx.archive.stores), *sorted(set(found) - {store.name for store in tx.archive.stores})]
    return [_coverage(name, *found.get(name, (0, 0, 0))) for name in names]


def _coverage(store: str, copies: int, never: int, overdue: int) -> Coverage:
    return Coverage(store=store, covered=copies - never - overdue, overdue=overdue, never=never)
