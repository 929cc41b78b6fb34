"""An information package as a value: what `write_package` takes and `read_package` gives back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from metadata.description import Description
from metadata.premis import Agent, Event, File, FileDigests, Rights
from metadata.vocabularies import PackageKind

#: A file of a package: the PREMIS file object. Its path is relative to where the list that holds it lies.
PackageFile = File

#: Where the parts of a package lie.
METS_FILE: Final = "METS.xml"
DUBLIN_CORE_FILE: Final = "metadata/descriptive/dc.xml"
RECORD_FILE: Final = "metadata/descriptive/record.xml"
PREMIS_FILE: Final = "metadata/preservation/premis.xml"
RECORD_SCHEMA_FILE: Final = "schemas/record.xsd"
ABOUT_FILE: Final = "documentation/ABOUT.txt"


@dataclass(frozen=True, kw_only=True)
class Representation:
    """One form of the content.

    Args:
        id: name of its folder (``original``).
        files: its files, with paths below ``representations/<id>/data/``; must be iterable more than once, though
            `write_package` goes through them once.
        name: title for people, or empty.
        derived_from: ids of the representations it was made from (migration).
        events: what was done to single files of it; kept in its own PREMIS document.
    """

    id: str
    files: Iterable[File]
    name: str = ""
    derived_from: tuple[str, ...] = ()
    events: Iterable[Event] = ()


@dataclass(frozen=True, kw_only=True)
class InformationPackage:
    """A whole package, without the bytes of its files.

    Args:
        kind: SIP, AIP or DIP.
        identifier: OBJID, unique in the archive.
        created: when this package was first made; knows its time zone.
        modified: when this version was made.
        archive: name of the archive that keeps it.
        software: name of the program that made it.
        software_version: its version.
        description: what is known of the record.
        label: title of the package, or empty.
        record_status: ``NEW``, ``SUPPLEMENT``, ``VERSION`` … (SIP3), or empty.
        creator: the agency that handed the record over, or empty. E-ARK wants a SIP to name it (SIP15: CREATOR, ORGANIZATION);
            packages of other kinds name it as OTHER, SUBMITTER.
        agreement: number of the submission agreement, or empty.
        representations: at least one.
        events: what was done to the package and its parts.
        agents: who did it.
        rights: what may be done with it.
        other: files that lie outside representations, with paths from the package's root (``metadata/other/…``,
            ``documentation/…``, ``schemas/…``, further ``metadata/descriptive/…`` and ``metadata/preservation/…``, or a file at
            the top, which METS lists as documentation); iterable more than once.
    """

    kind: PackageKind
    identifier: str
    created: datetime
    modified: datetime
    archive: str
    software: str
    software_version: str
    description: Description
    label: str = ""
    record_status: str = ""
    creator: str = ""
    agreement: str = ""
    representations: tuple[Representation, ...] = ()
    events: Iterable[Event] = ()
    agents: Iterable[Agent] = ()
    rights: Iterable[Rights] = field(default=())
    other: Iterable[File] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenFile:
    """A metadata file that was written.

    Args:
        path: from the package's root.
        size: bytes.
        digests: of its bytes, computed while writing.
        mime: media type.
    """

    path: str
    size: int
    digests: FileDigests
    mime: str
