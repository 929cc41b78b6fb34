"""Where a submission that failed on our side keeps what it had made, and at which step it can go on from that."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from ingest.work import StepName
from repository.archive import Archive

#: The file by which an attempt's folder says what it keeps.
KEPT: Final = "kept.json"


def resumes_at(archive: Archive, submission_id: str) -> StepName | None:
    """The step at which trying the submission again goes on, or None where it begins at the first."""
    found = kept_file(archive.work_folder / submission_id)
    if found is None:
        return None
    with suppress(OSError, ValueError):
        # the name of the step stands at the very front, and there can be 10⁵ files behind it
        with found.open(encoding="ascii") as file:
            front = file.read(100)
        return StepName(front.partition('"step":"')[2].partition('"')[0])
    return None


def kept_file(folder: Path) -> Path | None:
    """The file that says what an attempt kept, in the work folder of its submission; None where nothing was kept."""
    with suppress(OSError):
        return next((attempt / KEPT for attempt in sorted(folder.iterdir()) if (attempt / KEPT).is_file()), None)
    return None


def forget(archive: Archive, submission_id: str) -> None:
    """Removes what was kept; harmless when there is nothing."""
    shutil.rmtree(archive.work_folder / submission_id, ignore_errors=True)
