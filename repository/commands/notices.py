"""``jingui notice``."""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation
from repository.findings import N_


@click.group(help=N_("Notices: try the mail."))
def notice() -> None:
    """Groups what is done with notices."""


@notice.command("test-mail", help=N_("Send a mail to an address, to see whether mail can be sent."))
@click.argument("address")
@pass_invocation
def test_mail(invocation: Invocation, address: str) -> None:
    """Sends a test."""
    from repository.notices.mailing import mail_test

    with invocation.archive() as archive:
        mail_test(archive, address)
    click.echo(invocation.translate(N_("The mail server took the mail for {address}.")).format(address=address))
