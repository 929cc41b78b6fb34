"""Reading an archival package out of its copies: every byte is compared, and a copy that fails gives way to the next.

What is found wrong on the way is not kept quiet: the copy's state changes and the ledger gets a fixity event.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from repository.errors import JinguiError, NotFound
from repository.events import COPY_STATE, EventOutcome, EventType, ObjectType
from repository.findings import N_
from repository.holdings import Copy, CopyState, Record
from repository.permissions import Actor
from storage.digests import Digests
from storage.errors import StorageError, StoreUnavailable
from storage.ocfl.inventory import Inventory, parse_inventory
from storage.ocfl.layout import root_key
from storage.ocfl.verify import sidecar_digest
from storage.stores.base import Entry, KeyMissing

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from repository.archive import Archive
    from repository.stores import Store
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: How much of a file is held back until it is known to be right. What is no larger is never handed on wrong.
BLOCK: Final = 1024 * 1024

_SOUND: Final = (CopyState.MATCH, CopyState.NOT_CHECKED)
_READER: Final = Actor.system("access")


class CopyFailed(JinguiError):
    """A copy turned out wrong after part of a file was handed on. Who can begin again gets it from the next copy."""

    code = "COPY_FAILED"
    exit_code = 1


class NoSoundCopy(JinguiError):
    """No store has a copy of something that is as it should be."""

    code = "NO_SOUND_COPY"
    exit_code = 1


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Where one version of a package can be read.

    Args:
        record_id: the record.
        aip_id: its package.
        version: the version.
        inventory_digest: SHA-512 of that version's inventory as the catalogue knows it, in hexadecimal: what all other digests hang on.
        stores: the stores that hold the version, in the order in which they are read: those whose copy was not found wanting by
            priority, then the others, in which most files may still be whole.
    """

    record_id: str
    aip_id: str
    version: int
    inventory_digest: str
    stores: Sequence[Store]


class KeptFile(NamedTuple):
    """A file of a package.

    Args:
        path: in the package.
        content_path: where its bytes lie in the object.
        digests: of its bytes.
    """

    path: str
    content_path: str
    digests: Digests


def holding_of(tx: Transaction, record: Record) -> Holding:
    """Where the present version of a record's package can be read; for a record that `access.catalogue` gave."""
    aip = record.aip
    assert aip is not None
    states = {copy.store: CopyState(copy.state) for copy in aip.copies if copy.version == aip.version}
    stores = [store for store in tx.archive.stores if store.name in states]
    return Holding(
        record_id=record.id,
        aip_id=aip.id,
        version=aip.version,
        inventory_digest=aip.inventory_digest,
        # the sort is stable: within each half the order of priority stays
        stores=sorted(stores, key=lambda store: states[store.name] not in _SOUND),
    )


class PackageReader:
    """Reads one version of a package. Must not be used inside a transaction that writes: it may have to note damage itself.

    Args:
        archive: the open archive.
        holding: what to read.
    """

    def __init__(self, archive: Archive, holding: Holding) -> None:
        self._archive = archive
        self._holding = holding
        self._root = root_key(holding.aip_id)
        self._failed: dict[str, set[str]] = {}

    @property
    def failures(self) -> int:
        """How many files could not be read from a store so far."""
        return sum(map(len, self._failed.values()))

    @cached_property
    def inventory(self) -> Inventory:
        """The version's inventory, as the catalogue knows it.

        Raises:
            NoSoundCopy: no copy has it.
        """
        path = f"v{self._holding.version}/inventory.json"
        return parse_inventory(b"".join(self.blocks(path, self._holding.inventory_digest)), path)

    @cached_property
    def files(self) -> dict[str, KeptFile]:
        """Every file of the version, by path, in the inventory's order."""
        inventory = self.inventory
        fixity = {name: {path: digest for digest, paths in inventory.fixity[name].items() for path in paths} for name in ("sha256", "sm3")}
        files: dict[str, KeptFile] = {}
        for digest, names in inventory.versions[self._holding.version - 1].state.items():
            content = inventory.manifest[digest][0]
            digests = Digests(sha512=digest, sha256=fixity["sha256"][content], sm3=fixity["sm3"][content])
            files.update((name, KeptFile(name, content, digests)) for name in names)
        return files

    def file(self, path: str) -> KeptFile:
        """A file of the version.

        Raises:
            NotFound: the version has no such file.
        """
        found = self.files.get(path)
        if found is None:
            raise NotFound(N_("The package “{aip}” has no file “{subject}”."), subject=path, aip=self._holding.aip_id)
        return found

    def size(self, content_path: str) -> int:
        """Bytes of a file, as the store says it would be read from has it.

        Raises:
            NoSoundCopy: no copy has it.
        """
        for store in self._stores(content_path):
            try:
                entry = store.objects.stat(f"{self._root}/{content_path}")
            except StorageError as error:
                self._note_error(store, content_path, error)
                continue
            if entry is not None:
                return entry.size
            self._note_missing(store, content_path)
        raise self._none(content_path)

    def open(self, path: str) -> BinaryIO:
        """Opens a file of the version by its path; the comparison ends with its last byte.

        Raises:
            NotFound: the version has no such file.
        """
        file = self.file(path)
        return io.BufferedReader(_Stream(self.blocks(file.content_path, file.digests.sha512.hex())), BLOCK)

    def blocks(self, content_path: str, digest: str, algorithm: str = "sha512") -> Iterator[bytes]:
        """The bytes of a file of the object, compared with the digest before the last of them is handed on.

        Args:
            content_path: where it lies in the object.
            digest: what it must have, in hexadecimal.
            algorithm: of the digest.

        Raises:
            CopyFailed: a copy turned out wrong after a block was handed on; asked again, the next copy is read.
            NoSoundCopy: no copy has the file as it should be.
        """
        for store in self._stores(content_path):
            try:
                stream = store.objects.open(f"{self._root}/{content_path}")
            except KeyMissing:
                self._note_missing(store, content_path)
                continue
            except StorageError as error:
                self._note_error(store, content_path, error)
                continue
            state = hashlib.new(algorithm)
            held = b""
            begun = False
            problem: StorageError | OSError | None = None
            with stream:
                while True:
                    try:
                        block = stream.read(BLOCK)
                    except (StorageError, OSError) as error:
                        problem = error
                        break
                    if not block:
                        break
                    state.update(block)
                    if held:
                        begun = True
                        yield held
                    held = block
            if problem is None and state.hexdigest() == digest:
                if held:
                    yield held
                return
            if problem is not None:
                self._note_error(store, content_path, problem)
            else:
                self._note(store, content_path, CopyState.DAMAGED, f"{algorithm}:{digest}", f"{algorithm}:{state.hexdigest()}")
            if begun:
                raise self._broken_off(store, content_path)
        raise self._none(content_path)

    def part(self, content_path: str, size: int, start: int, stop: int) -> Iterator[bytes]:
        """Some bytes of a file of the object, read from where they begin; nothing shows whether they are the right ones.

        Args:
            content_path: where the file lies in the object.
            size: bytes that it must have; a copy of another size is passed over.
            start: the first byte.
            stop: up to but not including this byte.

        Raises:
            CopyFailed: a copy failed or ended after a block was handed on.
            NoSoundCopy: no copy has the file in this size.
        """
        for store in self._stores(content_path):
            key = f"{self._root}/{content_path}"
            left = stop - start
            try:
                entry = store.objects.stat(key)
                if entry is None or entry.size != size:
                    self._note_size(store, content_path, size, entry)
                    continue
                with store.objects.open(key, start) as stream:
                    while left and (block := stream.read(min(BLOCK, left))):
                        left -= len(block)
                        yield block
            except (StorageError, OSError) as error:
                self._note_error(store, content_path, error)
            if not left:
                return
            if left < stop - start:
                raise self._broken_off(store, content_path)
        raise self._none(content_path)

    def earlier_inventory(self, version: int) -> tuple[bytes, str]:
        """The bytes and the SHA-512 of the inventory of an earlier version, which only its own sidecar vouches for.

        Raises:
            NoSoundCopy: no copy has it.
        """
        path = f"v{version}/inventory.json"
        for store in self._stores(path):
            key = f"{self._root}/{path}"
            try:
                digest = sidecar_digest(store.objects, f"{key}.sha512")
                with store.objects.open(key) as stream:
                    content = stream.read()
            except (StorageError, OSError) as error:
                self._note_error(store, path, error)
                continue
            found = hashlib.sha512(content).hexdigest()
            if found == digest:
                return content, digest
            self._note(store, path, CopyState.DAMAGED, f"sha512:{digest}", f"sha512:{found}")
        raise self._none(path)

    def _stores(self, content_path: str) -> Iterator[Store]:
        for store in self._holding.stores:
            if content_path not in self._failed.get(store.name, ()):
                yield store

    def _broken_off(self, store: Store, content_path: str) -> CopyFailed:
        return CopyFailed(
            N_("The copy of “{subject}” in store “{store}” is not as it should be; a part of it was handed on before that showed."),
            subject=f"{self._holding.aip_id} {content_path}",
            remedy=N_("Discard what was received and try again: it is then read from another copy. Run “jingui audit”."),
            store=store.name,
        )

    def _none(self, content_path: str) -> NoSoundCopy:
        return NoSoundCopy(
            N_("No store has a sound copy of “{subject}” (looked in: {stores})."),
            subject=f"{self._holding.aip_id} {content_path}",
            remedy=N_("Run “jingui audit” on the record to see what is left, and bring a store back that is not connected."),
            stores=", ".join(store.name for store in self._holding.stores) or "–",
        )

    def _note_missing(self, store: Store, content_path: str) -> None:
        try:
            store.root.require()
        except StorageError as error:
            # nothing can be said of a copy whose disk is not there
            self._note_error(store, content_path, error)
            return
        self._note(store, content_path, CopyState.MISSING, "", "")

    def _note_size(self, store: Store, content_path: str, size: int, entry: Entry | None) -> None:
        if entry is None:
            self._note_missing(store, content_path)
        else:
            self._note(store, content_path, CopyState.DAMAGED, f"{size} bytes", f"{entry.size} bytes")

    def _note_error(self, store: Store, content_path: str, error: StorageError | OSError) -> None:
        if isinstance(error, KeyMissing):
            self._note(store, content_path, CopyState.MISSING, "", "")
        elif isinstance(error, StoreUnavailable):
            self._failed.setdefault(store.name, set()).add(content_path)
            logger.warning("store %s cannot be read: %s", store.name, error)
        else:
            self._note(store, content_path, CopyState.UNREADABLE, "", str(error))

    def _note(self, store: Store, content_path: str, state: CopyState, expected: str, found: str) -> None:
        """Says of a copy that it is not sound, unless that is known already."""
        self._failed.setdefault(store.name, set()).add(content_path)
        holding = self._holding
        logger.error("%s in store %s: %s is %s; expected %s, found %s", holding.aip_id, store.name, content_path, state, expected, found)
        with self._archive.transaction(_READER) as tx:
            copy = tx.session.get(Copy, (holding.aip_id, store.name), with_for_update=True)
            if copy is None or copy.version != holding.version or copy.state not in _SOUND:
                return
            copy.state = state
            copy.checked_at = tx.now
            tx.record_event(
                EventType.FIXITY_CHECK,
                objects=[(ObjectType.AIP, holding.aip_id), (ObjectType.RECORD, holding.record_id), (ObjectType.STORE, store.name)],
                outcome=EventOutcome.FAILURE,
                detail={COPY_STATE: str(state), "path": content_path, "expected": expected, "found": found},
                note=f"read for delivery from store {store.name}: {state}",
            )


def begun(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks with the first of them made already: what goes wrong at the beginning is raised here and now."""
    first = next(blocks, b"")

    def all_of_them() -> Iterator[bytes]:
        if first:
            yield first
        yield from blocks

    return all_of_them()


class _Stream(io.RawIOBase):
    """Blocks as a stream that can be read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
