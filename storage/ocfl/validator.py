"""Is this a valid OCFL object or storage root? Ours or anybody's, OCFL 1.0 or 1.1.

Kept apart from the writer and the reader, so that one does not repeat the other's mistakes. Everything that is wrong is
said, with the specification's own code; a broken object never raises.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from storage.errors import N_, StorageError, StoreUnavailable
from storage.ocfl.findings import Remarks, Validation
from storage.ocfl.object_check import KNOWN, REGISTERED, SMALL, ObjectCheck, new_hash
from storage.stores.base import Entry, EntryKind, ObjectStore

_HASH_AND_ID: Final = "0003-hash-and-id-n-tuple-storage-layout"
_PLACED: Final = (_HASH_AND_ID, "0004-hashed-n-tuple-storage-layout")
_ROOT: Final = re.compile(r"0=ocfl_(\d+\.\d+)")


def validate(store: ObjectStore, key: str = "", *, digests: bool = True) -> Validation:
    """Validates what lies under a key: a storage root where it declares itself one, else an object.

    Args:
        store: where it lies.
        key: the folder; ``""`` is the whole store.
        digests: re-read all content.

    Raises:
        StoreUnavailable: nothing can be read at all.
    """
    entries = store.scan(key)
    remarks = Remarks()
    if any(_ROOT.fullmatch(entry.name) for entry in entries) or (
        not any(entry.name.startswith("0=ocfl_object") or entry.name == "inventory.json" for entry in entries)
        and any(entry.name.startswith("0=ocfl") or entry.name == "ocfl_layout.json" for entry in entries)
    ):
        return remarks.result(_RootCheck(store, key, remarks, digests).run(entries))
    ObjectCheck(store, key, "", remarks, digests).run(entries)
    return remarks.result()


class _RootCheck:
    """A storage root: what it declares, its folders, and every object in them."""

    def __init__(self, store: ObjectStore, key: str, remarks: Remarks, digests: bool) -> None:
        self._store = store
        self._key = key
        self._remarks = remarks
        self._digests = digests
        self._declared = ""
        self._layout = ""
        self._configuration: dict[str, Any] = {}
        self._identifiers: dict[str, str] = {}
        self._depths: set[bool] = set()

    def run(self, entries: list[Entry]) -> int:
        """Checks everything; gives the number of objects."""
        self._check_declaration([entry.name for entry in entries if entry.name.startswith("0=")])
        self._layout = self._check_layout(any(entry.name == "ocfl_layout.json" for entry in entries))
        for entry in entries:
            if entry.kind is EntryKind.OTHER:
                self._remarks.add("E090", entry.name, N_("links and devices must not be used"))
            elif entry.kind is EntryKind.FOLDER and entry.name == "extensions":
                self._check_extensions(entry.key)
        for entry in entries:
            if entry.kind is EntryKind.FOLDER and entry.name != "extensions":
                self._descend(entry.key, top=True)
        if len(self._depths) > 1:
            self._remarks.add("W015", "", N_("some objects lie directly in the storage root, others in folders"))
        return len(self._identifiers)

    def _check_declaration(self, names: list[str]) -> None:
        if not names:
            self._remarks.add("E069", "", N_("the storage root has no declaration “0=ocfl_1.1”"))
            return
        if len(names) > 1:
            self._remarks.add("E076", "", N_("the storage root has {count} declarations instead of one"), count=len(names))
        for name in names:
            found = _ROOT.fullmatch(name)
            if found is None or found[1] not in KNOWN:
                for code in ("E069", "E077", "E079"):
                    self._remarks.add(code, name, N_("the declaration must be named “0=ocfl_” and 1.0 or 1.1"))
                continue
            self._declared = max(self._declared, found[1])
            content = self._small(name)
            if content is not None and content != name[2:].encode() + b"\n":
                self._remarks.add("E080", name, N_("the declaration must hold “{expected}” and a line feed"), expected=name[2:])

    def _check_layout(self, present: bool) -> str:
        if not present:
            return ""
        layout = self._json("ocfl_layout.json", "E070")
        if layout is None:
            return ""
        for key in ("extension", "description"):
            if not isinstance(layout.get(key), str):
                self._remarks.add("E070", "ocfl_layout.json", N_("the key “{key}” must be there and be text"), key=key)
        extension = layout.get("extension")
        if isinstance(extension, str) and extension not in REGISTERED:
            self._remarks.add("E071", "ocfl_layout.json", N_("“{extension}” is not a registered extension"), extension=extension)
        return extension if isinstance(extension, str) else ""

    def _check_extensions(self, key: str) -> None:
        for entry in self._store.scan(key):
            where = f"extensions/{entry.name}"
            if entry.kind is not EntryKind.FOLDER:
                self._remarks.add("E112", where, N_("only folders of extensions may be here"))
            elif entry.name not in REGISTERED:
                self._remarks.add("W016", where, N_("the folder should have the name of a registered extension"))
            elif entry.name == self._layout and self._layout in _PLACED and self._store.stat(f"{entry.key}/config.json"):
                self._configuration = self._json(f"{where}/config.json", "E070") or {}

    def _descend(self, key: str, *, top: bool) -> None:
        entries = self._store.scan(key)
        where = key[len(self._key) + 1 :] if self._key else key
        if any(
            entry.name.startswith("0=ocfl_object") or (entry.name == "inventory.json" and entry.kind is EntryKind.FILE) for entry in entries
        ):
            self._check_object(key, where, entries)
            self._depths.add(top)
            return
        if not entries:
            self._remarks.add("E073", where, N_("an empty folder must not be in a storage root"))
        for entry in entries:
            if entry.kind is EntryKind.FOLDER:
                self._descend(entry.key, top=False)
            elif entry.kind is EntryKind.OTHER:
                self._remarks.add("E090", f"{where}/{entry.name}", N_("links and devices must not be used"))
            else:
                for code in ("E072", "E084"):
                    self._remarks.add(code, f"{where}/{entry.name}", N_("a file that belongs to no object"))
        if entries and not any(entry.kind is EntryKind.FOLDER for entry in entries):
            for code in ("E085", "E088"):
                self._remarks.add(code, where, N_("a folder that leads to no object"))

    def _check_object(self, key: str, where: str, entries: list[Entry]) -> None:
        check = ObjectCheck(self._store, key, where, self._remarks, self._digests)
        declared = check.run(entries)
        if declared and self._declared and declared > self._declared:
            self._remarks.add(
                "E081", where, N_("the object follows OCFL {found}, the storage root {root}"), found=declared, root=self._declared
            )
        identifier = check.object_id
        if identifier in self._identifiers:
            self._remarks.add("E037", where, N_("object “{id}” lies also in {other}"), id=identifier, other=self._identifiers[identifier])
        self._identifiers[identifier or where] = where
        expected = self._place(identifier) if identifier else ""
        if expected and expected != where:
            self._remarks.add("E083", where, N_("by the layout, object “{id}” belongs in {expected}"), id=identifier, expected=expected)

    def _place(self, identifier: str) -> str:
        """Where extension 0003 or 0004 puts an object; empty where the layout is another or its configuration makes no sense."""
        if not self._configuration:
            return ""
        state = new_hash(str(self._configuration.get("digestAlgorithm", "sha256")))
        size, count = self._configuration.get("tupleSize", 3), self._configuration.get("numberOfTuples", 3)
        if state is None or not isinstance(size, int) or not isinstance(count, int):
            return ""
        state.update(identifier.encode())
        digest = state.hexdigest()
        if self._layout == _HASH_AND_ID:
            encoded = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else _percent(char) for char in identifier)
            last = f"{encoded[:100]}-{digest}" if len(encoded) > 100 else encoded
        else:
            last = digest[size * count :] if self._configuration.get("shortObjectRoot") is True else digest
        return "/".join([*(digest[start : start + size] for start in range(0, size * count, size or 1)), last])

    def _json(self, name: str, code: str) -> dict[str, Any] | None:
        content = self._small(name)
        if content is None:
            return None
        try:
            document = json.loads(content.decode())
        except (ValueError, RecursionError) as error:
            self._remarks.add(code, name, N_("not JSON in UTF-8: {reason}"), reason=error)
            return None
        if not isinstance(document, dict):
            self._remarks.add(code, name, N_("not a JSON object"))
            return None
        return document

    def _small(self, name: str) -> bytes | None:
        try:
            with self._store.open(f"{self._key}/{name}" if self._key else name) as stream:
                return stream.read(SMALL)
        except StoreUnavailable:
            raise
        except StorageError as error:
            self._remarks.add("E069", name, N_("unreadable: {reason}"), reason=error.parameters.get("reason", error.message))
            return None


def _percent(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode())
