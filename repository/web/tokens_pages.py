"""My API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from repository.accounts.tokens import LONGEST_NAME, NewToken, create_token, is_live, list_tokens, revoke_token, scopes_offered
from repository.errors import UsageError
from repository.findings import N_
from repository.web import session
from repository.web.administration.shared import complain
from repository.web.permission_words import permission_word

blueprint = Blueprint("tokens", __name__, url_prefix="/account/tokens")

#: What the form proposes.
_DAYS: Final = 90


class TokenForm(FlaskForm):
    """A new token."""

    name = StringField(N_("What is it for?"), validators=[InputRequired(), Length(max=LONGEST_NAME)])
    scopes = SelectMultipleField(N_("What it may do"), validate_choice=False)
    days = IntegerField(N_("Valid for days"), default=_DAYS, validators=[InputRequired()])


@blueprint.get("/")
@session.needs()
def tokens() -> str:
    """My tokens, and a form for a new one."""
    return _page(_form())


@blueprint.post("/")
@session.needs(fresh=True)
def create() -> tuple[str, int]:
    """Makes a token; its secret is shown once."""
    form = _form()
    most = session.archive().settings.token_days_most
    form.days.validators = [*form.days.validators, NumberRange(min=1, max=most)]
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                made = create_token(
                    tx, name=form.name.data or "", scopes=form.scopes.data or [], expires=tx.now + timedelta(days=form.days.data or 0)
                )
        except UsageError as error:
            complain(form.scopes, error)
        else:
            return _page(_form(), made=made), 200
    return _page(form), 400


@blueprint.post("/<token_id>/revoke")
@session.needs()
def revoke(token_id: str) -> Response:
    """Ends a token."""
    with session.archive().transaction(session.actor()) as tx:
        revoke_token(tx, token_id)
    flash(gettext("The token is revoked."), "warn")
    return redirect(url_for("tokens.tokens"))


def _form() -> TokenForm:
    form = TokenForm()
    form.scopes.choices = [SelectChoice(str(scope), gettext(permission_word(scope))) for scope in scopes_offered(session.actor())]
    return form


def _page(form: TokenForm, *, made: NewToken | None = None) -> str:
    if made is not None:
        form = TokenForm(formdata=None)
        form.scopes.choices = _form().scopes.choices
    with session.archive().read(session.actor()) as tx:
        return render_template(
            "administration/tokens.html",
            form=form,
            made=made,
            tokens=[(token, is_live(token, tx.now)) for token in list_tokens(tx)],
            most=session.archive().settings.token_days_most,
            permission_word=permission_word,
            now=tx.now,
        )
