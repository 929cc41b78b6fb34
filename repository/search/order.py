"""The orders in which records are listed, each with marks from which a list goes on in either direction (keyset)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_

from repository.errors import UsageError
from repository.findings import N_
from repository.holdings import Instant, Record
from repository.search.base import index_of
from repository.search.language import Term, TextField

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: So much of a title decides where it stands: marks stand in addresses, which cannot be as long as a title.
_TITLE: Final = 100


class Sort(StrEnum):
    """In which order records are listed."""

    LATEST = "latest"
    TITLE = "title"
    YEAR = "year"
    RELEVANCE = "relevance"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Key:
    """A value that decides the order.

    Args:
        column: the value.
        descending: whether the greatest comes first.
    """

    column: ColumnElement[Any]
    descending: bool


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order of records.

    Args:
        keys: what decides, the most important first; the record's id is the last.
    """

    keys: Sequence[_Key]

    @property
    def columns(self) -> Sequence[ColumnElement[Any]]:
        """What a query has to select: the keys, and last the id."""
        return [key.column for key in self.keys]

    def page(self, statement: Select[Any], mark: str | None, *, backwards: bool = False) -> Select[Any]:
        """The statement in this order, or against it, from behind a mark on.

        Raises:
            UsageError: the mark is none of this order.
        """
        keys = [replace(key, descending=not key.descending) for key in self.keys] if backwards else self.keys
        if mark is not None:
            statement = statement.where(_beyond(keys, self._position(mark)))
        return statement.order_by(*(_direction(key) for key in keys))

    @property
    def directions(self) -> Sequence[ColumnElement[Any]]:
        """What a query is ordered by."""
        return [_direction(key) for key in self.keys]

    def mark(self, row: Sequence[Any]) -> str:
        """The mark of a row that has the `columns`."""
        return json.dumps([value.isoformat() if isinstance(value, datetime) else value for value in row], ensure_ascii=False)

    def id_of(self, mark: str) -> str:
        """The record that a mark stands at.

        Raises:
            UsageError: the mark is none of this order.
        """
        self._position(mark)
        return str(json.loads(mark)[-1])

    def _position(self, mark: str) -> list[ColumnElement[Any]]:
        try:
            values = json.loads(mark)
            if not isinstance(values, list) or len(values) != len(self.keys):
                raise ValueError(mark)
            return [_literal(key.column, value) for key, value in zip(self.keys, values, strict=True)]
        except (ValueError, TypeError, RecursionError):
            raise UsageError(
                N_("“{subject}” is not the mark of a page of results."), subject=mark, remedy=N_("Start again from the first page.")
            ) from None


def _direction(key: _Key) -> ColumnElement[Any]:
    return key.column.desc() if key.descending else key.column.asc()


def order_of(tx: Transaction, sort: Sort, terms: Sequence[Term]) -> Order:
    """An order for the records that the terms are looked for in."""
    latest = (_Key(column=Record.changed_at.expression, descending=True), _Key(column=Record.id.expression, descending=True))
    match sort:
        case Sort.TITLE:
            first = func.substr(Record.title, 1, _TITLE, type_=Record.title.type)
            return Order(keys=(_Key(column=first, descending=False), _Key(column=Record.id.expression, descending=False)))
        case Sort.YEAR:
            return Order(keys=(_Key(column=Record.year.expression, descending=True), *latest))
        case Sort.RELEVANCE:
            wanted = [replace(term, field=TextField.TITLE) for term in terms if not term.excluded and term.field in {None, TextField.TITLE}]
            if wanted:
                # an engine tells which records have the words, not how well; a title says what a record is about
                in_title = case((index_of(tx.archive).condition(tx, wanted), 1), else_=0)
                return Order(keys=(_Key(column=in_title, descending=True), *latest))
    return Order(keys=latest)


def _literal(column: ColumnElement[Any], value: object) -> ColumnElement[Any]:
    if isinstance(column.type, Instant):
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError(value)
        return literal(moment, Instant)
    if not isinstance(value, column.type.python_type) or isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError(value)
    return literal(value, column.type)


def _beyond(keys: Sequence[_Key], position: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """What stands behind a position: a greater first key, or the same and a greater second one, and so on."""
    steps = []
    for place, (key, value) in enumerate(zip(keys, position, strict=True)):
        same = (earlier.column == there for earlier, there in zip(keys[:place], position[:place], strict=True))
        steps.append(and_(*same, key.column < value if key.descending else key.column > value))
    # the first key alone bounds what an index has to be read from
    first = keys[0].column <= position[0] if keys[0].descending else keys[0].column >= position[0]
    return and_(first, or_(*steps))
