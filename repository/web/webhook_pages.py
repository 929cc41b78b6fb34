"""The pages of webhooks."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from repository.findings import N_
from repository.notices import webhooks as use_cases
from repository.notices.delivering import ATTEMPTS
from repository.notices.kinds import KINDS
from repository.notices.tables import Webhook
from repository.notices.webhooks import WrongWebhook
from repository.permissions import Permission
from repository.web import session

blueprint = Blueprint("webhooks", __name__, url_prefix="/admin/webhooks")


class WebhookForm(FlaskForm):
    """Name, address and what it is told of."""

    name = StringField(N_("Name"), validators=[InputRequired(), Length(max=100)])
    url = StringField(N_("Address"), validators=[InputRequired(), Length(max=2000)])
    kinds = SelectMultipleField(N_("What it is told of"), choices=[], validate_choice=False)
    active = BooleanField(N_("Messages are sent"), default=True)

    def __init__(self, webhook: Webhook | None = None) -> None:
        super().__init__(
            data={"name": webhook.name, "url": webhook.url, "kinds": webhook.kinds, "active": webhook.active} if webhook else None
        )
        self.kinds.choices = [SelectChoice(str(kind), gettext(KINDS[kind].announced)) for kind in use_cases.offered_kinds()]


@blueprint.get("")
@session.needs(Permission.WEBHOOK_MANAGE)
def webhooks() -> str:
    """All of them, and a form for another."""
    return _list(WebhookForm())


@blueprint.post("")
@session.needs(Permission.WEBHOOK_MANAGE)
def create() -> tuple[str, int]:
    """Adds one; its secret stands on the answer and nowhere else."""
    form = WebhookForm()
    if form.validate():
        try:
            with session.archive().transaction(session.actor()) as tx:
                webhook_id, secret = use_cases.create_webhook(tx, name=form.name.data, url=form.url.data, kinds=form.kinds.data or [])
        except WrongWebhook as error:
            _blame(form, error)
        else:
            return _one(webhook_id, secret=secret), 201
    return _list(form), 400


@blueprint.get("/<webhook_id>")
@session.needs(Permission.WEBHOOK_MANAGE)
def webhook(webhook_id: str) -> str:
    """One, with its latest messages."""
    return _one(webhook_id)


@blueprint.post("/<webhook_id>")
@session.needs(Permission.WEBHOOK_MANAGE)
def change(webhook_id: str) -> Response | tuple[str, int]:
    """Changes one."""
    form = WebhookForm()
    if form.validate():
        try:
            with session.archive().transaction(session.actor()) as tx:
                use_cases.change_webhook(
                    tx, webhook_id, name=form.name.data, url=form.url.data, kinds=form.kinds.data or [], active=form.active.data
                )
        except WrongWebhook as error:
            _blame(form, error)
        else:
            flash(gettext("The webhook is changed."), "good")
            return redirect(url_for("webhooks.webhook", webhook_id=webhook_id))
    return _one(webhook_id, form=form), 400


@blueprint.post("/<webhook_id>/secret")
@session.needs(Permission.WEBHOOK_MANAGE)
def replace_secret(webhook_id: str) -> str:
    """Another secret; it stands on the answer and nowhere else."""
    with session.archive().transaction(session.actor()) as tx:
        secret = use_cases.replace_secret(tx, webhook_id)
    return _one(webhook_id, secret=secret)


@blueprint.post("/<webhook_id>/test")
@session.needs(Permission.WEBHOOK_MANAGE)
def test(webhook_id: str) -> Response:
    """Has a message sent that tells of nothing."""
    with session.archive().transaction(session.actor()) as tx:
        use_cases.send_test(tx, webhook_id)
    flash(gettext("A test message is on its way; its state is in the list below."), "good")
    return redirect(url_for("webhooks.webhook", webhook_id=webhook_id))


@blueprint.post("/<webhook_id>/delete")
@session.needs(Permission.WEBHOOK_MANAGE)
def delete(webhook_id: str) -> Response:
    """Removes one."""
    with session.archive().transaction(session.actor()) as tx:
        use_cases.delete_webhook(tx, webhook_id)
    flash(gettext("The webhook is removed."), "good")
    return redirect(url_for("webhooks.webhooks"))


@blueprint.post("/<webhook_id>/messages/<delivery_id>/again")
@session.needs(Permission.WEBHOOK_MANAGE)
def again(webhook_id: str, delivery_id: str) -> Response:
    """Puts a message that was given up back in line."""
    with session.archive().transaction(session.actor()) as tx:
        use_cases.send_again(tx, delivery_id)
    return redirect(url_for("webhooks.webhook", webhook_id=webhook_id))


def _list(form: WebhookForm) -> str:
    with session.archive().read(session.actor()) as tx:
        rows = use_cases.list_webhooks(tx)
    private = session.archive().settings.webhook_private_addresses
    return render_template("webhooks/webhooks.html", rows=rows, form=form, kinds=KINDS, private=private)


def _one(webhook_id: str, *, form: WebhookForm | None = None, secret: str = "") -> str:
    with session.archive().read(session.actor()) as tx:
        found = use_cases.find_webhook(tx, webhook_id)
        deliveries = use_cases.latest_deliveries(tx, webhook_id)
    return render_template(
        "webhooks/webhook.html",
        webhook=found,
        deliveries=deliveries,
        form=form or WebhookForm(found),
        secret=secret,
        limit=ATTEMPTS,
        kinds=KINDS,
    )


def _blame(form: WebhookForm, error: WrongWebhook) -> None:
    """Puts what cannot be to the field it is about."""
    values = {"subject": error.subject, **error.parameters}
    message = " ".join(gettext(text).format_map(values) for text in (error.template, error.remedy) if text)
    field = {"name": form.name, "kinds": form.kinds}.get(error.about, form.url)
    field.errors = [*field.errors, message]
