"""Audits: every byte of every copy that a selection names is read again and compared; what was found is kept for ever.

`start` asks for a run, the job `preservation.audit` does it (`preservation.auditing`), the pages and the command read it here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select

from repository.errors import NotFound, UsageError
from repository.findings import N_
from repository.holdings import Aip, Audit, AuditOutcome, CopyState, Job
from repository.permissions import Permission
from repository.transaction import Transaction
from storage.ocfl.verify import CopyCheck, CopyOutcome, Problem

#: The kind of the job that does an audit; its arguments are ``{"audit": id}``.
JOB_KIND: Final = "preservation.audit"

#: Problems of one copy that are kept one by one; a copy whose every file is gone needs no million lines.
PROBLEM_LIMIT: Final = 1_000

#: What the catalogue says of a copy after each outcome. What is there beyond a package makes its copy no valid one.
COPY_STATES: Final[Mapping[CopyOutcome, CopyState]] = {
    CopyOutcome.MATCH: CopyState.MATCH,
    CopyOutcome.DAMAGED: CopyState.DAMAGED,
    CopyOutcome.MISSING: CopyState.MISSING,
    CopyOutcome.UNREADABLE: CopyState.UNREADABLE,
    CopyOutcome.UNEXPECTED: CopyState.DAMAGED,
}


class Scope(StrEnum):
    """Which packages a run is about."""

    ALL = "all"
    SAMPLE = "sample"
    OVERDUE = "overdue"
    RECORDS = "records"
    TIMETABLE = "timetable"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a run reads.

    Args:
        scope: which packages.
        sample: how many, drawn by chance, with `Scope.SAMPLE`.
        records: ids of records: those asked for, or those drawn or due when the run was started.
        store: only the copies there, or empty for all stores.
    """

    scope: Scope = Scope.ALL
    sample: int = 0
    records: tuple[str, ...] = ()
    store: str = ""

    def as_json(self) -> dict[str, Any]:
        """The column `audit.selection`."""
        value: dict[str, Any] = {"scope": str(self.scope)}
        if self.sample:
            value["sample"] = self.sample
        if self.records:
            value["records"] = list(self.records)
        return {**value, "store": self.store} if self.store else value

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Selection:
        """Reads what `as_json` wrote."""
        return Selection(
            scope=Scope(value["scope"]),
            sample=value.get("sample", 0),
            records=tuple(value.get("records", ())),
            store=value.get("store", ""),
        )


@dataclass(frozen=True, kw_only=True)
class AuditedCopy:
    """What a run found of one copy: a line of ``jingui audit``.

    Args:
        store: where it lies.
        aip: the package, or the id of an object that the catalogue does not know.
        outcome: the gravest of what was found.
        files: files of content read.
        bytes: bytes of content read.
        problems: each file that is not as it should be: path, outcome (``mismatch``, ``missing``, ``unreadable``,
            ``unexpected``), expected, found.
        at: when.
    """

    store: str
    aip: str
    outcome: CopyOutcome
    files: int
    bytes: int
    problems: Sequence[Mapping[str, str]]
    at: datetime

    @staticmethod
    def of(store: str, aip: str, check: CopyCheck, at: datetime) -> AuditedCopy:
        """From what re-reading gave."""
        problems = [_problem_as_json(problem) for problem in check.problems[:PROBLEM_LIMIT]]
        if further := len(check.problems) - len(problems):
            problems.append({"path": "", "outcome": problems[-1]["outcome"], "expected": "", "found": f"and {further} more"})
        return AuditedCopy(
            store=store, aip=aip, outcome=check.outcome, files=check.files, bytes=check.bytes, problems=tuple(problems), at=at
        )

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line."""
        return {
            "store": self.store,
            "aip": self.aip,
            "outcome": str(self.outcome),
            "files": self.files,
            "bytes": self.bytes,
            "problems": [dict(problem) for problem in self.problems],
        }


@dataclass(frozen=True, kw_only=True)
class AuditSummary:
    """What a run found in all.

    Args:
        aips: packages of which a copy was looked at.
        files: files of content read, over all copies.
        bytes: bytes of content read.
        damaged: copies that are not a match, whatever else they are.
        seconds: how long it took.
        copies: outcome to number of copies.
    """

    aips: int
    files: int
    bytes: int
    damaged: int
    seconds: float
    copies: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line's last line."""
        return {"aips": self.aips, "files": self.files, "bytes": self.bytes, "damaged": self.damaged, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, kw_only=True)
class AuditView:
    """One run for people.

    Args:
        audit: the row.
        selection: what it reads.
        copies: outcome to number of copies, as far as it is.
        job: the job that does it, if it has not ended.
        outcomes: what is not a match, or with `everything` every copy.
        following: where the next page begins, or empty.
    """

    audit: Audit
    selection: Selection
    copies: Mapping[str, int]
    job: Job | None
    outcomes: Sequence[AuditOutcome]
    following: str


def start(tx: Transaction, selection: Selection) -> str:
    """Asks for an audit; the same selection that waits or runs already is not begun twice.

    Args:
        tx: the unit of work.
        selection: what to read. A sample is drawn now, so that a run that is resumed goes on with the same packages.

    Returns:
        The id of the audit.

    Raises:
        PermissionDenied: without `Permission.AUDIT_RUN`.
        NotFound: no such store or record.
        UsageError: a sample of less than one.
    """
    tx.require(Permission.AUDIT_RUN)
    if selection.store:
        tx.archive.store(selection.store)
    if selection.scope is Scope.SAMPLE and selection.sample < 1:
        raise UsageError(N_("A sample has at least one package, not {subject}."), subject=str(selection.sample))
    _require_records(tx, selection.records)
    audit_id = tx.archive.new_id()
    singled_out = selection.scope is not Scope.TIMETABLE and (selection.records or selection.sample)
    key = None if singled_out else f"{JOB_KIND}:{selection.scope}:{selection.store}"
    job_id = tx.enqueue(JOB_KIND, {"audit": audit_id}, key=key)
    job = tx.session.get(Job, job_id)
    if job is not None and job.arguments["audit"] != audit_id:
        return str(job.arguments["audit"])
    if selection.scope is Scope.SAMPLE:
        selection = replace(selection, records=_drawn(tx, selection.sample))
    tx.session.add(Audit(id=audit_id, selection=selection.as_json(), started_at=tx.now))
    return audit_id


def job_of(tx: Transaction, audit_id: str) -> Job | None:
    """The latest job that does, or did, an audit."""
    statement = select(Job).where(Job.kind == JOB_KIND, Job.arguments["audit"].as_string() == audit_id)
    return tx.session.scalars(statement.order_by(Job.created_at.desc())).first()


def list_audits(tx: Transaction, *, after: str | None = None, limit: int = 50) -> Sequence[Audit]:
    """The latest runs, newest first.

    Args:
        tx: the unit of work.
        after: id of the run after which the list begins.
        limit: at most so many.

    Raises:
        PermissionDenied: without `Permission.AUDIT_READ`.
    """
    tx.require(Permission.AUDIT_READ)
    statement = select(Audit).order_by(Audit.started_at.desc(), Audit.id).limit(limit)
    last = tx.session.get(Audit, after) if after else None
    if last is not None:
        statement = statement.where((Audit.started_at < last.started_at) | ((Audit.started_at == last.started_at) & (Audit.id > last.id)))
    return tx.session.scalars(statement).all()


def find_audit(tx: Transaction, audit_id: str, *, everything: bool = False, after: str = "", limit: int = 200) -> AuditView:
    """One run with what it found.

    Args:
        tx: the unit of work.
        audit_id: which.
        everything: also the copies that match.
        after: ``aip store`` after which the page begins, as `AuditView.following` gave it.
        limit: copies on a page.

    Raises:
        NotFound: there is none.
        PermissionDenied: without `Permission.AUDIT_READ`.
    """
    tx.require(Permission.AUDIT_READ)
    audit = tx.session.get(Audit, audit_id)
    if audit is None:
        raise NotFound(N_("There is no audit “{subject}”."), subject=audit_id)
    statement = select(AuditOutcome).where(AuditOutcome.audit_id == audit_id).order_by(AuditOutcome.aip_id, AuditOutcome.store)
    if not everything:
        statement = statement.where(AuditOutcome.outcome != CopyOutcome.MATCH)
    aip, _, store = after.rpartition(" ")
    if aip:
        statement = statement.where((AuditOutcome.aip_id > aip) | ((AuditOutcome.aip_id == aip) & (AuditOutcome.store > store)))
    rows = tx.session.scalars(statement.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return AuditView(
        audit=audit,
        selection=Selection.from_json(audit.selection),
        copies=copies_by_outcome(tx, audit_id),
        job=job_of(tx, audit_id) if audit.ended_at is None else None,
        outcomes=rows[:limit],
        following=f"{last.aip_id} {last.store}" if last is not None else "",
    )


def copies_by_outcome(tx: Transaction, audit_id: str) -> dict[str, int]:
    """How many copies of a run had each outcome."""
    rows = tx.session.execute(
        select(AuditOutcome.outcome, func.count()).where(AuditOutcome.audit_id == audit_id).group_by(AuditOutcome.outcome)
    )
    return {str(outcome): int(number) for outcome, number in rows}


def summary_of(tx: Transaction, audit: Audit, until: datetime) -> AuditSummary:
    """What a run found, added up from its outcomes."""
    aips, files, size = tx.session.execute(
        select(
            func.count(AuditOutcome.aip_id.distinct()),
            func.coalesce(func.sum(AuditOutcome.files), 0),
            func.coalesce(func.sum(AuditOutcome.bytes), 0),
        ).where(AuditOutcome.audit_id == audit.id)
    ).one()
    copies = copies_by_outcome(tx, audit.id)
    return AuditSummary(
        aips=aips,
        files=int(files),
        bytes=int(size),
        damaged=sum(number for outcome, number in copies.items() if outcome != CopyOutcome.MATCH),
        seconds=(until - audit.started_at).total_seconds(),
        copies=copies,
    )


def _require_records(tx: Transaction, records: Sequence[str]) -> None:
    for record in records:
        if tx.session.scalar(select(Aip.id).where(Aip.record_id == record)) is None:
            raise NotFound(N_("There is no record “{subject}”."), subject=record, remedy=N_("Look it up with a search."))


def _drawn(tx: Transaction, number: int) -> tuple[str, ...]:
    records = tx.session.scalars(select(Aip.record_id).order_by(Aip.id)).all()
    # the archive's ids are where chance comes from
    return tuple(sorted(random.Random(tx.archive.new_id()).sample(records, min(number, len(records)))))


def _problem_as_json(problem: Problem) -> dict[str, str]:
    outcome = "mismatch" if problem.outcome is CopyOutcome.DAMAGED else str(problem.outcome)
    return {"path": problem.path, "outcome": outcome, "expected": problem.expected, "found": problem.found}
