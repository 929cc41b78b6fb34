"""Operations of ingest: submissions, agreements, and the check that takes nothing in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, BinaryIO, Final, cast

from flask import request
from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, Field

from ingest import checking
from ingest import submissions as use_cases
from ingest.agreements import list_agreements as agreements_of
from ingest.uploads import sets
from repository.api.etags import check_match, etag_of
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Content, Mode, Operation
from repository.api.pagination import Page, PageQuery, link, seal, unseal
from repository.api.problems import PREFIX
from repository.api.schemas import Details, FilledLine, Moment, Shape, Text, Word
from repository.findings import N_, Finding, Outcome, Property, Severity
from repository.holdings import SubmissionState
from repository.permissions import Actor, Permission
from repository.transaction import Transaction
from repository.web import session

blueprint = ApiBlueprint("api_ingest", __name__)

_SUBMISSION: Final = {"submission_id": N_("Id of the submission.")}


class FindingShape(Shape):
    """One statement of one check about one thing."""

    code: str
    standard_code: str | None = Field(description=N_("The code in a standard where it is certain."))
    property: Property
    severity: Severity
    outcome: Outcome
    subject: Text = Field(description=N_("The file, entry, element or package it is about."))
    message: Text
    remedy: Text


class CheckShape(Shape):
    """What a check found: the same as “jingui check --json” says."""

    path: Text
    profile: str | None = Field(description=N_("What the package was recognised as; null: nothing."))
    valid: bool = Field(description=N_("Whether nothing failed."))
    findings: list[FindingShape]


class CheckQuery(BaseModel):
    """What the package is called."""

    model_config = ConfigDict(extra="forbid")

    name: FilledLine = Field(description=N_("The file name of the package, such as package.zip."))


class StepShape(Shape):
    """One step of the pipeline."""

    name: str
    label: str
    state: str
    note: Text
    started_at: Moment | None
    ended_at: Moment | None


class SubmissionItem(Shape):
    """A submission in a list."""

    id: str
    name: Text
    state: SubmissionState
    profile: str | None
    files: int
    bytes: int
    errors: int
    warnings: int
    record: str | None = Field(description=N_("The record it became."))
    received_at: Moment


class SubmissionPage(Page[SubmissionItem]):
    """Part of the list of submissions, newest first."""


class SubmissionQuery(PageQuery):
    """Which submissions."""

    state: Annotated[list[SubmissionState], Field(max_length=7)] = Field(
        default_factory=list, description=N_("Only those in one of these states.")
    )


class SubmissionShape(Shape):
    """A submission."""

    id: str
    name: Text
    agreement: str
    state: SubmissionState
    under_way: bool = Field(description=N_("Whether something will still happen by itself."))
    profile: str | None
    files: int
    bytes: int
    record: str | None
    aip: str | None
    replaces: str | None = Field(description=N_("The record whose next version it is."))
    error: Text
    received_by: Text
    received_at: Moment
    ended_at: Moment | None
    progress: Details | None = Field(description=N_("How far the step at hand is, while it runs."))
    steps: list[StepShape]
    findings: list[FindingShape]


class NewSubmission(Shape):
    """A package that is to be handed in."""

    upload_set: Word = Field(description=N_("Id of the upload set whose files are all there."))


class AgreementShape(Shape):
    """A submission agreement."""

    code: str
    title: Text
    unit: Text = Field(description=N_("The agency that hands over under it; empty: any."))
    fonds: Text
    open: bool = Field(description=N_("Whether packages can be handed in under it."))


class AgreementList(Shape):
    """The agreements, by code."""

    items: list[AgreementShape]


_SHOWN: Final = Answer(description=N_("The submission."), model=SubmissionShape, headers=("ETag",))


@blueprint.operation(
    Operation(
        id="list_agreements",
        method="GET",
        path="/agreements",
        tag="submissions",
        summary=N_("List the submission agreements"),
        needs=(Permission.AGREEMENT_READ,),
        answers={200: Answer(description=N_("The agreements."), model=AgreementList)},
    )
)
def list_agreements(tx: Transaction) -> Reply:
    """The agreements that the asker may know of."""
    return Reply(body=AgreementList(items=[AgreementShape.model_validate(row) for row in agreements_of(tx)]))


@blueprint.operation(
    Operation(
        id="list_submissions",
        method="GET",
        path="/submissions",
        tag="submissions",
        summary=N_("List the submissions, newest first"),
        needs=(Permission.SUBMISSION_READ,),
        query=SubmissionQuery,
        answers={200: Answer(description=N_("The submissions."), model=SubmissionPage, headers=("Link",))},
    )
)
def list_submissions(tx: Transaction, query: SubmissionQuery) -> Reply:
    """A page of submissions."""
    page = use_cases.list_submissions(tx, states=query.state, after=unseal(query.after), limit=query.limit)
    items = [
        SubmissionItem(
            id=line.id,
            name=line.name,
            state=SubmissionState(line.state),
            profile=line.profile,
            files=line.files,
            bytes=line.bytes,
            errors=line.errors,
            warnings=line.warnings,
            record=line.record_id,
            received_at=line.received_at,
        )
        for line in page.submissions
    ]
    following = seal(page.following) if page.following is not None else None
    return Reply(body=SubmissionPage(items=items, next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="create_submission",
        method="POST",
        path="/submissions",
        tag="submissions",
        summary=N_("Hand in what was uploaded"),
        description=N_(
            "The files of the upload set become one package, which is worked on at once. Asking twice gives the same submission."
        ),
        needs=(Permission.SUBMISSION_CREATE,),
        body=NewSubmission,
        example={"upload_set": "0190f3a2-5a6c-7c1e-9f0a-3b9d5c8e7f10"},
        answers={201: Answer(description=N_("The submission."), model=SubmissionShape, headers=("Location", "ETag"))},
        problems=(404, 409),
        mode=Mode.WRITE,
    )
)
def create_submission(tx: Transaction, body: NewSubmission) -> Reply:
    """A submission out of an upload set."""
    submission_id = sets.finish(tx, body.upload_set)
    tx.flush()
    return _reply(tx, submission_id, status=201, headers={"Location": f"{PREFIX}/submissions/{submission_id}"})


@blueprint.operation(
    Operation(
        id="get_submission",
        method="GET",
        path="/submissions/<submission_id>",
        tag="submissions",
        summary=N_("Read a submission with its steps and findings"),
        needs=(Permission.SUBMISSION_READ,),
        places=_SUBMISSION,
        headers=("If-None-Match",),
        answers={200: _SHOWN, 304: Answer(description=N_("Nothing changed."), headers=("ETag",))},
    )
)
def get_submission(tx: Transaction, submission_id: str) -> Reply:
    """One submission."""
    return _reply(tx, submission_id)


@blueprint.operation(
    Operation(
        id="retry_submission",
        method="POST",
        path="/submissions/<submission_id>/retry",
        tag="submissions",
        summary=N_("Try a failed or cancelled submission again"),
        needs=(Permission.SUBMISSION_CREATE,),
        places=_SUBMISSION,
        headers=("If-Match",),
        answers={200: _SHOWN},
        problems=(409, 412),
        mode=Mode.WRITE,
    )
)
def retry_submission(tx: Transaction, submission_id: str) -> Reply:
    """Puts it into the queue again."""
    check_match(_etag(_shape(tx, submission_id)))
    use_cases.retry(tx, submission_id)
    tx.flush()
    return _reply(tx, submission_id)


@blueprint.operation(
    Operation(
        id="cancel_submission",
        method="POST",
        path="/submissions/<submission_id>/cancel",
        tag="submissions",
        summary=N_("Cancel a submission that is under way"),
        needs=(Permission.SUBMISSION_CREATE,),
        places=_SUBMISSION,
        headers=("If-Match",),
        answers={200: _SHOWN},
        problems=(409, 412),
        mode=Mode.WRITE,
    )
)
def cancel_submission(tx: Transaction, submission_id: str) -> Reply:
    """Asks that the work on it stop."""
    check_match(_etag(_shape(tx, submission_id)))
    use_cases.cancel(tx, submission_id)
    tx.flush()
    return _reply(tx, submission_id)


@blueprint.operation(
    Operation(
        id="check_package",
        method="POST",
        path="/check",
        tag="submissions",
        summary=N_("Check a package without handing it in"),
        description=N_(
            "The body is the packed package (zip, tar, tar.gz) or a single file. It is checked as a submission would be, and nothing "
            "of it is kept."
        ),
        needs=(Permission.PACKAGE_CHECK,),
        query=CheckQuery,
        body=Content(media="application/octet-stream", description=N_("The package.")),
        answers={200: Answer(description=N_("What was found."), model=CheckShape)},
        problems=(415,),
        mode=Mode.OWN,
        changes=False,
    )
)
def check_package(actor: Actor, query: CheckQuery) -> Reply:
    """A dry run."""
    checked = checking.check_stream(session.archive(), actor, stream=cast(BinaryIO, request.stream), name=query.name)
    name = PurePosixPath(query.name.replace("\\", "/")).name
    return Reply(body=CheckShape.model_validate(checked.as_json(name, gettext)))


def _reply(tx: Transaction, submission_id: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    shown = _shape(tx, submission_id)
    return Reply(body=shown, status=status, etag=_etag(shown), headers=headers or {})


def _etag(shown: SubmissionShape) -> str:
    return etag_of(shown.model_dump_json())


def _shape(tx: Transaction, submission_id: str) -> SubmissionShape:
    view = use_cases.find_submission(tx, submission_id)
    row = view.submission
    return SubmissionShape(
        id=row.id,
        name=row.name,
        agreement=row.agreement_code,
        state=SubmissionState(row.state),
        under_way=view.under_way,
        profile=row.profile,
        files=row.files,
        bytes=row.bytes,
        record=row.record_id,
        aip=row.aip_id,
        replaces=row.replaces,
        error=row.error,
        received_by=row.received_by,
        received_at=row.received_at,
        ended_at=row.ended_at,
        progress=dict(view.progress) if view.progress is not None else None,
        steps=[
            StepShape(
                name=step.name,
                label=gettext(step.label),
                state=step.state,
                note=step.text(gettext),
                started_at=step.started_at,
                ended_at=step.ended_at,
            )
            for step in view.steps
        ],
        findings=_findings(view.findings),
    )


def _findings(findings: Sequence[Finding]) -> list[FindingShape]:
    return [FindingShape.model_validate(finding.as_json(gettext)) for finding in findings]
