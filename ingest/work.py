"""What the steps of the pipeline share: a package being examined, a submission being ingested, and what a step says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from ingest.sip import PackageTree, Profile, Recognition, Sip
from repository.events import EventOutcome, EventType
from repository.findings import N_, Finding
from repository.settings import UnpackLimits

if TYPE_CHECKING:
    from ingest.identification import Identifying
    from ingest.packaging import Package
    from preservation.identification import Identification
    from repository.archive import Archive
    from repository.permissions import Actor


class StepName(StrEnum):
    """The steps of the pipeline, in their order."""

    UNPACK = "unpack"
    RECOGNISE = "recognise"
    SAFETY = "safety"
    AUTHENTICITY = "authenticity"
    INTEGRITY = "integrity"
    USABILITY = "usability"
    ACCEPT = "accept"
    IDENTIFY = "identify"
    MATCH = "match"
    PACKAGE = "package"
    STORE = "store"
    REGISTER = "register"


#: What the steps are called before people.
STEP_TITLES: Final[Mapping[str, str]] = {
    StepName.UNPACK: N_("Unpack"),
    StepName.RECOGNISE: N_("Recognise"),
    StepName.SAFETY: N_("Safety"),
    StepName.AUTHENTICITY: N_("Authenticity"),
    StepName.INTEGRITY: N_("Integrity"),
    StepName.USABILITY: N_("Usability"),
    StepName.ACCEPT: N_("Accept"),
    StepName.IDENTIFY: N_("Identify formats"),
    StepName.MATCH: N_("Match with what is held"),
    StepName.PACKAGE: N_("Make the archival package"),
    StepName.STORE: N_("Store and read back"),
    StepName.REGISTER: N_("Register"),
}


class StepState(StrEnum):
    """Where a step stands for one submission."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    WARNING = "warning"
    REJECTED = "rejected"
    FAILED = "failed"


class Verdict(StrEnum):
    """What a step means for what comes after it."""

    CONTINUE = "continue"
    REJECT = "reject"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """A PREMIS event before it is in the ledger: it gets there together with what the submission became.

    Args:
        id: its id.
        type: what happened.
        at: when.
        outcome: how it ended.
        detail: named values.
        note: one line for people, in English.
        store: the store it is about as well, or empty.
        program: the program that did it where that was not this one alone (name, version).
    """

    id: str
    type: EventType
    at: datetime
    outcome: EventOutcome = EventOutcome.SUCCESS
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    store: str = ""
    program: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Also:
    """Something else that happened in a step and makes an event of its own (fields as in `Happening`)."""

    type: EventType
    outcome: EventOutcome = EventOutcome.SUCCESS
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    store: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What a step says when it ended without an error of ours.

    Args:
        note: English template of one line for people, with the values of `detail` as its places.
        verdict: whether the next step follows.
        findings: what it found wrong, or worth knowing, of the package.
        detail: the figures, for the event and for the places in `note`.
        also: further events of the step.
        program: name and version of the program that did it, where that was not this one.
    """

    note: str
    verdict: Verdict = Verdict.CONTINUE
    findings: Sequence[Finding] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    also: Sequence[Also] = ()
    program: tuple[str, str] | None = None

    @property
    def text(self) -> str:
        """The line in English, with its values."""
        return self.note.format_map(dict(self.detail))


class Progress(Protocol):
    """How a step says how far it is (`repository.jobs.context.JobContext.progress`)."""

    def __call__(
        self,
        stage: str,
        done: int = 0,
        total: int | None = None,
        unit: str = "",
        detail: str = "",
        *,
        bytes: int = 0,
        bytes_total: int | None = None,
    ) -> None:
        """Takes the newest progress; cheap."""


@dataclass(kw_only=True)
class Examination:
    """A package on its way through the steps that need no archive.

    Args:
        source: what was handed in: a folder, an archive file, or one file.
        folder: a folder of ours for this package alone; whoever made it removes it.
        limits: what unpacking may cost at most.
        profiles: the profiles that may recognise the package.
        identifying: how formats are identified.
        progress: how far the step at hand is.
        check: raises where the work must not go on.
    """

    source: Path
    folder: Path
    limits: UnpackLimits
    profiles: Sequence[Profile]
    identifying: Identifying
    progress: Progress
    check: Callable[[], None]
    recognitions: Sequence[Recognition] = ()
    findings: list[Finding] = field(default_factory=list)
    formats: Mapping[str, Identification] = field(default_factory=dict)
    _tree: PackageTree | None = None
    _sip: Sip | None = None

    @property
    def tree(self) -> PackageTree:
        """The unpacked package; only after the step `unpack`."""
        assert self._tree is not None
        return self._tree

    @tree.setter
    def tree(self, tree: PackageTree) -> None:
        self._tree = tree

    @property
    def sip(self) -> Sip:
        """The package as its profile read it; only after the step `recognise`."""
        assert self._sip is not None
        return self._sip

    @sip.setter
    def sip(self, sip: Sip) -> None:
        self._sip = sip

    @property
    def profile(self) -> str | None:
        """The name of the profile, or None where none was recognised."""
        return self._sip.profile if self._sip is not None else None

    @property
    def size(self) -> tuple[int, int]:
        """Files and bytes received, zero before they are unpacked."""
        if self._tree is None:
            return 0, 0
        return len(self._tree.files), sum(file.size for file in self._tree.files.values())


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The record that a submission will become, or become a version of: held in the catalogue against everybody else.

    Args:
        record_id: the record.
        version: the number of the version that is being made, from 1.
        content_digest: what the package is (`repository.aip.content_digest`).
        reserved_at: when; the moment that the version bears.
    """

    record_id: str
    version: int
    content_digest: str
    reserved_at: datetime


@dataclass(kw_only=True)
class Work(Examination):
    """A submission on its way into the archive.

    Args:
        archive: the open archive.
        actor: on whose behalf.
        submission_id: the row in the catalogue.
        agreement: code of the agreement it came under.
        replaces: the record it says it replaces, or None.
        received_by: who handed it in.
        job_id: the job that does the work.
        attempt: the how-manieth attempt of that job this is.
        events: what the steps did so far, for the ledger.
        duplicate_of: the record that holds exactly this already.
        copies: whether each store's copy was written and read back.
    """

    archive: Archive
    actor: Actor
    submission_id: str
    agreement: str
    replaces: str | None
    received_by: str
    job_id: str
    attempt: int
    events: list[Happening] = field(default_factory=list)
    duplicate_of: str | None = None
    copies: Mapping[str, bool] = field(default_factory=dict)
    _reservation: Reservation | None = None
    _package: Package | None = None

    @property
    def reservation(self) -> Reservation:
        """The reserved record; only after the step `match`."""
        assert self._reservation is not None
        return self._reservation

    @reservation.setter
    def reservation(self, reservation: Reservation) -> None:
        self._reservation = reservation

    @property
    def package(self) -> Package:
        """The archival package as planned; only after the step `package`."""
        assert self._package is not None
        return self._package

    @package.setter
    def package(self, package: Package) -> None:
        self._package = package


W = TypeVar("W", bound=Examination, contravariant=True)


@dataclass(frozen=True, kw_only=True)
class Step(Generic[W]):
    """One step of the pipeline.

    Args:
        name: in the catalogue and in JSON.
        event: the PREMIS event it makes, or None.
        run: what it does.
    """

    name: StepName
    event: EventType | None
    run: Callable[[W], StepResult]


class Observer(Protocol):
    """Who writes down what the steps do."""

    def begins(self, name: StepName) -> None:
        """A step begins."""

    def ended(self, name: StepName, event: EventType | None, result: StepResult) -> None:
        """A step ended without an error of ours."""


class Unobserved:
    """For an examination that leaves no trace."""

    def begins(self, name: StepName) -> None:
        """Does nothing."""

    def ended(self, name: StepName, event: EventType | None, result: StepResult) -> None:
        """Does nothing."""


def unwatched(
    stage: str,
    done: int = 0,
    total: int | None = None,
    unit: str = "",
    detail: str = "",
    *,
    bytes: int = 0,
    bytes_total: int | None = None,
) -> None:
    """Progress of work that nobody watches."""
    del stage, done, total, unit, detail, bytes, bytes_total
