"""``jingui user``: accounts and their roles."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import BinaryIO

import click

from repository.cli import Invocation, pass_invocation, print_json, say
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
@click.option("--role", "roles", multiple=True, type=click.Choice([str(role) for role in Role]), help=N_("May be repeated."))
@click.option("--full-name", default="", help=N_("The person's name."))
@click.option("--email", default="", help=N_("Where mail reaches the person."))
@click.option("--agency", "--unit", "unit", default="", help=N_("The person's agency, by name or code; see “jingui agency”."))
@click.option("--language", type=click.Choice(["zh_Hans_CN", "en"]), help=N_("The person's language."))
@_PASSWORD_STDIN
@pass_invocation
def add(
    invocation: Invocation,
    name: str,
    roles: tuple[str, ...],
    full_name: str,
    email: str,
    unit: str,
    language: str | None,
    password_stdin: bool,
) -> None:
    """Makes an account."""
    from repository.accounts import create_user

    with invocation.archive() as archive:
        password = _password(invocation, password_stdin)
        with archive.transaction(Actor.local()) as tx:
            create_user(tx, name=name, password=password, roles=roles, full_name=full_name, email=email, unit=unit, language=language or "")
    click.echo(invocation.translate(N_("Account {name}: {roles}")).format(name=name, roles=", ".join(roles) or "-"))


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
                    "groups": [group.name for group in account.groups],
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


@user.command(help=N_("Give an account other roles; without --role it has none of its own."))
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice([str(role) for role in Role]), help=N_("May be repeated."))
@pass_invocation
def roles(invocation: Invocation, name: str, roles: tuple[str, ...]) -> None:
    """Changes the roles."""
    from repository.accounts import set_roles

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        set_roles(tx, name, roles)
    click.echo(invocation.translate(N_("Account {name}: {roles}")).format(name=name, roles=", ".join(roles) or "-"))


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


@user.command(help=N_("Let somebody try again who is locked out after wrong passwords."))
@click.argument("name")
@pass_invocation
def unlock(invocation: Invocation, name: str) -> None:
    """Unlocks an account."""
    from repository.accounts import unlock_user

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        unlock_user(tx, name)
    click.echo(invocation.translate(N_("Account {name} is unlocked.")).format(name=name))


@user.command(help=N_("Give an account a one-time password, and end its logins and tokens."))
@click.argument("name")
@pass_invocation
def reset(invocation: Invocation, name: str) -> None:
    """Resets a password; standard output has nothing but the new one."""
    from repository.accounts.resets import reset_password

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        password = reset_password(tx, name)
    say(invocation.translate(N_("The one-time password of {name}, which is not kept anywhere:")).format(name=name))
    click.echo(password)


@user.command("import", help=N_("Make the accounts of a CSV file: all of them, or none with what is wrong by line."))
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help=N_("Say what is wrong and make nothing."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def import_(invocation: Invocation, file: BinaryIO, dry_run: bool, as_json: bool) -> int:
    """Makes many accounts; standard output has their one-time passwords, or what is wrong."""
    from repository.accounts.importing import ImportRefused, preview_import, read_lines, read_text, take_in

    translate = invocation.translate
    with invocation.archive() as archive:
        try:
            lines = read_lines(read_text(file))
            if dry_run and (problems := preview_import(archive, Actor.local(), lines)):
                raise ImportRefused(problems)
            made = () if dry_run else take_in(archive, Actor.local(), lines)
        except ImportRefused as refused:
            for problem in refused.problems:
                places = {"subject": problem.error.subject, **problem.error.parameters}
                message = translate(problem.error.template).format_map(places)
                remedy = translate(problem.error.remedy).format_map(places)
                if as_json:
                    print_json({"line": problem.number, "name": problem.name, "message": message, "remedy": remedy})
                else:
                    click.echo(f"{problem.number:>5}  {problem.name:<20} {message} {remedy}")
            say(translate(refused.template).format_map(refused.parameters))
            return 1
    for account in made:
        if as_json:
            print_json({"name": account.name, "password": account.password})
        else:
            click.echo(f"{account.name:<20} {account.password}")
    say(translate(N_("Accounts: {count}. The one-time passwords are not kept anywhere.")).format(count=len(made) or len(lines)))
    return 0


@user.command(help=N_("Make an API token for an account; standard output has nothing but the token."))
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help=N_("A permission it carries, such as record.read; may be repeated."))
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help=N_("For so long it is valid."))
@click.option("--label", default="command line", show_default=True, help=N_("What it is for."))
@pass_invocation
def token(invocation: Invocation, name: str, scopes: tuple[str, ...], days: int, label: str) -> None:
    """Makes a token."""
    from repository.accounts.tokens import create_token

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        made = create_token(tx, name=label, scopes=scopes, expires=tx.now + timedelta(days=days), owner=name)
    until = made.expires_at.isoformat(timespec="minutes")
    say(invocation.translate(N_("The token of {name}, valid until {until}, which is not kept anywhere:")).format(name=name, until=until))
    click.echo(made.secret)


@user.command("totp-off", help=N_("Switch somebody's second factor off who lost the telephone."))
@click.argument("name")
@pass_invocation
def totp_off(invocation: Invocation, name: str) -> None:
    """Switches a second factor off."""
    from repository.accounts.second_factor import reset_second_factor

    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        reset_second_factor(tx, name)
    click.echo(invocation.translate(N_("The second factor of {name} is off.")).format(name=name))
