"""``jingui store``: the stores that keep the copies."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor


@click.group(help=N_("The stores that keep the copies."))
def store() -> None:
    """The group."""


@store.command("list", help=N_("List the stores and what they hold."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """Lists the stores and what they hold."""
    from repository.stores import store_states

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        states = store_states(tx)
    if as_json:
        for state in states:
            print_json(state.as_json())
        return
    translate = invocation.translate
    for state in states:
        held = translate(N_("{aips} AIPs, {bytes} bytes, {owed} owed")).format(aips=state.aips, bytes=state.bytes, owed=state.owed)
        reading = "  " + translate(N_("(read only)")) if state.store.read_only else ""
        click.echo(f"{state.store.name:<12} {state.store.kind:<8} {held}  {state.store.address}{reading}")
        if words := ", ".join(filter(None, (state.store.technology, state.store.place))):
            click.echo(f"{'':<12} {words}")
