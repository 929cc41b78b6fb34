"""The commands ``jingui search``, ``jingui export`` and ``jingui dip``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from repository.cli import Invocation, pass_invocation, print_json, say
from repository.findings import N_, Translate
from repository.identifiers import aip_id
from repository.logbook.recording import note_read
from repository.permissions import Actor
from repository.search.finding import FILTERS, LIMIT, FoundRecord, SearchQuery, SearchResult, find_records
from repository.search.pending import refresh

if TYPE_CHECKING:
    from access.exports import Delivered, Progress
    from repository.archive import Archive

_Command = TypeVar("_Command", bound=Callable[..., Any])

_JSON = click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
_RECORD = click.argument("record", metavar="RECORD")
_OUT = click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
#: The older name that people know is understood as well.
_FORMS: Final = {"ocfl": "ocfl", "bagit": "bagit", "bag": "bagit", "eark": "eark"}


def _filters(command: _Command) -> _Command:
    """An option for each thing that a search can be narrowed by; several values of one: any of them."""
    for name in reversed(FILTERS):
        command = click.option(f"--{name.replace('_', '-')}", name, multiple=True, metavar="VALUE", help=_FILTER_HELP[name])(command)
    return command


_FILTER_HELP: Final = {
    "unit": N_("Only records of this agency."),
    "affair": N_("Only records of this affair."),
    "affair_type": N_("Only records of this kind of affair."),
    "year": N_("Only records of this year."),
    "retention": N_("Only records to be kept so long (Y, D30, D10)."),
    "sharing": N_("Only records of this sharing class."),
    "profile": N_("Only records that came as this kind of package."),
    "agreement": N_("Only records that came under this agreement."),
    "format": N_("Only records with a file of this format (a PRONOM identifier such as fmt/18)."),
}


@click.command(help=N_("Search the records; without words, list them."))
@click.argument("words", nargs=-1, metavar="[WORDS]…")
@_filters
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N", help=N_("At most so many, the latest change first.")
)
@_JSON
@pass_invocation
def search(invocation: Invocation, /, words: Sequence[str], limit: int, as_json: bool, **filters: Sequence[str]) -> None:
    """Finds records and lists them. Nothing found is said on standard error and is no failure."""
    narrowed = {name: values for name, values in filters.items() if values}
    shown = total = 0
    with invocation.archive() as archive:
        refresh(archive)
        for page in _pages(archive, " ".join(words), narrowed, limit):
            total = page.total
            shown += len(page.records)
            for record in page.records:
                if as_json:
                    print_json(_line(record))
                else:
                    click.echo(_lines(record).encode("utf-8", "backslashreplace"))
    if not shown:
        say(invocation.translate(N_("Nothing was found.")))
    elif shown < total and not as_json:
        say(invocation.translate(N_("{shown} of {total} records; see more with --limit.")).format(shown=shown, total=total))


@click.command(help=N_("Take a record's whole package out, with every byte compared."))
@_RECORD
@_OUT
@click.option(
    "--as",
    "form",
    type=click.Choice(list(_FORMS)),
    required=True,
    help=N_("An OCFL object with all versions, a bag (BagIt), or the E-ARK package itself."),
)
@_JSON
@pass_invocation
def export(invocation: Invocation, record: str, out: Path, form: str, as_json: bool) -> None:
    """Exports a record by its id, its package's id or the sender's identifier into a new folder."""
    from access.exports import ExportForm
    from access.exports import export as export_package

    with invocation.archive() as archive, _watched(invocation.translate) as progress:
        delivered = export_package(archive, Actor.local(), record, ExportForm(_FORMS[form]), out, progress=progress)
    _tell(delivered, invocation.translate, as_json)


@click.command(help=N_("Make a copy of a record for a reader: a folder, or a zip if OUT is named so."))
@_RECORD
@_OUT
@_JSON
@pass_invocation
def dip(invocation: Invocation, record: str, out: Path, as_json: bool) -> None:
    """Makes a dissemination package of a record named by its id, its package's id or the sender's identifier."""
    from access.exports import disseminate

    with invocation.archive() as archive:
        delivered = disseminate(archive, Actor.local(), record, out)
    _tell(delivered, invocation.translate, as_json)


def _pages(archive: Archive, text: str, filters: dict[str, Sequence[str]], limit: int) -> Iterator[SearchResult]:
    """What is found, page by page, until there are as many records as asked for."""
    actor = Actor.local()
    after: str | None = None
    while limit:
        with archive.read(actor) as tx:
            page = find_records(tx, SearchQuery(text=text, filters=filters, limit=min(limit, LIMIT), after=after), facets=())
        if after is None:
            asked = {"query": text, "filters": {name: list(values) for name, values in filters.items()}, "hits": page.total}
            note_read(archive, actor, "record.searched", detail=asked)
        yield page
        limit -= len(page.records)
        after = page.after
        if after is None:
            return


def _line(record: FoundRecord) -> dict[str, object]:
    return {
        "record": record.id,
        "aip": aip_id(record.id),
        "identifier": record.identifier,
        "title": record.title,
        "unit": record.unit,
        "affair": record.affair,
        "affair_type": record.affair_type,
        "year": record.year,
        "retention": record.retention,
        "sharing": record.sharing,
        "changed": record.changed_at.isoformat() if record.changed_at else None,
    }


def _lines(record: FoundRecord) -> str:
    about = "  ".join(filter(None, (record.unit, record.year, record.identifier or "", record.id)))
    return f"{_plain(record.title)}\n    {_plain(about)}"


def _plain(text: str) -> str:
    """What a sender wrote neither moves the cursor nor starts a line of its own."""
    return "".join(character if character.isprintable() or character == "\u3000" else ascii(character)[1:-1] for character in text)


def _tell(delivered: Delivered, translate: Translate, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "record": delivered.record_id,
                "aip": delivered.aip_id,
                "version": delivered.version,
                "package": delivered.package,
                "form": delivered.form,
                "path": str(delivered.path),
                "files": delivered.files,
                "bytes": delivered.bytes,
            }
        )
        return
    text = translate(N_("{path}: version {version} of record {record}, {files} files, {bytes} bytes, every digest compared"))
    told = text.format(
        path=_plain(str(delivered.path)),
        version=delivered.version,
        record=delivered.record_id,
        files=delivered.files,
        bytes=delivered.bytes,
    )
    click.echo(told.encode("utf-8", "backslashreplace"))


@contextmanager
def _watched(translate: Translate) -> Iterator[Progress]:
    """What is written, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda files, size: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    with Progress(
        TextColumn("{task.description}"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(translate(N_("exporting")), total=None)
        yield lambda files, size: bar.advance(task, size)
