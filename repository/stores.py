"""The stores of a home: where copies are kept, as the settings name them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from repository.holdings import Aip, Copy, CopyState
from repository.permissions import Permission
from repository.settings import Settings, StoreSettings
from storage.stores.s3_service import S3Options

if TYPE_CHECKING:
    from repository.transaction import Transaction
    from storage.ocfl.reader import StorageRoot
    from storage.stores.base import ObjectStore


@dataclass(frozen=True, kw_only=True)
class Store:
    """One place where copies are kept.

    Args:
        name: short name, as in commands and the catalogue.
        kind: how it is reached: ``folder`` or ``s3``.
        location: the folder, or the bucket.
        priority: smaller is read first.
        read_only: no new copies are written there.
        technology: what it is made of, in words for people; may be empty.
        place: where it stands, in words for people; may be empty.
    """

    name: str
    kind: str
    location: Path | S3Options
    priority: int
    read_only: bool
    technology: str = ""
    place: str = ""

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return str(self.location) if isinstance(self.location, Path) else self.location.address

    @cached_property
    def objects(self) -> ObjectStore:
        """The object store that holds the OCFL storage root; opened when first needed."""
        if isinstance(self.location, Path):
            from storage.stores.local import LocalStore

            return LocalStore(self.name, self.location)
        from storage.stores.s3 import S3Store

        return S3Store(self.name, self.location)

    @cached_property
    def root(self) -> StorageRoot:
        """The OCFL storage root in it."""
        from storage.ocfl.reader import StorageRoot

        return StorageRoot(self.objects)


def open_stores(settings: Settings) -> tuple[Store, ...]:
    """The stores that the settings name, the one that is read first in front."""
    stores = [
        Store(
            name=item.name,
            kind=item.kind,
            location=settings.under_home(item.location) if item.kind == "folder" else _bucket(item),
            priority=item.priority,
            read_only=item.read_only,
            technology=item.technology,
            place=item.place,
        )
        for item in settings.stores
    ]
    return tuple(sorted(stores, key=lambda store: (store.priority, store.name)))


def _bucket(item: StoreSettings) -> S3Options:
    return S3Options(
        bucket=item.bucket,
        prefix=item.prefix,
        endpoint=item.endpoint,
        region=item.region,
        access_key=item.access_key,
        secret_key=item.secret_key,
        addressing=item.addressing,
        checksums=item.checksums,
        conditional_writes=item.conditional_writes,
        connections=item.connections,
        part_bytes=item.part_mib * 1024**2,
        most_parts=item.most_parts,
    )


@dataclass(frozen=True, kw_only=True)
class StoreState:
    """What a store holds according to the catalogue.

    Args:
        store: the store.
        aips: AIPs of which it has a copy that was not found wanting.
        bytes: payload of the current versions of those.
        owed: AIPs of which it should have a good copy of the current version and has not; none for a store that is only read.
    """

    store: Store
    aips: int
    bytes: int
    owed: int

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line and the API."""
        return {
            "store": self.store.name,
            "kind": self.store.kind,
            "location": self.store.address,
            "priority": self.store.priority,
            "read_only": self.store.read_only,
            "aips": self.aips,
            "bytes": self.bytes,
            "owed": self.owed,
        }


def store_states(tx: Transaction) -> list[StoreState]:
    """Every store of the home with what it holds, counted in the catalogue.

    Raises:
        PermissionDenied: without `Permission.STORE_READ`.
    """
    tx.require(Permission.STORE_READ)
    total = tx.session.scalar(select(func.count()).select_from(Aip)) or 0
    current = func.sum(case((Copy.version == Aip.version, 1), else_=0))
    rows = tx.session.execute(
        select(Copy.store, func.count(), func.coalesce(func.sum(Aip.bytes), 0), func.coalesce(current, 0))
        .join(Aip, Aip.id == Copy.aip_id)
        .where(Copy.state.in_([CopyState.MATCH, CopyState.NOT_CHECKED]))
        .group_by(Copy.store)
    )
    held = {name: (int(aips), int(size), int(good)) for name, aips, size, good in rows}
    states = []
    for store in tx.archive.stores:
        aips, size, good = held.get(store.name, (0, 0, 0))
        states.append(StoreState(store=store, aips=aips, bytes=size, owed=0 if store.read_only else total - good))
    return states
