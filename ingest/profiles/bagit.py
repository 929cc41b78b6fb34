"""Profile ``bagit``: bags of BagIt 0.93 to 1.0 (RFC 8493). The payload is content; the tag files go with the submission.

What the manifests say of the files becomes `Declared`; `ingest.checks.received` compares it with what was received, so that
no file is read again for a digest that unpacking has made already. Manifests of any algorithm count, SM3 among them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ingest.sip import Declared, PackageTree, Placement, Recognition, Role, Sip
from metadata.description import Description
from metadata.description import Element as Described
from repository.findings import N_, Finding, Property, failure, not_checked, warning
from storage.bags import (
    DECLARATION,
    FETCH,
    INFORMATION,
    PAYLOAD,
    Declaration,
    Element,
    Fault,
    Line,
    hashlib_name,
    manifest_algorithm,
    read_declaration,
    read_elements,
    read_fetch,
    read_manifest,
)
from storage.names import text_of

NAME: Final = "bagit"
_SENSITIVE: Final = frozenset({"contact-phone", "contact-email"})
_OXUM: Final = re.compile(r"(\d{1,19})\.(\d{1,19})")
_DATE: Final = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")


class BagItProfile:
    """Reads bags."""

    @property
    def name(self) -> str:
        """``bagit``."""
        return NAME

    def recognise(self, tree: PackageTree) -> Recognition:
        """By ``bagit.txt`` at the top; a payload folder with a manifest beside it is a bag that lost it."""
        if DECLARATION in tree.files:
            with tree.open(DECLARATION) as file:
                declared = b"BagIt-Version" in file.read(1024)
            return Recognition(profile=NAME, score=100 if declared else 80, reason=N_("bagit.txt at the top"))
        manifests = any(manifest_algorithm(path) for path in tree.files)
        if manifests and any(path.startswith(PAYLOAD + "/") for path in tree.files):
            return Recognition(profile=NAME, score=60, reason=N_("data/ and a manifest at the top, but no bagit.txt"))
        return Recognition(profile=NAME, score=0, reason=N_("no bagit.txt at the top"))

    def read(self, tree: PackageTree) -> Sip:
        """Reads every tag file and says everything that is wrong with the bag but for digests and counts."""
        return _Reading(tree).sip()


profile = BagItProfile()


class _Reading:
    """One bag being read."""

    def __init__(self, tree: PackageTree) -> None:
        self._tree = tree
        self._faults: list[Fault] = []
        self._findings: list[Finding] = []
        self._declared: list[Declared] = []
        self._normalised: dict[str, str] | None = None
        self._payload = [path for path in tree.files if path.startswith(PAYLOAD + "/")]
        self._told_forms: set[str] = set()

    def sip(self) -> Sip:
        self._declaration = self._read_declaration()
        elements = self._read_information()
        self._check_payload_folder()
        absent = self._read_fetch()
        self._read_manifests(absent)
        files, size = self._oxum(elements)
        return Sip(
            profile=NAME,
            description=_description(elements),
            placements=[_placement(path) for path in self._tree.files],
            declared=self._declared,
            findings=[*(_finding(fault) for fault in self._faults), *self._findings],
            declared_files=files,
            declared_bytes=size,
            attributes={"bagit_version": "{}.{}".format(*self._declaration.version)},
        )

    def _read_declaration(self) -> Declaration:
        if DECLARATION not in self._tree.files:
            self._fail(
                "BAGIT_DECLARATION",
                DECLARATION,
                N_("The bag declaration “{subject}” is missing."),
                N_("Put a bagit.txt at the top of the bag: “BagIt-Version: 1.0” and “Tag-File-Character-Encoding: UTF-8”."),
            )
            return Declaration()
        with self._tree.open(DECLARATION) as file:
            return read_declaration(file, self._faults)

    def _read_information(self) -> list[Element]:
        path = INFORMATION if self._declaration.version >= (0, 96) or INFORMATION in self._tree.files else "package-info.txt"
        if path not in self._tree.files:
            return []
        with self._tree.open(path) as file:
            return read_elements(file, path, self._declaration, self._faults)

    def _check_payload_folder(self) -> None:
        if not self._payload and not any(folder == PAYLOAD or folder.startswith(PAYLOAD + "/") for folder in self._tree.folders):
            self._fail(
                "BAGIT_PAYLOAD_FOLDER_MISSING",
                PAYLOAD,
                N_("The payload folder “{subject}” is missing."),
                N_("Put the files to be kept into a folder “data”, and make the manifests again."),
            )

    def _read_fetch(self) -> set[str]:
        """The files that are only promised."""
        if FETCH not in self._tree.files:
            return set()
        absent = set()
        with self._tree.open(FETCH) as file:
            for line in read_fetch(file, self._declaration, self._faults):
                path = self._resolved(line, FETCH, payload=True)
                if path is None or path in self._tree.files:
                    continue
                absent.add(path)
                self._fail(
                    "BAGIT_FETCH_FILE_MISSING",
                    path,
                    N_("“{subject}” is missing: fetch.txt says to fetch it from {address}, and nothing is ever fetched here."),
                    N_("Fetch the file, put it into the bag and send the whole bag."),
                    address=line.value,
                )
        return absent

    def _read_manifests(self, absent: set[str]) -> None:
        listed: dict[str, set[str]] = {}
        payload_manifests = []
        usable = False
        for path in self._tree.files:
            known = manifest_algorithm(path)
            if known is None:
                continue
            of_tags, algorithm = known
            paths = self._read_manifest(path, algorithm, of_tags, absent)
            if of_tags:
                self._check_tag_manifest(path, paths)
                continue
            payload_manifests.append(path)
            listed[path] = paths
            usable |= _available(algorithm)
        if not usable:
            self._fail(
                "BAGIT_MANIFEST_MISSING",
                "manifest-sha512.txt",
                N_("The bag has no payload manifest with digests that can be checked (found: {found})."),
                N_("Make a manifest with SHA-512, SHA-256 or SM3 at the top of the bag."),
                found=", ".join(payload_manifests) or "–",
            )
            return
        self._check_complete(listed, absent)

    def _read_manifest(self, path: str, algorithm: str, of_tags: bool, absent: set[str]) -> set[str]:
        seen: dict[str, str] = {}
        with self._tree.open(path) as file:
            for line in read_manifest(file, path, self._declaration, algorithm, self._faults):
                target = self._resolved(line, path, payload=not of_tags)
                if target is None:
                    continue
                if target in seen:
                    self._doubled(path, target, seen[target] == line.value)
                    continue
                seen[target] = line.value
                if target not in absent:
                    digest = Declared(path=target, source=path, algorithm=hashlib_name(algorithm), digest=line.value)
                    self._declared.append(digest)
        if not _available(algorithm):
            self._note(
                not_checked(
                    "MANIFEST_NOT_CHECKED",
                    Property.INTEGRITY,
                    path,
                    N_("The digests in “{subject}” were not checked: the algorithm {algorithm} is not available here."),
                    N_("Ask for a manifest with SHA-512, SHA-256 or SM3."),
                    algorithm=algorithm,
                )
            )
        return set(seen)

    def _doubled(self, manifest: str, path: str, same: bool) -> None:
        if same:
            template = N_("“{manifest}” lists “{subject}” twice with the same digest.")
        else:
            template = N_("“{manifest}” lists “{subject}” twice with different digests: which one is meant cannot be known.")
        # Before 1.0 nothing forbade to list a file twice, as long as both say the same.
        make = failure if self._declaration.strict or not same else warning
        remedy = N_("Make the manifest again from the files.")
        self._note(make("MANIFEST_FILE_TWICE", Property.INTEGRITY, path, template, remedy, manifest=manifest))

    def _check_tag_manifest(self, path: str, listed: set[str]) -> None:
        left_out = [file for file in self._tree.files if (known := manifest_algorithm(file)) and not known[0] and file not in listed]
        if left_out:
            self._note(
                warning(
                    "BAGIT_TAG_MANIFEST_INCOMPLETE",
                    Property.INTEGRITY,
                    path,
                    N_("“{subject}” does not list {missing}, so nobody would notice if that were changed."),
                    N_("Make the tag manifest again, with every payload manifest in it."),
                    missing=", ".join(left_out),
                )
            )

    def _check_complete(self, listed: dict[str, set[str]], absent: set[str]) -> None:
        everywhere = set.union(*listed.values())
        for path in self._payload:
            if path not in everywhere:
                self._fail(
                    "MANIFEST_FILE_EXTRA",
                    path,
                    N_("“{subject}” is in the package but in none of its manifests."),
                    N_("Remove the file if it does not belong there, or make the manifests again."),
                )
        # RFC 8493 §3: from 1.0 every manifest lists every payload file; before, one of them was enough.
        make = failure if self._declaration.strict else warning
        for manifest, paths in listed.items():
            for path in sorted((everywhere & (self._tree.files.keys() | absent)) - paths):
                self._note(
                    make(
                        "MANIFEST_INCOMPLETE",
                        Property.INTEGRITY,
                        path,
                        N_("“{manifest}” does not list “{subject}”, which another manifest lists."),
                        N_("Make the manifests again: each must list every file below data/."),
                        manifest=manifest,
                    )
                )

    def _oxum(self, elements: list[Element]) -> tuple[int | None, int | None]:
        values = {element.value for element in elements if element.label.casefold() == "payload-oxum"}
        if not values:
            return None, None
        match = _OXUM.fullmatch(min(values))
        if match is None or len(values) > 1:
            self._fail(
                "BAGIT_OXUM_MALFORMED",
                INFORMATION,
                N_("Payload-Oxum in “{subject}” must be one number of bytes, a full stop and a number of files; it is “{value}”."),
                N_("Correct Payload-Oxum in bag-info.txt, or leave it out."),
                value=", ".join(sorted(values)),
            )
            return None, None
        return int(match[2]), int(match[1])

    def _resolved(self, line: Line, source: str, *, payload: bool) -> str | None:
        """The path in the package that a line means, or None where no line may mean it."""
        path = line.path
        if path.startswith(("*", "./")):
            self._form(
                source,
                N_("Paths in “{subject}” begin with “*” or “./”, as md5sum and find write them; first: “{path}”."),
                N_("Write paths as data/… without anything before them."),
                path,
            )
            path = re.sub(r"\A\*?(?:\./+)*", "", path)
        parts = path.split("/")
        inside = all(part not in ("", ".", "..") for part in parts) and not re.match(r"[A-Za-z]:|~|.*\\\.\.", path)
        if not inside or (payload and (parts[0] != PAYLOAD or len(parts) < 2)):
            template = N_("“{source}” names “{subject}”, which is no path within the bag.")
            if payload:
                template = N_("“{source}” names “{subject}”, which is no path below data/.")
            remedy = N_("Make the manifest again: paths are relative, without “..”, and those of the payload begin with data/.")
            self._fail("MANIFEST_PATH_UNSAFE", line.written, template, remedy, source=source)
            return None
        return self._existing(path, line.written, source)

    def _existing(self, path: str, written: str, source: str) -> str:
        files = self._tree.files
        if path in files:
            return path
        converted = "/".join(text_of(part.encode(errors="surrogateescape")).text for part in path.split("/"))
        for other in (written, converted):
            if other in files:
                return other
        if self._normalised is None:
            self._normalised = {unicodedata.normalize("NFC", name): name for name in files}
        found = self._normalised.get(unicodedata.normalize("NFC", path))
        if found is None:
            return path
        self._form(
            source,
            N_("“{subject}” writes names in another Unicode form than the files have; they count as the same. First: “{path}”."),
            N_("Nothing needs to be done; some systems change the form of names when they copy."),
            path,
        )
        return found

    def _form(self, source: str, template: str, remedy: str, path: str) -> None:
        if source + template not in self._told_forms:
            self._told_forms.add(source + template)
            self._note(warning("MANIFEST_PATH_FORM", Property.INTEGRITY, source, template, remedy, path=path))

    def _fail(self, code: str, subject: str, template: str, remedy: str, **parameters: object) -> None:
        self._note(failure(code, Property.INTEGRITY, subject, template, remedy, **parameters))

    def _note(self, finding: Finding) -> None:
        self._findings.append(finding)


def _available(algorithm: str) -> bool:
    try:
        hashlib.new(hashlib_name(algorithm))
    except ValueError:
        return False
    return True


def _finding(fault: Fault) -> Finding:
    make: Callable[..., Finding] = failure if fault.fatal else warning
    return make(fault.code, Property.INTEGRITY, fault.path, fault.template, fault.remedy, **fault.parameters)


def _placement(path: str) -> Placement:
    if path.startswith(PAYLOAD + "/"):
        return Placement(source=path, role=Role.CONTENT, path=path.removeprefix(PAYLOAD + "/"))
    return Placement(source=path, role=Role.OTHER, path=f"submission/{path}")


def _description(elements: Iterable[Element]) -> Description:
    elements = list(elements)

    def first(*labels: str) -> str:
        return next(_values(elements, labels), "")

    date = first("Bagging-Date")
    title = first("Title", "External-Description", "Internal-Sender-Description")
    description = first("External-Description")
    return Description(
        identifier=first("External-Identifier", "Internal-Sender-Identifier"),
        title=title,
        unit=first("Source-Organization"),
        dates=(date,) if _DATE.fullmatch(date) else (),
        abstract=description if description != title else "",
        elements=tuple(
            Described(scheme="bag-info", name=element.label, value=element.value, sensitive=element.label.casefold() in _SENSITIVE)
            for element in elements
        ),
    )


def _values(elements: list[Element], labels: tuple[str, ...]) -> Iterator[str]:
    for label in labels:
        for element in elements:
            if element.label.casefold() == label.casefold() and element.value:
                yield element.value
