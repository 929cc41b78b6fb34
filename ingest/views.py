"""Console pages of ingest: hand in a package, follow it, read why it was rejected."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField
from wtforms.validators import DataRequired

from ingest import inbox
from ingest import submissions as use_cases
from repository.findings import N_, Finding, Outcome, Property
from repository.holdings import SubmissionState
from repository.permissions import Permission
from repository.web import session
from repository.web.formatting import attachment

blueprint = Blueprint("ingest", __name__, url_prefix="/ingest", template_folder="templates")

PAGE = 50
#: What the list can be narrowed to: a state, or both of those in which a package did not get in.
UNSUCCESSFUL = "unsuccessful"
CHOICES = (*SubmissionState, UNSUCCESSFUL)


class UploadForm(FlaskForm):
    """One package and the agreement under which it comes."""

    package = FileField(validators=[FileRequired(lazy_gettext(N_("Choose a file first.")))])
    agreement = SelectField(validators=[DataRequired()])


@blueprint.route("/upload", methods=["GET", "POST"])
@session.needs(Permission.SUBMISSION_CREATE)
def upload() -> str | AnyResponse | tuple[str, int]:
    """Takes one package file and queues it."""
    archive = session.archive()
    form = UploadForm()
    with archive.read(session.actor()) as tx:
        agreements = use_cases.open_agreements(tx)
    form.agreement.choices = [(agreement.code, gettext(agreement.title or agreement.code)) for agreement in agreements]
    if form.validate_on_submit():
        submission_id = inbox.hand_in(
            archive, session.actor(), stream=form.package.data.stream, name=form.package.data.filename or "", agreement=form.agreement.data
        )
        return redirect(url_for("ingest.submission", submission_id=submission_id))
    return render_template("ingest/upload.html", form=form), 400 if form.is_submitted() else 200


@blueprint.get("/")
@session.needs(Permission.SUBMISSION_READ)
def submissions() -> str:
    """The submissions, newest first, by state."""
    wanted = request.args.get("state", "")
    state = wanted if wanted in CHOICES else ""
    with session.archive().read(session.actor()) as tx:
        page = use_cases.list_submissions(tx, states=_states(state), after=request.args.get("after"), limit=PAGE)
        return render_template("ingest/submissions.html", page=page, state=state, states=CHOICES)


@blueprint.get("/<submission_id>")
@session.needs(Permission.SUBMISSION_READ)
def submission(submission_id: str) -> str:
    """One submission: its steps, and its findings by property."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        agreement = view.submission.agreement
        return render_template(
            "ingest/submission.html",
            view=view,
            groups=_by_property(view.findings),
            unjudged=_unjudged(view),
            agreement=agreement.title or agreement.code,
        )


@blueprint.get("/<submission_id>/findings.csv")
@session.needs(Permission.SUBMISSION_READ)
def findings(submission_id: str) -> Response:
    """The findings as a table for a spreadsheet."""
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_submission(tx, submission_id)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["code", "property", "severity", "outcome", "subject", "message", "remedy"])
        for finding in view.findings:
            row = finding.as_json(gettext)
            writer.writerow([_cell(row[name]) for name in ("code", "property", "severity", "outcome", "subject", "message", "remedy")])
    # The mark at the front makes spreadsheet programs read the text as UTF-8.
    return Response(
        "\ufeff" + text.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": attachment(f"findings-{submission_id}.csv")},
    )


@blueprint.post("/<submission_id>/retry")
@session.needs(Permission.SUBMISSION_CREATE)
def retry(submission_id: str) -> AnyResponse:
    """Tries a failed submission again."""
    with session.archive().transaction(session.actor()) as tx:
        use_cases.retry(tx, submission_id)
    flash(gettext("The submission is in the queue again."), "busy")
    return redirect(url_for("ingest.submission", submission_id=submission_id))


def _states(wanted: str) -> Sequence[str]:
    if wanted == UNSUCCESSFUL:
        return (SubmissionState.REJECTED, SubmissionState.FAILED)
    return (wanted,) if wanted else ()


def _by_property(findings: Sequence[Finding]) -> list[tuple[Property, list[Finding]]]:
    """The findings that say something, worst first, under their property; passes are only counted."""
    order = {Outcome.FAIL: 0, Outcome.MANUAL: 1, Outcome.WARN: 2, Outcome.NOT_CHECKED: 3}
    groups = []
    for property in Property:
        told = [finding for finding in findings if finding.property == property and finding.outcome in order]
        groups.append((property, sorted(told, key=lambda finding: order[finding.outcome])))
    return groups


def _unjudged(view: use_cases.SubmissionView) -> set[str]:
    """The properties that no step has looked at: what nobody checked must not look like a pass."""
    judged = {step.name for step in view.steps if step.ended_at is not None}
    return {str(property) for property in Property if property not in judged}


def _cell(text: str | None) -> str:
    """Text that a spreadsheet program will not take for a formula."""
    text = text or ""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
