"""Operations on agencies."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from repository.api.etags import etag_of, require_match
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Mode, Operation
from repository.api.pagination import Page, PageQuery, cut, link
from repository.api.problems import PREFIX
from repository.api.schemas import FilledLine, Line, Moment, Shape
from repository.findings import N_
from repository.holdings import Agency
from repository.permissions import Permission
from repository.recordkeeping import agencies as use_cases
from repository.transaction import Transaction

blueprint = ApiBlueprint("api_agencies", __name__)

_PLACES: Final = {"agency_id": N_("Id of the agency.")}


class AgencyShape(Shape):
    """An agency."""

    id: str
    name: str = Field(description=N_("Its name, as records write it."))
    code: str | None = Field(description=N_("Its unified social credit code (GB 32100-2015)."))
    fonds: str = Field(description=N_("Its fonds number, or empty."))
    other_names: list[str] = Field(description=N_("Names it bore before."))
    active: bool = Field(description=N_("Whether it still exists."))
    created_at: Moment


class AgencyPage(Page[AgencyShape]):
    """Part of the list of agencies."""


class AgencyQuery(PageQuery):
    """Which agencies."""

    q: Line = Field(default="", description=N_("Only those with this in a name, the code or the fonds number."))
    active: bool | None = Field(default=None, description=N_("Only those that exist, or only those that ended."))


class NewAgency(Shape):
    """An agency that is to be made."""

    name: FilledLine
    code: Line = Field(default="", description=N_("Its unified social credit code (GB 32100-2015); empty if it never had one."))
    fonds: Line = ""
    other_names: Annotated[list[FilledLine], Field(max_length=50)] = Field(default_factory=list)


class AgencyChange(Shape):
    """What is to become of an agency; what is left out or null stays as it is."""

    name: FilledLine | None = None
    code: Line | None = None
    fonds: Line | None = None
    other_names: Annotated[list[FilledLine], Field(max_length=50)] | None = None
    active: bool | None = Field(default=None, description=N_("Whether it still exists."))


_EXAMPLE: Final[dict[str, Any]] = {"name": "云栖市民政局", "code": "", "fonds": "0123", "other_names": ["云栖县民政局"]}


@blueprint.operation(
    Operation(
        id="list_agencies",
        method="GET",
        path="/agencies",
        tag="agencies",
        summary=N_("List the agencies, by name"),
        needs=(Permission.AGENCY_READ,),
        query=AgencyQuery,
        answers={200: Answer(description=N_("The agencies."), model=AgencyPage, headers=("Link",))},
    )
)
def list_agencies(tx: Transaction, query: AgencyQuery) -> Reply:
    """A page of agencies."""
    found = sorted(use_cases.list_agencies(tx, text=query.q, active=query.active), key=lambda agency: agency.name)
    shown, following = cut(found, key=lambda agency: agency.name, query=query)
    page = AgencyPage(items=[AgencyShape.model_validate(agency) for agency in shown], next=following)
    return Reply(body=page, headers=link(following))


@blueprint.operation(
    Operation(
        id="create_agency",
        method="POST",
        path="/agencies",
        tag="agencies",
        summary=N_("Make an agency"),
        needs=(Permission.AGENCY_MANAGE,),
        body=NewAgency,
        example=_EXAMPLE,
        answers={201: Answer(description=N_("The agency as it is now."), model=AgencyShape, headers=("Location", "ETag"))},
        mode=Mode.WRITE,
    )
)
def create_agency(tx: Transaction, body: NewAgency) -> Reply:
    """A new agency."""
    agency_id = use_cases.create_agency(tx, name=body.name, code=body.code, fonds=body.fonds, other_names=body.other_names)
    agency = use_cases.agency_named(tx, agency_id)
    return _reply(agency, status=201, headers={"Location": f"{PREFIX}/agencies/{agency_id}"})


@blueprint.operation(
    Operation(
        id="get_agency",
        method="GET",
        path="/agencies/<agency_id>",
        tag="agencies",
        summary=N_("Read an agency"),
        description=N_("It is found by its id, its code, its name or a name it bore before."),
        needs=(Permission.AGENCY_READ,),
        places=_PLACES,
        headers=("If-None-Match",),
        answers={
            200: Answer(description=N_("The agency."), model=AgencyShape, headers=("ETag",)),
            304: Answer(description=N_("Nothing changed."), headers=("ETag",)),
        },
    )
)
def get_agency(tx: Transaction, agency_id: str) -> Reply:
    """One agency."""
    return _reply(use_cases.find_agency(tx, agency_id))


@blueprint.operation(
    Operation(
        id="change_agency",
        method="PATCH",
        path="/agencies/<agency_id>",
        tag="agencies",
        summary=N_("Change an agency"),
        description=N_(
            "With another name the present one is kept among the former ones, so that the records formed under it stay the agency's."
        ),
        needs=(Permission.AGENCY_MANAGE,),
        places=_PLACES,
        body=AgencyChange,
        example={"fonds": "0124"},
        required_headers=("If-Match",),
        answers={200: Answer(description=N_("The agency as it is now."), model=AgencyShape, headers=("ETag",))},
        mode=Mode.WRITE,
    )
)
def change_agency(tx: Transaction, agency_id: str, body: AgencyChange) -> Reply:
    """Another name, code or fonds number; or that it ended."""
    tx.require(Permission.AGENCY_MANAGE)
    agency = use_cases.agency_named(tx, agency_id)
    require_match(_etag(agency))
    use_cases.change_agency(tx, agency.id, name=body.name, code=body.code, fonds=body.fonds, other_names=body.other_names)
    if body.active is not None:
        (use_cases.reopen_agency if body.active else use_cases.close_agency)(tx, agency.id)
    return _reply(agency)


def _reply(agency: Agency, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(body=AgencyShape.model_validate(agency), status=status, etag=_etag(agency), headers=headers or {})


def _etag(agency: Agency) -> str:
    return etag_of(agency.id, agency.name, agency.code, agency.fonds, agency.other_names, agency.active)
