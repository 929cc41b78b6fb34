"""``jingui job`` and ``jingui schedule``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.jobs.listing import JobView


@click.group(help=N_("The jobs: list, cancel, try again."))
def job() -> None:
    """Groups what is done with jobs."""


@job.command("list", help=N_("List jobs, the newest first; without those of the timetable that were done."))
@click.option("--state", default="", help=N_("Only these: queued, running, done, failed, cancelled."))
@click.option("--kind", default="", help=N_("Only these, such as ingest.process."))
@click.option("--regular", is_flag=True, help=N_("Also what the timetable did."))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help=N_("At most so many."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, state: str, kind: str, regular: bool, limit: int, as_json: bool) -> None:
    """Prints jobs."""
    from repository.jobs.listing import JobQuery, list_jobs

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for found in list_jobs(tx, JobQuery(state=state, kind=kind, regular=regular or bool(kind)), limit).jobs:
            if as_json:
                print_json(found.as_json())
            else:
                click.echo(_line(found))


@job.command(help=N_("Show one job."))
@click.argument("job_id")
@pass_invocation
def show(invocation: Invocation, job_id: str) -> None:
    """Prints a job as JSON."""
    from repository.jobs.listing import find_job

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        print_json(find_job(tx, job_id).as_json())


@job.command(help=N_("Ask a job to stop."))
@click.argument("job_id")
@pass_invocation
def cancel(invocation: Invocation, job_id: str) -> None:
    """Cancels a job."""
    from repository.jobs.ledger import JobState
    from repository.jobs.ledger import cancel as cancel_job

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        state = cancel_job(tx, job_id)
    said = N_("cancelled") if state == JobState.CANCELLED else N_("asked to stop")
    click.echo(invocation.translate(said))


@job.command(help=N_("Put a job that failed or was cancelled back into the queue."))
@click.argument("job_id")
@pass_invocation
def retry(invocation: Invocation, job_id: str) -> None:
    """Puts a job back."""
    from repository.jobs.ledger import retry as retry_job

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        retry_job(tx, job_id)
    click.echo(invocation.translate(N_("waiting")))


@click.group(help=N_("What happens regularly."))
def schedule() -> None:
    """Groups what is done with the timetable."""


@schedule.command("list", help=N_("List what happens regularly."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_schedules(invocation: Invocation, as_json: bool) -> None:
    """Prints the timetable."""
    from repository.jobs import schedules

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for row in schedules.list_schedules(tx):
            if as_json:
                print_json(row.as_json())
            else:
                state = row.job.state if row.job else "-"
                following = row.next_at.isoformat(timespec="seconds") if row.enabled else invocation.translate(N_("switched off"))
                click.echo(f"{row.name:<24} {row.every_seconds:>8} s  {state:<9}  {following}")


@schedule.command("set", help=N_("Change how often something happens, or switch it on or off."))
@click.argument("name")
@click.option("--every", type=int, help=N_("Seconds between two runs."))
@click.option("--on/--off", "enabled", default=None, help=N_("Switch it on or off."))
@pass_invocation
def set_(invocation: Invocation, name: str, every: int | None, enabled: bool | None) -> None:
    """Changes a row."""
    from repository.jobs.schedules import set_schedule

    if every is None and enabled is None:
        raise click.UsageError(invocation.translate(N_("Say what to change: --every, --on or --off.")))
    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        set_schedule(tx, name, every_seconds=every, enabled=enabled)


@schedule.command(help=N_("Have it done now; prints the id of the job."))
@click.argument("name")
@pass_invocation
def run(invocation: Invocation, name: str) -> None:
    """Enqueues what a row names."""
    from repository.jobs.schedules import run_now

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        job_id = run_now(tx, name)
    click.echo(job_id)


def _line(found: JobView) -> str:
    created = found.created_at.isoformat(timespec="seconds")
    return f"{found.id}  {found.state:<9}  {created}  {found.kind}" + (f"  {found.error}" if found.error else "")
