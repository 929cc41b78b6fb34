"""A store in a bucket of an object service that speaks S3.

Such a service has neither folders nor renames. A folder is what keys have in common; `S3Store.publish` copies inside the
service and then deletes, and a note beside what is staged says what goes where, so that a move that was interrupted is
ended by `S3Store.settle`. Locks are not kept in a bucket: not every service can write on a condition.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

from storage.errors import N_, StorageError
from storage.stores.base import Entry, EntryKind, Incoming, KeyMissing, KeyTaken, KeyUnreadable, Progress, checked_key, source_changed
from storage.stores.importing import READ
from storage.stores.s3_parts import Slice, part_size, parts_of, ranges
from storage.stores.s3_service import Bucket, S3Options

#: Amazon S3, “Naming Amazon S3 objects”: bytes of a key in UTF-8.
LONGEST_KEY: Final = 1024
_STAGING: Final = "staging/"
_NOTE: Final = ".moving"
_WINDOW: Final = 256 * 1024
#: Folders of which it is kept in mind what is in them, while files come in.
_FOLDERS: Final = 1_000


class S3Store:
    """A bucket, or what lies in it below a prefix.

    Args:
        name: short name, as in the settings.
        options: where it is. The bucket is not made: who pays for it decides on its place and its protection.
    """

    def __init__(self, name: str, options: S3Options) -> None:
        self._name = name
        self._prefix = f"{options.prefix}/" if options.prefix else ""
        self._parts = options.part_bytes, options.most_parts
        self._bucket = Bucket(name, options)

    @property
    def name(self) -> str:
        """Short name."""
        return self._name

    @property
    def folder(self) -> Path | None:
        """Always None: nothing of it lies in a folder of this machine."""
        return None

    @property
    def renames(self) -> bool:
        """False: what is published is a copy of what was staged."""
        return False

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Opens an object for reading."""
        target = self._bucket.target(self._whole(key))
        with self._bucket.told(key):
            from storage.stores.s3_reading import StoredStream

        return io.BufferedReader(StoredStream(partial(self._bucket.told, key), target, offset), _WINDOW)

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Writes a new object, in parts where it is large."""
        whole = self._new(key)
        self._refuse_taken(key)
        with self._bucket.told(key) as client:
            parts = parts_of(blocks, *self._parts)
            first = next(parts)
            if first.last:
                client.put_object(**self._bucket.target(whole), **self._bucket.new, Body=first.content, ContentLength=first.size)
                return first.size
            total = 0
            with self._bucket.in_parts(whole) as upload:
                for number, part in enumerate(chain((first,), parts), start=1):
                    upload.put(number, part.content, part.size)
                    total += part.size
            return total

    def import_files(self, files: Iterable[Incoming], progress: Progress | None = None) -> None:
        """Uploads files, several at once."""
        taken: dict[str, set[str]] = {}

        def fresh() -> Iterator[Incoming]:
            for file in files:
                self._new(file.key)
                self._refuse_listed(file.key, taken)
                yield file

        for file in self._bucket.each(self._import, fresh()):
            if progress:
                progress(1, file.size)

    def copy(self, source: str, target: str) -> None:
        """Copies one object inside the service."""
        whole = self._new(target)
        self._refuse_taken(target)
        self._bucket.copy(self._whole(source), whole, source)

    def stat(self, key: str) -> Entry | None:
        """What lies under a key, or None."""
        whole = self._whole(key)
        try:
            return Entry(key, EntryKind.FILE, self._bucket.size(whole, key))
        except KeyMissing:
            first = next(self._bucket.pages(f"{whole}/", most=1))
            return Entry(key, EntryKind.FOLDER, 0) if first.get("Contents") else None

    def scan(self, key: str, *, sizes: bool = True) -> list[Entry]:
        """What lies directly in a folder. A key that no program of ours gives is `EntryKind.OTHER`."""
        found = []
        below = self._below(key)
        for page in self._bucket.pages(below, "/"):
            for listed in page.get("CommonPrefixes", ()):
                name = listed["Prefix"][len(self._prefix) : -1]
                found.append(Entry(name, EntryKind.FOLDER if _is_ours(name) else EntryKind.OTHER, 0))
            found += (self._entry(listed) for listed in page.get("Contents", ()) if listed["Key"] != below)
        found.sort(key=lambda entry: entry.key.encode("utf-8", "surrogateescape"))
        return found

    def walk(self, key: str = "") -> Iterator[Entry]:
        """Every object below a folder; not those of no bytes with which other programs mark folders."""
        for page in self._bucket.pages(self._below(key)):
            for listed in page.get("Contents", ()):
                if listed["Size"] or not listed["Key"].endswith("/"):
                    yield self._entry(listed)

    def delete(self, key: str) -> None:
        """Removes one object."""
        found = self.stat(key)
        if found is None or found.kind is not EntryKind.FILE:
            raise self._missing(key)
        self._bucket.remove([self._whole(key)])

    def delete_below(self, key: str) -> None:
        """Removes everything below a folder, and uploads to it that were never ended."""
        below = f"{self._whole(key)}/"
        for page in self._bucket.pages(below):
            self._bucket.remove([listed["Key"] for listed in page.get("Contents", ())])
        self._bucket.abort_uploads(below)

    def prune(self, key: str, stop: str) -> None:
        """Nothing to do: an empty folder does not exist here."""

    def publish(self, staged: str, final: str, *, replace: bool = False, durable: bool = True) -> None:
        """Copies what is staged to its final place and then deletes it there."""
        self._new(final)
        found = self.stat(staged)
        if found is None:
            raise self._missing(staged)
        if not (replace and found.kind is EntryKind.FILE):
            self._refuse_taken(final)
        if found.kind is EntryKind.FILE:
            self._bucket.copy(self._whole(staged), self._whole(final), staged)
            self._bucket.remove([self._whole(staged)])
            return
        note = self._whole(_note_of(staged, final))
        with self._bucket.told(staged) as client:
            client.put_object(**self._bucket.target(note), Body=json.dumps({"staged": staged, "final": final}).encode())
        self._move(staged, final)
        self._bucket.remove([note])

    def settle(self, key: str) -> None:
        """Ends the moves below a folder that were interrupted, and uploads that were never ended."""
        for entry in self.scan(key):
            if entry.kind is EntryKind.FILE and entry.name.endswith(_NOTE):
                with self.open(entry.key) as stream:
                    note = json.loads(stream.read(_WINDOW))
                self._move(note["staged"], note["final"])
                self._bucket.remove([self._whole(entry.key)])
        self._bucket.abort_uploads(self._below(key))

    def flush(self, key: str) -> None:
        """Nothing to do: what the service has acknowledged is safe with it."""

    def free_space(self) -> int | None:
        """Always None: nobody knows."""
        return None

    def _move(self, staged: str, final: str) -> None:
        """Copies what is not there yet, the root inventory and then its sidecar last; then deletes, these first."""
        start = len(staged)
        ranked: dict[int, list[str]] = {0: [], 1: [], 2: []}
        for entry in self.walk(staged):
            ranked[_rank(entry.key[start + 1 :])].append(entry.key)
        there = {entry.key for entry in self.walk(final)}

        def copy(key: str) -> None:
            self._bucket.copy(self._whole(key), self._new(final + key[start:]), key)

        for rank in sorted(ranked):
            for _ in self._bucket.each(copy, [key for key in ranked[rank] if final + key[start:] not in there]):
                pass
        for rank in sorted(ranked, reverse=True):
            self._bucket.remove(self._prefix + key for key in ranked[rank])

    def _import(self, file: Incoming) -> Incoming:
        try:
            handle = os.open(file.source, READ)
            try:
                if os.fstat(handle).st_size != file.size:
                    raise source_changed(file.source, file.size)
                try:
                    self._send(file, handle)
                finally:
                    # what a file that changed did to the sending is of no interest
                    if os.fstat(handle).st_size != file.size:
                        raise source_changed(file.source, file.size)
            finally:
                os.close(handle)
        except OSError as error:
            raise StorageError(
                "SOURCE_UNREADABLE",
                N_("“{subject}” cannot be read while it is being stored: {reason}."),
                subject=str(file.source),
                remedy=N_("Check the permissions of the received files, then try again."),
                reason=error.strerror or str(error),
            ) from error
        return file

    def _send(self, file: Incoming, handle: int) -> None:
        whole = self._new(file.key)
        part = part_size(file.size, *self._parts)
        if file.size <= part:
            with self._bucket.told(file.key) as client:
                content = Slice(handle, 0, file.size)
                client.put_object(**self._bucket.target(whole), **self._bucket.new, Body=content, ContentLength=file.size)
            return
        with self._bucket.told(file.key), self._bucket.in_parts(whole) as upload:
            cut = enumerate(ranges(file.size, part), start=1)
            for _ in self._bucket.each(lambda item: upload.put(item[0], Slice(handle, *item[1]), item[1][1]), cut):
                pass

    def _entry(self, listed: dict[str, Any]) -> Entry:
        key = listed["Key"][len(self._prefix) :]
        return Entry(key, EntryKind.FILE if _is_ours(key) else EntryKind.OTHER, int(listed["Size"]))

    def _below(self, key: str) -> str:
        return f"{self._whole(key)}/" if key else self._prefix

    def _whole(self, key: str) -> str:
        """The whole key in the bucket of something that is read or removed.

        Raises:
            KeyUnreadable: no program of ours gives such a key, but others can.
        """
        try:
            return self._prefix + checked_key(key, written=False)
        except StorageError as error:
            raise KeyUnreadable(error.code, error.template, subject=error.subject, remedy=error.remedy) from error

    def _new(self, key: str) -> str:
        """The whole key in the bucket of something that is written.

        Raises:
            StorageError: ``UNSAFE_KEY``, ``KEY_TOO_LONG``.
        """
        whole = self._prefix + checked_key(key)
        if len(whole.encode()) > LONGEST_KEY:
            raise StorageError(
                "KEY_TOO_LONG",
                N_("“{subject}” is too long for store “{store}”: object services take paths of at most {most} bytes."),
                subject=key,
                remedy=N_("Shorten the names of folders and files of the package, or keep its copies in stores that are folders."),
                store=self._name,
                most=LONGEST_KEY,
            )
        return whole

    def _refuse_taken(self, key: str) -> None:
        if self.stat(key) is not None:
            raise self._taken(key)

    def _refuse_listed(self, key: str, taken: dict[str, set[str]]) -> None:
        """Refuses a key that is there, with one question a folder instead of two a file."""
        parent, _, name = key.rpartition("/")
        if parent not in taken:
            while len(taken) >= _FOLDERS:
                del taken[next(iter(taken))]
            taken[parent] = {entry.name for entry in self.scan(parent)}
        if name in taken[parent]:
            raise self._taken(key)
        taken[parent].add(name)

    def _missing(self, key: str) -> KeyMissing:
        return KeyMissing("KEY_MISSING", N_("“{subject}” is missing from store “{store}”."), subject=key, store=self._name)

    def _taken(self, key: str) -> KeyTaken:
        return KeyTaken(
            "KEY_TAKEN", N_("“{subject}” is already in store “{store}” and is never overwritten."), subject=key, store=self._name
        )


def _note_of(staged: str, final: str) -> str:
    """The key of the note that says what is being moved: beside what lies in staging, where recovery looks."""
    return (final if final.startswith(_STAGING) and not staged.startswith(_STAGING) else staged) + _NOTE


def _rank(path: str) -> int:
    """When a file of a folder is moved: its inventory last but one, the inventory's sidecar last."""
    return 1 if path == "inventory.json" else 2 if path.startswith("inventory.json.") else 0


def _is_ours(key: str) -> bool:
    """Whether a key can be that of anything in a store."""
    try:
        return bool(checked_key(key, written=False))
    except StorageError:
        return False
