"""What is tidied when a process starts after another was killed."""

from __future__ import annotations

import os

from repository.archive import Archive
from repository.holdings import Submission
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.jobs.recovery import recover, worker_name
from repository.permissions import Actor

SYSTEM = Actor.system("test")
ENDED = "11111111-1111-4111-8111-111111111111"
OPEN = "22222222-2222-4222-8222-222222222222"
NEW = "33333333-3333-4333-8333-333333333333"


def leave_folders(archive: Archive) -> None:
    with archive.transaction(SYSTEM) as tx:
        for submission_id, state in ((ENDED, "rejected"), (OPEN, "processing")):
            row = Submission(id=submission_id, agreement_code="local", name="x", source="x", state=state, received_at=tx.now)
            tx.session.add(row)
    for name in (ENDED, OPEN, NEW, "not-ours"):
        (archive.work_folder / name / "below").mkdir(parents=True)


def folders(archive: Archive) -> set[str]:
    return {folder.name for folder in archive.work_folder.iterdir()}


def test_work_folders_of_ended_submissions_go_others_stay(archive: Archive) -> None:
    leave_folders(archive)
    assert [ENDED in sentence for sentence in recover(archive)] == [True]
    assert folders(archive) == {OPEN, NEW, "not-ours"}
    assert recover(archive) == []


def test_a_folder_nobody_knows_goes_after_a_day(archive: Archive) -> None:
    leave_folders(archive)
    os.utime(archive.work_folder / NEW, (0, 0))
    recover(archive)
    assert folders(archive) == {OPEN, "not-ours"}


def test_nothing_is_tidied_while_somebody_works(archive: Archive) -> None:
    leave_folders(archive)
    with archive.transaction(SYSTEM) as tx:
        tx.enqueue("test", {})
    lease = ledger.claim(archive, worker_name(archive))
    assert lease is not None
    assert recover(archive) == []
    assert folders(archive) == {ENDED, OPEN, NEW, "not-ours"}
    assert ledger.read(archive, lease.job_id).state == JobState.RUNNING
