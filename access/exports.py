"""Export: a whole archival package taken out, as an OCFL object, as a bag, or as the E-ARK package that it is.

Every byte is compared, on its way, with what the archive answers for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from zoneinfo import ZoneInfo

from access.destinations import landing, remove, require_room
from access.dip import plan_dip
from access.naming import find_named
from access.reading import CopyFailed, Holding, KeptFile, PackageReader, holding_of
from repository import __version__
from repository.errors import UsageError
from repository.events import EventType, ObjectType
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import Permission
from storage.bag_writing import BagFile, write_bag
from storage.errors import ObjectDamaged
from storage.ocfl.layout import OBJECT_DECLARATION

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.holdings import Record
    from repository.permissions import Actor
    from repository.transaction import Transaction

#: Told of files and bytes written since the last call; negative numbers take back what has to be written again.
Progress = Callable[[int, int], None]

_ARCHIVES: Final = (".zip", ".tar", ".gz", ".tgz")


class ExportForm(StrEnum):
    """In which form a package is taken out."""

    OCFL = "ocfl"
    BAGIT = "bagit"
    EARK = "eark"


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What was taken out.

    Args:
        record_id: the record.
        aip_id: its package.
        version: of the package.
        package: id of the dissemination package, or again that of the archival package.
        form: ``ocfl``, ``bagit``, ``eark`` or ``dip``.
        path: where it lies.
        files: files of the package that were written; of a dissemination package, those of the content.
        bytes: of these files.
    """

    record_id: str
    aip_id: str
    version: int
    package: str
    form: str
    path: Path
    files: int
    bytes: int


def _unwatched(files: int, size: int) -> None:
    """Nobody watches."""


def export(archive: Archive, actor: Actor, name: str, form: ExportForm, destination: Path, *, progress: Progress = _unwatched) -> Delivered:
    """Takes a package out into a new folder, and writes down that it was.

    Args:
        archive: the open archive.
        actor: who asks.
        name: of the record: its id, its package's id, or the sender's identifier.
        form: in which form.
        destination: the folder; must not exist, or be empty.
        progress: told of what was written.

    Raises:
        NotFound: there is no such record, or the actor may not know of it.
        PermissionDenied: without `Permission.RECORD_EXPORT` for the record.
        UsageError, Conflict: the name means several records, or the destination cannot be used.
        NoSoundCopy: no copy has a file as it should be.
        OutOfSpace: there is no room at the destination.
    """
    if destination.suffix.lower() in _ARCHIVES:
        raise UsageError(
            N_("An export is a folder, and “{subject}” is named like an archive."),
            subject=str(destination),
            remedy=N_("Name a folder, and pack it afterwards."),
        )
    with archive.read(actor) as tx:
        record = find_named(tx, name)
        tx.require(Permission.RECORD_EXPORT, record)
        holding = holding_of(tx, record)
        information = bag_information(tx, record)
    work = _Export(archive=archive, holding=holding, bag_info=information, progress=progress)
    with landing(destination) as folder:
        work.write(form, folder)
        with archive.transaction(actor) as tx:
            tx.record_event(
                EventType.EXPORTING,
                objects=[(ObjectType.RECORD, record.id)],
                detail={"form": str(form), "version": holding.version, "files": work.files, "bytes": work.bytes},
            )
            note(tx, "record.exported", object_type="record", object_id=record.id, detail={"form": str(form)})
            tx.flush()
            folder.rename(destination)
    return _delivered(holding, holding.aip_id, str(form), destination, work.files, work.bytes)


def disseminate(archive: Archive, actor: Actor, name: str, destination: Path) -> Delivered:
    """Writes a dissemination package into a new folder, or into a new file where the destination is named ``….zip``.

    Args:
        archive: the open archive.
        actor: who asks.
        name: of the record: its id, its package's id, or the sender's identifier.
        destination: a file that must not exist, or a folder that must not either, or be empty.

    Raises:
        NotFound: there is no such record, or the actor may not know of it.
        PermissionDenied: without `Permission.DIP_CREATE` for the record.
        UsageError, Conflict: the name means several records, or the destination cannot be used.
        NoSoundCopy: no copy has a file as it should be.
        OutOfSpace: there is no room at the destination.
    """
    packed = destination.suffix.lower() == ".zip"
    with archive.read(actor) as tx:
        dip = plan_dip(tx, find_named(tx, name).id)
    with landing(destination, file=packed) as path:
        require_room(destination, dip.content_bytes)
        if packed:
            dip.write_zip(path)
        else:
            dip.write(path)
        with archive.transaction(actor) as tx:
            dip.record(tx)
            tx.flush()
            path.rename(destination)
    return _delivered(dip.holding, dip.id, "dip", destination, dip.content_files, dip.content_bytes)


def _delivered(holding: Holding, package: str, form: str, path: Path, files: int, size: int) -> Delivered:
    return Delivered(
        record_id=holding.record_id, aip_id=holding.aip_id, version=holding.version, package=package, form=form, path=path,
        files=files, bytes=size,
    )  # fmt: skip


@dataclass(kw_only=True)
class _Export:
    """One export at work.

    Args:
        archive: the open archive.
        holding: what is taken out.
        bag_info: what a bag says of itself.
        progress: told of what was written.
        files: written so far.
        bytes: written so far.
    """

    archive: Archive
    holding: Holding
    bag_info: Mapping[str, str]
    progress: Progress
    files: int = 0
    bytes: int = 0
    reader: PackageReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = PackageReader(self.archive, self.holding)

    def write(self, form: ExportForm, folder: Path) -> None:
        """Writes the package, from the beginning again whenever a copy turns out wrong in the middle of a file."""
        write = {ExportForm.OCFL: self._ocfl, ExportForm.BAGIT: self._bag, ExportForm.EARK: self._eark}[form]
        while True:
            before = self.reader.failures
            try:
                write(folder)
                return
            except (CopyFailed, ObjectDamaged):
                # without a copy that is now known to be wrong it would only happen again
                if self.reader.failures == before:
                    raise
            self.progress(-self.files, -self.bytes)
            self.files = self.bytes = 0
            remove(folder)

    def _eark(self, folder: Path) -> None:
        files = self.reader.files.values()
        require_room(folder, sum(self.reader.size(file.content_path) for file in files))
        folder.mkdir()
        for file in files:
            self._put(folder / file.path, file.content_path, file.digests.sha512.hex())

    def _bag(self, folder: Path) -> None:
        files = [
            BagFile(path=file.path, open=partial(self._counted, file), size=self.reader.size(file.content_path), digests=file.digests)
            for file in self.reader.files.values()
        ]
        require_room(folder, sum(file.size for file in files))
        write_bag(folder, files, self.bag_info)

    def _ocfl(self, folder: Path) -> None:
        inventory = self.reader.inventory
        contents = [(path, digest.hex()) for digest, paths in inventory.manifest.items() for path in paths]
        require_room(folder, sum(self.reader.size(path) for path, _ in contents))
        folder.mkdir()
        name, declaration = OBJECT_DECLARATION
        (folder / name).write_bytes(declaration)
        for path, digest in contents:
            self._put(folder / path, path, digest)
        for number in range(1, inventory.head):
            content, digest = self.reader.earlier_inventory(number)
            _write_inventory(folder / f"v{number}", (content,), digest)
        # that of the last version is that of the object (OCFL 1.1 §3.7)
        for place in (folder / f"v{inventory.head}", folder):
            path = f"v{inventory.head}/inventory.json"
            _write_inventory(place, self.reader.blocks(path, self.holding.inventory_digest), self.holding.inventory_digest)

    def _put(self, target: Path, content_path: str, digest: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            for block in self.reader.blocks(content_path, digest):
                stream.write(block)
                self._count(0, len(block))
        self._count(1, 0)

    def _counted(self, file: KeptFile) -> BinaryIO:
        self._count(1, self.reader.size(file.content_path))
        return self.reader.open(file.path)

    def _count(self, files: int, size: int) -> None:
        self.files += files
        self.bytes += size
        self.progress(files, size)


def _write_inventory(folder: Path, blocks: Iterable[bytes], digest: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "inventory.json").open("xb") as stream:
        stream.writelines(blocks)
    (folder / "inventory.json.sha512").write_bytes(f"{digest} inventory.json\n".encode())


def bag_information(tx: Transaction, record: Record) -> dict[str, str]:
    """What the bag says of itself (RFC 8493 §2.2.2)."""
    assert record.aip is not None
    labels = {
        "Source-Organization": tx.archive.settings.archive_name,
        "External-Description": record.title,
        "External-Identifier": record.aip.id,
        "Internal-Sender-Identifier": record.identifier or "",
        "Bagging-Date": tx.now.astimezone(ZoneInfo(tx.archive.settings.time_zone)).date().isoformat(),
        "Bag-Software-Agent": f"Jingui {__version__}",
    }
    return {label: value for label, value in labels.items() if value}
