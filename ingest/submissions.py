"""Submissions: handing a package in, trying again, and seeing what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from ingest.kept import resumes_at
from ingest.work import STEP_TITLES, StepName, StepState
from repository.errors import Conflict, NotFound
from repository.events import EventType, ObjectType
from repository.findings import N_, Finding, Outcome, Property, Severity, Translate
from repository.holdings import Agreement, Job, Record, RecordState, Submission, SubmissionState, SubmissionStep
from repository.jobs.ledger import ENDED, JobState, stop
from repository.logbook.recording import note
from repository.permissions import Permission, allows
from repository.transaction import Transaction
from repository.visibility import visible_submissions

#: The kind of job that takes a package through the pipeline.
JOB_KIND: Final = "ingest.process"
#: The agreement that a home made by `jingui init` has.
LOCAL_AGREEMENT: Final = "local"
#: States in which nothing more happens by itself.
FINAL: Final = frozenset(
    {SubmissionState.STORED, SubmissionState.REJECTED, SubmissionState.FAILED, SubmissionState.DUPLICATE, SubmissionState.CANCELLED}
)

#: States in which a submission can be tried again.
RETRIED: Final = frozenset({SubmissionState.FAILED, SubmissionState.CANCELLED})


def receive(
    tx: Transaction,
    *,
    source: Path,
    agreement: str,
    name: str = "",
    keep_source: bool = True,
    replaces: str | None = None,
    findings: Sequence[Finding] = (),
) -> str:
    """Takes note of a package and queues its ingest: one row, one event, one job, in one transaction.

    Args:
        tx: the unit of work.
        source: the package; it must stay as it is until the submission has ended.
        agreement: code of the agreement under which it comes.
        name: what to call it; by default the name of the file or folder.
        keep_source: whether it is left alone; else (an upload) it is removed once it is stored, rejected or a duplicate.
        replaces: the record whose next version it is, or None to let its identifier decide.
        findings: what is known to be wrong with it from outside, by the index of its batch.

    Returns:
        The id of the submission.

    Raises:
        NotFound: there is no such file or folder, agreement or record.
        Conflict: the agreement is closed, or the package would be the archive itself.
        PermissionDenied: without `Permission.SUBMISSION_CREATE` for this agreement.
    """
    terms = _agreement(tx, agreement)
    tx.require(Permission.SUBMISSION_CREATE, terms)
    if not terms.open:
        raise Conflict(N_("The agreement “{subject}” is closed: nothing more can be handed in under it."), subject=agreement)
    if not source.exists():
        raise NotFound(N_("There is no file or folder {subject}."), subject=str(source), remedy=N_("Check the path."))
    _refuse_the_archive_itself(tx, source)
    if replaces is not None:
        record = tx.session.get(Record, replaces)
        if record is None or record.state != RecordState.STORED or record.agreement_code != agreement:
            raise NotFound(
                N_("There is no stored record {subject} under the agreement {agreement}."),
                subject=replaces,
                remedy=N_("Look the record's id up with “jingui search”."),
                agreement=agreement,
            )
    submission_id = tx.archive.new_id()
    tx.session.add(
        Submission(
            id=submission_id,
            agreement_code=agreement,
            name=name or source.name or str(source),
            source=str(source.absolute()),
            keep_source=keep_source,
            replaces=replaces,
            state=SubmissionState.RECEIVED,
            received_by=tx.actor.name,
            received_at=tx.now,
            job_id=tx.enqueue(
                JOB_KIND,
                {"submission": submission_id, "findings": [finding_as_row(finding) for finding in findings]},
                key=f"{JOB_KIND}:{submission_id}",
            ),
        )
    )
    tx.record_event(
        EventType.TRANSFER,
        objects=((ObjectType.SUBMISSION, submission_id), (ObjectType.AGREEMENT, agreement)),
        detail={"name": name or source.name, "keep_source": keep_source, **({"replaces": replaces} if replaces else {})},
    )
    note(
        tx,
        "submission.received",
        object_type="submission",
        object_id=submission_id,
        # no name: it often is the title, and the audit administrator reads no titles
        detail={"agreement": agreement},
    )
    return submission_id


def retry(tx: Transaction, submission_id: str) -> str:
    """Queues a failed or cancelled submission again; says the id of the job.

    One that failed goes on at the step that failed where the work folder still has what the steps before made
    (`ingest.kept.resumes_at` says which that is); every other one begins at the first.

    Raises:
        NotFound: there is no such submission.
        Conflict: it has neither failed nor was it cancelled, or what was handed in is gone.
        PermissionDenied: without `Permission.SUBMISSION_CREATE` for its agreement.
    """
    submission = _submission(tx, submission_id)
    terms = _agreement(tx, submission.agreement_code)
    if not allows(tx.actor, Permission.SUBMISSION_READ, terms):
        raise _unknown(submission_id)
    tx.require(Permission.SUBMISSION_CREATE, terms)
    if submission.state not in RETRIED:
        raise Conflict(
            N_("The submission {subject} is {state}; only one that failed or was cancelled can be tried again."),
            subject=submission_id,
            state=submission.state,
        )
    step = resumes_at(tx.archive, submission_id)
    if step is None and not Path(submission.source).exists():
        raise Conflict(
            N_("What was handed in as “{subject}” is gone, so it cannot be tried again."),
            subject=submission.name,
            remedy=N_("Hand the package in anew."),
        )
    before = tx.session.get(Job, submission.job_id) if submission.job_id else None
    arguments = {"submission": submission_id, "findings": before.arguments.get("findings", []) if before is not None else []}
    submission.state = SubmissionState.RECEIVED
    submission.error = ""
    submission.ended_at = None
    submission.job_id = tx.enqueue(JOB_KIND, arguments, key=f"{JOB_KIND}:{submission_id}", again=True)
    note(
        tx,
        "submission.retried",
        object_type="submission",
        object_id=submission_id,
        detail={"from": str(step or StepName.UNPACK)},
    )
    return submission.job_id


def cancel(tx: Transaction, submission_id: str) -> SubmissionState:
    """Stops a submission: at once while it waits, at its next check while it is worked on. Nothing of it is kept.

    Returns:
        The state it has now: `CANCELLED`, or still `PROCESSING` until the worker has cleaned up behind itself.

    Raises:
        NotFound: there is no such submission, or the actor may not know of it.
        Conflict: it has ended already.
        PermissionDenied: without `Permission.SUBMISSION_CREATE` for its agreement.
    """
    submission = _submission(tx, submission_id)
    terms = _agreement(tx, submission.agreement_code)
    if not allows(tx.actor, Permission.SUBMISSION_READ, terms):
        raise _unknown(submission_id)
    tx.require(Permission.SUBMISSION_CREATE, terms)
    if submission.state in FINAL or submission.job_id is None:
        raise Conflict(
            N_("The submission {subject} is {state} already; there is nothing to stop."), subject=submission_id, state=submission.state
        )
    stop(tx, submission.job_id)
    tx.session.refresh(submission)
    note(tx, "submission.cancelled", object_type="submission", object_id=submission_id)
    return SubmissionState(submission.state)


def open_agreements(tx: Transaction) -> Sequence[Agreement]:
    """The agreements under which the actor may hand packages in."""
    rows = tx.session.scalars(select(Agreement).where(Agreement.open).order_by(Agreement.code)).all()
    return [row for row in rows if allows(tx.actor, Permission.SUBMISSION_CREATE, row)]


@dataclass(frozen=True, kw_only=True)
class SubmissionLine:
    """A submission in a list."""

    id: str
    name: str
    state: str
    profile: str | None
    files: int
    bytes: int
    errors: int
    warnings: int
    record_id: str | None
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class SubmissionPage:
    """Part of a list.

    Args:
        submissions: newest first.
        following: what to ask for as `after` to get the next part, or None at the end.
    """

    submissions: Sequence[SubmissionLine]
    following: str | None


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One step of the pipeline for one submission.

    Args:
        name: of the step.
        label: its title, a template to be translated.
        state: `StepState`.
        note: template of one line on what it did.
        values: of the places in `note`.
    """

    name: str
    label: str
    state: str
    note: str
    values: Mapping[str, Any]
    started_at: datetime | None
    ended_at: datetime | None

    def text(self, translate: Translate) -> str:
        """What the step did, in the language of `translate`."""
        return translate(self.note).format_map(dict(self.values)) if self.note else ""

    @property
    def detail(self) -> str:
        """What the step did, in English."""
        return self.text(str)


@dataclass(frozen=True, kw_only=True)
class SubmissionView:
    """A submission with all that is known of it.

    Args:
        submission: the row, detached.
        findings: everything found.
        steps: the pipeline as far as it came, and what is ahead.
        progress: of the job, while it runs.
        under_way: whether something will still happen by itself.
        stopping: whether somebody asked it to stop, and it has not yet.
        seen_at: when the worker was last heard of, or None.
        resumes_at: the step at which trying it again goes on; None: at the first, or it cannot be tried again.
    """

    submission: Submission
    findings: Sequence[Finding]
    steps: Sequence[StepView]
    progress: Mapping[str, Any] | None
    under_way: bool
    stopping: bool
    seen_at: datetime | None
    resumes_at: StepName | None


def list_submissions(
    tx: Transaction,
    *,
    states: Sequence[str] = (),
    agreement: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    after: str | None = None,
    limit: int = 50,
) -> SubmissionPage:
    """The submissions that the actor may see, newest first.

    Args:
        tx: the unit of work.
        states: only those in one of these states; empty is all.
        agreement: only those under the agreement of this code.
        since: only those received then or later.
        until: only those received before.
        text: only those with this in the name, in whatever case.
        after: `SubmissionPage.following` of the part before.
        limit: at most so many.

    Raises:
        PermissionDenied: without `Permission.SUBMISSION_READ`.
    """
    tx.require(Permission.SUBMISSION_READ)
    query = visible_submissions(select(Submission), tx.actor).order_by(Submission.received_at.desc(), Submission.id.desc()).limit(limit + 1)
    if states:
        query = query.where(Submission.state.in_(states))
    if agreement:
        query = query.where(Submission.agreement_code == agreement)
    if since is not None:
        query = query.where(Submission.received_at >= since)
    if until is not None:
        query = query.where(Submission.received_at < until)
    if text:
        query = query.where(func.lower(Submission.name).contains(text.lower(), autoescape=True))
    last = tx.session.get(Submission, after) if after else None
    if last is not None:
        query = query.where(
            or_(Submission.received_at < last.received_at, and_(Submission.received_at == last.received_at, Submission.id < last.id))
        )
    rows = tx.session.scalars(query).all()
    lines = [
        SubmissionLine(
            id=row.id,
            name=row.name,
            state=row.state,
            profile=row.profile,
            files=row.files,
            bytes=row.bytes,
            errors=sum(finding["outcome"] == Outcome.FAIL for finding in row.findings),
            warnings=sum(finding["outcome"] == Outcome.WARN for finding in row.findings),
            record_id=row.record_id,
            received_at=row.received_at,
        )
        for row in rows[:limit]
    ]
    return SubmissionPage(submissions=lines, following=lines[-1].id if len(rows) > limit else None)


def find_submission(tx: Transaction, submission_id: str) -> SubmissionView:
    """One submission: its steps, its findings, how far it is.

    Raises:
        NotFound: there is none, or the actor may not know of it.
    """
    submission = _submission(tx, submission_id)
    if not allows(tx.actor, Permission.SUBMISSION_READ, _agreement(tx, submission.agreement_code)):
        raise _unknown(submission_id)
    job = tx.session.get(Job, submission.job_id) if submission.job_id else None
    steps = [_step(row) for row in submission.steps]
    under_way = submission.state not in FINAL and (job is None or JobState(job.state) not in ENDED)
    progress = job.progress if job is not None and job.state == JobState.RUNNING and job.progress else None
    findings = [finding_from_row(value) for value in submission.findings]
    return SubmissionView(
        submission=submission,
        findings=findings,
        steps=steps,
        progress=progress,
        under_way=under_way,
        stopping=under_way and job is not None and job.cancel_asked,
        seen_at=job.heartbeat_at if job is not None else None,
        resumes_at=resumes_at(tx.archive, submission_id) if submission.state == SubmissionState.FAILED else None,
    )


def finding_as_row(finding: Finding) -> dict[str, Any]:
    """A finding as it lies in the catalogue: with its template, so that it can be told in another language."""
    return {
        "code": finding.code,
        "standard_code": finding.standard_code,
        "property": str(finding.property),
        "severity": str(finding.severity),
        "outcome": str(finding.outcome),
        "subject": finding.subject,
        "message": finding.message,
        "remedy": finding.remedy,
        "parameters": dict(finding.parameters),
    }


def finding_from_row(value: Mapping[str, Any]) -> Finding:
    """The finding that `finding_as_row` wrote."""
    return Finding(
        code=value["code"],
        standard_code=value["standard_code"],
        property=Property(value["property"]),
        severity=Severity(value["severity"]),
        outcome=Outcome(value["outcome"]),
        subject=value["subject"],
        message=value["message"],
        remedy=value["remedy"],
        parameters=value["parameters"],
    )


def _step(row: SubmissionStep) -> StepView:
    said = json.loads(row.detail) if row.detail else {}
    return StepView(
        name=row.name,
        label=STEP_TITLES.get(row.name, row.name),
        state=str(StepState(row.state)),
        note=said.get("note", ""),
        values=said.get("values", {}),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _refuse_the_archive_itself(tx: Transaction, source: Path) -> None:
    place = source.resolve()
    stores = [store.location.resolve() for store in tx.archive.stores if isinstance(store.location, Path)]
    if any(place.is_relative_to(store) or store.is_relative_to(place) for store in stores) or tx.archive.home.resolve().is_relative_to(
        place
    ):
        raise Conflict(
            N_("{subject} holds the archive itself, or is part of a store: it would be taken in again and again."),
            subject=str(source),
            remedy=N_("Name the folder of the package. A record that is held is taken out with “jingui export”."),
        )


def _agreement(tx: Transaction, code: str) -> Agreement:
    found = tx.session.get(Agreement, code)
    if found is None:
        raise NotFound(
            N_("There is no agreement “{subject}”."),
            subject=code,
            remedy=N_("Agreements of this archive: {known}."),
            known=", ".join(tx.session.scalars(select(Agreement.code).order_by(Agreement.code))) or "-",
        )
    return found


def _submission(tx: Transaction, submission_id: str) -> Submission:
    found = tx.session.get(Submission, submission_id)
    if found is None:
        raise _unknown(submission_id)
    return found


def _unknown(submission_id: str) -> NotFound:
    return NotFound(N_("There is no submission {subject}."), subject=submission_id)
