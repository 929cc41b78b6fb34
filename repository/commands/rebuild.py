"""``jingui rebuild``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from repository.cli import Invocation, pass_invocation, print_json, say
from repository.findings import N_, Translate
from repository.jobs.context import Progress
from repository.permissions import Actor


@click.command(help=N_("Make the catalogue and the search index again from storage alone."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object."))
@pass_invocation
def rebuild(invocation: Invocation, as_json: bool) -> int:
    """Makes the catalogue again; accounts, settings and submissions stay as they are."""
    from repository.home import make_home
    from repository.rebuild import rebuild as rebuild_archive

    translate = invocation.translate
    begun = time.monotonic()
    # opened first, so that a folder that is no home is told as such
    with invocation.archive():
        pass
    archive = make_home(invocation.home)
    try:
        result = rebuild_archive(archive, Actor.local(), _progress(translate))
    finally:
        archive.close()
    if as_json:
        print_json(
            {
                "records": result.records,
                "files": result.files,
                "events": result.events,
                "findings": [finding.as_json(translate) for finding in result.findings],
                "seconds": round(time.monotonic() - begun, 3),
            }
        )
    else:
        done = translate(N_("Made again: {records} records, {files} files, {events} events."))
        click.echo(done.format(records=result.records, files=result.files, events=result.events))
        for finding in result.findings:
            say(f"{finding.code}: {finding.text(translate)}")
            if remedy := finding.remedy_text(translate):
                say(f"  {remedy}")
    return 0 if result.complete else 1


def _progress(translate: Translate) -> Callable[[Progress], None] | None:
    """A line on the terminal that is written over; nothing where there is none."""
    if not sys.stderr.isatty():
        return None
    last = 0.0

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 0.1 and progress.done != progress.total:
            return
        last = now
        total = "" if progress.total is None else f" {progress.done}/{progress.total}"
        click.echo(f"\r\x1b[K{translate(progress.stage)}{total}", err=True, nl=progress.done == progress.total)

    return show
