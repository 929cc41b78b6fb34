"""The job that takes a submission through the pipeline: begins anew after a crash, and leaves nothing behind in any case."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update

from ingest.errors import PackageRefused
from ingest.identification import identifying_for
from ingest.kept import forget
from ingest.pipeline import PIPELINE, run
from ingest.profiles import profiles
from ingest.recording import Recorder, end, lay_out_steps
from ingest.reservations import hold_job, release
from ingest.resuming import keep, take_up
from ingest.submissions import FINAL, finding_from_row
from ingest.work import StepName, StepState, Verdict, Work
from metadata.errors import MetadataError
from repository.errors import JinguiError, JobCancelled, JobLost, NotFound
from repository.events import EventOutcome, EventType, ObjectType
from repository.findings import N_
from repository.holdings import Job, Submission, SubmissionState, SubmissionStep
from repository.jobs.context import JobContext
from repository.jobs.ledger import JobState
from repository.notices.happenings import submission_ended
from repository.transaction import Transaction
from storage.errors import OutOfSpace, StorageError

logger = logging.getLogger(__name__)

#: Errors that say for themselves what is the matter.
_EXPECTED: Final = (JinguiError, StorageError, MetadataError)


def process(context: JobContext) -> Mapping[str, Any]:
    """Takes the submission named in the arguments from where it lies to what it becomes.

    Doing it twice does no harm: a submission that has ended is left alone, and one that was broken off begins anew after
    what it had written and reserved is rolled back. What is wrong with the package ends as `rejected`, what is wrong
    with us as `failed`, to be tried again; neither leaves anything in stores or catalogue. Only one that failed keeps its
    unpacked package in the work folder, for a while, and goes on where it failed (`ingest.resuming`).

    Returns:
        ``submission`` and ``state``.
    """
    submission_id = str(context.arguments["submission"])
    begun = _begin(context, submission_id)
    if begun is None:
        return _result(context, submission_id)
    work, first = begun
    recorder = Recorder(work, first)
    steps = PIPELINE[[step.name for step in PIPELINE].index(first) :]
    try:
        with _work_folder(work, recorder), work.identifying:
            verdict = run(steps, work, recorder)
        if verdict is not Verdict.CONTINUE:
            _end(work, recorder, SubmissionState.REJECTED if verdict is Verdict.REJECT else SubmissionState.DUPLICATE)
    except PackageRefused as refused:
        work.findings.extend(refused.findings)
        _end(work, recorder, SubmissionState.REJECTED, broken=StepState.REJECTED)
    except JobLost:
        raise
    except JobCancelled:
        _end(work, recorder, SubmissionState.CANCELLED, broken=StepState.FAILED)
        raise
    except Exception as error:
        number = context.archive.new_id()[:8]
        level = logging.INFO if isinstance(error, _EXPECTED) else logging.ERROR
        logger.log(level, "submission %s (%s) failed [%s]", submission_id, work.source, number, exc_info=error)
        _end(work, recorder, SubmissionState.FAILED, broken=StepState.FAILED, error=f"{_told(error)} [{number}]")
        return {**_result(context, submission_id), "out_of_space": _is_full(error)}
    else:
        _remove_upload(context, submission_id)
    return _result(context, submission_id)


def abandoned(tx: Transaction, job: Job) -> None:
    """Ends the submission of a job that the ledger gave up or cancelled before it could end it: `failed`, or `cancelled`.

    What it had reserved and written is rolled back right after; should that not come to pass, by whoever wants the record next.
    """
    submission = tx.session.get(Submission, str(job.arguments["submission"]), with_for_update=True)
    at_work = {SubmissionState.RECEIVED, SubmissionState.PROCESSING}
    if submission is None or submission.job_id != job.id or submission.state not in at_work:
        return
    if job.state == JobState.CANCELLED:
        submission.state = SubmissionState.CANCELLED
        tx.after_commit(partial(forget, tx.archive, submission.id))
    else:
        submission.state = SubmissionState.FAILED
        submission.error = f"Given up after {job.attempts} attempts. {job.error}"
    submission.ended_at = tx.now
    tx.session.execute(
        update(SubmissionStep)
        .where(SubmissionStep.submission_id == submission.id, SubmissionStep.state == StepState.RUNNING)
        .values(state=StepState.FAILED, ended_at=tx.now)
    )
    tx.record_event(
        EventType.INGESTION_END,
        objects=((ObjectType.SUBMISSION, submission.id),),
        outcome=EventOutcome.FAILURE,
        detail={"state": str(submission.state), **({"error": submission.error} if submission.error else {})},
    )
    submission_ended(tx, submission.id)
    tx.after_commit(partial(release, tx.archive, tx.actor, submission.id))


def _begin(context: JobContext, submission_id: str) -> tuple[Work, StepName] | None:
    """The work, and the step with which it begins; None where the submission has ended."""
    archive = context.archive
    folder = archive.work_folder / submission_id
    with archive.read(context.actor) as tx:
        submission = tx.session.get(Submission, submission_id)
        if submission is None:
            raise NotFound(N_("There is no submission {subject}."), subject=submission_id)
        if submission.state in FINAL:
            return None
    settings = archive.settings
    work = Work(
        source=Path(submission.source),
        folder=folder / f"{context.attempt}",
        limits=settings.unpack,
        profiles=profiles(),
        identifying=identifying_for(archive),
        progress=context.progress,
        check=context.check,
        archive=archive,
        actor=context.actor,
        submission_id=submission_id,
        agreement=submission.agreement_code,
        replaces=submission.replaces,
        received_by=submission.received_by,
        findings=[finding_from_row(value) for value in context.arguments.get("findings", ())],
        job_id=context.job_id,
        attempt=context.attempt,
    )
    release(archive, context.actor, submission_id)
    first = take_up(work)
    # an attempt that was broken off may have left its folder; its process is gone, or will find that it lost the job
    for left in folder.iterdir() if folder.is_dir() else ():
        if first is None or left != work.folder:
            shutil.rmtree(left, ignore_errors=True)
    first = first or StepName.UNPACK
    with archive.transaction(context.actor) as tx:
        context.check()
        tx.session.execute(
            update(Submission)
            .where(Submission.id == submission_id)
            .values(state=SubmissionState.PROCESSING, job_id=context.job_id, findings=[], error="", ended_at=None)
        )
        lay_out_steps(tx, submission_id, begin=first)
    return work, first


def _end(work: Work, recorder: Recorder, state: SubmissionState, *, broken: StepState | None = None, error: str = "") -> None:
    with work.archive.transaction(work.actor) as tx:
        hold_job(tx, work)
    release(work.archive, work.actor, work.submission_id)
    with work.archive.transaction(work.actor) as tx:
        hold_job(tx, work)
        if broken is not None:
            recorder.broke_off(tx, broken)
        recorder.write(tx)
        end(tx, work, state, record_id=work.duplicate_of, error=error)
    if state in {SubmissionState.REJECTED, SubmissionState.DUPLICATE}:
        logger.info("submission %s is %s", work.submission_id, state)


def _result(context: JobContext, submission_id: str) -> dict[str, Any]:
    with context.archive.read(context.actor) as tx:
        state = tx.session.scalar(select(Submission.state).where(Submission.id == submission_id))
    return {"submission": submission_id, "state": state}


def _is_full(error: Exception) -> bool:
    """Whether there was no room: nothing that trying again would mend, and nothing wrong with the system."""
    return isinstance(error, OutOfSpace) or (isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT})


def _told(error: Exception) -> str:
    if isinstance(error, _EXPECTED):
        return error.message
    return f"{type(error).__name__}: {error}"


def _remove_upload(context: JobContext, submission_id: str) -> None:
    """A package that was put down in the home has served when it is stored, rejected or a duplicate; only a failed one is needed again."""
    home = context.archive.home
    with context.archive.read(context.actor) as tx:
        submission = tx.session.get(Submission, submission_id)
        assert submission is not None
        source = Path(submission.source)
        if submission.keep_source or submission.state not in FINAL or not source.is_relative_to(home):
            return
    with suppress(FileNotFoundError):
        if source.is_dir():
            shutil.rmtree(source)
        else:
            source.unlink()
    with suppress(OSError):
        for folder in source.relative_to(home).parents[:-2]:
            # ends at the first that is not empty
            (home / folder).rmdir()


@contextmanager
def _work_folder(work: Work, recorder: Recorder) -> Iterator[None]:
    work.folder.mkdir(parents=True, exist_ok=True)
    kept = False
    try:
        yield
    except (PackageRefused, JobLost, JobCancelled):
        raise
    except Exception as error:
        # where there is no room, what is kept would be in the way of what is to be mended
        kept = not _is_full(error) and keep(work, recorder)
        raise
    finally:
        if not kept:
            shutil.rmtree(work.folder, ignore_errors=True)
            with suppress(OSError):
                work.folder.parent.rmdir()
