"""Rules of record-keeping that records can be searched by: what is due, what was left undone."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, or_, select, tuple_

from repository.holdings import Aip, Copy, File, Record
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: Longest retention period in years (`repository.recordkeeping.retention`).
_LONGEST: Final = 99


class Rule(StrEnum):
    """What a record can be searched by that nobody wrote into its description."""

    EXPIRES_THIS_YEAR = "expires-this-year"
    EXPIRED = "expired"
    NO_SHARING = "no-sharing"
    UNIDENTIFIED = "unidentified"
    NEVER_AUDITED = "never-audited"
    AUDIT_OVERDUE = "audit-overdue"


def rule_condition(tx: Transaction, rule: Rule) -> ColumnElement[bool]:
    """The condition on `Record` under which a rule applies to it.

    Raises:
        PermissionDenied: without `Permission.AUDIT_READ`: what the archive left undone is its own affair.
    """
    tx.require(Permission.AUDIT_READ)
    match rule:
        case Rule.EXPIRES_THIS_YEAR:
            return _ends_in(this_year(tx))
        case Rule.EXPIRED:
            now = this_year(tx)
            return or_(*(_period(years) & (Record.year < str(now - years)) & (Record.year != "") for years in range(1, _LONGEST + 1)))
        case Rule.NO_SHARING:
            return Record.sharing == ""
        case Rule.UNIDENTIFIED:
            unknown = select(Aip.record_id).join(File, File.aip_id == Aip.id).where(File.role == "content", File.puid.is_(None))
            return Record.id.in_(unknown)
        case Rule.NEVER_AUDITED:
            # each copy was read back when it was stored; what was read after that, an audit read
            return _package(~exists().where(Copy.aip_id == Aip.id, Copy.checked_at > Aip.stored_at))
        case Rule.AUDIT_OVERDUE:
            limit = tx.now - timedelta(days=tx.archive.settings.audit_ttl_days)
            last = Copy.checked_at < limit
            return _package(exists().where(Copy.aip_id == Aip.id, or_(last, Copy.checked_at.is_(None) & (Copy.verified_at < limit))))


def this_year(tx: Transaction) -> int:
    """The year it is where the archive is."""
    return tx.now.astimezone(ZoneInfo(tx.archive.settings.time_zone)).year


def _ends_in(year: int) -> ColumnElement[bool]:
    """Records whose retention period ends with the year (`repository.recordkeeping.retention.keep_until`)."""
    pairs = [(f"D{years}", str(year - years)) for years in range(1, _LONGEST + 1)]
    return tuple_(Record.retention, Record.year).in_(pairs)


def _period(years: int) -> ColumnElement[bool]:
    return Record.retention == f"D{years}"


def _package(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return Record.id.in_(select(Aip.record_id).where(condition))
