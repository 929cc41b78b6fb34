"""Profile ``folder``: any folder or archive, with the metadata that Archivematica's transfers may have.

``objects/`` is content; ``metadata/`` holds metadata.csv (one row a file, Dublin Core), checksum files and
``submissionDocumentation/``; ``logs/`` tells how the transfer was made. A plain folder may have its metadata.csv at the top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.profiles.folder_metadata import CsvMetadata, read_checksums, read_csv
from ingest.sip import Declared, PackageTree, Placement, Recognition, Role, Sip
from metadata.description import Description
from repository.findings import N_, Finding, Outcome, Property, Severity
from repository.recordkeeping.dates import read_moment
from repository.recordkeeping.retention import parse_retention

NAME: Final = "folder"
#: What operating systems and programs leave behind; kept, because a folder is kept as it was, and said.
_JUNK: Final = re.compile(r"(?:.*/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]+|~\$[^/]+|__MACOSX/.*)", re.IGNORECASE | re.DOTALL)
_CHECKSUM: Final = re.compile(r"metadata/checksum\.(md5|sha1|sha256|sha512)")
#: Names by which a top folder ``metadata`` is known to be about the content rather than content itself.
_OF_TRANSFERS: Final = re.compile(
    r"metadata/(?:metadata\.csv|source-metadata\.csv|rights\.csv|identifiers\.json|checksum\.\w+|submissionDocumentation/.*|mets_structmap\.xml)",
    re.DOTALL,
)
_CSV: Final = ("metadata/metadata.csv", "metadata.csv")
#: Settings of the transferring system at the top of a transfer: about the transfer, not of the record.
_SETTINGS: Final = "processingMCP.xml"


class FolderProfile:
    """Reads whatever no other profile knows."""

    @property
    def name(self) -> str:
        """``folder``."""
        return NAME

    def recognise(self, tree: PackageTree) -> Recognition:
        """Any package is a folder; one with Archivematica's layout or a metadata.csv a little more so."""
        if _is_transfer(tree):
            return Recognition(profile=NAME, score=30, reason=N_("objects/ or metadata/ of a transfer at the top"))
        if "metadata.csv" in tree.files:
            return Recognition(profile=NAME, score=25, reason=N_("metadata.csv at the top"))
        return Recognition(profile=NAME, score=10, reason=N_("any folder or archive"))

    def read(self, tree: PackageTree) -> Sip:
        """Reads metadata.csv and the checksum files; everything else is content as it stands."""
        transfer = _is_transfer(tree)
        findings: list[Finding] = []
        found = [read_csv(tree, path, findings) for path in _CSV if path in tree.files]
        declared: list[Declared] = []
        for path in tree.files:
            match = _CHECKSUM.fullmatch(path)
            if match and transfer:
                declared += read_checksums(tree, path, match.group(1), findings)
        findings += _junk(tree)
        return Sip(
            profile=NAME,
            description=_describe(tree, [metadata for metadata in found if metadata is not None]),
            placements=[_placement(path, transfer) for path in tree.files],
            declared=declared,
            findings=findings,
            attributes={"layout": "transfer"} if transfer else {},
        )


profile = FolderProfile()


def _is_transfer(tree: PackageTree) -> bool:
    tops = {path.partition("/")[0] for path in tree.files if "/" in path}
    return ("objects" in tops and "metadata" in tops) or any(_OF_TRANSFERS.fullmatch(path) for path in tree.files)


def _placement(path: str, transfer: bool) -> Placement:
    if path in _CSV and (transfer or path == "metadata.csv"):
        return Placement(source=path, role=Role.DESCRIPTIVE, path=path)
    top, _, below = path.partition("/")
    if transfer and top == "metadata":
        folder, _, rest = below.partition("/")
        if folder == "submissionDocumentation" and rest:
            return Placement(source=path, role=Role.DOCUMENTATION, path=rest)
        return Placement(source=path, role=Role.OTHER, path=f"submission/{path}")
    if (transfer and top == "logs" and below) or path == _SETTINGS:
        return Placement(source=path, role=Role.OTHER, path=f"submission/{path}")
    return Placement(source=path, role=Role.CONTENT, path=path)


def _junk(tree: PackageTree) -> Iterator[Finding]:
    for path in tree.files:
        if _JUNK.fullmatch(path):
            yield Finding(
                code="JUNK_FILE",
                property=Property.INTEGRITY,
                severity=Severity.INFO,
                outcome=Outcome.WARN,
                subject=path,
                message=N_("{subject} was left behind by an operating system or a program; it is kept."),
                remedy=N_("Nothing has to be done. Leave such files out of new packages."),
            )


def _describe(tree: PackageTree, sources: list[CsvMetadata]) -> Description:
    def texts(name: str) -> list[str]:
        return [text for source in sources for text in source.of_package.get(name, ())]

    def first(name: str) -> str:
        return next(iter(texts(name)), "")

    moments = [read_moment(text) for text in texts("date")]
    period = parse_retention(first("retention"))
    return Description(
        identifier=first("identifier"),
        title=first("title") or tree.name,
        unit=first("unit"),
        creators=tuple(texts("creator")),
        dates=tuple(moment.iso for moment in moments if moment.iso),
        year=next((str(moment.year) for moment in moments if moment.year), ""),
        retention=period.code if period else "",
        security=next((source.security for source in sources if source.security), ""),
        abstract=first("description"),
        subjects=tuple(texts("subject")),
        language=_language(first("language")),
        elements=tuple(element for source in sources for element in source.elements),
    )


def _language(text: str) -> str:
    return text if re.fullmatch(r"[a-z]{3}", text) else {"zh": "chi", "en": "eng"}.get(text.lower()[:2], "")
