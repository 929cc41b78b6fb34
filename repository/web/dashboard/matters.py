"""Counts of what has failed and is to be looked at: the red numbers of the navigation and the first lines of the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, func, or_, select

from repository.holdings import Copy, CopyState, Job, Submission, SubmissionState
from repository.jobs.ledger import JobState
from repository.permissions import Permission, allows
from repository.transaction import Transaction
from repository.visibility import submission_condition

#: A rejection is in the sender's hands, and after so long it is no news; what failed stays until somebody deals with it.
REJECTION_NEWS: Final = timedelta(days=30)
#: A job that failed so long ago is history.
JOB_NEWS: Final = timedelta(days=30)

#: States of a copy in which it is of no use.
IN_TROUBLE: Final = (CopyState.DAMAGED, CopyState.MISSING, CopyState.UNREADABLE)


def unsuccessful_submissions(tx: Transaction) -> int:
    """Submissions that failed, and those that were rejected lately, of those the asker may see."""
    if not allows(tx.actor, Permission.SUBMISSION_READ):
        return 0
    lately = and_(Submission.state == SubmissionState.REJECTED, Submission.received_at >= tx.now - REJECTION_NEWS)
    statement = select(func.count()).select_from(Submission).where(or_(Submission.state == SubmissionState.FAILED, lately))
    return tx.session.scalar(statement.where(submission_condition(tx.actor))) or 0


def copies_in_trouble(tx: Transaction) -> int:
    """Copies that were found damaged, missing or unreadable."""
    if not allows(tx.actor, Permission.AUDIT_READ):
        return 0
    return tx.session.scalar(select(func.count()).select_from(Copy).where(Copy.state.in_(IN_TROUBLE))) or 0


def failed_jobs(tx: Transaction) -> int:
    """Jobs that were given up lately."""
    if not allows(tx.actor, Permission.JOB_READ):
        return 0
    statement = select(func.count()).select_from(Job).where(Job.state == JobState.FAILED, Job.ended_at >= tx.now - JOB_NEWS)
    return tx.session.scalar(statement) or 0
