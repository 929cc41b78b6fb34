"""Identifying many files with several processes. Threads would not help: looking up hits holds the interpreter."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from preservation.identification.answers import Identification
from preservation.identification.engine import Release
from preservation.identification.identifier import WINDOW, Identifier

#: Files handed to a process at a time; fewer than this are not worth a process.
CHUNK: Final = 128

_worker: Identifier | None = None


def identify_many(
    paths: Iterable[str],
    cache_dir: Path,
    release: Release,
    *,
    processes: int = 2,
    engine: Literal["auto", "hyperscan", "re"] = "auto",
    window: int = WINDOW,
    second_opinion: bool = True,
) -> Iterator[tuple[str, Identification]]:
    """Identifies files on disk, in the order given, each as soon as it and those before it are done.

    Args:
        paths: the files; taken from as the work goes on.
        cache_dir: as for `Identifier.open`.
        release: as for `Identifier.open`.
        processes: how many work at the same time; one means this process alone.
        engine: as for `Identifier.open`.
        window: as for `Identifier.open`.
        second_opinion: as for `Identifier.open`.

    Raises:
        MetadataError, OSError, ImportError: as for `Identifier.open`.
    """
    # opened here first, so that a release is compiled once and every process finds it in the cache
    identifier = Identifier.open(cache_dir, release, engine=engine, window=window, second_opinion=second_opinion)
    remaining = iter(paths)
    first = list(islice(remaining, CHUNK))
    if processes < 2 or len(first) < CHUNK:
        for path in (*first, *remaining):
            yield path, identifier.identify_path(path)
        return
    # a fork copies the locks that other threads hold and not the threads, so with threads about a fresh server process forks;
    # Siegfried's runtime brings threads that Python does not count
    method = "fork" if threading.active_count() == 1 and "pygfried" not in sys.modules else "forkserver"
    with multiprocessing.get_context(method).Pool(processes, _start, (cache_dir, release, engine, window, second_opinion)) as pool:
        for path, answer, doubtful in _flattened(pool.imap(_look, _chunks(first, remaining))):
            # Siegfried's runtime does not survive a fork, so it is asked here
            yield path, identifier.second_look(path, answer) if doubtful else answer


def _chunks(first: list[str], remaining: Iterator[str]) -> Iterator[list[str]]:
    while first:
        yield first
        first = list(islice(remaining, CHUNK))


def _flattened(chunks: Iterable[list[tuple[str, Identification, bool]]]) -> Iterator[tuple[str, Identification, bool]]:
    for chunk in chunks:
        yield from chunk


def _start(cache_dir: Path, release: Release, engine: Literal["auto", "hyperscan", "re"], window: int, second_opinion: bool) -> None:
    global _worker
    _worker = Identifier.open(cache_dir, release, engine=engine, window=window, second_opinion=second_opinion)


def _look(paths: list[str]) -> list[tuple[str, Identification, bool]]:
    assert _worker is not None
    return [(path, *_worker.first_look(path)) for path in paths]
