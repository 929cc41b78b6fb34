"""Profile ``eark``: information packages of the E-ARK specifications (CSIP, SIP, AIP 2.x).

The package is checked against CSIP and SIP requirement by requirement; each is named by its own number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import BinaryIO, Final

from ingest.sip import Declared, PackageTree, Placement, Recognition, Role, Sip
from metadata import dat46, dublin_core, ead
from metadata.description import Description, Element
from metadata.eark import Level, Violation, validate_csip
from metadata.eark import violations as texts
from metadata.eark.package import METS_FILE
from metadata.errors import MetadataError
from metadata.mets import reader as mets
from metadata.mets.values import path_of
from metadata.vocabularies import CHECKSUM_TYPES
from repository.archive import utc_now
from repository.findings import N_, Finding, Outcome, Property, Severity
from storage.digests import ALGORITHMS, Digester

NAME: Final = "eark"
_REPRESENTATIONS: Final = "representations/"
_DATA: Final = re.compile(r"representations/([^/]+)/data/(.+)", re.DOTALL)
#: Folders of the package, or of one representation, and what lies in them.
_FOLDERS: Final = (
    ("metadata/descriptive/", Role.DESCRIPTIVE),
    ("metadata/preservation/", Role.PRESERVATION),
    ("documentation/", Role.DOCUMENTATION),
    ("schemas/", Role.SCHEMA),
)
#: Violations that mean that something is not there or not as stated; the others are of form.
_INTEGRITY: Final = frozenset(
    {
        texts.MISSING,
        texts.EMPTY,
        texts.TARGET,
        texts.UNPOINTED,
        texts.SIZE,
        texts.DIGEST,
        texts.LINE_ENDS,
        texts.NOT_DIGESTED,
        texts.UNLISTED,
        texts.FOLDER,
        texts.FILE,
    }
)
_WEIGHTS: Final = {
    Level.MUST: (Severity.ERROR, Outcome.FAIL),
    Level.SHOULD: (Severity.WARNING, Outcome.WARN),
    Level.MAY: (Severity.INFO, Outcome.WARN),
}
_HEAD: Final = 16 * 1024
_BLOCK: Final = 1 << 18
_DESCRIPTION_LIMIT: Final = 100


class EarkProfile:
    """Reads E-ARK packages.

    Args:
        clock: says the present time; dates in a package must not lie after it.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock

    @property
    def name(self) -> str:
        """``eark``."""
        return NAME

    def recognise(self, tree: PackageTree) -> Recognition:
        """By METS.xml at the top and what its first bytes say, and by the folders."""
        folders = {path.partition("/")[0] for path in (*tree.files, *(f"{folder}/" for folder in tree.folders)) if "/" in path}
        if METS_FILE in tree.files:
            with tree.open(METS_FILE) as stream:
                head = stream.read(_HEAD).replace(b"\0", b"")
            if b"dilcis.eu" in head.lower() or b"e-ark" in head.lower():
                return _recognition(97, N_("METS.xml names an E-ARK profile"))
            if "representations" in folders:
                return _recognition(75, N_("METS.xml and representations/ at the top"))
            return _recognition(20, N_("METS.xml at the top, of no E-ARK profile"))
        known = folders & {"representations", "metadata", "schemas", "documentation"}
        if "representations" in folders and len(known) > 1:
            return _recognition(60, N_("folders of an E-ARK package, but no METS.xml"))
        return _recognition(0, N_("neither METS.xml nor the folders of an E-ARK package"))

    def read(self, tree: PackageTree) -> Sip:
        """Reads the METS documents and checks everything they say."""
        view = _View(tree)
        violations = validate_csip(view, now=self._clock())
        contents = _Contents()
        for path in [METS_FILE, *sorted(filter(_is_representation_document, tree.files))]:
            if path in tree.files:
                contents.read(tree, path)
        return Sip(
            profile=NAME,
            description=_describe(tree, contents),
            placements=[_placement(path) for path in tree.files],
            declared=contents.declared,
            findings=[_finding(violation) for violation in violations],
            attributes=contents.attributes,
        )


profile = EarkProfile()


def _recognition(score: int, reason: str) -> Recognition:
    return Recognition(profile=NAME, score=score, reason=reason)


def _is_representation_document(path: str) -> bool:
    return path.startswith(_REPRESENTATIONS) and path.split("/")[2:] == [METS_FILE]


@dataclass(frozen=True)
class _View:
    """The received package as the checks of `metadata.eark` see it."""

    tree: PackageTree

    @property
    def name(self) -> str:
        return self.tree.name

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        return {path: file.size for path, file in self.tree.files.items()}

    @cached_property
    def folders(self) -> Collection[str]:
        folders = set(self.tree.folders)
        for path in (*self.tree.files, *self.tree.folders):
            while "/" in path:
                path = path.rpartition("/")[0]
                if path in folders:
                    break
                folders.add(path)
        return folders

    def open(self, path: str) -> BinaryIO:
        return self.tree.open(path)

    def digest(self, path: str, algorithm: str) -> str | None:
        if algorithm in ALGORITHMS:
            return self.tree.files[path].digests.hex(algorithm)
        try:
            digester = Digester((algorithm,))
            with self.tree.open(path) as stream:
                while block := stream.read(_BLOCK):
                    digester.update(block)
        except (OSError, ValueError):
            return None
        return digester.hexdigests()[algorithm]


class _Contents:
    """What the METS documents of a package say that later steps need."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.attributes: dict[str, str] = {}
        self.identifier = ""
        self.label = ""
        self.agents: list[Element] = []
        self.described: list[tuple[str, str]] = []

    def read(self, tree: PackageTree, path: str) -> None:
        """Takes what one document says; one that cannot be read has been told of by the checks."""
        try:
            with tree.open(path) as stream:
                for part in mets.MetsReader(stream, path):
                    self._take(tree, path, part)
        except (MetadataError, OSError):
            return

    def _take(self, tree: PackageTree, path: str, part: mets.Part) -> None:
        if isinstance(part, mets.FileItem):
            target = _resolve(path, part.path)
            # what is not there, or not content, the checks of the specification have compared already
            if target in tree.files and _DATA.fullmatch(target):
                self.declared += _declared(path, target, part.attributes)
        elif path != METS_FILE:
            return
        elif isinstance(part, mets.Root):
            self.identifier = part.attributes.get("OBJID", "")
            self.label = part.attributes.get("LABEL", "")
            self.attributes["profile"] = part.attributes.get("PROFILE", "")
        elif isinstance(part, mets.Header):
            self.attributes["record_status"] = part.attributes.get("RECORDSTATUS", "")
            self.agents += (_agent_element(agent) for agent in part.agents if agent.names)
            self.attributes.update((kind.lower(), value) for kind, value in part.alternatives if kind and value)
        elif isinstance(part, mets.Section) and part.kind == "dmdSec" and part.reference and len(self.described) < _DESCRIPTION_LIMIT:
            target = _resolve(path, path_of(part.reference.get(mets.HREF, "")))
            if target in tree.files and not target.startswith(_REPRESENTATIONS):
                self.described.append((part.reference.get("MDTYPE", ""), target))


def _resolve(document: str, target: str) -> str:
    parts: list[str] = document.split("/")[:-1]
    for part in target.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _declared(document: str, target: str, attributes: mets.Attributes) -> Iterator[Declared]:
    size = attributes.get("SIZE", "").strip()
    named = attributes.get("CHECKSUMTYPE", "")
    digest = attributes.get("CHECKSUM", "").strip().lower()
    algorithm = CHECKSUM_TYPES.get(named) or named.lower()
    yield Declared(
        path=target,
        source=document,
        algorithm=algorithm if digest else "",
        digest=digest if algorithm else "",
        size=int(size) if size.isdecimal() else None,
    )


def _agent_element(agent: mets.Agent) -> Element:
    role = agent.attributes.get("OTHERROLE") or agent.attributes.get("ROLE", "")
    kind = agent.attributes.get("OTHERTYPE") or agent.attributes.get("TYPE", "")
    return Element(scheme="mets", name=f"agent/{role}/{kind}", value=agent.names[0])


def _describe(tree: PackageTree, contents: _Contents) -> Description:
    """The description files in their order, the first that has a field filling it; METS itself for what none has."""
    description = Description()
    for kind, path in contents.described:
        found = _read_description(tree, kind, path)
        if found is not None:
            description = _merged(description, found)
    own = [Element(scheme="mets", name="OBJID", value=contents.identifier), Element(scheme="mets", name="LABEL", value=contents.label)]
    return replace(
        description,
        identifier=description.identifier or contents.identifier,
        title=description.title or contents.label or contents.identifier or tree.name,
        elements=(*description.elements, *(one for one in own if one.value), *contents.agents),
    )


def _read_description(tree: PackageTree, kind: str, path: str) -> Description | None:
    readers = {"DC": dublin_core.read, "EAD": ead.read, "OTHER": dat46.read_record}
    if kind not in readers or not path.lower().endswith(".xml"):
        return None
    try:
        with tree.open(path) as stream:
            return readers[kind](stream, path)
    except (MetadataError, OSError):
        # a document of another scheme under OTHER, or a broken one; the checks of XML files tell of the latter
        return None


def _merged(first: Description, second: Description) -> Description:
    fields = {name: getattr(first, name) or getattr(second, name) for name in Description.__dataclass_fields__ if name != "elements"}
    return Description(**fields, elements=first.elements + second.elements)


def _placement(path: str) -> Placement:
    content = _DATA.fullmatch(path)
    if content:
        return Placement(source=path, role=Role.CONTENT, path=content.group(2), representation=content.group(1))
    prefix, below = "", path
    if path.startswith(_REPRESENTATIONS) and path.count("/") > 1:
        representation = path.split("/")[1]
        prefix = f"{_REPRESENTATIONS}{representation}/"
        below = path.removeprefix(prefix)
    for folder, role in _FOLDERS:
        if below.startswith(folder) and len(below) > len(folder):
            return Placement(source=path, role=role, path=prefix + below.removeprefix(folder))
    return Placement(source=path, role=Role.OTHER, path=f"submission/{path}")


def _finding(violation: Violation) -> Finding:
    severity, outcome = _WEIGHTS[violation.level] if violation.checked else (Severity.WARNING, Outcome.NOT_CHECKED)
    return Finding(
        code=violation.code,
        property=Property.INTEGRITY if violation.message in _INTEGRITY else Property.USABILITY,
        severity=severity,
        outcome=outcome,
        subject=violation.subject,
        message=violation.message,
        remedy=violation.remedy,
        parameters=violation.parameters,
    )
