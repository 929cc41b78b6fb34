"""Finding records: the use case behind the console's search, the API and ``jingui search``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import selectinload

from repository.errors import UsageError
from repository.findings import N_
from repository.holdings import Aip, File, Record
from repository.logbook.circumstances import tell
from repository.permissions import Permission, tier_of
from repository.recordkeeping.sharing import LISTED_REASONS, Tier, class_of
from repository.search.base import index_of
from repository.search.counting import COLUMNS, FacetValue, count_found
from repository.search.highlighting import Segment, highlight
from repository.search.language import Comparison, Question, Term, TextField, ValueField, understand
from repository.search.listing import found_condition
from repository.search.order import Order, Sort, order_of
from repository.search.rules import Rule, rule_condition
from repository.search.snippets import snippet_of
from repository.transaction import Transaction

LIMIT: Final = 200
#: Values a facet lists, the commonest first.
FACET_VALUES: Final = 50

#: What a search can be narrowed by, and what can be counted.
FILTERS: Final = (*COLUMNS, "format")
#: Records that `next_records` reads at a time.
_BATCH: Final = 1000
#: From so many files of a format on, records are asked for them one by one.
_MANY_FILES: Final = 5_000
#: What is counted unless something else is asked for.
USUAL_FACETS: Final = ("unit", "affair_type", "year", "retention")


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """What somebody looks for.

    Args:
        text: in the query language (`repository.search.language`); empty: everything.
        filters: by filter (`FILTERS`), the values of which one must apply.
        rules: rules of record-keeping that all must apply (`repository.search.rules`).
        since: changed after this moment.
        until: changed at this moment or before.
        sort: in which order.
        limit: at most so many records, up to `LIMIT`.
        after: `SearchResult.after` of the page before.
        before: `SearchResult.before` of the page after; not together with `after`.
    """

    text: str = ""
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    rules: Collection[Rule] = ()
    since: datetime | None = None
    until: datetime | None = None
    sort: Sort = Sort.LATEST
    limit: int = 20
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRecord:
    """A record as a list shows it; `snippet` is where in its description the words stand, or how its abstract begins.

    Of one with the tier `Tier.LISTED` there are the title, agency, year and sharing class; everything else is empty.
    """

    id: str
    identifier: str | None
    title: str
    highlighted: tuple[Segment, ...]
    snippet: tuple[Segment, ...]
    unit: str
    affair: str
    affair_type: str
    year: str
    retention: str
    sharing: str
    changed_at: datetime | None
    fonds: str
    case_number: str
    security: str
    profile: str
    agreement: str
    files: int
    bytes: int
    stored_at: datetime | None
    tier: Tier
    #: why no more is shown: English, marked with `N_`; empty where it may be read
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """A page of what was found.

    Args:
        records: of this page.
        total: number of records in all pages.
        exact: whether it is; else there are more than `total`.
        after: what to ask the next page with, or None on the last.
        before: what to ask the page before with, or None on the first.
        facets: counts, by filter; those that would have taken too long are left out.
    """

    records: Sequence[FoundRecord]
    total: int
    exact: bool
    after: str | None
    before: str | None
    facets: Mapping[str, Sequence[FacetValue]]


def find_records(
    tx: Transaction, query: SearchQuery, *, facets: Sequence[str] = USUAL_FACETS, insist: Collection[str] = ()
) -> SearchResult:
    """Finds the records that the actor may see and that the query asks for.

    Args:
        tx: the transaction; reading is enough.
        query: what is asked.
        facets: the filters to count values of.
        insist: those of them to count however many records there are (`repository.search.counting`).

    Raises:
        PermissionDenied: without `Permission.RECORD_READ`.
        UsageError: an unknown filter, a page that is none, a limit out of range.
    """
    tx.require(Permission.RECORD_READ)
    _check(query, facets)
    question = understand(query.text)
    asked, limits = _condition(tx, question), tuple(_limits(tx, query))
    filters = {name: values for name, values in query.filters.items() if values}
    narrowed = {name: _filter(tx, name, values) for name, values in filters.items()}

    def condition(*, facet: str = "", without: Collection[str] = ()) -> ColumnElement[bool]:
        kept = {name: limit for name, limit in narrowed.items() if name not in without}
        return found_condition(tx, question, asked, kept, limits, facet=facet)

    order = order_of(tx, query.sort, question.terms)
    searched = bool(question.nothing or question.terms or question.comparisons or limits or "format" in filters)
    counts = count_found(
        tx, condition, facets=facets, filters=filters, searched=searched, order=order.directions if searched else (), insist=insist
    )
    shown, onward, backward = _page(tx, query, order, condition(), counts.ids)
    tell(query=query.text, filters={name: list(values) for name, values in filters.items()}, hits=counts.total)
    return SearchResult(
        records=_records(tx, [row[-1] for row in shown], question.terms),
        total=counts.total,
        exact=counts.exact,
        after=order.mark(shown[-1]) if onward else None,
        before=order.mark(shown[0]) if backward else None,
        facets=counts.facets,
    )


def count_records(tx: Transaction, query: SearchQuery) -> int:
    """How many records `find_records` would find in all.

    Raises:
        PermissionDenied, UsageError: as for `find_records`.
    """
    tx.require(Permission.RECORD_READ)
    _check(query, ())
    return tx.session.scalar(select(func.count()).select_from(Record).where(_whole_condition(tx, query))) or 0


def next_records(tx: Transaction, query: SearchQuery) -> tuple[Sequence[FoundRecord], str | None]:
    """Up to a thousand records after `SearchQuery.after` in their order, and the mark of the last; nothing is counted.

    Raises:
        PermissionDenied, UsageError: as for `find_records`.
    """
    tx.require(Permission.RECORD_READ)
    _check(query, ())
    order = order_of(tx, query.sort, understand(query.text).terms)
    statement = order.page(select(*order.columns).where(_whole_condition(tx, query)), query.after).limit(_BATCH)
    rows = [tuple(row) for row in tx.session.execute(statement)]
    return _records(tx, [row[-1] for row in rows], ()), order.mark(rows[-1]) if len(rows) == _BATCH else None


def _page(
    tx: Transaction, query: SearchQuery, order: Order, condition: ColumnElement[bool], ids: Sequence[str] | None
) -> tuple[list[tuple[Any, ...]], bool, bool]:
    """The keys of the records of a page, and whether there are others after and before them."""
    mark, backwards = query.before or query.after, query.before is not None
    statement = select(*order.columns)
    if ids is not None and (mark is None or order.id_of(mark) in ids):
        # they were found and put in order already, and looking for words a second time would take as long again
        place = ids.index(order.id_of(mark)) if mark is not None else -1
        around = ids[max(0, place - query.limit - 1) : place] if backwards else ids[place + 1 : place + query.limit + 2]
        page = order.page(statement.where(Record.id.in_(around)), None, backwards=backwards)
    else:
        page = order.page(statement.where(condition), mark, backwards=backwards)
    rows = tx.session.execute(page.limit(query.limit + 1)).all()
    more = len(rows) > query.limit
    shown = [tuple(row) for row in rows[: query.limit]]
    if backwards:
        return shown[::-1], bool(shown), more
    return shown, more, query.after is not None and bool(shown)


def _check(query: SearchQuery, facets: Sequence[str]) -> None:
    for name in (*query.filters, *facets):
        if name not in FILTERS:
            raise UsageError(
                N_("Records cannot be filtered by “{subject}”."), subject=name, remedy=N_("Filters: {known}."), known=", ".join(FILTERS)
            )
    if query.after is not None and query.before is not None:
        raise UsageError(N_("A page of results begins after one record or ends before one, not both."))
    if not 1 <= query.limit <= LIMIT:
        raise UsageError(N_("A page of {subject} records cannot be had; it is 1 to {most}."), subject=str(query.limit), most=LIMIT)


def _whole_condition(tx: Transaction, query: SearchQuery) -> ColumnElement[bool]:
    question = understand(query.text)
    narrowed = {name: _filter(tx, name, values) for name, values in query.filters.items() if values}
    return found_condition(tx, question, _condition(tx, question), narrowed, tuple(_limits(tx, query)))


def _limits(tx: Transaction, query: SearchQuery) -> Iterator[ColumnElement[bool]]:
    for rule in query.rules:
        yield rule_condition(tx, rule)
    if query.since is not None:
        yield Record.changed_at > query.since
    if query.until is not None:
        yield Record.changed_at <= query.until


def _condition(tx: Transaction, question: Question) -> ColumnElement[bool]:
    if question.nothing:
        return false()
    conditions = [_comparison(tx, comparison) for comparison in question.comparisons]
    if question.terms:
        conditions.append(index_of(tx.archive).condition(tx, question.terms))
    return and_(true(), *conditions)


def _comparison(tx: Transaction, comparison: Comparison) -> ColumnElement[bool]:
    value = comparison.value
    conditions: dict[ValueField, ColumnElement[bool]] = {
        ValueField.YEAR: Record.year == value,
        ValueField.RETENTION: func.upper(Record.retention) == value.upper(),
        ValueField.TYPE: Record.affair_type == value,
        ValueField.SHARING: Record.sharing == value,
        ValueField.FORMAT: _of_format(tx, {value.lower()}),
        ValueField.CASE: Record.case_number == value,
        ValueField.ID: or_(func.coalesce(Record.identifier, "") == value, Record.id == value),
    }
    condition = conditions[comparison.field]
    return not_(condition) if comparison.excluded else condition


def _filter(tx: Transaction, name: str, values: Collection[str]) -> ColumnElement[bool]:
    return _of_format(tx, values) if name == "format" else COLUMNS[name].in_(values)


def _of_format(tx: Transaction, puids: Collection[str]) -> ColumnElement[bool]:
    of_format = and_(File.puid.in_(puids), File.role == "content")
    some = select(File.id).where(of_format).limit(_MANY_FILES).subquery()
    packages = select(Aip.record_id).join(File, File.aip_id == Aip.id).where(of_format)
    if (tx.session.scalar(select(func.count()).select_from(some)) or 0) < _MANY_FILES:
        return Record.id.in_(packages)
    # where most records have it, a page is full sooner by asking each than by listing all that have it
    return packages.where(Aip.record_id == Record.id).correlate(Record).exists()


def _records(tx: Transaction, ids: Sequence[str], terms: Sequence[Term]) -> Sequence[FoundRecord]:
    """The records of a page that a query with every condition in it has found, in its order."""
    statement = select(Record).where(Record.id.in_(ids)).options(selectinload(Record.aip))
    rows = {row.id: row for row in tx.session.scalars(statement)}
    told = tx.archive.settings.conditional_listed
    tiers = {row.id: tier_of(tx.actor, row, conditional_listed=told) for row in rows.values()}
    return [_found(rows[id], terms, tiers[id]) if tiers[id].reaches(Tier.READ) else _listed(rows[id], terms) for id in ids]


def _listed(record: Record, terms: Sequence[Term]) -> FoundRecord:
    return FoundRecord(
        id=record.id,
        identifier=None,
        title=record.title,
        highlighted=highlight(record.title, terms, TextField.TITLE),
        snippet=(),
        unit=record.unit,
        affair="",
        affair_type="",
        year=record.year,
        retention="",
        sharing=record.sharing,
        changed_at=None,
        fonds="",
        case_number="",
        security="",
        profile="",
        agreement="",
        files=0,
        bytes=0,
        stored_at=None,
        tier=Tier.LISTED,
        reason=LISTED_REASONS.get(class_of(sharing=record.sharing, security=record.security, state=record.state), ""),
    )


def _found(record: Record, terms: Sequence[Term], tier: Tier) -> FoundRecord:
    return FoundRecord(
        id=record.id,
        identifier=record.identifier,
        title=record.title,
        highlighted=highlight(record.title, terms, TextField.TITLE),
        snippet=snippet_of(record, terms),
        unit=record.unit,
        affair=record.affair,
        affair_type=record.affair_type,
        year=record.year,
        retention=record.retention,
        sharing=record.sharing,
        changed_at=record.changed_at,
        fonds=record.fonds,
        case_number=record.case_number,
        security=record.security,
        profile=record.profile,
        agreement=record.agreement_code,
        files=record.aip.files if record.aip else 0,
        bytes=record.aip.bytes if record.aip else 0,
        stored_at=record.aip.stored_at if record.aip else None,
        tier=tier,
    )
