"""What ingest adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry, ScheduleSpec
from repository.findings import N_
from repository.logbook.actions import Noted
from repository.permissions import Permission

feature: Final = Feature(
    name="ingest",
    blueprint="ingest.views:blueprint",
    api=("ingest.api:blueprint", "ingest.uploads.api:blueprint"),
    tables=("ingest.uploads.tables",),
    navigation=(
        NavigationEntry(
            label=N_("Submissions"),
            endpoint="ingest.submissions",
            permission=Permission.SUBMISSION_READ,
            position=10,
            key="s",
            badge="repository.web.dashboard.matters:unsuccessful_submissions",
        ),
    ),
    commands={"ingest": "ingest.commands:ingest", "check": "ingest.commands:check"},
    noted={
        # a set leaves its own lines when it is begun, finished and cancelled; a line for every piece of a file would hide them
        **{f"api_uploads.tus_{verb}": Noted(action="") for verb in ("create", "patch", "delete", "override")},
        "api_ingest.get_submission": Noted(action="submission.read", object_type="submission", argument="submission_id"),
        "api_ingest.check_package": Noted(action="package.checked"),
        "ingest.submission": Noted(action="submission.read", object_type="submission", argument="submission_id"),
        "ingest.print_view": Noted(action="submission.read", object_type="submission", argument="submission_id"),
        "ingest.findings": Noted(action="submission.read", object_type="submission", argument="submission_id"),
    },
    summaries={
        "ingest": N_("Ingest packages and wait."),
        "check": N_("Recognise and check packages; writes nothing."),
    },
    jobs={"ingest.process": "ingest.jobs:process", "ingest.sweep": "ingest.uploads.sweeping:sweep_job"},
    abandoned={"ingest.process": "ingest.jobs:abandoned"},
    schedules=(ScheduleSpec(name="ingest.sweep", kind="ingest.sweep", every_seconds=3_600),),
    demo="ingest.demo:load",
)
