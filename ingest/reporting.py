"""What the commands say of a package: one JSON object a line for programs, a few lines for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import click

from repository.cli import print_json, say
from repository.findings import N_, Finding, Outcome, Translate, is_valid
from repository.holdings import SubmissionState

if TYPE_CHECKING:
    from repository.jobs.context import Progress

#: Findings that people are shown; what passed is not told one by one.
_TOLD: Final = (Outcome.FAIL, Outcome.MANUAL, Outcome.WARN, Outcome.NOT_CHECKED)
_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.FAIL: N_("failed"),
    Outcome.MANUAL: N_("waits for a person"),
    Outcome.WARN: N_("warning"),
    Outcome.NOT_CHECKED: N_("not checked"),
}
_STATES: Final[Mapping[str, str]] = {
    SubmissionState.STORED: N_("stored"),
    SubmissionState.REJECTED: N_("rejected"),
    SubmissionState.FAILED: N_("failed"),
    SubmissionState.DUPLICATE: N_("duplicate: the archive holds exactly this already"),
    SubmissionState.CANCELLED: N_("cancelled"),
}


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What became of one package that was handed in: a line of `jingui ingest`.

    Args:
        path: as it was named on the command line.
        submission: its id, or None where it did not even become one.
        state: how it ended.
        record: the record it became or is the same as.
        aip: that record's archival package.
        files: files received.
        bytes: bytes received.
        findings: everything found.
        error: what went wrong on our side.
    """

    path: str
    state: str
    submission: str | None = None
    record: str | None = None
    aip: str | None = None
    files: int = 0
    bytes: int = 0
    findings: Sequence[Finding] = field(default_factory=tuple)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of the command line."""
        line: dict[str, Any] = {
            "path": self.path,
            "submission": self.submission,
            "state": str(self.state),
            "record": self.record,
            "aip": self.aip,
            "files": self.files,
            "bytes": self.bytes,
            "findings": [finding.as_json() for finding in self.findings],
        }
        return {**line, "error": self.error} if self.error else line


class Report(Protocol):
    """How results reach whoever called the command."""

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Says what became of a package."""

    def judge(self, path: str, profile: str | None, reasons: Sequence[str], findings: Sequence[Finding]) -> None:
        """Says what a check found."""


class JsonReport:
    """JSON lines on standard output."""

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """One line of `jingui ingest --json`."""
        print_json(acknowledgement.as_json())

    def judge(self, path: str, profile: str | None, reasons: Sequence[str], findings: Sequence[Finding]) -> None:
        """One line of `jingui check --json`."""
        print_json({"path": path, "profile": profile, "valid": is_valid(findings), "findings": [finding.as_json() for finding in findings]})


class PlainReport:
    """The result on standard output, what is to be said about it on standard error.

    Args:
        translate: into the terminal's language.
    """

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """The state and where to find the record; then the findings."""
        _ = self._translate
        line = f"{acknowledgement.path}: {_(_STATES.get(acknowledgement.state, acknowledgement.state))}"
        if acknowledgement.record:
            places = {"record": acknowledgement.record, "files": acknowledgement.files, "bytes": acknowledgement.bytes}
            line += ", " + _(N_("record {record}, {files} files, {bytes} bytes")).format_map(places)
        _print(line)
        if acknowledgement.error:
            say(f"  {acknowledgement.error}")
        self._tell(acknowledgement.findings)

    def judge(self, path: str, profile: str | None, reasons: Sequence[str], findings: Sequence[Finding]) -> None:
        """Whether the package is valid, and as what; why; then the findings."""
        _ = self._translate
        verdict = N_("valid as {profile}") if is_valid(findings) else N_("not valid as {profile}") if profile else N_("not valid")
        _print(f"{path}: {_(verdict).format_map({'profile': profile})}")
        for reason in reasons:
            say(f"  {reason}")
        self._tell(findings)

    def _tell(self, findings: Sequence[Finding]) -> None:
        """The findings, grouped by what they are about."""
        groups: dict[str, list[Finding]] = defaultdict(list)
        for outcome in _TOLD:
            for finding in findings:
                if finding.outcome is outcome:
                    groups[finding.subject].append(finding)
        for subject, group in groups.items():
            say(f"  {_one_line(subject)}")
            for finding in group:
                say(f"    {self._translate(_WORDS[finding.outcome])} [{finding.code}] {_one_line(finding.text(self._translate))}")
                if finding.remedy:
                    say(f"      → {_one_line(finding.remedy_text(self._translate))}")


class Watcher(Protocol):
    """Shows how far a package is."""

    def __call__(self, progress: Progress) -> None:
        """Takes the newest progress."""


@contextmanager
def watcher(name: str, translate: Translate) -> Iterator[Watcher | None]:
    """A progress bar on standard error where that is a terminal; nothing elsewhere.

    Args:
        name: what is being worked on.
        translate: into the terminal's language.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    texts = (TextColumn("{task.fields[package]}"), TextColumn("{task.description}"))
    columns = (*texts, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", package=_one_line(name)[-40:], total=None)

        def show(progress: Progress) -> None:
            bars.update(task, description=translate(progress.stage), completed=progress.done, total=progress.total)

        yield show


def _one_line(text: str) -> str:
    """Text from a package as it may stand on a terminal: nothing in it can move the cursor or hide a line."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def _print(text: str) -> None:
    click.echo(_one_line(text).encode("utf-8", "backslashreplace"))
