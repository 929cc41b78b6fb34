"""Reads a package of ours back from its metadata files: everything that `write_package` was given, equal to it.

Lists that may be long (files, events) are read again from their document each time they are iterated, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO, Generic, TypeVar

from metadata import dat46, premis
from metadata.description import Description
from metadata.eark.package import METS_FILE, PREMIS_FILE, RECORD_FILE, InformationPackage, Representation
from metadata.errors import N_, MalformedXml
from metadata.mets.reader import Division, Header, MetsReader, Root, StructureMap
from metadata.mets.values import HeaderAgent
from metadata.mets.writer import CSIP_NAMESPACE
from metadata.premis import Agent, Event, File, RepresentationObject, Rights
from metadata.times import parse_moment
from metadata.vocabularies import PackageKind

Kind = TypeVar("Kind", File, Event, Agent, Rights)
Open = Callable[[str], BinaryIO]


class _Stored(Generic[Kind]):
    """The entities of one kind in a PREMIS document; read from it each time."""

    def __init__(self, open: Open, path: str, kind: type[Kind], prefix: str = "") -> None:
        self._open = open
        self._path = path
        self._kind: type[Kind] = kind
        self._prefix = prefix

    def __iter__(self) -> Iterator[Kind]:
        with self._open(self._path) as stream:
            for entity in premis.read(stream, self._path, prefix=self._prefix):
                if isinstance(entity, self._kind):
                    yield entity


def read_package(open: Open) -> InformationPackage:
    """What a package that `write_package` wrote says of itself.

    Args:
        open: opens a file of the package by its path; called again whenever a list is iterated.

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: a document is broken or not one of ours.
        OSError, KeyError: whatever `open` raises for a file that is not there.
    """
    root, header, labels = _contents(open)
    attributes = root.attributes
    kind = header.attributes.get(f"{{{CSIP_NAMESPACE}}}OAISPACKAGETYPE", "")
    if kind not in list(PackageKind):
        raise _broken("OAISPACKAGETYPE", kind)
    agents = header.header_agents()
    software = _first(agents, lambda agent: agent.other_type == "SOFTWARE")
    version = software.note if software else ""
    with open(RECORD_FILE) as stream:
        description: Description = dat46.read_record(stream, RECORD_FILE)
    return InformationPackage(
        kind=PackageKind(kind),
        identifier=attributes.get("OBJID", ""),
        label=attributes.get("LABEL", ""),
        created=_moment(header, "CREATEDATE"),
        modified=_moment(header, "LASTMODDATE"),
        record_status=header.attributes.get("RECORDSTATUS", ""),
        archive=_name(_first(agents, lambda agent: agent.role == "PRESERVATION")),
        creator=_name(_first(agents, _is_submitter)),
        software=_name(software),
        software_version="" if version == "unknown" else version,
        agreement=next((value for kind, value in header.alternatives if kind == "SUBMISSIONAGREEMENT"), ""),
        description=description,
        representations=tuple(_representation(open, label.partition("/")[2]) for label in labels),
        events=_Stored(open, PREMIS_FILE, Event),
        agents=_Stored(open, PREMIS_FILE, Agent),
        rights=_Stored(open, PREMIS_FILE, Rights),
        other=_Stored(open, PREMIS_FILE, File),
    )


def _broken(what: str, value: str) -> MalformedXml:
    return MalformedXml(
        "PACKAGE_METS",
        N_("{subject} has no usable {what}: “{value}”."),
        subject=METS_FILE,
        remedy=N_("Take METS.xml from another copy of the package."),
        what=what,
        value=value[:80],
    )


def _contents(open: Open) -> tuple[Root, Header, list[str]]:
    root: Root | None = None
    header: Header | None = None
    labels: list[str] = []
    with open(METS_FILE) as stream:
        for part in MetsReader(stream, METS_FILE):
            if isinstance(part, Root):
                root = part
            elif isinstance(part, Header):
                header = part
            elif isinstance(part, StructureMap):
                labels += [label for division in part.divisions for label in _labels(division)]
    if root is None or header is None or not root.is_mets:
        raise _broken("metsHdr", "")
    return root, header, labels


def _labels(division: Division) -> Iterator[str]:
    for below in division.divisions:
        label = below.attributes.get("LABEL", "")
        if label.startswith("Representations/") and any(pointer.kind == "mptr" for pointer in below.pointers):
            yield label
        yield from _labels(below)


def _first(agents: tuple[HeaderAgent, ...], fits: Callable[[HeaderAgent], bool]) -> HeaderAgent | None:
    return next(filter(fits, agents), None)


def _is_submitter(agent: HeaderAgent) -> bool:
    """Whether it handed the record over; a SIP calls it a creator (SIP15), as the program that made the package."""
    return agent.other_role == "SUBMITTER" or (agent.role == "CREATOR" and agent.type == "ORGANIZATION")


def _name(agent: HeaderAgent | None) -> str:
    return agent.name if agent is not None else ""


def _moment(header: Header, name: str) -> datetime:
    text = header.attributes.get(name, "")
    try:
        return parse_moment(text)
    except ValueError as error:
        raise _broken(name, text) from error


def _representation(open: Open, name: str) -> Representation:
    root = f"representations/{name}/"
    path = root + PREMIS_FILE
    with open(path) as stream:
        first = next(iter(premis.read(stream, path)))
    if not isinstance(first, RepresentationObject):
        raise _broken("representation", name)
    return Representation(
        id=name,
        name=first.name,
        derived_from=first.derived_from,
        files=_Stored(open, path, File, root + "data/"),
        events=_Stored(open, path, Event),
    )
