"""A store in a folder: every step relative to an open folder, no link ever followed, no path that leaves it."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from storage.errors import N_, OutOfSpace, StorageError, StoreUnavailable
from storage.stores.base import Entry, EntryKind, Incoming, KeyMissing, KeyTaken, KeyUnreadable, Progress, checked_key, source_changed
from storage.stores.importing import CREATE, FOLDER, READ, OpenFolders, importer

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_WINDOW: Final = 256 * 1024
_FSYNC_EACH: Final = 64
_BATCH: Final = 256
#: From here on a process of its own is worth its start.
_MANY_FILES: Final = 2_000


class LocalStore:
    """A folder on this machine.

    Args:
        name: short name, as in the settings.
        location: the folder. It is not made: a store whose disk is not mounted must fail, not fill the disk below.
    """

    def __init__(self, name: str, location: Path) -> None:
        self._name = name
        self._location = location

    @property
    def name(self) -> str:
        """Short name."""
        return self._name

    @property
    def folder(self) -> Path | None:
        """The folder."""
        return self._location

    @property
    def renames(self) -> bool:
        """It does."""
        return True

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Opens a file for reading; what is no regular file is `KeyUnreadable`."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            parent, name = _split(_readable(key))
            handle = os.open(name, READ, dir_fd=folders.get(parent))
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise OSError(errno.EINVAL, "not a regular file")
                if offset:
                    os.lseek(handle, offset, os.SEEK_SET)
                return os.fdopen(handle, "rb", buffering=_WINDOW)
            except OSError:
                os.close(handle)
                raise

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Writes a new file."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            parent, name = _split(checked_key(key))
            handle = os.open(name, CREATE, 0o644, dir_fd=folders.get(parent, create=True))
            with os.fdopen(handle, "wb", buffering=_WINDOW) as stream:
                return sum(stream.write(block) for block in blocks)

    def import_files(self, files: Iterable[Incoming], progress: Progress | None = None) -> None:
        """Copies files in, with the folders held open from one file to the next; many of them in a process of its own."""
        waiting = iter(files)
        first = list(islice(waiting, _MANY_FILES))
        with self._told(""), importer(os.fsencode(self._location), apart=len(first) == _MANY_FILES) as importing:
            listed = chain(first, waiting)
            while batch := list(islice(listed, _BATCH)):
                items = [(checked_key(key).encode(), os.fsencode(source), size) for key, source, size in batch]
                failure = importing.copy(items)
                if failure:
                    index, blame, code = failure
                    raise self._import_error(batch[index], blame, OSError(code, os.strerror(code)))
                if progress:
                    progress(len(batch), sum(file.size for file in batch))

    def copy(self, source: str, target: str) -> None:
        """Copies one file."""
        with self.open(source) as stream:
            self.write(target, iter(lambda: stream.read(_WINDOW), b""))

    def stat(self, key: str) -> Entry | None:
        """What lies under a key, or None."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            parent, name = _split(_readable(key))
            try:
                found = os.stat(name, dir_fd=folders.get(parent), follow_symlinks=False)
            except OSError as error:
                if error.errno in _GONE:
                    return None
                raise
            return Entry(key, _kind(found.st_mode), found.st_size if stat.S_ISREG(found.st_mode) else 0)

    def scan(self, key: str, *, sizes: bool = True) -> list[Entry]:
        """What lies directly in a folder."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            try:
                folder = folders.get(_bytes(_readable(key)) if key else b"")
            except OSError as error:
                if error.errno in _GONE and key:
                    return []
                raise
            found = []
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = os.fsencode(entry.name).decode("utf-8", "surrogateescape")
                    if entry.is_file(follow_symlinks=False):
                        kind, size = EntryKind.FILE, entry.stat(follow_symlinks=False).st_size if sizes else 0
                    else:
                        kind, size = EntryKind.FOLDER if entry.is_dir(follow_symlinks=False) else EntryKind.OTHER, 0
                    found.append(Entry(f"{key}/{name}" if key else name, kind, size))
            found.sort(key=lambda entry: entry.key.encode("utf-8", "surrogateescape"))
            return found

    def walk(self, key: str = "") -> Iterator[Entry]:
        """Every file below a folder."""
        # A folder sorts as its name and a slash, so that the walk gives whole keys in order ("a-b" comes before "a/b").
        entries = self.scan(key)
        entries.sort(key=lambda entry: (entry.key + "/" * (entry.kind is EntryKind.FOLDER)).encode("utf-8", "surrogateescape"))
        for entry in entries:
            if entry.kind is EntryKind.FOLDER:
                yield from self.walk(entry.key)
            else:
                yield entry

    def delete(self, key: str) -> None:
        """Removes one file."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            parent, name = _split(_readable(key))
            os.unlink(name, dir_fd=folders.get(parent))

    def delete_below(self, key: str) -> None:
        """Removes a folder with all that is in it."""
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            parent, name = _split(_readable(key))
            try:
                _remove_tree(folders.get(parent), name)
            except OSError as error:
                if error.errno not in _GONE:
                    raise

    def prune(self, key: str, stop: str) -> None:
        """Removes a folder and its parents as far as they are empty."""
        while key and key != stop:
            parent, name = _split(_readable(key))
            with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
                try:
                    os.rmdir(name, dir_fd=folders.get(parent))
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                        return
                    if error.errno not in _GONE:
                        raise
            key = key.rpartition("/")[0]

    def publish(self, staged: str, final: str, *, replace: bool = False, durable: bool = True) -> None:
        """Renames a staged file or folder to its final place."""
        with self._told(final), OpenFolders(os.fsencode(self._location)) as folders:
            source_parent, source = _split(_readable(staged))
            target_parent, target = _split(checked_key(final))
            made: list[bytes] = []
            target_folder = folders.get(target_parent, create=True, made=made)
            if not replace:
                with suppress(FileNotFoundError):
                    os.stat(target, dir_fd=target_folder, follow_symlinks=False)
                    raise FileExistsError(errno.EEXIST, "taken")
            source_folder = folders.get(source_parent)
            os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
            if durable:
                # The new name first: after a power cut the thing may have two names, never none.
                for changed in (target_parent, *reversed(made), source_parent):
                    os.fsync(folders.get(changed))

    def settle(self, key: str) -> None:
        """Nothing to do: a rename happens or does not."""

    def flush(self, key: str) -> None:
        """Writes a few files and folders through one by one, many with one call for their whole file system.

        One `fsync` a file costs a journal commit each: for 5,000 files ten times as long as one `syncfs`.
        """
        with self._told(key), OpenFolders(os.fsencode(self._location)) as folders:
            top = folders.get(_bytes(_readable(key)))
            paths = list(_few(top, _FSYNC_EACH))
            if len(paths) >= _FSYNC_EACH:
                _sync_file_system(top)
                return
            for parent, name in paths:
                folder = folders.get(_bytes(f"{key}/{parent}" if parent else key))
                handle = os.open(name, READ, dir_fd=folder) if name else os.dup(folder)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def free_space(self) -> int | None:
        """Bytes free for us on the file system."""
        with self._told(""):
            status = os.statvfs(self._location)
            return status.f_bavail * status.f_frsize

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._meaning(error, key) from error

    def _import_error(self, file: Incoming, blame: str, error: OSError) -> StorageError:
        if blame == "changed":
            return source_changed(file.source, file.size)
        if blame == "source":
            return StorageError(
                "SOURCE_UNREADABLE",
                N_("“{subject}” cannot be read while it is being stored: {reason}."),
                subject=str(file.source),
                remedy=N_("Check the permissions of the received files, then try again."),
                reason=error.strerror,
            )
        return self._meaning(error, file.key)

    def _meaning(self, error: OSError, key: str) -> StorageError:
        shown = ascii(key)[1:-1] if not key.isprintable() else key
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _FULL:
            return OutOfSpace(
                "OUT_OF_SPACE",
                N_("Store “{store}” is full while writing “{subject}”."),
                subject=shown,
                remedy=N_("Make room in the store or add one, then try again."),
                store=self._name,
            )
        if not key or not self._location.is_dir():
            return StoreUnavailable(
                "STORE_UNAVAILABLE",
                N_("Store “{store}” at “{location}” cannot be used: {reason}."),
                subject=self._name,
                remedy=N_("Check that its disk is mounted and that this account may read and write there."),
                store=self._name,
                location=self._location,
                reason=reason,
            )
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return KeyTaken(
                "KEY_TAKEN", N_("“{subject}” is already in store “{store}” and is never overwritten."), subject=shown, store=self._name
            )
        if error.errno in _GONE:
            return KeyMissing("KEY_MISSING", N_("“{subject}” is missing from store “{store}”."), subject=shown, store=self._name)
        return KeyUnreadable(
            "KEY_UNREADABLE",
            N_("“{subject}” in store “{store}” cannot be read or written: {reason}."),
            subject=shown,
            remedy=N_("Check the permissions and the disk; the other copies are not affected."),
            store=self._name,
            reason=reason,
        )


def _split(key: str) -> tuple[bytes, bytes]:
    parent, _, name = _bytes(key).rpartition(b"/")
    return parent, name


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _readable(key: str) -> str:
    return checked_key(key, written=False)


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    return EntryKind.FOLDER if stat.S_ISDIR(mode) else EntryKind.OTHER


def _remove_tree(folder: int, name: bytes) -> None:
    try:
        inside = os.open(name, FOLDER, dir_fd=folder)
    except NotADirectoryError:
        os.unlink(name, dir_fd=folder)
        return
    try:
        with os.scandir(inside) as entries:
            found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_folder in found:
            if is_folder:
                _remove_tree(inside, child)
            else:
                os.unlink(child, dir_fd=inside)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=folder)


def _few(top: int, limit: int) -> list[tuple[str, bytes]]:
    """Files and folders below a folder as (parent, name), children before parents, cut off at `limit`; ``b""`` names a folder itself."""
    found: list[tuple[str, bytes]] = []

    def walk(folder: int, path: str) -> None:
        with os.scandir(folder) as entries:
            listed = [
                (os.fsencode(entry.name), entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)) for entry in entries
            ]
        for name, is_folder, is_file in listed:
            if len(found) >= limit:
                return
            if is_folder:
                inside = os.open(name, FOLDER, dir_fd=folder)
                try:
                    text = name.decode("utf-8", "surrogateescape")
                    walk(inside, f"{path}/{text}" if path else text)
                finally:
                    os.close(inside)
            elif is_file:
                found.append((path, name))
        found.append((path, b""))

    walk(top, "")
    return found


def _sync_file_system(handle: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()
    elif libc.syncfs(handle) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
