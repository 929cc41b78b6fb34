"""Worker processes beside the web server: started, started again when they crash, and ended with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from repository.jobs.timetable import ensure_schedules, tick

if TYPE_CHECKING:
    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Pause before a worker that crashed is started again, seconds; doubled with each crash in a row, up to the longest.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
#: A worker that ran so long had no crash in a row, seconds.
HEALTHY_SECONDS: Final = 60.0
#: How long workers may take to end before they are killed, seconds; more than a worker grants its job.
END_SECONDS: Final = 8.0
#: Pause between two ticks of the timetable, seconds.
TICK_SECONDS: Final = 2.0


@dataclass
class _Place:
    """One of the workers' places: the process in it, or when the next is due."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    due: float = field(default_factory=time.monotonic)


class Supervisor:
    """Keeps a number of worker processes running.

    Each is held by a pipe to its standard input: when this process ends, however it ends, the pipe closes and the worker goes.

    Args:
        home: the repository home they work on.
        count: how many.
        options: options of the command line they are started with (``--verbose``).
    """

    def __init__(self, home: Path, count: int, *, options: tuple[str, ...] = ()) -> None:
        self._command = [sys.executable, "-m", "repository", "--home", str(home), *options, "worker", "--supervised"]
        self._places = [_Place() for _ in range(count)]

    @property
    def processes(self) -> list[int]:
        """Ids of the processes that run."""
        return [place.process.pid for place in self._places if place.process is not None]

    def look_after(self) -> None:
        """Starts what is due and notices what has ended; to be called a few times a second."""
        for place in self._places:
            if place.process is not None:
                code = place.process.poll()
                if code is None:
                    continue
                self._note_end(place, code)
            if place.process is None and time.monotonic() >= place.due:
                place.process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
                place.started = time.monotonic()

    def end(self) -> None:
        """Ends all workers: asks them, waits, and kills those that do not listen."""
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("worker %s does not end; it is killed, and its job resumed later", process.pid)
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _note_end(self, place: _Place, code: int) -> None:
        ran = time.monotonic() - place.started
        pause = 0.0
        if code == 0:
            # it gave its memory back
            place.crashes = 0
        else:
            place.crashes = 1 if ran >= HEALTHY_SECONDS else place.crashes + 1
            pause = min(FIRST_PAUSE * 2 ** (place.crashes - 1), LONGEST_PAUSE)
            logger.warning("a worker ended with code %s after %.0f s; the next starts in %.1f s", code, ran, pause)
        if place.process is not None and place.process.stdin is not None:
            place.process.stdin.close()
        place.process = None
        place.due = time.monotonic() + pause


def watch_parent(on_end: Callable[[], None]) -> None:
    """Calls a function once the process that holds the other end of our standard input is gone."""

    def wait() -> None:
        while os.read(0, 1024):
            continue
        on_end()

    threading.Thread(target=wait, name="parent", daemon=True).start()


class Ticker(threading.Thread):
    """Fires the timetable from a thread of its own until it is told to end.

    Args:
        archive: the open archive.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__(name="ticker", daemon=True)
        self._archive = archive
        self._ended = threading.Event()

    def run(self) -> None:
        """Ticks; what goes wrong is logged and tried again."""
        first = True
        while first or not self._ended.wait(TICK_SECONDS):
            try:
                if first:
                    ensure_schedules(self._archive)
                tick(self._archive)
            except Exception:
                logger.exception("the timetable could not be fired; it is tried again")
            first = False

    def end(self) -> None:
        """Ends the thread, after the tick at hand."""
        self._ended.set()
        self.join(timeout=END_SECONDS)
