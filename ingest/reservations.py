"""Reservations: one writer an object, in the catalogue.

Before a submission writes to a store it holds the record: a new one in the state ``incoming``, or a stored one whose next
version it makes. The submission's row carries the claim (`record_id` while it is being processed), and it is worth what its
job's lease is worth: when that has lapsed, whoever comes next rolls back what was written and takes the record over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, or_, select, update

from ingest.work import Reservation, Work
from repository.aip import record_columns
from repository.archive import Archive
from repository.errors import JobLost
from repository.findings import N_, Finding, Property, failure
from repository.holdings import Agreement, Aip, AipVersion, Job, Record, RecordState, Submission, SubmissionState
from repository.identifiers import aip_id
from repository.jobs.ledger import JobState
from repository.permissions import Actor
from repository.transaction import Transaction
from storage.errors import StorageError
from storage.ocfl.withdraw import withdraw

logger = logging.getLogger(__name__)

#: In these states a submission's record is what it became or is the same as; in all others it is a reservation.
_BECAME_A_RECORD: Final = (SubmissionState.STORED, SubmissionState.DUPLICATE)


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """The archive holds exactly this content under the agreement."""

    record_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Held:
    """Another submission is at work on the same record or the same content."""

    submission_id: str


@dataclass(frozen=True, kw_only=True)
class Released:
    """A submission that died had the record; what it left is rolled back, and the question can be asked again."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The package cannot be what it says it is."""

    finding: Finding


Answer = Reservation | Duplicate | Held | Released | Refused


def reserve(work: Work, content_digest: str) -> Answer:
    """Asks for the record of a package, in one short transaction.

    Args:
        work: the submission; recognised and accepted.
        content_digest: what the package is (`repository.aip.content_digest`).
    """
    with work.archive.transaction(work.actor) as tx:
        answer = _reserve(tx, work, content_digest)
    if isinstance(answer, Held) and _is_dead(work.archive, work.actor, answer.submission_id):
        release(work.archive, work.actor, answer.submission_id)
        return Released()
    return answer


def hold_job(tx: Transaction, work: Work) -> None:
    """Goes on only if this process still does the job; for every transaction that tells how the submission ended.

    Raises:
        JobLost: somebody else does it by now.
    """
    job = tx.session.get(Job, work.job_id, with_for_update=True)
    if job is None or job.state != JobState.RUNNING or job.attempts != work.attempt:
        raise _lost(work)


def hold_record(tx: Transaction, work: Work) -> Record:
    """The reserved record, if this process still holds it; for the transaction that makes it all true.

    Raises:
        JobLost: the job or the reservation is somebody else's by now.
    """
    hold_job(tx, work)
    submission = tx.session.get(Submission, work.submission_id, with_for_update=True)
    record = tx.session.get(Record, work.reservation.record_id, with_for_update=True)
    if record is None or submission is None or submission.state != SubmissionState.PROCESSING or submission.record_id != record.id:
        raise _lost(work)
    return record


def _lost(work: Work) -> JobLost:
    return JobLost(N_("Submission {subject} is worked on by somebody else by now."), subject=work.submission_id)


def release(archive: Archive, actor: Actor, submission_id: str) -> None:
    """Rolls back what a submission that did not end well has written and reserved; harmless when there is nothing.

    First the stores, then the catalogue: while something lies in a store, the reservation says whose it is.
    """
    with archive.read(actor) as tx:
        submission = tx.session.get(Submission, submission_id)
        if submission is None or submission.record_id is None or submission.state in _BECAME_A_RECORD:
            return
        record_id = submission.record_id
        kept = tx.session.scalar(select(Aip.version).where(Aip.record_id == record_id)) or 0
    for store in archive.stores:
        if store.read_only:
            continue
        try:
            withdraw(store.objects, aip_id(record_id), keep=kept)
        except (StorageError, OSError) as error:
            # a store that is away must not keep the record from being handed in again; should it hold something, the audit
            # tells of an unexpected object
            logger.warning("store %s could not be asked to give up %s: %s", store.name, record_id, error)
    with archive.transaction(actor) as tx:
        tx.session.execute(
            update(Submission)
            .where(Submission.id == submission_id, Submission.record_id == record_id)
            .values(record_id=None, content_digest=None)
        )
        tx.session.execute(delete(Record).where(Record.id == record_id, Record.state == RecordState.INCOMING))


def _reserve(tx: Transaction, work: Work, digest: str) -> Answer:
    # whoever asks under the same agreement waits here until this transaction ends
    tx.session.execute(select(Agreement.code).where(Agreement.code == work.agreement).with_for_update())
    description = work.sip.description
    known = _record(tx, work.agreement, description.identifier) if description.identifier else None
    target = known
    if work.replaces is not None:
        target = tx.session.get(Record, work.replaces)
        if target is None or target.agreement_code != work.agreement or (target.state != RecordState.STORED):
            return Refused(finding=_unknown_target(work))
        if known is not None and known.id != target.id:
            return Refused(finding=_taken(work, known))
    held = _held(tx, work, digest, target)
    if held is not None:
        return Held(submission_id=held)
    duplicate = _duplicate(tx, work, digest, target if work.replaces is not None else None)
    if duplicate is not None:
        return duplicate
    if target is None:
        target = Record(
            id=tx.archive.new_id(),
            agreement_code=work.agreement,
            state=RecordState.INCOMING,
            profile=work.sip.profile,
            created_at=tx.now,
            changed_at=tx.now,
            **record_columns(description),
        )
        tx.session.add(target)
        tx.session.flush()
        version = 1
    else:
        version = (tx.session.scalar(select(Aip.version).where(Aip.record_id == target.id)) or 0) + 1
    tx.session.execute(
        update(Submission)
        .where(Submission.id == work.submission_id)
        .values(record_id=target.id, content_digest=digest, profile=work.sip.profile)
    )
    return Reservation(record_id=target.id, version=version, content_digest=digest, reserved_at=tx.now)


def _record(tx: Transaction, agreement: str, identifier: str) -> Record | None:
    return tx.session.scalar(select(Record).where(Record.agreement_code == agreement, Record.identifier == identifier))


def _held(tx: Transaction, work: Work, digest: str, target: Record | None) -> str | None:
    same = [Submission.content_digest == digest]
    if target is not None:
        same.append(Submission.record_id == target.id)
    return tx.session.scalar(
        select(Submission.id)
        .where(
            Submission.state.not_in(_BECAME_A_RECORD),
            Submission.id != work.submission_id,
            Submission.agreement_code == work.agreement,
            Submission.record_id.is_not(None),
            or_(*same),
        )
        .limit(1)
    )


def _duplicate(tx: Transaction, work: Work, digest: str, replaced: Record | None) -> Duplicate | None:
    query = (
        select(Record.id, AipVersion.number)
        .join(Aip, Aip.record_id == Record.id)
        .join(AipVersion, AipVersion.aip_id == Aip.id)
        .where(AipVersion.content_digest == digest, Record.agreement_code == work.agreement, Record.state == RecordState.STORED)
    )
    if replaced is not None:
        # who says "this replaces that" may go back to an older content, only not to the one that is there
        query = query.where(Record.id == replaced.id, AipVersion.number == Aip.version)
    row = tx.session.execute(query.order_by(AipVersion.created_at.desc()).limit(1)).first()
    return Duplicate(record_id=row[0], version=row[1]) if row is not None else None


def _is_dead(archive: Archive, actor: Actor, submission_id: str) -> bool:
    with archive.read(actor) as tx:
        row = tx.session.execute(
            select(Job.state, Job.lease_until).join(Submission, Submission.job_id == Job.id).where(Submission.id == submission_id)
        ).first()
        return row is None or not _is_alive(row[0], row[1], tx.now)


def _is_alive(state: str, lease_until: datetime | None, now: datetime) -> bool:
    return state == JobState.RUNNING and lease_until is not None and lease_until >= now


def _unknown_target(work: Work) -> Finding:
    return failure(
        "REPLACED_RECORD_UNKNOWN",
        Property.INTEGRITY,
        work.tree.name,
        N_("“{subject}” is to replace record {record}, which is not among the stored records of agreement {agreement}."),
        N_("Look up the record's id, or hand the package in without saying that it replaces one."),
        record=work.replaces,
        agreement=work.agreement,
    )


def _taken(work: Work, known: Record) -> Finding:
    return failure(
        "IDENTIFIER_TAKEN",
        Property.AUTHENTICITY,
        work.tree.name,
        N_("“{subject}” is to replace record {record}, but its identifier {identifier} is that of record {known}."),
        N_("Correct the identifier in the package, or name the record that it really replaces."),
        record=work.replaces,
        identifier=known.identifier,
        known=known.id,
    )
