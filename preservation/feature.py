"""What preservation adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry, NavigationGroup, ScheduleSpec
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
        NavigationEntry(
            label=N_("Incidents"),
            endpoint="preservation.incidents",
            permission=Permission.AUDIT_READ,
            position=32,
            group=NavigationGroup.PRESERVATION,
            badge="preservation.incidents:count_unsettled",
        ),
    ),
    commands={
        "identify": "preservation.commands.identify:identify",
        "formats": "preservation.commands.formats:formats",
        "audit": "preservation.commands.audit:audit",
        "repair": "preservation.commands.repair:repair",
    },
    summaries={
        "identify": N_("Identify the formats of files."),
        "formats": N_("Releases of the format signatures."),
        "audit": N_("Read every byte of the copies again and compare."),
        "repair": N_("Make bad copies anew from good ones."),
    },
    tables=("preservation.tables",),
    jobs={
        "preservation.audit": "preservation.jobs:audit",
        "preservation.audits": "preservation.jobs:audits",
        "preservation.repair": "preservation.jobs:repair",
    },
    schedules=(ScheduleSpec(name="preservation.audits", kind="preservation.audits", every_seconds=3_600),),
)
