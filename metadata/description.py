"""The description of a record as this project understands it, whatever scheme it came in.

A few normalised fields that the catalogue, the search and Dublin Core need, and beside them every element the source
gave, in order and unchanged, so that nothing is lost when the description is written and read again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """One element of a source scheme, as it was given.

    Args:
        scheme: the scheme the name belongs to, for instance ``zj-zwfw/基本信息描述``, ``DAT46``, ``dc``, ``bag-info``.
        name: the element's name or code in that scheme (``documentnumber``, ``M22``, ``External-Identifier``).
        label: its title for people, or empty (``电子文件号``).
        value: the text as given.
        sensitive: personal or secret data that is kept in the package but never indexed nor shown outside the unit.
    """

    scheme: str
    name: str
    value: str
    label: str = ""
    sensitive: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessStep:
    """One step of the handling of a case (业务行为, DA/T 46-2009 M80–M84).

    Args:
        node: the step's name (受理, 审核, 决定 …).
        actor: who did it.
        kind: the kind of opinion.
        opinion: what was said.
        at: when, as the source wrote it.
    """

    node: str
    actor: str = ""
    kind: str = ""
    opinion: str = ""
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What is known of a record (件).

    Args:
        identifier: the sender's identifier of the record (电子文件号, M7; External-Identifier; METS OBJID), or empty.
        title: 题名 (M22).
        unit: 立档单位名称 (M6), the agency that made the record.
        affair_code: 事项编码.
        affair: 事项名称.
        affair_type: 事项类型 (行政许可, 行政给付 …).
        case_number: 业务流水号 / 办件编号.
        applicant: 行政相对人名称.
        creators: other authors (责任者, M32; dc:creator).
        dates: dates of formation as ISO 8601 where they could be read (办结时间 first).
        year: 年度 (M11), four digits, or empty.
        retention: 保管期限 (M12), normalised to ``Y``, ``D30``, ``D10`` …, or empty where the source gives none.
        sharing: 共享类型 as given, or empty.
        security: 密级 (M38) as given, or empty.
        abstract: 摘要 (M29).
        subjects: 主题词, keywords.
        language: ISO 639-2 code, or empty.
        elements: every element of the source, in order.
        process: the steps of the handling.
    """

    identifier: str = ""
    title: str = ""
    unit: str = ""
    affair_code: str = ""
    affair: str = ""
    affair_type: str = ""
    case_number: str = ""
    applicant: str = ""
    creators: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    year: str = ""
    retention: str = ""
    sharing: str = ""
    security: str = ""
    abstract: str = ""
    subjects: tuple[str, ...] = ()
    language: str = ""
    elements: tuple[Element, ...] = ()
    process: tuple[ProcessStep, ...] = ()
