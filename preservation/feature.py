"""What preservation adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry, NavigationGroup
from repository.findings import N_
from repository.permissions import Permission

feature: Final = Feature(
    name="preservation",
    blueprint="preservation.views:blueprint",
    api=("preservation.api:blueprint",),
    navigation=(
        NavigationEntry(
            label=N_("Audits"),
            endpoint="preservation.audits",
            permission=Permission.AUDIT_READ,
            position=30,
            group=NavigationGroup.PRESERVATION,
            key="a",
            badge="repository.web.dashboard.matters:copies_in_trouble",
        ),
    ),
    commands={
        "identify": "preservation.commands.identify:identify",
        "formats": "preservation.commands.formats:formats",
        "audit": "preservation.commands.audit:audit",
    },
    summaries={
        "identify": N_("Identify the formats of files."),
        "formats": N_("Releases of the format signatures."),
        "audit": N_("Read every byte of the copies again and compare."),
    },
    tables=("preservation.tables",),
    jobs={"preservation.audit": "preservation.jobs:audit"},
)
