"""Demo data: fills an empty home with the packages of an invented city, by the way every package takes."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from ingest.batches import find_batch, reconcile
from ingest.submissions import LOCAL_AGREEMENT, receive
from repository.archive import Archive
from repository.demo import DemoPackage, generate
from repository.findings import Finding
from repository.holdings import Submission
from repository.permissions import Actor


def load(archive: Archive, folder: Path, *, cases: int = 60) -> int:
    """Makes demo packages and queues their ingest, unless the home has submissions already.

    Args:
        archive: the open archive.
        folder: where to put the packages, in the home; emptied first, and each package is removed when its ingest has ended.
        cases: how many.

    Returns:
        How many submissions were queued.
    """
    actor = Actor.system("demo")
    with archive.read(actor) as tx:
        if tx.session.scalar(select(Submission.id).limit(1)) is not None:
            return 0
    # what an earlier start left unfinished; nothing was queued from it
    shutil.rmtree(folder, ignore_errors=True)
    packages = generate(folder, cases=cases)
    known = _findings_of_batches(packages)
    with archive.transaction(actor) as tx:
        for package in packages:
            receive(
                tx,
                source=package.path,
                agreement=LOCAL_AGREEMENT,
                keep_source=False,
                findings=known.get(package.path, ()),
            )
    return len(packages)


def _findings_of_batches(packages: list[DemoPackage]) -> Mapping[Path, list[Finding]]:
    """What the indexes of the batches say against single cases, by the path of the case."""
    found: dict[Path, list[Finding]] = defaultdict(list)
    for path in {package.batch for package in packages if package.batch is not None}:
        batch = find_batch(path)
        if batch is None or batch.index is None:
            continue
        cases = {case.name: case.path for case in batch.cases}
        for finding in reconcile(batch.index, batch.cases, index_name=batch.index_name):
            case = cases.get(finding.parameters.get("case", ""))
            if case is not None:
                found[case].append(finding)
    return found
