"""The inventory of an OCFL object (OCFL 1.1 §3.5) as a value: parsed strictly, written as a stream.

Digests are bytes here and lower-case hexadecimal in the file. A package of 100,000 files has an inventory of some
60 MB, so the text is never built whole: `Inventory.blocks` yields it, in an order that puts what a reader needs to know
first (identifier, head) into the first kilobyte.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, Final

from storage.errors import N_, ObjectDamaged, StorageError

#: Digest (bytes) to paths.
Paths = Mapping[bytes, tuple[str, ...]]

#: Fixity algorithms that a version written here carries for every content file, beside the SHA-512 that addresses it.
FIXITY: Final = ("sha256", "sm3")

_TYPE: Final = re.compile(r"https://ocfl\.io/(\d+\.\d+)/spec/#inventory")
_VERSION_NAME: Final = re.compile(r"v(0*)([1-9][0-9]*)")
_BLOCK: Final = 256 * 1024
#: Entries whose text is made at a time.
_CHUNK: Final = 512
# no part is empty, "." or ".."
_UNSAFE: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)|\0")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object.

    Args:
        created: when, as RFC 3339 text.
        state: digest to logical paths.
        message: why it was made.
        user_name: who made it.
        user_address: a URI of who made it (``mailto:…``), or empty.
    """

    created: str
    state: Paths
    message: str = ""
    user_name: str = ""
    user_address: str = ""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What an object holds, version by version.

    Args:
        object_id: the object's identifier, a URI.
        versions: the versions, first one first.
        manifest: digest to content paths, relative to the object root.
        fixity: algorithm to digest to content paths.
        algorithm: what manifest and states are addressed by: ``sha512`` or ``sha256``.
        specification: the OCFL version, ``1.1`` or ``1.0``.
        content_directory: name of the folder for content in each version.
        padding: digits of version folder names that are padded with zeros, or 0.
    """

    object_id: str
    versions: tuple[Version, ...]
    manifest: Paths
    fixity: Mapping[str, Paths] = field(default_factory=dict)
    algorithm: str = "sha512"
    specification: str = "1.1"
    content_directory: str = "content"
    padding: int = 0

    @property
    def head(self) -> int:
        """The number of the latest version."""
        return len(self.versions)

    @property
    def sidecar_name(self) -> str:
        """The name of the file that states the inventory's digest."""
        return f"inventory.json.{self.algorithm}"

    def version_name(self, number: int) -> str:
        """The folder name of a version."""
        return f"v{number:0{self.padding}d}" if self.padding else f"v{number}"

    def blocks(self) -> Iterator[bytes]:
        """The inventory as JSON in UTF-8, in blocks of about 256 KiB."""
        parts: list[str] = []
        length = 0
        for part in self._parts():
            parts.append(part)
            length += len(part)
            if length >= _BLOCK:
                yield "".join(parts).encode()
                parts.clear()
                length = 0
        yield "".join(parts).encode()

    @cached_property
    def digest(self) -> str:
        """The digest of the inventory file, in hexadecimal; made once, without keeping the text."""
        state = hashlib.new(self.algorithm)
        for block in self.blocks():
            state.update(block)
        return state.hexdigest()

    @property
    def sidecar(self) -> bytes:
        """The content of the sidecar file (§3.6)."""
        return f"{self.digest} inventory.json\n".encode()

    def _parts(self) -> Iterator[str]:
        quote = encode_basestring
        yield (
            f'{{\n  "id": {quote(self.object_id)},\n  "type": "https://ocfl.io/{self.specification}/spec/#inventory",\n'
            f'  "digestAlgorithm": {quote(self.algorithm)},\n  "head": "{self.version_name(self.head)}",\n'
            f'  "contentDirectory": {quote(self.content_directory)},\n  "versions": {{\n'
        )
        for number, version in enumerate(self.versions, start=1):
            user = {"name": version.user_name} | ({"address": version.user_address} if version.user_address else {})
            about = f'      "message": {quote(version.message)},\n'
            if version.user_name:
                about += f'      "user": {json.dumps(user, ensure_ascii=False)},\n'
            yield f'    "{self.version_name(number)}": {{\n      "created": {quote(version.created)},\n{about}      "state": {{'
            yield from _entries(version.state, "\n        ")
            yield "\n      }\n    }" + ("," if number < self.head else "") + "\n"
        yield '  },\n  "manifest": {'
        yield from _entries(self.manifest, "\n    ")
        yield "\n  }"
        if self.fixity:
            yield ',\n  "fixity": {'
            for index, (algorithm, paths) in enumerate(self.fixity.items()):
                yield f"{',' if index else ''}\n    {quote(algorithm)}: {{"
                yield from _entries(paths, "\n      ")
                yield "\n    }"
            yield "\n  }"
        yield "\n}\n"


def _entries(paths: Paths, indent: str) -> Iterator[str]:
    quote = encode_basestring
    entries = iter(paths.items())
    comma = ""
    while chunk := [
        f'{indent}"{digest.hex()}": [{quote(names[0]) if len(names) == 1 else ", ".join(map(quote, names))}]'
        for digest, names in islice(entries, _CHUNK)
    ]:
        yield comma + ",".join(chunk)
        comma = ","


def parse_inventory(text: bytes, subject: str) -> Inventory:
    """Reads an inventory.

    Args:
        text: the file's bytes.
        subject: what it is called in messages.

    Raises:
        ObjectDamaged: ``INVENTORY_MALFORMED``: not JSON, or not what §3.5 asks for. The validator says everything that is wrong.
    """
    try:
        return _inventory(json.loads(text.decode()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ObjectDamaged(
            "INVENTORY_MALFORMED",
            N_("The inventory of “{subject}” cannot be understood: {reason}."),
            subject=subject,
            remedy=N_("Run `jingui ocfl validate` on the object, and repair it from another copy."),
            reason=f"{type(error).__name__}: {error}",
        ) from error


def _inventory(document: Any) -> Inventory:
    kind = _TYPE.fullmatch(document["type"])
    if kind is None or kind[1] not in ("1.0", "1.1"):
        raise ValueError(f"unknown type {document['type']!r}")
    algorithm = document["digestAlgorithm"]
    if algorithm not in ("sha512", "sha256"):
        raise ValueError(f"content addressed by {algorithm!r}")
    head = _VERSION_NAME.fullmatch(document["head"])
    if head is None:
        raise ValueError(f"head {document['head']!r}")
    padding = len(document["head"]) - 1 if head[1] else 0
    length = hashlib.new(algorithm).digest_size
    inventory = Inventory(
        object_id=_text(document["id"]),
        versions=tuple(_version(document["versions"][_name(number, padding)], length) for number in range(1, int(head[2]) + 1)),
        manifest=_paths(document["manifest"], length),
        fixity={name: _paths(paths, None) for name, paths in document.get("fixity", {}).items()},
        algorithm=algorithm,
        specification=kind[1],
        content_directory=_text(document.get("contentDirectory", "content")),
        padding=padding,
    )
    if len(document["versions"]) != inventory.head:
        raise ValueError(f"{len(document['versions'])} versions, head {document['head']!r}")
    for version in inventory.versions:
        for digest in version.state:
            if digest not in inventory.manifest:
                raise ValueError(f"state refers to {digest.hex()}, which the manifest does not have")
    return inventory


def _name(number: int, padding: int) -> str:
    return f"v{number:0{padding}d}" if padding else f"v{number}"


def _version(block: Any, length: int) -> Version:
    user = block.get("user") or {}
    return Version(
        created=_text(block["created"]),
        state=_paths(block["state"], length),
        message=_text(block.get("message", "")),
        user_name=_text(user.get("name", "")),
        user_address=_text(user.get("address", "")),
    )


def _paths(block: Any, length: int | None) -> dict[bytes, tuple[str, ...]]:
    paths: dict[bytes, tuple[str, ...]] = {}
    for digest, names in block.items():
        # Fixity algorithms are anybody's ("size" is one), so only those in hexadecimal are kept.
        if length is None and (len(digest) % 2 or not re.fullmatch(r"[0-9A-Fa-f]+", digest)):
            continue
        key = bytes.fromhex(digest)
        if length is not None and len(key) != length:
            raise ValueError(f"{digest!r} is no digest of {length} bytes")
        if key in paths:
            raise ValueError(f"digest {digest!r} twice")
        if not isinstance(names, list):
            raise TypeError(f"paths of {digest!r} are not an array")
        paths[key] = tuple(_safe(name) for name in names)
    return paths


def _safe(path: Any) -> str:
    text = _text(path)
    if _UNSAFE.search(text):
        raise ValueError(f"unsafe path {text!r}")
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def check_logical_paths(paths: Iterable[str]) -> None:
    """Makes sure that paths can stand together in one version (§3.5.3.1: safe, unique, none the folder of another).

    Raises:
        StorageError: ``LOGICAL_PATH_UNSAFE`` or ``LOGICAL_PATHS_CONFLICT``.
    """
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        _refuse_unsafe(path)
        if path in files:
            raise _conflict(path)
        files.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for path in files & folders:
        raise _conflict(path)


def _refuse_unsafe(path: str) -> None:
    try:
        path.encode()
        _safe(path)
    except ValueError as error:
        raise StorageError(
            "LOGICAL_PATH_UNSAFE",
            N_("“{subject}” cannot be a path in an archival object."),
            subject=ascii(path)[1:-1],
            remedy=N_("Paths are relative, in UTF-8, with no part that is empty, “.” or “..”."),
        ) from error


def _conflict(path: str) -> StorageError:
    return StorageError(
        "LOGICAL_PATHS_CONFLICT",
        N_("“{subject}” would be in the object twice, or as a file and as a folder."),
        subject=path,
        remedy=N_("Give one of them another name."),
    )
