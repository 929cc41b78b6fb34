"""A store in memory: the twin that contract tests hold every other store to."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from storage.errors import N_, OutOfSpace
from storage.stores.base import Entry, EntryKind, Incoming, KeyMissing, KeyTaken, Progress, checked_key, source_changed


class MemoryStore:
    """Keys to bytes in a dictionary; folders exist as long as something is in them.

    Args:
        name: short name.
        capacity: bytes it can hold, or None for no limit.
    """

    def __init__(self, name: str = "memory", capacity: int | None = None) -> None:
        self._name = name
        self._capacity = capacity
        self._files: dict[str, bytes] = {}
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """Short name."""
        return self._name

    @property
    def folder(self) -> Path | None:
        """Always None: nothing of it lies in a folder."""
        return None

    @property
    def renames(self) -> bool:
        """It does."""
        return True

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Opens a file for reading."""
        stream = io.BytesIO(self._content(key))
        stream.seek(offset)
        return stream

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Writes a new file."""
        content = b"".join(blocks)
        with self._lock:
            self._refuse_taken(checked_key(key))
            free = self.free_space()
            if free is not None and len(content) > free:
                raise OutOfSpace(
                    "OUT_OF_SPACE",
                    N_("Store “{store}” is full while writing “{subject}”."),
                    subject=key,
                    remedy=N_("Make room in the store or add one, then try again."),
                    store=self._name,
                )
            self._files[key] = content
        return len(content)

    def import_files(self, files: Iterable[Incoming], progress: Progress | None = None) -> None:
        """Copies files in."""
        for file in files:
            content = Path(file.source).read_bytes()
            if len(content) != file.size:
                raise source_changed(file.source, file.size)
            self.write(file.key, (content,))
            if progress:
                progress(1, file.size)

    def copy(self, source: str, target: str) -> None:
        """Copies one file."""
        self.write(target, (self._content(source),))

    def stat(self, key: str) -> Entry | None:
        """What lies under a key, or None."""
        content = self._files.get(checked_key(key))
        if content is not None:
            return Entry(key, EntryKind.FILE, len(content))
        return Entry(key, EntryKind.FOLDER, 0) if self._below(key) else None

    def scan(self, key: str, *, sizes: bool = True) -> list[Entry]:
        """What lies directly in a folder."""
        start = len(key) + 1 if key else 0
        found: dict[str, Entry] = {}
        for path in self._below(key):
            name, slash, _ = path[start:].partition("/")
            whole = path[:start] + name
            kind = EntryKind.FOLDER if slash else EntryKind.FILE
            found[name] = Entry(whole, kind, 0 if slash else len(self._files[path]))
        return [found[name] for name in sorted(found)]

    def walk(self, key: str = "") -> Iterator[Entry]:
        """Every file below a folder."""
        for path in self._below(key):
            yield Entry(path, EntryKind.FILE, len(self._files[path]))

    def delete(self, key: str) -> None:
        """Removes one file."""
        self._content(key)
        del self._files[key]

    def delete_below(self, key: str) -> None:
        """Removes a folder with all that is in it."""
        for path in self._below(checked_key(key)):
            del self._files[path]

    def prune(self, key: str, stop: str) -> None:
        """Nothing to do: an empty folder does not exist here."""

    def publish(self, staged: str, final: str, *, replace: bool = False, durable: bool = True) -> None:
        """Moves a staged file or folder to its final place."""
        with self._lock:
            checked_key(final)
            entry = self.stat(staged)
            if entry is None:
                raise _missing(staged)
            if not (replace and entry.kind is EntryKind.FILE):
                self._refuse_taken(final)
            for path in self._below(staged) if entry.kind is EntryKind.FOLDER else [staged]:
                self._files[final + path[len(staged) :]] = self._files.pop(path)

    def settle(self, key: str) -> None:
        """Nothing to do: what is in memory does not outlive who moves it."""

    def flush(self, key: str) -> None:
        """Nothing to do: memory survives no power cut."""

    def free_space(self) -> int | None:
        """What is left of the capacity."""
        if self._capacity is None:
            return None
        return self._capacity - sum(len(content) for content in self._files.values())

    def _content(self, key: str) -> bytes:
        content = self._files.get(checked_key(key))
        if content is None:
            raise _missing(key)
        return content

    def _below(self, key: str) -> list[str]:
        prefix = checked_key(key) + "/" if key else ""
        with self._lock:
            return sorted((path for path in self._files if path.startswith(prefix)), key=lambda path: path.encode())

    def _refuse_taken(self, key: str) -> None:
        if self.stat(key) is not None:
            raise KeyTaken(
                "KEY_TAKEN", N_("“{subject}” is already in store “{store}” and is never overwritten."), subject=key, store=self._name
            )


def _missing(key: str) -> KeyMissing:
    return KeyMissing("KEY_MISSING", N_("“{subject}” is missing from the store."), subject=key)
