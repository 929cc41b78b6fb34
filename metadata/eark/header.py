"""Root and header of a METS document in an E-ARK package (CSIP1–CSIP16, CSIP117, SIP1–SIP31)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from metadata.eark import violations as rules
from metadata.eark.violations import Level, Report
from metadata.mets import reader as mets
from metadata.mets.writer import CSIP_NAMESPACE
from metadata.times import parse_moment
from metadata.vocabularies import CONTENT_CATEGORIES, CONTENT_INFORMATION_TYPES, PROFILES, RECORD_STATUSES, PackageKind

_C: Final = f"{{{CSIP_NAMESPACE}}}"
_URL: Final = re.compile(r"(https?|ftp|file)://\S+|urn:\S+", re.IGNORECASE)
_OTHER: Final = ("OTHER", "Other")


def is_submission(root: mets.Root) -> bool:
    """Whether the document says that it follows the SIP profile, so that SIP requirements hold."""
    return "E-ARK-SIP" in root.attributes.get("PROFILE", "")


def check_root(report: Report, path: str, root: mets.Root, *, name: str, is_root: bool) -> None:
    """CSIP1–CSIP6, SIP1 and SIP2, and the name of the root folder (CSIPSTR2).

    Args:
        name: name of the folder that holds the document.
        is_root: whether it is the package's own document, and not a representation's.
    """

    def add(code: str, level: Level, message: str, **parameters: object) -> None:
        report.add(code, level, path, message, **parameters)

    if not root.is_mets:
        add("CSIPSTR4" if is_root else "CSIPSTR12", Level.MUST, rules.MISSING, place="mets")
    attributes = root.attributes
    identifier = attributes.get("OBJID")
    if not identifier:
        add("CSIP1", Level.MUST, rules.MISSING if identifier is None else rules.EMPTY, place="mets/@OBJID")
    elif identifier != name:
        for code in ("CSIP1", "CSIPSTR2") if is_root else ("CSIP1",):
            add(code, Level.SHOULD, rules.VALUE, place="mets/@OBJID", actual=identifier, expected=name)
    category = attributes.get("TYPE")
    if category is None:
        add("CSIP2", Level.MUST, rules.MISSING, place="mets/@TYPE")
    elif category not in CONTENT_CATEGORIES:
        add("CSIP2", Level.MUST, rules.VALUE, place="mets/@TYPE", actual=category, expected="Mixed, Datasets, Databases, OTHER …")
    elif category in _OTHER and not (attributes.get(f"{_C}OTHERTYPE") or "").strip():
        add("CSIP2", Level.MUST, rules.MISSING, place="mets/@csip:OTHERTYPE")
        add("CSIP3", Level.MUST, rules.MISSING, place="mets/@csip:OTHERTYPE")
    _information_type(report, path, attributes, is_root)
    profile = attributes.get("PROFILE")
    if not profile:
        add("CSIP6", Level.MUST, rules.MISSING if profile is None else rules.EMPTY, place="mets/@PROFILE")
    elif not _URL.fullmatch(profile):
        add("CSIP6", Level.MUST, rules.VALUE, place="mets/@PROFILE", actual=profile, expected=PROFILES[PackageKind.SIP])
    if is_root and is_submission(root):
        if profile != PROFILES[PackageKind.SIP]:
            add("SIP2", Level.MUST, rules.VALUE, place="mets/@PROFILE", actual=profile, expected=PROFILES[PackageKind.SIP])
        label = attributes.get("LABEL")
        if not label:
            add("SIP1", Level.MAY, rules.MISSING if label is None else rules.EMPTY, place="mets/@LABEL")


def _information_type(report: Report, path: str, attributes: mets.Attributes, is_root: bool) -> None:
    kind = attributes.get(f"{_C}CONTENTINFORMATIONTYPE")
    other = attributes.get(f"{_C}OTHERCONTENTINFORMATIONTYPE")
    place, place_other = "mets/@csip:CONTENTINFORMATIONTYPE", "mets/@csip:OTHERCONTENTINFORMATIONTYPE"
    if kind is None:
        report.add("CSIP4", Level.SHOULD if is_root else Level.MUST, path, rules.MISSING, place=place)
    elif kind not in CONTENT_INFORMATION_TYPES:
        report.add("CSIP4", Level.MUST, path, rules.VALUE, place=place, actual=kind, expected="MIXED, ERMS, SIARD2, OTHER …")
    elif kind == "OTHER" and not (other or "").strip():
        message = rules.MISSING if other is None else rules.EMPTY
        for code in ("CSIP4", "CSIP5"):
            report.add(code, Level.MUST, path, message, place=place_other)
    if other is not None and kind != "OTHER":
        report.add("CSIP5", Level.MUST, path, rules.VALUE, place=place, actual=kind or "", expected="OTHER")
    elif other in CONTENT_INFORMATION_TYPES:
        report.add("CSIP5", Level.MUST, path, rules.VALUE, place=place_other, actual=other, expected="…")


def check_header(report: Report, path: str, header: mets.Header, root: mets.Root, *, now: datetime, is_root: bool) -> None:
    """CSIP7–CSIP16, and SIP3–SIP31 where they hold."""

    def must(code: str, message: str, **parameters: object) -> None:
        report.add(code, Level.MUST, path, message, **parameters)

    attributes = header.attributes
    if not attributes.get("CREATEDATE"):
        must("CSIP7", rules.MISSING, place="mets/metsHdr/@CREATEDATE")
    elif not _is_past(attributes["CREATEDATE"], now):
        must("CSIP7", rules.VALUE, place="mets/metsHdr/@CREATEDATE", actual=attributes["CREATEDATE"], expected=f"≤ {now:%Y-%m-%d}")
    if "LASTMODDATE" not in attributes:
        report.add("CSIP8", Level.SHOULD, path, rules.MISSING, place="mets/metsHdr/@LASTMODDATE")
    elif not _is_past(attributes["LASTMODDATE"], now):
        must("CSIP8", rules.VALUE, place="mets/metsHdr/@LASTMODDATE", actual=attributes["LASTMODDATE"], expected=f"≤ {now:%Y-%m-%d}")
    kind = attributes.get(f"{_C}OAISPACKAGETYPE")
    if kind is None:
        must("CSIP9", rules.MISSING, place="mets/metsHdr/@csip:OAISPACKAGETYPE")
    elif kind not in list(PackageKind):
        must("CSIP9", rules.VALUE, place="mets/metsHdr/@csip:OAISPACKAGETYPE", actual=kind, expected=", ".join(PackageKind))
    _software(report, path, header)
    if is_root and is_submission(root):
        if kind != PackageKind.SIP:
            must("SIP4", rules.VALUE, place="mets/metsHdr/@csip:OAISPACKAGETYPE", actual=kind or "", expected="SIP")
        _submission(report, path, header)
        _submission_agents(report, path, header)


def _is_past(text: str, now: datetime) -> bool:
    try:
        return parse_moment(text) <= now
    except ValueError:
        return False


def _software(report: Report, path: str, header: mets.Header) -> None:
    """The one agent that CSIP asks for: the program that made the package."""

    def must(code: str, message: str, **parameters: object) -> None:
        report.add(code, Level.MUST, path, message, **parameters)

    place = "mets/metsHdr/agent"
    if not header.agents:
        must("CSIP10", rules.MISSING, place=place)
    creators = [agent for agent in header.agents if agent.attributes.get("ROLE") == "CREATOR"]
    if not creators:
        must("CSIP11", rules.MISSING, place=f"{place}[@ROLE='CREATOR']")
        return
    named = [one for one in creators if one.attributes.get("TYPE") == "OTHER" and one.attributes.get("OTHERTYPE") == "SOFTWARE"]
    others = [agent for agent in header.agents if agent.attributes.get("OTHERTYPE") == "SOFTWARE" and agent not in creators]
    if not named:
        if others:
            must("CSIP11", rules.MISSING, place=f"{place}[@ROLE='CREATOR' and @TYPE='OTHER' and @OTHERTYPE='SOFTWARE']")
        typed = [agent for agent in creators if agent.attributes.get("TYPE") == "OTHER"]
        if not typed:
            actual = creators[0].attributes.get("TYPE")
            message = rules.MISSING if actual is None else rules.VALUE
            must("CSIP12", message, place=f"{place}[@ROLE='CREATOR']/@TYPE", actual=actual, expected="OTHER")
        if not any(agent.attributes.get("OTHERTYPE") == "SOFTWARE" for agent in creators):
            actual = (typed or creators)[0].attributes.get("OTHERTYPE")
            message = rules.MISSING if actual is None else rules.VALUE
            must("CSIP13", message, place=f"{place}[@ROLE='CREATOR']/@OTHERTYPE", actual=actual, expected="SOFTWARE")
    agent = (named or creators)[0]
    if len(agent.names) != 1:
        must("CSIP14", rules.COUNT, place=f"{place}/name", actual=len(agent.names), expected=1)
    elif not agent.names[0].strip():
        must("CSIP14", rules.EMPTY, place=f"{place}/name")
    if not agent.notes:
        must("CSIP15", rules.MISSING, place=f"{place}/note")
    elif not any(note.text.strip() for note in agent.notes):
        must("CSIP15", rules.EMPTY, place=f"{place}/note")
    types = [note.type for note in agent.notes]
    if "SOFTWARE VERSION" not in types:
        actual = next(filter(None, types), "")
        message = rules.VALUE if actual else rules.MISSING
        must("CSIP16", message, place=f"{place}/note/@csip:NOTETYPE", actual=actual, expected="SOFTWARE VERSION")


def _submission(report: Report, path: str, header: mets.Header) -> None:
    """SIP3 and SIP5–SIP8: status, submission agreement, reference code."""

    def may(code: str, message: str, **parameters: object) -> None:
        report.add(code, Level.MAY, path, message, **parameters)

    status = header.attributes.get("RECORDSTATUS")
    if status is None:
        may("SIP3", rules.MISSING, place="mets/metsHdr/@RECORDSTATUS")
    elif status not in RECORD_STATUSES:
        may("SIP3", rules.VALUE, place="mets/metsHdr/@RECORDSTATUS", actual=status, expected="NEW, SUPPLEMENT, VERSION …")
    for code, kind, once in (
        ("SIP5", "SUBMISSIONAGREEMENT", True),
        ("SIP6", "PREVIOUSSUBMISSIONAGREEMENT", False),
        ("SIP7", "REFERENCECODE", True),
        ("SIP8", "PREVIOUSREFERENCECODE", False),
    ):
        place = f"mets/metsHdr/altRecordID[@TYPE='{kind}']"
        values = [value for name, value in header.alternatives if name == kind]
        if not values:
            may(code, rules.MISSING, place=place)
        elif not all(value.strip() for value in values):
            may(code, rules.EMPTY, place=place)
        if once and len(values) > 1:
            may(code, rules.COUNT, place=place, actual=len(values), expected=1)


def _submission_agents(report: Report, path: str, header: mets.Header) -> None:
    """SIP9–SIP31: archival creator, submitting agent, contact person, preservation agent."""

    def of(role: str, *types: str) -> list[mets.Agent]:
        return [one for one in header.agents if one.attributes.get("ROLE") == role and one.attributes.get("TYPE") in types]

    place = "mets/metsHdr/agent"
    if not any(one.attributes.get("ROLE") in ("ARCHIVIST", "CREATOR") and one.attributes.get("TYPE") != "OTHER" for one in header.agents):
        report.add("SIP9", Level.MAY, path, rules.MISSING, place=f"{place}[@ROLE='ARCHIVIST']")
    submitting = of("CREATOR", "ORGANIZATION", "INDIVIDUAL")
    if not submitting:
        report.add("SIP15", Level.MUST, path, rules.MISSING, place=f"{place}[@ROLE='CREATOR' and @TYPE='ORGANIZATION']")
    if not of("CREATOR", "INDIVIDUAL"):
        report.add("SIP21", Level.MAY, path, rules.MISSING, place=f"{place}[@ROLE='CREATOR' and @TYPE='INDIVIDUAL']")
    preserving = [one for one in header.agents if one.attributes.get("ROLE") == "PRESERVATION"]
    if not preserving:
        report.add("SIP26", Level.MAY, path, rules.MISSING, place=f"{place}[@ROLE='PRESERVATION']")
    for agent in preserving:
        actual = agent.attributes.get("TYPE", "")
        if actual != "ORGANIZATION":
            report.add(
                "SIP28", Level.MUST, path, rules.VALUE, place=f"{place}[@ROLE='PRESERVATION']/@TYPE", actual=actual, expected="ORGANIZATION"
            )
    for code, agents in (
        ("SIP14", of("ARCHIVIST", "ORGANIZATION", "INDIVIDUAL")),
        ("SIP20", of("CREATOR", "ORGANIZATION")),
        ("SIP31", preserving),
    ):
        where = f"{place}/note/@csip:NOTETYPE"
        for note in (note for agent in agents for note in agent.notes):
            if note.type != "IDENTIFICATIONCODE":
                report.add(code, Level.MUST, path, rules.VALUE, place=where, actual=note.type, expected="IDENTIFICATIONCODE")
