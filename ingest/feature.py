"""What ingest adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry
from repository.findings import N_
from repository.permissions import Permission

feature: Final = Feature(
    name="ingest",
    blueprint="ingest.views:blueprint",
    tables=("ingest.uploads.tables",),
    navigation=(
        NavigationEntry(label=N_("Submissions"), endpoint="ingest.submissions", permission=Permission.SUBMISSION_READ, position=10),
    ),
    commands={"ingest": "ingest.commands:ingest", "check": "ingest.commands:check"},
    summaries={
        "ingest": N_("Ingest packages and wait."),
        "check": N_("Recognise and check packages; writes nothing."),
    },
    jobs={"ingest.process": "ingest.jobs:process"},
    abandoned={"ingest.process": "ingest.jobs:abandoned"},
    demo="ingest.demo:load",
)
