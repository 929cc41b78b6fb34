"""Packages of the invented cases, written as the systems of their agencies would: batches, zips, folders and bags."""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from metadata.service_affairs import (
    CONFIGURATION,
    DESCRIPTION,
    INDEX,
    PROCESS,
    BatchIndex,
    IndexEntry,
    write_configuration,
    write_document,
    write_index,
    write_process,
)
from repository.demo.affairs import AFFAIRS, AGENCIES, JOINT, Agency
from repository.demo.cases import DemoCase, invent
from repository.demo.containers import write_zip
from repository.demo.documents import MAKERS, Sheet
from repository.demo.eark import write_submission
from repository.demo.faults import FAULTS, Fault, Files, Form
from repository.errors import UsageError
from repository.findings import N_

#: Agencies whose systems send batches; the others send case by case.
BATCHING: Final = frozenset({"民政", "执法", "人社", "卫健"})
FIRST_YEAR: Final = 2017
LAST_YEAR: Final = 2025
#: One case in so many has a fault.
FAULT_EVERY: Final = 5

_CLASSES: Final = {"申请材料": "A", "立案材料": "A", "过程文书": "B", "证据材料": "B"}


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoPackage:
    """A package that was written.

    Args:
        path: its folder or archive.
        identifier: 电子文件号, or the name that stands for it.
        title: title of the record in it.
        profile: the profile that must recognise it.
        fault: what is wrong with it, in words, or None.
        expected_code: code of the finding that must name the fault, or None.
        batch: the folder of the batch it lies in, or None.
    """

    path: Path
    identifier: str
    title: str
    profile: str = "zj-zwfw"
    fault: str | None = None
    expected_code: str | None = None
    batch: Path | None = None


def generate(destination: Path, *, seed: int = 2017, cases: int = 60) -> list[DemoPackage]:
    """Writes demo packages; the same seed and number give the same bytes.

    Args:
        destination: a new or empty folder; gets ``batches``, ``packages``, ``bags`` and ``folders``.
        seed: of everything that is left to chance.
        cases: how many cases of single affairs; a joint case, an E-ARK package and a folder of photographs come on top.

    Raises:
        UsageError: the folder is not empty, or the number is not positive.
    """
    if cases < 1:
        raise UsageError(N_("The number of cases must be 1 or more, not {count}."), count=cases)
    if destination.exists() and any(destination.iterdir()):
        raise UsageError(
            N_("The folder {subject} is not empty."), subject=str(destination), remedy=N_("Name a new folder, or empty this one first.")
        )
    written: list[DemoPackage] = []
    batches: dict[tuple[str, bool], list[tuple[DemoCase, Fault | None, Form]]] = {}
    for index in range(cases):
        case, fault, form = _plan(index, cases, seed)
        if form in {Form.BATCH_FOLDER, Form.BATCH_ZIP}:
            early = case.finished.year <= (FIRST_YEAR + LAST_YEAR) // 2
            batches.setdefault((case.affair.agency, early), []).append((case, fault, form))
        else:
            written.append(_write_single(destination, case, fault, form))
    for (agency, _), members in batches.items():
        written += _write_batch(destination / "batches", AGENCIES[agency], members)
    written.append(_write_joint(destination / "packages", seed))
    written.append(_write_european(destination / "packages", seed))
    written.append(_write_photographs(destination / "folders", seed))
    return written


def _plan(index: int, cases: int, seed: int) -> tuple[DemoCase, Fault | None, Form]:
    """What comes at a place: the affairs take turns over the years, and every fifth place has the next fault."""
    year = FIRST_YEAR + index * (LAST_YEAR - FIRST_YEAR + 1) // cases
    number, rest = divmod(index, FAULT_EVERY)
    fault = FAULTS[number] if rest == FAULT_EVERY - 2 and number < len(FAULTS) else None
    affair = next(affair for affair in AFFAIRS if affair.code == fault.affair) if fault else AFFAIRS[index % len(AFFAIRS)]
    case = invent(affair, index + 1, year, seed * 10_007 + index)
    if fault:
        return (fault.on_case(case) if fault.on_case else case), fault, fault.form
    if affair.agency in BATCHING:
        return case, None, Form.BATCH_ZIP if (index + index // len(AFFAIRS)) % 2 else Form.BATCH_FOLDER
    return case, None, (Form.FOLDER, Form.ZIP, Form.BAG, Form.ZIP_GBK)[index // len(AFFAIRS) % 4]


def case_files(case: DemoCase) -> Files:
    """The files of a case's package, by path: its three documents and its materials."""
    agency = case.agency
    suffix = "XML" if agency.capitals else "xml"
    files = {
        f"{CONFIGURATION}.{suffix}": _configuration(case, agency),
        f"{DESCRIPTION}.{suffix}": _description(case, agency),
        f"{PROCESS}.{suffix}": _process(case, agency),
    }
    dice = random.Random(case.seed + 1)
    for number, paper in enumerate(case.papers, start=1):
        material = paper.material
        extension, make = MAKERS[paper.kind]
        values = {"applicant": case.applicant, "day": f"{case.received:%Y年%m月%d日}", "place": case.place}
        sheet = Sheet(
            title=material.name,
            number=case.identifier,
            lines=tuple(text.format_map(values) for text in paper.text),
            agency=agency.name,
            at=case.finished if material.range in {"办理结果", "处理文书"} else case.received,
            dice=dice,
        )
        # three habits of exporters: everything in one folder, a folder a range, names with class and order
        plain = f"{material.name}.{extension}"
        habit = case.seed % 3
        prefixed = f"{_CLASSES.get(material.range, 'C')}-{number:03d}-{plain}"
        path = (plain, f"{material.range}/{plain}", prefixed)[habit]
        files[path] = make(sheet)
    return files


def _configuration(case: DemoCase, agency: Agency) -> bytes:
    stream = io.BytesIO()
    fields = (
        ("servicecode", case.affair.code),
        ("servicename", case.affair.name),
        ("deptname", agency.name),
        ("retentionperio" if agency.misspelt else "retentionperiod", case.affair.retention),
        ("deptid", agency.code),
        ("eventtype", case.affair.kind),
    )
    papers = sorted(case.affair.papers, key=lambda paper: [each.material.range for each in case.affair.papers].index(paper.material.range))
    write_configuration(stream, fields, [paper.material for paper in papers])
    return stream.getvalue()


def _description(case: DemoCase, agency: Agency) -> bytes:
    def written(at: datetime) -> str:
        return f"{at:%Y-%M-%d %H: %M:%S}" if agency.wrong_times else f"{at:%Y-%m-%d %H:%M:%S}"

    fields = [
        ("deptname", agency.name),
        ("documentnumber", case.identifier),
        ("retentionperiod", case.retention),
        ("archivetime", written(case.archived)),
        ("eventtype", case.affair.kind),
        ("applyname", case.applicant),
        ("mobile", case.mobile),
        ("address", case.place),
        ("contactidcard", case.card),
        ("projectname", case.title),
        ("receivedepartmentname", agency.name),
        ("receivetime", written(case.received)),
        ("transacttime", written(case.finished)),
        ("projid", case.number),
        ("projectpassword", f"{case.seed % 1_000_000:06d}"),
        ("servicetype", case.affair.service),
    ]
    if case.security:
        fields.append(("securityclassification", case.security))
    elif case.affair.body and case.affair.kind == "行政许可":
        # licences of enterprises are published anyway; without these a researcher would find nothing
        fields.append(("sharetype", "无条件共享"))
    stream = io.BytesIO()
    write_document(stream, DESCRIPTION, fields)
    return stream.getvalue()


def _process(case: DemoCase, agency: Agency) -> bytes:
    stream = io.BytesIO()
    write_process(stream, case.steps(), bare=agency.bare)
    return stream.getvalue()


def _write_single(destination: Path, case: DemoCase, fault: Fault | None, form: Form) -> DemoPackage:
    files = case_files(case)
    if fault and fault.on_files:
        fault.on_files(files)
    if form is Form.BAG:
        path = destination / "bags" / case.identifier
        _write_bag(path, files, case)
    else:
        path = _write_case(destination / "packages", case, files, form)
    if fault and fault.on_path:
        fault.on_path(path)
    return DemoPackage(
        path=path,
        identifier=case.identifier,
        title=case.title,
        profile="bagit" if form is Form.BAG else "zj-zwfw",
        fault=fault.name if fault else None,
        expected_code=fault.code if fault else None,
    )


def _write_case(folder: Path, case: DemoCase, files: Files, form: Form) -> Path:
    if form in {Form.FOLDER, Form.BATCH_FOLDER}:
        path = folder / case.identifier
        _write_files(path, files, case.archived)
        return path
    path = folder / f"{case.identifier}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    top = f"{case.identifier}/" if case.seed % 2 else ""
    day = (case.archived.year, case.archived.month, case.archived.day)
    with path.open("wb") as stream:
        entries = ((top + name, content) for name, content in files.items())
        write_zip(stream, entries, date=day, encoding="gb18030" if form is Form.ZIP_GBK else "utf-8")
    return path


def _write_files(folder: Path, files: Files, at: datetime) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # a fixed clock, so that the same seed gives the same times everywhere
        os.utime(path, (seconds := (at - datetime(1970, 1, 1)).total_seconds(), seconds))


def _write_bag(folder: Path, files: Files, case: DemoCase) -> None:
    """A bag of BagIt 1.0 (RFC 8493) with SHA-256 and SM3, as an agency with a newer system makes it."""
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": (
            f"Source-Organization: {case.agency.name}\nExternal-Identifier: {case.identifier}\nExternal-Description: {case.title}\n"
            f"Bagging-Date: {case.archived:%Y-%m-%d}\nPayload-Oxum: {sum(map(len, files.values()))}.{len(files)}\n"
        ),
    }
    for algorithm in ("sha256", "sm3"):
        tags[f"manifest-{algorithm}.txt"] = _manifest(algorithm, ((f"data/{name}", content) for name, content in files.items()))
    tags["tagmanifest-sha256.txt"] = _manifest("sha256", ((name, text.encode()) for name, text in tags.items()))
    everything = {f"data/{name}": content for name, content in files.items()} | {name: text.encode() for name, text in tags.items()}
    _write_files(folder, everything, case.archived)


def _manifest(algorithm: str, files: Iterable[tuple[str, bytes]]) -> str:
    return "".join(f"{hashlib.new(algorithm, content).hexdigest()}  {name}\n" for name, content in files)


def _write_batch(folder: Path, agency: Agency, members: Sequence[tuple[DemoCase, Fault | None, Form]]) -> list[DemoPackage]:
    sent = max(case.archived for case, _, _ in members) + timedelta(days=1)
    batch = folder / f"{agency.system}-{sent:%Y%m%d}"
    packages = []
    for case, fault, form in members:
        written = _write_single_into(batch, case, fault, form)
        packages.append(replace(written, batch=batch))
    entries = [
        IndexEntry(
            identifier=case.identifier,
            title=case.title,
            archived=f"{case.archived:%Y-%m-%d %H:%M:%S}",
            unit=agency.name,
            misspelt_unit=agency.misspelt,
        )
        for case, fault, _ in members
        if not (fault and fault.unlisted)
    ]
    # one maker forgets the closing bracket and writes the date as its machine does
    name = f"{INDEX}-（{agency.system}）-（{sent:%Y%m%d}" + ("" if agency.misspelt else "）")
    day = f"{sent.year}/{sent.month}/{sent.day}" if agency.misspelt else f"{sent:%Y-%m-%d}"
    stream = io.BytesIO()
    write_index(
        stream,
        BatchIndex(system=agency.system, batch=f"{sent:%Y%m%d}", sent=day, count=str(len(entries)), entries=tuple(entries), title=name),
    )
    _write_files(batch, {f"{name}.{'XML' if agency.capitals else 'xml'}": stream.getvalue()}, sent)
    return packages


def _write_single_into(batch: Path, case: DemoCase, fault: Fault | None, form: Form) -> DemoPackage:
    files = case_files(case)
    if fault and fault.on_files:
        fault.on_files(files)
    path = _write_case(batch, case, files, form)
    return DemoPackage(
        path=path,
        identifier=case.identifier,
        title=case.title,
        fault=fault.name if fault else None,
        expected_code=fault.code if fault else None,
    )


def _write_joint(folder: Path, seed: int) -> DemoPackage:
    """A joint case that holds one of its cases as a folder and one as a zip (nested structure, GB/T 42727-2023)."""
    joint = invent(JOINT, 901, LAST_YEAR, seed * 10_007 + 901)
    parts = [
        replace(
            invent(affair, 902 + number, LAST_YEAR, seed * 10_007 + 902 + number),
            applicant=joint.applicant,
            card=joint.card,
            place=joint.place,
        )
        for number, affair in enumerate((AFFAIRS[0], AFFAIRS[2]))
    ]
    files = case_files(joint)
    files |= {f"{parts[0].identifier}/{name}": content for name, content in case_files(parts[0]).items()}
    inner = io.BytesIO()
    write_zip(inner, case_files(parts[1]).items(), date=(LAST_YEAR, 12, 1))
    files[f"{parts[1].identifier}.zip"] = inner.getvalue()
    path = folder / joint.identifier
    _write_files(path, files, joint.archived)
    return DemoPackage(path=path, identifier=joint.identifier, title=joint.title)


def _write_european(folder: Path, seed: int) -> DemoPackage:
    case = invent(AFFAIRS[1], 911, LAST_YEAR, seed * 10_007 + 911)
    path = folder / case.identifier
    write_submission(path, case_files(case), case)
    return DemoPackage(path=path, identifier=case.identifier, title=case.title, profile="eark")


def _write_photographs(folder: Path, seed: int) -> DemoPackage:
    """A folder as a records office hands it over: pictures, a table of what they show, checksums, and a letter."""
    title = "云栖市老地名照片"
    dice = random.Random(seed)
    agency = AGENCIES["民政"]
    at = datetime(2021, 5, 6, 9)
    pictures = {}
    rows = [f"filename,dc.title,dc.creator,dc.date,dc.description\nobjects,{title},{agency.name},2021-05-06,地名普查中拍摄的照片\n"]
    for number, street in enumerate(("望溪路", "竹径街", "五云巷", "梅坞路"), start=1):
        name = f"{number:03d}-{street}.jpg"
        sheet = Sheet(title=street, number=f"DM-{number:03d}", lines=(), agency=agency.name, at=at, dice=dice)
        pictures[name] = MAKERS["photograph"][1](sheet)
        rows.append(f"objects/{name},{street}街景,{agency.name},20{number + 10}-06-0{number},“{street}”拓宽以前\n")
    letter = Sheet(
        title="移交说明", number=title, lines=("移交地名照片四张，附目录一份、校验文件一份。",), agency=agency.name, at=at, dice=dice
    )
    files: Files = {f"objects/{name}": content for name, content in pictures.items()}
    files["metadata/metadata.csv"] = "".join(rows).encode("utf-8-sig")
    files["metadata/checksum.sha256"] = _manifest("sha256", pictures.items()).encode()
    files["metadata/submissionDocumentation/移交说明.pdf"] = MAKERS["pdf"][1](letter)
    path = folder / title
    _write_files(path, files, at)
    return DemoPackage(path=path, identifier=title, title=title, profile="folder")
