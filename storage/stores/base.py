"""What a store is: keys to bytes, few verbs, the same for a folder, a memory twin and an object service.

Keys are UTF-8 text, relative, ``/`` between parts. A storage root of OCFL lies below ``ocfl``; what is being written
lies below ``staging`` until it is published. Nothing assumes that a rename exists except `ObjectStore.publish`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from storage.errors import N_, StorageError

#: Called with the files and bytes done since the last call.
Progress = Callable[[int, int], None]

#: The longest part of a key, in bytes: what common file systems can hold (NAME_MAX).
LONGEST_PART: Final = 255

_UNSAFE = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|\0")


class KeyMissing(StorageError):
    """There is nothing under this key."""


class KeyUnreadable(StorageError):
    """Something lies under this key but cannot be read: permission, input/output error, or not a regular file."""


class KeyTaken(StorageError):
    """Something lies under this key already and must not be overwritten."""


class EntryKind(StrEnum):
    """What lies under a key. `OTHER` is a link, a device, a socket: never followed, never opened."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


class Entry(NamedTuple):
    """One thing in a store.

    Args:
        key: its whole key.
        kind: what it is.
        size: bytes, 0 for folders.
    """

    key: str
    kind: EntryKind
    size: int

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]


class Incoming(NamedTuple):
    """One file of ours to be copied into a store.

    Args:
        key: where it goes.
        source: where it lies; may be on another file system.
        size: bytes it must have.
    """

    key: str
    source: str | Path
    size: int


class ObjectStore(Protocol):
    """A place that keeps bytes under keys.

    Every method raises `KeyMissing`, `KeyUnreadable`, `KeyTaken`, `storage.errors.OutOfSpace` or
    `storage.errors.StoreUnavailable`, and `StorageError` with code ``UNSAFE_KEY`` for a key that could leave the store.
    """

    @property
    def name(self) -> str:
        """Short name, as in the settings."""

    @property
    def folder(self) -> Path | None:
        """The folder of this machine whose relative paths are the keys, or None; readers may use it to go faster."""

    @property
    def renames(self) -> bool:
        """Whether `publish` renames. Where it does not, it copies: what was published has to be read again before it counts."""

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Opens a file for reading from `offset` bytes on. The caller closes it."""

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Writes a new file from blocks and gives its size in bytes. Never overwrites: `KeyTaken`."""

    def import_files(self, files: Iterable[Incoming], progress: Progress | None = None) -> None:
        """Copies many files in, fast. Never overwrites. A source that has not its size: ``SOURCE_CHANGED``."""

    def copy(self, source: str, target: str) -> None:
        """Copies one file inside the store, as bytes of its own (never a link or a shared extent)."""

    def stat(self, key: str) -> Entry | None:
        """What lies under a key, or None."""

    def scan(self, key: str, *, sizes: bool = True) -> list[Entry]:
        """What lies directly in a folder (``""`` is the whole store), sorted by name; empty where nothing is.

        Without `sizes` the sizes may be 0, where to learn them costs a question a file.
        """

    def walk(self, key: str = "") -> Iterator[Entry]:
        """Every file (and everything that is neither file nor folder) below a folder, as a stream sorted by key."""

    def delete(self, key: str) -> None:
        """Removes one file."""

    def delete_below(self, key: str) -> None:
        """Removes a folder with all that is in it; nothing there is fine."""

    def prune(self, key: str, stop: str) -> None:
        """Removes the folder `key` and its parents as far as they are empty, up to but not including `stop`."""

    def publish(self, staged: str, final: str, *, replace: bool = False, durable: bool = True) -> None:
        """Moves a staged file or folder to its final place, in one step where the store can.

        Where it cannot, a folder's ``inventory.json`` and its sidecar come last, so that a reader never takes half a folder for whole.

        Args:
            staged: key of the file or folder.
            final: where it goes; parents are made.
            replace: a file may take the place of a file that is there.
            durable: the change survives a power cut once this returns.

        Raises:
            KeyTaken: something is there and `replace` is false.
        """

    def settle(self, key: str) -> None:
        """Ends every `publish` of a folder that was interrupted and of which one side lies below `key`. Only while nobody writes there."""

    def flush(self, key: str) -> None:
        """Returns when everything below a folder would survive a power cut."""

    def free_space(self) -> int | None:
        """Bytes that can still be written, or None where the store has no limit that it knows."""


def checked_key(key: str, *, written: bool = True) -> str:
    """The key itself, when no part of it is empty, ``.``, ``..`` or too long, and it is plain UTF-8.

    What others put into a folder may have names that are no UTF-8 (then in surrogate escapes): they can be looked at and
    removed, that is, all but `written`.

    Raises:
        StorageError: ``UNSAFE_KEY``.
    """
    unsafe = not key or _UNSAFE.search(key) is not None
    if not unsafe:
        try:
            encoded = key.encode(errors="strict" if written else "surrogateescape")
            unsafe = len(encoded) > LONGEST_PART and any(len(part) > LONGEST_PART for part in encoded.split(b"/"))
        except UnicodeEncodeError:
            unsafe = True
    if unsafe:
        raise StorageError(
            "UNSAFE_KEY",
            N_("“{subject}” cannot be a path in a store."),
            subject=ascii(key)[1:-1],
            remedy=N_("Paths are relative, in UTF-8, with no part that is empty, “.”, “..” or longer than 255 bytes."),
        )
    return key


def source_changed(source: str | Path, size: int) -> StorageError:
    """The error for a file of ours that has not the size it had when it was digested."""
    return StorageError(
        "SOURCE_CHANGED",
        N_("“{subject}” changed while it was being stored: it no longer has the {size} bytes that were digested."),
        subject=str(source),
        remedy=N_("Leave received files alone while they are being ingested, then try again."),
        size=size,
    )
