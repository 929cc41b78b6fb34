"""Checks of a Zhejiang service-affair package: fields, dates, numbers, characters and the process.

Codes ``GD-…`` are those of DA/T 70-2018 for the stage of archiving, where they are certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ingest.checks.zj_case import Case, coded
from ingest.checks.zj_dates import before_the_measures, check_date, date_order, dates
from metadata.service_affairs import CONFIGURATION, DESCRIPTION, PROCESS, TITLES
from repository.findings import N_, Finding, Outcome, Property, Severity, failure, warning
from repository.recordkeeping.dates import read_moment
from repository.recordkeeping.identity_numbers import NumberKind, check_number
from repository.recordkeeping.retention import LAST_YEAR_OF_FORMER_TERMS, Retention, parse_retention

#: Elements that must be there and have text, by document; alternatives in one tuple.
MANDATORY: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    CONFIGURATION: (("servicecode",), ("servicename",), ("deptname",), ("retentionperio", "retentionperiod")),
    DESCRIPTION: (
        ("deptname",),
        ("documentnumber",),
        ("retentionperiod", "retentionperio"),
        ("archivetime",),
        ("eventtype",),
        ("applyname",),
        ("projectname",),
        ("receivedepartmentname",),
        ("receivetime",),
        ("transacttime",),
        ("projid",),
    ),
}
#: 密级, lowest first (GB/T 7156). What is secret is never kept here (《档案法》, 保密法).
OPEN_CLASSES: Final = frozenset({"公开", "内部", "国内", "非密"})
SECRET_CLASSES: Final = frozenset({"秘密", "机密", "绝密"})
_IDENTIFIER: Final = re.compile(r"[0-9A-Za-z\-_·一-龥]+")
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)


def mandatory_fields(case: Case) -> Iterator[Finding]:
    """GD-2-4: every mandatory element is there and has text."""
    for kind, names in MANDATORY.items():
        document = case.documents.get(kind)
        for alternatives in names if document else ():
            if document and not document.text(*alternatives):
                yield _field_missing(case, kind, alternatives[0], TITLES[kind].get(alternatives[0], ""))
    document = case.documents.get(CONFIGURATION)
    if document and not any(material.name for material in document.materials):
        yield _field_missing(case, CONFIGURATION, "filingranges/filingrange/file/filename", "归档材料名称")


def _field_missing(case: Case, kind: str, element: str, title: str) -> Finding:
    finding = failure(
        "FIELD_MISSING",
        Property.INTEGRITY,
        case.paths[kind],
        N_("{subject}: the mandatory element “{element}” ({title}) is missing or empty."),
        N_("Have the business system export the case again with this element filled in."),
        element=element,
        title=title,
    )
    return coded(finding, "GD-2-4")


def process(case: Case) -> Iterator[Finding]:
    """GD-2-5: at least one step says what, who and when; the times of all of them can be read."""
    document = case.documents.get(PROCESS)
    if document is None:
        return
    complete = [step for step in document.steps if step.node and step.actor and step.at]
    if not complete:
        finding = failure(
            "PROCESS_INCOMPLETE",
            Property.INTEGRITY,
            case.paths[PROCESS],
            N_("{subject}: none of its {count} opinions has a step (nodename), a person (Author) and a time (Modified)."),
            N_("Have the business system export the history of the case again."),
            count=len(document.steps),
        )
        yield coded(finding, "GD-2-5")
    for number, step in enumerate(document.steps, start=1):
        if complete and not (step.node and step.actor and step.at):
            finding = warning(
                "PROCESS_STEP_INCOMPLETE",
                Property.INTEGRITY,
                case.paths[PROCESS],
                N_("{subject}: opinion {number} lacks its step (nodename), person (Author) or time (Modified)."),
                N_("Ask the sending unit for what is missing, if it still can be known."),
                number=number,
            )
            yield coded(finding, "GD-2-5")
        if step.at:
            yield from check_date(case.paths[PROCESS], f"Opinion[{number}]/Modified", read_moment(step.at))


def retention(case: Case) -> Iterator[Finding]:
    """GD-1-4: the retention period is one that exists; the case and the configuration agree."""
    found: dict[str, tuple[str, Retention]] = {}
    for kind in (DESCRIPTION, CONFIGURATION):
        document = case.documents.get(kind)
        text = document.text("retentionperiod", "retentionperio") if document else ""
        period = parse_retention(text)
        if text and period is None:
            finding = failure(
                "RETENTION_UNKNOWN",
                Property.AUTHENTICITY,
                case.paths[kind],
                N_("{subject}: the retention period “{value}” is none that is known."),
                N_("Give 永久, or a number of years as in 30年 or 10年, as the approved schedule has it."),
                value=text,
            )
            yield coded(finding, "GD-1-4")
        elif period is not None:
            found[kind] = (text, period)
            if period.former:
                yield coded(_former_term(case, kind, text, period), "GD-1-4")
    if len(found) == 2 and found[DESCRIPTION][1] != found[CONFIGURATION][1]:
        yield warning(
            "RETENTION_DIFFERS",
            Property.AUTHENTICITY,
            case.paths[DESCRIPTION],
            N_("{subject}: the case has the retention period “{value}”, the configuration of its affair “{configured}”."),
            N_("Ask the sending unit which one the approved schedule has. That of the case is used."),
            value=found[DESCRIPTION][0],
            configured=found[CONFIGURATION][0],
        )


def _former_term(case: Case, kind: str, text: str, period: Retention) -> Finding:
    if case.year and case.year <= LAST_YEAR_OF_FORMER_TERMS:
        return warning(
            "RETENTION_FORMER_TERM",
            Property.AUTHENTICITY,
            case.paths[kind],
            N_("{subject}: the retention period “{value}” is a term of before 2006; it is taken as {years} years, its longest meaning."),
            N_("Appraise the record when that time is over."),
            value=text,
            years=period.years,
        )
    return failure(
        "RETENTION_FORMER_TERM",
        Property.AUTHENTICITY,
        case.paths[kind],
        N_("{subject}: the retention period “{value}” is a term of before 2006, but the case is of {year}."),
        N_("Give 永久, 30年 or 10年, as the approved schedule has it."),
        value=text,
        year=case.year or "?",
    )


def classification(case: Case) -> Iterator[Finding]:
    """State secrets are refused; any other 密级 must be one that exists."""
    given = case.classification()
    if given is None:
        return
    path, value = given
    plain = value.split("★")[0].strip()
    if plain in SECRET_CLASSES:
        yield failure(
            "STATE_SECRET",
            Property.SAFETY,
            path,
            N_("{subject}: the case is classified “{value}”; state secrets must not be in this archive nor on this network."),
            N_("Stop the transfer, remove the package from every machine it passed, and tell the secrecy officer of both units."),
            value=value,
        )
    elif not plain:
        finding = warning(
            "CLASSIFICATION_EMPTY",
            Property.AUTHENTICITY,
            path,
            N_("{subject}: the classification (密级) is empty; it is taken as 公开."),
            N_("Have the sending unit confirm it."),
        )
        yield coded(finding, "GD-1-4")
    elif plain not in OPEN_CLASSES:
        finding = failure(
            "CLASSIFICATION_UNKNOWN",
            Property.AUTHENTICITY,
            path,
            N_("{subject}: the classification (密级) “{value}” is none that is known."),
            N_("Give 公开, 内部 or 国内."),
            value=value,
        )
        yield coded(finding, "GD-1-4")


_NUMBER_NAMES: Final = {
    NumberKind.RESIDENT: "公民身份号码, GB 11643",
    NumberKind.CREDIT: "统一社会信用代码, GB 32100",
    NumberKind.BODY: "组织机构代码, GB 11714",
}


def numbers(case: Case) -> Iterator[Finding]:
    """GD-1-5: check characters of the numbers of persons and bodies."""
    for kind, name in ((DESCRIPTION, "contactidcard"), (CONFIGURATION, "deptid")):
        check = check_number(case.text(name, kind))
        if check is None or check.valid:
            continue
        message = (
            N_("{subject}: the number in “{element}” ({kind}) ends in {found}, but its check character must be {expected}.")
            if check.expected
            else N_("{subject}: the number in “{element}” ({kind}) holds a date of birth that cannot exist.")
        )
        finding = failure(
            "NUMBER_CHECK_WRONG",
            Property.AUTHENTICITY,
            case.paths[kind],
            message,
            N_("Compare the number with the certificate, correct it in the business system and export the case again."),
            element=name,
            kind=_NUMBER_NAMES[check.kind],
            found=check.found,
            expected=check.expected,
        )
        yield coded(finding, "GD-1-5")


def characters(case: Case) -> Iterator[Finding]:
    """GD-1-6: no characters in the documents that stand for nothing."""
    for kind, document in case.documents.items():
        for field in document.fields:
            match = _FORBIDDEN.search(field.value)
            if match:
                finding = failure(
                    "CHARACTER_FORBIDDEN",
                    Property.AUTHENTICITY,
                    case.paths[kind],
                    N_("{subject}: “{element}” holds the character U+{point}, which is not text."),
                    N_("Correct the text in the business system; such characters come from a conversion that went wrong."),
                    element=field.name,
                    point=f"{ord(match.group()):04X}",
                )
                yield coded(finding, "GD-1-6")


def identifier(case: Case) -> Iterator[Finding]:
    """GD-1-7: 电子文件号 has only letters, digits, Chinese characters and ``- _ ·``; the folder has the same name."""
    number = case.text("documentnumber")
    if not number:
        return
    if not _IDENTIFIER.fullmatch(number):
        finding = failure(
            "IDENTIFIER_CHARACTERS",
            Property.AUTHENTICITY,
            case.paths[DESCRIPTION],
            N_(
                "{subject}: the record number (电子文件号) “{value}” has characters other than "
                "letters, digits, Chinese characters, “-”, “_” and “·”."
            ),
            N_("Have the number corrected in the business system."),
            value=number,
        )
        yield coded(finding, "GD-1-7")
    if case.name != number:
        finding = warning(
            "PACKAGE_NAME_DIFFERS",
            Property.AUTHENTICITY,
            case.paths[DESCRIPTION],
            N_("{subject}: the record number (电子文件号) is “{value}”, but the package is named “{name}”."),
            N_("Make sure that this is the right package; it may only have been renamed on its way."),
            value=number,
            name=case.name,
        )
        yield coded(finding, "GD-1-13")


def spelling(case: Case) -> Iterator[Finding]:
    """What exporters are known to write otherwise than they should, said once and harmless."""
    in_capitals = [path for path in case.paths.values() if path.endswith(".XML")]
    if in_capitals:
        yield _habit(
            "EXTENSION_UPPER_CASE", ", ".join(in_capitals), N_("{subject}: the extension is written in capitals; it is read all the same.")
        )
    for kind, path in case.paths.items():
        if case.documents[kind].has("retentionperio"):
            yield _habit(
                "ELEMENT_MISSPELT",
                path,
                N_("{subject}: the element “retentionperio” lacks its last letter; it is read as “retentionperiod”."),
            )


def _habit(code: str, path: str, message: str) -> Finding:
    return Finding(
        code=code,
        property=Property.AUTHENTICITY,
        severity=Severity.INFO,
        outcome=Outcome.WARN,
        subject=path,
        message=message,
        remedy=N_("Nothing has to be done."),
    )


#: Every check of the documents, in the order of the report.
CHECKS: Final = (
    mandatory_fields,
    process,
    dates,
    date_order,
    retention,
    classification,
    numbers,
    characters,
    identifier,
    spelling,
    before_the_measures,
)


def check_documents(case: Case) -> Iterable[Finding]:
    """All findings on the documents of a case."""
    return (finding for check in CHECKS for finding in check(case))
