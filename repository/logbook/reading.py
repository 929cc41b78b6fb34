"""Reading the logbook, and proving that its chain holds. The audit administrator reads; anybody at the server may prove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, select, true

from repository.errors import UsageError
from repository.findings import N_
from repository.logbook.anchors import Anchor, anchors_in_ledger, kept_head
from repository.logbook.chain import GENESIS, Line, digest
from repository.logbook.tables import LogEntry
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.permissions import Actor
    from repository.transaction import Transaction

LIMIT: Final = 500
#: Where anchors are kept, for people.
PLACES: Final[Mapping[str, str]] = {"home": N_("the file in the home"), "ledger": N_("the ledger of events")}
_BATCH: Final = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LogQuery:
    """Which lines somebody wants.

    Args:
        person: name of who did it; empty: anybody.
        action: the word for what was done; a word that ends in a dot stands for all that begin with it (``record.``).
        object_id: the thing it was done to.
        outcome: how it ended.
        since: not before this moment.
        until: before this moment.
        before: only lines with a smaller number: the mark of the page before.
        limit: at most so many, up to `LIMIT`.
    """

    person: str = ""
    action: str = ""
    object_id: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, kw_only=True)
class LogPage:
    """Some lines, newest first.

    Args:
        lines: the rows.
        following: what to ask the next page with, or None on the last.
    """

    lines: Sequence[LogEntry]
    following: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """The first place at which the chain does not hold.

    Args:
        sequence: number of the line.
        template: what is wrong, English, marked with `N_`; the place ``{subject}`` is the line's number.
        values: values of further places; ``place`` is a key of `PLACES`.
    """

    sequence: int
    template: str
    values: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What a verification found.

    Args:
        lines: how many lines were read.
        anchors: how many heads kept elsewhere were compared.
        head: digest of the last line, hexadecimal; empty if there is none.
        broken: the first place at which it does not hold, or None.
    """

    lines: int
    anchors: int
    head: str
    broken: Break | None


def list_lines(tx: Transaction, query: LogQuery) -> LogPage:
    """A page of the logbook.

    Raises:
        PermissionDenied: without `Permission.LOG_READ`.
        UsageError: a limit out of range.
    """
    tx.require(Permission.LOG_READ)
    if not 1 <= query.limit <= LIMIT:
        raise UsageError(N_("A page of {subject} lines cannot be had; it is 1 to {most}."), subject=str(query.limit), most=LIMIT)
    statement = select(LogEntry).where(_condition(query)).order_by(LogEntry.sequence.desc()).limit(query.limit + 1)
    rows = tx.session.scalars(statement).all()
    shown = rows[: query.limit]
    return LogPage(lines=shown, following=shown[-1].sequence if len(rows) > query.limit else None)


def stream_lines(archive: Archive, actor: Actor, query: LogQuery) -> Iterator[LogEntry]:
    """Every line that the query asks for, newest first, a page at a time, whatever its limit.

    Raises:
        PermissionDenied: without `Permission.LOG_READ`; at the first line.
    """
    before = query.before
    while True:
        with archive.read(actor) as tx:
            page = list_lines(
                tx,
                LogQuery(
                    person=query.person,
                    action=query.action,
                    object_id=query.object_id,
                    outcome=query.outcome,
                    since=query.since,
                    until=query.until,
                    before=before,
                    limit=LIMIT,
                ),
            )
        yield from page.lines
        if page.following is None:
            return
        before = page.following


def known_actions(tx: Transaction) -> Sequence[str]:
    """The actions that occur in the logbook, in the order of the alphabet.

    Raises:
        PermissionDenied: without `Permission.LOG_READ`.
    """
    tx.require(Permission.LOG_READ)
    found: list[str] = []
    # one look into the index for each word, not one for each line
    while word := tx.session.scalar(
        select(LogEntry.action).where(LogEntry.action > (found[-1] if found else "")).order_by(LogEntry.action).limit(1)
    ):
        found.append(word)
    return found


def verify(archive: Archive, actor: Actor) -> Verification:
    """Reads the whole chain and compares it with the heads that are kept elsewhere (`repository.logbook.anchors`).

    It tells no contents, so it needs no permission; the shell offers it to the audit administrator and at the command line.
    """
    anchors: list[Anchor] = []
    unusable: Break | None = None
    try:
        # before the lines: what is written while they are read must not look cut off
        kept = kept_head(archive)
    except ValueError:
        kept = None
        unusable = Break(sequence=0, template=N_("The file in the home that keeps the head of the logbook cannot be read."), values={})
    if kept is not None:
        anchors.append(kept)
    with archive.read(actor) as tx:
        try:
            anchors += anchors_in_ledger(tx)
        except ValueError:
            unusable = Break(sequence=0, template=N_("An anchor of the logbook in the ledger of events cannot be read."), values={})
        wanted = {anchor.lines: b"" for anchor in anchors}
        number, head, broken = _follow(tx, wanted)
    return Verification(
        lines=number,
        anchors=len(anchors),
        head=head.hex() if number else "",
        broken=broken or _contradiction(anchors, wanted, number) or unusable,
    )


def _follow(tx: Transaction, wanted: dict[int, bytes]) -> tuple[int, bytes, Break | None]:
    """Goes along the chain to its end or to the first line that does not fit; fills in the digests of the wanted lines."""
    number, previous = 0, GENESIS
    while rows := tx.session.scalars(select(LogEntry).where(LogEntry.sequence > number).order_by(LogEntry.sequence).limit(_BATCH)).all():
        for row in rows:
            if row.sequence != number + 1:
                return number, previous, Break(sequence=number + 1, template=N_("Line {subject} is missing."), values={})
            if row.previous_digest != previous:
                return (
                    number,
                    previous,
                    Break(sequence=row.sequence, template=N_("Line {subject} does not follow the line before it."), values={}),
                )
            if digest(row.sequence, line_of(row), previous) != row.digest:
                return number, previous, Break(sequence=row.sequence, template=N_("Line {subject} is not as it was written."), values={})
            number, previous = row.sequence, row.digest
            if number in wanted:
                wanted[number] = previous
        tx.session.expunge_all()
    return number, previous, None


def _contradiction(anchors: Sequence[Anchor], found: dict[int, bytes], lines: int) -> Break | None:
    for anchor in sorted(anchors, key=lambda anchor: anchor.lines):
        if anchor.lines > lines:
            return Break(
                sequence=lines + 1,
                template=N_("Line {subject} is missing: there were {lines} lines once, as {place} tells."),
                values={"lines": str(anchor.lines), "place": anchor.kept},
            )
        if anchor.lines and found[anchor.lines].hex() != anchor.digest:
            return Break(
                sequence=anchor.lines,
                template=N_("Line {subject} or one before it was written anew: its digest is not the one that {place} tells."),
                values={"place": anchor.kept},
            )
    return None


def line_of(row: LogEntry) -> Line:
    """What a row says, without its place in the chain."""
    return Line(
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        outcome=row.outcome,
        address=row.address,
        request_id=row.request_id,
        detail=row.detail,
    )


def _condition(query: LogQuery) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    exact: dict[Any, str] = {LogEntry.actor_name: query.person, LogEntry.object_id: query.object_id, LogEntry.outcome: query.outcome}
    conditions += [column == value for column, value in exact.items() if value]
    if query.action.endswith("."):
        conditions.append(LogEntry.action.startswith(query.action, autoescape=True))
    elif query.action:
        conditions.append(LogEntry.action == query.action)
    if query.since is not None:
        conditions.append(LogEntry.at >= query.since)
    if query.until is not None:
        conditions.append(LogEntry.at < query.until)
    if query.before is not None:
        conditions.append(LogEntry.sequence < query.before)
    return and_(*conditions)
