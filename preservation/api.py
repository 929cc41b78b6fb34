"""Operations of preservation: audits, and the releases of format signatures."""

from __future__ import annotations

from typing import Annotated, Final

from flask_babel import gettext
from pydantic import Field

from preservation import audits as use_cases
from preservation.audits import Scope, Selection
from preservation.releases import known_releases
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Mode, Operation
from repository.api.pagination import Page, PageQuery, link, seal, unseal
from repository.api.problems import PREFIX, ApiError, FieldError
from repository.api.schemas import Moment, Shape, Text, Word
from repository.findings import N_
from repository.holdings import Audit
from repository.permissions import Permission
from repository.transaction import Transaction

blueprint = ApiBlueprint("api_preservation", __name__)

_AUDIT: Final = {"audit_id": N_("Id of the audit.")}


class SelectionShape(Shape):
    """What an audit reads."""

    scope: Scope
    sample: int = Field(description=N_("With the scope “sample”: how many packages were drawn."))
    records: list[str] = Field(description=N_("With the scopes “records” and “sample”: which records."))
    store: str = Field(description=N_("Only the copies in this store; empty: in all."))


class AuditItem(Shape):
    """An audit in a list."""

    id: str
    selection: SelectionShape
    aips: int
    files: int
    bytes: int
    damaged: int = Field(description=N_("Copies that are not as they should be."))
    started_at: Moment
    ended_at: Moment | None


class AuditPage(Page[AuditItem]):
    """Part of the list of audits, newest first."""


class CopyProblem(Shape):
    """A file that is not as it should be."""

    path: Text
    outcome: str
    expected: Text
    found: Text


class CopyOutcomeShape(Shape):
    """What an audit found of one copy."""

    aip: str
    store: str
    outcome: str
    files: int
    bytes: int
    problems: list[CopyProblem]
    at: Moment


class AuditShape(Shape):
    """An audit, with part of what it found."""

    id: str
    selection: SelectionShape
    state: str = Field(description=N_("State of the job that does it; “ended” once it is over."))
    copies: dict[str, int] = Field(description=N_("Outcome to number of copies, as far as it is."))
    started_at: Moment
    ended_at: Moment | None
    items: list[CopyOutcomeShape] = Field(description=N_("Copies that are not as they should be, or every copy."))
    next: str | None = Field(description=N_("Cursor of the next page; null on the last."))


class AuditQuery(PageQuery):
    """Which part of what an audit found."""

    all: bool = Field(default=False, description=N_("Also the copies that are as they should be."))


class NewAudit(Shape):
    """An audit that is to be begun."""

    scope: Scope = Field(description=N_("all, overdue, sample or records."))
    sample: Annotated[int, Field(ge=0, le=1_000_000)] = Field(default=0, description=N_("With “sample”: how many packages to draw."))
    records: Annotated[list[Word], Field(max_length=1000)] = Field(default_factory=list, description=N_("With “records”: their ids."))
    store: Annotated[str, Field(max_length=31, pattern=r"^[a-z0-9-]*$")] = Field(
        default="", description=N_("Only the copies in this store.")
    )


class ReleaseShape(Shape):
    """A release of the PRONOM signatures."""

    id: str
    version: str
    container_version: str
    active: bool = Field(description=N_("Whether files are identified with it."))
    bundled: bool = Field(description=N_("Whether it came with the program."))
    imported_at: str | None
    digest: str


class ReleaseList(Shape):
    """The releases, by version."""

    items: list[ReleaseShape]


@blueprint.operation(
    Operation(
        id="list_audits",
        method="GET",
        path="/audits",
        tag="audits",
        summary=N_("List the audits, newest first"),
        needs=(Permission.AUDIT_READ,),
        query=PageQuery,
        answers={200: Answer(description=N_("The audits."), model=AuditPage, headers=("Link",))},
    )
)
def list_audits(tx: Transaction, query: PageQuery) -> Reply:
    """A page of audits."""
    found = use_cases.list_audits(tx, after=unseal(query.after), limit=query.limit + 1)
    shown = found[: query.limit]
    following = seal(shown[-1].id) if len(found) > query.limit else None
    return Reply(body=AuditPage(items=[_item(audit) for audit in shown], next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="start_audit",
        method="POST",
        path="/audits",
        tag="audits",
        summary=N_("Have copies read again and compared"),
        description=N_(
            "It waits in the queue and is done in the background. A run of the same kind that waits already is not begun twice."
        ),
        needs=(Permission.AUDIT_RUN, Permission.AUDIT_READ),
        body=NewAudit,
        example={"scope": "overdue", "store": ""},
        answers={202: Answer(description=N_("The audit."), model=AuditShape, headers=("Location",))},
        problems=(404,),
        mode=Mode.WRITE,
    )
)
def start_audit(tx: Transaction, body: NewAudit) -> Reply:
    """Asks for a run."""
    if body.scope is Scope.RECORDS and not body.records:
        errors = [
            FieldError(
                pointer="/records", message=gettext("This list is too short: it needs at least {min_length} entries.").format(min_length=1)
            )
        ]
        raise ApiError("INVALID", N_("The body is not right: {count} errors."), errors=errors, count=1)
    sample = body.sample if body.scope is Scope.SAMPLE else 0
    records = tuple(body.records) if body.scope is Scope.RECORDS else ()
    audit_id = use_cases.start(tx, Selection(scope=body.scope, sample=sample, records=records, store=body.store))
    tx.flush()
    return Reply(body=_audit(tx, audit_id), status=202, headers={"Location": f"{PREFIX}/audits/{audit_id}"})


@blueprint.operation(
    Operation(
        id="get_audit",
        method="GET",
        path="/audits/<audit_id>",
        tag="audits",
        summary=N_("Read an audit with what it found"),
        needs=(Permission.AUDIT_READ,),
        places=_AUDIT,
        query=AuditQuery,
        answers={200: Answer(description=N_("The audit."), model=AuditShape, headers=("Link",))},
    )
)
def get_audit(tx: Transaction, audit_id: str, query: AuditQuery) -> Reply:
    """One audit."""
    shown = _audit(tx, audit_id, everything=query.all, after=unseal(query.after) or "", limit=query.limit)
    return Reply(body=shown, headers=link(shown.next))


@blueprint.operation(
    Operation(
        id="list_format_releases",
        method="GET",
        path="/formats/releases",
        tag="formats",
        summary=N_("List the releases of format signatures"),
        needs=(Permission.FORMAT_READ,),
        answers={200: Answer(description=N_("The releases."), model=ReleaseList)},
    )
)
def list_format_releases(tx: Transaction) -> Reply:
    """The releases."""
    return Reply(body=ReleaseList(items=[ReleaseShape.model_validate(known.as_json()) for known in known_releases(tx)]))


def _audit(tx: Transaction, audit_id: str, *, everything: bool = False, after: str = "", limit: int = 20) -> AuditShape:
    view = use_cases.find_audit(tx, audit_id, everything=everything, after=after, limit=limit)
    return AuditShape(
        id=view.audit.id,
        selection=_selection(view.selection),
        state="ended" if view.audit.ended_at is not None else view.job.state if view.job is not None else "queued",
        copies=dict(view.copies),
        started_at=view.audit.started_at,
        ended_at=view.audit.ended_at,
        items=[
            CopyOutcomeShape(
                aip=row.aip_id,
                store=row.store,
                outcome=row.outcome,
                files=row.files,
                bytes=row.bytes,
                problems=[CopyProblem.model_validate(problem) for problem in row.problems],
                at=row.at,
            )
            for row in view.outcomes
        ],
        next=seal(view.following, endpoint="api_preservation.get_audit") if view.following else None,
    )


def _item(audit: Audit) -> AuditItem:
    return AuditItem(
        id=audit.id,
        selection=_selection(Selection.from_json(audit.selection)),
        aips=audit.aips,
        files=audit.files,
        bytes=audit.bytes,
        damaged=audit.damaged,
        started_at=audit.started_at,
        ended_at=audit.ended_at,
    )


def _selection(selection: Selection) -> SelectionShape:
    return SelectionShape(scope=selection.scope, sample=selection.sample, records=list(selection.records), store=selection.store)
