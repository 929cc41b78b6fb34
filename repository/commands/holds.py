"""``jingui hold``: holds, which keep records from being destroyed."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor


@click.group(help=N_("Holds: records that must not be destroyed."))
def hold() -> None:
    """The group."""


@hold.command(help=N_("Place a hold on a record."))
@click.argument("record")
@click.option("--reason", required=True, help=N_("Why: the case, the inquiry, the law."))
@pass_invocation
def place(invocation: Invocation, record: str, reason: str) -> None:
    """Places a hold."""
    from repository.journal import flush
    from repository.recordkeeping.holds import place_hold

    with invocation.archive() as archive:
        with archive.transaction(Actor.local()) as tx:
            placed = place_hold(tx, record, reason)
        click.echo(placed)
        # perhaps no worker is there to do it
        flush(archive)


@hold.command(help=N_("Lift a hold."))
@click.argument("hold")
@click.option("--reason", default="", help=N_("Why it is no longer needed."))
@pass_invocation
def lift(invocation: Invocation, hold: str, reason: str) -> None:
    """Lifts a hold."""
    from repository.journal import flush
    from repository.recordkeeping.holds import lift_hold

    with invocation.archive() as archive:
        with archive.transaction(Actor.local()) as tx:
            lift_hold(tx, hold, reason)
        click.echo(invocation.translate(N_("Hold {hold} is lifted.")).format(hold=hold))
        # perhaps no worker is there to do it
        flush(archive)


@hold.command("list", help=N_("List the holds in force."))
@click.option("--all", "lifted", is_flag=True, help=N_("Lifted ones too."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, lifted: bool, as_json: bool) -> None:
    """Lists the holds."""
    from repository.recordkeeping.holds import list_holds

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for item in list_holds(tx, lifted=lifted):
            if as_json:
                print_json({
                    "hold": item.id,
                    "record": item.record_id,
                    "reason": item.reason,
                    "placed_by": item.placed_by,
                    "placed_at": item.placed_at.isoformat(),
                    "lifted_at": item.lifted_at.isoformat() if item.lifted_at else None,
                })  # fmt: skip
            else:
                ended = f"  {invocation.translate(N_('(lifted)'))}" if item.lifted_at else ""
                click.echo(f"{item.id}  {item.record_id}  {item.placed_at:%Y-%m-%d}  {item.placed_by}  {item.reason}{ended}")
