"""What access adds to the repository."""

from __future__ import annotations

from typing import Final

from repository.features import Feature, NavigationEntry, ScheduleSpec
from repository.findings import N_
from repository.logbook.actions import QUIET, Noted
from repository.permissions import Permission

feature: Final = Feature(
    name="access",
    blueprint="access.views:blueprint",
    api=("access.api:blueprint",),
    navigation=(NavigationEntry(label=N_("Records"), endpoint="access.records", permission=Permission.RECORD_READ, position=20, key="r"),),
    commands={"search": "access.commands:search", "export": "access.commands:export", "dip": "access.commands:dip"},
    jobs={"access.preview": "access.previews.jobs:make", "access.preview-sweep": "access.previews.jobs:sweep"},
    schedules=(ScheduleSpec(name="access.preview-sweep", kind="access.preview-sweep", every_seconds=3_600),),
    noted={
        "api_access.search_records": Noted(action="record.searched"),
        "api_access.get_record": Noted(action="record.read", object_type="record", argument="record_id"),
        "api_access.list_record_files": Noted(action="record.read", object_type="record", argument="record_id"),
        "api_access.list_record_versions": Noted(action="record.read", object_type="record", argument="record_id"),
        "api_access.list_record_events": Noted(action="record.read", object_type="record", argument="record_id"),
        "api_access.get_file_content": Noted(action="file.opened", object_type="record", argument="record_id", arguments=("file_id",)),
        "api_access.get_premis": Noted(action="premis.read", object_type="record", argument="record_id"),
        "api_access.get_dip": Noted(action="dip.made", object_type="record", argument="record_id"),
        "access.records": Noted(action="record.searched"),
        "access.record": Noted(action="record.read", object_type="record", argument="record_id"),
        "access.records_csv": Noted(action="records.exported"),
        "access.file": Noted(action="file.read", object_type="record", argument="record_id", arguments=("file_id",)),
        "access.original": Noted(action="file.opened", object_type="record", argument="record_id", arguments=("file_id",)),
        "access.checksums": Noted(action="record.read", object_type="record", argument="record_id"),
        "access.export": Noted(action="record.exported", object_type="record", argument="record_id", arguments=("form",)),
        "access.difference": Noted(action="record.compared", object_type="record", argument="record_id", arguments=("before", "after")),
        "access.difference_csv": Noted(action="record.compared", object_type="record", argument="record_id", arguments=("before", "after")),
        "access.event": Noted(action="premis.read", object_type="record", argument="record_id", arguments=("event_id",)),
        "access.saved": QUIET,
        "access.open_saved": QUIET,
        "access.choose_columns": QUIET,
        "access.premis": Noted(action="premis.read", object_type="record", argument="record_id"),
        "access.preview": Noted(action="file.previewed", object_type="record", argument="record_id", arguments=("file_id", "page")),
        "access.preview_image": Noted(action="file.previewed", object_type="record", argument="record_id", arguments=("file_id", "number")),
        "access.preview_document": Noted(action="file.previewed", object_type="record", argument="record_id", arguments=("file_id",)),
        "access.preview_media": Noted(action="file.previewed", object_type="record", argument="record_id", arguments=("file_id",)),
        "access.preview_thumbnail": QUIET,
        "access.dip": Noted(action="dip.made", object_type="record", argument="record_id"),
    },
    summaries={
        "search": N_("Search the records."),
        "export": N_("Export a record as a package."),
        "dip": N_("Make a dissemination package for a reader."),
    },
)
