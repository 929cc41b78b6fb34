"""The words and colours that pages have for what the catalogue keeps as codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext, ngettext

from repository.events import EventType
from repository.findings import N_
from repository.holdings import CopyState, SubmissionState
from repository.permissions import Role
from repository.recordkeeping.retention import parse_retention

#: Words for what the catalogue stores as codes.
WORDS: Final[Mapping[str, str]] = {
    SubmissionState.RECEIVED: N_("received"),
    SubmissionState.PROCESSING: N_("in progress"),
    SubmissionState.STORED: N_("stored"),
    SubmissionState.REJECTED: N_("rejected"),
    SubmissionState.FAILED: N_("failed"),
    SubmissionState.DUPLICATE: N_("duplicate"),
    SubmissionState.CANCELLED: N_("cancelled"),
    "unsuccessful": N_("rejected or failed"),
    CopyState.MATCH: N_("match"),
    CopyState.DAMAGED: N_("damaged"),
    CopyState.MISSING: N_("missing"),
    CopyState.UNREADABLE: N_("unreadable"),
    CopyState.NOT_CHECKED: N_("not checked"),
    "unexpected": N_("unexpected"),
    "mismatch": N_("mismatch"),
    "pending": N_("ahead"),
    "skipped": N_("not done"),
    "running": N_("in progress"),
    "done": N_("done"),
    "queued": N_("waiting"),
    "authenticity": N_("Authenticity"),
    "integrity": N_("Integrity"),
    "usability": N_("Usability"),
    "safety": N_("Safety"),
    "error": N_("error"),
    "warning": N_("warning"),
    "info": N_("note"),
    "pass": N_("passed"),
    "fail": N_("not passed"),
    "warn": N_("warning"),
    "manual": N_("waits for a person"),
    "success": N_("success"),
    "failure": N_("failure"),
    "refused": N_("refused"),
    "container": N_("container signature"),
    "signature": N_("signature"),
    "text": N_("text analysis"),
    "extension": N_("file name only"),
    "none": N_("not identified"),
    "bagit": N_("BagIt bag"),
    "eark": N_("E-ARK package"),
    "zj-zwfw": N_("service-affair package"),
    "folder": N_("plain folder"),
    "files": N_("files"),
    "bytes": N_("bytes"),
    "records": N_("records"),
    "packages": N_("packages"),
    "searches": N_("searches"),
    "preferred": N_("preferred for archiving"),
    "accepted": N_("accepted for archiving"),
    "at-risk": N_("at risk"),
    "unlisted": N_("not in the format list"),
    "unknown-format": N_("format unknown"),
    "identified-by-content": N_("identified by content"),
    "identified-as-text": N_("identified as text"),
    "identified-by-name": N_("by file name only"),
    "identified-with-remarks": N_("identified, with remarks"),
    "not-identified": N_("not identified"),
    "added": N_("added"),
    "removed": N_("removed"),
    "changed": N_("changed"),
    "unchanged": N_("unchanged"),
    Role.ARCHIVIST: N_("archivist"),
    Role.AGENCY_OFFICER: N_("agency officer"),
    Role.PRESERVATION_OFFICER: N_("preservation officer"),
    Role.APPROVER: N_("approver"),
    Role.RESEARCHER: N_("researcher"),
    Role.SYSTEM_ADMINISTRATOR: N_("system administrator"),
    Role.SECURITY_ADMINISTRATOR: N_("security administrator"),
    Role.AUDIT_ADMINISTRATOR: N_("audit administrator"),
}

#: Words for PREMIS event types (LoC vocabulary), as people say them.
EVENT_WORDS: Final[Mapping[str, str]] = {
    EventType.ACCESSION: N_("accession"),
    EventType.APPRAISAL: N_("appraised"),
    EventType.CREATION: N_("created"),
    EventType.DEACCESSION: N_("given up"),
    EventType.DELETION: N_("deleted"),
    EventType.DIGITAL_SIGNATURE_VALIDATION: N_("signature checked"),
    EventType.DISSEMINATION: N_("given out"),
    EventType.EXPORTING: N_("exported"),
    EventType.FILENAME_CHANGE: N_("names converted"),
    EventType.FIXITY_CHECK: N_("read back in full"),
    EventType.FORMAT_IDENTIFICATION: N_("formats identified"),
    EventType.INFORMATION_PACKAGE_CREATION: N_("archival package made"),
    EventType.INGESTION: N_("ingested"),
    EventType.INGESTION_START: N_("ingest begun"),
    EventType.INGESTION_END: N_("ingest ended"),
    EventType.MESSAGE_DIGEST_CALCULATION: N_("digests calculated"),
    EventType.METADATA_EXTRACTION: N_("description read"),
    EventType.METADATA_MODIFICATION: N_("description changed"),
    EventType.MIGRATION: N_("migrated"),
    EventType.MODIFICATION: N_("changed"),
    EventType.POLICY_ASSIGNMENT: N_("rule assigned"),
    EventType.QUARANTINE: N_("put into quarantine"),
    EventType.RECOVERY: N_("repaired"),
    EventType.REPLICATION: N_("copies written"),
    EventType.TRANSFER: N_("handed in"),
    EventType.UNPACKING: N_("unpacked"),
    EventType.VALIDATION: N_("checked"),
    EventType.VIRUS_CHECK: N_("scanned for viruses"),
}

#: Which colour a state has; the word is always beside it, colour alone says nothing.
TONES: Final[Mapping[str, str]] = {
    state: tone
    for tone, states in {
        "good": ("stored", "match", "success", "done", "pass"),
        "bad": ("rejected", "failed", "damaged", "missing", "unreadable", "unexpected", "mismatch", "failure", "error", "fail"),
        "warn": ("refused", "not_checked", "warning", "warn", "manual"),
        "busy": ("processing", "running", "received", "queued"),
        "quiet": ("duplicate", "cancelled", "pending"),
    }.items()
    for state in states
}


def word(code: str) -> str:
    """The word for a code; a code that has none stands for itself."""
    return gettext(WORDS[code]) if code in WORDS else code


def event_word(type: str) -> str:
    """The word for a PREMIS event type."""
    return gettext(EVENT_WORDS[type]) if type in EVENT_WORDS else type


def retention_word(code: str) -> str:
    """A retention period as people say it: 永久, 30年."""
    period = parse_retention(code)
    if period is None:
        return code
    return str(gettext("for ever") if period.years is None else ngettext("%(num)s year", "%(num)s years", period.years))


def tone(code: str) -> str:
    """The tone of a state: good, bad, warn, busy or quiet."""
    return TONES.get(code, "quiet")
