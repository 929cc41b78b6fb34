"""Counting what a search finds: how many records in all, and how many with each value of a facet.

A list over a million files answers at once only if it never goes through more than it can. Without words, counts come from
indexes that hold all they need. With words, the records found are gone through once for every facet together, up to
`MOST_COUNTED` of them; where there are more, a list says so, and counts a facet when somebody opens it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from repository.holdings import Aip, File, Record
from repository.search.listing import LISTED_FILTERS
from repository.visibility import record_condition

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Records that are gone through for their counts.
MOST_COUNTED: Final = 20_000
#: Records whose files are looked at without being asked to.
_FEW: Final = 2_000
#: Values a facet lists, the commonest first.
FACET_VALUES: Final = 50

#: The columns that a search can be narrowed by.
COLUMNS: Final[Mapping[str, InstrumentedAttribute[str]]] = MappingProxyType({
    "unit": Record.unit,
    "affair": Record.affair,
    "affair_type": Record.affair_type,
    "year": Record.year,
    "retention": Record.retention,
    "sharing": Record.sharing,
    "profile": Record.profile,
    "agreement": Record.agreement_code,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetValue:
    """A value and in how many of the records found it occurs; with the other filters, but not the facet's own."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What was counted.

    Args:
        total: number of records found.
        exact: whether it is; else there are more than `total`.
        facets: counts, by filter; those that would have taken too long are left out.
        ids: the records found, in their order, where they were gone through for the counts; else None.
    """

    total: int
    exact: bool
    facets: Mapping[str, Sequence[FacetValue]]
    ids: Sequence[str] | None = None


class Condition(Protocol):
    """The condition on `Record` under which a search finds it."""

    def __call__(self, *, facet: str = "", without: Collection[str] = ()) -> ColumnElement[bool]:
        """The condition.

        Args:
            facet: the filter whose values are counted; what it is narrowed to does not count for itself.
            without: filters that are left out.
        """


def count_found(
    tx: Transaction,
    condition: Condition,
    *,
    facets: Sequence[str],
    filters: Mapping[str, Collection[str]],
    searched: bool,
    order: Sequence[ColumnElement[Any]] = (),
    insist: Collection[str] = (),
) -> Counts:
    """Counts what a search finds.

    Args:
        tx: the transaction.
        condition: what is searched for.
        facets: the filters to count values of.
        filters: the filters in force, with their values.
        searched: whether more is asked for than values of columns: words, formats, rules.
        order: of the records, if they are gone through.
        insist: the facets to count however many records there are.
    """
    columns = [name for name in facets if name in COLUMNS]
    tally: Mapping[str, Counter[str]] = {}
    ids: Sequence[str] | None = None
    if searched:
        # filters that are columns are looked at here, so that one look at the records serves every facet and the page
        here = {name: values for name, values in filters.items() if name in COLUMNS}
        few = "format" not in filters or _bounded(tx, condition(without=here))[1]
        rows = _rows(tx, condition(without=here), [*dict.fromkeys([*here, *columns])], order) if few else None
        if rows is not None:
            ids = list(compress(rows.ids, _within(rows, here, filters)))
            total, exact, tally = len(ids), True, {name: _values(rows, name, here) for name in columns}
        else:
            total, exact = _bounded(tx, condition()) if here else (MOST_COUNTED, False)
    else:
        total, exact = tx.session.scalar(select(func.count()).select_from(Record).where(condition())) or 0, True
        others = [name for name in columns if name not in filters] if filters else []
        rows = _rows(tx, condition(), others, ()) if others and total <= MOST_COUNTED else None
        if rows is not None:
            tally = {name: _values(rows, name, dict.fromkeys(filters, None)) for name in others}
    found: dict[str, Sequence[FacetValue]] = {}
    for name in facets:
        chosen = filters.get(name, ())
        alone = not searched and not set(filters) - {name} and name in COLUMNS
        if name in tally:
            commonest = sorted(tally[name].items(), key=lambda item: (-item[1], item[0]))[:FACET_VALUES]
            found[name] = [FacetValue(value=value, count=count, chosen=value in chosen) for value, count in commonest]
        elif name == "format" and len(chosen) == 1 and total > _FEW and name not in insist:
            # counting every format of so many records takes seconds; of the one in force the number is known
            found[name] = [FacetValue(value=value, count=total, chosen=True) for value in chosen]
        elif alone or name in filters or name in insist or total <= _FEW:
            found[name] = _by_database(tx, name, condition(facet=name), chosen, ordered=alone)
    return Counts(total=total, exact=exact, facets=found, ids=ids)


class _Rows(NamedTuple):
    """Records that were gone through: which, whether each may be read, and its values, by column."""

    ids: Sequence[str]
    readable: Sequence[bool]
    values: Mapping[str, Sequence[str]]


def _rows(tx: Transaction, condition: ColumnElement[bool], columns: Sequence[str], order: Sequence[ColumnElement[Any]]) -> _Rows | None:
    """The records of a condition, or None where they are too many."""
    readable = case((record_condition(tx.actor), 1), else_=0)
    statement = select(Record.id, readable, *(COLUMNS[name] for name in columns)).where(condition).order_by(*order)
    # past the session, which would look at every row once more
    rows = tx.session.connection().execute(statement.limit(MOST_COUNTED + 1)).all()
    if len(rows) > MOST_COUNTED:
        return None
    ids, flags, *values = list(zip(*rows, strict=True)) or [()] * (len(columns) + 2)
    return _Rows(ids, [bool(flag) for flag in flags], dict(zip(columns, values, strict=True)))


def _values(rows: _Rows, facet: str, filters: Mapping[str, Collection[str] | None]) -> Counter[str]:
    """How many of the records have each value of a facet; filters without values were applied before."""
    others = {name: values for name, values in filters.items() if name != facet and values is not None}
    return Counter(compress(rows.values[facet], _within(rows, others, [*filters, facet])))


def _within(rows: _Rows, filters: Mapping[str, Collection[str]], asked: Collection[str]) -> Sequence[bool]:
    """Which of the records count: within the filters, and, where something is asked that is not told of them, not those only listed."""
    kept = list(rows.readable) if not LISTED_FILTERS.issuperset(asked) else [True] * len(rows.readable)
    for name, values in filters.items():
        wanted = set(values)
        kept = [before and value in wanted for before, value in zip(kept, rows.values[name], strict=True)]
    return kept


def _bounded(tx: Transaction, condition: ColumnElement[bool]) -> tuple[int, bool]:
    some = select(literal(1)).select_from(Record).where(condition).limit(MOST_COUNTED + 1).subquery()
    number = tx.session.scalar(select(func.count()).select_from(some)) or 0
    return min(number, MOST_COUNTED), number <= MOST_COUNTED


def _by_database(
    tx: Transaction, name: str, condition: ColumnElement[bool], chosen: Collection[str], *, ordered: bool
) -> Sequence[FacetValue]:
    count: ColumnElement[int] = func.count()
    if name == "format":
        value: ColumnElement[Any] = func.coalesce(File.puid, "")
        count = func.count(Record.id.distinct())
        statement = select(value, count).select_from(Record).join(Aip, Aip.record_id == Record.id).join(File, File.aip_id == Aip.id)
        statement = statement.where(File.role == "content")
    else:
        # an expression keeps SQLite from walking the facet's own index, which would lead it to the row of every record
        value = COLUMNS[name].expression if ordered else func.coalesce(COLUMNS[name], "")
        statement = select(value, count).select_from(Record)
    rows = tx.session.execute(statement.where(condition).group_by(value).order_by(count.desc(), value).limit(FACET_VALUES))
    return [FacetValue(value=value, count=count, chosen=value in chosen) for value, count in rows]
