"""What the pages of access say of formats, and how a reader can prove what was received."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from flask_babel import format_datetime, gettext
from markupsafe import Markup

from access.blueprint import blueprint
from preservation.format_policy import certainty_of, standing_of
from repository.findings import N_
from repository.holdings import File
from repository.web.formatting import shown_path


@blueprint.app_template_filter("format_standing")
def format_standing(puid: str | None) -> str:
    """What a format is worth for archiving, as a code that has a word."""
    return str(standing_of(puid))


@blueprint.app_template_filter("format_certainty")
def format_certainty(file: File) -> str:
    """How surely a file is of its format, as a code that has a word."""
    return str(certainty_of(file.format_basis, len(file.format_warnings)))


@blueprint.app_template_filter("own_name")
def own_name(file: File) -> str:
    """A file's name without the folders before it."""
    return shown_path(file).rpartition("/")[2]


@blueprint.app_template_filter("event_icon")
def event_icon(type: str) -> str:
    """The picture for a PREMIS event type: what sort of thing was done."""
    return next((icon for icon, types in _ICONS.items() if type in types), "dot")


@blueprint.app_template_filter("clock")
def clock(moment: datetime) -> Markup:
    """A time of day in the archive's time zone, with the exact instant for machines."""
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), format_datetime(moment, "HH:mm:ss"))


@blueprint.app_template_filter("agent_role_word")
def agent_role_word(role: str) -> str:
    """What an agent did in an event."""
    return str(gettext(_AGENT_ROLES.get(role, role)))


@blueprint.app_template_filter("object_word")
def object_word(kind: str) -> str:
    """What kind of thing an event was about."""
    return str(gettext(_OBJECTS.get(kind, kind)))


@blueprint.app_template_filter("role_word")
def role_word(role: str) -> str:
    """What a file is in its package."""
    return str(gettext(_FILE_ROLES.get(role, role)))


@blueprint.app_template_filter("verification")
def verification(file: File) -> Sequence[tuple[str, str]]:
    """What somebody types to prove that a received file is this one: a word for it, and the command."""
    name = own_name(file)
    # what a terminal could take for a command of its own is never put into one
    plain = not any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for character in name) and "\\" not in name
    target = shlex.quote(name if not name.startswith("-") else f"./{name}") if plain else "FILE"
    check = f"echo {shlex.quote(f'{file.sha256.hex()}  {name}')} | sha256sum --check" if plain else f"sha256sum {target}"
    return (
        (N_("SHA-256, on Linux: says OK if the file is this one"), check),
        (
            N_("SHA-256, on Windows: compare with the digest above"),
            f'certutil -hashfile "{name if plain and chr(34) not in name else "FILE"}" SHA256',
        ),
        (N_("SM3: compare with the digest above"), f"openssl dgst -sm3 {target}"),
    )


_ICONS = {
    "in": ("accession", "ingestion", "ingestion start", "ingestion end", "transfer", "unpacking", "capture"),
    "check": ("validation", "fixity check", "digital signature validation", "virus check", "message digest calculation", "quarantine"),
    "tag": ("format identification", "metadata extraction", "filename change", "extraction"),
    "box": ("information package creation", "creation", "packing"),
    "copies": ("replication",),
    "pen": ("metadata modification", "modification", "migration", "normalization", "redaction", "policy assignment", "appraisal"),
    "out": ("dissemination", "exporting"),
    "repair": ("recovery", "unquarantine"),
    "bin": ("deletion", "deaccession"),
}
_AGENT_ROLES = {
    "implementer": N_("Done by"),
    "authorizer": N_("Authorised by"),
    "executing program": N_("Program"),
    "validator": N_("Checked by"),
}
_OBJECTS = {
    "record": N_("Record"),
    "aip": N_("Archival package"),
    "dip": N_("Copy for use"),
    "file": N_("File"),
    "submission": N_("Submission"),
    "store": N_("Store"),
    "audit": N_("Audit"),
}
_FILE_ROLES = {
    "content": N_("content"),
    "descriptive": N_("description from the sender"),
    "preservation": N_("preservation metadata from the sender"),
    "documentation": N_("documentation"),
    "schema": N_("schema"),
    "other": N_("what came beside the content"),
    "package": N_("document of the archive itself"),
}
