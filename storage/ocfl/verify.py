"""Reading a copy again: is every byte that should be there, there, and nothing else?

Five outcomes that never stand for one another: a *match*; *damaged* (other bytes); *missing*; *unreadable* (the bytes
may be well, but nobody could look); *unexpected* (something that belongs to no version).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from storage.errors import ObjectDamaged, StorageError, StoreUnavailable
from storage.ocfl.inventory import Inventory, parse_inventory
from storage.ocfl.layout import OBJECT_DECLARATION, root_key
from storage.ocfl.rereading import CHUNK_BYTES, CHUNK_FILES, Reading, Step, read_again
from storage.stores.base import Entry, EntryKind, KeyMissing, KeyUnreadable, ObjectStore, Progress

#: Content path to size in bytes and digest.
Expected = Mapping[str, tuple[int, bytes]]

_WINDOW: Final = 256 * 1024
_HEAD_WINDOW: Final = 8192
_HEAD: Final = re.compile(
    rb'\A\{\s*"id":\s*("(?:[^"\\]|\\.)*"),\s*"type":\s*"[^"]*",'
    rb'\s*"digestAlgorithm":\s*"(sha512|sha256)",\s*"head":\s*"v([1-9][0-9]*)"'
)
#: From here on processes of their own are worth their start.
_MANY_FILES: Final = 2_000
_MANY_BYTES: Final = 64 * 1024 * 1024


class CopyOutcome(StrEnum):
    """What became of re-reading a file or a copy."""

    MATCH = "match"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNEXPECTED = "unexpected"


#: The outcome of a copy is the first of these that any of its files has.
_GRAVITY: Final = (CopyOutcome.DAMAGED, CopyOutcome.MISSING, CopyOutcome.UNREADABLE, CopyOutcome.UNEXPECTED)


class Problem(NamedTuple):
    """One file of a copy that is not as it should be.

    Args:
        path: relative to the object root.
        outcome: anything but a match.
        expected: what should be there (a digest with its algorithm, a size), or empty.
        found: what is there instead, or the reason why it could not be read.
    """

    path: str
    outcome: CopyOutcome
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, kw_only=True)
class CopyCheck:
    """What re-reading one copy of one object gave.

    Args:
        outcome: the gravest outcome of any file; `CopyOutcome.MATCH` when every byte is as expected.
        files: content files read.
        bytes: bytes of content read.
        problems: every file that is not as it should be, by path.
    """

    outcome: CopyOutcome
    files: int = 0
    bytes: int = 0
    problems: tuple[Problem, ...] = ()


class Head(NamedTuple):
    """What the first lines of an inventory say."""

    object_id: str
    algorithm: str
    version: int


def check_copy(
    store: ObjectStore,
    object_id: str,
    *,
    expected: Expected | None = None,
    algorithm: str = "sha256",
    processes: int | None = None,
    progress: Progress | None = None,
) -> CopyCheck:
    """Re-reads one object in one store: declaration, inventories, and every byte of every version's content.

    Args:
        store: where the copy lies.
        object_id: which object.
        expected: size and digest (by `algorithm`) of every content file of every version, from a source other than the
            copy itself (the catalogue). None takes what the copy's own inventory says; sizes are then not compared.
        algorithm: digest algorithm of `expected`; without `expected`, the algorithm preferred from the fixity block.
        processes: how many processes of their own read, 0 for none; None decides by how much there is and by the machine.
        progress: told of files and bytes done.

    Raises:
        StoreUnavailable: the store as a whole cannot be read, so nothing can be said of the copy.
    """
    top = root_key(object_id)
    try:
        present = store.stat(top)
    except KeyUnreadable as error:
        return CopyCheck(outcome=CopyOutcome.UNREADABLE, problems=(Problem("", CopyOutcome.UNREADABLE, found=_reason(error)),))
    if present is None:
        store.scan("")
        return CopyCheck(outcome=CopyOutcome.MISSING, problems=(Problem("", CopyOutcome.MISSING, expected=object_id),))
    problems: list[Problem] = []
    _check_declaration(store, top, problems)
    structure = {OBJECT_DECLARATION[0]}
    inventory = _check_inventories(store, top, object_id, expected is None, problems, structure)
    if expected is None:
        wanted, algorithms = _wanted(inventory, algorithm) if inventory else ({}, {})
        sized: dict[str, tuple[int | None, bytes]] = {path: (None, digest) for path, digest in wanted.items()}
    else:
        sized = dict(expected)
        algorithms = {algorithm: set(sized)}
    files, total = _check_content(store, top, sized, algorithms, structure, problems, processes=processes, progress=progress)
    found = {problem.outcome for problem in problems}
    outcome = next((grave for grave in _GRAVITY if grave in found), CopyOutcome.MATCH)
    return CopyCheck(outcome=outcome, files=files, bytes=total, problems=tuple(sorted(problems)))


def check_files(
    store: ObjectStore,
    top: str,
    expected: Expected,
    *,
    algorithm: str = "sha256",
    at_most: int = 8,
    progress: Progress | None = None,
) -> list[Problem]:
    """Re-reads some files below a folder of a store, with at most so many processes, and says which are not as expected."""
    problems: list[Problem] = []
    processes = min(at_most, _processes(len(expected), sum(size for size, _ in expected.values())))
    for path, reading in _readings(store, top, algorithm, _steps_of(expected), processes, progress):
        size, digest = expected[path]
        problem = _compare(path, size, digest, algorithm, reading)
        if problem is not None:
            problems.append(problem)
    return problems


def digest_of(store: ObjectStore, key: str, algorithm: str) -> str:
    """The digest of one stored file in hexadecimal, read as a stream."""
    state = hashlib.new(algorithm)
    with store.open(key) as stream:
        while block := stream.read(_WINDOW):
            state.update(block)
    return state.hexdigest()


def read_small(store: ObjectStore, key: str, limit: int = 1024) -> bytes:
    """The first bytes of a small stored file; no more than `limit` are read."""
    with store.open(key) as stream:
        return stream.read(limit)


def read_head(store: ObjectStore, key: str) -> Head | None:
    """What an inventory that Jingui wrote says in its first lines, without reading the rest; None for any other."""
    found = _HEAD.match(read_small(store, key, _HEAD_WINDOW))
    return Head(json.loads(found[1]), found[2].decode(), int(found[3])) if found else None


def read_inventory(store: ObjectStore, key: str) -> Inventory:
    """Reads and parses an inventory.

    Raises:
        ObjectDamaged: it cannot be understood.
        StorageError: it cannot be read.
    """
    with store.open(key) as stream:
        return parse_inventory(stream.read(), key)


def sidecar_digest(store: ObjectStore, key: str) -> str:
    """The digest that a sidecar states, in lower case; empty where it does not state one as §3.6 asks."""
    found = re.fullmatch(rb"([0-9A-Fa-f]+)[ \t]+inventory\.json\n?", read_small(store, key))
    return found[1].decode().lower() if found else ""


def _check_declaration(store: ObjectStore, top: str, problems: list[Problem]) -> None:
    name, content = OBJECT_DECLARATION
    try:
        if (found := read_small(store, f"{top}/{name}")) != content:
            problems.append(Problem(name, CopyOutcome.DAMAGED, expected=repr(content), found=repr(found[:80])))
    except StorageError as error:
        problems.append(_unread(name, error))


def _check_inventories(
    store: ObjectStore, top: str, object_id: str, parse: bool, problems: list[Problem], structure: set[str]
) -> Inventory | None:
    """Checks the inventories against their sidecars, the latest against the root's, and gives the root's where it was asked for."""
    inventory: Inventory | None = None
    head: Head | None = None
    try:
        head = read_head(store, f"{top}/inventory.json")
        if parse or head is None:
            inventory = read_inventory(store, f"{top}/inventory.json")
            head = Head(inventory.object_id, inventory.algorithm, inventory.head)
        if head.object_id != object_id:
            problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, expected=object_id, found=head.object_id))
    except ObjectDamaged as error:
        problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, found=error.parameters["reason"]))
    except StorageError as error:
        problems.append(_unread("inventory.json", error))
    algorithm = head.algorithm if head else "sha512"
    structure |= {"inventory.json", f"inventory.json.{algorithm}"}
    states = {"": _check_inventory(store, top, "", algorithm, problems)} if inventory or head else {}
    for number in range(1, head.version + 1) if head else ():
        folder = f"v{number}/"
        structure |= {f"{folder}inventory.json", f"{folder}inventory.json.{algorithm}"}
        states[folder] = _check_inventory(store, top, folder, algorithm, problems)
    if head and (root := states[""]) and (latest := states[f"v{head.version}/"]) and root != latest:
        problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, expected=f"{algorithm}:{latest}", found=f"{algorithm}:{root}"))
    return inventory


def _check_inventory(store: ObjectStore, top: str, folder: str, algorithm: str, problems: list[Problem]) -> str:
    """The digest of one inventory, or empty when it could not be read; compared with its sidecar."""
    name, sidecar = f"{folder}inventory.json", f"{folder}inventory.json.{algorithm}"
    found = ""
    try:
        found = digest_of(store, f"{top}/{name}", algorithm)
    except StorageError as error:
        if Problem(name, _unread(name, error).outcome, found=_reason(error)) not in problems:
            problems.append(_unread(name, error))
    try:
        stated = sidecar_digest(store, f"{top}/{sidecar}")
        if not stated:
            problems.append(Problem(sidecar, CopyOutcome.DAMAGED, expected=f"{found} inventory.json"))
        elif found and stated != found:
            problems.append(Problem(name, CopyOutcome.DAMAGED, expected=f"{algorithm}:{stated}", found=f"{algorithm}:{found}"))
    except StorageError as error:
        problems.append(_unread(sidecar, error))
    return found


def _wanted(inventory: Inventory, algorithm: str) -> tuple[dict[str, bytes], dict[str, set[str]]]:
    """Content path to digest, and which paths are checked by which algorithm: the one preferred, else the one that addresses content."""
    wanted = {path: digest for digest, paths in inventory.manifest.items() for path in paths}
    preferred = {path: digest for digest, paths in inventory.fixity.get(algorithm, {}).items() for path in paths if path in wanted}
    wanted.update(preferred)
    return wanted, {algorithm: set(preferred), inventory.algorithm: wanted.keys() - preferred.keys()}


def _check_content(
    store: ObjectStore,
    top: str,
    wanted: dict[str, tuple[int | None, bytes]],
    algorithms: Mapping[str, set[str]],
    structure: set[str],
    problems: list[Problem],
    *,
    processes: int | None,
    progress: Progress | None,
) -> tuple[int, int]:
    files = total = 0
    used = [(name, paths) for name, paths in algorithms.items() if paths]
    seen: set[str] = set()
    known = {problem.path for problem in problems}
    if len(used) == 1 and wanted:
        # One algorithm for every file: read while walking, and hold only what is still to be found.
        (name, _) = used[0]
        many = processes if processes is not None else _processes(len(wanted), sum(size or 0 for size, _ in wanted.values()))
        walk = _walk(store, top, wanted, structure, seen, known, problems)
        for path, reading in _readings(store, top, name, walk, many, progress):
            size, digest = wanted.pop(path)
            if isinstance(reading, tuple):
                files, total = files + 1, total + reading[0]
            if (problem := _compare(path, size, digest, name, reading)) is not None:
                problems.append(problem)
    else:
        for _ in _walk(store, top, wanted, structure, seen, known, problems):
            continue
        for name, paths in used:
            present = {path: wanted[path] for path in paths if path in seen}
            for path, reading in _readings(store, top, name, _steps_of(present), processes or 0, progress):
                size, digest = wanted.pop(path)
                if isinstance(reading, tuple):
                    files, total = files + 1, total + reading[0]
                if (problem := _compare(path, size, digest, name, reading)) is not None:
                    problems.append(problem)
    unreadable = tuple(problem.path + "/" for problem in problems if problem.outcome is CopyOutcome.UNREADABLE)
    for path, (_, digest) in wanted.items():
        if path in known:
            continue
        if unreadable and path.startswith(unreadable):
            problems.append(Problem(path, CopyOutcome.UNREADABLE, found="the folder cannot be read"))
        else:
            by = next((name for name, paths in algorithms.items() if path in paths), "")
            problems.append(Problem(path, CopyOutcome.MISSING, expected=f"{by}:{digest.hex()}"))
    return files, total


def _walk(
    store: ObjectStore,
    top: str,
    wanted: Mapping[str, tuple[int | None, bytes]],
    structure: set[str],
    seen: set[str],
    known: set[str],
    problems: list[Problem],
) -> Iterator[Step]:
    """The files below the object root that are wanted, in steps; what is not wanted becomes a problem."""
    start = len(top) + 1
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            entries = store.scan(folder, sizes=False)
        except KeyUnreadable as error:
            problems.append(Problem(folder[start:], CopyOutcome.UNREADABLE, found=_reason(error)))
            continue
        names: list[bytes] = []
        volume = 0
        below = folder[start:]
        for entry in entries:
            path = entry.key[start:]
            if entry.kind is EntryKind.FOLDER:
                folders.append(entry.key)
            elif entry.kind is EntryKind.OTHER or path not in wanted:
                if path in wanted:
                    known.add(path)
                    problems.append(Problem(path, CopyOutcome.DAMAGED, expected="file", found="link or device"))
                elif path not in structure and path not in known:
                    problems.append(Problem(path, CopyOutcome.UNEXPECTED, found=_found(store, entry)))
            else:
                seen.add(path)
                names.append(path.rpartition("/")[2].encode("utf-8", "surrogateescape"))
                volume += wanted[path][0] or 0
                if len(names) >= CHUNK_FILES or volume >= CHUNK_BYTES:
                    yield Step(below.encode("utf-8", "surrogateescape"), names)
                    names, volume = [], 0
        if names:
            yield Step(below.encode("utf-8", "surrogateescape"), names)


def _found(store: ObjectStore, entry: Entry) -> str:
    if entry.kind is EntryKind.OTHER:
        return "link or device"
    known = store.stat(entry.key)
    return f"{known.size} bytes" if known else ""


def _steps_of(expected: Mapping[str, object]) -> Iterator[Step]:
    names: list[bytes] = []
    current = ""
    for path in expected:
        folder, _, name = path.rpartition("/")
        if names and (folder != current or len(names) >= CHUNK_FILES):
            yield Step(current.encode(), names)
            names = []
        current = folder
        names.append(name.encode())
    if names:
        yield Step(current.encode(), names)


def _readings(
    store: ObjectStore, top: str, algorithm: str, steps: Iterable[Step], processes: int, progress: Progress | None
) -> Iterator[tuple[str, Reading]]:
    """Path and reading of every file of every step: from the folder itself where the store has one, else through the store."""
    done: Iterator[tuple[Step, list[Reading]]]
    if store.folder is None:
        done = ((step, [_stream(store, f"{top}/{_path(step, name)}", algorithm) for name in step.names]) for step in steps)
    else:
        done = read_again(os.path.join(os.fsencode(store.folder), top.encode()), algorithm, steps, processes=processes)
    for step, readings in done:
        if progress:
            progress(len(readings), sum(reading[0] for reading in readings if isinstance(reading, tuple)))
        for name, reading in zip(step.names, readings, strict=True):
            yield _path(step, name), reading


def _path(step: Step, name: bytes) -> str:
    return (step.folder + b"/" + name if step.folder else name).decode("utf-8", "surrogateescape")


def _stream(store: ObjectStore, key: str, algorithm: str) -> Reading:
    state = hashlib.new(algorithm)
    size = 0
    try:
        with store.open(key) as stream:
            while block := stream.read(_WINDOW):
                state.update(block)
                size += len(block)
    except KeyMissing:
        return errno.ENOENT
    except KeyUnreadable:
        return errno.EIO
    return size, state.digest()


def _compare(path: str, size: int | None, digest: bytes, algorithm: str, reading: Reading) -> Problem | None:
    if isinstance(reading, tuple):
        if reading[1] == digest and (size is None or reading[0] == size):
            return None
        there, here = ("", "") if size in (None, reading[0]) else (f" ({size} bytes)", f" ({reading[0]} bytes)")
        return Problem(path, CopyOutcome.DAMAGED, f"{algorithm}:{digest.hex()}{there}", f"{algorithm}:{reading[1].hex()}{here}")
    if reading in (errno.ENOENT, errno.ENOTDIR):
        return Problem(path, CopyOutcome.MISSING, f"{algorithm}:{digest.hex()}")
    if reading == errno.ELOOP:
        return Problem(path, CopyOutcome.DAMAGED, "file", "link or device")
    return Problem(path, CopyOutcome.UNREADABLE, f"{algorithm}:{digest.hex()}", os.strerror(reading))


def _unread(path: str, error: StorageError) -> Problem:
    if isinstance(error, StoreUnavailable):
        raise error
    if isinstance(error, KeyMissing):
        return Problem(path, CopyOutcome.MISSING)
    return Problem(path, CopyOutcome.UNREADABLE, found=_reason(error))


def _reason(error: StorageError) -> str:
    return error.parameters.get("reason", error.message)


def _processes(files: int, total: int) -> int:
    return min(os.cpu_count() or 1, 8) if files >= _MANY_FILES or total >= _MANY_BYTES else 0
