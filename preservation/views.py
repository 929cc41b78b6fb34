"""Console pages of preservation: audits, and what they found."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import NumberRange, Optional

from preservation import audits as use_cases
from preservation.audits import Scope, Selection
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
}


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
    elif selection.scope is Scope.RECORDS:
        text = gettext("%(count)s records", count=len(selection.records))
    if selection.store:
        text = gettext("%(what)s, only in store %(store)s", what=text, store=selection.store)
    return text


def selection_of(audit: Audit) -> Selection:
    """What a run reads."""
    return Selection.from_json(audit.selection)


def _form() -> AuditForm:
    form = AuditForm()
    form.store.choices = [("", gettext("all stores")), *((store.name, store.name) for store in session.archive().stores)]
    form.scope.choices = [(str(scope), gettext(SCOPES[scope])) for scope in (Scope.ALL, Scope.OVERDUE, Scope.SAMPLE)]
    return form
