"""Re-reading files through what every store can do, for stores that are no folder of this machine."""

from __future__ import annotations

import errno
import hashlib
from typing import Final

from storage.ocfl.rereading import Answer, Reading, Step, StepReader
from storage.ocfl.steps import path_of
from storage.stores.base import EntryKind, KeyMissing, KeyUnreadable, ObjectStore

_WINDOW: Final = 256 * 1024


class ThroughStore(StepReader):
    """Reads files through what every store can do."""

    def __init__(self, store: ObjectStore, top: str) -> None:
        self._store = store
        self._top = top

    def check(self, step: Step) -> Answer:
        """Reads every file of a step and compares."""
        files = total = 0
        wrong: list[tuple[int, Reading]] = []
        for index, (name, digest, size) in enumerate(zip(step.names, step.digests, step.sizes, strict=True)):
            reading = self._read(f"{self._top}/{path_of(step, name)}", step.algorithm)
            if not isinstance(reading, int):
                files, total = files + 1, total + reading[0]
            if isinstance(reading, int) or reading[1] != digest or size not in (None, reading[0]):
                wrong.append((index, reading))
        if step.listing is None:
            return Answer(files, total, wrong, [])
        allowed = {EntryKind.FILE: set(step.listing[0]), EntryKind.FOLDER: set(step.listing[1]), EntryKind.OTHER: set[str]()}
        try:
            entries = self._store.scan(f"{self._top}/{step.folder}" if step.folder else self._top, sizes=False)
        except KeyUnreadable:
            return Answer(files, total, wrong, errno.EIO)
        return Answer(files, total, wrong, [(entry.name, str(entry.kind)) for entry in entries if entry.name not in allowed[entry.kind]])

    def _read(self, key: str, algorithm: str) -> Reading:
        state = hashlib.new(algorithm)
        size = 0
        try:
            with self._store.open(key) as stream:
                while block := stream.read(_WINDOW):
                    state.update(block)
                    size += len(block)
        except KeyMissing:
            return errno.ENOENT
        except KeyUnreadable:
            return errno.EIO
        return size, state.digest()
