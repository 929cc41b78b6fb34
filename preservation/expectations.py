"""What every copy of a package must be, by what the catalogue knows and by the inventory that the catalogue vouches for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, select

from repository.holdings import Aip, File
from repository.stores import Store
from repository.transaction import Transaction
from storage.errors import StorageError
from storage.ocfl.reader import OcflObject
from storage.ocfl.verify import CopyOutcome, Expected, Problem, digest_of

_ROWS: Final = 5_000

#: Path of a file to its size in bytes and its SHA-256, as the catalogue has them.
Rows = Mapping[str, tuple[int, bytes]]


class HeldPackage(NamedTuple):
    """An archival package as the catalogue knows it: its columns in the table `aip`."""

    id: str
    record_id: str
    version: int
    inventory_digest: str
    files: int
    bytes: int


class Expectation(NamedTuple):
    """What every copy of a package must be.

    Args:
        files: content path to size and SHA-256; None where only a copy's own inventory can tell.
        contradictions: what catalogue and inventory say differently.
    """

    files: Expected | None
    contradictions: tuple[Problem, ...] = ()


def held_packages(tx: Transaction, condition: ColumnElement[bool], *, limit: int | None = None) -> list[HeldPackage]:
    """The packages of which something is true, in the order of their ids."""
    statement = select(Aip.id, Aip.record_id, Aip.version, Aip.inventory_digest, Aip.files, Aip.bytes)
    return [HeldPackage(*row) for row in tx.session.execute(statement.where(condition).order_by(Aip.id).limit(limit))]


def expectations(tx: Transaction, packages: Sequence[HeldPackage], stores: Sequence[Store]) -> Iterator[tuple[HeldPackage, Expectation]]:
    """What the copies of packages must be, package by package in the order of their ids.

    With a single version content lies where its path says, and the rows of the catalogue, written together with the digest
    of the inventory, say it all. With more versions only the inventory tells which version's folder a file lies in, and
    what earlier versions have; the first inventory that has the digest which the catalogue keeps is the one believed.
    """
    by_id = {package.id: package for package in packages}
    statement = select(File.aip_id, File.path, File.size, File.sha256).where(File.aip_id.in_(by_id)).order_by(File.aip_id, File.path)
    found = chain.from_iterable(tx.session.connection().execute(statement).partitions(_ROWS))
    waiting = dict.fromkeys(sorted(by_id))
    for aip_id, rows in groupby(found, itemgetter(0)):
        package = by_id[aip_id]
        del waiting[aip_id]
        if package.version == 1:
            yield package, Expectation({f"v1/content/{path}": (size, sha256) for _, path, size, sha256 in rows})
        else:
            yield package, _of_several_versions(package, {path: (size, sha256) for _, path, size, sha256 in rows}, stores)
    for aip_id in waiting:
        yield by_id[aip_id], Expectation(None)


def _of_several_versions(package: HeldPackage, rows: Rows, stores: Sequence[Store]) -> Expectation:
    proven = _proven(package, stores)
    if proven is None:
        return Expectation(None)
    expected: dict[str, tuple[int | None, bytes]] = {}
    contradictions = []
    remaining = dict(rows)
    for file in proven.files():
        row = remaining.pop(file.logical_path, None)
        if row is None:
            contradictions.append(_contradiction(file.logical_path, "not in the catalogue", f"sha512:{file.sha512} in the inventory"))
        else:
            expected[file.content_path] = row
    for path, (_, digest) in remaining.items():
        contradictions.append(_contradiction(path, f"sha256:{digest.hex()} in the catalogue", "not in the inventory"))
    inventory = proven.inventory()
    stated = {path: digest for digest, paths in inventory.fixity.get("sha256", {}).items() for path in paths}
    for paths in inventory.manifest.values():
        for path in paths:
            if path not in expected:
                if path not in stated:
                    return Expectation(None, tuple(contradictions))
                expected[path] = (None, stated[path])
    return Expectation(expected, tuple(contradictions))


def _proven(package: HeldPackage, stores: Sequence[Store]) -> OcflObject | None:
    """The object in the first store where its inventory has the digest that the catalogue keeps."""
    for store in stores:
        try:
            found = store.root.find(package.id)
            if found is None or digest_of(store.objects, f"{found.root_key}/inventory.json", "sha512") != package.inventory_digest:
                continue
            found.inventory()
        except StorageError:
            # what is the matter there is found when that copy is read
            continue
        return found
    return None


def _contradiction(path: str, expected: str, found: str) -> Problem:
    return Problem(path, CopyOutcome.DAMAGED, expected, found)
