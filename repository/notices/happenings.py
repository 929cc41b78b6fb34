"""What happens in the archive, and who is told of it: one function a happening, called in the transaction in which it happens.

Webhooks learn the kind and the ids, never a title or a name: who manages them may read no records.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from repository.findings import N_
from repository.holdings import Job, Submission, SubmissionState
from repository.notices.kinds import Kind, Severity
from repository.notices.sending import account_named, tell, tell_holders
from repository.notices.tables import Notice
from repository.notices.webhooks import announce
from repository.permissions import Permission, Role

if TYPE_CHECKING:
    from repository.accounts.tables import User
    from repository.transaction import Transaction

logger = logging.getLogger(__name__)

#: What goes on being so is told again after this long.
REPEATED_AFTER: Final = timedelta(hours=24)

_SUBMISSIONS: Final = {
    SubmissionState.STORED: (Kind.SUBMISSION_STORED, Severity.INFO, N_("“{name}” was stored and read back from every store.")),
    SubmissionState.DUPLICATE: (Kind.SUBMISSION_STORED, Severity.INFO, N_("“{name}” is held already; nothing was stored twice.")),
    SubmissionState.REJECTED: (Kind.SUBMISSION_REJECTED, Severity.WARNING, N_("“{name}” was rejected: read what is wrong with it.")),
    SubmissionState.FAILED: (
        Kind.SUBMISSION_FAILED,
        Severity.ERROR,
        N_("“{name}” could not be finished on our side. It is kept, and can be tried again."),
    ),
}


def submission_ended(tx: Transaction, submission_id: str) -> None:
    """A submission was stored, rejected or has failed: tells who handed it in, its agency's officers and, of a failure, archivists."""
    tx.session.flush()
    submission = tx.session.get(Submission, submission_id, populate_existing=True)
    if submission is None or submission.state not in _SUBMISSIONS:
        return
    kind, severity, template = _SUBMISSIONS[SubmissionState(submission.state)]
    path = f"/ingest/{submission.id}"
    said: dict[str, Any] = {"kind": kind, "template": template, "values": {"name": submission.name}, "path": path, "severity": severity}
    announce(tx, kind, severity=severity, object_type="submission", object_id=submission.id, path=path)
    sender = account_named(tx, submission.received_by)
    told = set()
    if sender is not None:
        told.add(sender)
        tell(tx, sender, **said)
    roles = {Role.AGENCY_OFFICER, Role.ARCHIVIST} if kind is Kind.SUBMISSION_FAILED else {Role.AGENCY_OFFICER}
    tell_holders(tx, Permission.SUBMISSION_READ, submission, **said, roles=roles, but=told)


def audit_found_damage(tx: Transaction, audit_id: str, copies: int) -> None:
    """An audit has ended and found copies that are not as they should be."""
    path = f"/audits/{audit_id}"
    announce(tx, Kind.AUDIT_DAMAGE, severity=Severity.ERROR, object_type="audit", object_id=audit_id, path=path)
    tell_holders(
        tx,
        Permission.AUDIT_READ,
        kind=Kind.AUDIT_DAMAGE,
        template=N_("An audit found copies that are not as they should be: {copies}."),
        values={"copies": copies},
        path=path,
        severity=Severity.ERROR,
        roles={Role.PRESERVATION_OFFICER},
    )


def repair_needs_person(tx: Transaction, copies: int) -> None:
    """A repair has left copies as they are, because somebody must decide about them."""
    path = "/audits/incidents"
    announce(tx, Kind.REPAIR_STOPPED, severity=Severity.ERROR, object_type="incident", object_id="", path=path)
    tell_holders(
        tx,
        Permission.AUDIT_READ,
        kind=Kind.REPAIR_STOPPED,
        template=N_("Copies that are not as they should be wait for somebody to decide: {copies}."),
        values={"copies": copies},
        path=path,
        severity=Severity.ERROR,
        roles={Role.PRESERVATION_OFFICER},
    )


def auditor_silent(tx: Transaction) -> bool:
    """No outcome of an audit was written for too long while there are copies; told once a day. Returns whether it was told now."""
    if _told_lately(tx, Kind.AUDIT_SILENT, "audit"):
        return False
    announce(tx, Kind.AUDIT_SILENT, severity=Severity.ERROR, object_type="schedule", object_id="preservation.audits", path="/schedules")
    tell_holders(
        tx,
        Permission.AUDIT_READ,
        kind=Kind.AUDIT_SILENT,
        template=N_("No copy was read again for more than {hours} hours: are the schedule of audits and the workers on?"),
        values={"hours": 26, "about": "audit"},
        path="/schedules",
        severity=Severity.ERROR,
        roles={Role.SYSTEM_ADMINISTRATOR, Role.PRESERVATION_OFFICER},
    )
    return True


def job_given_up(tx: Transaction, job: Job) -> None:
    """The ledger has given a job up."""
    path = f"/jobs/{job.id}"
    announce(tx, Kind.JOB_FAILED, severity=Severity.ERROR, object_type="job", object_id=job.id, path=path)
    tell_holders(
        tx,
        Permission.JOB_READ,
        kind=Kind.JOB_FAILED,
        template=N_("A job was given up: {job}."),
        values={"job": job.kind},
        path=path,
        severity=Severity.ERROR,
        roles={Role.SYSTEM_ADMINISTRATOR},
    )


def store_trouble(tx: Transaction, store: str, template: str, values: dict[str, str]) -> bool:
    """A store cannot be used or has little room; told once a day as long as it is so. Returns whether it was told now."""
    if _told_lately(tx, Kind.STORE_TROUBLE, store):
        return False
    announce(tx, Kind.STORE_TROUBLE, severity=Severity.ERROR, object_type="store", object_id=store, path="/")
    tell_holders(
        tx,
        Permission.STORE_READ,
        kind=Kind.STORE_TROUBLE,
        template=template,
        values={**values, "about": store},
        path="/",
        severity=Severity.ERROR,
        roles={Role.SYSTEM_ADMINISTRATOR, Role.PRESERVATION_OFFICER},
    )
    return True


def schedule_silent(tx: Transaction, name: str) -> bool:
    """What should happen regularly does not; told once a day as long as it is so. Returns whether it was told now."""
    if _told_lately(tx, Kind.SCHEDULE_SILENT, name):
        return False
    announce(tx, Kind.SCHEDULE_SILENT, severity=Severity.WARNING, object_type="schedule", object_id=name, path="/schedules")
    tell_holders(
        tx,
        Permission.JOB_READ,
        kind=Kind.SCHEDULE_SILENT,
        template=N_("“{about}” should happen regularly and has not: see the schedules."),
        values={"about": name},
        path="/schedules",
        severity=Severity.WARNING,
        roles={Role.SYSTEM_ADMINISTRATOR},
    )
    return True


def account_locked(tx: Transaction, user: User) -> None:
    """Too many wrong passwords have locked an account: tells its owner and the security administrators."""
    tell(
        tx,
        user.id,
        kind=Kind.ACCOUNT_LOCKED,
        template=N_("Your account was locked for a while after wrong passwords. If that was not you, tell the security administrator."),
        path="/account",
        severity=Severity.WARNING,
    )
    tell_holders(
        tx,
        Permission.ROLE_GRANT,
        kind=Kind.ACCOUNT_LOCKED,
        template=N_("The account “{name}” was locked after wrong passwords."),
        values={"name": user.name},
        severity=Severity.WARNING,
        roles={Role.SECURITY_ADMINISTRATOR},
        but={user.id},
    )


def password_replaced(tx: Transaction, user: User) -> None:
    """Somebody else replaced a password: tells the security administrators beside who did it; the owner is told there."""
    tell_holders(
        tx,
        Permission.ROLE_GRANT,
        kind=Kind.ACCOUNT_RESET,
        template=N_("{name} replaced the password of the account “{account}”."),
        values={"name": tx.actor.name, "account": user.name},
        severity=Severity.WARNING,
        roles={Role.SECURITY_ADMINISTRATOR},
        but={user.id, tx.actor.id},
    )


def _told_lately(tx: Transaction, kind: Kind, about: str) -> bool:
    statement = select(Notice.id).where(
        Notice.kind == kind, Notice.created_at > tx.now - REPEATED_AFTER, Notice.values["about"].as_string() == about
    )
    return tx.session.scalar(statement.limit(1)) is not None
