"""Writes PREMIS 3.0 as a stream: one entity a line, memory flat for any number of them.

Speed matters here (two or three entities a file, 10⁵ files a package), so entities are put together as text: what repeats from
one to the next (formats, terms, agents) is kept ready, and values are looked at together first (`metadata.xml.is_plain`) and
escaped one by one only where that is not enough. A test holds the result equal to a tree built by lxml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Final

from metadata import vocabularies
from metadata.premis.values import (
    Agent,
    AgentLink,
    Digests,
    Event,
    File,
    Fixity,
    IntellectualEntity,
    ObjectLink,
    RepresentationObject,
    Rights,
)
from metadata.times import format_moment, format_seconds
from metadata.xml import Destination, Writer, escape, escape_words, is_plain

NAMESPACE: Final = "http://www.loc.gov/premis/v3"
#: formatName and formatNote of a file whose format is not known; PREMIS wants a format for every file.
UNKNOWN_FORMAT: Final = "unknown"
NOT_IDENTIFIED: Final = "not identified"
#: significantPropertiesType of the submitted name's bytes, written in hexadecimal.
RAW_NAME: Final = "submitted file name (bytes in hexadecimal)"
PRONOM: Final = "PRONOM"
MEDIA_TYPES: Final = "IANA media types"

_OPEN: Final = (
    f'<premis xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{NAMESPACE} https://www.loc.gov/standards/premis/premis.xsd" version="3.0">\n'
)


def write(
    stream: Destination,
    *,
    files: Iterable[File] = (),
    objects: Iterable[RepresentationObject | IntellectualEntity] = (),
    events: Iterable[Event] = (),
    agents: Iterable[Agent] = (),
    rights: Iterable[Rights] = (),
    prefix: str = "",
) -> None:
    """Writes a PREMIS document; the schema wants objects, events, agents and rights in this order.

    Args:
        stream: open for writing bytes.
        prefix: put before the path of each of `files` (``representations/original/data/``).

    Raises:
        MetadataError: ``XML_CHARACTER``: a name or identifier holds a character that XML cannot carry. In words for people
            (details, notes) such characters become U+FFFD.
    """
    with Writer(stream, indent=False) as out:
        out.raw(_OPEN)
        out.pieces(map(_abstract, objects))
        out.pieces(map(_file, files, repeat(prefix)))
        out.pieces(_events(events))
        out.pieces(map(_agent, agents))
        out.pieces(map(_rights, rights))
        out.raw("</premis>\n")


def _optional(tag: str, text: str) -> str:
    return f"<{tag}>{escape_words(text)}</{tag}>" if text else ""


@lru_cache(maxsize=256)
def _term(tag: str, scheme: str, label: str) -> str:
    address = vocabularies.address(scheme, label)
    return f'<{tag} valueURI="{address}">{escape(label)}</{tag}>' if address else f"<{tag}>{escape(label)}</{tag}>"


def _identifier(element: str, kind: str, value: str) -> str:
    return f"<{element}><{element}Type>{escape(kind)}</{element}Type><{element}Value>{escape(value)}</{element}Value></{element}>"


def _derivation(kind: str, sources: tuple[str, ...]) -> str:
    if not sources:
        return ""
    related = "".join(_identifier("relatedObjectIdentifier", kind, source) for source in sources)
    return (
        "<relationship><relationshipType>derivation</relationshipType>"
        f"<relationshipSubType>has source</relationshipSubType>{related}</relationship>"
    )


def _abstract(thing: RepresentationObject | IntellectualEntity) -> str:
    name = f"<originalName>{escape(thing.name)}</originalName>" if thing.name else ""
    if isinstance(thing, IntellectualEntity):
        identifier = _identifier("objectIdentifier", "package", thing.identifier)
        return f'<object xsi:type="intellectualEntity">{identifier}{name}</object>\n'
    identifier = _identifier("objectIdentifier", "representation", thing.identifier)
    return f'<object xsi:type="representation">{identifier}{name}{_derivation("representation", thing.derived_from)}</object>\n'


@lru_cache(maxsize=64)
def _origin(originator: str) -> str:
    return f"<messageDigestOriginator>{escape(originator)}</messageDigestOriginator>" if originator else ""


def _fixity(one: Fixity) -> str:
    return (
        f"<fixity><messageDigestAlgorithm>{escape(one.algorithm)}</messageDigestAlgorithm>"
        f"<messageDigest>{escape(one.digest)}</messageDigest>{_origin(one.originator)}</fixity>"
    )


def _digests(digests: Digests | None, originator: str, more: tuple[Fixity, ...]) -> str:
    text = ""
    if digests is not None:
        origin = _origin(originator)
        text = (
            "<fixity><messageDigestAlgorithm>SHA-512</messageDigestAlgorithm>"
            f"<messageDigest>{digests.sha512.hex()}</messageDigest>{origin}</fixity>"
            "<fixity><messageDigestAlgorithm>SHA-256</messageDigestAlgorithm>"
            f"<messageDigest>{digests.sha256.hex()}</messageDigest>{origin}</fixity>"
            "<fixity><messageDigestAlgorithm>SM3</messageDigestAlgorithm>"
            f"<messageDigest>{digests.sm3.hex()}</messageDigest>{origin}</fixity>"
        )
    return text + "".join(map(_fixity, more)) if more else text


@lru_cache(maxsize=4096)
def _format(name: str, version: str, puid: str, mime: str, note: str) -> str:
    designation = ""
    if name or version or not puid:
        note = note if name else note or NOT_IDENTIFIED
        release = f"<formatVersion>{escape(version)}</formatVersion>" if version else ""
        designation = f"<formatDesignation><formatName>{escape(name or UNKNOWN_FORMAT)}</formatName>{release}</formatDesignation>"
        designation = designation if name else designation.replace("<formatName>", '<formatName authority="none">', 1)
    registry = _registry(PRONOM, puid) if puid else ""
    media = f"<format>{_registry(MEDIA_TYPES, mime)}</format>" if mime else ""
    return f"<format>{designation}{registry}{_optional('formatNote', note)}</format>{media}"


def _registry(name: str, key: str) -> str:
    return (
        f"<formatRegistry><formatRegistryName>{name}</formatRegistryName>"
        f"<formatRegistryKey>{escape(key)}</formatRegistryKey></formatRegistry>"
    )


def _application(file: File) -> str:
    made = format_seconds(file.modified) if file.modified is not None else None
    date = f"<dateCreatedByApplication>{made}</dateCreatedByApplication>" if made else ""
    if file.application or file.application_version:
        name = _optional("creatingApplicationName", file.application)
        date = f"{name}{_optional('creatingApplicationVersion', file.application_version)}{date}"
    return f"<creatingApplication>{date}</creatingApplication>" if date else ""


def _raw_name(name: bytes) -> str:
    return (
        f"<significantProperties><significantPropertiesType>{RAW_NAME}</significantPropertiesType>"
        f"<significantPropertiesValue>{name.hex()}</significantPropertiesValue></significantProperties>"
    )


def _file(file: File, prefix: str) -> str:
    path, name = prefix + file.path, file.original_name
    if not is_plain(path + name):
        path, name = escape(path), escape(name)
    raw = _raw_name(file.raw_name) if file.raw_name is not None else ""
    if name:
        name = f"<originalName>{name}</originalName>"
    source = _derivation("path", file.derived_from) if file.derived_from else ""
    return (
        '<object xsi:type="file"><objectIdentifier><objectIdentifierType>path</objectIdentifierType>'
        f"<objectIdentifierValue>{path}</objectIdentifierValue></objectIdentifier>{raw}"
        f"<objectCharacteristics>{_digests(file.digests, file.originator, file.fixity)}<size>{file.size}</size>"
        f"{_format(file.format_name, file.format_version, file.puid, file.mime, file.format_note)}{_application(file)}"
        f"</objectCharacteristics>{name}{source}</object>\n"
    )


@lru_cache(maxsize=256)
def _agent_link(identifier: str, role: str) -> str:
    term = _term("linkingAgentRole", "eventRelatedAgentRole", role) if role else ""
    return (
        "<linkingAgentIdentifier><linkingAgentIdentifierType>local</linkingAgentIdentifierType>"
        f"<linkingAgentIdentifierValue>{escape(identifier)}</linkingAgentIdentifierValue>{term}</linkingAgentIdentifier>"
    )


def _agent_links(links: tuple[AgentLink, ...]) -> str:
    return "".join([_agent_link(link.identifier, link.role) for link in links])


@lru_cache(maxsize=256)
def _object_link(kind: str, identifier: str, role: str) -> str:
    term = _term("linkingObjectRole", "eventRelatedObjectRole", role) if role else ""
    return (
        f"<linkingObjectIdentifier><linkingObjectIdentifierType>{escape(kind)}</linkingObjectIdentifierType>"
        f"<linkingObjectIdentifierValue>{escape(identifier)}</linkingObjectIdentifierValue>{term}</linkingObjectIdentifier>"
    )


def _object_links(links: tuple[ObjectLink, ...]) -> str:
    return "".join([_object_link(link.kind, link.identifier, link.role) for link in links])


@lru_cache(maxsize=256)
def _outcome(outcome: str) -> str:
    return f"<eventOutcomeInformation>{_term('eventOutcome', 'eventOutcome', outcome)}</eventOutcomeInformation>" if outcome else ""


def _noted_outcome(outcome: str, note: str) -> str:
    term = _term("eventOutcome", "eventOutcome", outcome) if outcome else ""
    detail = f"<eventOutcomeDetail><eventOutcomeDetailNote>{escape_words(note)}</eventOutcomeDetailNote></eventOutcomeDetail>"
    return f"<eventOutcomeInformation>{term}{detail}</eventOutcomeInformation>"


def _events(events: Iterable[Event]) -> Iterator[str]:
    at: datetime | None = None
    moment = ""
    links: tuple[AgentLink, ...] = ()
    agents = ""
    for event in events:
        # the events of one run share their time and who did them more often than not
        if event.at is not at:
            at, moment = event.at, format_moment(event.at)
        if event.agents is not links:
            links, agents = event.agents, _agent_links(event.agents)
        identifier, detail, note = event.identifier, event.detail, event.outcome_note
        if not is_plain(identifier + detail):
            identifier, detail = escape(identifier), escape_words(detail)
        if detail:
            detail = f"<eventDetailInformation><eventDetail>{detail}</eventDetail></eventDetailInformation>"
        outcome = _noted_outcome(event.outcome, note) if note else _outcome(event.outcome)
        yield (
            "<event><eventIdentifier><eventIdentifierType>UUID</eventIdentifierType>"
            f"<eventIdentifierValue>{identifier}</eventIdentifierValue></eventIdentifier>"
            f"{_term('eventType', 'eventType', event.type)}<eventDateTime>{moment}</eventDateTime>{detail}{outcome}"
            f"{agents}{_object_links(event.objects) if event.objects else ''}</event>\n"
        )


def _agent(agent: Agent) -> str:
    return (
        f"<agent>{_identifier('agentIdentifier', 'local', agent.identifier)}{_optional('agentName', agent.name)}"
        f"{_term('agentType', 'agentType', agent.kind) if agent.kind else ''}{_optional('agentVersion', agent.version)}"
        f"{_optional('agentNote', agent.note)}</agent>\n"
    )


def _rights(statement: Rights) -> str:
    note = statement.note
    if statement.basis == "statute":
        basis = (
            f"<statuteInformation><statuteJurisdiction>{escape(statement.jurisdiction)}</statuteJurisdiction>"
            f"<statuteCitation>{escape(statement.citation)}</statuteCitation>{_optional('statuteNote', note)}</statuteInformation>"
        )
    else:
        basis = (
            f"<otherRightsInformation><otherRightsBasis>{escape(statement.basis)}</otherRightsBasis>"
            f"{_optional('otherRightsNote', note)}</otherRightsInformation>"
        )
    granted = ""
    if statement.act:
        limits = "".join(_optional("restriction", limit) for limit in statement.restrictions)
        end = f"<endDate>{escape(statement.end)}</endDate>" if statement.end else ""
        term = f"<termOfGrant><startDate>{escape(statement.start)}</startDate>{end}</termOfGrant>" if statement.start else ""
        granted = f"<rightsGranted><act>{escape(statement.act)}</act>{limits}{term}</rightsGranted>"
    return (
        f"<rights><rightsStatement>{_identifier('rightsStatementIdentifier', 'local', statement.identifier)}"
        f"<rightsBasis>{'statute' if statement.basis == 'statute' else 'other'}</rightsBasis>{basis}{granted}"
        f"{_object_links(statement.objects)}</rightsStatement></rights>\n"
    )
