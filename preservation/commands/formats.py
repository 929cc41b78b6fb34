"""``jingui formats``: releases of the format signatures. In a home they are the archive's, without one the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from preservation.commands.identify import registry_for, say_if_first
from preservation.formats import Comparison, FormatRegistry, compare
from preservation.identification import Release
from repository.cli import Invocation, pass_invocation, print_json
from repository.errors import NotFound
from repository.findings import N_
from repository.permissions import Actor
from repository.settings import SETTINGS_FILE
from repository.transaction import Transaction

_JSON = click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(help=N_("Releases of the format signatures (PRONOM)."))
def formats() -> None:
    """The group."""


@formats.command("list", help=N_("List the releases; the one in force is marked."))
@_JSON
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """Lists the releases."""
    for known in registry_for(invocation).known():
        if as_json:
            print_json(known.as_json())
            continue
        release = known.release
        came = known.imported_at.date().isoformat() if known.imported_at is not None else invocation.translate(N_("installed"))
        click.echo(f"{'*' if known.active else ' '} {release.id:<24} V{release.version:<6} C{release.container_version:<6} {came}")


@formats.command(help=N_("Show a release by its id, or a format by its PUID as the release in force knows it."))
@click.argument("name", metavar="ID|PUID")
@_JSON
@pass_invocation
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Shows a release or a format."""
    registry = registry_for(invocation)
    if "/" in name:
        value = _format(invocation, registry, name)
    else:
        registry.get(name)
        value = next(known for known in registry.known() if known.release.id == name).as_json()
    if as_json:
        print_json(value)
        return
    for key, item in value.items():
        text = ", ".join(map(str, item)) if isinstance(item, list) else item
        click.echo(f"{key:<18} {text if text not in (None, '') else '—'}")


@formats.command("import", help=N_("Take in a release from DROID's two files, show what it changes for the holdings, and put it in force."))
@click.argument("signature_file", type=_FILE, metavar="DROID.xml")
@click.argument("container_file", type=_FILE, metavar="CONTAINER.xml")
@click.option("--dry-run", is_flag=True, help=N_("Only show what would change."))
@click.option("--keep", is_flag=True, help=N_("Take it in, but leave the present release in force."))
@_JSON
@pass_invocation
def import_(invocation: Invocation, signature_file: Path, container_file: Path, dry_run: bool, keep: bool, as_json: bool) -> int:
    """Imports a release; 1 if files of the holdings could not be read, so that nothing is known about them."""
    registry = registry_for(invocation)
    release = registry.inspect(signature_file, container_file)
    if not dry_run:
        if _at_home(invocation):
            from preservation import releases

            with _changing(invocation) as tx:
                release = releases.import_release(tx, signature_file, container_file)
        else:
            release = registry.import_release(signature_file, container_file, at=datetime.now(UTC))
    comparison = _compare(invocation, registry, release, as_json=as_json)
    if not dry_run and not keep:
        _put_in_force(invocation, registry, release.id)
    in_force = registry.active.id == release.id
    if as_json:
        changes = [{"old": old, "new": new, "files": count} for (old, new), count in comparison.most_frequent()]
        summary = {
            "release": release.id,
            "in_force": in_force,
            "files": comparison.files,
            "changed": comparison.changed,
            "unreadable": len(comparison.unreadable),
            "changes": changes,
        }
        print_json({"summary": summary})
        return 1 if comparison.unreadable else 0
    translate = invocation.translate
    for (old, new), count in comparison.most_frequent():
        click.echo(translate(N_("{count} files: {old} → {new}")).format(count=count, old=old or "—", new=new or "—"))
    for path, reason in comparison.unreadable:
        click.echo(translate(N_("Not compared, unreadable: {path} ({reason})")).format(path=path, reason=reason))
    done = translate(N_("{files} files compared, {changed} change.")).format(files=comparison.files, changed=comparison.changed)
    standing = translate(N_("Release {id} is in force.") if in_force else N_("Release {id} is not in force.")).format(id=release.id)
    click.echo(f"{done} {standing}")
    return 1 if comparison.unreadable else 0


@formats.command(help=N_("Put a release in force."))
@click.argument("id")
@_JSON
@pass_invocation
def activate(invocation: Invocation, id: str, as_json: bool) -> None:
    """Puts a release in force."""
    _say_in_force(invocation, _put_in_force(invocation, registry_for(invocation), id), as_json)


@formats.command(help=N_("Put the release in force again that was before the present one."))
@_JSON
@pass_invocation
def back(invocation: Invocation, as_json: bool) -> None:
    """Goes back to the release before."""
    if _at_home(invocation):
        from preservation import releases

        with _changing(invocation) as tx:
            release = releases.back(tx)
    else:
        release = registry_for(invocation).back()
    _say_in_force(invocation, release, as_json)


def _at_home(invocation: Invocation) -> bool:
    return (invocation.home / SETTINGS_FILE).is_file()


@contextmanager
def _changing(invocation: Invocation) -> Iterator[Transaction]:
    with invocation.archive() as archive, archive.transaction(Actor.local()) as tx:
        yield tx


def _put_in_force(invocation: Invocation, registry: FormatRegistry, id: str) -> Release:
    if not _at_home(invocation):
        return registry.activate(id)
    from preservation import releases

    with _changing(invocation) as tx:
        return releases.activate(tx, id)


def _compare(invocation: Invocation, registry: FormatRegistry, release: Release, *, as_json: bool) -> Comparison:
    comparison = Comparison()
    say_if_first(invocation, registry, release)
    identifier = registry.identifier(release)
    if not _at_home(invocation):
        return comparison
    from preservation.releases import held_files

    with invocation.archive() as archive, archive.read(Actor.local()) as tx:
        for change in compare(held_files(tx), identifier, comparison):
            if as_json:
                print_json(change.as_json())
            else:
                click.echo(f"{change.old or '—':<16} → {change.new.puid or '—':<16} {change.path}".encode("utf-8", "backslashreplace"))
    return comparison


def _say_in_force(invocation: Invocation, release: Release, as_json: bool) -> None:
    if as_json:
        print_json({"release": release.id, "in_force": True})
    else:
        click.echo(invocation.translate(N_("Release {id} is in force.")).format(id=release.id))


def _format(invocation: Invocation, registry: FormatRegistry, puid: str) -> dict[str, object]:
    say_if_first(invocation, registry, registry.active)
    plan = registry.identifier().engine.plan
    found = plan.by_puid.get(puid)
    if found is None:
        raise NotFound(
            N_("Release V{version} knows no format {subject}."),
            subject=puid,
            remedy=N_("A PUID looks like fmt/354 or x-fmt/111; a newer release may know it."),
            version=plan.version,
        )
    over = [plan.formats[number].puid for number in found.over if number in plan.formats]
    return {
        "puid": found.puid,
        "name": found.name,
        "version": found.version,
        "mime": found.mime,
        "extensions": list(found.extensions),
        "signature": found.signed,
        "priority_over": over,
        "release": plan.version,
    }
