"""``jingui doctor``: is everything there that the archive needs?"""

from __future__ import annotations

import click

from repository.cli import Invocation, pass_invocation, print_json
from repository.findings import N_


@click.command(help=N_("Check settings, tools, stores, clock and schema."))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@pass_invocation
def doctor(invocation: Invocation, as_json: bool) -> int:
    """Examines the home and prints what was found; 1 if something is wrong."""
    from repository.health import Health, examine

    translate = invocation.translate
    found = examine(invocation.home)
    for item in found:
        detail, remedy = item.text(translate), item.remedy_text(translate)
        if as_json:
            print_json({"check": item.name, "health": str(item.health), "message": detail, "remedy": remedy})
        else:
            click.echo(f"{item.health:<8} {item.name:<14} {detail}")
            if remedy:
                click.echo(f"{'':<23} → {remedy}")
    return 1 if any(item.health is Health.PROBLEM for item in found) else 0
