"""The parts of a METS document, as values, and how a path becomes a reference and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from metadata.mets.entries import FileEntries

#: Characters of a path that need no escape in a relative URI reference (RFC 3986 §3.3; a colon only after the first ``/``).
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=@/-]*")
_SAFE: Final = "/-._~!$&'()*+,;=@"


def href(path: str) -> str:
    """A path as a relative URI: UTF-8, percent-encoded, so that every name survives (newlines, ``%``, ``#``, ``:`` …)."""
    return path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE, errors="surrogatepass")


def path_of(reference: str) -> str:
    """The path that a reference of a METS document means.

    ``file:///``, ``file://`` and ``./`` in front are dropped, as other systems write them; percent-encoding is undone. Bytes
    that are not UTF-8 then stay percent-encoded.
    """
    text = reference.strip()
    for start in ("file:///", "file://", "file:"):
        if text.startswith(start):
            text = text[len(start) :]
            break
    while text.startswith("./"):
        text = text[2:]
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return text


class MetsFile(NamedTuple):
    """A file of the file section (METS file + FLocat), light enough for 10⁵ of them.

    Fields: path (relative to the METS document), size in bytes, media type, time made as xs:dateTime, digest in lower-case
    hexadecimal, its algorithm as METS names it (``SHA-256``).
    """

    path: str
    size: int
    mime: str
    created: str
    digest: str
    algorithm: str = "SHA-256"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderAgent:
    """Who is responsible for the document (metsHdr/agent).

    Args:
        role: ``CREATOR``, ``ARCHIVIST``, ``PRESERVATION``, ``OTHER`` …
        type: ``ORGANIZATION``, ``INDIVIDUAL`` or ``OTHER``.
        name: its name.
        other_role, other_type: the word, where role or type is ``OTHER``.
        note: one note, or empty.
        note_type: csip:NOTETYPE of the note (``SOFTWARE VERSION``, ``IDENTIFICATIONCODE``), or empty.
    """

    role: str
    type: str
    name: str
    other_role: str = ""
    other_type: str = ""
    note: str = ""
    note_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataFile:
    """A metadata file that the document points to (dmdSec or digiprovMD with mdRef).

    Args:
        identifier: xml:id of the section.
        file: path, size, media type, time and digest.
        type: MDTYPE (``DC``, ``PREMIS``, ``OTHER``).
        other_type: OTHERMDTYPE where type is ``OTHER``.
        version: MDTYPEVERSION, or empty.
    """

    identifier: str
    file: MetsFile
    type: str
    other_type: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileGroup:
    """A group of files of one use.

    Args:
        identifier: xml:id.
        use: USE (``Documentation``, ``Schemas``, ``Representations/original``).
        files: gone through once; or what was noted of them before, ids among it.
        file_prefix: xml:ids of the files are this and a running number.
    """

    identifier: str
    use: str
    files: Iterable[MetsFile] | FileEntries
    file_prefix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StructureDivision:
    """A division of the structural map.

    Args:
        identifier: xml:id.
        label: LABEL.
        descriptive: xml:ids of the dmdSec that describe it.
        administrative: xml:ids of the amdSec parts that concern it.
        groups: xml:ids of the file groups that lie in it.
        mets: path of the METS document that says more, or empty; with the xml:id of the group that holds it as title.
        mets_title: that xml:id.
        divisions: the ones below.
    """

    identifier: str
    label: str
    descriptive: tuple[str, ...] = ()
    administrative: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    mets: str = ""
    mets_title: str = ""
    divisions: tuple[StructureDivision, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MetsDocument:
    """Everything of a METS document of ours; times as xs:dateTime text.

    Args:
        identifier: OBJID.
        label: LABEL, or empty.
        type: content category (CSIP2).
        content_information_type: CSIP4.
        profile: PROFILE.
        package_kind: csip:OAISPACKAGETYPE.
        created: CREATEDATE.
        modified: LASTMODDATE.
        record_status: RECORDSTATUS, or empty.
        agents: at least the program (CREATOR, OTHER, SOFTWARE).
        alternatives: further identifiers as (TYPE, value).
        descriptive: the descriptive metadata files.
        provenance: the preservation metadata files.
        groups: the file section; may be gone through once.
        structure: the main division.
    """

    identifier: str
    type: str
    content_information_type: str
    profile: str
    package_kind: str
    created: str
    modified: str
    agents: tuple[HeaderAgent, ...]
    structure: StructureDivision
    label: str = ""
    record_status: str = ""
    alternatives: tuple[tuple[str, str], ...] = ()
    descriptive: tuple[MetadataFile, ...] = ()
    provenance: tuple[MetadataFile, ...] = ()
    groups: tuple[FileGroup, ...] = ()
