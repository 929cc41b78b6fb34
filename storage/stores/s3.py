"""A store in a bucket of an object service that speaks S3.

Such a service has neither folders nor renames. A folder is what keys have in common; `S3Store.publish` copies inside the
service and then deletes, and a note beside what is staged says what goes where, so that a move that was interrupted is
ended by `S3Store.settle`. Locks are not kept in a bucket: not every service can write on a condition.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TypeVar

from storage.errors import N_, StorageError, StoreUnavailable
from storage.stores.base import Entry, EntryKind, Incoming, KeyMissing, KeyTaken, KeyUnreadable, Progress, checked_key, source_changed
from storage.stores.importing import READ
from storage.stores.s3_parts import LARGEST_PART, MIB, Part, Slice, part_size, parts_of, ranges

#: Amazon S3, “Naming Amazon S3 objects”: bytes of a key in UTF-8.
LONGEST_KEY: Final = 1024
_STAGING: Final = "staging/"
_NOTE: Final = ".moving"
_WINDOW: Final = 256 * 1024
_PAGE: Final = 1_000

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """Where a bucket is and how it is spoken to.

    Args:
        bucket: its name.
        prefix: keys begin with this and a slash; empty for the whole bucket.
        endpoint: address of the service; empty for Amazon's.
        region: its region; empty takes that of the environment.
        access_key: with `secret_key`: who asks; both empty take what the environment or the machine's role gives.
        secret_key: is never shown.
        addressing: ``path`` (``https://host/bucket/key``) or ``virtual`` (``https://bucket.host/key``).
        checksums: ``when_required`` sends no checksums beyond those of the signature: several services refuse others.
        conditional_writes: new keys are written on the condition that they are new, where the service can do that.
        connections: how many requests may run at once.
        part_bytes: what is larger is uploaded in parts of this size, or of a larger one where 10,000 would not do.
        connect_seconds: patience for a connection.
        read_seconds: patience for an answer, or for the next bytes of one.
        attempts: how often a request is made at most.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    addressing: Literal["path", "virtual"] = "path"
    checksums: Literal["when_required", "when_supported"] = "when_required"
    conditional_writes: bool = False
    connections: int = 8
    part_bytes: int = 16 * MIB
    connect_seconds: float = 5
    read_seconds: float = 60
    attempts: int = 4

    @property
    def address(self) -> str:
        """Where it is, for people."""
        place = f"{self.bucket}/{self.prefix}".rstrip("/")
        return f"{self.endpoint.rstrip('/')}/{place}" if self.endpoint else f"s3://{place}"


class S3Store:
    """A bucket, or what lies in it below a prefix.

    Args:
        name: short name, as in the settings.
        options: where it is. The bucket is not made: who pays for it decides on its place and its protection.
    """

    def __init__(self, name: str, options: S3Options) -> None:
        self._name = name
        self._options = options
        self._prefix = f"{options.prefix.strip('/')}/".lstrip("/")
        self._opened: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Short name."""
        return self._name

    @property
    def folder(self) -> Path | None:
        """Always None: nothing of it lies in a folder of this machine."""
        return None

    @property
    def moves_bytes(self) -> bool:
        """False: what is published is a new copy."""
        return False

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Opens an object for reading."""
        import io

        target = self._target(key, written=False)
        with self._told(key):
            from storage.stores.s3_reading import StoredStream

            return io.BufferedReader(StoredStream(partial(self._told, key), target, offset), _WINDOW)

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Writes a new object, in parts where it is large."""
        target = self._target(key)
        self._refuse_taken(key)
        total = 0
        with self._told(key) as client:
            parts = parts_of(blocks, self._options.part_bytes)
            first = next(parts)
            if first.last:
                client.put_object(**target, Body=first.content, ContentLength=first.size, **self._new())
                return first.size
            with self._in_parts(client, target) as upload:
                part: Part | None = first
                while part is not None:
                    upload.put(upload.next_number(), part.content, part.size)
                    total += part.size
                    part = next(parts, None)
        return total

    def import_files(self, files: Iterable[Incoming], progress: Progress | None = None) -> None:
        """Uploads files, several at once."""
        taken: dict[str, set[str]] = {}

        def fresh() -> Iterator[Incoming]:
            for file in files:
                self._target(file.key)
                self._refuse_listed(file.key, taken)
                yield file

        for file in self._each(self._import, fresh()):
            if progress:
                progress(1, file.size)

    def copy(self, source: str, target: str) -> None:
        """Copies one object inside the service."""
        self._target(target)
        self._refuse_taken(target)
        self._copy(source, target)

    def stat(self, key: str) -> Entry | None:
        """What lies under a key, or None."""
        target = self._target(key, written=False)
        try:
            with self._told(key) as client:
                return Entry(key, EntryKind.FILE, int(client.head_object(**target)["ContentLength"]))
        except KeyMissing:
            with self._told("") as client:
                found = client.list_objects_v2(Bucket=self._options.bucket, Prefix=f"{target['Key']}/", MaxKeys=1)
            return Entry(key, EntryKind.FOLDER, 0) if found.get("Contents") else None

    def scan(self, key: str, *, sizes: bool = True) -> list[Entry]:
        """What lies directly in a folder. A key that no program of ours gives is `EntryKind.OTHER`."""
        found = []
        below = self._below(key)
        for page in self._pages(below, "/"):
            for listed in page.get("CommonPrefixes", ()):
                name = listed["Prefix"][len(self._prefix) : -1]
                found.append(Entry(name, EntryKind.FOLDER if _is_ours(name) else EntryKind.OTHER, 0))
            found += (self._entry(listed) for listed in page.get("Contents", ()) if listed["Key"] != below)
        found.sort(key=lambda entry: entry.key.encode("utf-8", "surrogateescape"))
        return found

    def walk(self, key: str = "") -> Iterator[Entry]:
        """Every object below a folder; not those of no bytes with which other programs mark folders."""
        for page in self._pages(self._below(key)):
            for listed in page.get("Contents", ()):
                if listed["Size"] or not listed["Key"].endswith("/"):
                    yield self._entry(listed)

    def delete(self, key: str) -> None:
        """Removes one object."""
        target = self._target(key, written=False)
        with self._told(key) as client:
            client.head_object(**target)
            client.delete_object(**target)

    def delete_below(self, key: str) -> None:
        """Removes everything below a folder, and uploads to it that were never ended."""
        below = self._below(checked_key(key, written=False))
        for page in self._pages(below):
            self._remove([listed["Key"] for listed in page.get("Contents", ())])
        self._abort_uploads(below)
        self._remove([below[:-1]])

    def prune(self, key: str, stop: str) -> None:
        """Nothing to do: an empty folder does not exist here."""

    def publish(self, staged: str, final: str, *, replace: bool = False, durable: bool = True) -> None:
        """Copies what is staged to its final place and then deletes it there."""
        self._target(final)
        found = self.stat(staged)
        if found is None:
            raise _missing(staged, self._name)
        if not (replace and found.kind is EntryKind.FILE):
            self._refuse_taken(final)
        if found.kind is EntryKind.FILE:
            self._copy(staged, final)
            self.delete(staged)
            return
        note = _note_of(staged, final)
        with self._told(note) as client:
            client.put_object(**self._target(note), Body=json.dumps({"staged": staged, "final": final}).encode())
        self._move(staged, final)
        self._remove([self._prefix + note])

    def settle(self, key: str) -> None:
        """Ends the moves below a folder that were interrupted, and uploads that were never ended."""
        for entry in self.scan(key):
            if entry.kind is EntryKind.FILE and entry.name.endswith(_NOTE):
                with self.open(entry.key) as stream:
                    note = json.loads(stream.read(64 * 1024))
                self._move(note["staged"], note["final"])
                self.delete(entry.key)
        self._abort_uploads(self._below(key))

    def flush(self, key: str) -> None:
        """Nothing to do: what the service has acknowledged is safe with it."""

    def free_space(self) -> int | None:
        """Always None: nobody knows."""
        return None

    def _move(self, staged: str, final: str) -> None:
        """Copies what is not there yet, the root inventory and then its sidecar last; then deletes, these first."""
        entries = sorted(self.walk(staged), key=lambda entry: _rank(entry.key[len(staged) + 1 :]))
        ranked: dict[int, list[str]] = {}
        for entry in entries:
            ranked.setdefault(_rank(entry.key[len(staged) + 1 :]), []).append(entry.key)
        there = {entry.key for entry in self.walk(final)}
        for keys in ranked.values():
            wanted = [key for key in keys if final + key[len(staged) :] not in there]
            for _ in self._each(lambda key: self._copy(key, final + key[len(staged) :]), wanted):
                pass
        for keys in reversed(list(ranked.values())):
            self._remove([self._prefix + key for key in keys])

    def _import(self, file: Incoming) -> Incoming:
        try:
            handle = os.open(file.source, READ)
        except OSError as error:
            raise self._source_unreadable(file, error) from error
        try:
            self._send(file, handle)
            return file
        finally:
            os.close(handle)

    def _send(self, file: Incoming, handle: int) -> None:
        target = self._target(file.key)
        whole = Slice(handle, 0, file.size)
        try:
            if os.fstat(handle).st_size != file.size:
                raise source_changed(file.source, file.size)
            with self._told(file.key) as client:
                part = part_size(file.size, self._options.part_bytes)
                if file.size <= part:
                    client.put_object(**target, Body=whole, ContentLength=file.size, **self._new())
                else:
                    with self._in_parts(client, target) as upload:
                        for start, size in ranges(file.size, part):
                            whole = Slice(handle, start, size)
                            upload.put(upload.next_number(), whole, size)
            if os.fstat(handle).st_size != file.size:
                raise source_changed(file.source, file.size)
        except (OSError, StorageError) as error:
            if whole.short:
                raise source_changed(file.source, file.size) from error
            if isinstance(error, OSError):
                raise self._source_unreadable(file, error) from error
            raise

    def _copy(self, source: str, target: str) -> None:
        origin, place = self._target(source, written=False), self._target(target)
        with self._told(source) as client:
            size = int(client.head_object(**origin)["ContentLength"])
            if size <= LARGEST_PART:
                client.copy_object(**place, CopySource=origin)
                return
            with self._in_parts(client, place) as upload:
                part = part_size(size, LARGEST_PART // 8)
                numbered = [(upload.next_number(), start, length) for start, length in ranges(size, part)]
                for _ in self._each(lambda item: upload.copy(item[0], origin, item[1], item[2]), numbered):
                    pass

    def _remove(self, keys: list[str]) -> None:
        """Deletes whole keys one by one: to name many in one request takes a checksum that differs from service to service."""

        def remove(key: str) -> None:
            with self._told(key[len(self._prefix) :]) as client:
                client.delete_object(Bucket=self._options.bucket, Key=key)

        for _ in self._each(remove, keys):
            pass

    def _abort_uploads(self, below: str) -> None:
        """Ends uploads that nobody goes on with; a service that does not tell of them ends them by a rule of the bucket."""
        with suppress(KeyUnreadable, KeyMissing), self._told(below) as client:
            for upload in client.list_multipart_uploads(Bucket=self._options.bucket, Prefix=below).get("Uploads", ()):
                client.abort_multipart_upload(Bucket=self._options.bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Does the same to many things, several at once, in order; the first error ends it."""
        waiting: list[Future[_Result]] = []
        with ThreadPoolExecutor(self._options.connections, thread_name_prefix=f"s3-{self._name}") as threads:
            try:
                for item in items:
                    waiting.append(threads.submit(work, item))
                    if len(waiting) >= 2 * self._options.connections:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def _pages(self, below: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        wanted = {"Bucket": self._options.bucket, "Prefix": below, "MaxKeys": _PAGE} | ({"Delimiter": delimiter} if delimiter else {})
        while True:
            with self._told("") as client:
                page = client.list_objects_v2(**wanted)
            yield page
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def _entry(self, listed: dict[str, Any]) -> Entry:
        key = listed["Key"][len(self._prefix) :]
        return Entry(key, EntryKind.FILE if _is_ours(key) else EntryKind.OTHER, int(listed["Size"]))

    def _below(self, key: str) -> str:
        return f"{self._prefix}{checked_key(key, written=False)}/" if key else self._prefix

    def _target(self, key: str, *, written: bool = True) -> dict[str, str]:
        """Bucket and key as the library names them.

        Raises:
            StorageError: ``UNSAFE_KEY``, ``KEY_TOO_LONG``.
        """
        whole = self._prefix + checked_key(key)
        if written and len(whole.encode()) > LONGEST_KEY:
            raise StorageError(
                "KEY_TOO_LONG",
                N_("“{subject}” is too long for store “{store}”: object services take paths of at most {most} bytes."),
                subject=key,
                remedy=N_("Shorten the names of folders and files of the package, or keep its copies in stores that are folders."),
                store=self._name,
                most=LONGEST_KEY,
            )
        return {"Bucket": self._options.bucket, "Key": whole}

    def _new(self) -> dict[str, str]:
        return {"IfNoneMatch": "*"} if self._options.conditional_writes else {}

    def _refuse_taken(self, key: str) -> None:
        if self.stat(key) is not None:
            raise self._taken(key)

    def _refuse_listed(self, key: str, taken: dict[str, set[str]]) -> None:
        """Refuses a key that is there, with one question a folder instead of two a file."""
        parent, _, name = key.rpartition("/")
        if parent not in taken:
            while len(taken) >= _PAGE:
                del taken[next(iter(taken))]
            taken[parent] = {entry.name for entry in self.scan(parent)}
        if name in taken[parent]:
            raise self._taken(key)
        taken[parent].add(name)

    def _taken(self, key: str) -> KeyTaken:
        return KeyTaken(
            "KEY_TAKEN", N_("“{subject}” is already in store “{store}” and is never overwritten."), subject=key, store=self._name
        )

    def _source_unreadable(self, file: Incoming, error: OSError) -> StorageError:
        return StorageError(
            "SOURCE_UNREADABLE",
            N_("“{subject}” cannot be read while it is being stored: {reason}."),
            subject=str(file.source),
            remedy=N_("Check the permissions of the received files, then try again."),
            reason=error.strerror or str(error),
        )
