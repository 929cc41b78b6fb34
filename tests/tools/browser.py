"""A real browser and a real server for tests and screenshots: Chromium of the system, driven over its own protocol."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright, sync_playwright

#: No sandbox as root in a container, no graphics card, and nothing that would ask the network of its own accord.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The program, or None where it is not installed."""
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running browser."""
    driver: Playwright
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=list(_ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def served(home: Path, *options: str) -> Iterator[str]:
    """The address of a server with its worker, as processes of their own, on a port that is free."""
    command = [sys.executable, "-m", "repository", "--home", str(home), "serve", "--port", "0", *options]
    log = home.parent / f"{home.name}.log"
    with log.open("wb") as errors:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_until(condition: object, what: str, seconds: float = 120) -> None:
    """Waits until a call gives something true; fails with a word for it."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not happen: {what}")
        time.sleep(0.3)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+?(?=/?\s|/$)", line):
            return found[0].rstrip("/")
    raise AssertionError(f"the server ended: {log.read_text(errors='replace')}")
