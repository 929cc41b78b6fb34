"""The step that says what format every file has."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final

from ingest.checks.content import check_formats
from ingest.work import Examination, StepResult
from repository.findings import N_

if TYPE_CHECKING:
    from preservation.identification import Identification

#: Files between two looks at whether to go on.
_BEAT: Final = 100


def identify(work: Examination) -> StepResult:
    """Identifies every received file by its signature; what stays unknown is a warning."""
    paths = list(work.tree.files)
    root = os.fspath(work.tree.root)
    total, size, done = len(paths), work.size[1], 0
    formats: dict[str, Identification] = {}
    for path, answer in zip(paths, work.identifying.answers([f"{root}/{path}" for path in paths]), strict=True):
        formats[path] = answer
        done += work.tree.files[path].size
        if len(formats) % _BEAT == 0:
            work.check()
            work.progress(N_("identifying formats"), len(formats), total, "files", bytes=done, bytes_total=size)
    work.formats = formats
    known = Counter(answer.puid for answer in formats.values() if answer.puid is not None)
    return StepResult(
        note=N_("{identified} of {files} files identified, {formats} formats"),
        findings=list(check_formats(work.tree, work.sip, work.formats)),
        detail={
            "files": total,
            "identified": sum(known.values()),
            "formats": len(known),
            "engines": sorted({answer.engine for answer in formats.values()}),
        },
    )
