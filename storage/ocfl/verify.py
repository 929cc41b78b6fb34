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
from storage.ocfl.rereading import Answer, Reading, Step, read_again
from storage.ocfl.steps import Wanted, path_of, steps_of
from storage.ocfl.store_reading import ThroughStore
from storage.stores.base import EntryKind, KeyMissing, KeyUnreadable, ObjectStore, Progress

#: Content path to size in bytes (None where it is not known) and digest.
Expected = Mapping[str, tuple[int | None, bytes]]

_WINDOW: Final = 256 * 1024
_HEAD_WINDOW: Final = 8192
_HEAD: Final = re.compile(
    rb'\A\{\s*"id":\s*("(?:[^"\\]|\\.)*"),\s*"type":\s*"[^"]*",'
    rb'\s*"digestAlgorithm":\s*"(sha512|sha256)",\s*"head":\s*"v([1-9][0-9]*)"'
)
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NO_FILE: Final = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO})
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
    inventory_digest: str = "",
    key: str = "",
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
        inventory_digest: what the SHA-512 of the latest inventory must be, in hexadecimal, from a source other than the
            copy; empty takes what its sidecar says.
        key: the object's folder where it is not in its place yet; by default its place in the storage root.
        processes: how many processes of their own read, 0 for none; None decides by how much there is and by the machine.
        progress: told of files and bytes done.

    Raises:
        StoreUnavailable: the store as a whole cannot be read, so nothing can be said of the copy.
    """
    top = key or root_key(object_id)
    try:
        present = store.stat(top)
    except KeyUnreadable as error:
        return CopyCheck(outcome=CopyOutcome.UNREADABLE, problems=(Problem("", CopyOutcome.UNREADABLE, found=_reason(error)),))
    if present is None:
        store.scan("")
        return CopyCheck(outcome=CopyOutcome.MISSING, problems=(Problem("", CopyOutcome.MISSING, expected=object_id),))
    if present.kind is not EntryKind.FOLDER:
        return CopyCheck(outcome=CopyOutcome.DAMAGED, problems=(Problem("", CopyOutcome.DAMAGED, "folder", "file, link or device"),))
    problems: list[Problem] = []
    _check_declaration(store, top, problems)
    structure = {OBJECT_DECLARATION[0]}
    stated: dict[str, tuple[int | None, bytes]] = {}
    inventory = _check_inventories(store, top, object_id, expected, problems, structure, stated, inventory_digest)
    wanted: Wanted = {"sha512": stated} if stated else {}
    for name, files in (_wanted(inventory, algorithm) if expected is None else {algorithm: expected}).items():
        wanted[name] = {**wanted.get(name, {}), **files} if name in wanted else files
    count, total = _check_content(store, top, wanted, structure, problems, processes=processes, progress=progress)
    found = {problem.outcome for problem in problems}
    outcome = next((grave for grave in _GRAVITY if grave in found), CopyOutcome.MATCH)
    return CopyCheck(outcome=outcome, files=count, bytes=total, problems=tuple(sorted(problems)))


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
    processes = min(at_most, _processes(len(expected), sum(size or 0 for size, _ in expected.values())))
    problems = []
    for step, answer in _answers(store, top, steps_of({algorithm: expected}), processes, progress):
        problems += [_problem(step, index, reading) for index, reading in answer.wrong]
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
    store: ObjectStore,
    top: str,
    object_id: str,
    expected: Expected | None,
    problems: list[Problem],
    structure: set[str],
    stated: dict[str, tuple[int | None, bytes]],
    digest: str,
) -> Inventory | None:
    """Checks the inventories against their sidecars, the latest against the root's, and gives the root's where nothing else is expected.

    What the latest must be where a digest is given is put into `stated`, to be read together with the content.
    """
    inventory: Inventory | None = None
    head: Head | None = None
    try:
        head = read_head(store, f"{top}/inventory.json")
        if expected is None or head is None:
            inventory = read_inventory(store, f"{top}/inventory.json")
            head = Head(inventory.object_id, inventory.algorithm, inventory.head)
        if head.object_id != object_id:
            problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, expected=object_id, found=head.object_id))
    except ObjectDamaged as error:
        problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, found=error.parameters["reason"]))
    except StorageError as error:
        problems.append(_unread("inventory.json", error))
    algorithm = head.algorithm if head else "sha512"
    versions = head.version if head else _versions_in(expected or {})
    structure |= {"inventory.json", f"inventory.json.{algorithm}"}
    for number in range(1, versions + 1):
        structure |= {f"v{number}/inventory.json", f"v{number}/inventory.json.{algorithm}"}
    latest = {"", f"v{versions}/"} if versions else {""}
    states: dict[str, str] = {}
    for folder in ("", *(f"v{number}/" for number in range(1, versions + 1))):
        if digest and folder in latest:
            _check_sidecar(store, top, folder, algorithm, digest, problems)
            if not any(problem.path == f"{folder}inventory.json" for problem in problems):
                stated[f"{folder}inventory.json"] = (None, bytes.fromhex(digest))
        elif folder or head:
            states[folder] = _check_inventory(store, top, folder, algorithm, problems)
    root, last = states.get(""), states.get(f"v{versions}/")
    if root and last and root != last:
        problems.append(Problem("inventory.json", CopyOutcome.DAMAGED, expected=f"{algorithm}:{last}", found=f"{algorithm}:{root}"))
    return inventory


def _versions_in(expected: Expected) -> int:
    """How many versions there are at least, judging by where content lies."""
    folders = {path.partition("/")[0] for path in expected}
    return max((int(folder[1:]) for folder in folders if re.fullmatch(r"v[1-9][0-9]*", folder)), default=0)


def _check_sidecar(store: ObjectStore, top: str, folder: str, algorithm: str, digest: str, problems: list[Problem]) -> None:
    sidecar = f"{folder}inventory.json.{algorithm}"
    try:
        if (found := sidecar_digest(store, f"{top}/{sidecar}")) != digest:
            problems.append(Problem(sidecar, CopyOutcome.DAMAGED, expected=f"{digest} inventory.json", found=found))
    except StorageError as error:
        problems.append(_unread(sidecar, error))


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


def _wanted(inventory: Inventory | None, algorithm: str) -> Wanted:
    """What each content file must be, by the algorithm preferred where there is a digest of it, else by the one that addresses content."""
    if inventory is None:
        return {}
    manifest = {path: digest for digest, paths in inventory.manifest.items() for path in paths}
    blocks = inventory.fixity.get(algorithm, {})
    preferred = {path: (None, digest) for digest, paths in blocks.items() for path in paths if path in manifest}
    others = {path: (None, digest) for path, digest in manifest.items() if path not in preferred}
    return {name: files for name, files in ((algorithm, preferred), (inventory.algorithm, others)) if files}


def _check_content(
    store: ObjectStore,
    top: str,
    wanted: Wanted,
    structure: set[str],
    problems: list[Problem],
    *,
    processes: int | None,
    progress: Progress | None,
) -> tuple[int, int]:
    """Reads every file that is wanted, looks for what is not, and says how many files of content and bytes were read."""
    count = total = 0
    if processes is None:
        processes = _processes(sum(map(len, wanted.values())), sum(size or 0 for files in wanted.values() for size, _ in files.values()))
    before = {problem.path for problem in problems}
    found: dict[str, Problem] = {}
    try:
        for step, answer in _answers(store, top, steps_of(wanted, structure), processes, progress):
            if "/" in step.folder:
                count, total = count + answer.files, total + answer.bytes
            for index, reading in answer.wrong:
                problem = _problem(step, index, reading)
                found.setdefault(problem.path, problem)
            if isinstance(answer.strangers, int):
                if answer.strangers not in _GONE:
                    found[step.folder] = Problem(step.folder, CopyOutcome.UNREADABLE, found=os.strerror(answer.strangers))
                continue
            for name, kind in answer.strangers:
                path = path_of(step, name)
                if kind == "other" and (path in structure or any(path in files for files in wanted.values())):
                    found[path] = Problem(path, CopyOutcome.DAMAGED, "file", "link or device")
                elif kind == "folder":
                    found |= {inner.path: inner for inner in _unexpected_below(store, top, path)}
                else:
                    found[path] = Problem(path, CopyOutcome.UNEXPECTED, found=_found(store, f"{top}/{path}"))
    except OSError as error:
        problems.append(Problem("", CopyOutcome.UNREADABLE, found=error.strerror or str(error)))
    problems += (problem for path, problem in found.items() if path not in before)
    return count, total


def _unexpected_below(store: ObjectStore, top: str, path: str) -> Iterator[Problem]:
    try:
        for entry in store.walk(f"{top}/{path}"):
            yield Problem(entry.key[len(top) + 1 :], CopyOutcome.UNEXPECTED, found=_found(store, entry.key))
    except KeyUnreadable as error:
        yield Problem(path, CopyOutcome.UNREADABLE, found=_reason(error))


def _found(store: ObjectStore, key: str) -> str:
    try:
        known = store.stat(key)
    except KeyUnreadable as error:
        return _reason(error)
    if known is None:
        return ""
    return "link or device" if known.kind is EntryKind.OTHER else f"{known.size} bytes"


def _answers(
    store: ObjectStore, top: str, steps: Iterable[Step], processes: int, progress: Progress | None
) -> Iterator[tuple[Step, Answer]]:
    """Does steps: in the folder itself where the store has one, else through the store."""
    done: Iterator[tuple[Step, Answer]]
    if store.folder is None:
        reader = ThroughStore(store, top)
        done = ((step, reader.check(step)) for step in steps)
    else:
        done = read_again(os.path.join(os.fsencode(store.folder), top.encode()), steps, processes=processes)
    for step, answer in done:
        if progress:
            progress(len(step.names), answer.bytes)
        yield step, answer


def _problem(step: Step, index: int, reading: Reading) -> Problem:
    """What is the matter with a file that is not as it should be."""
    path, size = path_of(step, step.names[index]), step.sizes[index]
    expected = f"{step.algorithm}:{step.digests[index].hex()}"
    if isinstance(reading, tuple):
        there, here = ("", "") if size in (None, reading[0]) else (f" ({size} bytes)", f" ({reading[0]} bytes)")
        return Problem(path, CopyOutcome.DAMAGED, expected + there, f"{step.algorithm}:{reading[1].hex()}{here}")
    if reading in _GONE:
        return Problem(path, CopyOutcome.MISSING, expected)
    if reading in _NO_FILE:
        return Problem(path, CopyOutcome.DAMAGED, "file", "link, folder or device")
    return Problem(path, CopyOutcome.UNREADABLE, expected, os.strerror(reading))


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
