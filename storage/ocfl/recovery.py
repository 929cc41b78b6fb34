"""What a writer that was killed left behind is finished or taken back; either way the object is whole.

Each object that is being written has a folder of its own below ``staging`` from the first byte to the last step. As long
as its content is there, nothing was published: it is removed, and the old state holds. Once the version's folder has
been moved, the version is complete and was re-read before: the root inventory is brought up to it, and the new state holds.
A copy that was being replaced by a verified one (`storage.ocfl.replacing`) is replaced.
Where a store cannot move in one step, a move that had begun is ended first (`ObjectStore.settle`).
"""

from __future__ import annotations

import re

from storage.errors import StorageError
from storage.ocfl.layout import ROOT, STAGING, root_key_of
from storage.ocfl.replacing import carry_on, is_replacing
from storage.ocfl.verify import digest_of, sidecar_digest
from storage.stores.base import EntryKind, ObjectStore

_VERSION = re.compile(r"v[1-9][0-9]*")


def recover(store: ObjectStore) -> list[str]:
    """Finishes or takes back every version that was being written when its writer ended. Only while nobody writes.

    Returns:
        What was done, one English sentence an object.
    """
    told = []
    store.settle(STAGING)
    for entry in store.scan(STAGING):
        if entry.kind is EntryKind.FOLDER:
            done = recover_object(store, entry.name)
            if done:
                told.append(done)
    return told


def recover_object(store: ObjectStore, name: str) -> str:
    """Finishes or takes back what is staged of one object, which nobody else may be writing.

    Args:
        store: the store.
        name: the object's folder name (`storage.ocfl.layout.folder_name`).

    Returns:
        What was done, or an empty text where nothing was staged.
    """
    staging = f"{STAGING}/{name}"
    if store.stat(staging) is None:
        return ""
    store.settle(staging)
    root = root_key_of(name)
    if is_replacing(store, name):
        carry_on(store, name)
        return f"{store.name}: the repair of the object in {root} was completed"
    unpublished = any(store.stat(f"{staging}/{part}") is not None for part in ("object", "version"))
    latest = 0 if unpublished else _latest(store, root)
    if latest and not _is_head(store, root, latest) and (sidecar := _own_sidecar(store, f"{root}/v{latest}")):
        for part in ("inventory.json", sidecar):
            if store.stat(f"{staging}/{part}") is not None:
                store.delete(f"{staging}/{part}")
            store.copy(f"{root}/v{latest}/{part}", f"{staging}/{part}")
        store.flush(staging)
        publish_head(store, name, sidecar, durable=True)
        return f"{store.name}: version {latest} of the object in {root} was completed"
    store.delete_below(staging)
    if store.stat(root) is None or not store.scan(root):
        # Folders that were made for an object which then never came: OCFL wants none empty (E073).
        store.prune(root, ROOT)
    if unpublished:
        return f"{store.name}: an unfinished version of the object in {root} was removed"
    return f"{store.name}: the object in {root} was complete; its staging folder was removed"


def publish_head(store: ObjectStore, name: str, sidecar: str, *, durable: bool) -> None:
    """Puts the staged root inventory and its sidecar in place of the old ones and removes the staging folder.

    Between the two the sidecar is that of the old inventory; the latest version's own inventory then decides.
    """
    staging, root = f"{STAGING}/{name}", root_key_of(name)
    store.publish(f"{staging}/inventory.json", f"{root}/inventory.json", replace=True, durable=durable)
    store.publish(f"{staging}/{sidecar}", f"{root}/{sidecar}", replace=True, durable=durable)
    store.delete_below(staging)


def _latest(store: ObjectStore, root: str) -> int:
    return max(
        (int(entry.name[1:]) for entry in store.scan(root) if entry.kind is EntryKind.FOLDER and _VERSION.fullmatch(entry.name)), default=0
    )


def _is_head(store: ObjectStore, root: str, version: int) -> bool:
    for name in ("inventory.json", "inventory.json.sha512"):
        keys = (f"{root}/{name}", f"{root}/v{version}/{name}")
        if any(store.stat(key) is None for key in keys) or len({digest_of(store, key, "sha256") for key in keys}) > 1:
            return False
    return True


def _own_sidecar(store: ObjectStore, version: str) -> str:
    """The name of the version's sidecar, when its inventory is what the sidecar says; else empty."""
    try:
        stated = sidecar_digest(store, f"{version}/inventory.json.sha512")
        return "inventory.json.sha512" if stated == digest_of(store, f"{version}/inventory.json", "sha512") else ""
    except StorageError:
        return ""
