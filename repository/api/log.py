"""Operations on the logbook."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Operation
from repository.api.pagination import Page, PageQuery, link, seal, unseal
from repository.api.schemas import Details, Line, Moment, Shape, Text
from repository.findings import N_
from repository.logbook.reading import LogQuery, list_lines
from repository.permissions import Permission
from repository.transaction import Transaction

blueprint = ApiBlueprint("api_log", __name__)


class LogLine(Shape):
    """One line of the logbook."""

    sequence: int = Field(description=N_("Its number; the numbers have no gaps."))
    at: Moment
    actor_id: str = Field(description=N_("Id of the account, or a word for what has none."))
    actor_name: Text
    action: str = Field(description=N_("What was done."))
    object_type: str
    object_id: Text
    outcome: str = Field(description=N_("How it ended."))
    address: str = Field(description=N_("From which address."))
    request_id: str
    detail: Details
    digest: str = Field(description=N_("Digest of the line and of the one before, in hexadecimal."))


class LogPage(Page[LogLine]):
    """Part of the logbook, newest first."""


class LogFilter(PageQuery):
    """Which lines."""

    person: Line = Field(default="", description=N_("Name of who did it."))
    action: Line = Field(default="", description=N_("What was done; ending in a dot, all that begins with it (record.)."))
    object: Line = Field(default="", description=N_("Id of the thing it was done to."))
    outcome: Line = Field(default="", description=N_("How it ended: success, refused or failure."))
    since: AwareDatetime | None = Field(default=None, description=N_("Not before this moment (2026-05-01T00:00:00Z)."))
    until: AwareDatetime | None = Field(default=None, description=N_("Before this moment."))


@blueprint.operation(
    Operation(
        id="list_log",
        method="GET",
        path="/log",
        tag="log",
        summary=N_("Read the logbook, newest first"),
        description=N_("For the audit administrator alone. Reading it leaves a line of its own."),
        needs=(Permission.LOG_READ,),
        query=LogFilter,
        answers={200: Answer(description=N_("The lines."), model=LogPage, headers=("Link",))},
    )
)
def list_log(tx: Transaction, query: LogFilter) -> Reply:
    """A page of the logbook."""
    before = unseal(query.after)
    found = list_lines(
        tx,
        LogQuery(
            person=query.person,
            action=query.action,
            object_id=query.object,
            outcome=query.outcome,
            since=query.since,
            until=query.until,
            before=int(before) if before else None,
            limit=query.limit,
        ),
    )
    items = [
        LogLine(
            sequence=line.sequence,
            at=line.at,
            actor_id=line.actor_id,
            actor_name=line.actor_name,
            action=line.action,
            object_type=line.object_type,
            object_id=line.object_id,
            outcome=line.outcome,
            address=line.address,
            request_id=line.request_id,
            detail=line.detail,
            digest=line.digest.hex(),
        )
        for line in found.lines
    ]
    following = seal(str(found.following)) if found.following is not None else None
    return Reply(body=LogPage(items=items, next=following), headers=link(following))
