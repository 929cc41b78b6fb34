"""An archival package read back from the stores: what its own documents say of the record and of its files.

A document is used only if its bytes have the digest that the inventory gives them; else the next copy is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from metadata.eark.package import METS_FILE, PREMIS_FILE, RECORD_FILE, InformationPackage
from metadata.eark.reader import read_package
from metadata.errors import MetadataError
from repository import aip
from repository.findings import N_, Finding, Property, failure
from storage.digests import Digester, Digests
from storage.errors import StorageError

if TYPE_CHECKING:
    from metadata.premis import File as PackageFile
    from repository.stores import Store
    from storage.ocfl.reader import OcflObject

_BLOCK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class StoredPackage:
    """The head version of a package as one copy has it, its documents checked.

    Args:
        copy: the copy.
        store: name of its store.
        package: what its METS and PREMIS say; lists are read from the copy when iterated.
        report: the report of the checks.
    """

    copy: OcflObject
    store: str
    package: InformationPackage
    report: Mapping[str, Any]

    def file_rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the table `file`, equal to those that ingest wrote."""
        formats: dict[str, bytes] = {}
        with self.copy.open(aip.FORMATS_REPORT) as stream:
            for line in stream:
                formats[json.loads(line)["path"]] = line
        received = frozenset(formats)
        for stored in self.copy.files():
            if stored.logical_path not in received:
                digests = Digests(*(bytes.fromhex(digest) for digest in (stored.sha512, stored.fixity["sha256"], stored.fixity["sm3"])))
                yield aip.own_file_row(self.copy.object_id, stored.logical_path, self.copy.size(stored.content_path), digests)
        for representation in self.package.representations:
            for file in representation.files:
                path = f"{aip.content_folder(representation.id)}/{file.path}"
                yield self._row(path, file, json.loads(formats.pop(path)), "content", representation.id)
        for file in self.package.other:
            # our own reports are no received files and have no format line
            if file.path in formats:
                yield self._row(file.path, file, json.loads(formats.pop(file.path)), aip.role_of(file.path), "")

    def _row(self, path: str, file: PackageFile, format: Mapping[str, Any], role: str, representation: str) -> dict[str, Any]:
        digests = file.digests
        if digests is None:
            raise KeyError(f"{path}: digests")
        return {
            "aip_id": self.copy.object_id,
            "path": path,
            "role": role,
            "representation": representation,
            "raw_name": file.raw_name,
            "size": file.size,
            "sha512": digests.sha512,
            "sha256": digests.sha256,
            "sm3": digests.sm3,
            "modified_at": aip.moment_of(file.modified),
            "puid": format["puid"],
            "format_name": format["name"],
            "format_version": format["version"],
            "mime": format["mime"],
            "format_basis": format["basis"],
            "format_engine": format["engine"],
            "format_matches": format["matches"],
            "format_warnings": format["warnings"],
        }


def read_stored(
    aip_id: str, stores: Sequence[Store], expected: str | None, report: Callable[[Finding], None]
) -> tuple[StoredPackage | None, dict[str, int]]:
    """Reads a package from the best of its copies.

    Args:
        aip_id: the package.
        stores: the stores that have it, the preferred first.
        expected: digest of the inventory that the ledger knows; a copy with another is used only where there is no better.
        report: told of every copy that could not be used.

    Returns:
        The package, None if no copy can be read; and the number of the latest version in each store.
    """
    heads: dict[str, int] = {}
    copies: list[tuple[bool, int, int, Store, OcflObject]] = []
    for rank, store in enumerate(stores):
        try:
            copy = store.root.find(aip_id)
            if copy is None:
                continue
            inventory = copy.inventory()
            heads[store.name] = inventory.head
            copies.append((expected is not None and inventory.digest != expected, -inventory.head, rank, store, copy))
        except StorageError as error:
            report(_unusable(aip_id, store, error.message))
    for differs, _, _, store, copy in sorted(copies, key=lambda item: item[:3]):
        try:
            found = _read(copy, store)
        except (StorageError, MetadataError) as error:
            report(_unusable(aip_id, store, error.message))
        except (OSError, KeyError, ValueError, TypeError) as error:
            report(_unusable(aip_id, store, f"{type(error).__name__}: {error}"))
        else:
            if differs:
                report(_unexpected(aip_id, store, expected or "", copy.inventory().digest))
            return found, heads
    return None, heads


def description_before(package: StoredPackage, version: int) -> str | None:
    """The sender's identifier in the description of an earlier version, or None."""
    from metadata import dat46

    with package.copy.open(RECORD_FILE, version) as stream:
        return dat46.read_record(stream, RECORD_FILE).identifier or None


def _read(copy: OcflObject, store: Store) -> StoredPackage:
    digests = {file.logical_path: file.sha512 for file in copy.files() if _is_document(file.logical_path)}

    def checked(path: str) -> BinaryIO:
        digester = Digester(("sha512",))
        with copy.open(path) as stream:
            while block := stream.read(_BLOCK):
                digester.update(block)
        if digester.hexdigests()["sha512"] != digests.get(path):
            raise StorageError("DOCUMENT_MISMATCH", N_("{subject} does not have the digest in the inventory."), subject=path)
        return copy.open(path)

    package = read_package(checked)
    for representation in package.representations:
        next(iter(representation.files), None)
    checked(aip.FORMATS_REPORT).close()
    with checked(aip.CHECK_REPORT) as stream:
        report = json.load(stream)
    return StoredPackage(copy=copy, store=store.name, package=package, report=report)


def _is_document(path: str) -> bool:
    known = {METS_FILE, PREMIS_FILE, RECORD_FILE, aip.CHECK_REPORT, aip.FORMATS_REPORT}
    parts = path.split("/")
    return path in known or (parts[0] == aip.REPRESENTATIONS and "/".join(parts[2:]) in {METS_FILE, PREMIS_FILE})


def _unusable(aip_id: str, store: Store, reason: str) -> Finding:
    return failure(
        "COPY_UNREADABLE",
        Property.INTEGRITY,
        aip_id,
        N_("The copy of {subject} in store “{store}” cannot be read back: {reason}"),
        N_("Another copy is used where there is one. Run “jingui audit” on this store and repair it."),
        store=store.name,
        reason=reason,
    )


def _unexpected(aip_id: str, store: Store, expected: str, actual: str) -> Finding:
    return failure(
        "INVENTORY_MISMATCH",
        Property.AUTHENTICITY,
        aip_id,
        N_("No copy of {subject} has the inventory the ledger of events names: expected SHA-512 {expected}, found {actual} in “{store}”."),
        N_("Compare the copies and the events of this package before you rely on it."),
        store=store.name,
        expected=expected,
        actual=actual,
    )
