"""The XML documents of the Zhejiang service-affair package (存档信息包), read and written.

A package has three of them: 归档配置表 (what is to be archived of this kind of affair), 基本信息描述 (what the case is) and
办理流程 (how it was handled); a batch of packages has 存档信息包目录清单, its index. The layout is that of live exports; every
element is kept, in order, whether known here or not. What an exporter gets wrong is read all the same; the reader of the
package says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from metadata import xml
from metadata.description import ProcessStep
from metadata.errors import N_, MalformedXml

CONFIGURATION: Final = "归档配置表"
DESCRIPTION: Final = "基本信息描述"
PROCESS: Final = "办理流程"
#: The three documents of a package, by stem of their file names.
DOCUMENTS: Final = (CONFIGURATION, DESCRIPTION, PROCESS)
INDEX: Final = "存档信息包目录清单"

#: Most bytes of one of these documents.
LIMIT: Final = 16 * 1024 * 1024

#: Titles of the elements, by document.
TITLES: Final[Mapping[str, Mapping[str, str]]] = {
    CONFIGURATION: {
        "servicecode": "权力事项编码",
        "servicename": "权力事项名称",
        "deptname": "部门名称",
        "retentionperio": "保管期限",
        "retentionperiod": "保管期限",
        "filingranges": "归档范围",
        "deptid": "部门编码",
        "eventtype": "权力事项类型",
        "filename": "归档材料名称",
        "auxiliaryone": "归档配置辅助信息一",
        "auxiliarytwo": "归档配置辅助信息二",
    },
    DESCRIPTION: {
        "deptname": "立档单位名称",
        "documentnumber": "电子文件号",
        "retentionperiod": "保管期限",
        "archivetime": "归档时间",
        "eventtype": "权力事项类型",
        "applyname": "行政相对人名称",
        "mobile": "行政相对人手机",
        "address": "行政相对人地址",
        "contactidcard": "证件号码",
        "projectname": "办件名称",
        "receivedepartmentname": "承办单位",
        "receivetime": "受理（立案）时间",
        "transacttime": "办结时间",
        "projid": "业务流水号",
        "projectpassword": "查询密码",
        "servicetype": "事项类型",
        "sharetype": "共享类型",
        "securityclassification": "密级",
    },
    PROCESS: {"nodename": "环节", "Author": "办理人", "Type": "意见类型", "Body": "意见", "Modified": "时间"},
    INDEX: {
        "systemcode": "系统编码",
        "batchname": "批次号",
        "sendtime": "交换日期",
        "sendnumber": "存档包数量",
        "documentnumber": "电子文件号",
        "projectname": "办件名称",
        "archivetime": "归档时间",
        "deptname": "部门名称",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One element with text.

    Args:
        name: the element's path below the root, with a number where a name stands several times
            (``filingranges/filingrange[1]/file[2]/filename``).
        title: its ``title`` attribute, or empty.
        value: its text without the blanks around it.
    """

    name: str
    value: str
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """One material that the configuration names.

    Args:
        name: 归档材料名称, the stem of its file.
        range: title of the filing range it belongs to (申请材料 …).
        need: 归档配置辅助信息一 as given: 必要 or 非必要.
        medium: 归档配置辅助信息二 as given: 电子归档 or 纸质归档.
    """

    name: str
    range: str = ""
    need: str = "必要"
    medium: str = "电子归档"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document of a package that was read.

    Args:
        kind: one of `DOCUMENTS`.
        root: name of the root element.
        title: its ``title`` attribute.
        fields: every element with text, and every attribute of the process but titles, in order.
        materials: of 归档配置表: the materials.
        steps: of 办理流程: the steps.
    """

    kind: str
    root: str
    title: str = ""
    fields: tuple[Field, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[ProcessStep, ...] = ()

    def text(self, *names: str) -> str:
        """Text of the first of these elements (directly below the root, case of letters ignored) that has any, or empty."""
        for name in names:
            for field in self.fields:
                if field.name.lower() == name.lower() and field.value:
                    return field.value
        return ""

    def has(self, name: str) -> bool:
        """Whether the element is there directly below the root, with or without text."""
        return any(field.name.lower() == name.lower() for field in self.fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexEntry:
    """What the index of a batch says of one package.

    Args:
        identifier: 电子文件号.
        title: 办件名称.
        archived: 归档时间 as written.
        unit: 部门名称.
        misspelt_unit: the unit stood in ``daptname``, as one exporter writes it.
    """

    identifier: str
    title: str = ""
    archived: str = ""
    unit: str = ""
    misspelt_unit: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchIndex:
    """The index of a batch.

    Args:
        system: 系统编码.
        batch: 批次号.
        sent: 交换日期 as written.
        count: 存档包数量 as written.
        entries: 存档信息包明细.
        title: title of the document.
    """

    system: str = ""
    batch: str = ""
    sent: str = ""
    count: str = ""
    entries: tuple[IndexEntry, ...] = ()
    title: str = ""


def document_kind(name: str) -> str | None:
    """Which document of a package a file name means, or None; the extension in any case of letters."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot and extension.lower() == "xml" and stem in DOCUMENTS else None


_INDEX_NAME: Final = re.compile(r"存档信息包目录清单.*\.xml", re.IGNORECASE | re.DOTALL)
_WHOLE_INDEX_NAME: Final = re.compile(r"存档信息包目录清单[-－—][（(]([^（）()]+)[）)][-－—][（(](\d{8})[）)]\.xml", re.IGNORECASE)


def is_index_name(name: str) -> bool:
    """Whether a file name is that of the index of a batch, also with the closing bracket forgotten."""
    return _INDEX_NAME.fullmatch(name) is not None


def is_whole_index_name(name: str) -> bool:
    """Whether it has the form ``存档信息包目录清单-（systemcode）-（yyyyMMdd）.XML`` in full."""
    return _WHOLE_INDEX_NAME.fullmatch(name) is not None


def read_document(stream: BinaryIO, subject: str, kind: str) -> Document:
    """Reads one of the three documents.

    Args:
        stream: open for reading bytes.
        subject: its path, for messages.
        kind: one of `DOCUMENTS`.

    Raises:
        UnsafeXml: a DOCTYPE, or too large.
        MalformedXml: not well-formed; ``SERVICE_AFFAIR_ROOT`` where the root element is of another kind.
    """
    root = xml.parse(stream, subject, limit=LIMIT)
    _require_root(root, subject, ("description", "opinions") if kind == PROCESS else ("description",))
    return Document(
        kind=kind,
        root=_local(root),
        title=root.get("title", ""),
        fields=tuple(_fields(root, "")),
        materials=tuple(_materials(root)) if kind == CONFIGURATION else (),
        steps=tuple(_steps(root)) if kind == PROCESS else (),
    )


def read_index(stream: BinaryIO, subject: str) -> BatchIndex:
    """Reads the index of a batch.

    Raises:
        UnsafeXml: a DOCTYPE, or too large.
        MalformedXml: not well-formed; ``SERVICE_AFFAIR_ROOT`` where the root element is of another kind.
    """
    root = xml.parse(stream, subject, limit=LIMIT)
    _require_root(root, subject, ("description",))
    entries = []
    for item in (element for element in root.iter() if _local(element).lower() in {"directorie", "directory"}):
        unit = _text(item, "deptname")
        entries.append(
            IndexEntry(
                identifier=_text(item, "documentnumber"),
                title=_text(item, "projectname"),
                archived=_text(item, "archivetime"),
                unit=unit or _text(item, "daptname"),
                misspelt_unit=not unit and _child(item, "daptname") is not None,
            )
        )
    return BatchIndex(
        system=_text(root, "systemcode"),
        batch=_text(root, "batchname"),
        sent=_text(root, "sendtime"),
        count=_text(root, "sendnumber"),
        entries=tuple(entries),
        title=root.get("title", ""),
    )


def _require_root(root: xml.Element, subject: str, names: Sequence[str]) -> None:
    if _local(root).lower() not in names:
        raise MalformedXml(
            "SERVICE_AFFAIR_ROOT",
            N_("{subject} has the root element “{found}” where “{expected}” is expected."),
            subject=subject,
            remedy=N_("Check that the file is the document its name says, and have it exported again."),
            found=_local(root),
            expected=" / ".join(names),
        )


def _local(element: xml.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: xml.Element, name: str) -> xml.Element | None:
    return next((child for child in element if _local(child).lower() == name.lower()), None)


def _text(element: xml.Element, name: str) -> str:
    child = _child(element, name)
    return (child.text or "").strip() if child is not None else ""


def _fields(element: xml.Element, prefix: str) -> Iterator[Field]:
    names = [_local(child) for child in element]
    seen: dict[str, int] = {}
    for child, name in zip(element, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        path = f"{prefix}{name}[{seen[name]}]" if prefix and names.count(name) > 1 else f"{prefix}{name}"
        title = child.get("title", "")
        yield from (Field(name=f"{path}/@{key}", value=child.get(key, "")) for key in map(str, child.keys()) if key != "title")
        if len(child):
            if title:
                yield Field(name=f"{path}/@title", value=title)
            yield from _fields(child, f"{path}/")
        else:
            yield Field(name=path, value=(child.text or "").strip(), title=title)


def _materials(root: xml.Element) -> Iterator[Material]:
    for filing_range in (element for element in root.iter() if _local(element).lower() == "filingrange"):
        for item in (child for child in filing_range if _local(child).lower() == "file"):
            yield Material(
                name=_text(item, "filename"),
                range=filing_range.get("title", "").strip(),
                need=_text(item, "auxiliaryone"),
                medium=_text(item, "auxiliarytwo"),
            )


def _steps(root: xml.Element) -> Iterator[ProcessStep]:
    for opinion in (element for element in root.iter() if _local(element).lower() == "opinion"):
        yield ProcessStep(
            node=opinion.get("nodename", "").strip() or _text(opinion, "nodename"),
            actor=_text(opinion, "Author"),
            kind=_text(opinion, "Type"),
            opinion=_text(opinion, "Body"),
            at=_text(opinion, "Modified"),
        )


def write_document(stream: BinaryIO, kind: str, fields: Iterable[tuple[str, str]]) -> None:
    """Writes 基本信息描述, or any flat document of this family: elements in the order given, each with its title."""
    with xml.Writer(stream) as writer:
        writer.open("description", {"title": kind})
        for name, value in fields:
            writer.element(name, value, _title(kind, name))


def write_configuration(stream: BinaryIO, fields: Iterable[tuple[str, str]], materials: Iterable[Material]) -> None:
    """Writes 归档配置表: the fields, then the filing ranges with their materials, which must come range by range."""
    with xml.Writer(stream) as writer:
        writer.open("description", {"title": CONFIGURATION})
        for name, value in fields:
            writer.element(name, value, _title(CONFIGURATION, name))
        writer.open("filingranges", _title(CONFIGURATION, "filingranges"))
        current: str | None = None
        for material in materials:
            if material.range != current:
                if current is not None:
                    writer.close()
                writer.open("filingrange", {"title": material.range})
                current = material.range
            writer.open("file")
            writer.element("filename", material.name, _title(CONFIGURATION, "filename"))
            writer.element("auxiliaryone", material.need, _title(CONFIGURATION, "auxiliaryone"))
            writer.element("auxiliarytwo", material.medium, _title(CONFIGURATION, "auxiliarytwo"))
            writer.close()


def write_process(stream: BinaryIO, steps: Iterable[ProcessStep], *, bare: bool = False) -> None:
    """Writes 办理流程; `bare` without the ``description`` element around the opinions, as one exporter does."""
    with xml.Writer(stream) as writer:
        if not bare:
            writer.open("description", {"title": PROCESS})
        writer.open("Opinions")
        for step in steps:
            writer.open("Opinion", {"nodename": step.node})
            for name, value in (("Author", step.actor), ("Type", step.kind), ("Body", step.opinion), ("Modified", step.at)):
                writer.element(name, value)
            writer.close()


def write_index(stream: BinaryIO, index: BatchIndex) -> None:
    """Writes the index of a batch; a unit marked as misspelt goes into ``daptname``."""
    with xml.Writer(stream) as writer:
        writer.open("description", {"title": index.title})
        for name, value in (
            ("systemcode", index.system),
            ("batchname", index.batch),
            ("sendtime", index.sent),
            ("sendnumber", index.count),
        ):
            writer.element(name, value, _title(INDEX, name))
        writer.open("directories", {"title": "存档信息包明细"})
        for entry in index.entries:
            writer.open("directorie")
            writer.element("documentnumber", entry.identifier, _title(INDEX, "documentnumber"))
            writer.element("projectname", entry.title, _title(INDEX, "projectname"))
            writer.element("archivetime", entry.archived, _title(INDEX, "archivetime"))
            writer.element("daptname" if entry.misspelt_unit else "deptname", entry.unit, _title(INDEX, "deptname"))
            writer.close()


def _title(kind: str, name: str) -> dict[str, str]:
    title = TITLES[kind].get(name, "")
    return {"title": title} if title else {}
