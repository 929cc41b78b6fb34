"""Use cases around signature releases where there is a home: who may change them, what is recorded, what changes for the holdings.

The folder of releases is what identification reads; the catalogue's table mirrors it, so that pages can list releases and
`rebuild` can make the table again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select

from preservation.formats import FormatRegistry, HeldFile, KnownRelease
from preservation.identification import Release
from repository.aip import OWN_ROLE
from repository.events import EventType, ObjectType
from repository.holdings import File, SignatureRelease
from repository.permissions import Permission
from repository.transaction import Transaction
from storage.errors import StorageError
from storage.ocfl.reader import OcflObject


def registry_of(tx: Transaction) -> FormatRegistry:
    """The releases of this home."""
    return FormatRegistry(tx.archive.formats_folder)


def known_releases(tx: Transaction) -> Sequence[KnownRelease]:
    """Every release, with its standing.

    Raises:
        PermissionDenied: without `Permission.FORMAT_READ`.
    """
    tx.require(Permission.FORMAT_READ)
    return list(registry_of(tx).known())


def import_release(tx: Transaction, signature_file: Path, container_file: Path) -> Release:
    """Takes a release in, without putting it in force.

    Raises:
        PermissionDenied: the actor may not manage formats.
        UsageError: the files are not a release.
    """
    tx.require(Permission.FORMAT_MANAGE)
    registry = registry_of(tx)
    before = {known.release.id for known in registry.known()}
    release = registry.import_release(signature_file, container_file, at=tx.now)
    if release.id not in before:
        tx.record_event(EventType.ACCESSION, objects=[(ObjectType.SIGNATURES, release.id)], detail={"digest": release.digest})
    mirror(tx)
    return release


def activate(tx: Transaction, id: str) -> Release:
    """Puts a release in force.

    Raises:
        PermissionDenied: the actor may not manage formats.
        NotFound: there is no such release.
    """
    tx.require(Permission.FORMAT_MANAGE)
    registry = registry_of(tx)
    return _in_force(tx, registry.active, registry.activate(id))


def back(tx: Transaction) -> Release:
    """Puts the release in force again that was before.

    Raises:
        PermissionDenied: the actor may not manage formats.
        Conflict: there was none before.
    """
    tx.require(Permission.FORMAT_MANAGE)
    registry = registry_of(tx)
    return _in_force(tx, registry.active, registry.back())


def mirror(tx: Transaction) -> None:
    """Makes the catalogue's table say what the folder says."""
    rows = {row.id: row for row in tx.session.scalars(select(SignatureRelease))}
    for known in registry_of(tx).known():
        release = known.release
        row = rows.pop(release.id, None)
        if row is None:
            row = SignatureRelease(
                id=release.id,
                version=release.version,
                container_version=release.container_version,
                imported_at=known.imported_at or tx.now,
                imported_by="" if known.bundled else tx.actor.name,
            )
            tx.session.add(row)
        row.active = known.active
    for gone in rows.values():
        tx.session.delete(gone)


def held_files(tx: Transaction) -> Iterator[HeldFile]:
    """Every file of the holdings, with a way to its bytes in the first store that has them."""
    tx.require(Permission.FORMAT_READ)
    statement = select(File.aip_id, File.path, File.puid, File.size).where(File.role != OWN_ROLE).order_by(File.aip_id, File.path)
    objects: list[OcflObject] = []
    current = ""
    for aip_id, path, puid, size in tx.session.execute(statement.execution_options(yield_per=1000)):
        if aip_id != current:
            current = aip_id
            objects = [found for store in tx.archive.stores if (found := store.root.find(aip_id)) is not None]
        yield HeldFile(
            path=f"{aip_id}/{path}", name=path.rpartition("/")[2], puid=puid, size=size, open=partial(_opened, tuple(objects), path)
        )


def _opened(objects: tuple[OcflObject, ...], path: str) -> BinaryIO:
    problem: StorageError | None = None
    for each in objects:
        try:
            return each.open(path)
        except StorageError as error:
            problem = error
    raise problem or FileNotFoundError(path)


def _in_force(tx: Transaction, before: Release, now: Release) -> Release:
    if before.id != now.id:
        tx.record_event(
            EventType.POLICY_ASSIGNMENT,
            objects=[(ObjectType.SIGNATURES, now.id)],
            detail={"in_force": now.id, "before": before.id},
            decision=True,
        )
    mirror(tx)
    return now
