"""Console pages of preservation: audits, what they found, and how it was put right."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import NumberRange, Optional

from preservation import audits as use_cases
from preservation import incidents as incident_cases
from preservation import repair as repair_cases
from preservation.audits import Scope, Selection
from preservation.incidents import IncidentState
from preservation.repair import RepairRequest
from preservation.tables import Incident
from repository.findings import N_
from repository.holdings import Audit
from repository.permissions import Permission
from repository.web import session

blueprint = Blueprint("preservation", __name__, url_prefix="/audits", template_folder="templates")

PAGE = 100

#: What a run reads, as people choose it.
SCOPES = {
    Scope.ALL: N_("every package"),
    Scope.OVERDUE: N_("copies that nobody read for long"),
    Scope.SAMPLE: N_("a sample, drawn by chance"),
    Scope.RECORDS: N_("single records"),
    Scope.TIMETABLE: N_("what the timetable says"),
}

#: What becomes of an incident.
INCIDENT_STATES = {
    IncidentState.OPEN: N_("found, not repaired yet"),
    IncidentState.PERSON: N_("a person must decide"),
    IncidentState.HEALED: N_("healed"),
    IncidentState.WELL_AGAIN: N_("well again by itself"),
}
_TONES = {IncidentState.OPEN: "bad", IncidentState.PERSON: "warn", IncidentState.HEALED: "good", IncidentState.WELL_AGAIN: "good"}


class AuditForm(FlaskForm):
    """What to read again."""

    scope = RadioField(N_("What to read"), default=str(Scope.ALL))
    sample = IntegerField(N_("Packages in the sample"), validators=[Optional(), NumberRange(min=1, max=1_000_000)], default=20)
    store = SelectField(N_("Store"))


@blueprint.get("/")
@session.needs(Permission.AUDIT_READ)
def audits() -> str:
    """The latest runs, and the button that starts one."""
    with session.archive().read(session.actor()) as tx:
        return render_template(
            "preservation/audits.html", audits=use_cases.list_audits(tx), form=_form(), told=told, selection_of=selection_of
        )


@blueprint.post("/")
@session.needs(Permission.AUDIT_RUN)
def start() -> Response | tuple[str, int]:
    """Queues a run."""
    archive, form = session.archive(), _form()
    if not form.validate_on_submit():
        with archive.read(session.actor()) as tx:
            return render_template(
                "preservation/audits.html", audits=use_cases.list_audits(tx), form=form, told=told, selection_of=selection_of
            ), 400
    scope = Scope(form.scope.data)
    sample = (form.sample.data or 1) if scope is Scope.SAMPLE else 0
    with archive.transaction(session.actor()) as tx:
        audit_id = use_cases.start(tx, Selection(scope=scope, sample=sample, store=form.store.data or ""))
    flash(gettext("The audit is in the queue."), "busy")
    return redirect(url_for("preservation.audit", audit_id=audit_id))


@blueprint.get("/incidents")
@session.needs(Permission.AUDIT_READ)
def incidents() -> str:
    """Copies that are not as they should be, or were not."""
    settled = bool(request.args.get("settled"))
    with session.archive().read(session.actor()) as tx:
        rows = incident_cases.list_incidents(tx, settled=settled, after=request.args.get("after", ""), limit=PAGE + 1)
        return render_template(
            "preservation/incidents.html",
            incidents=rows[:PAGE],
            further=rows[PAGE - 1].id if len(rows) > PAGE else "",
            settled=settled,
            states=INCIDENT_STATES,
            tones=_TONES,
        )


@blueprint.get("/incidents/<incident_id>")
@session.needs(Permission.AUDIT_READ)
def incident(incident_id: str) -> str:
    """One incident: what, where, since when at most, and from which copy it was healed."""
    with session.archive().read(session.actor()) as tx:
        view = incident_cases.find_incident(tx, incident_id)
        return render_template(
            "preservation/incident.html", view=view, incident=view.incident, reason=reason_of, states=INCIDENT_STATES, tones=_TONES
        )


@blueprint.post("/repair")
@session.needs(Permission.AUDIT_RUN)
def repair() -> Response:
    """Queues a repair of one record's copies, or of everything that is known not to be as it should be."""
    record = request.form.get("record", "")
    with session.archive().transaction(session.actor()) as tx:
        repair_cases.start(tx, RepairRequest(records=(record,) if record else ()))
    flash(gettext("The repair is in the queue. The incidents say what became of each copy."), "busy")
    return redirect(url_for("preservation.incidents"))


@blueprint.get("/<audit_id>")
@session.needs(Permission.AUDIT_READ)
def audit(audit_id: str) -> str:
    """One run: how far it is, and every copy that is not as it should be."""
    everything = bool(request.args.get("all"))
    with session.archive().read(session.actor()) as tx:
        view = use_cases.find_audit(tx, audit_id, everything=everything, after=request.args.get("after", ""), limit=PAGE)
        return render_template("preservation/audit.html", view=view, everything=everything, told=told)


def told(selection: Selection) -> str:
    """What a run reads, for people."""
    text: str = gettext(SCOPES[selection.scope])
    if selection.scope is Scope.SAMPLE:
        text = gettext("%(count)s packages, drawn by chance", count=selection.sample)
    elif selection.scope is Scope.TIMETABLE:
        text = gettext("by the timetable: %(count)s packages", count=len(selection.records))
    elif selection.scope is Scope.RECORDS:
        text = gettext("%(count)s records", count=len(selection.records))
    if selection.store:
        text = gettext("%(what)s, only in store %(store)s", what=text, store=selection.store)
    return text


def reason_of(incident: Incident) -> str:
    """Why a person is asked, for people; empty where nobody is."""
    if incident.state != IncidentState.PERSON:
        return ""
    text: str = gettext(incident.reason)
    return text.format_map(incident.values)


def selection_of(audit: Audit) -> Selection:
    """What a run reads."""
    return Selection.from_json(audit.selection)


def _form() -> AuditForm:
    form = AuditForm()
    form.store.choices = [("", gettext("all stores")), *((store.name, store.name) for store in session.archive().stores)]
    form.scope.choices = [(str(scope), gettext(SCOPES[scope])) for scope in (Scope.ALL, Scope.OVERDUE, Scope.SAMPLE)]
    return form
