"""Writes the metadata of an E-ARK package as streams, each document before the one that points to it.

Order: descriptive metadata, schema and note; PREMIS and METS of each representation; PREMIS and METS of the package. Every
document is digested while it is written, since the next one states its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from metadata import dat46, dublin_core, mets, premis
from metadata.eark.package import (
    ABOUT_FILE,
    DUBLIN_CORE_FILE,
    METS_FILE,
    PREMIS_FILE,
    RECORD_FILE,
    RECORD_SCHEMA_FILE,
    InformationPackage,
    Representation,
    WrittenFile,
)
from metadata.eark.sink import Sink
from metadata.errors import N_, MetadataError
from metadata.mets import FileEntries, FileGroup, HeaderAgent, MetadataFile, MetsDocument, MetsFile, StructureDivision
from metadata.premis import File
from metadata.times import format_moment, format_seconds
from metadata.vocabularies import PROFILES, PackageKind
from metadata.xml import Destination

_XML: Final = "application/xml"
_UNKNOWN_MIME: Final = "application/octet-stream"
_CATEGORY: Final = "Mixed"
_INFORMATION_TYPE: Final = "MIXED"
#: What a reader without any of our programs needs to know; written in every package, so that it explains itself.
_ABOUT: Final = """\
About this package 关于本信息包

This folder is {english} in the form of E-ARK CSIP 2.x (https://dilcis.eu). All metadata are XML in UTF-8.
本文件夹是符合 E-ARK CSIP 2.x 规范的{chinese}，元数据均为 UTF-8 编码的 XML 文件。

METS.xml                                  table of contents 目录
metadata/descriptive/dc.xml               Dublin Core 都柏林核心元数据
metadata/descriptive/record.xml           full description, DA/T 46-2009 elements 完整著录（DA/T 46-2009 元数据元素）
metadata/preservation/premis.xml          events, agents, rights 保存事件、责任者、权限（PREMIS 3）
metadata/other/                           check reports and what came with the submission 检测报告及随交材料
representations/<name>/data/              the files, names kept byte for byte 档案文件，文件名原样保留
representations/<name>/METS.xml           list of these files with their digests 文件清单及摘要
representations/<name>/metadata/…         formats and fixity of these files 文件格式与完整性信息
schemas/record.xsd                        XML Schema of record.xml

In METS files, names are written as relative URIs (percent-encoded UTF-8). premis.xml gives SHA-512, SHA-256 and SM3 (GB/T 32905)
digests of every file. Where a name had to be converted to become text, premis.xml holds its original bytes in hexadecimal.
METS 文件中的文件名写作相对 URI（UTF-8 百分号编码）。premis.xml 记录每个文件的 SHA-512、SHA-256 和 SM3 摘要；
文件名经过转换的，其原始字节以十六进制保存在 premis.xml 中。
"""
_KINDS: Final = {
    PackageKind.SIP: ("a submission information package", "提交信息包"),
    PackageKind.DIP: ("a dissemination information package", "利用信息包"),
}
_ARCHIVAL: Final = ("an archival information package", "档案信息包")


def write_package(folder: Path, package: InformationPackage) -> list[WrittenFile]:
    """Writes the metadata files of a package. Content files and `other` files stay where they are and are not opened.

    Memory does not grow with the number of files, as long as their lists do not hold them.

    Args:
        folder: the package's root; exists. None of the metadata files may be there yet.
        package: what to write. The files of a representation are gone through once, `other` files several times.

    Returns:
        Every file written, in the order of writing, ``METS.xml`` last.

    Raises:
        MetadataError: ``PACKAGE_PATH``: a path leaves the package or a representation's name is no folder name;
            ``PACKAGE_LIST_ONCE``: a list of files can be gone through only once; ``XML_CHARACTER``: an identifier or name
            holds a character that XML cannot carry.
        FileExistsError: a metadata file is there already.
    """
    _check_lists(package)
    sink = Sink(folder)
    description = package.description
    dublin = sink.write(DUBLIN_CORE_FILE, _XML, lambda out: dublin_core.write(out, description, publisher=package.archive))
    record = sink.write(RECORD_FILE, _XML, lambda out: dat46.write_record(out, description))
    schema = sink.write(RECORD_SCHEMA_FILE, _XML, lambda out: _write(out, dat46.SCHEMA_FILE.read_bytes()))
    about = sink.write(ABOUT_FILE, "text/plain", lambda out: _write(out, _about(package)))
    documents = [_write_representation(sink, package, representation) for representation in package.representations]
    preservation = sink.write(
        PREMIS_FILE,
        _XML,
        lambda out: premis.write(
            out,
            objects=(premis.IntellectualEntity(identifier=package.identifier, name=package.label),),
            files=_checked(package.other),
            events=package.events,
            agents=package.agents,
            rights=package.rights,
        ),
    )
    document = _root_document(package, dublin, record, schema, about, preservation, documents)
    sink.write(METS_FILE, _XML, lambda out: mets.write(out, document))
    return sink.written


def _write(stream: Destination, content: bytes) -> None:
    stream.write(content)


def _about(package: InformationPackage) -> bytes:
    english, chinese = _KINDS.get(package.kind, _ARCHIVAL)
    return _ABOUT.format(english=english, chinese=chinese).encode()


def _check_lists(package: InformationPackage) -> None:
    names = [representation.id for representation in package.representations]
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\0" in name or names.count(name) > 1:
            raise _bad_path(name)
    for files in (package.other, *(representation.files for representation in package.representations)):
        if isinstance(files, Iterator):
            raise MetadataError(
                "PACKAGE_LIST_ONCE",
                N_("A list of files of the package {subject} can be gone through only once."),
                subject=package.identifier,
                remedy=N_("Hand over a sequence, or an object that starts anew each time it is iterated."),
            )


def _bad_path(path: str) -> MetadataError:
    return MetadataError(
        "PACKAGE_PATH",
        N_("The path “{path}” cannot stand in a package."),
        subject=path,
        remedy=N_("A path lies below the package, has no empty part, no “.” and no “..”."),
        path=path,
    )


def _checked(files: Iterable[File]) -> Iterator[File]:
    for file in files:
        path = file.path
        if not path or path[0] == "/" or "\0" in path or "//" in path or path[-1] == "/":
            raise _bad_path(path)
        if "." in path and not {".", ".."}.isdisjoint(path.split("/")):
            raise _bad_path(path)
        yield file


def _mets_files(package: InformationPackage, files: Iterable[File]) -> Iterator[MetsFile]:
    fallback = format_moment(package.modified)
    for file in files:
        made = format_seconds(file.modified) if file.modified is not None else None
        digest = file.digests.sha256.hex() if file.digests is not None else ""
        yield MetsFile(file.path, file.size, file.mime or _UNKNOWN_MIME, made or fallback, digest)


def _own_file(package: InformationPackage, written: WrittenFile, *, below: str = "") -> MetsFile:
    path = written.path.removeprefix(below)
    return MetsFile(path, written.size, written.mime, format_moment(package.modified), written.digests.sha256.hex())


def _header_agents(package: InformationPackage) -> tuple[HeaderAgent, ...]:
    agents = [
        HeaderAgent(
            role="CREATOR",
            type="OTHER",
            other_type="SOFTWARE",
            name=package.software,
            note=package.software_version or "unknown",
            note_type="SOFTWARE VERSION",
        )
    ]
    if package.archive:
        agents.append(HeaderAgent(role="PRESERVATION", type="ORGANIZATION", name=package.archive))
    if package.creator and package.kind == PackageKind.SIP:
        agents.append(HeaderAgent(role="CREATOR", type="ORGANIZATION", name=package.creator))
    elif package.creator:
        agents.append(HeaderAgent(role="OTHER", other_role="SUBMITTER", type="ORGANIZATION", name=package.creator))
    return tuple(agents)


def _document(
    package: InformationPackage,
    identifier: str,
    label: str,
    structure: StructureDivision,
    groups: tuple[FileGroup, ...],
    provenance: tuple[MetadataFile, ...],
    descriptive: tuple[MetadataFile, ...] = (),
    alternatives: tuple[tuple[str, str], ...] = (),
) -> MetsDocument:
    return MetsDocument(
        identifier=identifier,
        label=label,
        type=_CATEGORY,
        content_information_type=_INFORMATION_TYPE,
        profile=PROFILES[package.kind],
        package_kind=str(package.kind),
        created=format_moment(package.created),
        modified=format_moment(package.modified),
        record_status=package.record_status,
        agents=_header_agents(package),
        alternatives=alternatives,
        descriptive=descriptive,
        provenance=provenance,
        groups=groups,
        structure=structure,
    )


def _noted(package: InformationPackage, files: Iterable[File], entries: FileEntries) -> Iterator[File]:
    """The files, checked, with an entry for METS noted of each."""
    fallback = format_moment(package.modified)
    add = entries.add
    for file in _checked(files):
        made = format_seconds(file.modified) if file.modified is not None else None
        digest = file.digests.sha256.hex() if file.digests is not None else ""
        add(f"data/{file.path}", file.size, file.mime or _UNKNOWN_MIME, made or fallback, digest)
        yield file


def _write_representation(sink: Sink, package: InformationPackage, representation: Representation) -> WrittenFile:
    root = f"representations/{representation.id}/"
    label = f"Representations/{representation.id}"
    with mets.file_entries(sink.folder, "file-") as entries:
        preservation = sink.write(
            root + PREMIS_FILE,
            _XML,
            lambda out: premis.write(
                out,
                objects=(
                    premis.RepresentationObject(
                        identifier=representation.id, name=representation.name, derived_from=representation.derived_from
                    ),
                ),
                files=_noted(package, representation.files, entries),
                prefix=root + "data/",
                events=representation.events,
            ),
        )
        document = _document(
            package,
            representation.id,
            representation.name,
            StructureDivision(
                identifier="root",
                label=representation.id,
                divisions=(
                    StructureDivision(identifier="metadata", label="Metadata", administrative=("premis",)),
                    StructureDivision(identifier="content", label=f"{label}/data", groups=("data",)),
                ),
            ),
            (FileGroup(identifier="data", use=f"{label}/data", files=entries, file_prefix="file-"),),
            (MetadataFile(identifier="premis", file=_own_file(package, preservation, below=root), type="PREMIS", version="3.0"),),
        )
        return sink.write(root + METS_FILE, _XML, lambda out: mets.write(out, document))


def _registered(file: MetsFile) -> MetsFile:
    """The file with a media type that IANA knows, which CSIP26 and CSIP40 ask for; experimental ones (``x-…``) are not."""
    return file._replace(mime=_UNKNOWN_MIME) if file.mime.partition("/")[2].startswith("x-") else file


class _Below:
    """Those of the files outside representations that lie below one folder, each time anew; those at the top are documentation."""

    def __init__(self, package: InformationPackage, folder: str, first: tuple[MetsFile, ...] = ()) -> None:
        self._package = package
        self._folder = folder
        self._first = first

    def __iter__(self) -> Iterator[MetsFile]:
        yield from self._first
        top = self._folder == "documentation/"
        below = (file for file in self._package.other if file.path.startswith(self._folder) or (top and "/" not in file.path))
        yield from _mets_files(self._package, below)


def _root_document(
    package: InformationPackage,
    dublin: WrittenFile,
    record: WrittenFile,
    schema: WrittenFile,
    about: WrittenFile,
    preservation: WrittenFile,
    documents: list[WrittenFile],
) -> MetsDocument:
    descriptive = [
        MetadataFile(identifier="dc", file=_own_file(package, dublin), type="DC"),
        MetadataFile(identifier="record", file=_own_file(package, record), type="OTHER", other_type="DA/T 46-2009"),
    ]
    for number, file in enumerate(map(_registered, _Below(package, "metadata/descriptive/")), 1):
        descriptive.append(MetadataFile(identifier=f"descriptive-{number}", file=file, type="OTHER", other_type="AS SUBMITTED"))
    provenance = [MetadataFile(identifier="premis", file=_own_file(package, preservation), type="PREMIS", version="3.0")]
    for number, file in enumerate(map(_registered, _Below(package, "metadata/preservation/")), 1):
        provenance.append(MetadataFile(identifier=f"preservation-{number}", file=file, type="OTHER", other_type="AS SUBMITTED"))

    documentation = _Below(package, "documentation/", (_own_file(package, about),))
    schemas = _Below(package, "schemas/", (_own_file(package, schema),))
    other = _Below(package, "metadata/other/")
    groups = [
        FileGroup(identifier="documentation", use="Documentation", files=documentation, file_prefix="documentation-"),
        FileGroup(identifier="schemas", use="Schemas", files=schemas, file_prefix="schema-"),
    ]
    metadata_groups: tuple[str, ...] = ()
    if next(iter(other), None) is not None:
        groups.append(FileGroup(identifier="other", use="Metadata", files=other, file_prefix="other-"))
        metadata_groups = ("other",)
    contents = []
    for number, (representation, written) in enumerate(zip(package.representations, documents, strict=True), 1):
        group = f"representation-{number}"
        label = f"Representations/{representation.id}"
        groups.append(FileGroup(identifier=group, use=label, files=(_own_file(package, written),), file_prefix=f"{group}-mets-"))
        contents.append(
            StructureDivision(identifier=f"content-{number}", label=label, mets=written.path, mets_title=group, groups=(group,))
        )
    return _document(
        package,
        package.identifier,
        package.label,
        StructureDivision(
            identifier="root",
            label=package.identifier,
            divisions=(
                StructureDivision(
                    identifier="metadata",
                    label="Metadata",
                    descriptive=tuple(section.identifier for section in descriptive),
                    administrative=tuple(section.identifier for section in provenance),
                    groups=metadata_groups,
                ),
                StructureDivision(identifier="documents", label="Documentation", groups=("documentation",)),
                StructureDivision(identifier="schema-files", label="Schemas", groups=("schemas",)),
                StructureDivision(
                    identifier="contents",
                    label="Representations",
                    groups=tuple(division.mets_title for division in contents),
                    divisions=tuple(contents),
                ),
            ),
        ),
        tuple(groups),
        tuple(provenance),
        tuple(descriptive),
        (("SUBMISSIONAGREEMENT", package.agreement),) if package.agreement else (),
    )
