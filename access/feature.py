"""What access adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry
from repository.findings import N_
from repository.permissions import Permission

feature: Final = Feature(
    name="access",
    blueprint="access.views:blueprint",
    navigation=(NavigationEntry(label=N_("Records"), endpoint="access.records", permission=Permission.RECORD_READ, position=20),),
    commands={"search": "access.commands:search", "export": "access.commands:export", "dip": "access.commands:dip"},
    summaries={
        "search": N_("Search the records."),
        "export": N_("Export a record as a package."),
        "dip": N_("Make a dissemination package for a reader."),
    },
)
