"""Doing one job under its lease, in a worker or in the process of the command that asked for it."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from metadata.errors import MetadataError
from repository.errors import JinguiError, JobCancelled, JobLost
from repository.features import job_handler
from repository.holdings import Job
from repository.jobs import ledger
from repository.jobs.context import Heartbeat, JobContext, JobHandler, Progress, WorkerStopping
from repository.jobs.ledger import ENDED, JobState, Lease
from repository.jobs.recovery import worker_name
from repository.permissions import Actor
from storage.errors import StorageError

if TYPE_CHECKING:
    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: How often a command looks at a job that another process works on, seconds.
WATCH_SECONDS: Final = 0.25


def perform(
    archive: Archive,
    lease: Lease,
    *,
    handler: JobHandler | None = None,
    stopping: threading.Event | None = None,
    retry: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    on_start: Callable[[Heartbeat], None] | None = None,
) -> None:
    """Does the job and writes down how it ended. What the job itself raises is recorded, not passed on.

    Args:
        archive: the open archive.
        lease: a lease from `ledger.claim`.
        handler: the function that does it; by default the one the features name for its kind.
        stopping: set when this process should end: the job then goes back to the queue at its next check.
        retry: whether a failure that may pass puts the job back into the queue.
        on_progress: called in this thread with every progress.
        on_start: called with the heartbeat before the work begins.
    """
    with Heartbeat(archive, lease, stopping=stopping or threading.Event()) as heartbeat:
        context = JobContext(
            archive=archive,
            job_id=lease.job_id,
            kind=lease.kind,
            arguments=lease.arguments,
            actor=_on_behalf_of(lease.created_by),
            attempt=lease.attempt,
            heartbeat=heartbeat,
            on_progress=on_progress,
        )
        if on_start is not None:
            on_start(heartbeat)
        try:
            result = (handler or job_handler(lease.kind))(context)
        except WorkerStopping:
            ledger.release(archive, lease, heartbeat.progress())
        except JobLost:
            logger.warning("job %s (%s) is held by another worker by now", lease.job_id, lease.kind)
        except JobCancelled:
            ledger.cancelled(archive, lease, heartbeat.progress())
        except Exception as error:
            _record_failure(archive, lease, heartbeat, error, retry=retry)
        except BaseException:
            ledger.release(archive, lease, heartbeat.progress())
            raise
        else:
            ledger.complete(archive, lease, result, heartbeat.progress())


def run_inline(
    archive: Archive, job_id: str, on_progress: Callable[[Progress], None] | None = None, *, handler: JobHandler | None = None
) -> Job:
    """Does a job in this process, under the same lease as any worker, and returns it as it ended.

    If a worker was faster, its progress is followed instead. If this process is killed, the lease lapses and a worker
    or the next command resumes the job. On a terminal the first Ctrl-C cancels the job properly, the second ends the
    process at once and leaves the job to be resumed.

    Args:
        archive: the open archive.
        job_id: the job.
        on_progress: called in this thread with every progress.
        handler: the function that does it here; by default the one the features name for its kind.

    Raises:
        NotFound: there is no such job.
        KeyboardInterrupt: Ctrl-C was pressed twice.
    """
    worker = worker_name(archive)
    seen: Progress | None = None
    while True:
        job = ledger.read(archive, job_id)
        if job.state in ENDED:
            return job
        lease = ledger.claim(archive, worker, job_id=job_id)
        if lease is not None:
            with _cancelled_by_interrupt() as on_start:
                perform(archive, lease, handler=handler, retry=False, on_progress=on_progress, on_start=on_start)
            job = ledger.read(archive, job_id)
            if job.state != JobState.QUEUED:
                return job
            continue
        if on_progress is not None and job.progress:
            progress = Progress(**job.progress)
            if progress != seen:
                on_progress(progress)
                seen = progress
        time.sleep(WATCH_SECONDS)


def _on_behalf_of(created_by: str) -> Actor:
    """Who the work is attributed to. What they may do was asked when the job was enqueued, so here nothing limits them."""
    part = created_by.removeprefix("system:")
    if part != created_by or not created_by:
        return Actor.system(part or "jobs")
    return Actor(id=f"job:{created_by}", name=created_by, kind="local")


def _record_failure(archive: Archive, lease: Lease, heartbeat: Heartbeat, error: Exception, *, retry: bool) -> None:
    """Writes the failure into the ledger and, with a number to find it by, the traceback into the log."""
    number = archive.new_id()[:8]
    logger.error("job %s (%s) failed [%s]", lease.job_id, lease.kind, number, exc_info=error)
    if isinstance(error, JinguiError | StorageError | MetadataError):
        text = f"{error.message} [{number}]"
    else:
        text = f"{type(error).__name__}: {error} [{number}]"
    # what was asked wrongly is as wrong the next time; what the system could not do may work then
    passing = not isinstance(error, JinguiError) or error.exit_code == JinguiError.exit_code
    ledger.fail(archive, lease, text, heartbeat.progress(), retry=retry and passing)


@contextmanager
def _cancelled_by_interrupt() -> Iterator[Callable[[Heartbeat], None] | None]:
    """Turns the first Ctrl-C into a wish to cancel. Only the main thread can listen to signals; others go without."""
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    heartbeats: list[Heartbeat] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        for heartbeat in heartbeats:
            heartbeat.cancel()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield heartbeats.append
    finally:
        signal.signal(signal.SIGINT, before)
