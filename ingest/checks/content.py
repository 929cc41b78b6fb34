"""Checks on what identification said of the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ingest.sip import PackageTree, Role, Sip
from repository.findings import N_, Finding, Property, warning

if TYPE_CHECKING:
    from preservation.identification import Identification

#: So many files are named one by one; the rest are counted.
_NAMED: Final = 20


def check_formats(tree: PackageTree, sip: Sip, formats: Mapping[str, Identification]) -> Iterator[Finding]:
    """A content file whose format nobody knows may not be readable later."""
    unknown = [
        placement.source
        for placement in sip.placements
        if placement.role is Role.CONTENT and tree.files[placement.source].size and _is_unknown(formats[placement.source])
    ]
    for path in unknown[:_NAMED]:
        yield warning(
            "FORMAT_UNIDENTIFIED",
            Property.USABILITY,
            path,
            N_("The format of “{subject}” is not known: no signature, no text and no known extension."),
            N_("Ask the sender what the file is and with which program it can be read."),
        )
    if len(unknown) > _NAMED:
        yield warning(
            "FORMAT_UNIDENTIFIED",
            Property.USABILITY,
            tree.name,
            N_("The formats of {count} more files of “{subject}” are not known."),
            N_("The list of formats in the archival package names them all."),
            count=len(unknown) - _NAMED,
        )


def _is_unknown(identification: Identification) -> bool:
    return identification.puid is None and identification.basis == "none"
