"""``jingui group``: groups of people and the roles that members get."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_
from repository.permissions import Actor, Role


@click.group(help=N_("Groups of people and the roles their members get."))
def group() -> None:
    """The group."""


_ROLES = click.option("--role", "roles", multiple=True, type=click.Choice([str(role) for role in Role]), help=N_("May be repeated."))


@group.command(help=N_("Make a group."))
@click.argument("name")
@_ROLES
@pass_invocation
def add(invocation: Invocation, name: str, roles: tuple[str, ...]) -> None:
    """Makes a group."""
    from repository.accounts.groups import create_group

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        create_group(tx, name=name, roles=roles)
    click.echo(invocation.translate(N_("Group {name}: {roles}")).format(name=name, roles=", ".join(roles) or "-"))


@group.command("list", help=N_("List the groups."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """Lists the groups."""
    from repository.accounts.groups import list_groups

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for found in list_groups(tx):
            members = [member.name for member in found.members]
            if as_json:
                print_json({"name": found.name, "roles": found.role_names, "members": members})
            else:
                click.echo(f"{found.name:<20} {', '.join(found.role_names) or '-':<40} {', '.join(members)}".rstrip())


@group.command(help=N_("Give a group other roles; without --role it has none."))
@click.argument("name")
@_ROLES
@pass_invocation
def roles(invocation: Invocation, name: str, roles: tuple[str, ...]) -> None:
    """Changes the roles of a group."""
    from repository.accounts.groups import find_group, set_group_roles

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        set_group_roles(tx, find_group(tx, name).id, roles)
    click.echo(invocation.translate(N_("Group {name}: {roles}")).format(name=name, roles=", ".join(roles) or "-"))


@group.command(help=N_("Make somebody a member."))
@click.argument("name")
@click.argument("account")
@pass_invocation
def join(invocation: Invocation, name: str, account: str) -> None:
    """Makes somebody a member."""
    from repository.accounts.groups import add_member, find_group

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        add_member(tx, find_group(tx, name).id, account)
    click.echo(invocation.translate(N_("{account} belongs to {name}.")).format(account=account, name=name))


@group.command(help=N_("End somebody's membership."))
@click.argument("name")
@click.argument("account")
@pass_invocation
def leave(invocation: Invocation, name: str, account: str) -> None:
    """Ends a membership."""
    from repository.accounts.groups import find_group, remove_member

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        remove_member(tx, find_group(tx, name).id, account)
    click.echo(invocation.translate(N_("{account} no longer belongs to {name}.")).format(account=account, name=name))


@group.command(help=N_("Give a group another name."))
@click.argument("name")
@click.argument("new_name")
@pass_invocation
def rename(invocation: Invocation, name: str, new_name: str) -> None:
    """Renames a group."""
    from repository.accounts.groups import find_group, rename_group

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        rename_group(tx, find_group(tx, name).id, new_name)
    click.echo(invocation.translate(N_("Group {name} is now {new_name}.")).format(name=name, new_name=new_name))


@group.command(help=N_("Delete an empty group."))
@click.argument("name")
@pass_invocation
def delete(invocation: Invocation, name: str) -> None:
    """Deletes a group."""
    from repository.accounts.groups import delete_group, find_group

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        delete_group(tx, find_group(tx, name).id)
    click.echo(invocation.translate(N_("Group {name} is deleted.")).format(name=name))
