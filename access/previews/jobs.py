"""The jobs of previews: making what takes long, and keeping the cache in its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from access import catalogue
from access.previews import cache, viewing
from repository.findings import N_
from repository.holdings import Record, RecordState
from repository.jobs.context import JobContext


def make(context: JobContext) -> Mapping[str, Any]:
    """Makes the page of a preview that the arguments name; a preview that cannot be made says why, and the job is done."""
    arguments = context.arguments
    context.progress(N_("making a preview"))
    with context.archive.read(context.actor) as tx:
        viewed = viewing.find(tx, catalogue.find_record(tx, arguments["record"]), arguments["file"])
    seconds = float(context.archive.settings.preview_seconds)
    shown = viewing.make(
        viewed,
        page=arguments["page"],
        level=arguments["level"],
        seconds=seconds,
        alone=seconds,
        quick=False,
        check=context.check,
    )
    return {"form": str(shown.preview.form) if shown is not None else ""}


def sweep(context: JobContext) -> Mapping[str, Any]:
    """Removes previews of what is no longer kept, and the least used ones where they take too much room."""
    archive = context.archive
    root = viewing.previews_folder(archive)
    known = cache.records_in(root)
    gone = 0
    for start in range(0, len(known), 500):
        some = known[start : start + 500]
        with archive.read(context.actor) as tx:
            kept = set(tx.session.scalars(select(Record.id).where(Record.id.in_(some), Record.state == RecordState.STORED)))
        for record_id in some:
            if record_id not in kept:
                cache.forget(root, record_id)
                gone += 1
        context.check()
    kept_bytes, removed = cache.sweep(root, most=archive.settings.preview_cache_bytes, now=archive.clock().timestamp())
    return {"bytes": kept_bytes, "removed": removed, "records": gone}
