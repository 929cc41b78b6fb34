"""A look, again and again, at what nobody would otherwise notice: a store that is gone or full, work that does not happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from repository.health import Health, examine_store
from repository.jobs.context import JobContext
from repository.jobs.schedules import list_schedules
from repository.notices.happenings import schedule_silent, store_trouble
from repository.permissions import Actor

_WATCH: Final = Actor.system("watch")


def watch_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``notices.watch``."""
    archive = context.archive
    told = 0
    for store in archive.stores:
        context.check()
        examination = examine_store(store, archive.new_id())
        if examination.health is Health.PROBLEM:
            with archive.transaction(_WATCH) as tx:
                told += store_trouble(tx, store.name, examination.message, dict(examination.parameters))
    with archive.transaction(_WATCH) as tx:
        for row in list_schedules(tx):
            if row.silent:
                told += schedule_silent(tx, row.name)
    return {"told": told}
