"""Repairs: which copies are made anew from which, and which are left for a person to decide about.

`start` asks for a repair, the job ``preservation.repair`` does it (`preservation.repairing`). Nothing here writes to a store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select

from preservation.audits import AuditedCopy
from preservation.incidents import UNSETTLED
from preservation.tables import Incident
from repository.errors import NotFound, UsageError
from repository.findings import N_
from repository.holdings import Aip, Copy, CopyState
from repository.permissions import Permission
from repository.transaction import Transaction
from storage.ocfl.verify import CopyOutcome

#: The kind of the job that does a repair; its arguments are a request's `RepairRequest.as_json`.
JOB_KIND: Final = "preservation.repair"

#: States of a copy in which it is of no use.
BAD: Final = (CopyState.DAMAGED, CopyState.MISSING, CopyState.UNREADABLE)
#: So few bad copies never stop a repair.
BREAKER_LEAST: Final = 3
#: From so many copies on that can speak, a majority of them must agree with what was fixed at ingest.
_QUORUM: Final = 3

NO_GOOD_COPY: Final = N_("No copy is as it was stored, so there is nothing to heal this one from.")
NO_MAJORITY: Final = N_("Only {good} of {copies} copies are as they were stored: that is no majority.")
READ_ONLY: Final = N_("Nothing is written to store “{store}”: it is only read.")
AWAY: Final = N_("Store “{store}” cannot be used: {reason}")
TRIPPED: Final = N_(
    "{bad} of {copies} copies in store “{store}” are not as they should be. That many at once may be a wrong or broken disk,"
    " so nothing in this store is rewritten before somebody has looked at it."
)


class RepairOutcome(StrEnum):
    """What became of one copy. `PERSON`: nothing was written, a person must decide. `FAILED`: it could not be done this time."""

    HEALED = "healed"
    MADE = "made"
    MATCH = "match"
    WOULD_HEAL = "would-heal"
    PERSON = "person"
    FAILED = "failed"


#: What leaves a copy as it should be, or would.
GOOD: Final = frozenset({RepairOutcome.HEALED, RepairOutcome.MADE, RepairOutcome.MATCH})


@dataclass(frozen=True, kw_only=True)
class RepairRequest:
    """What is to be repaired.

    Args:
        records: every copy of these is read again; none: all copies that are known not to be as they should be.
        store: only the copies there are written, or empty for all stores.
        dry_run: everything is read and decided, and nothing is written anywhere.
        confirmed: somebody has looked at the store, and wants its many bad copies repaired.
    """

    records: tuple[str, ...] = ()
    store: str = ""
    dry_run: bool = False
    confirmed: bool = False

    def as_json(self) -> dict[str, Any]:
        """The arguments of the job."""
        return {"records": list(self.records), "store": self.store, "dry_run": self.dry_run, "confirmed": self.confirmed}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> RepairRequest:
        """Reads what `as_json` wrote."""
        return RepairRequest(records=tuple(value["records"]), store=value["store"], dry_run=value["dry_run"], confirmed=value["confirmed"])


@dataclass(frozen=True, kw_only=True)
class RepairedCopy:
    """What a repair did about one copy: a line of ``jingui repair``.

    Args:
        store: where it lies.
        aip: the package.
        found: what reading it gave before.
        outcome: what became of it.
        source: the store whose copy it was made from, or would be.
        kept: where in its own store the bad bytes are kept.
        incident: id of the incident, or empty.
        reason: why nothing was done, an English template, and the values of its places.
    """

    store: str
    aip: str
    found: CopyOutcome
    outcome: RepairOutcome
    source: str = ""
    kept: str = ""
    incident: str = ""
    reason: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line."""
        return {
            "store": self.store,
            "aip": self.aip,
            "found": str(self.found),
            "outcome": str(self.outcome),
            "source": self.source,
            "kept": self.kept,
            "incident": self.incident,
            "reason": self.reason.format_map(self.values),
        }


@dataclass(kw_only=True)
class RepairSummary:
    """How many copies a repair brought to which end."""

    copies: dict[str, int] = field(default_factory=dict)

    def count(self, copy: RepairedCopy) -> None:
        """Adds one."""
        self.copies[str(copy.outcome)] = self.copies.get(str(copy.outcome), 0) + 1

    @property
    def complete(self) -> bool:
        """Whether every copy that was looked at is as it should be now."""
        return all(outcome in GOOD for outcome in self.copies)

    def as_json(self) -> dict[str, Any]:
        """What the job leaves behind, and the command line's last line."""
        return {"copies": dict(self.copies), "complete": self.complete}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a copy is left to a person: an English template and the values of its places."""

    reason: str
    values: Mapping[str, str] = field(default_factory=dict)


def start(tx: Transaction, request: RepairRequest) -> str:
    """Asks for a repair; one of everything that waits already is not begun twice.

    Returns:
        The id of the job.

    Raises:
        PermissionDenied: without `Permission.AUDIT_RUN`.
        NotFound: no such store or record.
        UsageError: a confirmation that names no store.
    """
    tx.require(Permission.AUDIT_RUN)
    if request.store:
        tx.archive.store(request.store)
    if request.confirmed and not request.store:
        raise UsageError(N_("A confirmation is about one store."), remedy=N_("Name it with --store."))
    for record in request.records:
        if tx.session.scalar(select(Aip.id).where(Aip.record_id == record)) is None:
            raise NotFound(N_("There is no record “{subject}”."), subject=record, remedy=N_("Look it up with a search."))
    key = None if request.records else f"{JOB_KIND}:{request.store}:{request.confirmed}"
    return tx.enqueue(JOB_KIND, request.as_json(), key=key, again=True)


def suspects(tx: Transaction, request: RepairRequest) -> list[str]:
    """The packages whose copies are to be read, by id."""
    if request.records:
        return sorted(tx.session.scalars(select(Aip.id).where(Aip.record_id.in_(request.records))))
    copies = select(Copy.aip_id).where(Copy.state.in_(BAD)).distinct()
    incidents = select(Incident.aip_id).where(Incident.state.in_(UNSETTLED)).distinct()
    if request.store:
        copies, incidents = copies.where(Copy.store == request.store), incidents.where(Incident.store == request.store)
    return sorted({*tx.session.scalars(copies), *tx.session.scalars(incidents)})


def breakers(tx: Transaction, bad: Mapping[str, Collection[str]], looked_at: Collection[str]) -> dict[str, Refusal]:
    """The stores of which so many copies are bad that nothing in them is rewritten.

    Args:
        tx: the unit of work.
        bad: by store, packages whose copy there was found bad just now; copies that are only owed do not count.
        looked_at: every package that was looked at: what the catalogue says of its copies does not count.
    """
    total: dict[str, int] = {}
    count: dict[str, int] = {name: len(packages) for name, packages in bad.items()}
    looked = set(looked_at)
    rows = tx.session.execute(select(Copy.store, func.count()).where(Copy.version > 0).group_by(Copy.store))
    total.update({name: int(number) for name, number in rows})
    known = select(Copy.store, Copy.aip_id).join(Aip, Aip.id == Copy.aip_id)
    for name, aip_id in tx.session.execute(known.where(Copy.state.in_(BAD), Copy.version == Aip.version)):
        if aip_id not in looked:
            count[name] = count.get(name, 0) + 1
    percent = tx.archive.settings.repair_breaker_percent
    return {
        name: Refusal(reason=TRIPPED, values={"bad": str(number), "copies": str(total.get(name, number)), "store": name})
        for name, number in count.items()
        if number >= BREAKER_LEAST and number * 100 > percent * total.get(name, number)
    }


def verdict(copies: Sequence[AuditedCopy], unknown: int) -> Refusal | None:
    """Why nothing can be healed from these copies of one package, or None.

    A copy that is good agrees with the digests fixed at ingest; that is what makes it good. Where three or more copies can
    speak, most of them must be good as well: else it may be the catalogue that is wrong. A copy that is not there at all
    says nothing; one that cannot be looked at counts, because it may say anything.

    Args:
        copies: what reading each of them gave just now.
        unknown: copies that could not be looked at because their store is away.
    """
    good = sum(copy.outcome is CopyOutcome.MATCH for copy in copies)
    if not good:
        return Refusal(reason=NO_GOOD_COPY)
    speaking = unknown + sum(not is_gone(copy) for copy in copies)
    if speaking >= _QUORUM and good * 2 <= speaking:
        return Refusal(reason=NO_MAJORITY, values={"good": str(good), "copies": str(speaking)})
    return None


def is_gone(copy: AuditedCopy) -> bool:
    """Whether nothing at all is in the copy's place."""
    return copy.outcome is CopyOutcome.MISSING and [problem["path"] for problem in copy.problems] == [""]
