"""``jingui init``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from repository.cli import Invocation, pass_invocation
from repository.findings import N_


@click.command(help=N_("Make a repository home (settings, SQLite, two stores), or what is missing of one."))
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@pass_invocation
def init(invocation: Invocation, folder: Path | None) -> None:
    """Makes a home in FOLDER, or where --home says."""
    from repository.home import make_home

    chosen = replace(invocation, home=folder.absolute()) if folder else invocation
    archive = make_home(chosen.home)
    try:
        translate = chosen.translate
        click.echo(translate(N_("Repository home: {home}")).format(home=archive.home))
        for store in archive.stores:
            click.echo(translate(N_("Store {name}: {location}")).format(name=store.name, location=store.address))
    finally:
        archive.close()
