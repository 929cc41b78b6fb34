"""Reading a storage root and its objects: which there are, what each version holds, and the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from storage.errors import N_, ObjectDamaged, StorageError, StoreUnavailable
from storage.ocfl.inventory import Inventory, Paths
from storage.ocfl.layout import CONFIGURATION, LAYOUT, LOCAL_EXTENSION, OBJECT_DECLARATION, ROOT, ROOT_DECLARATION, root_key
from storage.ocfl.verify import read_head, read_inventory, read_small
from storage.stores.base import EntryKind, KeyMissing, ObjectStore


class StoredFile(NamedTuple):
    """One file of a version.

    Args:
        logical_path: its path in the version.
        content_path: where its bytes lie, relative to the object root.
        sha512: the digest that addresses it, in hexadecimal.
        fixity: further digests by algorithm, in hexadecimal.
    """

    logical_path: str
    content_path: str
    sha512: str
    fixity: dict[str, str]


class OcflObject:
    """One object in one store. Inventories are read when they are asked for, and the root's is then kept.

    Args:
        store: the store.
        object_id: the object's identifier.
        key: where its root lies.
    """

    def __init__(self, store: ObjectStore, object_id: str, key: str) -> None:
        self._store = store
        self._object_id = object_id
        self._key = key
        self._inventory: Inventory | None = None
        self._addressed: tuple[int | None, dict[str, bytes]] | None = None

    @property
    def object_id(self) -> str:
        """The object's identifier."""
        return self._object_id

    @property
    def root_key(self) -> str:
        """Where its root lies in the store."""
        return self._key

    def head(self) -> int:
        """The number of the latest version, from the first lines of the inventory where they tell it."""
        head = read_head(self._store, f"{self._key}/inventory.json")
        return head.version if head else self.inventory().head

    def inventory(self, version: int | None = None) -> Inventory:
        """The inventory as of a version, or the latest.

        Raises:
            ObjectDamaged: it cannot be understood, or is that of another object.
            StorageError: it cannot be read.
        """
        if version is not None:
            return self._own(read_inventory(self._store, f"{self._key}/v{version}/inventory.json"))
        if self._inventory is None:
            self._inventory = self._own(read_inventory(self._store, f"{self._key}/inventory.json"))
        return self._inventory

    def files(self, version: int | None = None) -> Iterator[StoredFile]:
        """Every file of a version, or of the latest, in the order in which it was written.

        Raises:
            StorageError: ``VERSION_MISSING``, and what `inventory` raises.
        """
        inventory = self.inventory()
        state = self._version(inventory, version)
        blocks = {name: {path: digest for digest, paths in block.items() for path in paths} for name, block in inventory.fixity.items()}
        for digest, names in state.items():
            contents = inventory.manifest[digest]
            by_name = {path.partition(f"/{inventory.content_directory}/")[2]: path for path in contents} if len(contents) > 1 else {}
            for name in names:
                content = by_name.get(name, contents[0])
                yield StoredFile(
                    name, content, digest.hex(), {key: block[content].hex() for key, block in blocks.items() if content in block}
                )

    def open(self, logical_path: str, version: int | None = None) -> BinaryIO:
        """Opens a file of a version, or of the latest, for reading.

        Raises:
            KeyMissing: the version has no such file, or its bytes are gone.
            StorageError: it cannot be read.
        """
        inventory = self.inventory()
        digest = self._addresses(version).get(logical_path)
        if digest is None:
            raise KeyMissing("FILE_MISSING", N_("The object has no file “{subject}” in this version."), subject=logical_path)
        return self._store.open(f"{self._key}/{inventory.manifest[digest][0]}")

    def open_content(self, content_path: str) -> BinaryIO:
        """Opens a file by its content path, as `files` gives it."""
        return self._store.open(f"{self._key}/{content_path}")

    def size(self, content_path: str) -> int:
        """How many bytes a file has where it lies, by its content path.

        Raises:
            KeyMissing: there is nothing.
        """
        entry = self._store.stat(f"{self._key}/{content_path}")
        if entry is None:
            raise KeyMissing("FILE_MISSING", N_("The object has no file “{subject}” in this version."), subject=content_path)
        return entry.size

    def _addresses(self, version: int | None) -> dict[str, bytes]:
        if self._addressed is None or self._addressed[0] != version:
            state = self._version(self.inventory(), version)
            self._addressed = (version, {name: digest for digest, names in state.items() for name in names})
        return self._addressed[1]

    def _version(self, inventory: Inventory, version: int | None) -> Paths:
        number = inventory.head if version is None else version
        if not 1 <= number <= inventory.head:
            raise StorageError(
                "VERSION_MISSING",
                N_("Object “{subject}” has versions 1 to {head}, not {version}."),
                subject=self._object_id,
                head=inventory.head,
                version=number,
            )
        return inventory.versions[number - 1].state

    def _own(self, inventory: Inventory) -> Inventory:
        if inventory.object_id != self._object_id:
            raise ObjectDamaged(
                "OBJECT_MISPLACED",
                N_("Where object “{subject}” should lie, there is object “{found}”."),
                subject=self._object_id,
                remedy=N_("Run `jingui ocfl validate` on the storage root, and repair the object from another copy."),
                found=inventory.object_id,
            )
        return inventory


class StorageRoot:
    """The OCFL storage root of a store (OCFL 1.1 §4).

    Args:
        store: the store.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @property
    def store(self) -> ObjectStore:
        """The store it lies in."""
        return self._store

    def create(self) -> None:
        """Makes the storage root where there is none; one that is there and whole is left alone.

        Raises:
            StorageError: ``ROOT_FOREIGN``: there is a storage root of another OCFL version or layout.
        """
        if self.exists():
            return
        # The declaration last: what it declares is then there.
        for name, content in (LOCAL_EXTENSION, CONFIGURATION, LAYOUT, ROOT_DECLARATION):
            key = f"{ROOT}/{name}"
            if self._store.stat(key) is not None:
                if read_small(self._store, key, len(content) + 1) == content:
                    continue
                self._store.delete(key)
            self._store.write(key, (content,))
        self._store.flush(ROOT)

    def exists(self) -> bool:
        """Whether there is a storage root that this program writes to.

        Raises:
            StorageError: ``ROOT_FOREIGN``: there is one, of another OCFL version or layout.
        """
        declared = [entry.name for entry in self._store.scan(ROOT) if entry.name.startswith("0=")]
        if not declared:
            return False
        if declared != [ROOT_DECLARATION[0]] or not self._is_ours(CONFIGURATION) or not self._is_ours(LAYOUT):
            raise StorageError(
                "ROOT_FOREIGN",
                N_("Store “{subject}” has a storage root of another OCFL version or layout ({found})."),
                subject=self._store.name,
                remedy=N_("Give the store a folder of its own; foreign objects can be ingested."),
                found=", ".join(declared),
            )
        return True

    def require(self) -> None:
        """Makes sure that the storage root is there before anything is said of its objects.

        Raises:
            StoreUnavailable: ``ROOT_MISSING``: the store can be read but has no storage root (a disk that is not mounted).
        """
        if not self.exists():
            raise StoreUnavailable(
                "ROOT_MISSING",
                N_("Store “{subject}” has no storage root."),
                subject=self._store.name,
                remedy=N_("Check that its disk is mounted; a new store is made with `jingui init`."),
            )

    def objects(self) -> Iterator[str]:
        """The identifier of every object, in the order of their folders; one whose inventory cannot be read raises.

        Raises:
            ObjectDamaged: an inventory cannot be understood.
        """
        for key in self.object_roots():
            yield self.identifier(key)

    def object_roots(self) -> Iterator[str]:
        """The key of every object root, as a stream."""
        yield from self._descend(ROOT)

    def identifier(self, key: str) -> str:
        """The identifier of the object at an object root."""
        head = read_head(self._store, f"{key}/inventory.json")
        return head.object_id if head else read_inventory(self._store, f"{key}/inventory.json").object_id

    def find(self, object_id: str) -> OcflObject | None:
        """An object, or None where there is none. Only looks whether its inventory is there."""
        key = root_key(object_id)
        if self._store.stat(key) is None:
            return None
        return OcflObject(self._store, object_id, key)

    def _descend(self, key: str) -> Iterator[str]:
        entries = self._store.scan(key)
        if any(entry.name == OBJECT_DECLARATION[0] or entry.name == "inventory.json" for entry in entries):
            yield key
            return
        for entry in entries:
            if entry.kind is EntryKind.FOLDER and not (key == ROOT and entry.name == "extensions"):
                yield from self._descend(entry.key)

    def _is_ours(self, part: tuple[str, bytes]) -> bool:
        try:
            return read_small(self._store, f"{ROOT}/{part[0]}", len(part[1]) + 1) == part[1]
        except KeyMissing:
            return False
