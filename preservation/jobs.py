"""The jobs of preservation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preservation.auditing import run
from preservation.audits import AuditedCopy
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
