"""What waits for the person who looks: one line a matter, the gravest first, each leading to where it is dealt with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import url_for
from flask_babel import gettext, ngettext
from sqlalchemy import func, or_, select

from repository.holdings import Audit, Copy, CopyState, Submission, SubmissionState
from repository.permissions import Permission, Role
from repository.transaction import Transaction
from repository.visibility import submission_condition
from repository.web import session
from repository.web.dashboard import holdings, matters, people, system
from repository.web.formatting import size_words
from repository.web.words import word

_TONES: Final = {"bad": 0, "warn": 1, "busy": 2, "quiet": 3}


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something that waits.

    Args:
        tone: ``bad``: it has failed; ``warn``: it should be looked at; ``busy``: it is under way; ``quiet``: worth knowing.
        count: how many.
        text: what, in the reader's language; the number stands before it.
        why: what can be done about it.
        address: where, or empty.
    """

    tone: str
    count: int
    text: str
    why: str = ""
    address: str = ""


def waiting(tx: Transaction) -> Sequence[Matter]:
    """Everything that waits for the asker, the gravest first."""
    found = [*_submissions(tx), *_copies(tx), *_system(tx), *_people(tx)]
    return sorted((matter for matter in found if matter.count), key=lambda matter: _TONES[matter.tone])


def _submissions(tx: Transaction) -> Iterator[Matter]:
    if not session.may(Permission.SUBMISSION_READ):
        return
    lately = tx.now - matters.REJECTION_NEWS
    rows = tx.session.execute(
        select(Submission.state, func.count())
        .where(
            submission_condition(tx.actor),
            or_(
                Submission.state.in_([SubmissionState.FAILED, SubmissionState.RECEIVED, SubmissionState.PROCESSING]),
                (Submission.state == SubmissionState.REJECTED) & (Submission.received_at >= lately),
            ),
        )
        .group_by(Submission.state)
    )
    counts = dict(rows.all())
    failed, rejected = counts.get(SubmissionState.FAILED, 0), counts.get(SubmissionState.REJECTED, 0)
    running = counts.get(SubmissionState.RECEIVED, 0) + counts.get(SubmissionState.PROCESSING, 0)
    yield Matter(
        tone="bad",
        count=failed,
        text=ngettext("submission failed on our side", "submissions failed on our side", failed),
        why=gettext("The package is kept. Look at what went wrong, then try again."),
        address=url_for("ingest.submissions", state=SubmissionState.FAILED),
    )
    yield Matter(
        tone="bad",
        count=rejected,
        text=ngettext("submission was rejected in the last 30 days", "submissions were rejected in the last 30 days", rejected),
        why=gettext("Each says which rule it breaks, in which file, and what to do about it."),
        address=url_for("ingest.submissions", state=SubmissionState.REJECTED),
    )
    yield Matter(
        tone="busy",
        count=running,
        text=ngettext("submission is under way", "submissions are under way", running),
        address=url_for("ingest.submissions"),
    )


def _copies(tx: Transaction) -> Iterator[Matter]:
    if not session.may(Permission.AUDIT_READ):
        return
    audits = url_for("preservation.audits")
    rows = tx.session.execute(select(Copy.state, func.count()).where(Copy.state.in_(matters.IN_TROUBLE)).group_by(Copy.state))
    for state, copies in rows:
        yield Matter(
            tone="bad",
            count=copies,
            text=ngettext("copy is %(state)s", "copies are %(state)s", copies, state=word(CopyState(state))),
            why=gettext("The other copies are what can be relied on now: read the audit, and have the copy repaired."),
            address=audits,
        )
    coverage = holdings.coverage(tx)
    late = sum(store.overdue for store in coverage)
    yield Matter(
        tone="warn",
        count=late,
        text=ngettext("copy is overdue for an audit", "copies are overdue for an audit", late),
        why=gettext("Nobody has read them again for %(days)s days.", days=tx.archive.settings.audit_ttl_days),
        address=audits,
    )
    if not session.may(Permission.AUDIT_RUN):
        return
    never = sum(store.never for store in coverage)
    last = tx.session.scalar(select(func.max(Audit.started_at)))
    yield Matter(
        tone="warn" if last is None or last < tx.now - timedelta(days=tx.archive.settings.audit_ttl_days) else "quiet",
        count=never,
        text=ngettext("copy was never audited since it was written", "copies were never audited since they were written", never),
        why=gettext("An audit reads every byte again and compares."),
        address=audits,
    )
    owed = sum(state.owed for state in holdings.stores(tx))
    yield Matter(
        tone="bad",
        count=owed,
        text=ngettext("copy is owed", "copies are owed", owed),
        why=gettext("A store has no good copy of the present version of these packages."),
        address=audits,
    )


def _system(tx: Transaction) -> Iterator[Matter]:
    if session.may(Permission.JOB_READ) and session.may(Permission.JOB_MANAGE):
        failed = matters.failed_jobs(tx)
        yield Matter(
            tone="bad",
            count=failed,
            text=ngettext("job was given up", "jobs were given up", failed),
            why=gettext("Each says why; put that right and try again."),
            address=url_for("jobs.jobs", state="failed"),
        )
    if Role.SYSTEM_ADMINISTRATOR not in tx.actor.roles:
        return
    work = system.work(tx)
    if work is not None and work.stuck:
        yield Matter(
            tone="bad",
            count=work.waiting,
            text=ngettext("job waits and no worker takes it", "jobs wait and no worker takes them", work.waiting),
            why=gettext("Start workers with “jingui serve” or “jingui worker”."),
            address=url_for("jobs.jobs", state="queued"),
        )
    silent = system.silent_schedules(tx)
    yield Matter(
        tone="bad",
        count=len(silent),
        text=ngettext("schedule has not happened when it should", "schedules have not happened when they should", len(silent)),
        why=", ".join(row.name for row in silent),
        address=url_for("jobs.timetable"),
    )
    rooms = system.rooms(tx)
    away = [room.store for room in rooms if not room.reached]
    yield Matter(
        tone="bad",
        count=len(away),
        text=ngettext("store does not answer", "stores do not answer", len(away)),
        why=", ".join(away),
    )
    short = [room for room in rooms if room.is_short]
    yield Matter(
        tone="warn",
        count=len(short),
        text=ngettext("store is nearly full", "stores are nearly full", len(short)),
        why=", ".join(f"{room.store}: {size_words(room.free or 0)}" for room in short),
    )


def _people(tx: Transaction) -> Iterator[Matter]:
    if session.may(Permission.ROLE_GRANT):
        accounts = people.accounts(tx)
        if accounts is not None:
            yield Matter(
                tone="warn",
                count=accounts.without_roles,
                text=ngettext("account has no role", "accounts have no role", accounts.without_roles),
                why=gettext("Whoever it belongs to can log in and do nothing: give a role, or have it closed."),
            )
            yield Matter(
                tone="warn",
                count=accounts.locked,
                text=ngettext("account is locked after wrong passwords", "accounts are locked after wrong passwords", accounts.locked),
                why=gettext("It opens by itself. Ask whose it is whether it was them."),
            )
            yield Matter(
                tone="quiet",
                count=accounts.tokens_ending,
                text=ngettext("API token ends within 14 days", "API tokens end within 14 days", accounts.tokens_ending),
            )
    log = people.today(tx)
    if log is not None:
        yield Matter(
            tone="warn",
            count=log.failed_logins,
            text=ngettext("login failed today", "logins failed today", log.failed_logins),
            address=url_for("logbook.log", action="login.failed"),
        )
        yield Matter(
            tone="warn",
            count=log.refusals,
            text=ngettext("request was refused today", "requests were refused today", log.refusals),
            address=url_for("logbook.log", outcome="refused"),
        )
