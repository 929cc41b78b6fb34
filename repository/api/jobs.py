"""Operations on jobs and on the timetable."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from repository.api.etags import check_match, etag_of, require_match
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Mode, Operation
from repository.api.pagination import Page, PageQuery, link, seal, unseal
from repository.api.schemas import Details, Line, Moment, Shape, Text
from repository.errors import NotFound
from repository.findings import N_
from repository.jobs import ledger, schedules
from repository.jobs.ledger import JobState
from repository.jobs.listing import JobQuery, JobView, find_job
from repository.jobs.listing import list_jobs as jobs_of
from repository.permissions import Permission
from repository.transaction import Transaction

blueprint = ApiBlueprint("api_jobs", __name__)

_JOB: Final = {"job_id": N_("Id of the job.")}
_SCHEDULE: Final = {"name": N_("Name of the row in the timetable.")}


class ProgressShape(Shape):
    """How far a job is."""

    stage: str
    done: int
    total: int | None
    unit: str
    detail: Text


class JobShape(Shape):
    """A job; what it says of a record is empty for those who may not read every record."""

    id: str
    kind: str
    state: JobState
    attempts: int
    cancel_asked: bool
    created_by: Text
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    not_before: Moment = Field(description=N_("It is not begun before this moment."))
    progress: ProgressShape
    arguments: Details
    result: Details
    error: Text


class JobPage(Page[JobShape]):
    """Part of the list of jobs, newest first."""


class JobFilter(PageQuery):
    """Which jobs."""

    state: JobState | None = Field(default=None, description=N_("Only those in this state."))
    kind: Line = Field(default="", description=N_("Only those of this kind."))
    regular: bool = Field(default=False, description=N_("Also what the timetable had done and was done well."))


class ScheduleShape(Shape):
    """A row of the timetable."""

    name: str
    kind: str = Field(description=N_("Kind of the jobs."))
    every_seconds: int
    usual_seconds: int | None = Field(description=N_("How often unless somebody changed it."))
    enabled: bool
    next_at: Moment
    last_at: Moment | None
    silent: bool = Field(description=N_("Whether it should have happened by now and has not."))


class ScheduleList(Shape):
    """The timetable, by name."""

    items: list[ScheduleShape]


class ScheduleChange(Shape):
    """What is to become of a row; what is left out or null stays as it is."""

    every_seconds: Annotated[int, Field(ge=schedules.SHORTEST, le=schedules.LONGEST)] | None = None
    enabled: bool | None = None


@blueprint.operation(
    Operation(
        id="list_jobs",
        method="GET",
        path="/jobs",
        tag="jobs",
        summary=N_("List the jobs, newest first"),
        needs=(Permission.JOB_READ,),
        query=JobFilter,
        answers={200: Answer(description=N_("The jobs."), model=JobPage, headers=("Link",))},
    )
)
def list_jobs(tx: Transaction, query: JobFilter) -> Reply:
    """A page of jobs."""
    wanted = JobQuery(state=query.state or "", kind=query.kind, regular=query.regular, after=unseal(query.after) or "")
    page = jobs_of(tx, wanted, query.limit)
    following = seal(page.following) if page.following else None
    return Reply(body=JobPage(items=[_shape(view) for view in page.jobs], next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="get_job",
        method="GET",
        path="/jobs/<job_id>",
        tag="jobs",
        summary=N_("Read a job"),
        needs=(Permission.JOB_READ,),
        places=_JOB,
        headers=("If-None-Match",),
        answers={
            200: Answer(description=N_("The job."), model=JobShape, headers=("ETag",)),
            304: Answer(description=N_("Nothing changed."), headers=("ETag",)),
        },
    )
)
def get_job(tx: Transaction, job_id: str) -> Reply:
    """One job."""
    return _reply(tx, job_id)


@blueprint.operation(
    Operation(
        id="cancel_job",
        method="POST",
        path="/jobs/<job_id>/cancel",
        tag="jobs",
        summary=N_("Ask that a job stop"),
        description=N_("A waiting job is cancelled at once, a running one when it next looks."),
        needs=(Permission.JOB_MANAGE, Permission.JOB_READ),
        places=_JOB,
        headers=("If-Match",),
        answers={200: Answer(description=N_("The job."), model=JobShape, headers=("ETag",))},
        problems=(409, 412),
        mode=Mode.WRITE,
    )
)
def cancel_job(tx: Transaction, job_id: str) -> Reply:
    """Asks that it stop."""
    check_match(_etag(_shape(find_job(tx, job_id))))
    ledger.cancel(tx, job_id)
    tx.flush()
    return _reply(tx, job_id)


@blueprint.operation(
    Operation(
        id="retry_job",
        method="POST",
        path="/jobs/<job_id>/retry",
        tag="jobs",
        summary=N_("Put a failed or cancelled job back into the queue"),
        needs=(Permission.JOB_MANAGE, Permission.JOB_READ),
        places=_JOB,
        headers=("If-Match",),
        answers={200: Answer(description=N_("The job."), model=JobShape, headers=("ETag",))},
        problems=(409, 412),
        mode=Mode.WRITE,
    )
)
def retry_job(tx: Transaction, job_id: str) -> Reply:
    """Starts it again."""
    check_match(_etag(_shape(find_job(tx, job_id))))
    ledger.retry(tx, job_id)
    tx.flush()
    return _reply(tx, job_id)


@blueprint.operation(
    Operation(
        id="list_schedules",
        method="GET",
        path="/schedules",
        tag="jobs",
        summary=N_("List what is done regularly"),
        needs=(Permission.JOB_READ,),
        answers={200: Answer(description=N_("The timetable."), model=ScheduleList)},
    )
)
def list_schedules(tx: Transaction) -> Reply:
    """The timetable."""
    return Reply(body=ScheduleList(items=[_row(row) for row in schedules.list_schedules(tx)]))


@blueprint.operation(
    Operation(
        id="get_schedule",
        method="GET",
        path="/schedules/<name>",
        tag="jobs",
        summary=N_("Read a row of the timetable"),
        needs=(Permission.JOB_READ,),
        places=_SCHEDULE,
        headers=("If-None-Match",),
        answers={
            200: Answer(description=N_("The row."), model=ScheduleShape, headers=("ETag",)),
            304: Answer(description=N_("Nothing changed."), headers=("ETag",)),
        },
    )
)
def get_schedule(tx: Transaction, name: str) -> Reply:
    """One row."""
    row = _named(tx, name)
    return Reply(body=row, etag=_schedule_etag(row))


@blueprint.operation(
    Operation(
        id="change_schedule",
        method="PATCH",
        path="/schedules/<name>",
        tag="jobs",
        summary=N_("Change how often something is done, or whether"),
        needs=(Permission.SCHEDULE_MANAGE, Permission.JOB_READ),
        places=_SCHEDULE,
        body=ScheduleChange,
        example={"enabled": True, "every_seconds": 3600},
        required_headers=("If-Match",),
        answers={200: Answer(description=N_("The row as it is now."), model=ScheduleShape, headers=("ETag",))},
        mode=Mode.WRITE,
    )
)
def change_schedule(tx: Transaction, name: str, body: ScheduleChange) -> Reply:
    """Another interval; on or off."""
    tx.require(Permission.SCHEDULE_MANAGE)
    require_match(_schedule_etag(_named(tx, name)))
    schedules.set_schedule(tx, name, every_seconds=body.every_seconds, enabled=body.enabled)
    tx.flush()
    row = _named(tx, name)
    return Reply(body=row, etag=_schedule_etag(row))


def _reply(tx: Transaction, job_id: str) -> Reply:
    shown = _shape(find_job(tx, job_id))
    return Reply(body=shown, etag=_etag(shown))


def _etag(shown: JobShape) -> str:
    return etag_of(shown.model_dump_json())


def _shape(view: JobView) -> JobShape:
    return JobShape(
        id=view.id,
        kind=view.kind,
        state=JobState(view.state),
        attempts=view.attempts,
        cancel_asked=view.cancel_asked,
        created_by=view.created_by,
        created_at=view.created_at,
        started_at=view.started_at,
        ended_at=view.ended_at,
        not_before=view.not_before,
        progress=ProgressShape(stage=view.stage, done=view.done, total=view.total, unit=view.unit, detail=view.detail),
        arguments=view.arguments,
        result=view.result,
        error=view.error,
    )


def _named(tx: Transaction, name: str) -> ScheduleShape:
    for row in schedules.list_schedules(tx):
        if row.name == name:
            return _row(row)
    raise NotFound(N_("There is no schedule “{subject}”."), subject=name)


def _row(row: schedules.ScheduleRow) -> ScheduleShape:
    return ScheduleShape(
        name=row.name,
        kind=row.kind,
        every_seconds=row.every_seconds,
        usual_seconds=row.usual_seconds,
        enabled=row.enabled,
        next_at=row.next_at,
        last_at=row.last_at,
        silent=row.silent,
    )


def _schedule_etag(row: ScheduleShape) -> str:
    # when it was fired last says nothing of how it is set
    return etag_of(row.name, row.kind, row.every_seconds, row.enabled)
