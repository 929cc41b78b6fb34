"""Reads METS as a stream: what a document says, part by part, as it was written; nothing is judged here.

Attributes are mappings with names in Clark notation (``{http://www.w3.org/1999/xlink}href``), as in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from metadata.errors import N_, MalformedXml
from metadata.mets.values import HeaderAgent, path_of
from metadata.mets.writer import CSIP_NAMESPACE, NAMESPACE, XLINK_NAMESPACE
from metadata.xml import Element, attributes_of, iterate

Attributes = Mapping[str, str]

HREF: Final = f"{{{XLINK_NAMESPACE}}}href"
_M: Final = f"{{{NAMESPACE}}}"
_SKIP: Final = len(_M)
_LOCATION: Final = f"{_M}FLocat"
_SECTIONS: Final = ("dmdSec", "techMD", "rightsMD", "sourceMD", "digiprovMD")
_TAGS: Final = [f"{_M}{name}" for name in ("mets", "metsHdr", *_SECTIONS, "amdSec", "file", "fileGrp", "fileSec", "structMap")]
#: A structural map is taken as one item; one with a division for every file may be large.
_ITEM_LIMIT: Final = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """The attributes of mets itself; the first thing given. `is_mets` is false for a document of another kind."""

    attributes: Attributes
    is_mets: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A note of an agent, with its csip:NOTETYPE or an empty string."""

    text: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """An agent of the header as written."""

    attributes: Attributes
    names: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """metsHdr: attributes, agents, further identifiers as (TYPE, value)."""

    attributes: Attributes
    agents: tuple[Agent, ...]
    alternatives: tuple[tuple[str, str], ...]

    def header_agents(self) -> tuple[HeaderAgent, ...]:
        """The agents as the writer takes them."""
        return tuple(
            HeaderAgent(
                role=agent.attributes.get("ROLE", ""),
                type=agent.attributes.get("TYPE", ""),
                name=agent.names[0] if agent.names else "",
                other_role=agent.attributes.get("OTHERROLE", ""),
                other_type=agent.attributes.get("OTHERTYPE", ""),
                note=agent.notes[0].text if agent.notes else "",
                note_type=agent.notes[0].type if agent.notes else "",
            )
            for agent in self.agents
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A metadata section (dmdSec, techMD, rightsMD, sourceMD, digiprovMD) with the attributes of its mdRef, if it has one."""

    kind: str
    attributes: Attributes
    reference: Attributes | None
    wrapped: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AdministrativeSection:
    """The end of an amdSec: how many parts of each kind it had."""

    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileItem:
    """A file of the file section, the attributes of each of its FLocat, and those of the group it lies in."""

    attributes: Attributes
    locations: tuple[Attributes, ...]
    group: Attributes

    @property
    def path(self) -> str:
        """The path of the first location, or an empty string."""
        return path_of(self.locations[0].get(HREF, "")) if self.locations else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The end of a file group: its attributes and how many files lay directly in it."""

    attributes: Attributes
    files: int
    groups: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSection:
    """The end of fileSec."""

    attributes: Attributes


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointer:
    """An fptr or mptr of a division."""

    kind: str
    attributes: Attributes


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """A div of the structural map."""

    attributes: Attributes
    pointers: tuple[Pointer, ...]
    divisions: tuple[Division, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StructureMap:
    """A structMap."""

    attributes: Attributes
    divisions: tuple[Division, ...]


Part = Root | Header | Section | AdministrativeSection | FileItem | Group | FileSection | StructureMap


class MetsReader:
    """Gives the parts of one METS document in their order, `Root` first.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.

    Iterating raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed, or not METS.
    """

    def __init__(self, stream: BinaryIO, subject: str) -> None:
        self._stream = stream
        self._subject = subject

    def __iter__(self) -> Iterator[Part]:
        rooted = False
        administrative: dict[str, int] = {}
        files = 0
        nested: dict[Element, int] = {}
        group: Element | None = None
        group_attributes: Attributes = {}
        for element in iterate(self._stream, self._subject, _TAGS, item_limit=_ITEM_LIMIT):
            if not rooted:
                rooted = True
                yield _root(element)
            name = element.tag[_SKIP:]
            if name == "file":
                parent = element.getparent()
                if parent is not group:
                    group, group_attributes, files = parent, attributes_of(parent) if parent is not None else {}, 0
                files += 1
                locations = tuple(map(attributes_of, element.iterchildren(_LOCATION)))
                yield FileItem(attributes=attributes_of(element), locations=locations, group=group_attributes)
            elif name == "fileGrp":
                own = files if element is group else 0
                yield Group(attributes=attributes_of(element), files=own, groups=nested.pop(element, 0))
                parent = element.getparent()
                if parent is not None and parent.tag == f"{_M}fileGrp":
                    nested[parent] = nested.get(parent, 0) + 1
                group, files = None, 0
            elif name in _SECTIONS:
                administrative[name] = administrative.get(name, 0) + 1
                yield _section(name, element)
            elif name == "metsHdr":
                yield _header(element)
            elif name == "amdSec":
                administrative.pop("dmdSec", None)
                yield AdministrativeSection(counts=dict(administrative))
                administrative.clear()
            elif name == "fileSec":
                yield FileSection(attributes=attributes_of(element))
            elif name == "structMap":
                yield StructureMap(attributes=attributes_of(element), divisions=_divisions(element))
        if not rooted:
            raise MalformedXml(
                "METS_NOT_METS",
                N_("{subject} is not a METS document."),
                subject=self._subject,
                remedy=N_("Check that METS.xml is the file that the package was made with."),
            )


def _root(element: Element) -> Root:
    root = element.getroottree().getroot()
    return Root(attributes=attributes_of(root), is_mets=root.tag == f"{_M}mets")


def _header(element: Element) -> Header:
    return Header(
        attributes=attributes_of(element),
        agents=tuple(
            Agent(
                attributes=attributes_of(agent),
                names=tuple(name.text or "" for name in agent.iterfind(f"{_M}name")),
                notes=tuple(
                    Note(text=note.text or "", type=note.get(f"{{{CSIP_NAMESPACE}}}NOTETYPE") or "") for note in agent.iterfind(f"{_M}note")
                ),
            )
            for agent in element.iterfind(f"{_M}agent")
        ),
        alternatives=tuple((entry.get("TYPE") or "", entry.text or "") for entry in element.iterfind(f"{_M}altRecordID")),
    )


def _section(name: str, element: Element) -> Section:
    reference = element.find(f"{_M}mdRef")
    return Section(
        kind=name,
        attributes=attributes_of(element),
        reference=attributes_of(reference) if reference is not None else None,
        wrapped=element.find(f"{_M}mdWrap") is not None,
    )


def _divisions(element: Element) -> tuple[Division, ...]:
    return tuple(
        Division(
            attributes=attributes_of(division),
            pointers=tuple(
                Pointer(kind=kind, attributes=attributes_of(pointer))
                for kind in ("mptr", "fptr")
                for pointer in division.iterfind(f"{_M}{kind}")
            ),
            divisions=_divisions(division),
        )
        for division in element.iterfind(f"{_M}div")
    )
