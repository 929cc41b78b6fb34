"""Writes PREMIS 3.0 as a stream: one entity a line, memory flat for any number of them.

Speed matters here (two or three entities a file, 10⁵ files a package), so entities are put together as text. Every value
goes through `metadata.xml.escape`; a test holds the result equal to a tree built by lxml.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
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
from metadata.xml import Destination, Writer, escape, escape_words

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
        for thing in objects:
            out.raw(_abstract(thing))
        for file in files:
            out.raw(_file(file, prefix))
        for event in events:
            out.raw(_event(event))
        for agent in agents:
            out.raw(_agent(agent))
        for statement in rights:
            out.raw(_rights(statement))
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


def _fixity(algorithm: str, digest: str, originator: str) -> str:
    origin = f"<messageDigestOriginator>{originator}</messageDigestOriginator>" if originator else ""
    return f"<fixity><messageDigestAlgorithm>{algorithm}</messageDigestAlgorithm><messageDigest>{digest}</messageDigest>{origin}</fixity>"


def _digests(digests: Digests | None, originator: str, more: tuple[Fixity, ...]) -> str:
    text = ""
    if digests is not None:
        origin = escape(originator)
        text = (
            _fixity("SHA-512", digests.sha512.hex(), origin)
            + _fixity("SHA-256", digests.sha256.hex(), origin)
            + _fixity("SM3", digests.sm3.hex(), origin)
        )
    for one in more:
        text += _fixity(escape(one.algorithm), escape(one.digest), escape(one.originator))
    return text


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
    if not (file.application or file.application_version or made):
        return ""
    name = f"<creatingApplicationName>{escape_words(file.application)}</creatingApplicationName>" if file.application else ""
    version = _optional("creatingApplicationVersion", file.application_version)
    date = f"<dateCreatedByApplication>{made}</dateCreatedByApplication>" if made else ""
    return f"<creatingApplication>{name}{version}{date}</creatingApplication>"


def _file(file: File, prefix: str) -> str:
    raw = ""
    if file.raw_name is not None:
        raw = (
            f"<significantProperties><significantPropertiesType>{RAW_NAME}</significantPropertiesType>"
            f"<significantPropertiesValue>{file.raw_name.hex()}</significantPropertiesValue></significantProperties>"
        )
    name = f"<originalName>{escape(file.original_name)}</originalName>" if file.original_name else ""
    return (
        f'<object xsi:type="file"><objectIdentifier><objectIdentifierType>path</objectIdentifierType>'
        f"<objectIdentifierValue>{escape(prefix + file.path)}</objectIdentifierValue></objectIdentifier>{raw}"
        f"<objectCharacteristics>{_digests(file.digests, file.originator, file.fixity)}<size>{file.size}</size>"
        f"{_format(file.format_name, file.format_version, file.puid, file.mime, file.format_note)}{_application(file)}"
        f"</objectCharacteristics>{name}{_derivation('path', file.derived_from)}</object>\n"
    )


@lru_cache(maxsize=256)
def _agent_link(link: AgentLink) -> str:
    role = _term("linkingAgentRole", "eventRelatedAgentRole", link.role) if link.role else ""
    return (
        "<linkingAgentIdentifier><linkingAgentIdentifierType>local</linkingAgentIdentifierType>"
        f"<linkingAgentIdentifierValue>{escape(link.identifier)}</linkingAgentIdentifierValue>{role}</linkingAgentIdentifier>"
    )


def _object_link(link: ObjectLink) -> str:
    role = _term("linkingObjectRole", "eventRelatedObjectRole", link.role) if link.role else ""
    return (
        f"<linkingObjectIdentifier><linkingObjectIdentifierType>{escape(link.kind)}</linkingObjectIdentifierType>"
        f"<linkingObjectIdentifierValue>{escape(link.identifier)}</linkingObjectIdentifierValue>{role}</linkingObjectIdentifier>"
    )


def _event(event: Event) -> str:
    detail = ""
    if event.detail:
        detail = f"<eventDetailInformation><eventDetail>{escape_words(event.detail)}</eventDetail></eventDetailInformation>"
    outcome = _term("eventOutcome", "eventOutcome", event.outcome) if event.outcome else ""
    if event.outcome_note:
        outcome += (
            f"<eventOutcomeDetail><eventOutcomeDetailNote>{escape_words(event.outcome_note)}</eventOutcomeDetailNote></eventOutcomeDetail>"
        )
    outcome = f"<eventOutcomeInformation>{outcome}</eventOutcomeInformation>" if outcome else ""
    return (
        f"<event><eventIdentifier><eventIdentifierType>UUID</eventIdentifierType>"
        f"<eventIdentifierValue>{escape(event.identifier)}</eventIdentifierValue></eventIdentifier>"
        f"{_term('eventType', 'eventType', event.type)}<eventDateTime>{format_moment(event.at)}</eventDateTime>{detail}{outcome}"
        f"{''.join(map(_agent_link, event.agents))}{''.join(map(_object_link, event.objects))}</event>\n"
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
        f"{''.join(map(_object_link, statement.objects))}</rightsStatement></rights>\n"
    )
