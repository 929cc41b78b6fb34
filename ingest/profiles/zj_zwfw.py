"""Profile ``zj-zwfw``: the Zhejiang service-affair package, one folder or archive a case.

Beside the materials it has 归档配置表, 基本信息描述 and 办理流程 as XML. A joint case (并联审批, 一件事) holds, beside its own three
documents, one folder or zip for each of its cases (GB/T 42727-2023, nested structure); one level of nesting is read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from ingest.checks.materials import check_materials
from ingest.checks.zj_case import Case, coded
from ingest.checks.zj_zwfw import check_documents
from ingest.sip import PackageTree, Placement, Recognition, Role, Sip
from metadata.description import Description, Element, ProcessStep
from metadata.errors import MetadataError, UnsafeXml
from metadata.service_affairs import CONFIGURATION, DESCRIPTION, DOCUMENTS, PROCESS, Document, document_kind, is_index_name, read_document
from repository.findings import N_, Finding, Property, failure
from repository.recordkeeping.dates import read_moment
from repository.recordkeeping.retention import parse_retention

NAME: Final = "zj-zwfw"
#: Elements that are personal or secret: kept in the package, never indexed, never shown outside the unit.
SENSITIVE: Final = frozenset({"projectpassword", "mobile", "contactidcard", "address"})

_RECOGNISED: Final = {
    1: (55, N_("one of its three documents at the top")),
    2: (85, N_("two of its three documents at the top")),
    3: (98, N_("its three documents at the top")),
}
_MOST_NESTED_ENTRIES: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """The files of one case, wherever they lie.

    Args:
        name: name of its folder or archive.
        where: what stands before paths in messages.
        sizes: bytes, by path below the case.
        open: opens one of them for reading.
    """

    name: str
    where: str
    sizes: Mapping[str, int]
    open: Callable[[str], BinaryIO]


class ServiceAffairProfile:
    """Reads ``zj-zwfw`` packages."""

    @property
    def name(self) -> str:
        """``zj-zwfw``."""
        return NAME

    def recognise(self, tree: PackageTree) -> Recognition:
        """By the names of the three documents at the top; a batch that was not taken apart is known by its index."""
        found = {kind for path in tree.files if "/" not in path and (kind := document_kind(path))}
        if found:
            score, reason = _RECOGNISED[len(found)]
            return Recognition(profile=NAME, score=score, reason=reason)
        if any("/" not in path and is_index_name(path) for path in tree.files):
            return Recognition(profile=NAME, score=50, reason=N_("an index of a batch at the top"))
        return Recognition(profile=NAME, score=0, reason=N_("none of its documents at the top"))

    def read(self, tree: PackageTree) -> Sip:
        """Reads the case, and the cases nested in it."""
        nested = _nested_folders(tree)
        own = {path: file.size for path, file in tree.files.items() if path.partition("/")[0] not in nested}
        archives = [path for path in own if "/" not in path and path.lower().endswith(".zip")]
        outer = CaseFiles(name=tree.name, where="", sizes=own, open=tree.open)
        findings: list[Finding] = []
        cases: list[tuple[str, Case]] = []
        for folder in sorted(nested):
            findings += _too_deep(tree, folder)
            cases.append((folder, read_case(_folder_files(tree, folder), findings)))
        for path in sorted(archives):
            with tree.open(path) as stream:
                inner = _read_archive(stream, path, findings)
            if inner is not None:
                cases.append((path, inner))
        nested_archives = {path for path, _ in cases if path in own}
        case = read_case(
            CaseFiles(
                name=outer.name, where="", sizes={path: size for path, size in own.items() if path not in nested_archives}, open=outer.open
            ),
            findings,
        )
        if not case.documents and any("/" not in path and is_index_name(path) for path in tree.files):
            findings = [_whole_batch(tree)]
        return Sip(
            profile=NAME,
            description=describe(case, [inner for _, inner in cases]),
            placements=[_placement(path, nested) for path in tree.files],
            findings=[*findings, *_check(case), *(finding for _, inner in cases for finding in _check(inner))],
            attributes={"nested_cases": str(len(cases))} if cases else {},
        )


profile = ServiceAffairProfile()


def read_case(files: CaseFiles, findings: list[Finding]) -> Case:
    """Reads the three documents of a case; what is missing or cannot be read goes into `findings`."""
    candidates: dict[str, list[str]] = {kind: [] for kind in DOCUMENTS}
    for path in files.sizes:
        kind = document_kind(path)
        if kind:
            candidates[kind].append(path)
    documents: dict[str, Document] = {}
    for kind, paths in candidates.items():
        if not paths:
            findings.append(_document_missing(files, kind))
        elif len(paths) > 1:
            findings.append(_document_twice(files, paths))
        else:
            document = _read(files, paths[0], kind, findings)
            if document is not None:
                documents[kind] = document
    named = {path for paths in candidates.values() for path in paths}
    return Case(
        name=files.name,
        where=files.where,
        documents=documents,
        paths={kind: f"{files.where}{candidates[kind][0]}" for kind in documents},
        files={path: size for path, size in files.sizes.items() if path not in named},
    )


def _read(files: CaseFiles, path: str, kind: str, findings: list[Finding]) -> Document | None:
    subject = f"{files.where}{path}"
    try:
        with files.open(path) as stream:
            return read_document(stream, subject, kind)
    except MetadataError as error:
        property = Property.SAFETY if isinstance(error, UnsafeXml) else Property.USABILITY
        findings.append(coded(failure(error.code, property, subject, error.template, error.remedy, **dict(_values(error))), "GD-3-1"))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        findings.append(
            failure(
                "NESTED_ARCHIVE_UNREADABLE",
                Property.INTEGRITY,
                subject,
                N_("{subject} cannot be read out of its archive: {reason}."),
                N_("Have the nested package made again, without encryption, and send the whole package again."),
                reason=error,
            )
        )
    return None


def _values(error: MetadataError) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in error.parameters.items() if name != "subject")


def _document_missing(files: CaseFiles, kind: str) -> Finding:
    finding = failure(
        "DOCUMENT_MISSING",
        Property.INTEGRITY,
        f"{files.where}{kind}.XML",
        N_("{subject} is missing: a package of this kind has 归档配置表.XML, 基本信息描述.XML and 办理流程.XML at its top."),
        N_("Have the business system export the case again."),
    )
    return coded(finding, "GD-2-10")


def _document_twice(files: CaseFiles, paths: Sequence[str]) -> Finding:
    return failure(
        "DOCUMENT_AMBIGUOUS",
        Property.AUTHENTICITY,
        f"{files.where}{paths[0]}",
        N_("{subject} is there more than once ({names}); which one is meant cannot be known, and none was read."),
        N_("Leave only the right one in the package."),
        names=", ".join(paths),
    )


def _whole_batch(tree: PackageTree) -> Finding:
    return failure(
        "BATCH_NOT_TAKEN_APART",
        Property.INTEGRITY,
        tree.name,
        N_("{subject} is a batch: it holds the index of a batch and no case of its own."),
        N_("Hand in the folder or the archive of the batch itself, so that each case in it becomes a record."),
    )


def _check(case: Case) -> list[Finding]:
    return [*check_documents(case), *check_materials(case)] if case.documents else []


def _nested_folders(tree: PackageTree) -> frozenset[str]:
    """Folders at the top that hold a document of a case directly."""
    parts = (path.split("/") for path in tree.files)
    return frozenset(two[0] for two in parts if len(two) == 2 and document_kind(two[1]))


def _folder_files(tree: PackageTree, folder: str) -> CaseFiles:
    prefix = f"{folder}/"

    def open_inner(path: str) -> BinaryIO:
        return tree.open(prefix + path)

    sizes = {file.path.removeprefix(prefix): file.size for file in tree.below(folder)}
    return CaseFiles(name=folder, where=prefix, sizes=sizes, open=open_inner)


def _too_deep(tree: PackageTree, folder: str) -> list[Finding]:
    deeper = sorted(
        {
            file.path.rpartition("/")[0]
            for file in tree.below(folder)
            if file.path.count("/") > 1 and document_kind(file.path.rpartition("/")[2])
        }
    )
    return [
        failure(
            "NESTING_TOO_DEEP",
            Property.AUTHENTICITY,
            path,
            N_("{subject} is a case inside a case inside a case; only one level of nesting is allowed."),
            N_("Put all cases of the joint case directly below it."),
        )
        for path in deeper
    ]


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of a zip entry, also where Windows wrote it in GBK without saying so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _read_archive(stream: BinaryIO, path: str, findings: list[Finding]) -> Case | None:
    """A case in a zip at the top of a joint case; None where the zip is a material like any other."""
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = {entry_name(entry): entry for entry in archive.infolist()[:_MOST_NESTED_ENTRIES] if not entry.is_dir()}
            tops = {name.partition("/")[0] for name in entries}
            prefix = f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in entries) else ""
            inside = {name.removeprefix(prefix): entry for name, entry in entries.items()}
            if not any(document_kind(name) for name in inside):
                return None

            def open_inner(name: str) -> BinaryIO:
                return cast(BinaryIO, archive.open(inside[name]))

            stem = prefix.rstrip("/") or path.rpartition(".")[0]
            files = CaseFiles(name=stem, where=f"{path}/", sizes={name: entry.file_size for name, entry in inside.items()}, open=open_inner)
            return read_case(files, findings)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        findings.append(
            failure(
                "NESTED_ARCHIVE_UNREADABLE",
                Property.INTEGRITY,
                path,
                N_("{subject} cannot be read as an archive: {reason}."),
                N_("Have the nested package made again and send the whole package again."),
                reason=error,
            )
        )
        return None


def _placement(path: str, nested: frozenset[str]) -> Placement:
    folder, slash, rest = path.partition("/")
    is_document = document_kind(rest if slash and folder in nested else path) is not None
    return (
        Placement(source=path, role=Role.OTHER, path=f"submission/{path}")
        if is_document
        else Placement(source=path, role=Role.CONTENT, path=path)
    )


def describe(case: Case, nested: Sequence[Case] = ()) -> Description:
    """What the documents of a case say, normalised, and every element of them as it was given."""
    moments = [read_moment(case.text(name)) for name in ("transacttime", "receivetime", "archivetime")]
    period = parse_retention(case.text("retentionperiod") or case.text("retentionperio") or case.text("retentionperio", CONFIGURATION))
    process = case.documents.get(PROCESS)
    unit, handler = case.text("deptname") or case.text("deptname", CONFIGURATION), case.text("receivedepartmentname")
    classification = case.classification()
    return Description(
        identifier=case.text("documentnumber"),
        title=case.text("projectname"),
        unit=unit,
        affair_code=case.text("servicecode", CONFIGURATION),
        affair=case.text("servicename", CONFIGURATION),
        affair_type=case.text("eventtype") or case.text("eventtype", CONFIGURATION),
        case_number=case.text("projid"),
        applicant=case.text("applyname"),
        creators=(handler,) if handler and handler != unit else (),
        dates=tuple(moment.iso for moment in moments if moment.iso),
        year=str(case.year) if case.year else "",
        retention=period.code if period else "",
        sharing=_sharing(case),
        security=classification[1] if classification else "",
        elements=tuple(element for each in (case, *nested) for element in _elements(each)),
        process=process.steps if process else _NO_STEPS,
    )


_NO_STEPS: Final[tuple[ProcessStep, ...]] = ()


def _sharing(case: Case) -> str:
    document = case.documents.get(DESCRIPTION)
    return next((field.value for field in document.fields if field.title == "共享类型"), "") if document else ""


def _elements(case: Case) -> Iterator[Element]:
    scheme = f"{NAME}/{case.where}"
    for kind, document in case.documents.items():
        for field in document.fields:
            sensitive = field.name.rpartition("/")[2].lower() in SENSITIVE
            yield Element(scheme=f"{scheme}{kind}", name=field.name, label=field.title, value=field.value, sensitive=sensitive)
