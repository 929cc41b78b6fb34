"""Pages that belong to no slice: dashboard, login, language and theme, about, health."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import text
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from repository import __version__
from repository.accounts import authenticate
from repository.accounts.tables import User
from repository.findings import N_
from repository.permissions import Actor
from repository.web import overview, session

blueprint = Blueprint("shell", __name__)


class LoginForm(FlaskForm):
    """Name and password."""

    name = StringField(N_("User name"), validators=[InputRequired(), Length(max=64)])
    password = PasswordField(N_("Password"), validators=[InputRequired(), Length(max=1024)])


@blueprint.get("/")
@session.needs()
def dashboard() -> str:
    """What waits, what failed, what is held."""
    with session.archive().read(session.actor()) as tx:
        return render_template("shell/dashboard.html", overview=overview.overview(tx))


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | tuple[str, int]:
    """Logs a person in; a wrong name and a wrong password look the same."""
    target = session.safe_target(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target)
    form = LoginForm()
    if form.validate_on_submit():
        actor = authenticate(session.archive(), form.name.data or "", form.password.data or "")
        if actor is not None:
            _start_session(actor)
            return redirect(target)
        flash(gettext("The user name or the password is wrong."), "bad")
        return render_template("shell/login.html", form=form), 401
    return render_template("shell/login.html", form=form), 400 if form.is_submitted() else 200


def _start_session(actor: Actor) -> None:
    """A new session for a new person: nothing from before the login is carried over but the look."""
    _forget_all_but_the_look()
    with session.archive().read(actor) as tx:
        user = tx.session.get(User, actor.id)
    if user is not None and user.language in session.LANGUAGES.values():
        cookie.setdefault("language", user.language)
    cookie.permanent = True
    login_user(session.LoggedIn(actor))


def _forget_all_but_the_look() -> None:
    kept = {name: cookie[name] for name in ("language", "theme") if name in cookie}
    cookie.clear()
    cookie.update(kept)


@blueprint.post("/logout")
def logout() -> Response:
    """Ends the session."""
    logout_user()
    _forget_all_but_the_look()
    return redirect(url_for("shell.login"))


@blueprint.post("/look")
def look() -> Response:
    """Chooses language or theme; works without JavaScript and without being logged in."""
    language = session.LANGUAGES.get(request.form.get("language", ""))
    if language:
        cookie["language"] = language
    theme = request.form.get("theme", "")
    if theme in session.THEMES:
        cookie["theme"] = theme
    cookie.permanent = True
    return redirect(session.safe_target(request.form.get("next")))


@blueprint.get("/about")
def about() -> str:
    """What this is and which version."""
    return render_template("shell/about.html", version=__version__)


@blueprint.get("/healthz")
def healthz() -> tuple[dict[str, str], int]:
    """Alive."""
    return {"status": "ok"}, 200


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Able to work: the catalogue answers."""
    with session.archive().read(Actor.system("console")) as tx:
        tx.session.execute(text("SELECT 1"))
    return {"status": "ready"}, 200
