"""Console pages of ingest: hand in packages, follow them, read why one was rejected, stop it, try it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask_babel import format_timedelta, gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField
from wtforms.validators import DataRequired

from ingest import inbox
from ingest import submissions as use_cases
from ingest.agreements import list_agreements
from ingest.results import ORDER, counted, pace, results
from ingest.uploads import sets
from ingest.work import STEP_TITLES
from repository.errors import Conflict
from repository.findings import N_, Finding, Outcome, Property
from repository.holdings import SubmissionState
from repository.permissions import Permission
from repository.transaction import Transaction
from repository.web import session
from repository.web.formatting import attachment
from repository.web.spreadsheets import csv_blocks

blueprint = Blueprint("ingest", __name__, url_prefix="/ingest", template_folder="templates")

PAGE: Final = 50
#: What the list can be narrowed to: a state, or both of those in which a package did not get in.
UNSUCCESSFUL: Final = "unsuccessful"
CHOICES: Final = (*SubmissionState, UNSUCCESSFUL)
_COLUMNS: Final = ("code", "standard_code", "property", "severity", "outcome", "subject", "message", "remedy")
_LONGEST: Final = 200


class UploadForm(FlaskForm):
    """One package and the agreement under which it comes."""

    package = FileField(validators=[FileRequired(lazy_gettext(N_("Choose a file first.")))])
    agreement = SelectField(validators=[DataRequired()])


@blueprint.app_template_filter("duration")
def duration(value: timedelta) -> str:
    """A stretch of time in its largest unit, in the language of the page."""
    return str(format_timedelta(value, granularity="second", threshold=1.5))


@blueprint.route("/upload", methods=["GET", "POST"])
@session.needs(Permission.SUBMISSION_CREATE)
def upload() -> str | AnyResponse | tuple[str, int]:
    """The page on which packages are handed in; takes one package file where there is no script."""
    archive = session.archive()
    form = UploadForm()
    with archive.read(session.actor()) as tx:
        form.agreement.choices = _agreements(tx)
        unfinished = sets.unfinished_sets(tx)
    if form.validate_on_submit():
        submission_id = inbox.hand_in(
            archive, session.actor(), stream=form.package.data.stream, name=form.package.data.filename or "", agreement=form.agreement.data
        )
        return redirect(url_for("ingest.submission", submission_id=submission_id))
    page = render_template("ingest/upload.html", form=form, agreements=form.agreement.choices, unfinished=unfinished)
    return page, 400 if form.is_submitted() else 200


@blueprint.post("/uploads/<set_id>/finish")
@session.needs(Permission.SUBMISSION_CREATE)
def finish_upload(set_id: str) -> AnyResponse:
    """Hands in an upload that is whole."""
    with session.archive().transaction(session.actor()) as tx:
        submission_id = sets.finish(tx, set_id)
    return redirect(url_for("ingest.submission", submission_id=submission_id))


@blueprint.post("/uploads/<set_id>/cancel")
@session.needs(Permission.SUBMISSION_CREATE)
def cancel_upload(set_id: str) -> AnyResponse:
    """Gives an unfinished upload up."""
    with session.archive().transaction(session.actor()) as tx:
        sets.cancel_set(tx, set_id)
    flash(gettext("The upload was cancelled; everything that was sent of it is removed."), "quiet")
    return redirect(url_for("ingest.upload"))


@blueprint.get("/")
@session.needs(Permission.SUBMISSION_READ)
def submissions() -> str:
    """The submissions, newest first, narrowed as the address says."""
    wanted = request.args.get("state", "")
    state = wanted if wanted in CHOICES else ""
    text = request.args.get("name", "").strip()[:_LONGEST]
    since, until = _day("since"), _day("until")
    with session.archive().read(session.actor()) as tx:
        known = [(agreement.code, gettext(agreement.title or agreement.code)) for agreement in list_agreements(tx)]
        agreement = request.args.get("agreement", "")
        agreement = agreement if agreement in dict(known) else ""
        page = use_cases.list_submissions(
            tx,
            states=_states(state),
            agreement=agreement,
            since=_midnight(since),
            until=_midnight(until + timedelta(days=1)) if until is not None and until < date.max else None,
            text=text,
            after=request.args.get("after"),
            limit=PAGE,
        )
        return render_template(
            "ingest/submissions.html",
            page=page,
            state=state,
            states=CHOICES,
            known=known,
            agreement=agreement,
            since=since,
            until=until,
            text=text,
            agreements=_agreements(tx),
        )


@blueprint.get("/<submission_id>")
@session.needs(Permission.SUBMISSION_READ)
def submission(submission_id: str) -> str:
    """One submission: its steps, and its findings by property."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        return render_template("ingest/submission.html", **_shown(tx, view), **_narrowed(view), agreements=_agreements(tx))


@blueprint.get("/<submission_id>/progress")
@session.needs(Permission.SUBMISSION_READ)
def progress(submission_id: str) -> str:
    """How far it is: the part of the page that changes while work is under way, without anything that was found."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        return render_template("ingest/_progress.html", **_shown(tx, view))


@blueprint.get("/<submission_id>/findings.csv")
@session.needs(Permission.SUBMISSION_READ)
def findings(submission_id: str) -> Response:
    """The findings as a table for a spreadsheet."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)

    def rows() -> Iterator[list[str]]:
        for finding in view.findings:
            row = finding.as_json(gettext)
            yield [row[name] or "" for name in _COLUMNS]

    return Response(
        stream_with_context(csv_blocks(_COLUMNS, rows())),
        mimetype="text/csv",
        headers={"Content-Disposition": attachment(f"findings-{submission_id}.csv")},
    )


@blueprint.get("/<submission_id>/print")
@session.needs(Permission.SUBMISSION_READ)
def print_view(submission_id: str) -> str:
    """Everything about a submission on one clean page, to be printed and filed."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        ordered = {
            property: sorted(
                (finding for finding in view.findings if finding.property == property), key=lambda finding: ORDER.index(finding.outcome)
            )
            for property in Property
        }
        counts = {property: counted(found) for property, found in ordered.items()}
        return render_template("ingest/print.html", **_shown(tx, view), ordered=ordered, counts=counts, printed_at=tx.now)


@blueprint.route("/<submission_id>/cancel", methods=["GET", "POST"])
@session.needs(Permission.SUBMISSION_CREATE)
def cancel(submission_id: str) -> str | AnyResponse:
    """Asks whether a submission is to be stopped, and stops it."""
    if request.method == "POST":
        with session.archive().transaction(session.actor()) as tx:
            state = use_cases.cancel(tx, submission_id)
        if state is SubmissionState.CANCELLED:
            flash(gettext("The submission is cancelled. Nothing of it was kept."), "quiet")
        else:
            flash(gettext("The submission is being stopped; what was written of it is taken back."), "busy")
        return redirect(url_for("ingest.submission", submission_id=submission_id))
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        if not view.under_way:
            raise Conflict(N_("The submission {subject} has ended already; there is nothing to stop."), subject=view.submission.name)
        return render_template("ingest/cancel.html", view=view)


@blueprint.route("/<submission_id>/retry", methods=["GET", "POST"])
@session.needs(Permission.SUBMISSION_CREATE)
def retry(submission_id: str) -> str | AnyResponse:
    """Says at which step a submission would go on, and tries it again."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
    if request.method == "POST":
        with session.archive().transaction(session.actor()) as tx:
            use_cases.retry(tx, submission_id)
        if view.resumes_at is None:
            flash(gettext("The submission is in the queue again and begins at the first step."), "busy")
        else:
            step = gettext(STEP_TITLES[view.resumes_at])
            flash(gettext("The submission is in the queue again and goes on at the step “%(step)s”.", step=step), "busy")
        return redirect(url_for("ingest.submission", submission_id=submission_id))
    if view.submission.state not in use_cases.RETRIED:
        raise Conflict(
            N_("The submission {subject} is {state}; only one that failed or was cancelled can be tried again."),
            subject=view.submission.name,
            state=gettext(view.submission.state),
        )
    step = STEP_TITLES[view.resumes_at] if view.resumes_at is not None else ""
    return render_template("ingest/retry.html", view=view, step=step)


def _shown(tx: Transaction, view: use_cases.SubmissionView) -> dict[str, Any]:
    terms = view.submission.agreement
    return {
        "view": view,
        "submission": view.submission,
        "agreement": terms.title or terms.code,
        "pace": pace(view.progress, view.steps, view.seen_at),
        "now": tx.now,
    }


def _narrowed(view: use_cases.SubmissionView) -> dict[str, Any]:
    """The findings as the address narrows them."""
    property, outcome = request.args.get("property", ""), request.args.get("outcome", "")
    property = property if property in set(Property) else ""
    outcome = outcome if outcome in set(Outcome) else ""
    page = request.args.get("page", 1, type=int)
    return {
        "results": results(view, property=property, outcome=outcome, page=page),
        "counts": counted(_under(view.findings, property)),
        "property": property,
        "outcome": outcome,
    }


def _under(found: Sequence[Finding], property: str) -> Sequence[Finding]:
    return [finding for finding in found if finding.property == property] if property else found


def _agreements(tx: Transaction) -> list[tuple[str, str]]:
    """What a person may hand packages in under; empty for who may not hand in at all."""
    return [(agreement.code, gettext(agreement.title or agreement.code)) for agreement in use_cases.open_agreements(tx)]


def _states(wanted: str) -> Sequence[str]:
    if wanted == UNSUCCESSFUL:
        return (SubmissionState.REJECTED, SubmissionState.FAILED)
    return (wanted,) if wanted else ()


def _day(name: str) -> date | None:
    """A day in the address; what is none is as if it were not there."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _midnight(day: date | None) -> datetime | None:
    """The beginning of a day where the archive is."""
    if day is None or day.year < 2:
        return None
    return datetime.combine(day, time(), ZoneInfo(session.archive().settings.time_zone)).astimezone(UTC)
