"""A look, again and again, at what nobody would otherwise notice: a store that is gone or full, work that does not happen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import or_, select

from repository.health import Health, examine_store
from repository.holdings import Aip, Audit, AuditOutcome
from repository.jobs.context import JobContext
from repository.jobs.schedules import list_schedules
from repository.notices.happenings import auditor_silent, schedule_silent, store_trouble
from repository.permissions import Actor
from repository.transaction import Transaction

#: An auditor that wrote nothing for so long is silent.
AUDITOR_PATIENCE: Final = timedelta(hours=26)

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
        if _auditor_is_silent(tx):
            told += auditor_silent(tx)
    return {"told": told}


def _auditor_is_silent(tx: Transaction) -> bool:
    """Whether there are copies, some of them for long, and nobody read one again for so long."""
    limit = tx.now - AUDITOR_PATIENCE
    if tx.session.scalar(select(Aip.id).where(Aip.stored_at < limit).limit(1)) is None:
        return False
    lately = or_(Audit.started_at >= limit, Audit.ended_at.is_(None), Audit.ended_at >= limit)
    outcomes = select(AuditOutcome.at).join(Audit, Audit.id == AuditOutcome.audit_id).where(lately, AuditOutcome.at >= limit)
    return tx.session.scalar(outcomes.limit(1)) is None
