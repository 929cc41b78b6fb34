"""The first run: whoever has the address that `jingui serve` printed makes the three administrators."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Optional

from repository.accounts.first_run import FirstPerson, is_setup_key, set_up
from repository.accounts.users import checked_full_name, checked_name
from repository.errors import Conflict
from repository.findings import N_
from repository.permissions import Role
from repository.web import session
from repository.web.administration.shared import by, complain

blueprint = Blueprint("setup", __name__)


class SetupForm(FlaskForm):
    """The first people: three administrators, and an archivist where one is wanted at once."""

    key = HiddenField()
    system = StringField(N_("User name"), validators=[InputRequired(), by(checked_name)])
    system_person = StringField(N_("Person's name"), validators=[by(checked_full_name)])
    security = StringField(N_("User name"), validators=[InputRequired(), by(checked_name)])
    security_person = StringField(N_("Person's name"), validators=[by(checked_full_name)])
    audit = StringField(N_("User name"), validators=[InputRequired(), by(checked_name)])
    audit_person = StringField(N_("Person's name"), validators=[by(checked_full_name)])
    archivist = StringField(N_("User name"), validators=[Optional(), by(checked_name)])
    archivist_person = StringField(N_("Person's name"), validators=[by(checked_full_name)])


#: Which fields are whose.
PEOPLE: Final = (
    ("system", Role.SYSTEM_ADMINISTRATOR),
    ("security", Role.SECURITY_ADMINISTRATOR),
    ("audit", Role.AUDIT_ADMINISTRATOR),
    ("archivist", Role.ARCHIVIST),
)


@blueprint.route("/setup", methods=["GET", "POST"])
def setup() -> tuple[str, int]:
    """Makes the first accounts. Without the key, and where there is an account already, there is nothing here."""
    form = SetupForm()
    key = (form.key.data if request.method == "POST" else request.args.get("key")) or ""
    if not is_setup_key(session.archive(), key):
        abort(404)
    form.key.data = key
    if form.validate_on_submit():
        people = [
            FirstPerson(role=role, name=name, full_name=form[f"{field}_person"].data or "")
            for field, role in PEOPLE
            if (name := (form[field].data or "").strip())
        ]
        try:
            made = set_up(session.archive(), key, people)
        except Conflict as error:
            complain(_repeated(form), error)
        else:
            roles = {checked_name(person.name): person.role for person in people}
            rows = [(account, roles[account.name]) for account in made]
            return render_template("setup/done.html", rows=rows, login=url_for("login.enter")), 200
    return render_template("setup/setup.html", form=form, people=PEOPLE), 400 if form.is_submitted() else 200


def _repeated(form: SetupForm) -> StringField:
    """The first field whose name another had before."""
    seen: set[str] = set()
    for field, _ in PEOPLE:
        name = checked_name(form[field].data) if form[field].data else ""
        if name and name in seen:
            return form[field]
        seen.add(name)
    return form.system
