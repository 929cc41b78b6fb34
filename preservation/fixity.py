"""Re-reading copies, one or very many, with every processor: what a copy must be, and what it was found to be.

Small copies go whole to a few processes; the files of a large one are shared out between processes of its own. Nothing
here knows the catalogue.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Final

from storage.errors import StorageError
from storage.ocfl.layout import root_key
from storage.ocfl.reader import StorageRoot
from storage.ocfl.verify import CopyCheck, CopyOutcome, Expected, Problem, check_copy, read_head
from storage.stores.base import ObjectStore, Progress

#: From here on the files of one copy are shared out between processes.
LARGE_FILES: Final = 20_000
LARGE_BYTES: Final = 512 * 1024 * 1024
#: From here on it is worth starting processes for copies that are small one by one.
_MANY_FILES: Final = 5_000
_MANY_BYTES: Final = 128 * 1024 * 1024
_BATCH_FILES: Final = 1_000
_BATCH_COPIES: Final = 32
_GRAVITY: Final = (CopyOutcome.DAMAGED, CopyOutcome.MISSING, CopyOutcome.UNREADABLE, CopyOutcome.UNEXPECTED)


@dataclass(frozen=True, kw_only=True)
class CopyToCheck:
    """One copy of one object, and what it must be.

    Args:
        store: where it lies.
        object_id: which object.
        version: the latest version it must have.
        inventory_digest: SHA-512 of the latest inventory, in hexadecimal.
        expected: size and SHA-256 of every content file, or None to take what the copy's own inventory says.
        contradictions: what the catalogue and the object's inventory say differently, found before any copy was read.
        files: about how many files it has.
        bytes: about how many bytes it has.
    """

    store: ObjectStore
    object_id: str
    version: int
    inventory_digest: str
    expected: Expected | None
    contradictions: tuple[Problem, ...] = ()
    files: int = 0
    bytes: int = 0

    @property
    def is_large(self) -> bool:
        """Whether its files are worth sharing out between processes."""
        return self.files >= LARGE_FILES or self.bytes >= LARGE_BYTES


def reread(copy: CopyToCheck, *, processes: int | None = None, progress: Progress | None = None) -> CopyCheck:
    """Re-reads a copy, every byte of it.

    A store that cannot be read as a whole makes the copy unreadable, with the reason: nothing is ever skipped. A copy
    that has only earlier versions is missing the later ones; what it has is compared all the same.

    Args:
        copy: which, and what it must be.
        processes: how many processes of its own read; None decides by how much there is.
        progress: told of files and bytes done.
    """
    try:
        behind = _version_behind(copy)
        check = check_copy(
            copy.store,
            copy.object_id,
            expected=copy.expected if not behind else _up_to(copy.expected, behind),
            inventory_digest=copy.inventory_digest if not behind else "",
            processes=processes,
            progress=progress,
        )
        if check.outcome is CopyOutcome.MISSING:
            # a disk that is not mounted leaves an empty folder behind, which says nothing about the copy
            StorageRoot(copy.store).require()
        found = [*_judged(copy, check), *copy.contradictions]
        if behind:
            found.append(Problem(f"v{behind + 1}", CopyOutcome.MISSING, f"version {copy.version}", f"version {behind}"))
    except StorageError as error:
        return unreadable(error.message)
    outcomes = {problem.outcome for problem in found}
    outcome = next((grave for grave in _GRAVITY if grave in outcomes), CopyOutcome.MATCH)
    return replace(check, outcome=outcome, problems=tuple(found))


def unreadable(reason: str) -> CopyCheck:
    """What is to be said of a copy that nobody could look at."""
    return CopyCheck(outcome=CopyOutcome.UNREADABLE, problems=(Problem("", CopyOutcome.UNREADABLE, found=reason),))


def why_away(root: StorageRoot) -> str:
    """Why nothing can be said of the copies in a store, or empty: a disk that is not mounted says nothing about its copies."""
    try:
        root.require()
    except StorageError as error:
        return error.message
    return ""


class Rereading:
    """Re-reads many copies. A context: processes that were started end with it.

    Args:
        processes: how many work at the same time; by default as many as there are processors, at most 8.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes if processes is not None else min(os.cpu_count() or 1, 8)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Rereading:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def check(self, copies: Iterable[CopyToCheck], progress: Progress | None = None) -> Iterator[tuple[CopyToCheck, CopyCheck]]:
        """Re-reads every copy; results come as they are there, not in the order given.

        Args:
            copies: what to read.
            progress: told of files and bytes as they are done, of large copies also in between; what it raises ends the work.
        """
        listed = list(copies)
        small = [copy for copy in listed if not copy.is_large and copy.store.folder is not None]
        if not self._is_worth_it(small):
            small = []
        apart = {id(copy) for copy in small}
        pending: dict[Future[list[CopyCheck]], list[CopyToCheck]] = {}
        try:
            for batch in _batches(small):
                while len(pending) >= 2 * self._processes:
                    yield from _finished(pending, progress)
                pending[self._started().submit(_reread_batch, batch)] = batch
            while pending:
                yield from _finished(pending, progress)
        finally:
            for future in pending:
                future.cancel()
        for copy in listed:
            if id(copy) not in apart:
                yield copy, reread(copy, processes=None if self._processes > 1 else 0, progress=progress)

    def _is_worth_it(self, small: list[CopyToCheck]) -> bool:
        if self._processes < 2 or len(small) < 2:
            return False
        files, size = sum(copy.files for copy in small), sum(copy.bytes for copy in small)
        return self._pool is not None or files >= _MANY_FILES or size >= _MANY_BYTES

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # a fork would copy the locks that other threads of this process hold just now
            self._pool = ProcessPoolExecutor(self._processes, mp_context=multiprocessing.get_context("forkserver"))
        return self._pool


def _finished(
    pending: dict[Future[list[CopyCheck]], list[CopyToCheck]], progress: Progress | None
) -> Iterator[tuple[CopyToCheck, CopyCheck]]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        for copy, check in zip(pending.pop(future), future.result(), strict=True):
            if progress is not None:
                progress(check.files, check.bytes)
            yield copy, check


def _batches(copies: list[CopyToCheck]) -> Iterator[list[CopyToCheck]]:
    batch: list[CopyToCheck] = []
    files = 0
    for copy in copies:
        batch.append(copy)
        files += copy.files
        if len(batch) >= _BATCH_COPIES or files >= _BATCH_FILES:
            yield batch
            batch, files = [], 0
    if batch:
        yield batch


def _reread_batch(copies: list[CopyToCheck]) -> list[CopyCheck]:
    return [reread(copy, processes=0) for copy in copies]


def _version_behind(copy: CopyToCheck) -> int:
    """The latest version that the copy has, where that is an earlier one than it must have; else 0."""
    if copy.version == 1:
        return 0
    try:
        head = read_head(copy.store, f"{root_key(copy.object_id)}/inventory.json")
    except StorageError:
        # what is the matter is found and told by the check itself
        return 0
    return head.version if head is not None and head.object_id == copy.object_id and head.version < copy.version else 0


def _up_to(expected: Expected | None, version: int) -> Expected | None:
    if expected is None:
        return None
    folders = {f"v{number}" for number in range(1, version + 1)}
    return {path: value for path, value in expected.items() if path.partition("/")[0] in folders}


def _judged(copy: CopyToCheck, check: CopyCheck) -> Iterator[Problem]:
    """The problems; where a file is what its proven inventory says, it is told that the catalogue is what is wrong."""
    differing = [problem for problem in check.problems if problem.outcome is CopyOutcome.DAMAGED and problem.found.startswith("sha256:")]
    inventory_at_fault = any(problem.path == "inventory.json" for problem in check.problems)
    if not differing or inventory_at_fault or copy.expected is None:
        yield from check.problems
        return
    found = StorageRoot(copy.store).find(copy.object_id)
    blocks = found.inventory().fixity.get("sha256", {}) if found is not None else {}
    stated = {path: digest.hex() for digest, paths in blocks.items() for path in paths}
    for problem in check.problems:
        digest = stated.get(problem.path)
        if digest is not None and problem.found.partition(" ")[0] == f"sha256:{digest}":
            problem = problem._replace(found=f"{problem.found}, as the object's inventory says: the catalogue is wrong")
        yield problem
