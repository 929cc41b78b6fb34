"""The catalogue's tables: what the archive holds, how it came, and what was done to it.

Storage is the truth; everything here but jobs, accounts and schedules can be made again from the stores (`rebuild`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from repository.states import CopyState as CopyState
from repository.states import RecordState as RecordState
from repository.states import SubmissionState as SubmissionState

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, with its time zone on both databases (SQLite keeps none)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC; a moment without time zone is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON, list[Any]: JSON, int: BigInteger().with_variant(Integer, "sqlite")}


class Agreement(Base):
    """A submission agreement (OAIS): under which terms packages come in."""

    __tablename__ = "agreement"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text, default="")
    fonds: Mapped[str] = mapped_column(String(64), default="")
    open: Mapped[bool] = mapped_column(default=True)


class Agency(Base):
    """An agency (单位) that forms records and hands them over."""

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    #: 统一社会信用代码 (GB 32100-2015); agencies that ended before there were such codes have none
    code: Mapped[str | None] = mapped_column(String(18), unique=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    other_names: Mapped[list[Any]] = mapped_column(default=list)
    fonds: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


#: The columns of a record whose values are counted beside every list.
COUNTED: Final = ("unit", "affair_type", "year", "retention", "profile")


class Record(Base):
    """A record (件): the unit of packaging, retention, sharing, appraisal and destruction (Measures Art. 12)."""

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("agreement_code", "identifier"),
        # lists read no row that they do not show: the order, each count beside it, and a set of records by their ids
        Index("ix_record_changed", "changed_at", "id", "state", "sharing", "security"),
        *(
            Index(f"ix_record_{column}", column, "state", "sharing", "security", *(other for other in COUNTED if other != column))
            for column in COUNTED
        ),
        Index(
            "ix_record_counted",
            "id",
            "state",
            "sharing",
            "security",
            *COUNTED,
            "agreement_code",
            "affair",
            "changed_at",
        ),
        Index("ix_record_destroyed", "id", sqlite_where=text("state = 'destroyed'"), postgresql_where=text("state = 'destroyed'")),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    agreement_code: Mapped[str] = mapped_column(ForeignKey("agreement.code"))
    identifier: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    profile: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text, default="")
    fonds: Mapped[str] = mapped_column(Text, default="")
    affair_code: Mapped[str] = mapped_column(Text, default="")
    affair: Mapped[str] = mapped_column(Text, default="")
    affair_type: Mapped[str] = mapped_column(Text, default="")
    case_number: Mapped[str] = mapped_column(Text, default="")
    year: Mapped[str] = mapped_column(Text, default="")
    retention: Mapped[str] = mapped_column(Text, default="")
    sharing: Mapped[str] = mapped_column(Text, default="")
    security: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    aip: Mapped[Aip | None] = relationship(back_populates="record")


class Hold(Base):
    """A reason for which a record must not be destroyed, as long as it is not lifted (legal hold)."""

    __tablename__ = "hold"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Aip(Base):
    """An archival information package: one OCFL object that holds one record."""

    __tablename__ = "aip"
    __table_args__ = (Index("ix_aip_record", "id", "record_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"), unique=True)
    version: Mapped[int]
    inventory_digest: Mapped[str] = mapped_column(String(128))
    files: Mapped[int]
    bytes: Mapped[int]
    created_at: Mapped[datetime]
    stored_at: Mapped[datetime] = mapped_column(index=True)

    record: Mapped[Record] = relationship(back_populates="aip")
    versions: Mapped[list[AipVersion]] = relationship(back_populates="aip", order_by="AipVersion.number")
    copies: Mapped[list[Copy]] = relationship(back_populates="aip", order_by="Copy.store")


class AipVersion(Base):
    """One version of an AIP and the submission that brought it."""

    __tablename__ = "aip_version"

    aip_id: Mapped[str] = mapped_column(ForeignKey("aip.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(String(36))
    content_digest: Mapped[str] = mapped_column(String(128), index=True)
    message: Mapped[str] = mapped_column(Text, default="")
    files: Mapped[int]
    bytes: Mapped[int]
    created_at: Mapped[datetime]

    aip: Mapped[Aip] = relationship(back_populates="versions")


class File(Base):
    """A file of an AIP's head version, with its digests and its format."""

    __tablename__ = "file"
    __table_args__ = (Index("ix_file_aip_path", "aip_id", "path", unique=True), Index("ix_file_puid", "puid", "role", "aip_id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    aip_id: Mapped[str] = mapped_column(ForeignKey("aip.id"))
    path: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16))
    representation: Mapped[str] = mapped_column(Text, default="")
    raw_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int]
    sha512: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    sm3: Mapped[bytes] = mapped_column(LargeBinary)
    modified_at: Mapped[datetime | None]
    puid: Mapped[str | None] = mapped_column(String(32))
    format_name: Mapped[str] = mapped_column(Text, default="")
    format_version: Mapped[str] = mapped_column(Text, default="")
    mime: Mapped[str] = mapped_column(Text, default="")
    format_basis: Mapped[str] = mapped_column(String(16), default="none")
    format_engine: Mapped[str] = mapped_column(Text, default="")
    format_matches: Mapped[list[Any]] = mapped_column(default=list)
    format_warnings: Mapped[list[Any]] = mapped_column(default=list)


class Copy(Base):
    """One copy of an AIP in one store."""

    __tablename__ = "copy"
    __table_args__ = (Index("ix_copy_store", "store", "state", "checked_at"),)

    aip_id: Mapped[str] = mapped_column(ForeignKey("aip.id"), primary_key=True)
    store: Mapped[str] = mapped_column(String(32), primary_key=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None] = mapped_column(index=True)

    aip: Mapped[Aip] = relationship(back_populates="copies")


class Agent(Base):
    """A PREMIS agent: a person, an organisation or a program with its version."""

    __tablename__ = "agent"
    __table_args__ = (UniqueConstraint("type", "name", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    type: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text, default="")


class Event(Base):
    """A PREMIS event. Append-only: no code path changes one, and the database refuses it."""

    __tablename__ = "event"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sequence: Mapped[int] = mapped_column(autoincrement=False, unique=True)
    type: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    note: Mapped[str] = mapped_column(Text, default="")

    objects: Mapped[list[EventObject]] = relationship(order_by="EventObject.position")
    agents: Mapped[list[EventAgent]] = relationship(order_by="EventAgent.position")


class EventObject(Base):
    """What an event was about: linkingObjectIdentifier."""

    __tablename__ = "event_object"
    __table_args__ = (Index("ix_event_object_object", "object_type", "object_id"),)

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    object_type: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(Text)


class EventAgent(Base):
    """Who or what took part in an event: linkingAgentIdentifier with its role."""

    __tablename__ = "event_agent"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id"), index=True)
    role: Mapped[str] = mapped_column(String(32))

    agent: Mapped[Agent] = relationship()


class Submission(Base):
    """A package that was handed in, and what became of it."""

    __tablename__ = "submission"
    __table_args__ = (Index("ix_submission_state", "state", "received_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    agreement_code: Mapped[str] = mapped_column(ForeignKey("agreement.code"))
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    keep_source: Mapped[bool] = mapped_column(default=True)
    replaces: Mapped[str | None] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(16))
    profile: Mapped[str | None] = mapped_column(String(32))
    recognition: Mapped[list[Any]] = mapped_column(default=list)
    content_digest: Mapped[str | None] = mapped_column(String(128))
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    findings: Mapped[list[Any]] = mapped_column(default=list)
    error: Mapped[str] = mapped_column(Text, default="")
    record_id: Mapped[str | None] = mapped_column(ForeignKey("record.id"))
    aip_id: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(36))
    received_by: Mapped[str] = mapped_column(Text, default="")
    received_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]

    agreement: Mapped[Agreement] = relationship()
    steps: Mapped[list[SubmissionStep]] = relationship(order_by="SubmissionStep.position")

    @property
    def unit(self) -> str:
        """The agency that hands it in: the agreement's."""
        return self.agreement.unit


class SubmissionStep(Base):
    """One step of the pipeline for one submission."""

    __tablename__ = "submission_step"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Job(Base):
    """A piece of work in the ledger of jobs (see `repository.jobs`)."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_claim", "state", "not_before", "created_at"),
        Index("ix_job_kind", "kind", "created_at"),
        Index("ix_job_created_at", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(Text, unique=True)
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str] = mapped_column(Text, default="")
    lease_until: Mapped[datetime | None] = mapped_column(index=True)
    heartbeat_at: Mapped[datetime | None]
    not_before: Mapped[datetime]
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    #: when its id was last given to the broker, where there is one
    sent_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Schedule(Base):
    """A timetable row, fired by `tick`."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    every_seconds: Mapped[int]
    enabled: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime] = mapped_column(index=True)
    last_at: Mapped[datetime | None]


class Audit(Base):
    """One run of the fixity audit."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    selection: Mapped[dict[str, Any]] = mapped_column(default=dict)
    aips: Mapped[int] = mapped_column(default=0)
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    damaged: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class AuditOutcome(Base):
    """What one run found of one copy."""

    __tablename__ = "audit_outcome"

    audit_id: Mapped[str] = mapped_column(ForeignKey("audit.id"), primary_key=True)
    aip_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(32), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    files: Mapped[int]
    bytes: Mapped[int]
    problems: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime]


class SearchPending(Base):
    """A record whose entry in the search index is behind; written in the transaction that changed the record."""

    __tablename__ = "search_pending"

    record_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    since: Mapped[datetime]


class JournalMark(Base):
    """Up to which event the journal in each store has been written."""

    __tablename__ = "journal_mark"

    store: Mapped[str] = mapped_column(String(32), primary_key=True)
    sequence: Mapped[int]
    written_at: Mapped[datetime]


class SignatureRelease(Base):
    """A release of the PRONOM signatures that was imported."""

    __tablename__ = "signature_release"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(32))
    container_version: Mapped[str] = mapped_column(String(32))
    active: Mapped[bool] = mapped_column(default=False)
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(Text, default="")
