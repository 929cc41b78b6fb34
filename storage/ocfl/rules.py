"""The rules for an inventory alone (OCFL 1.1 §3.5), whoever wrote it. Independent of `storage.ocfl.inventory`, on purpose.

Nothing here raises for what is wrong with an inventory: every breach becomes a remark, and what could be understood is
given back so that the object can be held against it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from storage.errors import N_
from storage.ocfl.findings import Remarks

#: Hexadecimal digits of each algorithm's digests: OCFL 1.1 §3.4, extension 0009, and `sm3` as documented in our storage roots.
DIGITS: Final = {
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha512": 128,
    "blake2b-512": 128,
    "blake2b-160": 40,
    "blake2b-256": 64,
    "blake2b-384": 96,
    "sha512/256": 64,
    "sm3": 64,
}
_TYPE: Final = re.compile(r"https://ocfl\.io/(1\.[01])/spec/#inventory")
_NUMBERED: Final = re.compile(r"v(0*)([1-9][0-9]*)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_MOMENT: Final = re.compile(
    r"(?P<year>\d{4})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
_KEYS: Final = frozenset({"id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity"})


class Repeating(dict[str, Any]):
    """A JSON object that remembers which of its keys were there more than once."""

    repeated: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Understood:
    """What could be understood of an inventory; where a part is broken, its field is empty.

    Args:
        object_id: ``id``.
        specification: OCFL version of ``type``.
        algorithm: ``digestAlgorithm``.
        head: ``head``.
        content: name of the content folder.
        content_given: whether ``contentDirectory`` is there.
        versions: version names in order of their numbers.
        manifest: digest in lower case to content paths.
        states: version name to logical path to digest in lower case.
        described: version name to ``created``, ``message``, ``user`` as they stand.
        fixity: algorithm to content path to digest in lower case.
    """

    object_id: str = ""
    specification: str = ""
    algorithm: str = "sha512"
    head: str = ""
    content: str = "content"
    content_given: bool = False
    versions: list[str] = field(default_factory=list)
    manifest: dict[str, list[str]] = field(default_factory=dict)
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    described: dict[str, tuple[object, object, object]] = field(default_factory=dict)
    fixity: dict[str, dict[str, str]] = field(default_factory=dict)


def number_of(name: str) -> int:
    """The number in a version's name, 0 when it is none."""
    found = _NUMBERED.fullmatch(name)
    return int(found[2]) if found else 0


def read_inventory(text: bytes, where: str, remarks: Remarks) -> Understood | None:
    """Reads an inventory and remarks on all that is wrong with it; None when it is no JSON object at all."""
    try:
        document = json.loads(text.decode(), object_pairs_hook=_remember, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        remarks.add("E033", where, N_("not JSON in UTF-8: {reason}"), reason=error)
        return None
    if not isinstance(document, Repeating):
        remarks.add("E033", where, N_("the inventory is not a JSON object"))
        return None
    understood = Understood()
    for key in document.repeated:
        remarks.add("E033", where, N_("the key “{key}” is there more than once"), key=key)
    _refuse_unknown(document, _KEYS, where, remarks)
    _read_heading(document, understood, where, remarks)
    _read_manifest(document, understood, where, remarks)
    _read_versions(document, understood, where, remarks)
    _read_head(document, understood, where, remarks)
    _read_fixity(document, understood, where, remarks)
    _check_use(document, understood, where, remarks)
    return understood


def _remember(pairs: list[tuple[str, Any]]) -> Repeating:
    known = Repeating(pairs)
    if len(known) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        known.repeated = tuple(key for key, count in counts.items() if count > 1)
    return known


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _refuse_unknown(block: dict[str, Any], known: frozenset[str], where: str, remarks: Remarks) -> None:
    for key in block.keys() - known:
        remarks.add("E102", where, N_("the key “{key}” is not one of the specification"), key=key)


def _read_heading(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    for key in ("id", "type", "digestAlgorithm", "head"):
        if key not in document:
            remarks.add("E036", where, N_("the key “{key}” is missing"), key=key)
    if "id" in document:
        object_id = document["id"]
        if not isinstance(object_id, str) or not object_id:
            remarks.add("E037", where, N_("the id must be text that is not empty, it is {found}"), found=_shown(object_id))
        else:
            understood.object_id = object_id
            if not _URI.fullmatch(object_id):
                remarks.add("W005", where, N_("the id “{found}” should be a URI"), found=object_id)
    if "type" in document:
        kind = _TYPE.fullmatch(document["type"]) if isinstance(document["type"], str) else None
        if kind is None:
            remarks.add(
                "E038",
                where,
                N_("the type must be the address of OCFL 1.0's or 1.1's inventory, it is {found}"),
                found=_shown(document["type"]),
            )
        else:
            understood.specification = kind[1]
    if "digestAlgorithm" in document:
        algorithm = document["digestAlgorithm"]
        if algorithm not in ("sha512", "sha256"):
            remarks.add("E025", where, N_("the digestAlgorithm must be sha512 or sha256, it is {found}"), found=_shown(algorithm))
        elif algorithm == "sha256":
            remarks.add("W004", where, N_("the digestAlgorithm should be sha512, it is sha256"))
        if isinstance(algorithm, str):
            understood.algorithm = algorithm
    if "contentDirectory" in document:
        content = document["contentDirectory"]
        understood.content_given = True
        if not isinstance(content, str) or not content or "/" in content:
            remarks.add("E017", where, N_("the contentDirectory must be a name without slash, it is {found}"), found=_shown(content))
            remarks.add(
                "E108", where, N_("the contentDirectory must be directly in the version's folder, it is {found}"), found=_shown(content)
            )
        elif content in (".", ".."):
            remarks.add("E018", where, N_("the contentDirectory must not be “{found}”"), found=content)
        else:
            understood.content = content


def _read_manifest(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    if "manifest" not in document:
        remarks.add("E041", where, N_("the manifest is missing"))
        return
    manifest = document["manifest"]
    if not isinstance(manifest, Repeating):
        remarks.add("E106", where, N_("the manifest must be a JSON object, it is {found}"), found=_shown(manifest))
        remarks.add("E041", where, N_("the manifest must be a JSON object"))
        return
    for digest in manifest.repeated:
        remarks.add("E096", where, N_("the manifest has digest {digest} more than once"), digest=digest)
    everything: list[str] = []
    for digest, paths in manifest.items():
        lower = digest.lower()
        if not _is_digest(digest, understood.algorithm):
            remarks.add(
                "E025",
                where,
                N_("the manifest has {digest}, which is no {algorithm} digest"),
                digest=digest,
                algorithm=understood.algorithm,
            )
        if lower in understood.manifest:
            remarks.add("E096", where, N_("the manifest has digest {digest} more than once, in upper and lower case"), digest=digest)
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            remarks.add("E092", where, N_("the manifest's entry for {digest} is not an array of paths"), digest=digest)
            continue
        for path in paths:
            _check_content_path(path, where, remarks)
        everything += paths
        understood.manifest.setdefault(lower, []).extend(paths)
    _check_conflicts(everything, where, remarks, "E101")


def _read_versions(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    if "versions" not in document:
        remarks.add("E041", where, N_("the versions are missing"))
        remarks.add("E043", where, N_("the versions are missing"))
        remarks.add("E008", where, N_("there is no version"))
        return
    versions = document["versions"]
    if not isinstance(versions, Repeating):
        remarks.add("E044", where, N_("the versions must be a JSON object, they are {found}"), found=_shown(versions))
        return
    for name in versions.repeated:
        remarks.add("E033", where, N_("version “{name}” is there more than once"), name=name)
    if not versions:
        remarks.add("E008", where, N_("there is no version"))
        return
    _check_names(list(versions), where, remarks)
    understood.versions = sorted((name for name in versions if number_of(name)), key=number_of)
    raw = document.get("manifest")
    manifest = raw if isinstance(raw, dict) else {}
    for name, block in versions.items():
        inside = f"{where}, {name}"
        if not isinstance(block, Repeating):
            remarks.add("E047", inside, N_("the version must be a JSON object, it is {found}"), found=_shown(block))
            continue
        _refuse_unknown(block, frozenset({"created", "state", "message", "user"}), inside, remarks)
        _check_description(block, inside, remarks)
        understood.described[name] = (block.get("created"), block.get("message"), block.get("user"))
        understood.states[name] = _read_state(block, manifest, understood, inside, remarks)


def _check_names(names: list[str], where: str, remarks: Remarks) -> None:
    numbers: dict[int, str] = {}
    for name in names:
        if not number_of(name):
            remarks.add("E046", where, N_("“{name}” cannot be the name of a version's folder"), name=name)
            remarks.add("E105" if name.startswith("v") else "E104", where, N_("“{name}” is not “v” and a positive number"), name=name)
        else:
            numbers[number_of(name)] = name
    if not numbers or 1 not in numbers:
        remarks.add("E009", where, N_("the versions do not start at 1"))
    highest = max(numbers, default=0)
    missing = [number for number in range(1, min(highest, len(numbers) + 1000)) if number not in numbers]
    if missing:
        remarks.add("E010", where, N_("version {number} is left out"), number=missing[0])
    padded = {number: name for number, name in numbers.items() if name.startswith("v0")}
    if padded:
        remarks.add("W001", where, N_("version names should not be padded with zeros ({name})"), name=next(iter(padded.values())))
        for name in numbers.values():
            if not name.startswith("v0"):
                remarks.add("E011", where, N_("“{name}” does not start with a zero, while others do"), name=name)
    if len({len(name) if name.startswith("v0") else 0 for name in numbers.values()}) > 1:
        for code in ("E012", "E013"):
            remarks.add(code, where, N_("the versions are not all named in the same way"))


def _check_description(block: Repeating, where: str, remarks: Remarks) -> None:
    created = block.get("created")
    if "created" not in block:
        remarks.add("E048", where, N_("the moment of creation is missing"))
    elif not isinstance(created, str) or not _MOMENT.fullmatch(created):
        remarks.add(
            "E049", where, N_("the moment of creation must be RFC 3339 with seconds and time zone, it is {found}"), found=_shown(created)
        )
    if "message" not in block:
        remarks.add("W007", where, N_("there should be a message"))
    elif not isinstance(block["message"], str):
        remarks.add("E094", where, N_("the message must be text, it is {found}"), found=_shown(block["message"]))
    if "user" not in block:
        remarks.add("W007", where, N_("there should be a user"))
        return
    user = block["user"]
    if not isinstance(user, Repeating):
        remarks.add("E054", where, N_("the user must be a JSON object with a name, it is {found}"), found=_shown(user))
        return
    _refuse_unknown(user, frozenset({"name", "address"}), where, remarks)
    if not isinstance(user.get("name"), str) or not user["name"]:
        remarks.add("E054", where, N_("the user must have a name"))
    if "address" not in user:
        remarks.add("W008", where, N_("the user should have an address"))
    elif not isinstance(user["address"], str):
        remarks.add("E054", where, N_("the user's address must be text, it is {found}"), found=_shown(user["address"]))
    elif not _URI.fullmatch(user["address"]):
        remarks.add("W009", where, N_("the user's address “{found}” should be a URI"), found=user["address"])


def _read_state(block: Repeating, manifest: dict[str, Any], understood: Understood, where: str, remarks: Remarks) -> dict[str, str]:
    if "state" not in block:
        remarks.add("E048", where, N_("the state is missing"))
        return {}
    state = block["state"]
    if not isinstance(state, Repeating):
        remarks.add("E050", where, N_("the state must be a JSON object, it is {found}"), found=_shown(state))
        return {}
    for digest in state.repeated:
        remarks.add("E050", where, N_("the state has digest {digest} more than once"), digest=digest)
    logical: dict[str, str] = {}
    everything: list[str] = []
    seen: set[str] = set()
    for digest, paths in state.items():
        lower = digest.lower()
        if lower in seen:
            remarks.add("E050", where, N_("the state has digest {digest} more than once, in upper and lower case"), digest=digest)
        seen.add(lower)
        # OCFL 1.1 wants the very key of the manifest; 1.0 left the case open.
        if digest not in manifest and not (understood.specification == "1.0" and lower in understood.manifest):
            remarks.add("E050", where, N_("the state has digest {digest}, which the manifest does not have"), digest=digest)
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            remarks.add("E050", where, N_("the state's entry for {digest} is not an array of paths"), digest=digest)
            remarks.add("E051", where, N_("the state's entry for {digest} is not an array of paths"), digest=digest)
            continue
        for path in paths:
            _check_logical_path(path, where, remarks)
            logical[path] = lower
        everything += paths
    _check_conflicts(everything, where, remarks, "E095")
    return logical


def _read_head(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    if "head" not in document:
        return
    head = document["head"]
    latest = understood.versions[-1] if understood.versions else None
    if isinstance(head, str):
        understood.head = head
    if not isinstance(head, str) or not number_of(head):
        remarks.add("E040", where, N_("the head must be the name of a version, it is {found}"), found=_shown(head))
    elif latest is not None and head != latest:
        remarks.add("E040", where, N_("the head is “{found}”, the latest version is “{latest}”"), found=head, latest=latest)


def _read_fixity(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    if "fixity" not in document:
        return
    fixity = document["fixity"]
    if not isinstance(fixity, Repeating):
        code = "E056" if understood.specification == "1.0" else "E111"
        remarks.add(code, where, N_("the fixity block must be a JSON object, it is {found}"), found=_shown(fixity))
        return
    known = {path for paths in understood.manifest.values() for path in paths}
    for algorithm, block in fixity.items():
        if algorithm not in DIGITS and algorithm != "size":
            remarks.add("E056", where, N_("the fixity block has the unknown algorithm “{algorithm}”"), algorithm=algorithm)
        if not isinstance(block, Repeating):
            remarks.add("E057", where, N_("the fixity entry for {algorithm} must be a JSON object"), algorithm=algorithm)
            continue
        seen = set(block.repeated)
        for digest in block.repeated:
            remarks.add(
                "E097", where, N_("the fixity block has {algorithm} digest {digest} more than once"), algorithm=algorithm, digest=digest
            )
        values = understood.fixity.setdefault(algorithm, {})
        for digest, paths in block.items():
            lower = digest.lower()
            if lower in seen:
                remarks.add(
                    "E097", where, N_("the fixity block has {algorithm} digest {digest} more than once"), algorithm=algorithm, digest=digest
                )
            seen.add(lower)
            if not _is_digest(digest, algorithm):
                remarks.add(
                    "E057", where, N_("the fixity block has {digest}, which is no {algorithm} digest"), digest=digest, algorithm=algorithm
                )
            if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
                remarks.add("E057", where, N_("the fixity entry for {digest} is not an array of paths"), digest=digest)
                continue
            for path in paths:
                _check_content_path(path, where, remarks)
                if path not in known:
                    remarks.add("E057", where, N_("the fixity block has “{path}”, which the manifest does not have"), path=path)
                values[path] = lower


def _check_use(document: Repeating, understood: Understood, where: str, remarks: Remarks) -> None:
    """Content paths lie in a version's content folder (E042), and every digest of the manifest is used (E107)."""
    states = list(understood.states.values())
    used = {digest for state in states for digest in state.values()}
    names = set(understood.versions)
    for digest, paths in understood.manifest.items():
        if states and digest not in used:
            remarks.add(
                "E050" if understood.specification == "1.0" else "E107",
                where,
                N_("the manifest has digest {digest} ({path}), which no version uses"),
                digest=digest,
                path=paths[0] if paths else "",
            )
        for path in paths:
            parts = path.split("/")
            if names and (len(parts) < 3 or parts[0] not in names or parts[1] != understood.content):
                code = "E014" if number_of(parts[0]) in map(number_of, names) and parts[0] not in names else "E042"
                remarks.add(code, where, N_("content path “{path}” is not in the content folder of a version"), path=path)


def _check_content_path(path: str, where: str, remarks: Remarks) -> None:
    if path.startswith("/") or path.endswith("/"):
        remarks.add("E100", where, N_("content path “{path}” starts or ends with a slash"), path=path)
    if _has_bad_part(path):
        remarks.add("E099", where, N_("content path “{path}” has a part that is empty, “.” or “..”"), path=path)


def _check_logical_path(path: str, where: str, remarks: Remarks) -> None:
    if path.startswith("/") or path.endswith("/"):
        remarks.add("E053", where, N_("logical path “{path}” starts or ends with a slash"), path=path)
    if _has_bad_part(path):
        remarks.add("E052", where, N_("logical path “{path}” has a part that is empty, “.” or “..”"), path=path)


def _has_bad_part(path: str) -> bool:
    return any(part in ("", ".", "..") for part in path.strip("/").split("/"))


def _check_conflicts(paths: Iterable[str], where: str, remarks: Remarks, code: str) -> None:
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        if path in files:
            remarks.add(code, where, N_("path “{path}” is there more than once"), path=path)
        files.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for path in sorted(files & folders):
        remarks.add(code, where, N_("path “{path}” is there as a file and as a folder"), path=path)


def _is_digest(text: str, algorithm: str) -> bool:
    digits = DIGITS.get(algorithm)
    if digits is None:
        return True
    return len(text) == digits and re.fullmatch(r"[0-9A-Fa-f]+", text) is not None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"
