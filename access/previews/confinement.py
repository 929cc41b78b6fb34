"""Running the child: within its time, with nothing of ours open, and with everything it started gone afterwards."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from access.previews.orders import Order

logger = logging.getLogger(__name__)

_ROOT: Final = Path(__file__).parents[2]
_LONGEST_PAUSE: Final = 0.05
_LOGGED: Final = 2000


class Ending(StrEnum):
    """How a child ended."""

    DONE = "done"
    OUT_OF_TIME = "out of time"
    BROKEN = "broken"


def run(order: Order, scratch: Path, check: Callable[[], None] = lambda: None) -> Ending:
    """Has a child do an order.

    Args:
        order: what to make.
        scratch: a folder that is the child's home and present folder; it is left for the caller to remove.
        check: called every now and then; what it raises ends the child and is passed on.
    """
    errors = scratch / "stderr"
    command = [sys.executable, "-P", "-s", "-m", "access.previews.child", order.to_json()]
    with errors.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            cwd=scratch,
            env=_environment(scratch),
            start_new_session=True,
        )
    try:
        in_time = _ends_within(process, order.seconds, check)
    finally:
        # the leader is not reaped yet, so that its number still means this group and no other
        _kill_group(process.pid)
        code = process.wait()
    if not in_time or -code == signal.SIGXCPU:
        return Ending.OUT_OF_TIME
    if code:
        with errors.open("rb") as told:
            logger.warning("the child for %s ended with %d: %s", order.kind, code, told.read(_LOGGED).decode(errors="replace"))
        return Ending.BROKEN
    return Ending.DONE


def _environment(scratch: Path) -> Mapping[str, str]:
    """Nothing of ours: no addresses of databases, no keys."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        # one thread's stacks and arenas: the address space is bounded
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _ends_within(process: subprocess.Popen[bytes], seconds: float, check: Callable[[], None]) -> bool:
    deadline = time.monotonic() + seconds
    pause = 0.005
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        check()
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return True


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
