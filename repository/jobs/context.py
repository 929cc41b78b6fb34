"""What a running job sees: its arguments, a place for its progress, and the question whether it should go on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import DBAPIError

from repository.errors import JobCancelled, JobLost
from repository.findings import N_
from repository.jobs import ledger
from repository.jobs.ledger import Lease
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Longest time between two looks at the ledger, seconds: how soon a wish to cancel and the progress are seen.
BEAT_SECONDS: Final = 1.0


class WorkerStopping(JobLost):
    """The worker is going away; the job goes back to the queue as it stands and somebody else resumes it."""

    code = "WORKER_STOPPING"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a job is.

    Args:
        stage: English name of what is being done, marked with `N_` where it is written.
        done: units done.
        total: units in all, or None where it is not known.
        unit: what is counted: ``files``, ``bytes``, ``records`` …
        detail: what is at hand just now, for instance a file's name.
        bytes: bytes done, where they are counted beside the units.
        bytes_total: bytes in all, or None where it is not known.
    """

    stage: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    detail: str = ""
    bytes: int = 0
    bytes_total: int | None = None


class Heartbeat:
    """Renews a lease from a thread with a database connection of its own, carrying the progress along.

    The thread never touches the job's work; it only learns that the lease is lost or that the job should stop, and
    the job asks by `check`. A lease that could not be renewed in its time (database away) counts as lost.
    """

    def __init__(self, archive: Archive, lease: Lease, *, stopping: threading.Event) -> None:
        self._archive = archive
        self._lease = lease
        self._stopping = stopping
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._written: Progress | None = None
        self._cancel = False
        self._lost = False
        self._ended = threading.Event()
        self._good_until = time.monotonic() + archive.settings.lease_seconds
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{lease.job_id}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, progress: Progress) -> None:
        """Takes the newest progress; the thread writes it with its next beat."""
        with self._lock:
            self._progress = progress

    def check(self) -> None:
        """Returns if the job should go on.

        Raises:
            JobLost: the lease is gone, or (`WorkerStopping`) this process is asked to end.
            JobCancelled: somebody asked that the job stop.
        """
        subject = self._lease.job_id
        if self._lost or time.monotonic() > self._good_until:
            raise JobLost(N_("Job {subject} is no longer held by this process: its lease has lapsed."), subject=subject)
        if self._cancel:
            raise JobCancelled(N_("Job {subject} was cancelled."), subject=subject)
        if self._stopping.is_set():
            raise WorkerStopping(N_("This process is ending; job {subject} goes back to the queue."), subject=subject)

    def cancel(self) -> None:
        """Makes the next `check` say that the job should stop."""
        self._cancel = True

    def progress(self) -> Mapping[str, Any] | None:
        """The newest progress as the ledger keeps it, or None before the first."""
        with self._lock:
            return asdict(self._progress) if self._progress is not None else None

    def _beat(self) -> None:
        lease_seconds = self._archive.settings.lease_seconds
        while not self._ended.wait(min(BEAT_SECONDS, lease_seconds / 5)):
            begun = time.monotonic()
            with self._lock:
                progress = self._progress
            news = asdict(progress) if progress is not None and progress != self._written else None
            try:
                cancel = ledger.renew(self._archive, self._lease, news)
            except DBAPIError:
                logger.warning("the lease of job %s could not be renewed", self._lease.job_id, exc_info=True)
                continue
            if cancel is None:
                self._lost = True
                return
            self._written = progress
            self._cancel = self._cancel or cancel
            self._good_until = begun + lease_seconds


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """What the function that does a job gets.

    Args:
        archive: the open archive.
        job_id: the job.
        kind: its kind.
        arguments: as enqueued.
        actor: on whose behalf the work is done.
        attempt: the how-manieth beginning this is, from 1; more than 1 means that something may lie half done.
    """

    archive: Archive
    job_id: str
    kind: str
    arguments: Mapping[str, Any]
    actor: Actor
    attempt: int
    heartbeat: Heartbeat
    on_progress: Callable[[Progress], None] | None = None

    def progress(
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
        """Says how far the job is (`Progress`); cheap enough to be called for every file."""
        progress = Progress(stage=stage, done=done, total=total, unit=unit, detail=detail, bytes=bytes, bytes_total=bytes_total)
        self.heartbeat.report(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def check(self) -> None:
        """Returns if the job should go on; to be called between pieces of work.

        Raises:
            JobCancelled: somebody asked that the job stop: undo what is half done.
            JobLost: this process no longer holds the job: leave everything as it is.
        """
        self.heartbeat.check()


#: A function that does jobs of one kind; what it returns is kept with the job.
JobHandler = Callable[[JobContext], Mapping[str, Any]]
