"""Reads PREMIS 3.0 as a stream, back to the values that were written, or to what of another system's document fits them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from metadata.errors import N_, MalformedXml
from metadata.premis import lines
from metadata.premis.values import (
    Agent,
    AgentLink,
    Entity,
    Event,
    File,
    FileDigests,
    Fixity,
    IntellectualEntity,
    ObjectLink,
    RepresentationObject,
    Rights,
)
from metadata.premis.writer import MEDIA_TYPES, NAMESPACE, NOT_IDENTIFIED, PRONOM, RAW_NAME, UNKNOWN_FORMAT
from metadata.times import parse_moment, parse_seconds
from metadata.xml import Element, iterate, text_of

_P: Final = f"{{{NAMESPACE}}}"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SKIP: Final = len(_P)
#: Elements whose texts belong together, because the whole of them repeats.
_GROUPS: Final = frozenset(
    {"fixity", "format", "significantProperties", "relationship", "linkingAgentIdentifier", "linkingObjectIdentifier"}
)
#: Elements that end such a group when they follow it.
_AFTER_GROUPS: Final = frozenset({"objectCharacteristics", "size", "creatingApplication", "originalName", "storage"})
_UNKNOWN: Final = "*unknown"
_OURS: Final = {"SHA-512": 64, "SHA-256": 32, "SM3": 32}


def read(stream: BinaryIO, subject: str, *, prefix: str = "") -> Iterator[Entity]:
    """Gives every entity of a PREMIS 3 document, in its order.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.
        prefix: taken from the front of each file's path (the counterpart of `write`'s).

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed, not PREMIS 3, or an entity without what it must have.
    """
    root_seen = False
    for element in iterate(stream, subject, [f"{_P}object", f"{_P}event", f"{_P}agent", f"{_P}rights"]):
        root_seen = True
        kind = element.tag[_SKIP:]
        if kind == "object":
            yield lines.file(text_of(element), prefix) or _object(element, subject, prefix)
        elif kind == "event":
            yield lines.event(text_of(element)) or _event(element, subject)
        elif kind == "agent":
            yield _agent(element)
        else:
            yield from map(_rights, element.iterfind(f"{_P}rightsStatement"))
    if not root_seen:
        raise MalformedXml(
            "PREMIS_EMPTY",
            N_("{subject} holds no PREMIS 3 object, event, agent or rights statement."),
            subject=subject,
            remedy=N_("Check that the file is a PREMIS 3 document; older versions must be converted first."),
        )


def _text(element: Element | None, *path: str) -> str:
    for step in path:
        if element is None:
            return ""
        element = element.find(_P + step)
    return (element.text or "") if element is not None else ""


def _broken(subject: str, what: str, value: str) -> MalformedXml:
    return MalformedXml(
        "PREMIS_VALUE",
        N_("{subject} has a {what} that cannot be understood: “{value}”."),
        subject=subject,
        remedy=N_("Correct the value; PREMIS 3 says how it is written."),
        what=what,
        value=value[:80],
    )


class _Leaves:
    """The texts below an entity, gathered in one walk: those that repeat by the group they stand in, the others by name."""

    def __init__(self, element: Element) -> None:
        self._single: dict[str, str] = {}
        self._groups: dict[str, list[dict[str, str]]] = {}
        group = self._single
        for node in element.iter():
            tag = node.tag
            if not tag.startswith(_P):
                continue
            name = tag[_SKIP:]
            if name in _GROUPS:
                group = {}
                self._groups.setdefault(name, []).append(group)
            elif name in _AFTER_GROUPS:
                group = self._single
                group.setdefault(name, node.text or "")
            elif name in group:
                # only the objects of one relationship repeat within their group
                group[name] += "\0" + (node.text or "")
            else:
                group[name] = node.text or ""
                if name == "formatName" and node.text == UNKNOWN_FORMAT and node.get("authority") == "none":
                    group[_UNKNOWN] = UNKNOWN_FORMAT

    def first(self, name: str) -> str:
        return self._single.get(name, "").partition("\0")[0]

    def groups(self, name: str) -> list[dict[str, str]]:
        return self._groups.get(name, [])


def _object(element: Element, subject: str, prefix: str) -> Entity:
    category = (element.get(_TYPE) or "").rpartition(":")[2]
    found = _Leaves(element)
    if category == "file":
        return _file(found, subject, prefix)
    identifier = found.first("objectIdentifierValue")
    name = found.first("originalName")
    if category == "intellectualEntity":
        return IntellectualEntity(identifier=identifier, name=name)
    if category in ("representation", "bitstream"):
        return RepresentationObject(identifier=identifier, name=name, derived_from=_sources(found))
    raise _broken(subject, "xsi:type", category)


def _sources(found: _Leaves) -> tuple[str, ...]:
    return tuple(
        value
        for relationship in found.groups("relationship")
        if relationship.get("relationshipSubType") == "has source"
        for value in relationship.get("relatedObjectIdentifierValue", "").split("\0")
    )


def _file(found: _Leaves, subject: str, prefix: str) -> File:
    size = found.first("size")
    if not size.isdecimal():
        raise _broken(subject, "size", size)
    digests: dict[str, bytes] = {}
    originator = ""
    others: list[Fixity] = []
    for fixity in found.groups("fixity"):
        algorithm, digest, origin = (fixity.get(f"messageDigest{part}", "") for part in ("Algorithm", "", "Originator"))
        if algorithm in _OURS and algorithm not in digests and len(digest) == 2 * _OURS[algorithm]:
            try:
                digests[algorithm] = bytes.fromhex(digest)
            except ValueError as error:
                raise _broken(subject, "messageDigest", digest) from error
            originator = originator or origin
        else:
            others.append(Fixity(algorithm=algorithm, digest=digest, originator=origin))
    whole = len(digests) == len(_OURS)
    if not whole:
        others[:0] = [Fixity(algorithm=algorithm, digest=value.hex(), originator=originator) for algorithm, value in digests.items()]
    format_name, version, puid, mime, note = _format(found)
    made = found.first("dateCreatedByApplication")
    return File(
        path=found.first("objectIdentifierValue").removeprefix(prefix),
        size=int(size),
        digests=FileDigests(digests["SHA-512"], digests["SHA-256"], digests["SM3"]) if whole else None,
        format_name=format_name,
        format_version=version,
        puid=puid,
        mime=mime,
        format_note=note,
        original_name=found.first("originalName"),
        raw_name=_raw_name(found, subject),
        modified=parse_seconds(made) if made else None,
        application=found.first("creatingApplicationName"),
        application_version=found.first("creatingApplicationVersion"),
        derived_from=_sources(found),
        originator=originator if whole else "",
        fixity=tuple(others),
    )


def _format(found: _Leaves) -> tuple[str, str, str, str, str]:
    name = version = puid = mime = note = ""
    for one in found.groups("format"):
        registry = one.get("formatRegistryName", "")
        if registry == MEDIA_TYPES:
            mime = one.get("formatRegistryKey", "")
            continue
        if registry.upper().startswith(PRONOM):
            puid = one.get("formatRegistryKey", "")
        note = one.get("formatNote", "")
        name = one.get("formatName", "")
        version = one.get("formatVersion", "")
        if one.get(_UNKNOWN):
            name, note = "", "" if note == NOT_IDENTIFIED else note
    return name, version, puid, mime, note


def _raw_name(found: _Leaves, subject: str) -> bytes | None:
    for properties in found.groups("significantProperties"):
        if properties.get("significantPropertiesType") == RAW_NAME:
            value = properties.get("significantPropertiesValue", "")
            try:
                return bytes.fromhex(value)
            except ValueError as error:
                raise _broken(subject, "significantPropertiesValue", value) from error
    return None


def _event(element: Element, subject: str) -> Event:
    found = _Leaves(element)
    at = found.first("eventDateTime")
    try:
        moment = parse_moment(at)
    except ValueError as error:
        raise _broken(subject, "eventDateTime", at) from error
    return Event(
        identifier=found.first("eventIdentifierValue"),
        type=found.first("eventType"),
        at=moment,
        detail=found.first("eventDetail"),
        outcome=found.first("eventOutcome"),
        outcome_note=found.first("eventOutcomeDetailNote"),
        agents=tuple(
            AgentLink(identifier=link.get("linkingAgentIdentifierValue", ""), role=link.get("linkingAgentRole", ""))
            for link in found.groups("linkingAgentIdentifier")
        ),
        objects=_object_links(found),
    )


def _object_links(found: _Leaves) -> tuple[ObjectLink, ...]:
    return tuple(
        ObjectLink(
            identifier=link.get("linkingObjectIdentifierValue", ""),
            kind=link.get("linkingObjectIdentifierType", ""),
            role=link.get("linkingObjectRole", ""),
        )
        for link in found.groups("linkingObjectIdentifier")
    )


def _agent(element: Element) -> Agent:
    return Agent(
        identifier=_text(element, "agentIdentifier", "agentIdentifierValue"),
        name=_text(element, "agentName"),
        kind=_text(element, "agentType"),
        version=_text(element, "agentVersion"),
        note=_text(element, "agentNote"),
    )


def _rights(element: Element) -> Rights:
    statute = element.find(f"{_P}statuteInformation")
    other = element.find(f"{_P}otherRightsInformation")
    granted = element.find(f"{_P}rightsGranted")
    basis = _text(element, "rightsBasis")
    return Rights(
        identifier=_text(element, "rightsStatementIdentifier", "rightsStatementIdentifierValue"),
        basis=_text(other, "otherRightsBasis") or basis,
        jurisdiction=_text(statute, "statuteJurisdiction"),
        citation=_text(statute, "statuteCitation"),
        note=_text(statute, "statuteNote") or _text(other, "otherRightsNote"),
        act=_text(granted, "act"),
        restrictions=tuple(limit.text or "" for limit in granted.iterfind(f"{_P}restriction")) if granted is not None else (),
        start=_text(granted, "termOfGrant", "startDate"),
        end=_text(granted, "termOfGrant", "endDate"),
        objects=_object_links(_Leaves(element)),
    )
