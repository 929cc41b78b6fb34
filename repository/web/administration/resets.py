"""Resetting passwords: alone, and with a second administrator."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from repository.accounts.resets import confirm_reset, pending_resets, refuse_reset, request_reset, reset_password
from repository.errors import Conflict
from repository.permissions import Permission
from repository.web import session
from repository.web.administration.shared import PlainForm, account_address, act, blueprint, show_secrets
from repository.web.login import told


@blueprint.post("/accounts/<name>/reset")
@session.needs(Permission.USER_MANAGE, fresh=True)
def reset(name: str) -> str | Response:
    """Replaces a password by a one-time password, which is shown once."""
    try:
        with session.archive().transaction(session.actor()) as tx:
            password = reset_password(tx, name)
    except Conflict as error:
        flash(told(error), "bad")
        return redirect(account_address(name))
    return show_secrets(
        gettext("The password is replaced"),
        gettext("Give the person this password by a way that nobody else sees. It works for the first login only."),
        [(name, "", password)],
        account_address(name),
        after=gettext("The person's sessions and tokens have ended, and the person is told that you did this."),
    )


@blueprint.post("/accounts/<name>/ask-reset")
@session.needs(Permission.ADMINISTRATOR_RESET, fresh=True)
def ask_reset(name: str) -> str | Response:
    """Asks that an administrator's password be replaced; half of it is shown once."""
    try:
        with session.archive().transaction(session.actor()) as tx:
            half = request_reset(tx, name)
    except Conflict as error:
        flash(told(error), "bad")
        return redirect(account_address(name))
    return show_secrets(
        gettext("The reset waits for its confirmation"),
        gettext("This is the first half of the new password. Give it to the person yourself; you cannot see the other half."),
        [(name, "", half)],
        url_for("administration.resets"),
        after=gettext("An administrator with another role than yours confirms within 24 hours and gives the person the second half."),
    )


@blueprint.get("/resets")
@session.needs(Permission.ADMINISTRATOR_RESET)
def resets() -> str:
    """The resets that wait for a second administrator."""
    with session.archive().read(session.actor()) as tx:
        return render_template("administration/resets.html", wishes=pending_resets(tx), button=PlainForm(formdata=None))


@blueprint.post("/resets/<reset_id>/confirm")
@session.needs(Permission.ADMINISTRATOR_RESET, fresh=True)
def confirm(reset_id: str) -> str | Response:
    """Confirms a reset; the other half of the password is shown once."""
    try:
        with session.archive().transaction(session.actor()) as tx:
            name = next((wish.name for wish in pending_resets(tx) if wish.id == reset_id), "")
            half = confirm_reset(tx, reset_id)
    except Conflict as error:
        flash(told(error), "bad")
        return redirect(url_for("administration.resets"))
    return show_secrets(
        gettext("The password is replaced"),
        gettext("This is the second half of the new password. Give it to the person yourself; you cannot see the first half."),
        [(name, "", half)],
        url_for("administration.resets"),
        after=gettext("The person types the first half, a hyphen, and the second half, and then chooses a password."),
    )


@blueprint.post("/resets/<reset_id>/refuse")
@session.needs(Permission.ADMINISTRATOR_RESET)
def refuse(reset_id: str) -> Response:
    """Ends a wish without replacing anything."""
    return act(lambda tx: refuse_reset(tx, reset_id), gettext("The reset is refused."), url_for("administration.resets"), tone="warn")
