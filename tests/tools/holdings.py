"""Packages put into a home without an ingest: written through storage, with the rows that a catalogue has of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from repository.archive import Archive
from repository.database import insert_files
from repository.holdings import Agreement, Aip, AipVersion, Copy, CopyState, File, Record, RecordState
from repository.identifiers import aip_id
from repository.permissions import Actor
from storage.digests import Digester, Digests
from storage.ocfl.inventory import Inventory
from storage.ocfl.writer import NewFile, plan_version
from storage.replicas import write_everywhere


def keep(archive: Archive, contents: Mapping[str, bytes], *, record_id: str = "", stores: Sequence[str] | None = None) -> str:
    """Stores contents by their paths as a package, or as the next version of a record's; gives the record's id."""
    with TemporaryDirectory(dir=archive.work_folder) as folder:
        files = []
        for number, (path, content) in enumerate(contents.items()):
            source = Path(folder) / str(number)
            source.write_bytes(content)
            digests = Digests(*(hashlib.new(name, content).digest() for name in ("sha512", "sha256", "sm3")))
            files.append(NewFile(path, source, len(content), digests))
        return keep_files(archive, files, record_id=record_id, stores=stores)


def keep_files(archive: Archive, files: Iterable[NewFile], *, record_id: str = "", stores: Sequence[str] | None = None) -> str:
    """The same with files that lie somewhere."""
    listed = list(files)
    record_id = record_id or archive.new_id()
    object_id = aip_id(record_id)
    used = [store for store in archive.stores if stores is None or store.name in stores]
    found = used[0].root.find(object_id)
    previous: Inventory | None = found.inventory() if found is not None else None
    plan = plan_version(
        object_id=object_id, previous=previous, files=listed, message="kept", user_name="test", user_address="", created=archive.clock()
    )
    results = write_everywhere([store.objects for store in used], plan, required=len(used), durable=False)
    assert all(result.verified for result in results)
    size = sum(file.size for file in listed)
    with archive.transaction(Actor.system("test")) as tx:
        now = tx.now
        values = {"version": plan.version, "inventory_digest": plan.inventory.digest, "files": len(listed), "bytes": size}
        aip = tx.session.get(Aip, object_id)
        if aip is None:
            agreement = tx.session.get_one(Agreement, "local").code
            about = {"profile": "folder", "title": "A record", "created_at": now, "changed_at": now}
            tx.session.add(Record(id=record_id, agreement_code=agreement, state=RecordState.STORED, **about))
            tx.session.flush()
            aip = Aip(id=object_id, record_id=record_id, created_at=now, stored_at=now, **values)
            tx.session.add(aip)
        for name, value in values.items():
            setattr(aip, name, value)
        tx.session.flush()
        tx.session.query(File).filter_by(aip_id=object_id).delete()
        about = {"submission_id": "", "content_digest": "", "files": len(listed), "bytes": size, "created_at": now}
        tx.session.add(AipVersion(aip_id=object_id, number=plan.version, **about))
        insert_files(tx.session, (_row(object_id, file) for file in listed))
        for store in used:
            copy = tx.session.get(Copy, (object_id, store.name)) or Copy(aip_id=object_id, store=store.name)
            copy.version, copy.state, copy.verified_at, copy.checked_at = plan.version, CopyState.MATCH, now, now
            tx.session.add(copy)
    return record_id


def digested(path: str, source: Path) -> NewFile:
    """A file that lies somewhere, with its digests."""
    digester = Digester()
    with source.open("rb") as stream:
        while block := stream.read(1 << 20):
            digester.update(block)
    return NewFile(path, source, digester.size, digester.digests())


def folder_of(archive: Archive, store: str) -> Path:
    """The folder of a folder store."""
    folder = archive.store(store).objects.folder
    assert folder is not None
    return folder


def copy_folder(archive: Archive, store: str, record_id: str) -> Path:
    """Where the copy of a record's package lies in a folder store."""
    found = archive.store(store).root.find(aip_id(record_id))
    assert found is not None
    return folder_of(archive, store) / found.root_key


def lose_copy(archive: Archive, store: str, record_id: str) -> None:
    """Takes a whole copy away."""
    shutil.rmtree(copy_folder(archive, store, record_id))


def _row(object_id: str, file: NewFile) -> dict[str, object]:
    sha512, sha256, sm3 = file.digests
    return {
        "aip_id": object_id,
        "path": file.logical_path,
        "role": "content",
        "size": file.size,
        "sha512": sha512,
        "sha256": sha256,
        "sm3": sm3,
    }
