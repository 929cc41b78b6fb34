"""``jingui audit``: read every byte of the copies again, and say of each what was found."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from preservation.audits import AuditedCopy, AuditSummary, Scope, Selection, job_of, start, summary_of
from preservation.jobs import audit_telling
from repository.cli import Invocation, pass_invocation, print_json, say, say_error
from repository.errors import JinguiError
from repository.findings import N_, Translate
from repository.holdings import Audit, AuditOutcome
from repository.jobs.ledger import JobState
from repository.jobs.recovery import recover
from repository.jobs.running import run_inline
from repository.journal import JournalBehind, flush
from repository.permissions import Actor
from storage.ocfl.verify import CopyOutcome

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import Progress

_OUTCOMES = {
    CopyOutcome.MATCH: N_("match"),
    CopyOutcome.DAMAGED: N_("damaged"),
    CopyOutcome.MISSING: N_("missing"),
    CopyOutcome.UNREADABLE: N_("unreadable"),
    CopyOutcome.UNEXPECTED: N_("unexpected"),
}
_PROBLEMS = {
    "mismatch": N_("mismatch: {path}: expected {expected}, found {found}"),
    "missing": N_("missing: {path}: expected {expected}"),
    "unreadable": N_("unreadable: {path}: {found}"),
    "unexpected": N_("unexpected: {path}: {found}"),
}
#: Problems of one copy that are shown to people; with --json all.
_SHOWN = 20


@click.command(help=N_("Read every byte of the copies again and compare with the catalogue and the inventories."))
@click.option("--all", "everything", is_flag=True, help=N_("Every package (the default)."))
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help=N_("So many packages, drawn by chance."))
@click.option("--overdue", is_flag=True, help=N_("Copies that nobody read for longer than audit_ttl_days."))
@click.option("--record", "records", multiple=True, metavar="ID", help=N_("The package of this record; can be given again."))
@click.option("--store", default="", metavar="NAME", help=N_("Only the copies in this store."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def audit(
    invocation: Invocation, everything: bool, sample: int | None, overdue: bool, records: tuple[str, ...], store: str, as_json: bool
) -> int:
    """Audits and waits; 1 if a copy is not as it should be, 3 if the audit could not be done."""
    if sum((everything, sample is not None, overdue, bool(records))) > 1:
        raise click.UsageError(invocation.translate(N_("--all, --sample, --overdue and --record exclude each other.")))
    scope = Scope.SAMPLE if sample else Scope.OVERDUE if overdue else Scope.RECORDS if records else Scope.ALL
    selection = Selection(scope=scope, sample=sample or 0, records=tuple(dict.fromkeys(records)), store=store)
    teller = _Teller(invocation.translate, as_json=as_json)
    with invocation.archive() as archive:
        return _audit(archive, selection, teller, invocation.translate)


def _audit(archive: Archive, selection: Selection, teller: _Teller, translate: Translate) -> int:
    actor = Actor.local()
    # a command that was killed has left its run behind: the same selection goes on with it, and need not wait for its lease
    for done in recover(archive):
        say(done)
    with archive.transaction(actor) as tx:
        audit_id = start(tx, selection)
        job = job_of(tx, audit_id)
        assert job is not None
        job_id = job.id
    begun = time.monotonic()
    with _bar(translate, teller) as bar:
        job = run_inline(archive, job_id, bar, handler=audit_telling(teller.tell))
    with archive.read(actor) as tx:
        for outcome in tx.session.scalars(select(AuditOutcome).where(AuditOutcome.audit_id == audit_id).execution_options(yield_per=1_000)):
            # what another process found: a worker that was faster, or a command that was killed and is finished here
            teller.tell(_from_row(outcome))
        row = tx.session.get_one(Audit, audit_id)
        summary = summary_of(tx, row, row.ended_at or tx.now)
    if job.state == JobState.CANCELLED:
        raise click.Abort
    if job.state != JobState.DONE:
        raise JinguiError(
            N_("The audit could not be finished: {reason}"),
            subject=audit_id,
            remedy=N_("What was read is kept. Run the command again."),
            reason=job.error,
        )
    teller.sum_up(summary, time.monotonic() - begun)
    try:
        flush(archive)
    except JournalBehind as behind:
        # the events are safe in the catalogue, and the journal catches up with the next flush
        say_error(behind, translate)
    return 1 if summary.damaged else 0


class _Teller:
    """Says what was found, each copy once.

    Args:
        translate: into the terminal's language.
        as_json: JSON lines of every copy, instead of lines for people of those that are not a match.
    """

    def __init__(self, translate: Translate, *, as_json: bool) -> None:
        self._translate = translate
        self._as_json = as_json
        self._told: set[tuple[str, str]] = set()
        #: What is on the terminal steps aside while a line is printed.
        self.aside: Callable[[], AbstractContextManager[None]] = nullcontext

    def tell(self, copy: AuditedCopy) -> None:
        """Says what was found of a copy."""
        if (copy.store, copy.aip) in self._told:
            return
        self._told.add((copy.store, copy.aip))
        if self._as_json or copy.outcome is not CopyOutcome.MATCH:
            with self.aside():
                self._print_copy(copy)

    def _print_copy(self, copy: AuditedCopy) -> None:
        if self._as_json:
            print_json(copy.as_json())
        else:
            _print(f"{self._translate(_OUTCOMES[copy.outcome]):<12} {copy.store:<12} {copy.aip}")
            for problem in copy.problems[:_SHOWN]:
                _print("    " + self._translate(_PROBLEMS[problem["outcome"]]).format_map({**problem, "path": problem["path"] or copy.aip}))
            if (further := len(copy.problems) - _SHOWN) > 0:
                _print("    " + self._translate(N_("and {count} more: see --json")).format(count=further))

    def sum_up(self, summary: AuditSummary, seconds: float) -> None:
        """The last line."""
        if self._as_json:
            print_json({"summary": summary.as_json()})
            return
        _ = self._translate
        rate = summary.bytes / max(seconds, 0.001) / 1e6
        places = {"aips": summary.aips, "files": summary.files, "bytes": summary.bytes, "seconds": f"{seconds:.1f}", "rate": f"{rate:.0f}"}
        line = _(N_("{aips} packages, {files} files, {bytes} bytes read again in {seconds} s ({rate} MB/s)")).format_map(places)
        copies = ", ".join(f"{_(word)} {summary.copies[code]}" for code, word in _OUTCOMES.items() if summary.copies.get(code))
        _print(f"{line}: {copies or _(N_('nothing to read'))}")
        if summary.damaged:
            say(
                _(N_("{count} copies are not as they should be. Keep the stores as they are until they are repaired.")).format(
                    count=summary.damaged
                )
            )


@contextmanager
def _bar(translate: Translate, teller: _Teller) -> Iterator[Callable[[Progress], None] | None]:
    """A progress bar on standard error where that is a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    # imported here: only a terminal needs it, and it is slow to load
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    ) as bars:  # fmt: skip
        task = bars.add_task("", total=None)

        def show(progress: Progress) -> None:
            bars.update(task, description=translate(progress.stage), completed=progress.done, total=progress.total)

        @contextmanager
        def aside() -> Iterator[None]:
            bars.stop()
            yield
            bars.start()

        teller.aside = aside
        yield show
        teller.aside = nullcontext


def _from_row(row: AuditOutcome) -> AuditedCopy:
    return AuditedCopy(
        store=row.store,
        aip=row.aip_id,
        outcome=CopyOutcome(row.outcome),
        files=row.files,
        bytes=row.bytes,
        problems=row.problems,
        at=row.at,
    )


def _print(text: str) -> None:
    """A line for people; nothing in a file's name can move the cursor or hide a line."""
    shown = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    click.echo(shown.encode("utf-8", "backslashreplace"))
