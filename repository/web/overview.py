"""What the dashboard shows, counted in the database and only over what the asker may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from repository.accounts.tables import User
from repository.holdings import Aip, Copy, File, Job, Record, RecordState, Submission, SubmissionState
from repository.permissions import Permission, allows
from repository.transaction import Transaction
from repository.visibility import submission_condition, visible_records


@dataclass(frozen=True, kw_only=True)
class FormatShare:
    """How many files have a format."""

    puid: str
    name: str
    files: int
    share: float


@dataclass(frozen=True, kw_only=True)
class StoreShare:
    """What one store holds and what is known of it."""

    name: str
    copies: int
    by_state: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The figures of the dashboard. Parts the asker may not see are empty."""

    records: int
    files: int
    bytes: int
    submissions: Mapping[str, int]
    recent: Sequence[Submission]
    jobs: Mapping[str, int]
    accounts: int
    formats: Sequence[FormatShare]
    stores: Sequence[StoreShare]


def overview(tx: Transaction) -> Overview:
    """Counts what there is to count for this actor."""
    seen = visible_records(select(Record.id).where(Record.state == RecordState.STORED), tx.actor).subquery()
    sums = select(func.count(), func.coalesce(func.sum(Aip.files), 0), func.coalesce(func.sum(Aip.bytes), 0))
    records, files, size = tx.session.execute(sums.select_from(Aip).join(seen, seen.c.id == Aip.record_id)).one()
    formats = tx.session.execute(
        select(File.puid, func.max(File.format_name), func.count().label("files"))
        .join(Aip, Aip.id == File.aip_id)
        .join(seen, seen.c.id == Aip.record_id)
        .where(File.role == "content")
        .group_by(File.puid)
        .order_by(func.count().desc())
        .limit(8)
    ).all()
    counted = max((row.files for row in formats), default=1)
    return Overview(
        records=records,
        files=files,
        bytes=int(size),
        submissions=_submissions(tx),
        recent=_recent(tx),
        jobs=_jobs(tx),
        accounts=_accounts(tx),
        formats=[FormatShare(puid=puid or "", name=name or "", files=number, share=number / counted) for puid, name, number in formats],
        stores=_stores(tx),
    )


def _submissions(tx: Transaction) -> Mapping[str, int]:
    if not allows(tx.actor, Permission.SUBMISSION_READ):
        return {}
    statement = select(Submission.state, func.count()).where(submission_condition(tx.actor)).group_by(Submission.state)
    counts = dict(tx.session.execute(statement).all())
    return {state: counts.get(state, 0) for state in SubmissionState if counts.get(state)}


def _recent(tx: Transaction) -> Sequence[Submission]:
    if not allows(tx.actor, Permission.SUBMISSION_READ):
        return ()
    return tx.session.scalars(
        select(Submission).where(submission_condition(tx.actor)).order_by(Submission.received_at.desc(), Submission.id).limit(8)
    ).all()


def _jobs(tx: Transaction) -> Mapping[str, int]:
    if not allows(tx.actor, Permission.JOB_READ):
        return {}
    statement = select(Job.state, func.count()).group_by(Job.state).order_by(Job.state)
    return dict(tx.session.execute(statement).all())


def _accounts(tx: Transaction) -> int:
    if not allows(tx.actor, Permission.USER_READ):
        return 0
    return tx.session.scalar(select(func.count()).select_from(User).where(User.active)) or 0


def _stores(tx: Transaction) -> Sequence[StoreShare]:
    if not allows(tx.actor, Permission.STORE_READ):
        return ()
    found: dict[str, dict[str, int]] = {store.name: {} for store in tx.archive.stores}
    for store, state, number in tx.session.execute(select(Copy.store, Copy.state, func.count()).group_by(Copy.store, Copy.state)):
        found.setdefault(store, {})[state] = number
    return [StoreShare(name=name, copies=sum(states.values()), by_state=states) for name, states in found.items()]
