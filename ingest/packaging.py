"""Packaging: from a received package to the archival package (AIP) that is written to the stores.

Content goes to ``representations/<id>/data/`` with its names; what describes the record, what documents it and what the
sender's own package form consists of goes to the folders of E-ARK CSIP; our own metadata, the report of the checks and the
list of formats are written beside (`repository.aip` says where). A later version is the whole new state: OCFL stores bytes
that did not change only once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ingest.sip import PackageTree, Placement, Role
from metadata import eark
from metadata.eark.package import ABOUT_FILE, DUBLIN_CORE_FILE, PREMIS_FILE, RECORD_FILE, RECORD_SCHEMA_FILE
from metadata.premis import FileDigests
from metadata.vocabularies import PackageKind
from repository import __version__, aip
from storage.digests import Digester, Digests
from storage.ocfl.inventory import Inventory
from storage.ocfl.writer import NewFile, VersionPlan, plan_version

if TYPE_CHECKING:
    from metadata.description import Description
    from metadata.premis import Agent, Event
    from preservation.identification import Identification
    from repository.findings import Finding

_FOLDERS: Final[Mapping[Role, str]] = {
    Role.DESCRIPTIVE: aip.DESCRIPTIVE,
    Role.PRESERVATION: aip.PRESERVATION,
    Role.OTHER: aip.OTHER,
    Role.DOCUMENTATION: aip.DOCUMENTATION,
    Role.SCHEMA: aip.SCHEMAS,
}
#: What we write ourselves: a received file of that name goes one folder deeper.
_OURS: Final = frozenset({DUBLIN_CORE_FILE, RECORD_FILE, PREMIS_FILE, RECORD_SCHEMA_FILE, ABOUT_FILE, aip.CHECK_REPORT, aip.FORMATS_REPORT})
_RECEIVED: Final = "received"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into a package.

    Args:
        tree: the received files.
        placements: where each of them goes.
        formats: what each of them is, by path in the package.
        description: of the record.
        findings: of the checks.
        profile: how the package was read.
        scores: what every profile made of it.
    """

    tree: PackageTree
    placements: Sequence[Placement]
    formats: Mapping[str, Identification]
    description: Description
    findings: Sequence[Finding]
    profile: str
    scores: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Package:
    """An archival package ready to be written to the stores.

    Args:
        aip_id: its id, and that of the OCFL object.
        version: number of the version, from 1.
        created: when the package was first made.
        modified: when this version was made.
        contents: what went into it.
        own: the documents that belong to the package itself: METS, PREMIS, reports.
        plan: what the stores are to hold.
    """

    aip_id: str
    version: int
    created: datetime
    modified: datetime
    contents: Contents
    own: Sequence[NewFile]
    plan: VersionPlan

    @property
    def files(self) -> int:
        """How many files were received and are in it."""
        return len(self.contents.placements)

    @property
    def bytes(self) -> int:
        """How many bytes they have together."""
        return sum(file.size for file in self.contents.tree.files.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the table `file`: every file of the package, where it lies, and what it is."""
        for document in self.own:
            yield aip.own_file_row(self.aip_id, document.logical_path, document.size, document.digests)
        for placement in self.contents.placements:
            file = self.contents.tree.files[placement.source]
            format = self.contents.formats[placement.source]
            yield {
                "aip_id": self.aip_id,
                "path": path_in_aip(placement),
                "role": str(placement.role),
                "representation": placement.representation if placement.role is Role.CONTENT else "",
                "raw_name": raw_name(placement, self.contents.tree),
                "size": file.size,
                "sha512": file.digests.sha512,
                "sha256": file.digests.sha256,
                "sm3": file.digests.sm3,
                "modified_at": aip.moment_of(file.modified),
                "puid": format.puid,
                "format_name": format.name,
                "format_version": format.version,
                "mime": format.mime,
                "format_basis": str(format.basis),
                "format_engine": format.engine,
                "format_matches": list(format.matches),
                "format_warnings": [str(warning) for warning in format.warnings],
            }


def path_in_aip(placement: Placement) -> str:
    """Where a received file lies in the package."""
    if placement.role is Role.CONTENT:
        return f"{aip.content_folder(placement.representation)}/{placement.path}"
    path = f"{_FOLDERS[placement.role]}/{placement.path}"
    return f"{_FOLDERS[placement.role]}/{_RECEIVED}/{placement.path}" if path in _OURS else path


def raw_name(placement: Placement, tree: PackageTree) -> bytes | None:
    """The name as the sender's bytes had it, where it had to be converted; else None."""
    file = tree.files[placement.source]
    return file.raw_path if file.raw_path != file.path.encode() else None


def build(
    folder: Path,
    contents: Contents,
    *,
    aip_id: str,
    previous: Inventory | None,
    created: datetime,
    modified: datetime,
    archive_name: str,
    agreement: str,
    events: Iterable[Event],
    agents: Iterable[Agent],
    user_name: str,
    user_address: str,
    message: str,
) -> Package:
    """Writes the package's own metadata into a folder and plans the version that the stores are to hold.

    Args:
        folder: an empty folder of ours; holds the metadata files until they are stored.
        contents: what goes into it.
        aip_id: the package's id.
        previous: the OCFL inventory of the version before, or None for a new package.
        created: when the package was first made.
        modified: when this version is made.
        archive_name: who keeps it.
        agreement: under which agreement it came.
        events: what was done so far, earlier versions' events among them; iterable more than once.
        agents: who did it.
        user_name: who is named as maker of the OCFL version.
        user_address: a URI for them.
        message: why the version is made.

    Raises:
        MetadataError: the description or a name holds what XML cannot carry.
    """
    reports = (
        _written(folder, aip.CHECK_REPORT, lambda stream: _write_report(stream, contents)),
        _written(folder, aip.FORMATS_REPORT, lambda stream: aip.write_lines(stream, _format_lines(contents))),
    )
    representations = sorted({placement.representation for placement in contents.placements if placement.role is Role.CONTENT})
    package = eark.InformationPackage(
        kind=PackageKind.AIP,
        identifier=aip_id,
        created=created,
        modified=modified,
        archive=archive_name,
        software="Jingui",
        software_version=__version__,
        description=contents.description,
        label=contents.description.title,
        record_status="NEW" if previous is None else "VERSION",
        creator=contents.description.unit,
        agreement=agreement,
        representations=tuple(eark.Representation(id=name, files=_Content(contents, name)) for name in representations),
        events=events,
        agents=agents,
        other=_Beside(contents, reports),
    )
    written = [*reports, *eark.write_package(folder, package)]
    own = [NewFile(file.path, folder / file.path, file.size, Digests(*_digests(file))) for file in written]
    plan = plan_version(
        object_id=aip_id,
        previous=previous,
        files=chain(_new_files(contents), own),
        message=message,
        user_name=user_name,
        user_address=user_address,
        created=modified,
    )
    return Package(
        aip_id=aip_id,
        version=plan.version,
        created=created,
        modified=modified,
        contents=contents,
        own=own,
        plan=plan,
    )


@dataclass(frozen=True)
class _Content:
    """The content files of one representation, each time anew."""

    contents: Contents
    representation: str

    def __iter__(self) -> Iterator[eark.PackageFile]:
        for placement in self.contents.placements:
            if placement.role is Role.CONTENT and placement.representation == self.representation:
                yield _package_file(placement.path, placement, self.contents)


@dataclass(frozen=True)
class _Beside:
    """The files outside representations, each time anew."""

    contents: Contents
    reports: Sequence[eark.WrittenFile]

    def __iter__(self) -> Iterator[eark.PackageFile]:
        for report in self.reports:
            yield eark.PackageFile(path=report.path, size=report.size, digests=report.digests, mime=report.mime)
        for placement in self.contents.placements:
            if placement.role is not Role.CONTENT:
                yield _package_file(path_in_aip(placement), placement, self.contents)


def _package_file(path: str, placement: Placement, contents: Contents) -> eark.PackageFile:
    file = contents.tree.files[placement.source]
    format = contents.formats[placement.source]
    return eark.PackageFile(
        path=path,
        size=file.size,
        digests=file.digests,
        format_name=format.name,
        format_version=format.version,
        puid=format.puid or "",
        mime=format.mime,
        format_note=f"{format.basis}, {format.engine}",
        raw_name=raw_name(placement, contents.tree),
        modified=file.modified,
    )


def _new_files(contents: Contents) -> Iterator[NewFile]:
    # joined as text: there are 10⁵ of them in a large package
    root = os.fspath(contents.tree.root)
    for placement in contents.placements:
        file = contents.tree.files[placement.source]
        yield NewFile(path_in_aip(placement), f"{root}/{file.path}", file.size, file.digests)


def _format_lines(contents: Contents) -> Iterator[Mapping[str, Any]]:
    for placement in contents.placements:
        format = contents.formats[placement.source]
        yield {
            "path": path_in_aip(placement),
            "puid": format.puid,
            "name": format.name,
            "version": format.version,
            "mime": format.mime,
            "basis": str(format.basis),
            "engine": format.engine,
            "matches": list(format.matches),
            "warnings": [str(warning) for warning in format.warnings],
            "encoding": format.encoding,
        }


def _write_report(stream: BinaryIO, contents: Contents) -> None:
    report = {
        "package": contents.tree.name,
        "form": contents.tree.form,
        "profile": contents.profile,
        "recognition": list(contents.scores),
        "files": len(contents.tree.files),
        "bytes": sum(file.size for file in contents.tree.files.values()),
        "findings": [finding.as_json() for finding in contents.findings],
    }
    stream.write(json.dumps(report, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n")


class _Digesting:
    """A stream that digests what is written through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digester = Digester()

    def write(self, block: bytes) -> int:
        self.digester.update(block)
        return self._stream.write(block)


def _written(folder: Path, path: str, write: Callable[[Any], None]) -> eark.WrittenFile:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        digesting = _Digesting(stream)
        write(digesting)
    digests = digesting.digester.digests()
    mime = "application/json" if path.endswith(".json") else "application/x-ndjson"
    return eark.WrittenFile(path=path, size=digesting.digester.size, digests=FileDigests(*digests), mime=mime)


def _digests(file: eark.WrittenFile) -> tuple[bytes, bytes, bytes]:
    return file.digests.sha512, file.digests.sha256, file.digests.sm3
