"""An archival package as a zip that is made while it is sent: as an OCFL object, as a bag, or as the E-ARK package that it is.

Every byte is compared, on its way, with what the archive answers for; what `jingui export` writes into a folder is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from access.catalogue import find_record
from access.dip import package_name
from access.exports import ExportForm, bag_information
from access.reading import Holding, PackageReader, begun, holding_of
from access.zipping import DOCUMENT_EFFORT, ZipEntry, zip_blocks
from repository.events import EventType, ObjectType
from repository.logbook.recording import note
from repository.permissions import Permission
from storage.bag_writing import folded, is_literal, written
from storage.bags import DECLARATION, INFORMATION, PAYLOAD
from storage.digests import ALGORITHMS, Digester, Digests
from storage.ocfl.layout import OBJECT_DECLARATION

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

_BLOCK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ZipExport:
    """A package about to be sent.

    Args:
        name: a name for the file, without its ending, and for the folder in it.
        form: in which form.
        made: when, in the archive's time zone.
        information: what a bag says of itself.
        archive: the open archive.
        holding: where the package can be read.
    """

    name: str
    form: ExportForm
    made: datetime
    information: Mapping[str, str]
    archive: Archive
    holding: Holding

    def zip_blocks(self) -> Iterator[bytes]:
        """The package as blocks of a zip; whoever sends them must break off when they raise.

        Raises:
            NoSoundCopy: no copy has a file as it should be.
            CopyFailed: a copy turned out wrong in the middle; the zip stays unfinished and cannot be taken for whole.
        """
        return begun(self._blocks())

    def _blocks(self) -> Iterator[bytes]:
        reader = PackageReader(self.archive, self.holding)
        with tempfile.TemporaryDirectory(prefix="export-", dir=self.archive.work_folder) as folder:
            match self.form:
                case ExportForm.EARK:
                    entries = self._package(reader)
                case ExportForm.OCFL:
                    entries = self._object(reader)
                case ExportForm.BAGIT:
                    entries = self._bag(reader, Path(folder))
            yield from zip_blocks(entries, self.made)

    def _package(self, reader: PackageReader, below: str = "") -> Iterator[ZipEntry]:
        for file in reader.files.values():
            blocks = partial(reader.blocks, file.content_path, file.digests.sha512.hex())
            yield ZipEntry(f"{self.name}/{below}{file.path}", reader.size(file.content_path), blocks)

    def _object(self, reader: PackageReader) -> Iterator[ZipEntry]:
        declaration, content = OBJECT_DECLARATION
        yield self._text(declaration, content)
        for digest, paths in reader.inventory.manifest.items():
            for path in paths:
                yield ZipEntry(f"{self.name}/{path}", reader.size(path), partial(reader.blocks, path, digest.hex()))
        head = reader.inventory.head
        for number in range(1, head):
            earlier, digest_of_it = reader.earlier_inventory(number)
            yield self._text(f"v{number}/inventory.json", earlier)
            yield self._text(f"v{number}/inventory.json.sha512", f"{digest_of_it} inventory.json\n".encode())
        # that of the last version is that of the object (OCFL 1.1 §3.7)
        path, digest_of_head = f"v{head}/inventory.json", self.holding.inventory_digest
        for place in (f"v{head}/", ""):
            yield ZipEntry(
                f"{self.name}/{place}inventory.json", reader.size(path), partial(reader.blocks, path, digest_of_head), DOCUMENT_EFFORT
            )
            yield self._text(f"{place}inventory.json.sha512", f"{digest_of_head} inventory.json\n".encode())

    def _bag(self, reader: PackageReader, folder: Path) -> Iterator[ZipEntry]:
        """The digests of the payload are known beforehand, so the manifests are written first and the content follows (RFC 8493)."""
        files = reader.files.values()
        literal = is_literal([file.path for file in files])
        manifests = {name: f"manifest-{name}.txt" for name in ALGORITHMS}
        count = size = 0
        with ExitStack() as stack:
            streams = {name: stack.enter_context((folder / path).open("xb")) for name, path in manifests.items()}
            for file in files:
                count, size = count + 1, size + reader.size(file.content_path)
                for name, stream in streams.items():
                    stream.write(f"{file.digests.hex(name)}  {written(f'{PAYLOAD}/{file.path}', literal)}\n".encode())
        information = {**self.information, "Payload-Oxum": f"{size}.{count}"}
        version = "0.97" if literal else "1.0"
        (folder / DECLARATION).write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n", "utf-8")
        (folder / INFORMATION).write_text("".join(f"{label}: {folded(value)}\n" for label, value in information.items()), "utf-8")
        tags = [DECLARATION, INFORMATION, *manifests.values()]
        digests = {path: _digests(folder / path) for path in tags}
        for name in ALGORITHMS:
            lines = "".join(f"{digests[path].hex(name)}  {path}\n" for path in sorted(tags))
            (folder / f"tagmanifest-{name}.txt").write_text(lines, "utf-8")
        for path in (*tags, *(f"tagmanifest-{name}.txt" for name in ALGORITHMS)):
            yield ZipEntry(f"{self.name}/{path}", (folder / path).stat().st_size, partial(_blocks_of, folder / path), DOCUMENT_EFFORT)
        yield from self._package(reader, f"{PAYLOAD}/")

    def _text(self, path: str, content: bytes) -> ZipEntry:
        return ZipEntry(f"{self.name}/{path}", len(content), lambda: (content,), DOCUMENT_EFFORT)


def prepare_export(tx: Transaction, record_id: str, form: ExportForm) -> ZipExport:
    """The package of a record in a form, written down as exported from now on.

    Raises:
        NotFound: there is no such record, or the actor may not know of it.
        PermissionDenied: without `Permission.RECORD_EXPORT` for the record.
    """
    record = find_record(tx, record_id)
    tx.require(Permission.RECORD_EXPORT, record)
    assert record.aip is not None
    tx.record_event(
        EventType.EXPORTING,
        objects=[(ObjectType.RECORD, record.id)],
        detail={"form": str(form), "version": record.aip.version, "files": record.aip.files, "bytes": record.aip.bytes},
    )
    note(tx, "record.exported", object_type="record", object_id=record.id, detail={"form": str(form)})
    return ZipExport(
        name=f"{package_name(record.title, record.id)}-{form}",
        form=form,
        made=tx.now.astimezone(ZoneInfo(tx.archive.settings.time_zone)),
        information=bag_information(tx, record),
        archive=tx.archive,
        holding=holding_of(tx, record),
    )


def _digests(path: Path) -> Digests:
    digester = Digester()
    for block in _blocks_of(path):
        digester.update(block)
    return digester.digests()


def _blocks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
