"""The pages of jobs and schedules."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from repository.errors import UsageError
from repository.findings import N_
from repository.jobs import ledger, listing, schedules
from repository.jobs.ledger import JobState
from repository.jobs.listing import JobQuery
from repository.permissions import Permission
from repository.web import session

blueprint = Blueprint("jobs", __name__)

#: Units in which an interval is given, and their seconds.
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}

#: What the kinds of jobs are called; a kind that is not here stands for itself.
KIND_WORDS = {
    "ingest.process": N_("Take in a package"),
    "preservation.audit": N_("Audit copies"),
    "preservation.audits": N_("Begin the audits of the hour"),
    "preservation.repair": N_("Repair copies"),
    "search.index": N_("Bring the search index up to date"),
    "journal.flush": N_("Write events to the stores"),
    "notices.mail": N_("Mail notices"),
    "notices.digest": N_("Mail the daily digest"),
    "notices.webhooks": N_("Send messages to webhooks"),
    "notices.watch": N_("Look after stores and schedules"),
    "notices.forget": N_("Remove old notices"),
    "logbook.anchor": N_("Anchor the logbook"),
    "api.sweep": N_("Remove old answers of the API"),
    "catalogue.statistics": N_("Refresh the statistics of the catalogue"),
    "search.alerts": N_("Look whether saved searches find something new"),
    "ingest.sweep": N_("Remove unfinished uploads"),
    "access.preview-sweep": N_("Remove old previews"),
    "access.preview": N_("Make a preview"),
    "demo.load": N_("Load the demo data"),
}


@blueprint.app_template_filter("job_word")
def job_word(kind: str) -> str:
    """What a kind of job is called."""
    return str(gettext(KIND_WORDS[kind])) if kind in KIND_WORDS else kind


@blueprint.app_template_filter("interval")
def interval(seconds: int) -> str:
    """How often, in the largest unit that divides it."""
    unit = unit_of(seconds)
    number = seconds // UNITS[unit]
    words = {
        "seconds": ngettext("every %(num)s second", "every %(num)s seconds", number),
        "minutes": ngettext("every %(num)s minute", "every %(num)s minutes", number),
        "hours": ngettext("every %(num)s hour", "every %(num)s hours", number),
        "days": ngettext("every %(num)s day", "every %(num)s days", number),
    }
    return str(words[unit])


def unit_of(seconds: int) -> str:
    """The largest unit that divides an interval."""
    return next((unit for unit, size in reversed(UNITS.items()) if seconds % size == 0), "seconds")


@blueprint.get("/jobs")
@session.needs(Permission.JOB_READ)
def jobs() -> str:
    """The list."""
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    query = JobQuery(state=state, kind=kind, regular="regular" in request.args or bool(kind), after=request.args.get("after", ""))
    with session.archive().read(session.actor()) as tx:
        page = listing.list_jobs(tx, query)
        counts = listing.open_counts(tx)
    return render_template("jobs/jobs.html", page=page, query=query, counts=counts, states=list(JobState), kinds=listing.known_kinds())


@blueprint.get("/jobs/<job_id>")
@session.needs(Permission.JOB_READ)
def job(job_id: str) -> str:
    """One job."""
    with session.archive().read(session.actor()) as tx:
        found = listing.find_job(tx, job_id)
    return render_template("jobs/job.html", job=found, limit=ledger.ATTEMPT_LIMIT, address=_address(found))


@blueprint.post("/jobs/<job_id>/cancel")
@session.needs(Permission.JOB_MANAGE)
def cancel(job_id: str) -> Response:
    """Asks a job to stop."""
    with session.archive().transaction(session.actor()) as tx:
        state = ledger.cancel(tx, job_id)
    flash(
        gettext("The job is cancelled.") if state == JobState.CANCELLED else gettext("The job was asked to stop; it does so shortly."),
        "good",
    )
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.post("/jobs/<job_id>/retry")
@session.needs(Permission.JOB_MANAGE)
def retry(job_id: str) -> Response:
    """Puts a job back into the queue."""
    with session.archive().transaction(session.actor()) as tx:
        ledger.retry(tx, job_id)
    flash(gettext("The job waits to be begun again."), "good")
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.get("/schedules")
@session.needs(Permission.JOB_READ)
def timetable() -> str:
    """What happens regularly."""
    return _timetable()


@blueprint.post("/schedules/<name>")
@session.needs(Permission.SCHEDULE_MANAGE)
def change(name: str) -> Response | tuple[str, int]:
    """Changes how often something happens, or whether."""
    try:
        with session.archive().transaction(session.actor()) as tx:
            schedules.set_schedule(tx, name, every_seconds=_seconds(), enabled=_enabled())
    except UsageError as error:
        message = gettext(error.template).format_map({"subject": error.subject, **error.parameters})
        return _timetable(wrong=name, message=message), 400
    flash(gettext("The schedule is changed."), "good")
    return redirect(url_for("jobs.timetable"))


@blueprint.post("/schedules/<name>/run")
@session.needs(Permission.SCHEDULE_MANAGE)
def run(name: str) -> Response:
    """Has it done now."""
    with session.archive().transaction(session.actor()) as tx:
        job_id = schedules.run_now(tx, name)
    flash(gettext("It is in the queue."), "good")
    return redirect(url_for("jobs.job", job_id=job_id))


def _timetable(*, wrong: str = "", message: str = "") -> str:
    with session.archive().read(session.actor()) as tx:
        rows = schedules.list_schedules(tx)
    units = {
        "seconds": gettext("seconds"),
        "minutes": gettext("minutes"),
        "hours": gettext("hours"),
        "days": gettext("days"),
    }
    given = request.form if wrong else {}
    return render_template(
        "jobs/schedules.html", rows=rows, units=units, sizes=UNITS, unit_of=unit_of, wrong=wrong, message=message, given=given
    )


def _seconds() -> int | None:
    if "every" not in request.form:
        return None
    text, unit = request.form["every"].strip(), request.form.get("unit", "")
    if unit not in UNITS or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(N_("“{subject}” is no interval: give a whole number and its unit."), subject=text[:40])
    return int(text) * UNITS[unit]


def _enabled() -> bool | None:
    wanted = request.form.get("enabled")
    return {"1": True, "0": False}.get(wanted) if wanted is not None else None


def _address(found: listing.JobView) -> str:
    """Where what a job is about has its page, if the asker may go there."""
    if found.about is None:
        return ""
    kind, id = found.about
    match kind:
        case "submission" if session.may(Permission.SUBMISSION_READ):
            return url_for("ingest.submission", submission_id=id)
        case "audit" if session.may(Permission.AUDIT_READ):
            return url_for("preservation.audit", audit_id=id)
        case "record" if session.may(Permission.RECORD_READ):
            return url_for("access.record", record_id=id)
    return ""
