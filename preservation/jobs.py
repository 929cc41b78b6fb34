"""The jobs of preservation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preservation import timetable
from preservation.auditing import run
from preservation.audits import AuditedCopy
from preservation.repair import RepairedCopy, RepairRequest
from preservation.repairing import run as run_repair
from repository.findings import N_
from repository.jobs.context import JobContext


def audit(context: JobContext) -> Mapping[str, Any]:
    """Does the audit that the arguments name, or what a worker before left of it."""
    return audit_telling(lambda outcome: None)(context)


def audit_telling(on_outcome: Callable[[AuditedCopy], None]) -> Callable[[JobContext], Mapping[str, Any]]:
    """The same, with somebody who is told of every copy as soon as it is read."""

    def handler(context: JobContext) -> Mapping[str, Any]:
        summary = run(
            context.archive,
            context.arguments["audit"],
            actor=context.actor,
            on_outcome=on_outcome,
            progress=lambda done, total: context.progress(N_("reading every byte"), done, total, "files"),
            check=context.check,
        )
        return summary.as_json()

    return handler


def audits(context: JobContext) -> Mapping[str, Any]:
    """Asks for the audits of this hour."""
    return {"audits": timetable.begin(context.archive, context.actor)}


def repair(context: JobContext) -> Mapping[str, Any]:
    """Does the repair that the arguments describe; what a worker before left half done is finished first."""
    return repair_telling(lambda copy: None)(context)


def repair_telling(on_copy: Callable[[RepairedCopy], None]) -> Callable[[JobContext], Mapping[str, Any]]:
    """The same, with somebody who is told of every copy as soon as it is known what became of it."""

    def handler(context: JobContext) -> Mapping[str, Any]:
        summary = run_repair(
            context.archive,
            RepairRequest.from_json(context.arguments),
            actor=context.actor,
            on_copy=on_copy,
            progress=lambda stage, done, total: context.progress(stage, done, total, "packages"),
            check=context.check,
            job_id=context.job_id,
        )
        return summary.as_json()

    return handler
