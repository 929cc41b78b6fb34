"""A worker that a broker tells which jobs wait: Celery brings the ids, the ledger decides."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from repository.jobs.delivery import TASK, celery_app
from repository.jobs.worker import Worker

if TYPE_CHECKING:
    from types import FrameType

    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Pause between two looks at the memory of an idle worker, seconds.
_LOOK_SECONDS: Final = 1.0


class CeleryWorker:
    """Takes the jobs whose ids a broker brings, one at a time, until `stop`.

    A message is acknowledged when its job has been seen to. If the process dies before, the broker may bring it again
    early, and the row is still leased; or late, and somebody else did it: both are harmless. The sweep returns the row
    to the queue once its lease has lapsed, and sends a message of its own.

    Args:
        archive: the open archive, with a broker in its settings.

    Raises:
        CeleryMissing: the extra is not installed.
    """

    def __init__(self, archive: Archive) -> None:
        self._working = Worker(archive)
        self._app = celery_app(archive.settings.broker_url)
        self._app.task(self._take, name=TASK)
        self._ended = threading.Event()
        self._count = 0

    def run(self, *, until_large: bool = False) -> int:
        """Works until told to stop; waits for a broker that is away.

        Args:
            until_large: or until it is idle and its memory is worth giving back.

        Returns:
            The number of jobs done, whatever came of them.
        """
        if until_large:
            threading.Thread(target=self._watch_memory, name="memory", daemon=True).start()
        # jobs are done in this process and thread: one at a time, and what is killed with it is exactly that job
        controller = self._app.WorkController(
            pool="solo", concurrency=1, without_gossip=True, without_heartbeat=True, without_mingle=True, hostname=self._working.name
        )
        controller.start()
        self._ended.set()
        return self._count

    def stop(self) -> None:
        """Asks the worker to end: the job at hand goes back to the queue, at its next check or after a grace."""
        from celery.worker import state

        state.should_stop = 0
        self._working.stop()

    def listen_to_signals(self) -> None:
        """Makes SIGTERM and SIGINT end the worker properly. Only for the main thread of a process of its own."""

        def told(number: int, frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, told)

    def _take(self, job_id: str) -> None:
        """The one task: does the job if it still waits."""
        try:
            self._count += self._working.take(job_id)
        except DBAPIError:
            # the lease lapses by itself, and the sweep sends the job again
            logger.exception("the database cannot be reached; job %s is sent again later", job_id)

    def _watch_memory(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            if self._working.is_worth_renewing():
                self.stop()
                return
