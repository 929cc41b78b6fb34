"""``jingui repair``: make bad copies anew from good ones, and say of each what became of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from preservation.jobs import repair_telling
from preservation.repair import RepairedCopy, RepairOutcome, RepairRequest, RepairSummary, start
from preservation.repairing import run
from repository.cli import Invocation, pass_invocation, print_json, say, say_error
from repository.errors import JinguiError
from repository.findings import N_, Translate
from repository.jobs.ledger import JobState
from repository.jobs.recovery import recover
from repository.jobs.running import run_inline
from repository.journal import JournalBehind, flush
from repository.permissions import Actor, Permission

if TYPE_CHECKING:
    from repository.archive import Archive

OUTCOME_WORDS = {
    RepairOutcome.HEALED: N_("healed"),
    RepairOutcome.MADE: N_("made"),
    RepairOutcome.MATCH: N_("match"),
    RepairOutcome.WOULD_HEAL: N_("would be healed"),
    RepairOutcome.PERSON: N_("left as it is"),
    RepairOutcome.FAILED: N_("not done"),
}


@click.command(help=N_("Make copies that are damaged or missing anew, each from a copy that is read in full before."))
@click.option("--record", "records", multiple=True, metavar="ID", help=N_("Read and repair the copies of this record; can be given again."))
@click.option("--store", default="", metavar="NAME", help=N_("Only the copies in this store."))
@click.option("--dry-run", is_flag=True, help=N_("Read and decide, but write nothing."))
@click.option(
    "--confirmed",
    is_flag=True,
    help=N_("With --store: somebody has looked at the store, and wants it repaired although many of its copies are bad."),
)
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def repair(invocation: Invocation, records: tuple[str, ...], store: str, dry_run: bool, confirmed: bool, as_json: bool) -> int:
    """Repairs and waits; 1 if a copy is not as it should be afterwards, 3 if the repair could not be done."""
    request = RepairRequest(records=tuple(dict.fromkeys(records)), store=store, dry_run=dry_run, confirmed=confirmed)
    teller = _Teller(invocation.translate, as_json=as_json)
    with invocation.archive() as archive:
        if dry_run:
            return _dry_run(archive, request, teller)
        return _repair(archive, request, teller, invocation.translate)


def _dry_run(archive: Archive, request: RepairRequest, teller: _Teller) -> int:
    actor = Actor.local()
    with archive.read(actor) as tx:
        tx.require(Permission.AUDIT_RUN)
        if request.store:
            archive.store(request.store)
    summary = run(archive, request, actor=actor, on_copy=teller.tell, progress=lambda stage, done, total: None, check=lambda: None)
    teller.sum_up(summary)
    return 0 if summary.complete else 1


def _repair(archive: Archive, request: RepairRequest, teller: _Teller, translate: Translate) -> int:
    # what was killed before is finished, or taken back, and said
    for done in recover(archive):
        say(done)
    with archive.transaction(Actor.local()) as tx:
        job_id = start(tx, request)
    job = run_inline(archive, job_id, handler=repair_telling(teller.tell))
    if job.state == JobState.CANCELLED:
        raise click.Abort
    if job.state != JobState.DONE:
        raise JinguiError(
            N_("The repair could not be finished: {reason}"),
            subject=job_id,
            remedy=N_("What was repaired stays so. Run the command again."),
            reason=job.error,
        )
    summary = RepairSummary(copies=dict(job.result["copies"]))
    teller.sum_up(summary)
    try:
        flush(archive)
    except JournalBehind as behind:
        # the events are safe in the catalogue, and the journal catches up with the next flush
        say_error(behind, translate)
    return 0 if summary.complete else 1


class _Teller:
    def __init__(self, translate: Translate, *, as_json: bool) -> None:
        self._translate = translate
        self._as_json = as_json

    def tell(self, copy: RepairedCopy) -> None:
        """Says what became of a copy."""
        if self._as_json:
            print_json(copy.as_json())
            return
        _ = self._translate
        source = _(N_("from store {source}")).format(source=copy.source) if copy.source else ""
        click.echo(f"{_(OUTCOME_WORDS[copy.outcome]):<16} {copy.store:<12} {copy.aip} {source}".rstrip())
        if copy.kept:
            click.echo("    " + _(N_("what was there is kept in {place}")).format(place=copy.kept))
        if copy.reason:
            click.echo("    " + _(copy.reason).format_map(copy.values).encode("utf-8", "backslashreplace").decode())

    def sum_up(self, summary: RepairSummary) -> None:
        """The last line."""
        if self._as_json:
            print_json({"summary": summary.as_json()})
            return
        _ = self._translate
        copies = ", ".join(f"{_(word)} {summary.copies[code]}" for code, word in OUTCOME_WORDS.items() if summary.copies.get(code))
        click.echo(copies or _(N_("Every copy is as it should be, as far as is known.")))
        if not summary.complete and sys.stderr.isatty():
            say(_(N_("The incidents say what is left to decide.")))
