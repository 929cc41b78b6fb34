"""Events and files in the one form in which `metadata.premis.write` writes them, taken apart by one expression each.

Going from element to element costs more than all else of reading, and a package of ours has 10⁵ entities of the same form. What
comes in is not the document but what the parser understood of it, written out anew: no comment, no section, no entity but
those of XML itself, every name space declared. Whatever has another form (another system's, or text with an escape in it) is
left to `metadata.premis.reader`, which gives the same values for these.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from metadata.premis.values import AgentLink, Event, File, FileDigests, ObjectLink
from metadata.premis.writer import MEDIA_TYPES, NAMESPACE, NOT_IDENTIFIED, PRONOM, RAW_NAME, UNKNOWN_FORMAT
from metadata.times import parse_moment, parse_seconds

_TEXT: Final = "([^<]*)"
_ADDRESS: Final = '(?: valueURI="[^"<>]*")?'
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def _in(tag: str, content: str = _TEXT, attributes: str = "") -> str:
    return f"<{tag}{attributes}>{content}</{tag}>"


def _maybe(pattern: str) -> str:
    return f"(?:{pattern})?"


def _link(name: str, kind: str, role: str) -> str:
    return _in(name, _in(f"{name}Type", kind) + _in(f"{name}Value") + _maybe(_in(role, _TEXT, _ADDRESS)))


def _all(pattern: str) -> str:
    """Any number of it, as one text."""
    return "((?:" + pattern.replace("(", "(?:").replace("(?:?:", "(?:") + ")*)"


_AGENT: Final = _link("linkingAgentIdentifier", "[^<]*", "linkingAgentRole")
_OBJECT: Final = _link("linkingObjectIdentifier", _TEXT, "linkingObjectRole")
_OUTCOME: Final = _maybe(_in("eventOutcome", _TEXT, _ADDRESS)) + _maybe(_in("eventOutcomeDetail", _in("eventOutcomeDetailNote")))
_EVENT: Final = re.compile(
    _in(
        "event",
        _in("eventIdentifier", _in("eventIdentifierType", "[^<]*") + _in("eventIdentifierValue"))
        + _in("eventType", _TEXT, _ADDRESS)
        + _in("eventDateTime")
        + _maybe(_in("eventDetailInformation", _in("eventDetail")))
        + _maybe(_in("eventOutcomeInformation", _OUTCOME))
        + _all(_AGENT)
        + _all(_OBJECT),
        f' xmlns="{NAMESPACE}"(?: xmlns:xsi="{_XSI}")?',
    )
).fullmatch
_AGENTS: Final = re.compile(_AGENT).findall
_OBJECTS: Final = re.compile(_OBJECT).findall

_REGISTRY: Final = _in("formatRegistry", _in("formatRegistryName", "{name}") + _in("formatRegistryKey"))
_DESIGNATION: Final = _in("formatDesignation", _in("formatName", _TEXT, '((?: authority="none")?)') + _maybe(_in("formatVersion")))
_FORMAT: Final = re.compile(
    _in("format", _maybe(_DESIGNATION) + _maybe(_REGISTRY.format(name=PRONOM)) + _maybe(_in("formatNote")))
    + _maybe(_in("format", _REGISTRY.format(name=MEDIA_TYPES)))
).fullmatch


def _fixity(algorithm: str, length: int, origin: str) -> str:
    return _in("fixity", _in("messageDigestAlgorithm", algorithm) + _in("messageDigest", f"([0-9a-f]{{{length}}})") + origin)


_SOURCE: Final = _in("relatedObjectIdentifier", _in("relatedObjectIdentifierType", "[^<]*") + _in("relatedObjectIdentifierValue"))
_SOURCES: Final = re.compile(_SOURCE).findall
_FILE: Final = re.compile(
    _in(
        "object",
        _in("objectIdentifier", _in("objectIdentifierType", "[^<]*") + _in("objectIdentifierValue"))
        + _maybe(
            _in(
                "significantProperties",
                _in("significantPropertiesType", re.escape(RAW_NAME)) + _in("significantPropertiesValue", "((?:[0-9a-f]{2})*)"),
            )
        )
        + _in(
            "objectCharacteristics",
            _fixity("SHA-512", 128, f"(?P<origin>{_maybe(_in('messageDigestOriginator', '(?P<originator>[^<]*)'))})")
            + _fixity("SHA-256", 64, "(?P=origin)")
            + _fixity("SM3", 64, "(?P=origin)")
            + _in("size", "([0-9]+)")
            + "(<format>.*</format>)"
            + _maybe(
                _in(
                    "creatingApplication",
                    _maybe(_in("creatingApplicationName"))
                    + _maybe(_in("creatingApplicationVersion"))
                    + _maybe(_in("dateCreatedByApplication")),
                )
            ),
        )
        + _maybe(_in("originalName"))
        + _maybe(
            _in("relationship", _in("relationshipType", "derivation") + _in("relationshipSubType", "has source") + _all(_SOURCE)),
        ),
        f' xmlns="{NAMESPACE}" xmlns:xsi="{_XSI}" xsi:type="file"',
    ),
    re.DOTALL,
).fullmatch


@lru_cache(maxsize=256)
def _agents(text: str) -> tuple[AgentLink, ...]:
    return tuple(AgentLink(identifier=identifier, role=role) for identifier, role in _AGENTS(text))


@lru_cache(maxsize=256)
def _objects(text: str) -> tuple[ObjectLink, ...]:
    return tuple(ObjectLink(identifier=identifier, kind=kind, role=role) for kind, identifier, role in _OBJECTS(text))


@lru_cache(maxsize=1024)
def _format(text: str) -> tuple[str, str, str, str, str] | None:
    found = _FORMAT(text)
    if found is None:
        return None
    authority, name, version, puid, note, mime = (part or "" for part in found.groups())
    if authority and name == UNKNOWN_FORMAT:
        name, note = "", "" if note == NOT_IDENTIFIED else note
    return name, version, puid, mime, note


def event(text: str) -> Event | None:
    """The event that a text says, or None if it has not our form."""
    found = None if "&" in text else _EVENT(text)
    if found is None:
        return None
    identifier, kind, at, detail, outcome, note, agents, objects = found.groups("")
    try:
        moment = parse_moment(at)
    except ValueError:
        return None
    return Event(
        identifier=identifier,
        type=kind,
        at=moment,
        detail=detail,
        outcome=outcome,
        outcome_note=note,
        agents=_agents(agents) if agents else (),
        objects=_objects(objects) if objects else (),
    )


def file(text: str, prefix: str) -> File | None:
    """The file that a text says, its path without `prefix`, or None if it has not our form."""
    found = None if "&" in text else _FILE(text)
    if found is None:
        return None
    path, raw_name, sha512, _, originator, sha256, sm3, size, formats, application, version, made, name, sources = found.groups()
    format = _format(formats)
    if format is None:
        return None
    return File(
        path=path.removeprefix(prefix),
        size=int(size),
        digests=FileDigests(bytes.fromhex(sha512), bytes.fromhex(sha256), bytes.fromhex(sm3)),
        format_name=format[0],
        format_version=format[1],
        puid=format[2],
        mime=format[3],
        format_note=format[4],
        original_name=name or "",
        raw_name=bytes.fromhex(raw_name) if raw_name is not None else None,
        modified=parse_seconds(made) if made else None,
        application=application or "",
        application_version=version or "",
        derived_from=tuple(_SOURCES(sources)) if sources else (),
        originator=originator or "",
    )
