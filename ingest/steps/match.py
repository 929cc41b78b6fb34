"""The step that says what the package is to the archive: new, a new version of what is held, or the same again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from ingest.reservations import Duplicate, Held, Refused, Released, reserve
from ingest.work import Reservation, StepResult, Verdict, Work
from repository.aip import content_digest
from repository.findings import N_

#: How often a submission that waits for another one of the same object looks again, seconds.
_WAIT: Final = 0.2


def match(work: Work) -> StepResult:
    """Reserves a record for the package, waiting while another submission of the same object is on its way."""
    if not work.sip.description.title:
        work.sip = replace(work.sip, description=replace(work.sip.description, title=work.tree.name))
    digest = content_digest((file.path, file.size, file.digests) for file in work.tree.files.values())
    while True:
        work.check()
        answer = reserve(work, digest)
        match answer:
            case Duplicate():
                work.duplicate_of = answer.record_id
                return StepResult(
                    note=N_("the archive holds exactly this already, as version {version} of record {record}"),
                    verdict=Verdict.DUPLICATE,
                    detail={"record": answer.record_id, "version": answer.version, "content_digest": digest},
                )
            case Refused():
                return StepResult(note=N_("rejected: it cannot replace what it names"), verdict=Verdict.REJECT, findings=(answer.finding,))
            case Held():
                work.progress(N_("waiting for another submission of the same record"), detail=answer.submission_id)
                time.sleep(_WAIT)
            case Released():
                continue
            case Reservation():
                work.reservation = answer
                note = N_("a new record") if answer.version == 1 else N_("version {version} of record {record}")
                return StepResult(note=note, detail={"record": answer.record_id, "version": answer.version, "content_digest": digest})
