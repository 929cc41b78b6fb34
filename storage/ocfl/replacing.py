"""Putting a verified copy in the place of one that is not as it should be, and keeping what was there.

What lies below ``staging/<the object's folder name>/`` while it happens::

    object/          the new copy, from its first byte until it is moved to its place
    replacing        written once the new copy was re-read and flushed: where the old one is to be kept
    old/             the old copy, on its way there
    set-aside        written once nothing of the old copy is left in its place

Until ``replacing`` is there the old copy stays what it is, and recovery removes what is staged. From then on the new copy
is whole and verified, and recovery carries on from wherever the work ended. The old copy goes to ``quarantine``, beside the
storage root and never in it, byte for byte as it was found.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from storage.errors import N_, OutOfSpace
from storage.ocfl.layout import QUARANTINE, STAGING, folder_name, root_key, root_key_of
from storage.ocfl.verify import CopyCheck, CopyOutcome, Expected, check_copy, read_small
from storage.stores.base import Entry, EntryKind, Incoming, KeyTaken, ObjectStore, Progress

_MARK: Final = "replacing"
_SET_ASIDE: Final = "set-aside"
_WINDOW: Final = 256 * 1024
_SPARE_BYTES: Final = 1024 * 1024


def replace_copy(
    source: ObjectStore,
    target: ObjectStore,
    object_id: str,
    *,
    keep_as: str,
    expected: Expected | None,
    inventory_digest: str,
    durable: bool = True,
    progress: Progress | None = None,
    before_swap: Callable[[], None] | None = None,
) -> CopyCheck:
    """Writes an object's copy aside, re-reads every byte of it, and only then puts it in the place of the old one.

    Args:
        source: a store whose copy was verified just now.
        target: the store whose copy is missing or not as it should be; nobody else may be writing the object there.
        object_id: which object.
        keep_as: key below which the old copy is kept (`kept_below`); nothing may lie there.
        expected: what every content file must be, from a source other than either copy.
        inventory_digest: what the latest inventory must be, from the same.
        durable: it survives a power cut.
        progress: told of files and bytes copied and read back.
        before_swap: called when the new copy is known to be good and nothing was changed yet; what it raises leaves all as it was.

    Returns:
        What re-reading the new copy gave, from where it was written; anything but a match means that nothing was replaced.

    Raises:
        StorageError: a store cannot be read or written; the old copy, or the new one, is in place, or is brought there
            by `storage.ocfl.recovery.recover_object`.
    """
    name, root = folder_name(object_id), root_key(object_id)
    staging = f"{STAGING}/{name}"
    if target.stat(staging) is not None:
        raise KeyTaken("STAGING_TAKEN", N_("“{subject}” is being written in store “{store}” just now."), subject=name, store=target.name)
    try:
        _bring(source, target, root, f"{staging}/object", progress)
        if durable:
            target.flush(staging)
        check = check_copy(
            target, object_id, key=f"{staging}/object", expected=expected, inventory_digest=inventory_digest, progress=progress
        )
        if check.outcome is not CopyOutcome.MATCH:
            return check
        if before_swap is not None:
            before_swap()
        # in one step, so that no half of it is ever read
        target.write(f"{staging}/{_MARK}.part", (keep_as.encode(),))
        if durable:
            target.flush(staging)
        target.publish(f"{staging}/{_MARK}.part", f"{staging}/{_MARK}", durable=durable)
    finally:
        if target.stat(f"{staging}/{_MARK}") is None:
            target.delete_below(staging)
    carry_on(target, name, durable=durable)
    return check


def kept_below(incident: str, number: int) -> str:
    """The key below which what is taken out of its place for an incident is kept; a number for every attempt."""
    return f"{QUARANTINE}/{incident}/{number}"


def is_replacing(store: ObjectStore, name: str) -> bool:
    """Whether a copy was about to be replaced by one that is verified."""
    return store.stat(f"{STAGING}/{name}/{_MARK}") is not None


def carry_on(store: ObjectStore, name: str, *, durable: bool = True) -> None:
    """Does what is left of putting a verified copy in its place; a move that was interrupted has been ended (`ObjectStore.settle`).

    Args:
        store: the store.
        name: the object's folder name.
        durable: it survives a power cut.
    """
    staging, root = f"{STAGING}/{name}", root_key_of(name)
    staged = store.stat(f"{staging}/object") is not None
    if staged and store.stat(f"{staging}/{_SET_ASIDE}") is None:
        keep_as = read_small(store, f"{staging}/{_MARK}").decode()
        # by way of staging, where a store that cannot move in one step notes what it moves
        if store.stat(root) is not None:
            store.publish(root, f"{staging}/old", durable=durable)
        if store.stat(f"{staging}/old") is not None:
            store.publish(f"{staging}/old", f"{keep_as}/{name}", durable=durable)
        store.write(f"{staging}/{_SET_ASIDE}", (b"",))
        if durable:
            store.flush(staging)
    if staged:
        store.publish(f"{staging}/object", root, durable=durable)
    # first, so that nothing that is left of this folder is ever taken for work to be carried on
    if is_replacing(store, name):
        store.delete(f"{staging}/{_MARK}")
    store.delete_below(staging)


def _bring(source: ObjectStore, target: ObjectStore, root: str, staging: str, progress: Progress | None) -> None:
    """Copies every file of an object; a source in a folder goes the fast way."""
    free, needed = target.free_space(), sum(entry.size for entry in source.walk(root)) + _SPARE_BYTES
    if free is not None and needed > free:
        raise OutOfSpace(
            "OUT_OF_SPACE",
            N_("Store “{store}” has {free} bytes free; “{subject}” needs {needed}. Nothing was written."),
            subject=root,
            remedy=N_("Make room in the store or add one, then try again."),
            store=target.name,
            free=free,
            needed=needed,
        )
    files = (entry for entry in source.walk(root) if entry.kind is EntryKind.FILE)
    folder = source.folder
    if folder is not None:
        target.import_files((Incoming(_under(staging, entry, root), Path(folder, entry.key), entry.size) for entry in files), progress)
        return
    for entry in files:
        with source.open(entry.key) as stream:
            target.write(_under(staging, entry, root), iter(partial(stream.read, _WINDOW), b""))
        if progress:
            progress(1, entry.size)


def _under(target: str, entry: Entry, source: str) -> str:
    return target + entry.key[len(source) :]
