"""The archival package (AIP) as files: which file lies where, and how its catalogue rows follow from it.

Ingest writes packages by these rules, `rebuild` reads them again; so a column of the catalogue that is not an event has
its one source here. The layout is that of E-ARK CSIP 2.x (DESIGN: AIP layout).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final

from metadata.description import Description, Element, ProcessStep
from storage.digests import Digests

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

METS: Final = "METS.xml"
DESCRIPTIVE: Final = "metadata/descriptive"
PRESERVATION: Final = "metadata/preservation"
OTHER: Final = "metadata/other"
DOCUMENTATION: Final = "documentation"
SCHEMAS: Final = "schemas"
REPRESENTATIONS: Final = "representations"

#: What the checks of the submission found, as one JSON document.
CHECK_REPORT: Final = f"{OTHER}/checks/report.json"
#: What identification said of every received file, one JSON object a line, in the order of the paths.
FORMATS_REPORT: Final = f"{OTHER}/checks/formats.jsonl"
#: Where what the sender sent beside the content is kept as it came (manifests, tag files, the sender's METS).
SUBMISSION: Final = f"{OTHER}/submission"

#: What the column `file.role` says of documents of the package itself; of received files it says the words of `ingest.sip.Role`.
OWN_ROLE: Final = "package"
_OWN_TYPES: Final = {
    "xml": "application/xml",
    "xsd": "application/xml",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "txt": "text/plain",
}

#: The columns of the table `record` that come from a description, by the same name.
DESCRIBED: Final = ("title", "unit", "affair_code", "affair", "affair_type", "case_number", "year", "retention", "sharing", "security")


def content_folder(representation: str) -> str:
    """Where the content of a representation lies in its AIP, names kept."""
    return f"{REPRESENTATIONS}/{representation}/data"


def role_of(path: str) -> str:
    """What a received file outside the representations is, from where it lies: the words of the table `file`."""
    roles = {DESCRIPTIVE: "descriptive", PRESERVATION: "preservation", DOCUMENTATION: "documentation", SCHEMAS: "schema"}
    return next((role for folder, role in roles.items() if path.startswith(f"{folder}/")), "other")


def own_file_row(aip_id: str, path: str, size: int, digests: Digests) -> dict[str, Any]:
    """The row of the table `file` for a document that belongs to the package itself (METS, PREMIS, reports) and was not received.

    Its bytes are audited like all others; its format needs no identification, because it is ours.

    Args:
        aip_id: the package.
        path: where it lies in it.
        size: bytes.
        digests: of its bytes.
    """
    return {
        "aip_id": aip_id,
        "path": path,
        "role": OWN_ROLE,
        "representation": "",
        "raw_name": None,
        "size": size,
        "sha512": digests.sha512,
        "sha256": digests.sha256,
        "sm3": digests.sm3,
        "modified_at": None,
        "puid": None,
        "format_name": "",
        "format_version": "",
        "mime": _OWN_TYPES.get(path.rpartition(".")[2], ""),
        "format_basis": "none",
        "format_engine": "",
        "format_matches": [],
        "format_warnings": [],
    }


def record_columns(description: Description) -> dict[str, Any]:
    """The columns of `record` that follow from a description, ``identifier`` and ``description`` among them."""
    columns: dict[str, Any] = {name: getattr(description, name) for name in DESCRIBED}
    # the narrow columns are for facets and rules; what does not fit stays whole in `description`
    columns["year"] = description.year[:4]
    columns["retention"] = description.retention[:16]
    columns["sharing"] = description.sharing[:32]
    columns["security"] = description.security[:16]
    return {**columns, "identifier": description.identifier or None, "description": description_as_json(description)}


def description_as_json(description: Description) -> dict[str, Any]:
    """A description as it lies in the column `record.description`; empty fields are left out."""
    return {name: value for name, value in asdict(description).items() if value}


def description_from_json(value: Mapping[str, Any]) -> Description:
    """The description that `description_as_json` wrote."""
    fields = dict(value)
    fields["elements"] = tuple(Element(**element) for element in fields.get("elements", ()))
    fields["process"] = tuple(ProcessStep(**step) for step in fields.get("process", ()))
    for name in ("creators", "dates", "subjects"):
        fields[name] = tuple(fields.get(name, ()))
    return Description(**fields)


def moment_of(seconds: float | None) -> datetime | None:
    """A file's time of change as the catalogue keeps it, from seconds since the epoch; None where there is none or no such year."""
    if seconds is None:
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def content_digest(files: Iterable[tuple[str, int, Digests]]) -> str:
    """What a package is, whatever it is called and whatever it came in: SHA-512 over its sorted (path, size, SHA-512).

    Args:
        files: path in the package, bytes, and digests of every received file.
    """
    digest = hashlib.sha512()
    for path, size, digests in sorted(files):
        name = path.encode()
        digest.update(b"%d %s %d %s\n" % (len(name), name, size, digests.sha512.hex().encode()))
    return digest.hexdigest()


def write_lines(stream: BinaryIO, lines: Iterable[Mapping[str, Any]]) -> None:
    """Writes one JSON object a line, in UTF-8."""
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
    for line in lines:
        # a lone surrogate becomes the JSON escape for itself
        stream.write(encode(line).encode("utf-8", "backslashreplace") + b"\n")
