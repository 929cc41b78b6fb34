"""Webhooks: addresses of other programs that are told what happens, and the messages that wait for them.

A message is written in the transaction of what it tells. Its body is JSON and never changes from one attempt to the next;
`repository.notices.delivering` signs and sends it. It names things by their ids and holds no title, no name, no content.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy import func, select

from repository.errors import NotFound, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.notices.kinds import KINDS, Kind, Severity
from repository.notices.tables import Webhook, WebhookDelivery
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.transaction import Transaction

#: The kind of the job that sends what waits.
WEBHOOK_JOB: Final = "notices.webhooks"
#: The kind of a message that only tries the address.
TEST: Final = "test"
_LONGEST_NAME: Final = 100
_LONGEST_URL: Final = 2000


class WrongWebhook(UsageError):
    """A webhook cannot be as it is wanted.

    Args:
        about: the field that is wrong: ``name``, ``url`` or ``kinds``.
        template, subject, remedy, parameters: as for every error.
    """

    def __init__(self, about: str, template: str, *, subject: str = "", remedy: str = "", **parameters: object) -> None:
        super().__init__(template, subject=subject, remedy=remedy, **parameters)
        self.about = about


class DeliveryState(StrEnum):
    """Where a message stands."""

    WAITING = "queued"
    DELIVERED = "done"
    GIVEN_UP = "failed"


def offered_kinds() -> Sequence[Kind]:
    """The kinds that a webhook may ask for."""
    return [kind for kind, about in KINDS.items() if about.announced]


def create_webhook(tx: Transaction, *, name: str, url: str, kinds: Iterable[str]) -> tuple[str, str]:
    """Adds a webhook.

    Args:
        tx: the transaction.
        name: what people call it.
        url: where it is; see `checked_url`.
        kinds: what it is told of (`offered_kinds`).

    Returns:
        Its id, and the secret that signs its messages; the secret is never shown again.

    Raises:
        PermissionDenied: without `Permission.WEBHOOK_MANAGE`.
        WrongWebhook: name, address or kinds cannot be.
    """
    tx.require(Permission.WEBHOOK_MANAGE)
    secret = secrets.token_urlsafe(32)
    webhook = Webhook(
        id=tx.archive.new_id(),
        name=_checked_name(name),
        url=checked_url(tx, url),
        secret=secret,
        kinds=_checked_kinds(kinds),
        active=True,
        created_by=tx.actor.name,
        created_at=tx.now,
    )
    tx.session.add(webhook)
    note(tx, "webhook.created", object_type="webhook", object_id=webhook.id, detail={"name": webhook.name, "url": webhook.url})
    return webhook.id, secret


def change_webhook(tx: Transaction, webhook_id: str, *, name: str, url: str, kinds: Iterable[str], active: bool) -> None:
    """Changes a webhook; while it is not active, nothing is sent and what happens is not kept for it.

    Raises:
        PermissionDenied, NotFound, WrongWebhook: not allowed, no such webhook, values that cannot be.
    """
    webhook = find_webhook(tx, webhook_id)
    webhook.name, webhook.url, webhook.kinds = _checked_name(name), checked_url(tx, url), _checked_kinds(kinds)
    webhook.active = active
    detail = {"name": webhook.name, "url": webhook.url, "active": active}
    note(tx, "webhook.changed", object_type="webhook", object_id=webhook.id, detail=detail)


def replace_secret(tx: Transaction, webhook_id: str) -> str:
    """Gives a webhook another secret, and returns it for the only time.

    Raises:
        PermissionDenied, NotFound: not allowed, no such webhook.
    """
    webhook = find_webhook(tx, webhook_id)
    webhook.secret = secrets.token_urlsafe(32)
    note(tx, "webhook.secret-replaced", object_type="webhook", object_id=webhook.id, detail={"name": webhook.name})
    return webhook.secret


def delete_webhook(tx: Transaction, webhook_id: str) -> None:
    """Removes a webhook with its messages.

    Raises:
        PermissionDenied, NotFound: not allowed, no such webhook.
    """
    webhook = find_webhook(tx, webhook_id)
    for delivery in tx.session.scalars(select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)):
        tx.session.delete(delivery)
    tx.session.flush()
    tx.session.delete(webhook)
    note(tx, "webhook.deleted", object_type="webhook", object_id=webhook.id, detail={"name": webhook.name, "url": webhook.url})


def send_test(tx: Transaction, webhook_id: str) -> str:
    """Has a message sent that tells of nothing.

    Returns:
        The id of the message.

    Raises:
        PermissionDenied, NotFound: not allowed, no such webhook.
    """
    webhook = find_webhook(tx, webhook_id)
    note(tx, "webhook.tested", object_type="webhook", object_id=webhook.id, detail={"name": webhook.name})
    return _write(tx, webhook, TEST, Severity.INFO, "webhook", webhook.id, "")


def send_again(tx: Transaction, delivery_id: str) -> None:
    """Puts a message that was given up back in line, with all its attempts before it.

    Raises:
        PermissionDenied, NotFound: not allowed, no such message.
    """
    tx.require(Permission.WEBHOOK_MANAGE)
    delivery = tx.session.get(WebhookDelivery, delivery_id)
    if delivery is None:
        raise NotFound(N_("There is no message {subject}."), subject=delivery_id)
    delivery.state, delivery.attempts, delivery.next_at, delivery.ended_at = DeliveryState.WAITING, 0, tx.now, None
    note(tx, "webhook.sent-again", object_type="webhook", object_id=delivery.webhook_id, detail={"message": delivery.id})
    tx.enqueue(WEBHOOK_JOB, {}, key=WEBHOOK_JOB, again=True)


def list_webhooks(tx: Transaction) -> Sequence[tuple[Webhook, int]]:
    """Every webhook by name, with the number of messages to it that were given up.

    Raises:
        PermissionDenied: without `Permission.WEBHOOK_MANAGE`.
    """
    tx.require(Permission.WEBHOOK_MANAGE)
    given_up = (
        select(func.count())
        .select_from(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.state == DeliveryState.GIVEN_UP)
        .correlate(Webhook)
        .scalar_subquery()
    )
    return [(webhook, count) for webhook, count in tx.session.execute(select(Webhook, given_up).order_by(Webhook.name, Webhook.id))]


def find_webhook(tx: Transaction, webhook_id: str) -> Webhook:
    """The webhook.

    Raises:
        PermissionDenied, NotFound: not allowed, no such webhook.
    """
    tx.require(Permission.WEBHOOK_MANAGE)
    webhook = tx.session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFound(N_("There is no webhook {subject}."), subject=webhook_id)
    return webhook


def latest_deliveries(tx: Transaction, webhook_id: str, limit: int = 50) -> Sequence[WebhookDelivery]:
    """The latest messages to a webhook, the newest first.

    Raises:
        PermissionDenied: without `Permission.WEBHOOK_MANAGE`.
    """
    tx.require(Permission.WEBHOOK_MANAGE)
    return tx.session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id)
        .limit(limit)
    ).all()


def given_up(tx: Transaction) -> int:
    """How many messages were given up; the red number of the navigation."""
    statement = select(func.count()).select_from(WebhookDelivery).where(WebhookDelivery.state == DeliveryState.GIVEN_UP)
    return tx.session.scalar(statement) or 0


def announce(tx: Transaction, kind: Kind, *, severity: Severity, object_type: str, object_id: str, path: str) -> int:
    """Leaves a message for every webhook that asked for this kind.

    Args:
        tx: the transaction of what happens.
        kind: what happens.
        severity: how grave it is.
        object_type, object_id: what it is about.
        path: where in the console it can be seen.

    Returns:
        The number of messages.
    """
    webhooks = [webhook for webhook in tx.session.scalars(select(Webhook).where(Webhook.active)) if kind in webhook.kinds]
    for webhook in webhooks:
        _write(tx, webhook, kind, severity, object_type, object_id, path)
    return len(webhooks)


def checked_url(tx: Transaction, url: str) -> str:
    """An address that may be called, as far as it can be told without asking for it; the rest is asked at every connection.

    Raises:
        WrongWebhook: it is none, or one that leads elsewhere than to a server of the web.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    schemes = ("https", "http") if tx.archive.settings.webhook_private_addresses else ("https",)
    wrong = any(character <= " " or character == "\x7f" for character in url) or not url.isascii()
    if wrong or len(url) > _LONGEST_URL or parts.scheme not in schemes or not parts.hostname or port == 0:
        raise WrongWebhook(
            "url",
            N_("“{subject}” is not an address that can be told."),
            subject=url[:200],
            remedy=N_("Give one like https://example.org/path."),
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WrongWebhook(
            "url",
            N_("The address of a webhook has no user name, password or fragment in it."),
            remedy=N_("Leave it out; the receiver knows us by the signature."),
        )
    return url


def _write(tx: Transaction, webhook: Webhook, kind: str, severity: Severity, object_type: str, object_id: str, path: str) -> str:
    settings = tx.archive.settings
    delivery_id = tx.archive.new_id()
    body = {
        "id": delivery_id,
        "kind": str(kind),
        "severity": str(severity),
        "at": tx.now.isoformat(timespec="milliseconds"),
        "archive": {"name": settings.archive_name, "code": settings.archive_code},
        "object": {"type": object_type, "id": object_id},
        "link": settings.base_url.rstrip("/") + path if settings.base_url and path else None,
    }
    tx.session.add(
        WebhookDelivery(
            id=delivery_id,
            webhook_id=webhook.id,
            kind=str(kind),
            body=json.dumps(body, ensure_ascii=False),
            state=DeliveryState.WAITING,
            attempts=0,
            next_at=tx.now,
            error="",
            created_at=tx.now,
        )
    )
    tx.enqueue(WEBHOOK_JOB, {}, key=WEBHOOK_JOB, again=True)
    return delivery_id


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise WrongWebhook("name", N_("A webhook needs a name of 1 to {most} characters."), most=_LONGEST_NAME)
    return name


def _checked_kinds(kinds: Iterable[str]) -> list[str]:
    wanted = set(kinds)
    chosen = [str(kind) for kind in offered_kinds() if str(kind) in wanted]
    if not chosen:
        raise WrongWebhook("kinds", N_("Choose at least one thing the webhook is told of."))
    return chosen
