"""Several copies of one version: all of them written and re-read before any of them counts.

Every store stages and re-reads on its own. Only when enough of them hold a verified copy is any of them published, so
that a package that cannot be stored leaves nothing behind. A store that fails does not lose the others: it is
told of in its own result and can be brought up to date later (`copy_object`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from storage.errors import N_, StorageError
from storage.ocfl.layout import STAGING, folder_name, root_key
from storage.ocfl.recovery import recover_object
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import (
    VersionPlan,
    discard_version,
    is_written,
    not_verified,
    publish_version,
    stage_version,
    verify_version,
)
from storage.stores.base import EntryKind, ObjectStore, Progress

_FEW_FILES: Final = 50
_MANY_FILES: Final = 2_000


class ReplicaOutcome(StrEnum):
    """What became of one copy. `WITHDRAWN`: it was well, but too few others were, so it was taken back."""

    VERIFIED = "verified"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class ReplicaResult:
    """What became of one copy.

    Args:
        store: the store's name.
        outcome: what became of it.
        error: why it failed, or None.
    """

    store: str
    outcome: ReplicaOutcome
    error: StorageError | None = None

    @property
    def verified(self) -> bool:
        """Whether the copy was re-read, matched, and is published."""
        return self.outcome is ReplicaOutcome.VERIFIED


def write_everywhere(
    stores: Sequence[ObjectStore],
    plan: VersionPlan,
    *,
    required: int,
    durable: bool = True,
    progress: Progress | None = None,
    rereading: Progress | None = None,
) -> list[ReplicaResult]:
    """Writes one version to every store at once.

    Asking again for a version that a store has already (after a restart) gives ``verified`` for it, after a re-read.

    Args:
        stores: where to write.
        plan: the version.
        required: how many verified copies it takes; with fewer, nothing is published anywhere.
        durable: copies survive a power cut.
        progress: told of files and bytes copied, summed over the stores; called from several threads.
        rereading: told in the same way of files and bytes read back. What either of them raises ends the work: nothing is
            published then by this call, and what is staged is removed by `recovery.recover_object`.

    Returns:
        One result a store, in the order of `stores`.
    """
    with ThreadPoolExecutor(max_workers=_threads(stores, plan), thread_name_prefix="replica") as threads:
        staged = list(threads.map(lambda store: _stage(store, plan, durable, progress, rereading), stores))
        if sum(error is None for error in staged) < required:
            for store, error in zip(stores, staged, strict=True):
                if error is None:
                    with suppress(StorageError):
                        discard_version(store, plan)
            return [
                ReplicaResult(store=store.name, outcome=ReplicaOutcome.FAILED if error else ReplicaOutcome.WITHDRAWN, error=error)
                for store, error in zip(stores, staged, strict=True)
            ]
        published = list(
            threads.map(
                lambda store, error: error or _publish(store, plan, durable),
                stores,
                staged,
            )
        )
    return [
        ReplicaResult(store=store.name, outcome=ReplicaOutcome.FAILED if error else ReplicaOutcome.VERIFIED, error=error)
        for store, error in zip(stores, published, strict=True)
    ]


def copy_object(
    source: ObjectStore, target: ObjectStore, object_id: str, *, durable: bool = True, progress: Progress | None = None
) -> None:
    """Brings a whole object from a store that has it to one that has it not, and re-reads it there before it counts.

    Raises:
        StorageError: ``COPY_NOT_VERIFIED``: the source's copy, or what was written, is not as its inventory says;
            ``KEY_TAKEN``: the target has an object in this place.
    """
    name, root = folder_name(object_id), root_key(object_id)
    recover_object(target, name)
    staging = f"{STAGING}/{name}/object"
    check = check_copy(source, object_id, progress=None)
    if check.outcome is not CopyOutcome.MATCH:
        raise not_verified(source, list(check.problems))
    try:
        for entry in source.walk(root):
            if entry.kind is EntryKind.FILE:
                with source.open(entry.key) as stream:
                    target.write(staging + entry.key[len(root) :], iter(partial(stream.read, 256 * 1024), b""))
                if progress:
                    progress(1, entry.size)
        if durable:
            target.flush(f"{STAGING}/{name}")
        target.publish(staging, root, durable=durable)
    finally:
        target.delete_below(f"{STAGING}/{name}")
    check = check_copy(target, object_id)
    if check.outcome is not CopyOutcome.MATCH:
        raise not_verified(target, list(check.problems))


def _threads(stores: Sequence[ObjectStore], plan: VersionPlan) -> int:
    """One thread a store where each has its own process to wait for, or next to nothing to do; otherwise one after the other.

    Threads that themselves make thousands of short calls take turns at the interpreter, and are slower than one.
    """
    alone = _FEW_FILES < len(plan.content) < _MANY_FILES
    return 1 if alone else max(len(stores), 1)


def _stage(
    store: ObjectStore, plan: VersionPlan, durable: bool, progress: Progress | None, rereading: Progress | None
) -> StorageError | None:
    return _attempt(lambda: _stage_verified(store, plan, durable, progress, rereading))


def _publish(store: ObjectStore, plan: VersionPlan, durable: bool) -> StorageError | None:
    return _attempt(lambda: _publish_staged(store, plan, durable))


def _stage_verified(store: ObjectStore, plan: VersionPlan, durable: bool, progress: Progress | None, rereading: Progress | None) -> None:
    if not is_written(store, plan):
        stage_version(store, plan, durable=durable, progress=progress)
    else:
        recover_object(store, plan.folder_name)
    problems = verify_version(store, plan, at_most=1, progress=rereading)
    if problems:
        discard_version(store, plan)
        raise not_verified(store, problems)


def _publish_staged(store: ObjectStore, plan: VersionPlan, durable: bool) -> None:
    if store.stat(plan.staging_key) is not None:
        publish_version(store, plan, durable=durable)


def _attempt(work: Callable[[], None]) -> StorageError | None:
    try:
        work()
    except StorageError as error:
        return error
    except OSError as error:
        return StorageError("STORE_FAILED", N_("The store failed: {reason}."), remedy=N_("Look at the log of the system."), reason=error)
    return None
