"""One OCFL object held against the rules (OCFL 1.1 §3): what it declares, what its inventories say, and what is there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from storage.errors import N_, StorageError, StoreUnavailable
from storage.ocfl.findings import Remarks
from storage.ocfl.rules import Understood, number_of, read_inventory
from storage.stores.base import Entry, EntryKind, KeyMissing, ObjectStore

_OBJECT: Final = re.compile(r"0=ocfl_object_(\d+\.\d+)")
_SIDECAR: Final = re.compile(rb"([0-9A-Fa-f]+)[ \t]+inventory\.json\n?")
_WINDOW: Final = 256 * 1024
#: Declarations, sidecars and layouts are never longer.
SMALL: Final = 64 * 1024
#: The OCFL versions that are understood.
KNOWN: Final = ("1.0", "1.1")

#: https://ocfl.github.io/extensions/
REGISTERED: Final = frozenset(
    {
        "0001-digest-algorithms",
        "0002-flat-direct-storage-layout",
        "0003-hash-and-id-n-tuple-storage-layout",
        "0004-hashed-n-tuple-storage-layout",
        "0005-mutable-head",
        "0006-flat-omit-prefix-storage-layout",
        "0007-n-tuple-omit-prefix-storage-layout",
        "0008-schema-registry",
        "0009-digest-algorithms",
        "0010-differential-n-tuple-omit-prefix-storage-layout",
        "0011-direct-clean-path-layout",
        "0012-hash-and-no-prefix-id-n-tuple-storage-layout",
        "initial",
    }
)
_HASHES: Final[dict[str, Callable[[], Any]]] = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha512/256": partial(hashlib.new, "sha512_256"),
    "blake2b-512": hashlib.blake2b,
    "blake2b-160": partial(hashlib.blake2b, digest_size=20),
    "blake2b-256": partial(hashlib.blake2b, digest_size=32),
    "blake2b-384": partial(hashlib.blake2b, digest_size=48),
    "sm3": partial(hashlib.new, "sm3"),
}


@dataclass(kw_only=True)
class _Folder:
    """A version's folder as it lies there."""

    name: str
    inventory: Understood | None = None
    text_digest: str = ""
    present: bool = False
    content: dict[str, list[str]] = field(default_factory=dict)


class ObjectCheck:
    """One object: what it declares, what its inventories say, and what is there."""

    def __init__(self, store: ObjectStore, key: str, name: str, remarks: Remarks, digests: bool) -> None:
        self._store = store
        self._key = key
        self._name = name
        self._remarks = remarks
        self._digests = digests
        self._declared = ""
        self._files: set[str] = set()
        self.object_id = ""

    def run(self, entries: list[Entry]) -> str:
        """Checks everything; gives the OCFL version that the object declares, or an empty text."""
        self._check_declaration([entry for entry in entries if entry.name.startswith("0=")])
        root, root_digest = self._inventory("", entries)
        if root is None:
            if not any(entry.name == "inventory.json" for entry in entries):
                self._say("E063", "", N_("the object has no inventory"))
        else:
            self.object_id = root.object_id
            if self._declared and root.specification and root.specification != self._declared:
                self._say(
                    "E038",
                    "inventory.json",
                    N_("the type says OCFL {found}, the declaration says {declared}"),
                    found=root.specification,
                    declared=self._declared,
                )
        self._check_root(entries, root)
        folders = self._read_versions(entries, root)
        self._check_versions(folders, root, root_digest)
        if root is not None:
            self._check_content(folders, root)
        return self._declared

    def _say(self, code: str, where: str, template: str, **parameters: object) -> None:
        self._remarks.add(code, "/".join(part for part in (self._name, where) if part), template, **parameters)

    def _path(self, name: str) -> str:
        return f"{self._key}/{name}" if self._key else name

    def _check_declaration(self, declarations: list[Entry]) -> None:
        if not declarations:
            self._say("E003", "", N_("the object has no declaration “0=ocfl_object_1.1”"))
            return
        if len(declarations) > 1:
            self._say("E003", "", N_("the object has {count} declarations instead of one"), count=len(declarations))
        for entry in declarations:
            found = _OBJECT.fullmatch(entry.name)
            if found is None or found[1] not in KNOWN:
                self._say("E006", entry.name, N_("the declaration must be named “0=ocfl_object_” and 1.0 or 1.1"))
                self._say("E004", entry.name, N_("the declaration is not named as NAMASTE and OCFL ask for"))
                continue
            self._declared = max(self._declared, found[1])
            content = self._small(entry.name)
            if content is not None and content != entry.name[2:].encode() + b"\n":
                self._say("E007", entry.name, N_("the declaration must hold “{expected}” and a line feed"), expected=entry.name[2:])

    def _inventory(self, folder: str, entries: list[Entry]) -> tuple[Understood | None, str]:
        """An inventory with its sidecar: what could be understood, and the SHA-512 of its bytes."""
        where = f"{folder}inventory.json"
        if not any(entry.name == "inventory.json" and entry.kind is EntryKind.FILE for entry in entries):
            return None, ""
        try:
            with self._store.open(self._path(where)) as stream:
                text = stream.read()
        except StorageError as error:
            self._unreadable(where, error)
            return None, ""
        inventory = read_inventory(text, "/".join(part for part in (self._name, where) if part), self._remarks)
        algorithm = inventory.algorithm if inventory else ""
        sidecars = [entry.name for entry in entries if entry.name.startswith("inventory.json.")]
        expected = f"inventory.json.{algorithm}"
        if not sidecars:
            self._say("E058", where, N_("the inventory has no sidecar file with its digest"))
        elif inventory and expected not in sidecars:
            self._say("E058", where, N_("the inventory has no sidecar file “{expected}”"), expected=expected)
            self._say(
                "E059", f"{folder}{sidecars[0]}", N_("the sidecar is not for the inventory's algorithm {algorithm}"), algorithm=algorithm
            )
        for name in [expected] if expected in sidecars else sidecars[:1] if inventory is None else []:
            self._check_sidecar(f"{folder}{name}", name.rpartition(".")[2], text)
        return inventory, hashlib.sha512(text).hexdigest()

    def _check_sidecar(self, where: str, algorithm: str, text: bytes) -> None:
        content = self._small(where)
        if content is None:
            return
        stated = _SIDECAR.fullmatch(content)
        if stated is None:
            self._say("E061", where, N_("the sidecar must hold the digest, white space and “inventory.json”"))
            return
        state = new_hash(algorithm)
        if state is None:
            return
        state.update(text)
        if stated[1].decode().lower() != state.hexdigest():
            self._say(
                "E060",
                where,
                N_("the inventory's digest is a mismatch: the sidecar says {stated}, the bytes give {found}"),
                stated=stated[1].decode(),
                found=state.hexdigest(),
            )

    def _check_root(self, entries: list[Entry], root: Understood | None) -> None:
        algorithm = root.algorithm if root else ""
        for entry in entries:
            name = entry.name
            if entry.kind is EntryKind.OTHER:
                self._say("E090", name, N_("links and devices must not be used"))
            elif entry.kind is EntryKind.FILE:
                known = (
                    name == "inventory.json"
                    or name.startswith("0=")
                    or (name.startswith("inventory.json.") and (name == f"inventory.json.{algorithm}" or not root))
                )
                if not known:
                    self._say("E001", name, N_("this file must not be in the object's folder"))
            elif name == "extensions":
                self._check_extensions(name)
            elif name != "logs" and not (root and name in root.versions):
                if number_of(name) and root is None:
                    continue
                if number_of(name):
                    self._say("E046", name, N_("the folder is named like a version that the inventory does not have"))
                self._say("E001", name, N_("this folder must not be in the object's folder"))

    def _check_extensions(self, name: str) -> None:
        for entry in self._store.scan(self._path(name)):
            if entry.kind is not EntryKind.FOLDER:
                self._say("E067", f"{name}/{entry.name}", N_("only folders of extensions may be here"))
            elif entry.name not in REGISTERED:
                self._say("W013", f"{name}/{entry.name}", N_("the folder should have the name of a registered extension"))

    def _read_versions(self, entries: list[Entry], root: Understood | None) -> list[_Folder]:
        there = {entry.name for entry in entries if entry.kind is EntryKind.FOLDER and number_of(entry.name)}
        names = list(root.versions) if root and root.versions else sorted(there, key=number_of)
        folders = []
        for name in names:
            folder = _Folder(name=name, present=name in there)
            folders.append(folder)
            if folder.present:
                self._read_version(folder, root)
            elif root:
                self._say("E046", name, N_("the inventory has this version, its folder is missing"))
        if there:
            numbers = {number_of(name) for name in there}
            missing = next((number for number in range(1, max(numbers)) if number not in numbers), None)
            if missing is not None:
                self._say("E010", "", N_("the folder of version {number} is missing"), number=missing)
            if 1 not in numbers:
                self._say("E009", "", N_("the folders of versions do not start at 1"))
        return folders

    def _read_version(self, folder: _Folder, root: Understood | None) -> None:
        entries = self._store.scan(self._path(folder.name))
        folder.inventory, folder.text_digest = self._inventory(f"{folder.name}/", entries)
        if not any(entry.name == "inventory.json" for entry in entries):
            self._say("W010", folder.name, N_("the version should have its inventory"))
        content = root.content if root else "content"
        for entry in entries:
            where = f"{folder.name}/{entry.name}"
            if entry.kind is EntryKind.OTHER:
                self._say("E090", where, N_("links and devices must not be used"))
            elif entry.kind is EntryKind.FILE:
                algorithm = f".{folder.inventory.algorithm}" if folder.inventory else ""
                if entry.name != "inventory.json" and not (entry.name.startswith("inventory.json.") and entry.name.endswith(algorithm)):
                    self._say("E015", where, N_("only the inventory and its sidecar may be files here"))
            elif entry.name != content:
                self._say("W002", where, N_("only the content folder “{content}” should be here"), content=content)
            elif not self._store.scan(entry.key):
                self._say("W003", where, N_("a content folder without files should not be there"))
            else:
                self._gather(entry.key)

    def _gather(self, key: str) -> None:
        """Every file below a content folder; empty folders and links are remarked on."""
        start = len(self._key) + 1 if self._key else 0
        waiting = [key]
        while waiting:
            folder = waiting.pop()
            try:
                entries = self._store.scan(folder, sizes=False)
            except StorageError as error:
                self._unreadable(folder[start:], error)
                continue
            if not entries:
                self._say("E024", folder[start:], N_("an empty folder must not be in the content"))
            for entry in entries:
                if entry.kind is EntryKind.FOLDER:
                    waiting.append(entry.key)
                elif entry.kind is EntryKind.FILE:
                    self._files.add(entry.key[start:])
                else:
                    self._say("E090", entry.key[start:], N_("links and devices must not be used"))

    def _check_versions(self, folders: list[_Folder], root: Understood | None, root_digest: str) -> None:
        """Each version's inventory against its folder, the root's inventory and the version before."""
        before = ""
        first = next((folder.inventory for folder in folders if folder.inventory), None)
        for position, folder in enumerate(folders):
            inventory = folder.inventory
            where = f"{folder.name}/inventory.json"
            if position == len(folders) - 1 and root and folder.text_digest and folder.text_digest != root_digest:
                self._say("E064", where, N_("the inventory of the latest version is not the same as the object's"))
            if inventory is None:
                continue
            if root and root.object_id and inventory.object_id != root.object_id:
                for code in ("E037", "E110"):
                    self._say(
                        code,
                        where,
                        N_("the id is “{found}”, the object's is “{expected}”"),
                        found=inventory.object_id,
                        expected=root.object_id,
                    )
            if inventory.head and inventory.head != folder.name:
                self._say(
                    "E040", where, N_("the head is “{found}”, the folder is “{expected}”"), found=inventory.head, expected=folder.name
                )
            if inventory.specification and inventory.specification < before:
                self._say(
                    "E103",
                    where,
                    N_("the version follows OCFL {found}, the one before follows {before}"),
                    found=inventory.specification,
                    before=before,
                )
            before = max(before, inventory.specification)
            self._check_content_name(inventory, first, root, where)
            if root and inventory is not root:
                self._check_same(inventory, root, where)
        if root and root.specification and before and root.specification < before:
            self._say(
                "E103",
                "inventory.json",
                N_("the object follows OCFL {found}, a version follows {before}"),
                found=root.specification,
                before=before,
            )
        if root and first and root.content_given and not first.content_given and root.content != "content":
            self._say("E019", "inventory.json", N_("the contentDirectory is set, but was not in the first version"))

    def _check_content_name(self, inventory: Understood, first: Understood | None, root: Understood | None, where: str) -> None:
        reference = first or root
        if reference is None or inventory.content == reference.content:
            return
        if inventory.content_given and not reference.content_given:
            self._say("E019", where, N_("the contentDirectory is set, but was not in the first version"))
        else:
            self._say("E019", where, N_("the contentDirectory is not that of the first version"))
        self._say(
            "E020",
            where,
            N_("the contentDirectory is “{found}”, in the first version “{expected}”"),
            found=inventory.content,
            expected=reference.content,
        )

    def _check_same(self, inventory: Understood, root: Understood, where: str) -> None:
        """E066: an older inventory tells the same of its versions as the object's; W011: in the same words."""
        for name in inventory.versions:
            if name not in root.states:
                self._say("E066", where, N_("version {version} is not in the object's inventory"), version=name)
                continue
            old, new = inventory.states.get(name, {}), root.states[name]
            for path in sorted(old.keys() ^ new.keys()):
                self._say(
                    "E066",
                    where,
                    N_("version {version} has “{path}” here only") if path in old else N_("version {version} lacks “{path}” here"),
                    version=name,
                    path=path,
                )
            for path in old.keys() & new.keys():
                if not _same_bytes(old[path], inventory, new[path], root):
                    self._say("E066", where, N_("version {version} has other bytes for “{path}” here"), version=name, path=path)
            for key, here, there in zip(("created", "message", "user"), inventory.described[name], root.described[name], strict=True):
                if here != there:
                    self._say("W011", where, N_("“{key}” of version {version} differs from the object's inventory"), key=key, version=name)

    def _check_content(self, folders: list[_Folder], root: Understood) -> None:
        """Manifests and fixity blocks against the files, and the files against the manifests."""
        inventories = [("inventory.json", root, len(folders))]
        inventories += [
            (f"{folder.name}/inventory.json", folder.inventory, position)
            for position, folder in enumerate(folders, start=1)
            if folder.inventory
            and not (position == len(folders) and folder.inventory.manifest == root.manifest and folder.inventory.fixity == root.fixity)
        ]
        wanted: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}
        for where, inventory, position in inventories:
            listed = {path for paths in inventory.manifest.values() for path in paths}
            until = tuple(f"{folder.name}/" for folder in folders[:position])
            for path in sorted(self._files - listed):
                if path.startswith(until):
                    self._say("E023", where, N_("file “{path}” is not in the manifest"), path=path)
            for digest, paths in inventory.manifest.items():
                for path in paths:
                    if path in self._files:
                        wanted.setdefault(path, {})[inventory.algorithm, digest] = ("E092", where)
                    else:
                        self._say("E092", where, N_("file “{path}” of the manifest is missing"), path=path)
            for algorithm, values in inventory.fixity.items():
                for path, digest in values.items():
                    if path in self._files:
                        wanted.setdefault(path, {}).setdefault((algorithm, digest), ("E093", where))
                    else:
                        self._say("E093", where, N_("file “{path}” of the fixity block is missing"), path=path)
        missing = {path.partition("/")[0] for paths in root.manifest.values() for path in paths} - {
            path.partition("/")[0] for path in self._files
        }
        for folder in folders:
            if folder.present and folder.name in missing:
                self._say("E016", folder.name, N_("the version has content in the manifest, but no content folder"))
        if self._digests:
            for path, digests in sorted(wanted.items()):
                self._check_file(path, digests)

    def _check_file(self, path: str, values: dict[tuple[str, str], tuple[str, str]]) -> None:
        states = {algorithm: new_hash(algorithm) for algorithm, _ in values}
        size = 0
        try:
            with self._store.open(self._path(path)) as stream:
                while block := stream.read(_WINDOW):
                    size += len(block)
                    for state in states.values():
                        if state is not None:
                            state.update(block)
        except StorageError as error:
            self._unreadable(path, error)
            return
        for (algorithm, digest), (code, where) in values.items():
            state = states[algorithm]
            found = str(size) if algorithm == "size" else state.hexdigest() if state else digest
            if found != digest:
                self._say(
                    code,
                    where,
                    N_("file “{path}” is a mismatch: expected {algorithm} {expected}, found {found}"),
                    path=path,
                    algorithm=algorithm,
                    expected=digest,
                    found=found,
                )

    def _small(self, name: str) -> bytes | None:
        try:
            with self._store.open(self._path(name)) as stream:
                return stream.read(SMALL)
        except StorageError as error:
            self._unreadable(name, error)
            return None

    def _unreadable(self, where: str, error: StorageError) -> None:
        # No code of the specification is for this; E092 is what could then not be found true.
        if isinstance(error, StoreUnavailable):
            raise error
        if isinstance(error, KeyMissing):
            self._say("E092", where, N_("missing"))
        else:
            self._say("E092", where, N_("unreadable: {reason}"), reason=error.parameters.get("reason", error.message))


def _same_bytes(old: str, inventory: Understood, new: str, root: Understood) -> bool:
    """Whether two digests, perhaps by different algorithms, stand for the same content files."""
    if inventory.algorithm == root.algorithm:
        return old == new
    return not set(inventory.manifest.get(old, ())).isdisjoint(root.manifest.get(new, ()))


def new_hash(algorithm: str) -> Any:
    """A hash function by its OCFL name, or None for one that cannot be computed here (which is then left alone, E028)."""
    try:
        return _HASHES[algorithm]()
    except (KeyError, ValueError):
        return None
