"""Batches of service-affair packages: a folder or zip with several cases and the index that says which (定期归档, Measures Art. 14)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from ingest.checks.zj_case import coded
from ingest.checks.zj_dates import date_pattern_wrong, date_written_locally
from ingest.profiles.zj_zwfw import entry_name
from metadata.errors import MetadataError, UnsafeXml
from metadata.service_affairs import (
    DESCRIPTION,
    BatchIndex,
    Document,
    IndexEntry,
    document_kind,
    is_index_name,
    is_whole_index_name,
    read_document,
    read_index,
)
from repository.findings import N_, Finding, Property, failure, warning
from repository.recordkeeping.dates import Writing, read_moment

#: Files by which an archive in a batch folder is known; what it really is, unpacking finds out.
ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchCase:
    """One case of a batch, to be taken in as a submission of its own.

    Args:
        path: its folder or archive.
        name: name of the folder, or of the archive without its extension.
        identifier: 电子文件号 that its 基本信息描述 gives, or its name where that cannot be read here.
        title: 办件名称, or empty.
        archived: 归档时间 as written, or empty.
        unit: 立档单位名称, or empty.
        read: whether its 基本信息描述 could be read.
    """

    path: Path
    name: str
    identifier: str
    title: str = ""
    archived: str = ""
    unit: str = ""
    read: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A batch that was found.

    Args:
        path: the folder with the index in it.
        index_name: name of the index file.
        index: what it says, or None where it cannot be read.
        cases: the cases that are there, by name.
        findings: what is wrong with the index as a document.
    """

    path: Path
    index_name: str
    index: BatchIndex | None
    cases: tuple[BatchCase, ...]
    findings: tuple[Finding, ...] = ()


def is_packed_batch(path: Path) -> bool:
    """Whether a zip holds a batch (an index at its top or in its only folder, and no case of its own); reads only its list of entries.

    Unpack it (`ingest.unpack`) and give its folder to `find_batch`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry_name(entry) for entry in archive.infolist()]
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        return False
    tops = {name.partition("/")[0] for name in names}
    prefix = f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""
    top = [name.removeprefix(prefix) for name in names]
    return any(is_index_name(name) for name in top) and not any(document_kind(name) for name in top)


def find_batch(path: Path) -> Batch | None:
    """The batch in a folder, or None where the folder is none: no index at its top, or documents of a case beside it.

    Follows no links; reads the index and, of each case that is a folder or a zip, 基本信息描述.
    """
    if path.is_symlink() or not path.is_dir():
        return None
    entries = sorted((entry for entry in path.iterdir() if not entry.is_symlink()), key=lambda entry: entry.name)
    indexes = [entry for entry in entries if entry.is_file() and is_index_name(entry.name)]
    if not indexes or any(document_kind(entry.name) for entry in entries):
        return None
    index, findings = _read_index(indexes[0])
    if len(indexes) > 1:
        findings.append(
            failure(
                "INDEX_AMBIGUOUS",
                Property.INTEGRITY,
                indexes[0].name,
                N_("The batch has {count} indexes ({names}); only {subject} was read."),
                N_("Leave only the right index in the batch."),
                count=len(indexes),
                names=", ".join(entry.name for entry in indexes),
                case="",
            )
        )
    return Batch(
        path=path,
        index_name=indexes[0].name,
        index=index,
        cases=tuple(_case(entry) for entry in entries if entry.is_dir() or entry.name.lower().endswith(ARCHIVE_SUFFIXES)),
        findings=tuple(findings),
    )


def _read_index(path: Path) -> tuple[BatchIndex | None, list[Finding]]:
    try:
        with path.open("rb") as stream:
            index = read_index(stream, path.name)
    except MetadataError as error:
        property = Property.SAFETY if isinstance(error, UnsafeXml) else Property.USABILITY
        values = {name: value for name, value in error.parameters.items() if name != "subject"}
        return None, [coded(failure(error.code, property, path.name, error.template, error.remedy, **values, case=""), "GD-3-1")]
    return index, list(_index_habits(path.name, index))


def _index_habits(name: str, index: BatchIndex) -> Iterator[Finding]:
    if not is_whole_index_name(name):
        yield warning(
            "INDEX_NAME",
            Property.AUTHENTICITY,
            name,
            N_("The index of the batch is named “{subject}”; its name must be 存档信息包目录清单-（system code）-（yyyyMMdd）.XML."),
            N_("Tell the maker of the exporter; a closing bracket is often forgotten. The index is read all the same."),
            case="",
        )
    if any(entry.misspelt_unit for entry in index.entries):
        yield warning(
            "ELEMENT_MISSPELT",
            Property.AUTHENTICITY,
            name,
            N_("{subject}: the element “deptname” is written “daptname”; it is read all the same."),
            N_("Tell the maker of the exporter."),
            case="",
        )
    sent = read_moment(index.sent)
    if index.sent and sent.writing is Writing.LOCAL:
        yield coded(date_written_locally(name, "sendtime", sent), "GD-1-3")
    elif index.sent and sent.writing is Writing.MINUTES_FOR_MONTH:
        yield coded(date_pattern_wrong(name, "sendtime", sent), "GD-1-3")


def _case(path: Path) -> BatchCase:
    name = path.name
    if not path.is_dir():
        suffix = next(suffix for suffix in ARCHIVE_SUFFIXES if name.lower().endswith(suffix))
        name = name[: -len(suffix)]
    document = _description_in_folder(path) if path.is_dir() else _description_in_zip(path)
    if document is None:
        return BatchCase(path=path, name=name, identifier=name)
    return BatchCase(
        path=path,
        name=name,
        identifier=document.text("documentnumber") or name,
        title=document.text("projectname"),
        archived=document.text("archivetime"),
        unit=document.text("deptname"),
        read=True,
    )


def _description_in_folder(folder: Path) -> Document | None:
    found = [entry for entry in folder.iterdir() if document_kind(entry.name) == DESCRIPTION and entry.is_file() and not entry.is_symlink()]
    if not found:
        return None
    with found[0].open("rb") as stream:
        return _read_quietly(stream, found[0].name)


def _description_in_zip(path: Path) -> Document | None:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                folder, _, name = entry_name(entry).rpartition("/")
                if document_kind(name) == DESCRIPTION and "/" not in folder:
                    with archive.open(entry) as stream:
                        return _read_quietly(cast(BinaryIO, stream), name)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError):
        return None
    return None


def _read_quietly(stream: BinaryIO, name: str) -> Document | None:
    """What is wrong with the document, the case's own submission will say."""
    try:
        return read_document(stream, name, DESCRIPTION)
    except MetadataError:
        return None


def reconcile(index: BatchIndex, cases: Sequence[BatchCase], *, index_name: str = "存档信息包目录清单") -> list[Finding]:
    """Compares the index of a batch with the cases that are there: missing, not listed, different, and their number.

    Every finding has the parameter ``case``: the name of the case that it keeps from being accepted, or empty for the batch.
    """
    findings: list[Finding] = []
    listed: dict[str, IndexEntry] = {}
    for entry in index.entries:
        if entry.identifier in listed:
            findings.append(_listed_twice(index_name, entry))
        listed.setdefault(entry.identifier, entry)
    if index.count.strip() != str(len(index.entries)):
        findings.append(_count_wrong(index_name, index))
    # a case is known by its number, and by its name where the number cannot be read or is another
    unmatched = dict(listed)
    for case in cases:
        key = next((key for key in (case.identifier, case.name) if key in unmatched), None)
        if key is None:
            findings.append(_not_listed(index_name, case))
        else:
            findings.extend(_differences(index_name, unmatched.pop(key), case))
    findings.extend(_absent(index_name, entry) for entry in unmatched.values())
    return findings


def _listed_twice(index_name: str, entry: IndexEntry) -> Finding:
    finding = failure(
        "INDEX_CASE_TWICE",
        Property.AUTHENTICITY,
        index_name,
        N_("{subject} lists the case {identifier} more than once."),
        N_("Have the index made again."),
        identifier=entry.identifier,
        case="",
    )
    return coded(finding, "GD-1-8")


def _count_wrong(index_name: str, index: BatchIndex) -> Finding:
    finding = failure(
        "INDEX_COUNT_WRONG",
        Property.INTEGRITY,
        index_name,
        N_("{subject} says that the batch has {declared} packages (sendnumber), but lists {listed}."),
        N_("Have the index made again, and make sure that no package was left behind."),
        declared=index.count or "0",
        listed=len(index.entries),
        case="",
    )
    return coded(finding, "GD-2-1")


def _not_listed(index_name: str, case: BatchCase) -> Finding:
    finding = failure(
        "INDEX_CASE_NOT_LISTED",
        Property.INTEGRITY,
        case.name,
        N_("The case {subject} is in the batch, but {index} does not list it."),
        N_("Ask the sending unit whether the case belongs to the batch, and have the index made again."),
        index=index_name,
        case=case.name,
    )
    return coded(finding, "GD-2-1")


def _absent(index_name: str, entry: IndexEntry) -> Finding:
    finding = failure(
        "INDEX_CASE_MISSING",
        Property.INTEGRITY,
        entry.identifier,
        N_("{index} lists the case {subject} ({title}), but the batch does not hold it."),
        N_("Have the missing case sent."),
        index=index_name,
        title=entry.title,
        case="",
    )
    return coded(finding, "GD-2-1")


def _differences(index_name: str, entry: IndexEntry, case: BatchCase) -> Iterator[Finding]:
    if not case.read:
        return
    pairs = (
        ("documentnumber", entry.identifier, case.identifier),
        ("projectname", entry.title, case.title),
        ("archivetime", entry.archived, case.archived),
        ("deptname", entry.unit, case.unit),
    )
    for element, listed, found in pairs:
        if listed == found or not listed or (element == "archivetime" and _same_time(listed, found)):
            continue
        yield failure(
            "INDEX_CASE_DIFFERENT",
            Property.AUTHENTICITY,
            case.name,
            N_("The case {subject} has “{found}” as {element}, but {index} says “{listed}”."),
            N_("Ask the sending unit which is right, and have the other made again."),
            element=element,
            found=found,
            listed=listed,
            index=index_name,
            case=case.name,
        )


def _same_time(one: str, other: str) -> bool:
    """Equal as times, or one of them written so that it cannot be compared."""
    first, second = read_moment(one), read_moment(other)
    return Writing.MINUTES_FOR_MONTH in {first.writing, second.writing} or (first.value is not None and first.value == second.value)
