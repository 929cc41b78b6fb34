"""The JSON shapes of access's operations."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from repository.api.pagination import Page, PageQuery
from repository.api.schemas import LINE, Details, Line, Moment, Shape, Text, readable
from repository.events import LedgerEvent
from repository.findings import N_
from repository.holdings import File
from repository.recordkeeping.sharing import Tier
from repository.search.order import Sort
from repository.search.rules import Rule

Values = Annotated[list[Line], Field(max_length=50)]
#: What a search can be narrowed by.
Filter = Literal["unit", "affair", "affair_type", "year", "retention", "sharing", "profile", "agreement", "format"]
_NARROWED: Final = N_("Only records with one of these values.")


class RecordQuery(PageQuery):
    """What is looked for."""

    q: Annotated[str, Field(max_length=1000, pattern=LINE)] = Field(
        default="", description=N_("In the query language of the console; empty: everything.")
    )
    unit: Values = Field(default_factory=list, description=_NARROWED)
    affair: Values = Field(default_factory=list, description=_NARROWED)
    affair_type: Values = Field(default_factory=list, description=_NARROWED)
    year: Values = Field(default_factory=list, description=_NARROWED)
    retention: Values = Field(default_factory=list, description=_NARROWED)
    sharing: Values = Field(default_factory=list, description=_NARROWED)
    profile: Values = Field(default_factory=list, description=_NARROWED)
    agreement: Values = Field(default_factory=list, description=_NARROWED)
    format: Values = Field(default_factory=list, description=N_("Only records with a file of one of these formats (PRONOM)."))
    rule: Annotated[list[Rule], Field(max_length=6)] = Field(
        default_factory=list, description=N_("Rules of record-keeping that all must apply.")
    )
    since: AwareDatetime | None = Field(default=None, description=N_("Changed after this moment (2026-05-01T00:00:00Z)."))
    until: AwareDatetime | None = Field(default=None, description=N_("Changed at this moment or before."))
    sort: Sort = Field(default=Sort.LATEST, description=N_("In which order."))
    facet: Annotated[list[Filter], Field(max_length=9)] = Field(
        default_factory=list, description=N_("Filters whose values are to be counted.")
    )


class FoundRecord(Shape):
    """A record as a list shows it."""

    id: str
    identifier: Text | None = Field(description=N_("The sender's identifier."))
    title: Text
    unit: Text
    fonds: Text
    affair: Text
    affair_type: Text
    case_number: Text
    year: Text
    retention: Text
    sharing: Text
    security: Text
    profile: str
    agreement: str
    files: int
    bytes: int
    stored_at: Moment | None
    changed_at: Moment | None
    tier: Tier = Field(
        description=N_("How far the asker gets with it; of one that is only listed, title, agency, year and sharing are told.")
    )


class FacetValue(Shape):
    """A value, and in how many of the records found it occurs."""

    value: Text
    count: int
    chosen: bool


class RecordPage(Page[FoundRecord]):
    """Part of what was found."""

    total: int = Field(description=N_("Records found in all."))
    facets: dict[str, list[FacetValue]] = Field(description=N_("Counts by filter, the commonest value first."))


class ElementShape(Shape):
    """One element of the description as it was given; what is marked sensitive is not told."""

    scheme: Text
    name: Text
    label: Text
    value: Text


class CopyShape(Shape):
    """A copy of the package in a store."""

    store: str
    version: int
    state: str
    verified_at: Moment | None
    checked_at: Moment | None


class RecordShape(Shape):
    """A record."""

    id: str
    identifier: Text | None = Field(description=N_("The sender's identifier."))
    agreement: str
    profile: str
    title: Text
    unit: Text
    fonds: Text
    affair_code: Text
    affair: Text
    affair_type: Text
    case_number: Text
    year: Text
    retention: Text
    sharing: Text
    security: Text
    abstract: Text
    subjects: list[Text]
    dates: list[Text]
    creators: list[Text]
    elements: list[ElementShape] = Field(description=N_("Every element of the description that is not marked sensitive."))
    aip: str = Field(description=N_("Id of the archival package."))
    version: int = Field(description=N_("Its present version."))
    files: int
    bytes: int
    copies: list[CopyShape] | None = Field(description=N_("The copies; null for those who may not read the stores."))
    created_at: Moment
    changed_at: Moment
    stored_at: Moment


class VersionShape(Shape):
    """A version of the package."""

    number: int
    message: Text
    files: int
    bytes: int
    created_at: Moment
    submission: str | None = Field(description=N_("The submission that brought it; null for those who may not read submissions."))


class VersionPage(Page[VersionShape]):
    """Part of the list of versions, the latest first."""


class FormatShape(Shape):
    """What a file was identified as."""

    puid: str | None = Field(description=N_("The format's identifier in PRONOM; null: unknown."))
    name: str
    version: str
    mime: str
    basis: str = Field(description=N_("What it was told by: container, signature, text, extension, none."))
    engine: str
    warnings: list[Text]


class FileShape(Shape):
    """A file of the package."""

    id: int
    path: Text
    role: str = Field(description=N_("What it is in the package: content, or a document of another kind."))
    representation: Text
    size: int
    sha512: str
    sha256: str
    sm3: str
    modified_at: Moment | None
    format: FormatShape


class FilePage(Page[FileShape]):
    """Part of the list of files, by path."""


class FileQuery(PageQuery):
    """Which files."""

    all: bool = Field(default=False, description=N_("Also the documents of the package itself; for those who may take it out."))


class EventObject(Shape):
    """What an event was about."""

    type: str
    id: Text


class EventAgent(Shape):
    """Who or what took part in an event."""

    role: str
    type: str
    name: Text
    version: Text


class EventShape(Shape):
    """A PREMIS event."""

    id: str
    sequence: int = Field(description=N_("Its number in the ledger."))
    type: str
    at: Moment
    outcome: str
    detail: Details
    note: Text
    objects: list[EventObject]
    agents: list[EventAgent]


class EventPage(Page[EventShape]):
    """Part of the list of events, oldest first."""


class EventQuery(PageQuery):
    """Which events."""

    type: Line = Field(default="", description=N_("Only events of this type."))


def file_shape(file: File) -> FileShape:
    """A file as JSON."""
    return FileShape(
        id=file.id,
        path=file.path,
        role=file.role,
        representation=file.representation,
        size=file.size,
        sha512=file.sha512.hex(),
        sha256=file.sha256.hex(),
        sm3=file.sm3.hex(),
        modified_at=file.modified_at,
        format=FormatShape(
            puid=file.puid,
            name=file.format_name,
            version=file.format_version,
            mime=file.mime,
            basis=file.format_basis,
            engine=file.format_engine,
            warnings=[str(warning) for warning in file.format_warnings],
        ),
    )


def event_shape(event: LedgerEvent) -> EventShape:
    """An event as JSON."""
    told: dict[str, Any] = readable(event.as_json())
    return EventShape.model_validate({**told, "at": event.at})
