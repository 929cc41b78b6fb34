"""``jingui ocfl``: OCFL objects and storage roots, ours or anybody's. Needs no home."""

from __future__ import annotations

from pathlib import Path

import click

from repository.cli import Invocation, pass_invocation, print_json, say, say_error
from repository.findings import N_, Translate
from storage.errors import StorageError
from storage.ocfl.findings import Remark, Validation
from storage.ocfl.validator import validate
from storage.stores.local import LocalStore

_INVALID, _USAGE, _SYSTEM = 1, 2, 3


@click.group(help=N_("OCFL objects and storage roots, ours or anybody's."))
def ocfl() -> None:
    """The group."""


@ocfl.command("validate", help=N_("Check OCFL objects or storage roots against OCFL 1.0 and 1.1."))
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help=N_("One JSON object a line."))
@click.option("--no-digests", is_flag=True, help=N_("Check structure and inventories alone; do not re-read the content."))
@pass_invocation
def validate_command(invocation: Invocation, paths: tuple[Path, ...], as_json: bool, no_digests: bool) -> int:
    """Says of each path all that is wrong with it; 1 something is not valid, 2 there is no such folder, 3 it could not be read."""
    translate = invocation.translate
    worst = 0
    for path in paths:
        if not path.is_dir():
            say(translate(N_("There is no folder “{path}”; give that of an OCFL object or storage root.")).format(path=_plain(str(path))))
            worst = max(worst, _USAGE)
            continue
        try:
            result = validate(LocalStore(path.name, path), digests=not no_digests)
        except StorageError as error:
            say_error(error, translate)
            worst = max(worst, _SYSTEM)
            continue
        worst = max(worst, 0 if result.valid else _INVALID)
        if as_json:
            print_json(_shape(path, result, translate))
        else:
            click.echo(_told(path, result, translate))
    return worst


def _shape(path: Path, result: Validation, translate: Translate) -> dict[str, object]:
    def shown(remarks: tuple[Remark, ...]) -> list[dict[str, str]]:
        return [{"code": remark.code, "message": remark.text(translate)} for remark in remarks]

    return {"path": str(path), "valid": result.valid, "errors": shown(result.errors), "warnings": shown(result.warnings)}


def _told(path: Path, result: Validation, translate: Translate) -> str:
    verdict = N_("{path}: valid. Objects: {objects}, warnings: {warnings}")
    if not result.valid:
        verdict = N_("{path}: not valid. Objects: {objects}, errors: {errors}, warnings: {warnings}")
    counts = {"objects": result.objects, "errors": len(result.errors), "warnings": len(result.warnings)}
    lines = [translate(verdict).format(path=_plain(str(path)), **counts)]
    lines += [f"  {remark.code}  {_plain(remark.text(translate))}" for remark in (*result.errors, *result.warnings)]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Names from a hostile object neither move the cursor nor break the encoding of the output."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
