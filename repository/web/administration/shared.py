"""What the pages of administration share: the blueprint, validators from the use cases, answers to errors, secrets shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import Field, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from repository.errors import JinguiError, UsageError
from repository.findings import N_
from repository.permissions import Role
from repository.transaction import Transaction
from repository.web import session
from repository.web.login import told

blueprint = Blueprint("administration", __name__, url_prefix="/admin")
blueprint.add_app_template_filter(told, "error_told")


class PlainForm(FlaskForm):
    """A form of buttons only."""


class RolesForm(FlaskForm):
    """Which roles an account or a group has."""

    roles = SelectMultipleField(N_("Roles"), choices=[SelectChoice(str(role)) for role in Role])


def by(check: Callable[[str], object]) -> Callable[[FlaskForm, Field], None]:
    """A validator out of a check of the kernel, so that a form and a use case never disagree."""

    def validate(form: FlaskForm, field: Field) -> None:
        try:
            check(str(field.data or ""))
        except UsageError as error:
            raise ValidationError(told(error)) from error

    return validate


def complain(field: Field, error: JinguiError) -> None:
    """Puts an error of a use case below the field that it is about."""
    field.errors = [*field.errors, told(error)]


def act(verb: Callable[[Transaction], Any], done: str, back: str, *, tone: str = "good") -> Response:
    """Does something in a transaction of the person who asks, says how it went, and leads back.

    Args:
        verb: the use case with its arguments.
        done: what is said afterwards.
        back: the address that leads back.
        tone: of what is said.
    """
    try:
        with session.archive().transaction(session.actor()) as tx:
            verb(tx)
    except JinguiError as error:
        if error.http_status in (403, 404):
            raise
        flash(told(error), "bad")
    else:
        flash(done, tone)
    return redirect(back)


def grant(field: Field, verb: Callable[[Transaction], Any]) -> bool:
    """Changes roles in a transaction of the person who asks; says whether it did. Why not stands below the field."""
    try:
        with session.archive().transaction(session.actor()) as tx:
            verb(tx)
    except JinguiError as error:
        if error.http_status in (403, 404):
            raise
        complain(field, error)
        return False
    return True


def show_secrets(title: str, advice: str, secrets: Sequence[tuple[str, str, str]], back: str, *, after: str = "") -> str:
    """The page that shows secrets this once.

    Args:
        title: of the page.
        advice: what to do with them.
        secrets: name of the account, the person's name, the secret.
        back: where it goes on.
        after: what happens next.
    """
    return render_template("administration/secrets.html", title=title, advice=advice, secrets=secrets, back=back, after=after)


def account_address(name: str) -> str:
    """The page of an account."""
    return url_for("administration.account", name=name)
