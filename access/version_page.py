"""The difference between two versions of a record's package, as a page and as a spreadsheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from flask import Response, render_template, request
from flask_babel import gettext

from access import catalogue
from access.blueprint import blueprint, download
from access.reading import Holding, PackageReader, holding_of
from access.versions import Difference, DifferingFile, compare_versions
from repository.holdings import Record
from repository.permissions import Permission
from repository.web import session
from repository.web.spreadsheets import csv_blocks
from repository.web.words import word

#: Files of a kind that a page lists; the spreadsheet has them all.
LISTED: Final = 200


@blueprint.get("/<record_id>/difference")
@session.needs(Permission.RECORD_EXPORT)
def difference(record_id: str) -> str:
    """What was added, removed and changed from one version to another, and how much stayed."""
    with session.archive().read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        tx.require(Permission.RECORD_EXPORT, row)
        holding, versions = holding_of(tx, row), list(row.aip.versions) if row.aip else []
        before, after = _numbers(row)
    counts: Counter[Difference] = Counter()
    listed: dict[Difference, list[DifferingFile]] = {kind: [] for kind in Difference}
    for file in compare_versions(PackageReader(session.archive(), holding), before, after):
        counts[file.difference] += 1
        if len(listed[file.difference]) < LISTED:
            listed[file.difference].append(file)
    return render_template(
        "access/difference.html",
        record=row,
        versions=versions,
        before=before,
        after=after,
        counts=counts,
        listed=listed,
        kinds=list(Difference),
    )


@blueprint.get("/<record_id>/difference.csv")
@session.needs(Permission.RECORD_EXPORT)
def difference_csv(record_id: str) -> Response:
    """The same with every file."""
    with session.archive().read(session.actor()) as tx:
        row = catalogue.find_record(tx, record_id)
        tx.require(Permission.RECORD_EXPORT, row)
        holding = holding_of(tx, row)
        before, after = _numbers(row)
    heading = [gettext("File"), gettext("Difference"), f"SHA-512 v{before}", f"SHA-512 v{after}"]
    blocks = csv_blocks(heading, _rows(holding, before, after))
    return download(blocks, f"difference-{record_id}-v{before}-v{after}.csv", "text/csv; charset=utf-8")


def _rows(holding: Holding, before: int, after: int) -> Iterator[list[str]]:
    for file in compare_versions(PackageReader(session.archive(), holding), before, after):
        yield [file.path, word(file.difference), *(digest.hex() if digest else "" for digest in (file.before, file.after))]


def _numbers(record: Record) -> tuple[int, int]:
    """The two versions that the address names; by default the last and the one before it."""
    assert record.aip is not None
    last = record.aip.version
    after = request.args.get("after", last, type=int)
    return request.args.get("before", max(1, after - 1), type=int), after
