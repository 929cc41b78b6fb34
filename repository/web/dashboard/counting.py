"""Counts that cost something, kept for a short while in memory.

What is counted depends on what the asker may see, so the key of a count holds the very condition under which it was counted:
two people share a count only if they see the same. A count is made again as soon as the catalogue has moved on; only one that took
long is kept for a minute in any case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from flask import current_app
from sqlalchemy import ColumnElement, func, select

from repository.holdings import Aip, Record
from repository.transaction import Transaction

T = TypeVar("T")

#: Longer than this is long, seconds.
_LONG: Final = 0.2
#: What took long is not counted again for so long, seconds.
_KEPT: Final = 60.0
#: So many counts are kept; there are about ten for everybody who sees something of his own.
_MOST: Final = 500


@dataclass(frozen=True, kw_only=True)
class _Counted:
    value: object
    mark: tuple[datetime | None, ...]
    at: float
    took: float


def counted(tx: Transaction, key: Hashable, count: Callable[[], T]) -> T:
    """The value of a count, made now or a short while ago.

    Args:
        tx: the transaction that counts.
        key: names the count and the condition of what the asker may see (`seen`).
        count: counts.
    """
    kept: dict[Hashable, _Counted] = current_app.extensions.setdefault("dashboard_counts", {})
    mark = _mark(tx)
    now = time.monotonic()
    found = kept.get(key)
    if found is not None and (found.mark == mark or (found.took > _LONG and now - found.at < _KEPT)):
        value: T = found.value  # type: ignore[assignment]  # the key names one count, and a count has one type
        return value
    value = count()
    if len(kept) >= _MOST:
        kept.clear()
    kept[key] = _Counted(value=value, mark=mark, at=now, took=time.monotonic() - now)
    return value


def seen(condition: ColumnElement[bool]) -> str:
    """A condition in words of the database, values included: equal for those who see the same, different for all others."""
    return str(condition.compile(compile_kwargs={"literal_binds": True}))


def _mark(tx: Transaction) -> tuple[datetime | None, ...]:
    """How far the catalogue is: the end of two indexes."""
    columns = (Record.changed_at, Aip.stored_at)
    return tuple(tx.session.scalar(select(func.max(column))) for column in columns)
