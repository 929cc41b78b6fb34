"""How a record stands: until when it is kept, who may use it, what protects it from destruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from access.tiers import condition_of
from repository.aip import description_from_json
from repository.holdings import Hold, Record
from repository.permissions import Permission, allows
from repository.recordkeeping.holds import holds_of
from repository.recordkeeping.keeping import KeepingTerm, keeping_term
from repository.recordkeeping.sharing import CLASS_WORDS, SharingClass, class_of
from repository.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class RecordStanding:
    """How a record stands.

    Args:
        term: how long it is kept.
        sharing_class: what its sharing class and its secrecy come to.
        sharing_word: that in words, marked for translation.
        condition: what the package says of the conditions of sharing, or empty.
        holds: what stops its destruction now; empty for those who do not place holds.
    """

    term: KeepingTerm
    sharing_class: SharingClass
    sharing_word: str
    condition: str
    holds: Sequence[Hold]


def standing_of_record(tx: Transaction, record: Record) -> RecordStanding:
    """How a record that `access.catalogue` gave stands."""
    found = class_of(sharing=record.sharing, security=record.security, state=record.state)
    held = holds_of(tx, record.id) if allows(tx.actor, Permission.HOLD_MANAGE) else ()
    return RecordStanding(
        term=keeping_term(record.retention, record.year),
        sharing_class=found,
        sharing_word=CLASS_WORDS[found],
        condition=condition_of(description_from_json(record.description)),
        holds=[hold for hold in held if hold.lifted_at is None],
    )
