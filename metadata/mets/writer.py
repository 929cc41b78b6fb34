"""Writes METS 1.12 as a stream: a file a line, memory flat for any number of them."""

from __future__ import annotations

from typing import Final

from metadata.mets.entries import FileEntries, entry
from metadata.mets.values import FileGroup, HeaderAgent, MetadataFile, MetsDocument, StructureDivision, href
from metadata.xml import Destination, Writer, escape, escape_attribute, escape_words, legal

NAMESPACE: Final = "http://www.loc.gov/METS/"
CSIP_NAMESPACE: Final = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
XLINK_NAMESPACE: Final = "http://www.w3.org/1999/xlink"
#: csip:OTHERCONTENTINFORMATIONTYPE of every file group: one record (件) of an archive, whatever its formats.
CONTENT_TYPE: Final = "archival record"

_SCHEMAS: Final = (
    f"{NAMESPACE} https://www.loc.gov/standards/mets/mets.xsd "
    f"{CSIP_NAMESPACE} https://earkcsip.dilcis.eu/schema/DILCISExtensionMETS.xsd "
    f"{XLINK_NAMESPACE} https://www.loc.gov/standards/xlink/xlink.xsd"
)


def write(stream: Destination, document: MetsDocument) -> None:
    """Writes the document.

    Raises:
        MetadataError: ``XML_CHARACTER``: an identifier holds a character that XML cannot carry.
    """
    with Writer(stream, indent=False) as out:
        out.raw(
            f'<mets xmlns="{NAMESPACE}" xmlns:csip="{CSIP_NAMESPACE}" xmlns:xlink="{XLINK_NAMESPACE}" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{_SCHEMAS}"'
        )
        out.raw(_pair("OBJID", document.identifier) + _pair("LABEL", legal(document.label)))
        out.raw(f"{_pair('TYPE', document.type)}{_pair('csip:CONTENTINFORMATIONTYPE', document.content_information_type)}")
        out.raw(f"{_pair('PROFILE', document.profile)}>\n")
        _header(out, document)
        for section in document.descriptive:
            out.raw(f'<dmdSec ID="{section.identifier}" CREATED="{section.file.created}" STATUS="CURRENT">{_reference(section)}</dmdSec>\n')
        if document.provenance:
            out.raw("<amdSec>\n")
            for section in document.provenance:
                out.raw(f'<digiprovMD ID="{section.identifier}" STATUS="CURRENT">{_reference(section)}</digiprovMD>\n')
            out.raw("</amdSec>\n")
        if document.groups:
            out.raw('<fileSec ID="files">\n')
            for group in document.groups:
                _group(out, group)
            out.raw("</fileSec>\n")
        out.raw('<structMap ID="structure" TYPE="PHYSICAL" LABEL="CSIP">\n')
        _division(out, document.structure)
        out.raw("</structMap>\n</mets>\n")


def _pair(name: str, value: str) -> str:
    return f' {name}="{escape_attribute(value)}"' if value else ""


def _header(out: Writer, document: MetsDocument) -> None:
    out.raw(
        f'<metsHdr CREATEDATE="{document.created}" LASTMODDATE="{document.modified}"{_pair("RECORDSTATUS", document.record_status)}'
        f"{_pair('csip:OAISPACKAGETYPE', document.package_kind)}>\n"
    )
    for agent in document.agents:
        out.raw(_agent(agent))
    for kind, value in document.alternatives:
        out.raw(f"<altRecordID{_pair('TYPE', kind)}>{escape(value)}</altRecordID>\n")
    out.raw("</metsHdr>\n")


def _agent(agent: HeaderAgent) -> str:
    note = f"<note{_pair('csip:NOTETYPE', agent.note_type)}>{escape_words(agent.note)}</note>" if agent.note else ""
    return (
        f"<agent{_pair('ROLE', agent.role)}{_pair('OTHERROLE', agent.other_role)}{_pair('TYPE', agent.type)}"
        f"{_pair('OTHERTYPE', agent.other_type)}><name>{escape_words(agent.name)}</name>{note}</agent>\n"
    )


def _reference(section: MetadataFile) -> str:
    file = section.file
    return (
        f'<mdRef LOCTYPE="URL" xlink:type="simple" xlink:href="{escape_attribute(href(file.path))}" MDTYPE="{section.type}"'
        f"{_pair('OTHERMDTYPE', section.other_type)}{_pair('MDTYPEVERSION', section.version)}{_pair('MIMETYPE', file.mime)} "
        f'SIZE="{file.size}" CREATED="{file.created}" CHECKSUM="{file.digest}" CHECKSUMTYPE="{file.algorithm}"/>'
    )


def _group(out: Writer, group: FileGroup) -> None:
    out.raw(
        f'<fileGrp ID="{group.identifier}" USE="{escape_attribute(group.use)}" csip:CONTENTINFORMATIONTYPE="OTHER" '
        f'csip:OTHERCONTENTINFORMATIONTYPE="{CONTENT_TYPE}">\n'
    )
    if isinstance(group.files, FileEntries):
        out.copy(group.files.blocks())
    else:
        prefix = group.file_prefix
        out.pieces(entry(f"{prefix}{number}", *file) for number, file in enumerate(group.files, 1))
    out.raw("</fileGrp>\n")


def _division(out: Writer, division: StructureDivision) -> None:
    out.raw(
        f"<div{_pair('ID', division.identifier)}{_pair('LABEL', division.label)}{_pair('DMDID', ' '.join(division.descriptive))}"
        f"{_pair('ADMID', ' '.join(division.administrative))}>\n"
    )
    if division.mets:
        out.raw(
            f'<mptr LOCTYPE="URL" xlink:type="simple" xlink:href="{escape_attribute(href(division.mets))}"'
            f"{_pair('xlink:title', division.mets_title)}/>\n"
        )
    for group in division.groups:
        out.raw(f'<fptr FILEID="{group}"/>\n')
    for below in division.divisions:
        _division(out, below)
    out.raw("</div>\n")
