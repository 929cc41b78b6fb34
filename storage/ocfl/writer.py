"""Writing a version: decided first, staged, re-read, and only then moved to its place (OCFL 1.1 §3.3, §3.5–3.7).

What lies below ``staging/<the object's folder name>/`` while it happens::

    object/                     version 1: the whole object, moved in one rename
    version/                    a later version's folder, moved in one rename; then the root inventory and its sidecar
    inventory.json[.sha512]     the root inventory and its sidecar, on their way

The folder under ``staging`` is there from before the first byte until after the last step, so that `storage.ocfl.recovery`
needs to look only there. Content keeps its logical path below ``vN/content``: a person finds every file of a version
without any program. Bytes that an earlier version has are not stored again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from storage.digests import Digests
from storage.errors import N_, OutOfSpace, StorageError
from storage.ocfl.inventory import FIXITY, Inventory, Version, check_logical_paths
from storage.ocfl.layout import OBJECT_DECLARATION, STAGING, folder_name, root_key_of
from storage.ocfl.recovery import publish_head, recover_object
from storage.ocfl.verify import CopyOutcome, Problem, check_files, digest_of, read_head, sidecar_digest
from storage.ocfl.withdraw import withdraw
from storage.stores.base import Incoming, KeyMissing, ObjectStore, Progress

#: Bytes of inventory for one file, twice written, that room is kept for beside the content.
_INVENTORY_BYTES_A_FILE = 2 * 1024
_SPARE_BYTES = 1024 * 1024


class NewFile(NamedTuple):
    """One file of the version to be written.

    Args:
        logical_path: its path in the object: UTF-8 text, ``/`` between parts.
        source: where its bytes lie now (text takes a fifth of the memory of a `Path`).
        size: bytes.
        digests: its three digests.
    """

    logical_path: str
    source: str | Path
    size: int
    digests: Digests


class Content(NamedTuple):
    """A file whose bytes no earlier version has.

    Args:
        path: content path below the content folder of the version (equal to the logical path).
        source: where its bytes lie now.
        size: bytes.
        sha256: what a re-read of the copy must give.
    """

    path: str
    source: str | Path
    size: int
    sha256: bytes


@dataclass(frozen=True, kw_only=True)
class VersionPlan:
    """A version that can be written to any number of stores: pure decision, no effect.

    Args:
        object_id: the object's identifier.
        inventory: the inventory with the new version in it.
        content: the files to be copied.
    """

    object_id: str
    inventory: Inventory
    content: tuple[Content, ...]

    @property
    def version(self) -> int:
        """The number of the new version."""
        return self.inventory.head

    @cached_property
    def folder_name(self) -> str:
        """The name of the object's folders."""
        return folder_name(self.object_id)

    @property
    def root_key(self) -> str:
        """Where the object lies in every store."""
        return root_key_of(self.folder_name)

    @property
    def staging_key(self) -> str:
        """Where the version is put together in every store."""
        return f"{STAGING}/{self.folder_name}"

    @property
    def staged_version_key(self) -> str:
        """Where the version's own folder is put together."""
        return f"{self.staging_key}/object/v1" if self.version == 1 else f"{self.staging_key}/version"

    @property
    def version_key(self) -> str:
        """Where the version's own folder ends up."""
        return f"{self.root_key}/{self.inventory.version_name(self.version)}"

    @cached_property
    def content_bytes(self) -> int:
        """Bytes of content to be copied."""
        return sum(content.size for content in self.content)

    @property
    def room(self) -> int:
        """Bytes that a store needs, content and inventories."""
        paths = sum(len(paths) for version in self.inventory.versions for paths in version.state.values())
        return self.content_bytes + paths * _INVENTORY_BYTES_A_FILE + _SPARE_BYTES


def plan_version(
    *,
    object_id: str,
    previous: Inventory | None,
    files: Iterable[NewFile],
    message: str,
    user_name: str,
    user_address: str,
    created: datetime,
    fixity: tuple[str, ...] = FIXITY,
) -> VersionPlan:
    """Decides what a new version holds and which of its bytes are new.

    A caller that may be stopped and started again passes the same `created` again: the same plan then finds itself
    already written instead of colliding with itself.

    Args:
        object_id: the object's identifier; OCFL asks for a URI.
        previous: the inventory so far, or None for a new object.
        files: every file of the new version, also those that did not change.
        message: why the version is made.
        user_name: who makes it.
        user_address: a URI of who makes it.
        created: when, with its time zone.
        fixity: algorithms for the fixity block, of those that `Digests` has.

    Raises:
        StorageError: ``LOGICAL_PATH_UNSAFE``, ``LOGICAL_PATHS_CONFLICT``, ``OBJECT_FOREIGN`` (an object of another
            program in a form that is not written here).
    """
    if previous is not None and (previous.specification, previous.algorithm, previous.padding) != ("1.1", "sha512", 0):
        raise StorageError(
            "OBJECT_FOREIGN",
            N_("Object “{subject}” follows OCFL {specification} with {algorithm}; versions are added only to OCFL 1.1 with sha512."),
            subject=object_id,
            remedy=N_("Export the object and ingest it again."),
            specification=previous.specification,
            algorithm=previous.algorithm,
        )
    listed = list(files)
    check_logical_paths(file.logical_path for file in listed)
    manifest = dict(previous.manifest) if previous else {}
    blocks = {name: dict(previous.fixity.get(name, {})) if previous else {} for name in fixity}
    for name, paths in previous.fixity.items() if previous else ():
        blocks.setdefault(name, dict(paths))
    values: dict[str, dict[bytes, bytes]] = {name: {} for name in fixity}
    folder = f"v{(previous.head if previous else 0) + 1}/{previous.content_directory if previous else 'content'}"
    state: dict[bytes, list[str]] = {}
    places: dict[bytes, list[str]] = {}
    content: list[Content] = []
    for path, source, size, digests in listed:
        state.setdefault(digests.sha512, []).append(path)
        if digests.sha512 in manifest and digests.sha512 not in places:
            continue
        content.append(Content(path, source, size, digests.sha256))
        known = places.get(digests.sha512)
        if known is not None:
            known.append(f"{folder}/{path}")
            continue
        manifest[digests.sha512] = ()
        places[digests.sha512] = [f"{folder}/{path}"]
        for name in fixity:
            values[name][digests.sha512] = getattr(digests, name)
    for sha512, contents in places.items():
        manifest[sha512] = tuple(contents)
        for name in fixity:
            blocks[name][values[name][sha512]] = manifest[sha512]
    version = Version(
        created=_rfc3339(created),
        state={digest: tuple(names) for digest, names in state.items()},
        message=message,
        user_name=user_name,
        user_address=user_address,
    )
    inventory = Inventory(
        object_id=object_id,
        versions=(*(previous.versions if previous else ()), version),
        manifest=manifest,
        fixity={name: paths for name, paths in blocks.items() if paths},
        content_directory=previous.content_directory if previous else "content",
    )
    return VersionPlan(object_id=object_id, inventory=inventory, content=tuple(content))


def is_written(store: ObjectStore, plan: VersionPlan) -> bool:
    """Whether this very version, byte for byte in its inventory, is the object's head in a store already."""
    try:
        return sidecar_digest(store, f"{plan.root_key}/{plan.inventory.sidecar_name}") == plan.inventory.digest
    except KeyMissing:
        return False


def stage_version(store: ObjectStore, plan: VersionPlan, *, durable: bool = True, progress: Progress | None = None) -> None:
    """Puts a version together beside the storage root; what a stopped writer left of this object is recovered first.

    Args:
        store: the store.
        plan: the version.
        durable: it survives a power cut once this returns.
        progress: told of files and bytes copied.

    Raises:
        StorageError: ``CONCURRENT_VERSION``: the object's head is not the one that was planned from.
        OutOfSpace: there is not enough room; nothing was written.
        StoreUnavailable: the store cannot be written.
    """
    recover_object(store, plan.folder_name)
    _refuse_concurrent(store, plan)
    _refuse_full(store, plan)
    content = f"{plan.staged_version_key}/{plan.inventory.content_directory}"
    try:
        store.import_files((Incoming(f"{content}/{file.path}", file.source, file.size) for file in plan.content), progress)
        sidecar = plan.inventory.sidecar_name
        store.write(f"{plan.staged_version_key}/inventory.json", plan.inventory.blocks())
        store.write(f"{plan.staged_version_key}/{sidecar}", (plan.inventory.sidecar,))
        above = f"{plan.staging_key}/object" if plan.version == 1 else plan.staging_key
        store.copy(f"{plan.staged_version_key}/inventory.json", f"{above}/inventory.json")
        store.copy(f"{plan.staged_version_key}/{sidecar}", f"{above}/{sidecar}")
        if plan.version == 1:
            store.write(f"{above}/{OBJECT_DECLARATION[0]}", (OBJECT_DECLARATION[1],))
        if durable:
            store.flush(plan.staging_key)
    except StorageError:
        # The first error is the one to tell; what cannot be removed now is removed by the next recovery.
        with suppress(StorageError):
            discard_version(store, plan)
        raise


def verify_version(store: ObjectStore, plan: VersionPlan, *, at_most: int = 8, progress: Progress | None = None) -> list[Problem]:
    """Re-reads every new byte of a version from where it lies, staged or published, and compares with the source's digests.

    Args:
        store: the store.
        plan: the version.
        at_most: how many processes may read.
        progress: told of files and bytes read.

    Returns:
        What is not as it should be; empty when everything matches. Paths are relative to the version's folder, those of
        the object's own inventory start with ``../``.
    """
    staged = store.stat(plan.staging_key) is not None
    folder = plan.staged_version_key if staged else plan.version_key
    above = (f"{plan.staging_key}/object" if plan.version == 1 else plan.staging_key) if staged else plan.root_key
    expected = {file.path: (file.size, file.sha256) for file in plan.content}
    problems = (
        [
            problem._replace(path=f"{plan.inventory.content_directory}/{problem.path}")
            for problem in check_files(store, f"{folder}/{plan.inventory.content_directory}", expected, at_most=at_most, progress=progress)
        ]
        if expected
        else []
    )
    sidecar, digest = plan.inventory.sidecar_name, plan.inventory.digest
    for key, shown in ((folder, ""), (above, "../")):
        problems += _check_stated(store, f"{key}/inventory.json", f"{shown}inventory.json", digest, plan.inventory.algorithm)
        problems += _check_sidecar(store, f"{key}/{sidecar}", f"{shown}{sidecar}", digest)
    return problems


def publish_version(store: ObjectStore, plan: VersionPlan, *, durable: bool = True) -> None:
    """Moves a staged version to its place: from here on it is the object's head.

    Where a store moves by copying, the copies are re-read, and taken back when they are not what they should be.

    Raises:
        StorageError: ``CONCURRENT_VERSION``: somebody added a version meanwhile; the staged one stays staged.
            ``COPY_NOT_VERIFIED``: what was published reads back differently; the object is as it was before.
    """
    _refuse_concurrent(store, plan)
    if plan.version == 1:
        store.publish(f"{plan.staging_key}/object", plan.root_key, durable=durable)
        store.delete_below(plan.staging_key)
    else:
        store.publish(plan.staged_version_key, plan.version_key, durable=durable)
        publish_head(store, plan.folder_name, plan.inventory.sidecar_name, durable=durable)
    if not store.renames and (problems := verify_version(store, plan, at_most=1)):
        withdraw(store, plan.object_id, keep=plan.version - 1)
        raise not_verified(store, problems)


def discard_version(store: ObjectStore, plan: VersionPlan) -> None:
    """Removes what is staged; the object stays as it was."""
    store.delete_below(plan.staging_key)


def write_version(store: ObjectStore, plan: VersionPlan, *, durable: bool = True, progress: Progress | None = None) -> None:
    """Stages a version, re-reads it and publishes it; does nothing where this very version is the head already.

    Raises:
        StorageError: ``COPY_NOT_VERIFIED``: what was read back is not what was written; nothing is left of it. And what
            `stage_version` and `publish_version` raise.
    """
    if is_written(store, plan):
        recover_object(store, plan.folder_name)
        return
    stage_version(store, plan, durable=durable, progress=progress)
    problems = verify_version(store, plan)
    if problems:
        discard_version(store, plan)
        raise not_verified(store, problems)
    publish_version(store, plan, durable=durable)


def not_verified(store: ObjectStore, problems: list[Problem]) -> StorageError:
    """The error for a version that reads back differently from what was written."""
    first = problems[0]
    return StorageError(
        "COPY_NOT_VERIFIED",
        N_(
            "Store “{store}” gave back something else than was written: {count} files, "
            "first “{subject}” ({outcome}): expected {expected}, found {found}."
        ),
        subject=first.path,
        remedy=N_("Check the disk of this store before anything else is written to it."),
        store=store.name,
        count=len(problems),
        outcome=first.outcome,
        expected=first.expected or "-",
        found=first.found or "-",
    )


def _refuse_concurrent(store: ObjectStore, plan: VersionPlan) -> None:
    try:
        head = read_head(store, f"{plan.root_key}/inventory.json")
        found = head.version if head else -1
    except KeyMissing:
        found = 0 if store.stat(plan.root_key) is None else -1
    if found != plan.version - 1 or store.stat(plan.version_key) is not None:
        raise StorageError(
            "CONCURRENT_VERSION",
            N_("Object “{subject}” in store “{store}” is at version {found}; the new version was made to follow version {expected}."),
            subject=plan.object_id,
            remedy=N_("Read the object again and make the version from what it holds now."),
            store=store.name,
            found=found if found >= 0 else "?",
            expected=plan.version - 1,
        )


def _refuse_full(store: ObjectStore, plan: VersionPlan) -> None:
    free = store.free_space()
    if free is not None and plan.room > free:
        raise OutOfSpace(
            "OUT_OF_SPACE",
            N_("Store “{store}” has {free} bytes free; “{subject}” needs {needed}. Nothing was written."),
            subject=plan.object_id,
            remedy=N_("Make room in the store or add one, then try again."),
            store=store.name,
            free=free,
            needed=plan.room,
        )


def _check_stated(store: ObjectStore, key: str, path: str, digest: str, algorithm: str) -> list[Problem]:
    try:
        found = digest_of(store, key, algorithm)
    except StorageError as error:
        return [_not_read(path, error)]
    return [] if found == digest else [Problem(path, CopyOutcome.DAMAGED, f"{algorithm}:{digest}", f"{algorithm}:{found}")]


def _check_sidecar(store: ObjectStore, key: str, path: str, digest: str) -> list[Problem]:
    try:
        found = sidecar_digest(store, key)
    except StorageError as error:
        return [_not_read(path, error)]
    return [] if found == digest else [Problem(path, CopyOutcome.DAMAGED, digest, found)]


def _not_read(path: str, error: StorageError) -> Problem:
    missing = isinstance(error, KeyMissing)
    return Problem(path, CopyOutcome.MISSING if missing else CopyOutcome.UNREADABLE, found="" if missing else error.message)


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
