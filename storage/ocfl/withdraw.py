"""Taking back versions that never counted: written to a store, but not acknowledged by the catalogue.

Nothing that the catalogue calls stored is ever withdrawn. A stop between any two steps leaves what `storage.ocfl.recovery`
brings to the old state or the new one, and withdrawing again does the rest.
"""

from __future__ import annotations

from storage.ocfl.layout import ROOT, STAGING, folder_name, root_key_of
from storage.ocfl.recovery import publish_head, recover_object
from storage.ocfl.verify import read_head
from storage.stores.base import KeyMissing, ObjectStore

_SIDECAR = "inventory.json.sha512"


def withdraw(store: ObjectStore, object_id: str, *, keep: int) -> int:
    """Takes an object back to an earlier version, or away altogether; nobody else may be writing it.

    Args:
        store: the store.
        object_id: the object's identifier; of an object written here.
        keep: the latest version that stays; 0 leaves nothing.

    Returns:
        How many versions were withdrawn.

    Raises:
        StoreUnavailable: the store cannot be read or written.
        ObjectDamaged: the object's inventory cannot be understood; nothing is changed.
    """
    name = folder_name(object_id)
    recover_object(store, name)
    root, staging = root_key_of(name), f"{STAGING}/{name}"
    try:
        head = read_head(store, f"{root}/inventory.json")
    except KeyMissing:
        return 0
    if head is None or head.version <= keep:
        return 0
    if keep == 0:
        store.publish(root, f"{staging}/withdrawn")
        # before the staging folder goes, since without it recovery would not look here again
        store.prune(root.rpartition("/")[0], ROOT)
        store.delete_below(staging)
        return head.version
    for version in range(head.version, keep, -1):
        # once the folder is out of the object, recovery brings the root inventory back to the version before it
        store.publish(f"{root}/v{version}", f"{staging}/withdrawn-v{version}")
    for part in ("inventory.json", _SIDECAR):
        store.copy(f"{root}/v{keep}/{part}", f"{staging}/{part}")
    publish_head(store, name, _SIDECAR, durable=True)
    return head.version - keep
