"""The job that keeps the search index up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from repository.findings import N_
from repository.search.pending import refresh

if TYPE_CHECKING:
    from repository.jobs.context import JobContext


def index(context: JobContext) -> Mapping[str, Any]:
    """Indexes what is behind; interrupted, what was indexed stays indexed."""

    def after_batch(done: int) -> None:
        context.progress(N_("Indexing"), done, None, "records")
        context.check()

    return {"records": refresh(context.archive, after_batch=after_batch)}
