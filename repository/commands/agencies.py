"""``jingui agency``: the agencies that hand records over."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor


@click.group(help=N_("The agencies that hand records over."))
def agency() -> None:
    """The group."""


_CODE = click.option("--code", help=N_("Its unified social credit code (GB 32100-2015)."))
_FONDS = click.option("--fonds", help=N_("Its fonds number in this archive."))
_OTHER_NAMES = click.option("--other-name", "other_names", multiple=True, help=N_("A name it bore before; may be repeated."))


@agency.command(help=N_("Make an agency."))
@click.argument("name")
@_CODE
@_FONDS
@_OTHER_NAMES
@pass_invocation
def add(invocation: Invocation, name: str, code: str | None, fonds: str | None, other_names: tuple[str, ...]) -> None:
    """Makes an agency."""
    from repository.recordkeeping.agencies import create_agency

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        create_agency(tx, name=name, code=code or "", fonds=fonds or "", other_names=other_names)
    click.echo(invocation.translate(N_("Agency {name} is made.")).format(name=name))


@agency.command("list", help=N_("List the agencies."))
@click.argument("text", default="")
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, text: str, as_json: bool) -> None:
    """Lists the agencies."""
    from repository.recordkeeping.agencies import list_agencies

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for found in list_agencies(tx, text=text):
            if as_json:
                print_json({
                    "name": found.name,
                    "code": found.code,
                    "fonds": found.fonds,
                    "other_names": found.other_names,
                    "active": found.active,
                })  # fmt: skip
            else:
                ended = "" if found.active else "  " + invocation.translate(N_("(ended)"))
                click.echo(f"{found.code or '-':<18}  {found.fonds or '-':<8}  {found.name}{ended}")


@agency.command(help=N_("Change an agency, named by name or code; with another name, the present one becomes a former name."))
@click.argument("agency")
@click.option("--name", help=N_("The name it bears from now on."))
@_CODE
@_FONDS
@_OTHER_NAMES
@pass_invocation
def change(
    invocation: Invocation, agency: str, name: str | None, code: str | None, fonds: str | None, other_names: tuple[str, ...]
) -> None:
    """Changes an agency."""
    from repository.recordkeeping.agencies import change_agency, find_agency

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        found = find_agency(tx, agency)
        former = [*found.other_names, *other_names] if other_names else None
        change_agency(tx, found.id, name=name, code=code, fonds=fonds, other_names=former)
        click.echo(invocation.translate(N_("Agency {name} is changed.")).format(name=found.name))


@agency.command(help=N_("Note that an agency has ended; its records and officers stay."))
@click.argument("agency")
@pass_invocation
def close(invocation: Invocation, agency: str) -> None:
    """Closes an agency."""
    from repository.recordkeeping.agencies import close_agency, find_agency

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        found = find_agency(tx, agency)
        close_agency(tx, found.id)
        click.echo(invocation.translate(N_("Agency {name} has ended.")).format(name=found.name))


@agency.command(help=N_("Take back that an agency has ended."))
@click.argument("agency")
@pass_invocation
def reopen(invocation: Invocation, agency: str) -> None:
    """Opens an agency again."""
    from repository.recordkeeping.agencies import find_agency, reopen_agency

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        found = find_agency(tx, agency)
        reopen_agency(tx, found.id)
        click.echo(invocation.translate(N_("Agency {name} is open again.")).format(name=found.name))
