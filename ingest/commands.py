"""The commands `jingui ingest` and `jingui check`."""

from __future__ import annotations

import gc
import mmap
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from sqlalchemy import select

from ingest import checking
from ingest.batches import Batch, BatchCase, find_batch, is_packed_batch, reconcile
from ingest.errors import PackageRefused
from ingest.identification import identifying_for_user
from ingest.reporting import Acknowledgement, JsonReport, PlainReport, Report, watcher
from ingest.submissions import JOB_KIND, LOCAL_AGREEMENT, finding_from_row, receive
from ingest.unpack import unpack
from repository.cli import Invocation, pass_invocation, say_error
from repository.errors import NotFound
from repository.findings import N_, Finding, is_valid
from repository.holdings import Job, Submission, SubmissionState
from repository.jobs.ledger import JobState
from repository.jobs.running import run_inline
from repository.journal import JournalBehind, flush
from repository.permissions import Actor
from repository.settings import UnpackLimits
from storage.errors import StorageError

if TYPE_CHECKING:
    from repository.archive import Archive

#: How the name of a batch's index begins, in the encodings that names in a zip have.
_INDEX_NAMES: Final = tuple("存档信息包目录清单".encode(encoding) for encoding in ("utf-8", "gb18030"))

#: New objects until the collector looks for cycles among them; Python's own 700 are met with every few dozen files.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000

_PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))


@click.command()
@_PATHS
@click.option("--agreement", default=LOCAL_AGREEMENT, show_default=True, metavar="CODE", help=N_("The agreement under which they come."))
@click.option("--replaces", metavar="RECORD", help=N_("The record whose next version the package is."))
@_JSON
@pass_invocation
def ingest(invocation: Invocation, paths: Sequence[Path], agreement: str, replaces: str | None, as_json: bool) -> int:
    """Ingests packages, or batches of them, and waits.

    A line says `stored` when every copy was written and read back. Exit code 1 if a package was rejected, 3 if the system
    failed.
    """
    if replaces is not None and len(paths) > 1:
        raise click.UsageError(invocation.translate(N_("--replaces goes with one package only.")))
    report: Report = JsonReport() if as_json else PlainReport(invocation.translate)
    code = 0
    _collect_seldom()
    with invocation.archive() as archive:
        intake = _Intake(archive, invocation, report, agreement=agreement, replaces=replaces)
        intake.resume()
        for path in paths:
            code = max(code, intake.take(path))
        intake.settle()
    return code


@click.command()
@_PATHS
@_JSON
@pass_invocation
def check(invocation: Invocation, paths: Sequence[Path], as_json: bool) -> int:
    """Recognises and checks packages and writes nothing. Needs no home.

    Exit code 1 if a package is not valid.
    """
    report: Report = JsonReport() if as_json else PlainReport(invocation.translate)
    code = 0
    for path in paths:
        if not path.exists():
            say_error(_no_such_path(path), invocation.translate)
            code = max(code, 1)
            continue
        with _batch_at(path, None) as batch:
            if batch is None:
                code = max(code, _check(path, str(path), (), invocation, report))
                continue
            found = _batch_findings(batch)
            for case in batch.cases:
                code = max(code, _check(case.path, f"{path}/{case.path.name}", _against(case, found), invocation, report))
            of_batch = _against_batch(found)
            if of_batch:
                report.judge(f"{path}/{batch.index_name}", None, (), of_batch)
                code = 1
    return code


class _Intake:
    """Takes packages in one by one and says what became of each."""

    def __init__(self, archive: Archive, invocation: Invocation, report: Report, *, agreement: str, replaces: str | None) -> None:
        self._archive = archive
        self._invocation = invocation
        self._report = report
        self._agreement = agreement
        self._replaces = replaces
        self._actor = Actor.local()

    def resume(self) -> None:
        """Finishes what a command that was killed left unfinished, as far as nobody else works on it."""
        with self._archive.read(self._actor) as tx:
            lapsed = tx.session.execute(
                select(Job.id, Job.arguments).where(Job.kind == JOB_KIND, Job.state == JobState.RUNNING, Job.lease_until < tx.now)
            ).all()
        for job_id, arguments in lapsed:
            run_inline(self._archive, job_id)
            self._report.acknowledge(self._outcome(arguments["submission"], None))

    def take(self, path: Path) -> int:
        """Takes in a package or every case of a batch; says the exit code."""
        if not path.exists():
            say_error(_no_such_path(path), self._invocation.translate)
            return 1
        with _batch_at(path, self._archive.inbox_folder) as batch:
            if batch is None:
                return self._take(path, str(path), keep_source=True)
            found = _batch_findings(batch)
            of_batch = _against_batch(found)
            code = 0
            if of_batch:
                refused = Acknowledgement(path=f"{path}/{batch.index_name}", state=SubmissionState.REJECTED, findings=of_batch)
                self._report.acknowledge(refused)
                code = 1
            for case in batch.cases:
                shown = f"{path}/{case.path.name}"
                code = max(code, self._take(case.path, shown, keep_source=batch.path == path, findings=_against(case, found)))
            return code

    def settle(self) -> None:
        """Has what follows an ingest done now, where no worker is there to do it: the journal of events."""
        try:
            flush(self._archive)
        except JournalBehind as behind:
            # the events are safe in the catalogue, and the journal catches up with the next flush
            say_error(behind, self._invocation.translate)

    def _take(self, source: Path, shown: str, *, keep_source: bool, findings: Sequence[Finding] = ()) -> int:
        archive = self._archive
        with archive.transaction(self._actor) as tx:
            submission_id = receive(
                tx, source=source, agreement=self._agreement, keep_source=keep_source, replaces=self._replaces, findings=findings
            )
            submission = tx.session.get(Submission, submission_id)
            assert submission is not None
            job_id = str(submission.job_id)
        with watcher(source.name, self._invocation.translate) as watch:
            job = run_inline(archive, job_id, watch)
        outcome = self._outcome(submission_id, shown)
        if outcome.state not in {SubmissionState.STORED, SubmissionState.DUPLICATE, SubmissionState.REJECTED} and not outcome.error:
            outcome = replace(outcome, state=SubmissionState.FAILED, error=job.error)
        self._report.acknowledge(outcome)
        if job.result.get("out_of_space"):
            return 1
        return _CODES.get(outcome.state, 3)

    def _outcome(self, submission_id: str, shown: str | None) -> Acknowledgement:
        with self._archive.read(self._actor) as tx:
            row = tx.session.get(Submission, submission_id)
            assert row is not None
            return Acknowledgement(
                path=shown or row.source,
                submission=row.id,
                state=row.state,
                record=row.record_id,
                aip=row.aip_id,
                files=row.files,
                bytes=row.bytes,
                findings=[finding_from_row(value) for value in row.findings],
                error=row.error,
            )


def _collect_seldom() -> None:
    """Has the collector of cycles leave alone what was imported and come less often: the rows of a large package make none."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])


_CODES: Final[Mapping[str, int]] = {SubmissionState.STORED: 0, SubmissionState.DUPLICATE: 0, SubmissionState.REJECTED: 1}


def _check(source: Path, shown: str, held: Sequence[Finding], invocation: Invocation, report: Report) -> int:
    try:
        checked = checking.check(source, limits=UnpackLimits(), identifying=identifying_for_user(), held=held)
    except StorageError as error:
        say_error(error, invocation.translate)
        return 1
    reasons = [f"{item.profile}: {item.score}, {invocation.translate(item.reason)}" for item in checked.recognitions]
    report.judge(shown, checked.profile, reasons, checked.findings)
    return 0 if is_valid(checked.findings) else 1


@contextmanager
def _batch_at(path: Path, inbox: Path | None) -> Iterator[Batch | None]:
    """The batch that a path is, or holds packed, unpacked below the inbox or a temporary folder for as long as it is needed."""
    batch = find_batch(path)
    if batch is not None or not path.is_file() or not _mentions_index(path) or not is_packed_batch(path):
        yield batch
        return
    folder = Path(tempfile.mkdtemp(prefix="batch-", dir=inbox))
    try:
        content = folder / "content"
        content.mkdir()
        tree, _ = unpack(path, content, limits=UnpackLimits(), progress=lambda files, bytes: None)
        yield find_batch(tree.root)
    except PackageRefused:
        # what is wrong with the archive, the ordinary way says with all its findings
        yield None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _mentions_index(path: Path) -> bool:
    """Whether the name of an index can be in an archive at all: reading the list of a large zip only to learn that takes long."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(name) >= 0 for name in _INDEX_NAMES)
    except (OSError, ValueError):
        # empty, or nothing that can be mapped; unpacking says what it is
        return False


def _batch_findings(batch: Batch) -> list[Finding]:
    if batch.index is None:
        return list(batch.findings)
    return [*batch.findings, *reconcile(batch.index, batch.cases, index_name=batch.index_name)]


def _against(case: BatchCase, found: Sequence[Finding]) -> list[Finding]:
    """What the index says against one case, and what is odd about the index itself, which its record should tell."""
    return [
        finding
        for finding in found
        if finding.parameters.get("case") == case.name or (not finding.parameters.get("case") and is_valid((finding,)))
    ]


def _against_batch(found: Sequence[Finding]) -> list[Finding]:
    """What is wrong with the batch itself: its index is refused, its cases are not."""
    return [finding for finding in found if not finding.parameters.get("case") and not is_valid((finding,))]


def _no_such_path(path: Path) -> NotFound:
    return NotFound(N_("There is no file or folder {subject}."), subject=str(path), remedy=N_("Check the path."))
