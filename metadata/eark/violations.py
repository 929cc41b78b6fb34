"""What a package breaks of the E-ARK specifications, as values, and the texts that say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from metadata.errors import N_

#: Most violations of one requirement that are told one by one; the rest are counted.
_EACH: Final = 50


class Level(StrEnum):
    """How binding a requirement is (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A requirement that a package does not meet, or that could not be checked.

    Args:
        code: number of the requirement.
        level: how binding it is in this case.
        subject: the file or folder it is about.
        message: English template with ``{name}`` places; ``{subject}`` is always there.
        remedy: English template.
        parameters: values of the places.
        checked: false when the check could not run, which is neither a pass nor a failure.
    """

    code: str
    level: Level
    subject: str
    message: str
    remedy: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    checked: bool = True


class PackageView(Protocol):
    """A package as the checks see it."""

    @property
    def name(self) -> str:
        """Name of the package's root folder."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Every file by its path, with its size in bytes."""

    @property
    def folders(self) -> Collection[str]:
        """Paths of all folders, also those that hold files."""

    def open(self, path: str) -> BinaryIO:
        """Opens a file for reading."""

    def digest(self, path: str, algorithm: str) -> str | None:
        """The digest of a file in lower-case hexadecimal by the name `hashlib` has for the algorithm; None if it cannot be had."""


MISSING: Final = N_("{place} is missing in {subject}.")
EMPTY: Final = N_("{place} is empty in {subject}.")
VALUE: Final = N_("{place} in {subject} is “{actual}”; expected: {expected}.")
COUNT: Final = N_("{place} occurs {actual} times in {subject}; expected: {expected}.")
TARGET: Final = N_("{place} in {subject} points to “{actual}”, which is not there.")
UNPOINTED: Final = N_("No {place} in {subject} points to the file group “{actual}”.")
TARGET_SPELLING: Final = N_("{place} in {subject} points to “{actual}”; the package has “{expected}”, which is written differently.")
SIZE: Final = N_("“{file}” has {actual} bytes, but {subject} says {expected} ({place}).")
DIGEST: Final = N_("“{file}” has the {algorithm} digest {actual}, but {subject} says {expected} ({place}).")
LINE_ENDS: Final = N_(
    "“{file}” differs from what {subject} says ({place}: {expected}) exactly by its line ends: a transfer in text mode has changed them."
)
NOT_DIGESTED: Final = N_("“{file}” was not compared with the {algorithm} digest in {subject}, because that algorithm is not available.")
UNLISTED: Final = N_("“{file}” is in the package, but {subject} has no {place} that points to it.")
FOLDER: Final = N_("The package has no folder “{folder}”.")
FILE: Final = N_("The package has no file “{file}”.")
REPEATED: Final = N_("{count} more places in {subject} break this requirement in the same way.")
UNREADABLE: Final = N_("{subject} cannot be read: {reason}")
REMEDY: Final = N_("Correct it as requirement {code} of E-ARK {specification} 2.1 says, and write the package again.")


class Report:
    """Collects violations; of one requirement in one file only so many are told one by one."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self._counts: dict[tuple[str, str, str], int] = {}

    def add(self, code: str, level: Level, subject: str, message: str, **parameters: object) -> None:
        """Notes a violation."""
        self._note(code, level, subject, message, True, parameters)

    def not_checked(self, code: str, subject: str, message: str, **parameters: object) -> None:
        """Notes that a requirement could not be checked."""
        self._note(code, Level.SHOULD, subject, message, False, parameters)

    def _note(self, code: str, level: Level, subject: str, message: str, checked: bool, parameters: Mapping[str, object]) -> None:
        key = (code, subject, message)
        count = self._counts.get(key, 0) + 1
        self._counts[key] = count
        if count <= _EACH:
            self._append(code, level, subject, message, checked, parameters)

    def close(self) -> list[Violation]:
        """Everything noted, with a line for what was only counted."""
        for (code, subject, message), count in self._counts.items():
            if count > _EACH:
                first = next(one for one in self.violations if (one.code, one.subject, one.message) == (code, subject, message))
                self._append(code, first.level, subject, REPEATED, first.checked, {"count": count - _EACH})
        self._counts.clear()
        return self.violations

    def _append(self, code: str, level: Level, subject: str, message: str, checked: bool, parameters: Mapping[str, object]) -> None:
        places = {name: str(value) for name, value in parameters.items()}
        places |= {"code": code, "specification": "CSIP" if code.startswith("CSIP") else "SIP"}
        self.violations.append(
            Violation(code=code, level=level, subject=subject, message=message, remedy=REMEDY, parameters=places, checked=checked)
        )
