"""Delivery of jobs to many machines: what a broker is told, and when.

The ledger stays the truth; a message carries a job's id and nothing else. It goes out after the commit that enqueued the
job, from a thread of its own, so that a broker that is away neither fails nor slows a use case. What was not sent, or what
a broker lost, is found by `redeliver` at the next tick. A message too many is harmless: the row is claimed once.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.exc import DBAPIError

from repository.errors import JinguiError
from repository.findings import N_
from repository.holdings import Job
from repository.jobs import ledger
from repository.jobs.ledger import JobState
from repository.permissions import Actor

if TYPE_CHECKING:
    from celery import Celery

    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: Name of the one task that workers know; its one argument is the id of a job.
TASK: Final = "jingui.job"
#: Name of the queue. A broker address (Redis database, RabbitMQ virtual host) belongs to one archive.
QUEUE: Final = "jingui"
#: A broker that does not answer for so long is away, seconds.
ANSWER_SECONDS: Final = 3.0
#: A message sent so long ago may be lost even though others wait in the queue.
LOST_AFTER: Final = timedelta(hours=1)
#: Messages sent in one go.
BATCH: Final = 500
#: How long a process that ends waits for its last messages, seconds.
_END_SECONDS: Final = 2.0

_DELIVERY: Final = Actor.system("delivery")


class CeleryMissing(JinguiError):
    """A broker is set, but the library that speaks to it is not installed."""

    code = "CELERY_MISSING"


def celery_app(broker_url: str) -> Celery:
    """The Celery application: JSON messages, no results, every message kept until its job has been seen to.

    Args:
        broker_url: address of Redis or RabbitMQ.

    Raises:
        CeleryMissing: the extra is not installed.
    """
    try:
        from celery import Celery
    except ImportError as error:
        raise CeleryMissing(
            N_("Jobs are to be delivered by {subject}, but Celery is not installed."),
            subject=broker_url.partition("://")[0],
            remedy=N_("Install it with “pip install 'jingui[celery]'”, or leave broker_url empty."),
        ) from error
    app = Celery("jingui", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=ANSWER_SECONDS,
        # a worker that does a job does not answer heartbeats meanwhile; TCP tells when the other side is gone
        broker_heartbeat=0,
        broker_transport_options=_transport_options(broker_url),
        enable_utc=True,
        task_acks_late=True,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
    )
    return app


def _transport_options(broker_url: str) -> dict[str, Any]:
    if broker_url.startswith("redis"):
        return {"socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS, "socket_keepalive": True}
    return {"confirm_publish": True, "read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}


class Broker:
    """Sends ids of jobs, within seconds or not at all. A broker that is away is logged once, not each time.

    Args:
        url: address of Redis or RabbitMQ.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        #: whether the last attempt to reach it failed
        self.is_away = False

    def send(self, job_ids: Sequence[str]) -> bool:
        """Sends a message for each job. Returns False if the broker is away; some may have been sent then."""
        return self._attempt(partial(self._send, job_ids)) is not None

    def waiting(self) -> int | None:
        """How many messages wait in the queue; None if the broker is away."""
        return self._attempt(self._waiting)

    @cached_property
    def _app(self) -> Celery:
        return celery_app(self._url)

    def _send(self, job_ids: Sequence[str]) -> int:
        with closing(self._connect()) as connection, self._app.amqp.Producer(connection) as producer:
            for job_id in job_ids:
                self._app.send_task(TASK, args=(job_id,), producer=producer, retry=False, ignore_result=True)
        return len(job_ids)

    def _waiting(self) -> int:
        with closing(self._connect()) as connection:
            declared = self._app.amqp.queues[QUEUE].bind(connection.default_channel).queue_declare()
            return int(declared.message_count)

    def _connect(self) -> Any:
        return self._app.connection_for_write().ensure_connection(max_retries=0)

    def _attempt(self, work: Callable[[], int]) -> int | None:
        try:
            result = work()
        except Exception as error:
            # whatever the transport raises: the jobs are in the ledger, and are sent later
            if not self.is_away:
                logger.warning("the broker cannot be reached (%s); jobs wait in the ledger until it is back", error)
            self.is_away = True
            return None
        if self.is_away:
            logger.warning("the broker is back")
        self.is_away = False
        return result


class Outbox:
    """Sends from a thread of its own, so that nobody waits for the broker.

    Args:
        broker: where to.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._letters: queue.Queue[tuple[Archive, str]] = queue.Queue()
        threading.Thread(target=self._run, name="outbox", daemon=True).start()
        atexit.register(self._drain)

    def put(self, archive: Archive, job_id: str) -> None:
        """Has a message sent soon; returns at once."""
        self._letters.put((archive, job_id))

    def _run(self) -> None:
        while True:
            letters = [self._letters.get()]
            while len(letters) < BATCH and not self._letters.empty():
                letters.append(self._letters.get())
            job_ids = [job_id for _, job_id in letters]
            if not self._broker.send(job_ids):
                _forget_sent(letters[0][0], job_ids)
            for _ in letters:
                self._letters.task_done()

    def _drain(self) -> None:
        """A process that ends gives its last messages a moment; `redeliver` sends what did not make it."""
        deadline = time.monotonic() + _END_SECONDS
        while self._letters.unfinished_tasks and not self._broker.is_away and time.monotonic() < deadline:
            time.sleep(0.01)


@cache
def _broker(url: str) -> Broker:
    return Broker(url)


@cache
def _outbox(url: str, home: Path) -> Outbox:
    """One a home: what could not be sent is noted in its catalogue."""
    return Outbox(_broker(url))


def deliver(archive: Archive, job_id: str) -> None:
    """Tells the broker that a job waits; called after the commit that made it so, and never waits for the broker."""
    _outbox(archive.settings.broker_url, archive.home).put(archive, job_id)


def redeliver(archive: Archive) -> int:
    """Sends the jobs that wait and that no message stands for: never sent, or sent long ago and gone from the queue.

    May run in any number of processes at once; a message too many is harmless.

    Returns:
        The number of messages sent; 0 where the broker is away.
    """
    lease = timedelta(seconds=archive.settings.lease_seconds)
    if not _unsent(archive, lease, limit=1):
        return 0
    broker = _broker(archive.settings.broker_url)
    waiting = broker.waiting()
    if waiting is None:
        return 0
    # while the queue is not empty, an old message is probably still in it
    job_ids = _unsent(archive, LOST_AFTER if waiting else lease, limit=BATCH)
    if not job_ids or not broker.send(job_ids):
        return 0
    with archive.transaction(_DELIVERY) as tx:
        tx.session.execute(update(Job).where(Job.id.in_(job_ids), Job.state == JobState.QUEUED).values(sent_at=tx.now))
    logger.info("%s jobs were sent to the broker again", len(job_ids))
    return len(job_ids)


def _unsent(archive: Archive, patience: timedelta, *, limit: int) -> Sequence[str]:
    """Jobs that are due and were not sent, or longer ago than this; the oldest first."""
    with archive.read(_DELIVERY) as tx:
        unsent = or_(Job.sent_at.is_(None), Job.sent_at < tx.now - patience)
        query = select(Job.id).where(ledger.is_due(tx.now), unsent).order_by(Job.not_before, Job.created_at, Job.id).limit(limit)
        return tx.session.scalars(query).all()


def _forget_sent(archive: Archive, job_ids: Sequence[str]) -> None:
    """Notes that no message stands for these jobs."""
    try:
        with archive.transaction(_DELIVERY) as tx:
            tx.session.execute(update(Job).where(Job.id.in_(job_ids), Job.state == JobState.QUEUED).values(sent_at=None))
    except DBAPIError:
        # then their messages count as lost after a while
        logger.exception("%s jobs could not be marked as not sent", len(job_ids))
