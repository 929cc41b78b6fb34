"""Controlled vocabularies of the metadata standards, with the addresses that name their terms.

Sources: Library of Congress preservation vocabularies (id.loc.gov), METS 1.12 (mets.xsd), DILCIS vocabularies of CSIP and SIP 2.1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_PRESERVATION: Final = "http://id.loc.gov/vocabulary/preservation/"

#: PREMIS event types: label to code, as in the Library of Congress list.
EVENT_TYPES: Final = {
    "accession": "acc",
    "appraisal": "app",
    "capture": "cap",
    "compression": "com",
    "creation": "cre",
    "deaccession": "dea",
    "decompression": "dec",
    "decryption": "der",
    "deletion": "del",
    "digital signature generation": "dsg",
    "digital signature validation": "dig",
    "dissemination": "dis",
    "encryption": "enc",
    "exporting": "exp",
    "extraction": "ext",
    "filename change": "fil",
    "fixity check": "fix",
    "forensic feature analysis": "ffa",
    "format identification": "for",
    "imaging": "ima",
    "information package creation": "ipc",
    "information package merging": "ipm",
    "information package splitting": "ips",
    "ingestion": "ing",
    "ingestion end": "ine",
    "ingestion start": "ins",
    "message digest calculation": "mes",
    "metadata extraction": "mee",
    "metadata modification": "mem",
    "migration": "mig",
    "modification": "mod",
    "normalization": "nor",
    "packing": "pac",
    "policy assignment": "poa",
    "quarantine": "qua",
    "recovery": "rec",
    "redaction": "red",
    "refreshment": "ref",
    "rendering": "ren",
    "replication": "rep",
    "transfer": "tra",
    "unpacking": "unp",
    "unquarantine": "unq",
    "validation": "val",
    "virus check": "vir",
}
EVENT_OUTCOMES: Final = {"success": "suc", "fail": "fai", "warning": "war"}
AGENT_ROLES: Final = {"authorizer": "aut", "executing program": "exe", "implementer": "imp", "validator": "val"}
OBJECT_ROLES: Final = {"outcome": "out", "source": "sou"}
AGENT_TYPES: Final = {"hardware": "har", "organization": "org", "person": "per", "software": "sof"}

_SCHEMES: Final = {
    "eventType": EVENT_TYPES,
    "eventOutcome": EVENT_OUTCOMES,
    "eventRelatedAgentRole": AGENT_ROLES,
    "eventRelatedObjectRole": OBJECT_ROLES,
    "agentType": AGENT_TYPES,
}


def address(scheme: str, label: str) -> str:
    """The address (valueURI) of a term, or an empty string for a term that the scheme does not have.

    Args:
        scheme: ``eventType``, ``eventOutcome``, ``eventRelatedAgentRole``, ``eventRelatedObjectRole`` or ``agentType``.
        label: the term, as the Library of Congress writes it.
    """
    code = _SCHEMES[scheme].get(label)
    return f"{_PRESERVATION}{scheme}/{code}" if code else ""


class PackageKind(StrEnum):
    """OAIS package types (DILCIS OAISPackageType, CSIP9)."""

    SIP = "SIP"
    AIP = "AIP"
    DIP = "DIP"
    AIU = "AIU"
    AIC = "AIC"


#: METS profile an E-ARK package of each kind names (CSIP6, SIP2).
PROFILES: Final = {
    PackageKind.SIP: "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml",
    PackageKind.AIP: "https://earkaip.dilcis.eu/profile/E-ARK-AIP.xml",
    PackageKind.DIP: "https://earkdip.dilcis.eu/profile/E-ARK-DIP.xml",
    PackageKind.AIU: "https://earkaip.dilcis.eu/profile/E-ARK-AIP.xml",
    PackageKind.AIC: "https://earkaip.dilcis.eu/profile/E-ARK-AIP.xml",
}

#: Content categories (CSIP2, mets/@TYPE). ``OTHER`` is what CSIP 2.0 wrote for ``Other``.
CONTENT_CATEGORIES: Final = frozenset(
    {
        "Textual works – Print",
        "Textual works – Digital",
        "Textual works – Electronic Serials",
        "Digital Musical Composition (score-based representations)",
        "Photographs – Print",
        "Photographs – Digital",
        "Other Graphic Images – Print",
        "Other Graphic Images – Digital",
        "Microforms",
        "Audio – On Tangible Medium (digital or analog)",
        "Audio – Media-independent (digital)",
        "Motion Pictures – Digital and Physical Media",
        "Video – File-based and Physical Media",
        "Software",
        "Datasets",
        "Geospatial Data",
        "Databases",
        "Websites",
        "Collection",
        "Event",
        "Interactive resource",
        "Physical object",
        "Service",
        "Mixed",
        "Other",
        "OTHER",
    }
)
#: Content information types (CSIP4, CSIP62).
CONTENT_INFORMATION_TYPES: Final = frozenset(
    {
        "ERMS",
        "SIARD1",
        "SIARD2",
        "SIARDDK",
        "GeoData",
        "citsarchival_v1_0",
        "citscarchival_v1_0",
        "citserms_v2_1",
        "citspremis_v1_0",
        "citsehpj_v1_0",
        "citsehcr_v1_0",
        "citssiard_v1_0",
        "citsgeospatial_v3_0",
        "MIXED",
        "OTHER",
    }
)
#: Status of a metadata section (CSIP20, CSIP34, CSIP47).
SECTION_STATUSES: Final = frozenset({"CURRENT", "SUPERSEDED"})
#: Package status (SIP3); CSIP's own list and METS leave it open. ``REPLEACEMENT`` is how the vocabulary spells it.
RECORD_STATUSES: Final = frozenset({"NEW", "SUPPLEMENT", "REPLACEMENT", "REPLEACEMENT", "TEST", "VERSION", "DELETE", "OTHER"})
#: Metadata types that mets.xsd allows in mdRef/@MDTYPE.
MDTYPES: Final = frozenset(
    {
        "MARC",
        "MODS",
        "EAD",
        "DC",
        "NISOIMG",
        "LC-AV",
        "VRA",
        "TEIHDR",
        "DDI",
        "FGDC",
        "LOM",
        "PREMIS",
        "PREMIS:OBJECT",
        "PREMIS:AGENT",
        "PREMIS:RIGHTS",
        "PREMIS:EVENT",
        "TEXTMD",
        "METSRIGHTS",
        "ISO 19115:2003 NAP",
        "EAC-CPF",
        "LIDO",
        "OTHER",
    }
)
#: Digest algorithms that mets.xsd allows in @CHECKSUMTYPE, and the name `hashlib` has for those that archives use.
CHECKSUM_TYPES: Final = {
    "Adler-32": "",
    "CRC32": "",
    "HAVAL": "",
    "MD5": "md5",
    "MNP": "",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "TIGER": "",
    "WHIRLPOOL": "",
}
