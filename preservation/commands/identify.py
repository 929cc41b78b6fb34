"""``jingui identify``: what files are. Needs no home; where there is one, its signature release is used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from preservation.formats import FormatRegistry, user_folder
from preservation.identification import FidoIdentifier, Identification, Release, identify_many, is_unreadable, translated
from repository.cli import Invocation, pass_invocation, print_json, say
from repository.findings import N_
from repository.settings import SETTINGS_FILE


@click.command(help=N_("Identify the formats of files; folders are walked. Needs no home."))
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@click.option(
    "--engine", type=click.Choice(["pronom", "fido"]), default="pronom", show_default=True, help=N_("Our own engine, or the reference.")
)
@pass_invocation
def identify(invocation: Invocation, paths: tuple[str, ...], as_json: bool, engine: str) -> int:
    """Prints what each file is, as soon as it is known; 1 if one could not be read."""
    failed = False
    for path, answer in _answers(invocation, paths, engine):
        failed = failed or is_unreadable(answer)
        if as_json:
            print_json(answer.as_json(path))
        else:
            _print(invocation, path, answer)
    return 1 if failed else 0


def registry_for(invocation: Invocation) -> FormatRegistry:
    """The releases of the home, if there is one, else the user's own."""
    at_home = (invocation.home / SETTINGS_FILE).is_file()
    return FormatRegistry(invocation.home / "formats" if at_home else user_folder())


def say_if_first(invocation: Invocation, registry: FormatRegistry, release: Release) -> None:
    """Says that a release is about to be compiled, which takes some seconds once."""
    if not any(registry.compiled.glob(f"{release.id}-*")):
        template = N_("Signatures V{version} are compiled; this happens once and takes some seconds.")
        say(invocation.translate(template).format(version=release.version))


def files_below(paths: Sequence[str]) -> Iterator[str]:
    """Every file that the paths name or hold, in the order of their names; links to folders are not followed.

    What cannot be listed is given as if it were a file, so that an answer says that it is unreadable.
    """
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        unlisted: list[OSError] = []
        for folder, folders, names in os.walk(path, onerror=unlisted.append):
            folders.sort()
            for name in sorted(names):
                yield str(Path(folder) / name)
        for error in unlisted:
            yield str(error.filename)


def _answers(invocation: Invocation, paths: Sequence[str], engine: str) -> Iterator[tuple[str, Identification]]:
    if engine == "fido":
        fido = FidoIdentifier()
        for path in files_below(paths):
            yield path, fido.identify_path(path)
        return
    registry = registry_for(invocation)
    release = registry.active
    say_if_first(invocation, registry, release)
    yield from identify_many(files_below(paths), registry.compiled, release, processes=min(4, os.cpu_count() or 1))


def _print(invocation: Invocation, path: str, answer: Identification) -> None:
    what = " ".join(part for part in (answer.name, answer.version) if part) or "—"
    line = f"{answer.puid or '—':<16} {answer.basis:<10} {what}  {path}"
    click.echo(line.encode("utf-8", "backslashreplace"))
    for warning in answer.warnings:
        click.echo(f"{'':<16} ! {translated(warning, invocation.translate)}".encode("utf-8", "backslashreplace"))
