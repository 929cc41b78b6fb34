"""The PREMIS 3.0 entities that an archive keeps, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


class Digests(Protocol):
    """Three digests of one file, as bytes. `FileDigests` is one; so is any named tuple with the same fields."""

    @property
    def sha512(self) -> bytes:
        """SHA-512, 64 bytes."""

    @property
    def sha256(self) -> bytes:
        """SHA-256, 32 bytes."""

    @property
    def sm3(self) -> bytes:
        """SM3 (GB/T 32905), 32 bytes."""


class FileDigests(NamedTuple):
    """The digests of a file as the reader gives them; equal to any tuple of the same three values."""

    sha512: bytes
    sha256: bytes
    sm3: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixity:
    """One more digest of a file, beside the three that every file of ours has (PREMIS 1.5.2).

    Args:
        algorithm: as the source wrote it (``MD5``).
        digest: as the source wrote it.
        originator: who computed it, or empty.
    """

    algorithm: str
    digest: str
    originator: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file object (PREMIS 1.1, objectCategory file).

    Args:
        path: its identifier: a path with ``/``, relative to what the document that holds it says.
        size: bytes.
        digests: SHA-512, SHA-256 and SM3, or None where another system's document has not all three.
        format_name: name of the format, or empty when it was not identified.
        format_version: version of the format, or empty.
        puid: key in the PRONOM registry (``fmt/18``), or empty.
        mime: media type, or empty.
        format_note: how the format was found (``signature, PRONOM V109``), or empty.
        original_name: name as submitted, where it differs from the path, or empty.
        raw_name: the bytes of the submitted name, when it had to be converted to become text, else None.
        modified: last change, seconds since the epoch as `float`, between the years 1 and 9999, or None. Kept exactly.
        application: program that made the file, or empty.
        application_version: its version, or empty.
        derived_from: identifiers of the files it was made from (migration).
        originator: who computed the digests (messageDigestOriginator), or empty.
        fixity: further digests.
    """

    path: str
    size: int
    digests: Digests | None
    format_name: str = ""
    format_version: str = ""
    puid: str = ""
    mime: str = ""
    format_note: str = ""
    original_name: str = ""
    raw_name: bytes | None = None
    modified: float | None = None
    application: str = ""
    application_version: str = ""
    derived_from: tuple[str, ...] = ()
    originator: str = ""
    fixity: tuple[Fixity, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RepresentationObject:
    """A representation (PREMIS 1.1, objectCategory representation).

    Args:
        identifier: its id in the package (``original``).
        name: title for people, or empty.
        derived_from: ids of the representations it was made from.
    """

    identifier: str
    name: str = ""
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IntellectualEntity:
    """The record itself (PREMIS 1.1, objectCategory intellectual entity).

    Args:
        identifier: the package's identifier.
        name: title, or empty.
    """

    identifier: str
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentLink:
    """Who had a part in an event (PREMIS 2.6). Roles as in `metadata.vocabularies.AGENT_ROLES`."""

    identifier: str
    role: str = "implementer"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectLink:
    """What an event or a right concerns (PREMIS 2.7).

    Args:
        identifier: a file's path, a representation's id or the package's identifier.
        kind: ``path``, ``representation`` or ``package``: the type of the identifier.
        role: as in `metadata.vocabularies.OBJECT_ROLES`, or empty.
    """

    identifier: str
    kind: str = "path"
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that was done to content (PREMIS 2).

    Args:
        identifier: unique, usually a UUID.
        type: a label of `metadata.vocabularies.EVENT_TYPES` where one fits.
        at: when; must know its time zone, and comes back as UTC.
        detail: what was done, in words, or empty.
        outcome: ``success``, ``fail`` or ``warning``, or empty.
        outcome_note: what came of it, in words, or empty.
        agents: who and what did it.
        objects: what it was done to.
    """

    identifier: str
    type: str
    at: datetime
    detail: str = ""
    outcome: str = ""
    outcome_note: str = ""
    agents: tuple[AgentLink, ...] = ()
    objects: tuple[ObjectLink, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """A person, an organization or a program (PREMIS 3).

    Args:
        identifier: unique in the repository.
        name: its name.
        kind: ``person``, ``organization``, ``software`` or ``hardware``, or empty.
        version: version of a program, or empty.
        note: more, or empty.
    """

    identifier: str
    name: str = ""
    kind: str = ""
    version: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """A rights statement (PREMIS 4.1).

    Args:
        identifier: unique in the repository.
        basis: ``statute``, or any other word (``policy``, ``donor agreement``).
        jurisdiction: of a statute, ISO 3166 code (``CN``).
        citation: the law, for ``statute``.
        note: why, in words, or empty.
        act: what is permitted or not (``disseminate``), or empty when nothing is granted.
        restrictions: limits of the act.
        start, end: term of the grant, ISO 8601 / EDTF, or empty; an end needs a start.
        objects: what it holds for.
    """

    identifier: str
    basis: str
    jurisdiction: str = ""
    citation: str = ""
    note: str = ""
    act: str = ""
    restrictions: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    objects: tuple[ObjectLink, ...] = ()


Entity = File | RepresentationObject | IntellectualEntity | Event | Agent | Rights
