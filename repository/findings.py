"""Findings: what a check says about a package, a record or a copy. Values, never exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


def N_(text: str) -> str:
    """Marks a text for translation and returns it unchanged; who shows it translates it."""
    return text


class Property(StrEnum):
    """The four properties of the detection 四性检测 (DA/T 70-2018)."""

    AUTHENTICITY = "authenticity"
    INTEGRITY = "integrity"
    USABILITY = "usability"
    SAFETY = "safety"


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Outcome(StrEnum):
    """What became of a check. `NOT_CHECKED` is never a pass; `MANUAL` waits for a person."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    MANUAL = "manual"
    NOT_CHECKED = "not_checked"
    NOT_APPLICABLE = "not_applicable"


#: How a text is put into another language: English template in, translated template out.
Translate = Callable[[str], str]


def _as_written(text: str) -> str:
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One statement of one check about one thing.

    Args:
        code: our own word in upper case, or the code of the public specification that was broken (``CSIP58``).
        standard_code: the code in a Chinese standard where it is certain, else None.
        property: which of the four properties it concerns.
        severity: how much it weighs.
        outcome: what became of the check.
        subject: the file, entry, element or package it is about, as the sender knows it.
        message: English template with ``{name}`` places; ``{subject}`` is always there.
        remedy: English template: what the sender or the archivist can do.
        parameters: values of the places.
    """

    code: str
    property: Property
    severity: Severity
    outcome: Outcome
    subject: str
    message: str
    remedy: str = ""
    standard_code: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def text(self, translate: Translate = _as_written) -> str:
        """The message with its values, in the language of `translate`."""
        return translate(self.message).format_map({"subject": self.subject, **self.parameters})

    def remedy_text(self, translate: Translate = _as_written) -> str:
        """The remedy with its values, in the language of `translate`."""
        return translate(self.remedy).format_map({"subject": self.subject, **self.parameters}) if self.remedy else ""

    def as_json(self, translate: Translate = _as_written) -> dict[str, Any]:
        """The JSON shape of the command line and the API."""
        return {
            "code": self.code,
            "standard_code": self.standard_code,
            "property": str(self.property),
            "severity": str(self.severity),
            "outcome": str(self.outcome),
            "subject": self.subject,
            "message": self.text(translate),
            "remedy": self.remedy_text(translate),
        }


def failure(code: str, property: Property, subject: str, message: str, remedy: str = "", **parameters: object) -> Finding:
    """A check that failed: the package cannot be accepted as it is."""
    return _finding(Severity.ERROR, Outcome.FAIL, code, property, subject, message, remedy, parameters)


def warning(code: str, property: Property, subject: str, message: str, remedy: str = "", **parameters: object) -> Finding:
    """A check that found something to look at, without refusing the package."""
    return _finding(Severity.WARNING, Outcome.WARN, code, property, subject, message, remedy, parameters)


def not_checked(code: str, property: Property, subject: str, message: str, remedy: str = "", **parameters: object) -> Finding:
    """A check that could not run, with the reason; never a pass."""
    return _finding(Severity.WARNING, Outcome.NOT_CHECKED, code, property, subject, message, remedy, parameters)


def passed(code: str, property: Property, subject: str, message: str, **parameters: object) -> Finding:
    """A check that ran and found nothing wrong."""
    return _finding(Severity.INFO, Outcome.PASS, code, property, subject, message, "", parameters)


def _finding(
    severity: Severity,
    outcome: Outcome,
    code: str,
    property: Property,
    subject: str,
    message: str,
    remedy: str,
    parameters: Mapping[str, object],
) -> Finding:
    return Finding(
        code=code,
        property=property,
        severity=severity,
        outcome=outcome,
        subject=subject,
        message=message,
        remedy=remedy,
        parameters={name: str(value) for name, value in parameters.items()},
    )


#: Outcomes with which a package is not valid.
FAILING: Final = frozenset({Outcome.FAIL})


def is_valid(findings: Iterable[Finding]) -> bool:
    """Whether nothing failed. Checks that wait for a person do not make a package invalid, they keep it from being accepted."""
    return not any(finding.outcome in FAILING for finding in findings)
