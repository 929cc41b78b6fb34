"""Dissemination packages (DIP, OAIS): the content of a record for a reader, in the form of E-ARK, with a page to read it by.

Everything comes out of the archival package itself. What is left out: what the sender handed in beside the content, every
element of the description that is marked sensitive, and who did what inside the archive.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from zoneinfo import ZoneInfo

from access.catalogue import find_record
from access.reading import CopyFailed, Holding, KeptFile, PackageReader, begun, holding_of
from access.reading_page import PAGE, write_page
from access.zipping import DOCUMENT_EFFORT, ZipEntry, zip_blocks
from metadata import eark
from metadata.premis import Agent, AgentLink, Event, FileDigests, ObjectLink
from metadata.vocabularies import PackageKind
from repository import __version__, aip
from repository.agents import JINGUI
from repository.events import EventType, ObjectType
from repository.logbook.recording import note
from repository.permissions import Permission
from storage.digests import Digester

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

_CONTENT: Final = re.compile(rf"{aip.REPRESENTATIONS}/[^/]+/data/")
_NO_NAME: Final = re.compile(r"[^\w.()（）《》〔〕-]+")
_NAME_BYTES: Final = 120
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Dip:
    """A dissemination package, about to be made. Nothing of it exists until it is written or sent.

    Args:
        id: its id.
        name: a name for its folder or file, made of the record's title and the id.
        title: of the record.
        made: when, in the archive's time zone.
        event_id: of the event that says so.
        archive: the open archive.
        holding: where the archival package can be read.
    """

    id: str
    name: str
    title: str
    made: datetime
    event_id: str
    archive: Archive
    holding: Holding

    def zip_blocks(self) -> Iterator[bytes]:
        """The package as a zip that is made while it is sent; metadata are made before the first block comes back.

        Raises:
            NoSoundCopy: no copy has a file as it should be.
            CopyFailed: a copy turned out wrong in the middle; the zip stays unfinished and cannot be taken for whole.
        """
        return begun(self._zip_blocks())

    def write(self, folder: Path) -> None:
        """Writes the package into a new folder.

        Raises:
            NoSoundCopy: no copy has a file as it should be.
            OSError: the folder cannot be written.
        """
        while True:
            folder.mkdir()
            try:
                self._write_documents(folder)
                for file in self._content():
                    target = folder / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("xb") as stream:
                        stream.writelines(self._reader.blocks(file.content_path, file.digests.sha512.hex()))
                return
            except CopyFailed:
                # from the beginning, without the copy that failed: other files written may hang on the one it spoilt
                shutil.rmtree(folder)

    def write_zip(self, path: Path) -> None:
        """Writes the package as a new zip; otherwise like `write`."""
        while True:
            try:
                with path.open("xb") as stream:
                    stream.writelines(self.zip_blocks())
                return
            except CopyFailed:
                path.unlink()

    @property
    def content_files(self) -> int:
        """How many files of content it has."""
        return sum(1 for _ in self._content())

    @property
    def content_bytes(self) -> int:
        """How many bytes these have together.

        Raises:
            NoSoundCopy: no copy has one of them.
        """
        return sum(self._reader.size(file.content_path) for file in self._content())

    def record(self, tx: Transaction) -> None:
        """Puts the event into the ledger: who got the record, as which package."""
        tx.record_event(
            EventType.DISSEMINATION,
            objects=[(ObjectType.RECORD, self.holding.record_id), (ObjectType.DIP, self.id)],
            detail={"dip": self.id, "aip": self.holding.aip_id, "version": self.holding.version},
            id=self.event_id,
            at=self.made,
        )
        note(tx, "dip.made", object_type="record", object_id=self.holding.record_id, detail={"dip": self.id})

    @cached_property
    def _reader(self) -> PackageReader:
        return PackageReader(self.archive, self.holding)

    @cached_property
    def _compared(self) -> set[str]:
        return set()

    def _open_document(self, path: str) -> BinaryIO:
        """Opens a document after it was read in full once: what a parser makes of a damaged one would only hide the damage."""
        if path not in self._compared:
            file = self._reader.file(path)
            for _ in self._reader.blocks(file.content_path, file.digests.sha512.hex()):
                continue
            self._compared.add(path)
        return self._reader.open(path)

    def _zip_blocks(self) -> Iterator[bytes]:
        with tempfile.TemporaryDirectory(prefix="dip-", dir=self.archive.work_folder) as name:
            folder = Path(name) / "documents"
            while True:
                folder.mkdir()
                try:
                    documents = self._write_documents(folder)
                    break
                except CopyFailed:
                    shutil.rmtree(folder)
            yield from zip_blocks(self._zip_entries(folder, documents), self.made)

    def _zip_entries(self, folder: Path, documents: list[str]) -> Iterator[ZipEntry]:
        for path in documents:
            blocks = partial(_blocks_of, folder / path)
            yield ZipEntry(f"{self.name}/{path}", (folder / path).stat().st_size, blocks, DOCUMENT_EFFORT)
        for file in self._content():
            content = partial(self._reader.blocks, file.content_path, file.digests.sha512.hex())
            yield ZipEntry(f"{self.name}/{file.path}", self._reader.size(file.content_path), content)

    def _content(self) -> Iterator[KeptFile]:
        return (file for path, file in self._reader.files.items() if _CONTENT.match(path))

    def _write_documents(self, folder: Path) -> list[str]:
        """Writes everything but the content; gives the paths, the page to read by first and ``METS.xml`` last."""
        source = eark.read_package(self._open_document)
        told = tuple(element for element in source.description.elements if not element.sensitive)
        description = replace(source.description, elements=told)
        representations = tuple(replace(one, events=()) for one in source.representations)
        archive_name = self.archive.settings.archive_name
        with (folder / PAGE).open("xb") as stream:
            write_page(
                stream,
                title=self.title,
                description=description,
                representations=representations,
                archive_name=archive_name,
                dip=self.id,
                aip=self.holding.aip_id,
                version=self.holding.version,
                made=self.made,
            )
        package = eark.InformationPackage(
            kind=PackageKind.DIP,
            identifier=self.id,
            created=self.made,
            modified=self.made,
            archive=archive_name,
            software=JINGUI.name,
            software_version=__version__,
            description=description,
            label=self.title,
            creator=description.unit,
            representations=representations,
            events=(*_told(source), self._own_event()),
            agents=(*_programs(source), *self._own_agents(source)),
            other=(_page_file(folder / PAGE),),
        )
        return [PAGE, *(file.path for file in eark.write_package(folder, package))]

    def _own_event(self) -> Event:
        return Event(
            identifier=self.event_id,
            type=str(EventType.DISSEMINATION),
            at=self.made,
            outcome="success",
            agents=(AgentLink(identifier=JINGUI.id, role="executing program"),),
            objects=(
                ObjectLink(identifier=self.holding.aip_id, kind="package", role="source"),
                ObjectLink(identifier=self.id, kind="package", role="outcome"),
            ),
        )

    def _own_agents(self, source: eark.InformationPackage) -> Iterator[Agent]:
        if all(agent.identifier != JINGUI.id for agent in source.agents):
            yield Agent(identifier=JINGUI.id, name=JINGUI.name, kind=str(JINGUI.type), version=JINGUI.version)


def plan_dip(tx: Transaction, record_id: str) -> Dip:
    """A dissemination package of a record for whoever asks; who makes it calls `Dip.record`.

    Raises:
        NotFound: there is no such record, or the actor may not know of it.
        PermissionDenied: without `Permission.DIP_CREATE` for the record.
    """
    record = find_record(tx, record_id)
    tx.require(Permission.DIP_CREATE, record)
    number = tx.archive.new_id()
    return Dip(
        id=f"urn:uuid:{number}",
        name=package_name(record.title, number),
        title=record.title,
        made=tx.now.astimezone(ZoneInfo(tx.archive.settings.time_zone)),
        event_id=tx.archive.new_id(),
        archive=tx.archive,
        holding=holding_of(tx, record),
    )


def prepare_dip(tx: Transaction, record_id: str) -> Dip:
    """A dissemination package of a record for whoever asks, written down as given out from now on.

    Raises:
        NotFound: there is no such record, or the actor may not know of it.
        PermissionDenied: without `Permission.DIP_CREATE` for the record.
    """
    dip = plan_dip(tx, record_id)
    dip.record(tx)
    return dip


def _told(source: eark.InformationPackage) -> Iterator[Event]:
    """What was done to the package, without who did it and what they wrote about it."""
    programs = {agent.identifier for agent in _programs(source)}
    for event in source.events:
        links = tuple(link for link in event.agents if link.identifier in programs)
        yield replace(event, detail="", outcome_note="", agents=links)


def _programs(source: eark.InformationPackage) -> Iterator[Agent]:
    return (agent for agent in source.agents if agent.kind == "software")


def _page_file(page: Path) -> eark.PackageFile:
    digester = Digester()
    for block in _blocks_of(page):
        digester.update(block)
    return eark.PackageFile(path=PAGE, size=digester.size, digests=FileDigests(*digester.digests()), mime="text/html")


def package_name(title: str, number: str) -> str:
    """A name that every file system takes."""
    words = _NO_NAME.sub("_", title).strip("._")
    return f"{words.encode()[:_NAME_BYTES].decode(errors='ignore') or 'record'}-{number[:8]}"


def _blocks_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
