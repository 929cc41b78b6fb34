"""The timetabled audit: every copy read again within its time, oldest first, spread evenly over the hours.

Every hour each store is asked which of its copies are due. Reading at an even rate, everything in a store takes the whole
period; a copy is due when reading at that rate must have reached it by now, or a copy behind it would be late. So what came
in on one day is not read again on one day, what is already late is read first, and nothing is read more often than it must
be. When a copy was read last stands with the copy (`Copy.checked_at`): a timetable that was switched off for a while, or a
machine that was, goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import case, func, null, select

from preservation.audits import Scope, Selection, start
from preservation.fixity import why_away
from repository.holdings import Aip, Audit, AuditOutcome, Copy, CopyState
from repository.permissions import Actor
from repository.transaction import Transaction

if TYPE_CHECKING:
    from repository.archive import Archive

#: The kind of the job that the schedule enqueues.
JOB_KIND: Final = "preservation.audits"
#: Planned is less time than allowed, so that a day on which nothing runs makes no copy late.
_PLANNED: Final = 0.9
#: What opening a file costs, in bytes that could be read meanwhile.
_FILE_COST: Final = 64 * 1024
#: Something is read at least so often, however little there is: a silent auditor is an alarm.
_LONGEST_SILENCE: Final = timedelta(hours=20)


class DueCopy(NamedTuple):
    """A copy in one store, as the timetable sees it.

    Args:
        record_id: whose package.
        bytes: of its current version.
        cost: of reading it, in bytes.
        checked_at: when it was read last; None: never since it was last cleared.
    """

    record_id: str
    bytes: int
    cost: int
    checked_at: datetime | None


def begin(archive: Archive, actor: Actor) -> list[str]:
    """Asks for the audits of this hour, one a store; gives their ids.

    A store that is away is left out: nothing can be said of its copies, and that it is away is told otherwise.
    """
    begun = []
    for store in archive.stores:
        if why_away(store.root):
            continue
        with archive.read(actor) as tx:
            listed = [
                copy.record_id
                for copy in due(
                    tuple(_copies(tx, store.name)),
                    now=tx.now,
                    period=timedelta(days=archive.settings.audit_ttl_days) * _PLANNED,
                    budget=archive.settings.audit_bytes_per_hour,
                    at_least_one=_is_long_silent(tx, store.name),
                )
            ]
        if listed:
            with archive.transaction(actor) as tx:
                begun.append(start(tx, Selection(scope=Scope.TIMETABLE, records=tuple(listed), store=store.name)))
    return begun


def due(copies: Sequence[DueCopy], *, now: datetime, period: timedelta, budget: int, at_least_one: bool = False) -> Iterable[DueCopy]:
    """The copies to be read in this hour.

    Args:
        copies: all of one store, the one that was not read for longest first.
        now: the moment.
        period: in which each is to be read again.
        budget: bytes to be read at most; but the first is read however large it is.
        at_least_one: whether something is to be read in any case.
    """
    total = sum(copy.cost for copy in copies)
    # how much of the list, from its beginning, must have been read by now
    needed, passed = 0.0, 0
    for copy in copies:
        passed += copy.cost
        left = (copy.checked_at + period - now) if copy.checked_at is not None else timedelta(0)
        needed = max(needed, passed - total * (left / period))
    passed = read = 0
    for number, copy in enumerate(copies):
        passed, read = passed + copy.cost, read + copy.bytes
        if number and read > budget:
            return
        if passed > needed and not (at_least_one and not number):
            return
        yield copy


def _copies(tx: Transaction, store: str) -> Iterator[DueCopy]:
    checked_at = case((Copy.state == CopyState.NOT_CHECKED, null()), else_=Copy.checked_at)
    statement = (
        select(Aip.record_id, Aip.bytes, Aip.files, checked_at)
        .join(Copy, Copy.aip_id == Aip.id)
        .where(Copy.store == store)
        .order_by(checked_at.asc().nulls_first(), Aip.id)
    )
    for record_id, size, files, moment in tx.session.execute(statement.execution_options(yield_per=10_000)):
        yield DueCopy(record_id, size, size + files * _FILE_COST, moment)


def _is_long_silent(tx: Transaction, store: str) -> bool:
    """Whether no copy of the store was audited for so long that somebody would soon be told."""
    since = tx.now - _LONGEST_SILENCE
    statement = (
        select(func.count())
        .select_from(AuditOutcome)
        .join(Audit, Audit.id == AuditOutcome.audit_id)
        .where(Audit.started_at >= since, AuditOutcome.store == store)
    )
    return not tx.session.scalar(statement)
