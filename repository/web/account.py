"""My account: password, second factor, sessions, language, mail address, and the way to tokens and notices."""

from __future__ import annotations

from typing import Final, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import Field, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from repository.accounts import change_user
from repository.accounts.authentication import change_password
from repository.accounts.identities import own_identities, unlink_identity
from repository.accounts.policy import WeakPassword
from repository.accounts.second_factor import disable_second_factor, enable_second_factor, renew_recovery_codes
from repository.accounts.sessions import end_session, end_sessions, own_sessions
from repository.accounts.tables import User
from repository.errors import UsageError
from repository.findings import N_
from repository.web import people, session
from repository.web.login import count_failure, minutes_to_wait, told, wait
from repository.web.programs import program_name

blueprint = Blueprint("account", __name__, url_prefix="/account")

#: The secret that is being set up, encrypted; in the cookie until its first code has come.
_NEW_SECRET: Final = "second-factor"
_LANGUAGES: Final = (("", N_("as the archive")), ("zh_Hans_CN", "中文"), ("en", "English"))


class PersonForm(FlaskForm):
    """What a person says of oneself."""

    email = StringField(N_("Mail address"), validators=[Length(max=254)])
    language = StringField(N_("Language"))


class PasswordChangeForm(FlaskForm):
    """The present password, and the new one twice."""

    current = PasswordField(N_("Present password"), validators=[InputRequired(), Length(max=1024)])
    new = PasswordField(N_("New password"), validators=[InputRequired()])
    again = PasswordField(N_("New password once more"), validators=[InputRequired()])


class FirstCodeForm(FlaskForm):
    """The first code of a new second factor."""

    code = StringField(N_("Code that the application shows"), validators=[InputRequired(), Length(max=20)])


@blueprint.get("/")
@session.needs()
def overview() -> str:
    """Everything about the own account on one page."""
    return _overview(None)


@blueprint.post("/")
@session.needs()
def change() -> Response | tuple[str, int]:
    """Changes language and mail address."""
    form = PersonForm()
    if not form.validate():
        return _overview(form), 400
    try:
        with session.archive().transaction(session.actor()) as tx:
            change_user(tx, session.actor().name, email=form.email.data or "", language=form.language.data or "")
    except UsageError as error:
        _errors(form.email).append(told(error))
        return _overview(form), 400
    if form.language.data in session.LANGUAGES.values():
        cookie["language"] = form.language.data
    flash(gettext("Saved."), "good")
    return redirect(url_for("account.overview"))


@blueprint.route("/password", methods=["GET", "POST"])
@session.needs(owing="password")
def password() -> Response | tuple[str, int]:
    """Changes the password; whose password is for the first login only, or too old, comes here first."""
    target = session.safe_target(request.args.get("next"))
    form = PasswordChangeForm()
    status = 200
    if request.method == "POST":
        status = 400
        if (minutes := minutes_to_wait()) is not None:
            form.form_errors.append(wait(minutes))
            status = 429
        elif form.validate() and _alike(form) and (secret := _changed(form)):
            session.open_session(secret)
            flash(gettext("Your password is changed. Every other session of yours has ended."), "good")
            if session.owes():
                return redirect(url_for(session.DEBTS[session.owes()], next=target))
            return redirect(target if request.args.get("next") else url_for("account.overview"))
    rules = session.archive().settings.accounts
    return render_template("account/password.html", form=form, rules=rules, forced=session.owes() == "password"), status


@blueprint.route("/second-factor", methods=["GET", "POST"])
@session.needs(fresh=True, owing="second-factor")
def second_factor() -> Response | tuple[str, int]:
    """Switches the second factor on: shows a secret for the telephone, and takes its first code."""
    form = FirstCodeForm()
    status = 200
    if _own().tf_totp_secret:
        return redirect(url_for("account.overview"))
    secret = str(cookie.get(_NEW_SECRET, ""))
    if not secret:
        secret = cookie[_NEW_SECRET] = people.new_secret()
    if request.method == "POST":
        status = 400
        if form.validate():
            codes: list[str] = []
            with session.archive().transaction(session.actor()) as tx, people.datastore().within(tx):
                renewed = enable_second_factor(
                    tx,
                    session.login(),
                    lambda user: people.is_code(user, secret, form.code.data or ""),
                    lambda user: codes.extend(people.put_second_factor(user, secret)),
                )
            if renewed is not None:
                session.open_session(renewed)
                return render_template("account/codes.html", codes=codes, target=_next()), 200
            _errors(form.code).append(gettext("This is not the code of now. Is the telephone's clock right?"))
    key, picture = people.shown(session.actor().name, secret)
    forced = session.owes() == "second-factor"
    return render_template("account/second_factor.html", form=form, key=key, picture=picture, forced=forced), status


@blueprint.post("/second-factor/off")
@session.needs(fresh=True)
def second_factor_off() -> Response:
    """Switches the second factor off."""
    with session.archive().transaction(session.actor()) as tx, people.datastore().within(tx):
        secret = disable_second_factor(tx, session.login(), people.take_second_factor)
    session.open_session(secret)
    flash(gettext("The second factor is switched off."), "quiet")
    return redirect(url_for("account.overview"))


@blueprint.post("/second-factor/codes")
@session.needs(fresh=True)
def recovery_codes() -> str:
    """Makes new recovery codes and shows them once."""
    codes: list[str] = []
    with session.archive().transaction(session.actor()) as tx, people.datastore().within(tx):
        renew_recovery_codes(tx, lambda user: codes.extend(people.new_recovery_codes(user)))
    return render_template("account/codes.html", codes=codes, target=url_for("account.overview"))


@blueprint.post("/sessions/<id>/end")
@session.needs()
def end(id: str) -> Response:
    """Ends one of the own sessions."""
    with session.archive().transaction(session.actor()) as tx:
        end_session(tx, id)
    flash(gettext("The session is ended."), "quiet")
    return redirect(url_for("account.overview"))


@blueprint.post("/sessions/end")
@session.needs()
def end_others() -> Response:
    """Ends every session of one's own but this."""
    with session.archive().transaction(session.actor()) as tx:
        end_sessions(tx, tx.actor.id, but=session.login().id)
    flash(gettext("Every other session is ended."), "quiet")
    return redirect(url_for("account.overview"))


@blueprint.post("/identities/remove")
@session.needs(fresh=True)
def unlink() -> Response:
    """Takes an identity from the own account."""
    with session.archive().transaction(session.actor()) as tx:
        unlink_identity(tx, request.form.get("issuer", ""), request.form.get("subject", ""))
    flash(gettext("The account is no longer linked."), "quiet")
    return redirect(url_for("account.overview"))


def _overview(form: PersonForm | None) -> str:
    archive = session.archive()
    with archive.read(session.actor()) as tx:
        user = tx.session.get_one(User, tx.actor.id)
        return render_template(
            "account/overview.html",
            user=user,
            languages=_LANGUAGES,
            form=form or PersonForm(email=user.email, language=user.language),
            sessions=own_sessions(tx),
            present=session.login().id,
            identities=own_identities(tx),
            provider=archive.settings.oidc,
            rules=archive.settings.accounts,
            program_name=program_name,
        )


def _alike(form: PasswordChangeForm) -> bool:
    if form.new.data == form.again.data:
        return True
    _errors(form.again).append(gettext("The two are not the same."))
    return False


def _changed(form: PasswordChangeForm) -> str | None:
    try:
        secret = change_password(
            session.archive(),
            session.actor(),
            form.current.data or "",
            form.new.data or "",
            method=session.login().method,
            program=request.user_agent.string,
        )
    except WeakPassword as weak:
        _errors(form.new).extend(gettext(fault.template).format_map(fault.values) for fault in weak.faults)
        return None
    if secret is None:
        count_failure()
        _errors(form.current).append(gettext("This is not your password, or the account is locked for now."))
    return secret


def _own() -> User:
    with session.archive().read(session.actor()) as tx:
        return tx.session.get_one(User, tx.actor.id)


def _next() -> str:
    return session.safe_target(request.args.get("next")) if request.args.get("next") else url_for("account.overview")


def _errors(field: Field) -> list[str]:
    field.errors = list(field.errors)
    return cast(list[str], field.errors)
