"""What is told of a record that somebody may know of and not read: that it exists, why no more is shown, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from metadata.description import Description
from repository.aip import description_from_json
from repository.findings import N_
from repository.holdings import Record
from repository.permissions import Permission
from repository.recordkeeping.sharing import SharingClass, class_of
from repository.transaction import Transaction
from repository.visibility import listed_condition

#: Names and labels under which packages write the condition of what is shared under conditions (共享条件).
_CONDITIONS: Final = frozenset({"共享条件", "file_share_conditions", "shareconditions"})
_LONGEST_CONDITION: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a record is not shown, for people.

    Args:
        template: English, marked with `N_`.
        values: values of its places.
    """

    template: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedRecord:
    """A record of which somebody learns that it exists. It has no other fields, so no page can show more by mistake.

    Args:
        id: its id.
        title: 题名.
        unit: 立档单位名称.
        year: 年度.
        sharing_class: its class.
        reason: why no more is shown.
        condition: what the package says of the conditions (共享条件), or empty.
        contact: whom to ask, or empty where nobody is named.
    """

    id: str
    title: str
    unit: str
    year: str
    sharing_class: SharingClass
    reason: Reason
    condition: str
    contact: str


def find_listed(tx: Transaction, record_id: str) -> ListedRecord | None:
    """The record, if this actor may know of it and not read it; None if the actor may read it or may not know of it.

    Raises:
        PermissionDenied: the actor may read no records at all.
    """
    tx.require(Permission.RECORD_READ)
    settings = tx.archive.settings
    listed = listed_condition(tx.actor, conditional_listed=settings.conditional_listed)
    record = tx.session.scalars(select(Record).where(Record.id == record_id, listed)).one_or_none()
    if record is None:
        return None
    found = class_of(sharing=record.sharing, security=record.security, state=record.state)
    destroyed = found is SharingClass.DESTROYED
    return ListedRecord(
        id=record.id,
        title=record.title,
        unit=record.unit,
        year=record.year,
        sharing_class=found,
        reason=_DESTROYED if destroyed else _CONDITIONAL,
        condition="" if destroyed else condition_of(description_from_json(record.description)),
        contact="" if destroyed else settings.request_contact,
    )


def condition_of(description: Description) -> str:
    """What the package says of the conditions of sharing; empty where it says nothing, or marks it as sensitive."""
    for element in description.elements:
        told = not element.sensitive and (element.name in _CONDITIONS or element.label in _CONDITIONS)
        if told and (text := " ".join(element.value.split())):
            return text if len(text) <= _LONGEST_CONDITION else text[: _LONGEST_CONDITION - 1] + "…"
    return ""


_CONDITIONAL: Final = Reason(
    template=N_("This record is shared under conditions (有条件共享). The archive must see whether they apply to you before it shows more.")
)
_DESTROYED: Final = Reason(
    template=N_("This record was destroyed. Only this notice of it is kept; its events tell when, why and by whose decision.")
)
