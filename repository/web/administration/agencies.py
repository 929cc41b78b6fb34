"""Agencies: the list, one agency with its officers, and a new one."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from repository.accounts import list_users
from repository.errors import Conflict, UsageError
from repository.findings import N_
from repository.permissions import Permission
from repository.recordkeeping import agencies as use_cases
from repository.recordkeeping.identity_numbers import plain_number
from repository.web import session
from repository.web.administration.shared import PlainForm, act, blueprint, by, complain


class AgencyForm(FlaskForm):
    """What is known of an agency."""

    name = StringField(N_("Name"), validators=[by(use_cases.checked_name)])
    code = StringField(N_("Unified social credit code"), validators=[by(use_cases.checked_code)])
    fonds = StringField(N_("Fonds number"), validators=[by(use_cases.checked_fonds)])
    other_names = TextAreaField(N_("Former names"), validators=[Length(max=5000)])

    def former(self) -> list[str]:
        """The former names, one a line."""
        return [line for line in (self.other_names.data or "").splitlines() if line.strip()]


@blueprint.get("/agencies")
@session.needs(Permission.AGENCY_READ)
def agencies() -> str:
    """The agencies."""
    text = request.args.get("q", "").strip()
    with session.archive().read(session.actor()) as tx:
        return render_template(
            "administration/agencies.html",
            agencies=use_cases.list_agencies(tx, text=text),
            total=use_cases.count_agencies(tx),
            text=text,
        )


@blueprint.route("/agencies/new", methods=["GET", "POST"])
@session.needs(Permission.AGENCY_MANAGE)
def new_agency() -> Response | tuple[str, int]:
    """Makes an agency."""
    form = AgencyForm()
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                agency_id = use_cases.create_agency(
                    tx, name=form.name.data or "", code=form.code.data or "", fonds=form.fonds.data or "", other_names=form.former()
                )
        except (Conflict, UsageError) as error:
            _complain(form, error)
        else:
            return act(lambda tx: None, gettext("The agency is made."), url_for("administration.agency", agency_id=agency_id))
    return render_template("administration/new_agency.html", form=form), 400 if form.is_submitted() else 200


@blueprint.get("/agencies/<agency_id>")
@session.needs(Permission.AGENCY_READ)
def agency(agency_id: str) -> str:
    """One agency with its officers."""
    return _agency(agency_id)


@blueprint.post("/agencies/<agency_id>")
@session.needs(Permission.AGENCY_MANAGE)
def change_agency(agency_id: str) -> Response | tuple[str, int]:
    """Changes what is known of an agency."""
    form = AgencyForm()
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                use_cases.change_agency(
                    tx,
                    agency_id,
                    name=form.name.data or "",
                    code=form.code.data or "",
                    fonds=form.fonds.data or "",
                    other_names=form.former(),
                )
        except (Conflict, UsageError) as error:
            _complain(form, error)
        else:
            return act(lambda tx: None, gettext("Saved."), url_for("administration.agency", agency_id=agency_id))
    return _agency(agency_id, form), 400


@blueprint.post("/agencies/<agency_id>/close")
@session.needs(Permission.AGENCY_MANAGE)
def close_agency(agency_id: str) -> Response:
    """Notes that an agency has ended."""
    back = url_for("administration.agency", agency_id=agency_id)
    return act(lambda tx: use_cases.close_agency(tx, agency_id), gettext("It is noted that the agency has ended."), back, tone="warn")


@blueprint.post("/agencies/<agency_id>/reopen")
@session.needs(Permission.AGENCY_MANAGE)
def reopen_agency(agency_id: str) -> Response:
    """Takes back that an agency has ended."""
    back = url_for("administration.agency", agency_id=agency_id)
    return act(lambda tx: use_cases.reopen_agency(tx, agency_id), gettext("The agency is open again."), back)


def _agency(agency_id: str, form: AgencyForm | None = None) -> str:
    with session.archive().read(session.actor()) as tx:
        found = use_cases.find_agency(tx, agency_id)
        officers = list_users(tx, agency_id=found.id) if session.may(Permission.USER_READ) else None
        values = {"name": found.name, "code": found.code or "", "fonds": found.fonds, "other_names": "\n".join(found.other_names)}
        return render_template(
            "administration/agency.html",
            agency=found,
            officers=officers,
            form=form or AgencyForm(formdata=None, **values),
            button=PlainForm(formdata=None),
        )


def _complain(form: AgencyForm, error: Conflict | UsageError) -> None:
    """Below the code if it is about the code, below the former names if it is about one of them, else below the name."""
    former = {" ".join(name.split()) for name in form.former()}
    field = form.code if error.subject == plain_number(form.code.data or "") else form.name
    complain(form.other_names if error.subject in former else field, error)
