"""Finding records: the use case behind the console's search, the API and ``jingui search``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from repository.errors import UsageError
from repository.findings import N_
from repository.holdings import Aip, File, Instant, Record
from repository.permissions import Permission
from repository.search.base import index_of
from repository.search.highlighting import Segment, highlight
from repository.search.language import Comparison, Question, Term, TextField, ValueField, understand
from repository.transaction import Transaction
from repository.visibility import record_condition

LIMIT: Final = 200
#: Values a facet lists, the commonest first.
FACET_VALUES: Final = 50

_COLUMNS: Final[Mapping[str, InstrumentedAttribute[str]]] = {
    "unit": Record.unit,
    "affair": Record.affair,
    "affair_type": Record.affair_type,
    "year": Record.year,
    "retention": Record.retention,
    "sharing": Record.sharing,
    "profile": Record.profile,
    "agreement": Record.agreement_code,
}
#: What a search can be narrowed by, and what can be counted.
FILTERS: Final = (*_COLUMNS, "format")
#: What is counted unless something else is asked for.
USUAL_FACETS: Final = ("unit", "affair_type", "year", "retention")


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """What somebody looks for.

    Args:
        text: in the query language (`repository.search.language`); empty: everything.
        filters: by filter (`FILTERS`), the values of which one must apply.
        limit: at most so many records, up to `LIMIT`.
        after: `SearchResult.after` of the page before.
    """

    text: str = ""
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    limit: int = 20
    after: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRecord:
    """A record as a list shows it."""

    id: str
    identifier: str | None
    title: str
    highlighted: tuple[Segment, ...]
    unit: str
    affair: str
    affair_type: str
    year: str
    retention: str
    sharing: str
    changed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetValue:
    """A value and in how many of the records found it occurs; with the other filters, but not the facet's own."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """A page of what was found, the latest change first.

    Args:
        records: of this page.
        total: number of records in all pages.
        after: what to ask the next page with, or None on the last.
        facets: counts, by filter.
    """

    records: Sequence[FoundRecord]
    total: int
    after: str | None
    facets: Mapping[str, Sequence[FacetValue]]


def find_records(tx: Transaction, query: SearchQuery, *, facets: Sequence[str] = USUAL_FACETS) -> SearchResult:
    """Finds the records that the actor may see and that the query asks for.

    Args:
        tx: the transaction; reading is enough.
        query: what is asked.
        facets: the filters to count values of.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ`.
        UsageError: an unknown filter, a page that is none, a limit out of range.
    """
    tx.require(Permission.RECORD_READ)
    _check(query, facets)
    question = understand(query.text)
    base = and_(record_condition(tx.actor), _condition(tx, question))
    narrowed = {name: _filter(name, values) for name, values in query.filters.items() if values}
    condition = and_(base, *narrowed.values())
    page = select(Record).where(condition).order_by(Record.changed_at.desc(), Record.id.desc()).limit(query.limit + 1)
    if query.after is not None:
        changed_at, record_id = _position(query.after)
        page = page.where(tuple_(Record.changed_at, Record.id) < tuple_(literal(changed_at, Instant), literal(record_id)))
    records = tx.session.scalars(page).all()
    shown = records[: query.limit]
    counts = {
        name: _facet(tx, name, and_(base, *(c for other, c in narrowed.items() if other != name)), query.filters.get(name, ()))
        for name in facets
    }
    return SearchResult(
        records=[_found(record, question.terms) for record in shown],
        total=tx.session.scalar(select(func.count()).select_from(Record).where(condition)) or 0,
        after=_cursor(shown[-1]) if len(records) > query.limit else None,
        facets=counts,
    )


def _check(query: SearchQuery, facets: Sequence[str]) -> None:
    for name in (*query.filters, *facets):
        if name not in FILTERS:
            raise UsageError(
                N_("Records cannot be filtered by “{subject}”."), subject=name, remedy=N_("Filters: {known}."), known=", ".join(FILTERS)
            )
    if not 1 <= query.limit <= LIMIT:
        raise UsageError(N_("A page of {subject} records cannot be had; it is 1 to {most}."), subject=str(query.limit), most=LIMIT)


def _condition(tx: Transaction, question: Question) -> ColumnElement[bool]:
    if question.nothing:
        return false()
    conditions = [_comparison(comparison) for comparison in question.comparisons]
    if question.terms:
        conditions.append(index_of(tx.archive).condition(tx, question.terms))
    return and_(true(), *conditions)


def _comparison(comparison: Comparison) -> ColumnElement[bool]:
    value = comparison.value
    conditions: dict[ValueField, ColumnElement[bool]] = {
        ValueField.YEAR: Record.year == value,
        ValueField.RETENTION: func.upper(Record.retention) == value.upper(),
        ValueField.TYPE: Record.affair_type == value,
        ValueField.SHARING: Record.sharing == value,
        ValueField.FORMAT: _of_format({value.lower()}),
        ValueField.CASE: Record.case_number == value,
        ValueField.ID: or_(func.coalesce(Record.identifier, "") == value, Record.id == value),
    }
    condition = conditions[comparison.field]
    return not_(condition) if comparison.excluded else condition


def _filter(name: str, values: Collection[str]) -> ColumnElement[bool]:
    return _of_format(values) if name == "format" else _COLUMNS[name].in_(values)


def _of_format(puids: Collection[str]) -> ColumnElement[bool]:
    return Record.id.in_(select(Aip.record_id).join(File, File.aip_id == Aip.id).where(File.puid.in_(puids), File.role == "content"))


def _facet(tx: Transaction, name: str, condition: ColumnElement[bool], chosen: Collection[str]) -> Sequence[FacetValue]:
    count: ColumnElement[int]
    value: ColumnElement[Any]
    if name == "format":
        value, count = func.coalesce(File.puid, ""), func.count(Record.id.distinct())
        statement = select(value, count).select_from(Record).join(Aip, Aip.record_id == Record.id).join(File, File.aip_id == Aip.id)
        statement = statement.where(File.role == "content")
    else:
        value, count = _COLUMNS[name].expression, func.count()
        statement = select(value, count).select_from(Record)
    rows = tx.session.execute(statement.where(condition).group_by(value).order_by(count.desc(), value).limit(FACET_VALUES))
    return [FacetValue(value=value, count=count, chosen=value in chosen) for value, count in rows]


def _found(record: Record, terms: Sequence[Term]) -> FoundRecord:
    return FoundRecord(
        id=record.id,
        identifier=record.identifier,
        title=record.title,
        highlighted=highlight(record.title, terms, TextField.TITLE),
        unit=record.unit,
        affair=record.affair,
        affair_type=record.affair_type,
        year=record.year,
        retention=record.retention,
        sharing=record.sharing,
        changed_at=record.changed_at,
    )


def _cursor(record: Record) -> str:
    return f"{record.changed_at.isoformat()}~{record.id}"


def _position(after: str) -> tuple[datetime, str]:
    moment, _, record_id = after.partition("~")
    try:
        changed_at = datetime.fromisoformat(moment)
    except ValueError:
        changed_at = None
    if changed_at is None or changed_at.tzinfo is None:
        raise UsageError(
            N_("“{subject}” is not the mark of a page of results."), subject=after, remedy=N_("Start again from the first page.")
        )
    return changed_at, record_id
