"""``jingui user``: accounts and their roles."""

from __future__ import annotations

import sys

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.errors import UsageError
from repository.findings import N_
from repository.permissions import Actor, Role


@click.group(help=N_("Accounts and their roles."))
def user() -> None:
    """The group."""


_PASSWORD_STDIN = click.option("--password-stdin", is_flag=True, help=N_("Read the password from the first line of standard input."))


def _password(invocation: Invocation, from_stdin: bool) -> str:
    """The password, asked for without showing it; never an argument, which other users of the machine could see."""
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise UsageError(N_("There is no password on standard input."), remedy=N_("Write it there, on one line."))
        return line
    password: str = click.prompt(invocation.translate(N_("Password")), hide_input=True, confirmation_prompt=True, err=True)
    return password


@user.command(help=N_("Make an account."))
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([str(role) for role in Role]), help=N_("May be repeated."))
@click.option("--full-name", default="", help=N_("The person's name."))
@click.option("--unit", default="", help=N_("The agency of an agency officer, as records write it."))
@click.option("--language", type=click.Choice(["zh_Hans_CN", "en"]), help=N_("The person's language."))
@_PASSWORD_STDIN
@pass_invocation
def add(
    invocation: Invocation, name: str, roles: tuple[str, ...], full_name: str, unit: str, language: str | None, password_stdin: bool
) -> None:
    """Makes an account."""
    from repository.accounts import create_user

    with invocation.archive() as archive:
        password = _password(invocation, password_stdin)
        with archive.transaction(Actor.local()) as tx:
            create_user(tx, name=name, password=password, roles=roles, full_name=full_name, unit=unit, language=language or "")
    click.echo(invocation.translate(N_("Account {name}: {roles}")).format(name=name, roles=", ".join(roles)))


@user.command("list", help=N_("List the accounts."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """Lists the accounts."""
    from repository.accounts import list_users

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for account in list_users(tx):
            if as_json:
                print_json({
                    "name": account.name,
                    "full_name": account.full_name,
                    "roles": account.role_names,
                    "unit": account.agency.name if account.agency else "",
                    "active": account.active,
                })  # fmt: skip
            else:
                unit = account.agency.name if account.agency else ""
                closed = "" if account.active else "  " + invocation.translate(N_("(disabled)"))
                click.echo(f"{account.name:<20} {', '.join(account.role_names):<40} {unit}{closed}".rstrip())


@user.command(help=N_("Give an account another password."))
@click.argument("name")
@_PASSWORD_STDIN
@pass_invocation
def passwd(invocation: Invocation, name: str, password_stdin: bool) -> None:
    """Changes a password."""
    from repository.accounts import set_password

    with invocation.archive() as archive:
        password = _password(invocation, password_stdin)
        with archive.transaction(Actor.local()) as tx:
            set_password(tx, name, password)
    click.echo(invocation.translate(N_("The password of {name} is changed.")).format(name=name))


@user.command(help=N_("Give an account other roles."))
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([str(role) for role in Role]), help=N_("May be repeated."))
@pass_invocation
def roles(invocation: Invocation, name: str, roles: tuple[str, ...]) -> None:
    """Changes the roles."""
    from repository.accounts import set_roles

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        set_roles(tx, name, roles)
    click.echo(invocation.translate(N_("Account {name}: {roles}")).format(name=name, roles=", ".join(roles)))


@user.command(help=N_("Close an account; nothing of it is deleted."))
@click.argument("name")
@pass_invocation
def disable(invocation: Invocation, name: str) -> None:
    """Closes an account."""
    from repository.accounts import disable_user

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        disable_user(tx, name)
    click.echo(invocation.translate(N_("Account {name} is disabled.")).format(name=name))


@user.command(help=N_("Open a closed account again."))
@click.argument("name")
@pass_invocation
def enable(invocation: Invocation, name: str) -> None:
    """Opens a closed account again."""
    from repository.accounts import enable_user

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        enable_user(tx, name)
    click.echo(invocation.translate(N_("Account {name} is enabled.")).format(name=name))
