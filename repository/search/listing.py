"""What a search finds of records that the asker may know of and not read: by words of the title, agency and year, by nothing else.

Whoever could find such a record by its case number, an applicant's name or the format of its files would learn them one guess
after another. So every other question has the answer "no" for it, and no count but those of what is shown includes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from repository.holdings import Record, RecordState
from repository.search.base import index_of
from repository.search.language import Comparison, Question, Term, TextField, ValueField
from repository.visibility import listed_condition, lists_anything, record_condition

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: What a list of such records can be narrowed by, and what is counted of them.
LISTED_FILTERS: Final = frozenset({"unit", "year", "sharing"})
_WORDS: Final = (TextField.TITLE, TextField.UNIT)


def found_condition(
    tx: Transaction,
    question: Question,
    asked: ColumnElement[bool],
    narrowed: Mapping[str, ColumnElement[bool]],
    limits: Sequence[ColumnElement[bool]],
    *,
    facet: str = "",
) -> ColumnElement[bool]:
    """The condition on `Record` under which a search finds it, as what may be read or as what may only be known of.

    Args:
        tx: the transaction.
        question: what is asked.
        asked: the same as a condition, for records that may be read.
        narrowed: what the search is narrowed by, by filter.
        limits: further limits, which only apply to what may be read.
        facet: the filter whose values are counted; what it is narrowed to does not count for itself.
    """
    others = {name: condition for name, condition in narrowed.items() if name != facet}
    readable = and_(record_condition(tx.actor), asked, *limits, *others.values())
    told = tx.archive.settings.conditional_listed
    if limits or not LISTED_FILTERS.issuperset({*others, *filter(None, [facet])}) or not _lists_anything(tx, told):
        return readable
    listed = and_(listed_condition(tx.actor, conditional_listed=told), _asked_of_listed(tx, question), *others.values())
    return or_(readable, listed)


def _lists_anything(tx: Transaction, conditional_listed: bool) -> bool:
    if lists_anything(tx.actor, conditional_listed=conditional_listed, destroyed=False):
        return True
    # most archives have destroyed nothing yet, and asking for every word a second time would be in vain
    return lists_anything(tx.actor, conditional_listed=conditional_listed) and bool(
        tx.session.scalar(select(exists().where(Record.state == RecordState.DESTROYED)))
    )


def _asked_of_listed(tx: Transaction, question: Question) -> ColumnElement[bool]:
    if question.nothing:
        return false()
    conditions = [_comparison(comparison) for comparison in question.comparisons] + [_term(tx, term) for term in question.terms]
    return and_(true(), *conditions)


def _comparison(comparison: Comparison) -> ColumnElement[bool]:
    known = {ValueField.YEAR: Record.year == comparison.value, ValueField.SHARING: Record.sharing == comparison.value}
    # of what is not told, nothing can be asked and nothing left out
    condition = known.get(comparison.field, false())
    return not_(condition) if comparison.excluded else condition


def _term(tx: Transaction, term: Term) -> ColumnElement[bool]:
    index = index_of(tx.archive)
    fields = [field for field in _WORDS if term.field in {None, field}]
    found = [index.condition(tx, [replace(term, field=field, excluded=False)]) for field in fields]
    if term.field is None:
        found.append(Record.year == term.text)
    condition = or_(false(), *found)
    return not_(condition) if term.excluded else condition
