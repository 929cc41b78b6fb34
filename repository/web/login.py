"""Logging in and out: password, second factor, proving again who one is before a dangerous act."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import cast

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from repository.accounts.authentication import confirm_password, log_in
from repository.accounts.second_factor import finish_login, prove_again
from repository.accounts.sessions import log_out, prove_by_password
from repository.accounts.tables import User
from repository.errors import JinguiError
from repository.findings import N_
from repository.web import people, session
from repository.web.throttle import Throttle

blueprint = Blueprint("login", __name__)


class LoginForm(FlaskForm):
    """Name and password."""

    name = StringField(N_("User name"), validators=[InputRequired(), Length(max=64)])
    password = PasswordField(N_("Password"), validators=[InputRequired(), Length(max=1024)])


class CodeForm(FlaskForm):
    """A code of the second factor, or one of the recovery codes."""

    code = StringField(N_("Code"), validators=[InputRequired(), Length(max=40)])


class PasswordForm(FlaskForm):
    """The password alone."""

    password = PasswordField(N_("Password"), validators=[InputRequired(), Length(max=1024)])


def register(app: Flask) -> None:
    """Puts the pages in place."""
    rules = session.archive_of(app).settings.accounts
    app.extensions["login_throttle"] = Throttle(rules.address_failures, timedelta(minutes=rules.lockout_minutes))
    app.register_blueprint(blueprint)


@blueprint.route("/login", methods=["GET", "POST"])
def enter() -> Response | tuple[str, int]:
    """Logs a person in; a wrong name, a wrong password, a locked and a disabled account look the same."""
    target = session.safe_target(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target)
    form = LoginForm()
    if request.method == "POST":
        if (minutes := minutes_to_wait()) is not None:
            form.form_errors.append(wait(minutes))
            return _login_page(form, 429)
        if not form.validate():
            return _login_page(form, 400)
        secret = log_in(session.archive(), form.name.data or "", form.password.data or "", program=request.user_agent.string)
        if secret is None:
            count_failure()
            form.form_errors.append(gettext("The user name or the password is wrong, or the account is locked for now."))
            return _login_page(form, 401)
        session.open_session(secret)
        return redirect(target if not session.owes() else url_for(session.DEBTS[session.owes()], next=target))
    return _login_page(form, 200)


@blueprint.route("/login/code", methods=["GET", "POST"])
@session.needs(owing="code")
def code() -> Response | tuple[str, int]:
    """Asks for the code of the second factor."""
    target = session.safe_target(request.args.get("next"))
    if session.owes() != "code":
        return redirect(target)
    form = CodeForm()
    status = 200
    if request.method == "POST":
        status = 400
        if (minutes := minutes_to_wait()) is not None:
            form.form_errors.append(wait(minutes))
            status = 429
        elif form.validate():
            with session.archive().transaction(session.actor()) as tx, people.datastore().within(tx):
                secret = finish_login(tx, session.login(), lambda user: is_second_factor(user, form.code.data or ""))
            if secret is not None:
                session.open_session(secret)
                return redirect(target)
            count_failure()
            cast(list[str], form.code.errors).append(gettext("This code is wrong or was used already, or the account is locked for now."))
            status = 401
    return render_template("login/code.html", form=form), status


@blueprint.route("/login/again", methods=["GET", "POST"])
@session.needs()
def verify() -> Response | tuple[str, int]:
    """Asks who is at the keyboard, before a dangerous act: for a code where there is a second factor, else for the password."""
    target = session.safe_target(request.args.get("next"))
    with session.archive().read(session.actor()) as tx:
        user = tx.session.get_one(User, session.actor().id)
    if not user.password_hash and not user.tf_totp_secret:
        # who comes by an identity provider has nothing to type here: the provider asks
        return redirect(url_for("provider.begin", next=target, again=1))
    form = CodeForm() if user.tf_totp_secret else PasswordForm()
    field = form.code if isinstance(form, CodeForm) else form.password
    status = 200
    if request.method == "POST":
        status = 400
        if (minutes := minutes_to_wait()) is not None:
            form.form_errors.append(wait(minutes))
            status = 429
        elif form.validate():
            secret = _prove(field.data or "", by_code=isinstance(form, CodeForm))
            if secret is not None:
                session.open_session(secret)
                return redirect(target)
            count_failure()
            wrong = (
                gettext("This code is wrong or was used already, or the account is locked for now.")
                if isinstance(form, CodeForm)
                else gettext("This is not your password, or the account is locked for now.")
            )
            cast(list[str], field.errors).append(wrong)
            status = 401
    return render_template("login/again.html", form=form, field=field), status


@blueprint.post("/logout")
def leave() -> Response:
    """Ends the session, here and in the browser."""
    found = getattr(current_user, "login", None)
    if found is not None:
        with session.archive().transaction(found.actor) as tx:
            log_out(tx, found.id)
    session.close_session()
    flash(gettext("You are logged out."), "quiet")
    return redirect(url_for("login.enter"))


def is_second_factor(user: User, given: str) -> bool:
    """Whether what was typed is the code of now or an unused recovery code of an account."""
    return bool(user.tf_totp_secret) and (people.is_code(user, user.tf_totp_secret or "", given) or people.use_recovery_code(user, given))


def minutes_to_wait() -> int | None:
    """How long this address must wait because too much from it was wrong, in minutes; None: it need not."""
    left = _throttle().wait(request.remote_addr or "", session.archive().clock())
    return None if left is None else max(1, ceil(left.total_seconds() / 60))


def count_failure() -> None:
    """Counts a failure of this address."""
    _throttle().failed(request.remote_addr or "", session.archive().clock())


def told(error: JinguiError) -> str:
    """What an error says and what to do, in the language of the page."""
    values = {"subject": error.subject, **error.parameters}
    return " ".join(gettext(text).format_map(values) for text in (error.template, error.remedy) if text)


def _prove(given: str, *, by_code: bool) -> str | None:
    archive, actor = session.archive(), session.actor()
    if by_code:
        with archive.transaction(actor) as tx, people.datastore().within(tx):
            return prove_again(tx, session.login(), lambda user: is_second_factor(user, given))
    if not confirm_password(archive, actor, given):
        return None
    with archive.transaction(actor) as tx:
        return prove_by_password(tx, session.login().id)


def _login_page(form: LoginForm, status: int) -> tuple[str, int]:
    provider = session.archive().settings.oidc
    return render_template("login/enter.html", form=form, provider=provider), status


def wait(minutes: int) -> str:
    """What somebody is told whose address must wait."""
    return str(
        ngettext(
            "Too many wrong attempts came from your address. Try again in %(num)s minute.",
            "Too many wrong attempts came from your address. Try again in %(num)s minutes.",
            minutes,
        )
    )


def _throttle() -> Throttle:
    return cast(Throttle, current_app.extensions["login_throttle"])
