"""A worker process: takes jobs from the ledger, one at a time, until it is told to end."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from repository.jobs import ledger
from repository.jobs.ledger import Lease
from repository.jobs.recovery import worker_name
from repository.jobs.running import perform

if TYPE_CHECKING:
    from types import FrameType

    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Pause between two looks at an empty ledger, seconds: how long a job waits at most before it is begun.
POLL_SECONDS: Final = 0.25
#: Pause while the database cannot be reached, seconds.
TROUBLE_SECONDS: Final = 5.0
#: A job that has not stopped so long after it was asked to is given back while it still runs, and the process ends.
GRACE_SECONDS: Final = 5.0
#: A worker that has been idle for so long and is bigger than this gives its memory back by ending; its supervisor starts the next.
IDLE_SECONDS: Final = 5.0
LARGE_BYTES: Final = 120 * 1024 * 1024


class Worker:
    """Takes jobs and does them until `stop`.

    Args:
        archive: the open archive.
    """

    def __init__(self, archive: Archive) -> None:
        self.name = worker_name(archive)
        self._archive = archive
        self._stopping = threading.Event()
        self._lease: Lease | None = None
        self._idle_since = time.monotonic()

    def take(self, job_id: str | None = None) -> bool:
        """Does the oldest job that is due, or the named one if it is.

        Returns:
            Whether there was one.

        Raises:
            DBAPIError: the database cannot be reached.
        """
        if self._stopping.is_set():
            return False
        self._lease = ledger.claim(self._archive, self.name, job_id=job_id, when_due=True)
        if self._lease is None:
            return False
        try:
            perform(self._archive, self._lease, stopping=self._stopping)
        finally:
            self._lease = None
            self._idle_since = time.monotonic()
        return True

    def is_worth_renewing(self) -> bool:
        """Whether the process has been idle for a while and holds much memory, which it gives back by ending."""
        return self._lease is None and time.monotonic() - self._idle_since > IDLE_SECONDS and _resident_bytes() > LARGE_BYTES

    def run(self, *, until_idle: bool = False, until_large: bool = False) -> int:
        """Works until told to stop.

        Args:
            until_idle: or until nothing is left to take now.
            until_large: or until it is idle and its memory is worth giving back.

        Returns:
            The number of jobs done, whatever came of them.
        """
        count = 0
        while not self._stopping.is_set():
            try:
                if self.take():
                    count += 1
                elif until_idle or (until_large and self.is_worth_renewing()):
                    break
                else:
                    self._stopping.wait(POLL_SECONDS)
            except DBAPIError:
                # the lease lapses by itself; whoever reaches the database first goes on
                logger.exception("the database cannot be reached; trying again in %s s", TROUBLE_SECONDS)
                self._stopping.wait(TROUBLE_SECONDS)
        return count

    def stop(self) -> None:
        """Asks the worker to end: the job at hand goes back to the queue, at its next check or after a grace."""
        if not self._stopping.is_set():
            self._stopping.set()
            timer = threading.Timer(GRACE_SECONDS, self._leave)
            timer.daemon = True
            timer.start()

    def listen_to_signals(self) -> None:
        """Makes SIGTERM and SIGINT end the worker properly. Only for the main thread of a process of its own."""

        def told(number: int, frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, told)

    def _leave(self) -> None:
        """The job does not come back: it is resumable after a kill, so this process may end here."""
        lease = self._lease
        if lease is not None:
            logger.warning("job %s (%s) goes back to the queue while it runs: the process ends", lease.job_id, lease.kind)
            ledger.release(self._archive, lease)
        os._exit(0)


def _resident_bytes() -> int:
    """Memory this process holds, or 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
