"""Sending the messages that wait for webhooks: signed, again after a pause, and at last given up where everybody can see it.

The signature is ``Jingui-Signature: t=<unix seconds>,v1=<hex>``, HMAC-SHA256 (RFC 2104) with the webhook's secret over the
time, a full stop and the body as it was sent. A receiver computes it again, compares it in constant time, and refuses a time
that is more than a few minutes away; the id in the body tells a repetition.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from repository import __version__
from repository.jobs.context import JobContext
from repository.notices.calling import CallFailed, post, resolve
from repository.notices.tables import Notice, Webhook, WebhookDelivery
from repository.notices.webhooks import DeliveryState
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.archive import Archive

#: How often a message is sent before it is given up.
ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=6)
#: Messages that ended, and notices that were read, are kept so long.
KEPT: Final = timedelta(days=90)

_DELIVERY: Final = Actor.system("notices")


def signature(secret: str, moment: datetime, body: bytes) -> str:
    """The value of the header ``Jingui-Signature``."""
    seconds = int(moment.timestamp())
    mac = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={mac.hexdigest()}"


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 30 seconds, then four times as long each time, up to 6 hours."""
    pause: timedelta = _FIRST_PAUSE * 4 ** (attempts - 1)
    return min(pause, _LONGEST_PAUSE)


def deliver_due(archive: Archive, check: Any = None) -> int:
    """Sends what is due, one message after the other.

    Args:
        archive: the open archive.
        check: called between two messages; raises where the work should stop.

    Returns:
        How many were taken by their receivers.
    """
    taken = 0
    while (claimed := _claim(archive)) is not None:
        if check is not None:
            check()
        delivery, webhook = claimed
        status, error = _send(archive, delivery, webhook)
        with archive.transaction(_DELIVERY) as tx:
            row = tx.session.get(WebhookDelivery, delivery.id)
            if row is None:
                continue
            row.status, row.error = status, error
            if not error:
                row.state, row.ended_at = DeliveryState.DELIVERED, tx.now
                taken += 1
            elif row.attempts >= ATTEMPTS:
                row.state, row.ended_at = DeliveryState.GIVEN_UP, tx.now
    return taken


def deliver_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``notices.webhooks``."""
    return {"delivered": deliver_due(context.archive, context.check)}


def forget_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``notices.forget``: removes messages that ended and notices that were read a long time ago."""
    with context.archive.transaction(_DELIVERY) as tx:
        before = tx.now - KEPT
        tx.session.execute(delete(WebhookDelivery).where(WebhookDelivery.ended_at < before))
        tx.session.execute(delete(Notice).where(Notice.read_at < before))
    return {}


def _claim(archive: Archive) -> tuple[WebhookDelivery, Webhook] | None:
    """The next message that is due. It is put off at once: should this process end, it is sent again after the pause."""
    with archive.transaction(_DELIVERY) as tx:
        waiting = (
            select(WebhookDelivery)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .where(WebhookDelivery.state == DeliveryState.WAITING, WebhookDelivery.next_at <= tx.now, Webhook.active)
            .order_by(WebhookDelivery.next_at, WebhookDelivery.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=WebhookDelivery)
        )
        delivery = tx.session.scalars(waiting).first()
        if delivery is None:
            return None
        delivery.attempts += 1
        delivery.next_at = tx.now + pause_after(delivery.attempts)
        return delivery, tx.session.get_one(Webhook, delivery.webhook_id)


def _send(archive: Archive, delivery: WebhookDelivery, webhook: Webhook) -> tuple[int | None, str]:
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"Jingui/{__version__}",
        "Jingui-Event": delivery.kind,
        "Jingui-Delivery": delivery.id,
        "Jingui-Signature": signature(webhook.secret, archive.clock(), body),
    }
    try:
        target = resolve(webhook.url, private=archive.settings.webhook_private_addresses)
        return post(target, body, headers), ""
    except CallFailed as error:
        return error.status, str(error)
