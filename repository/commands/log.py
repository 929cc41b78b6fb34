"""``jingui log``: proof that the logbook is whole. Its contents are for the audit administrator, in the console."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor


@click.group(help=N_("Prove that the logbook is whole; its contents are for the audit administrator, in the console."))
def log() -> None:
    """The group."""


@log.command(help=N_("Follow the chain of the logbook and compare it with the heads kept elsewhere."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object."))
@pass_invocation
def verify(invocation: Invocation, as_json: bool) -> int:
    """Follows the chain; tells no contents."""
    from repository.logbook import reading, recording

    translate = invocation.translate
    with invocation.archive() as archive:
        actor = Actor.local()
        found = reading.verify(archive, actor)
        outcome = recording.SUCCESS if found.broken is None else recording.FAILURE
        detail = {"lines": found.lines, "anchors": found.anchors}
        recording.note_read(archive, actor, "log.verified", outcome=outcome, detail=detail)
    broken = found.broken
    told = ""
    if broken is not None:
        values = {**broken.values, "subject": str(broken.sequence)}
        if "place" in values:
            values["place"] = translate(reading.PLACES[values["place"]])
        told = translate(broken.template).format_map(values)
    if as_json:
        first = None if broken is None else {"sequence": broken.sequence, "message": told}
        print_json({**detail, "valid": broken is None, "head": found.head, "broken": first})
    elif broken is None:
        click.echo(translate(N_("The chain holds. Lines: {lines}; heads kept elsewhere that agree: {anchors}.")).format_map(detail))
    else:
        click.echo(f"{translate(N_('The chain is broken.'))} {told}")
    return 0 if broken is None else 1
