"""The unit of work: a database session, who acts in it, the events it leaves behind, and what follows its commit.

Use cases take a `Transaction` as their first argument and never commit; `Archive.transaction` does. Everything that
must hold together is written in one: the change, its PREMIS event, the job it causes, the search entry it makes stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from repository.agents import JINGUI, AgentKey, AgentRole, agent_of
from repository.database import insertion
from repository.errors import PermissionDenied
from repository.events import EventOutcome, EventType, LedgerEvent, ObjectType, insert_events, next_sequence
from repository.holdings import Job, SearchPending
from repository.jobs.ledger import JobState
from repository.permissions import Actor, Permission, allows

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.logbook.chain import Line


class Transaction:
    """What a use case works in.

    Args:
        archive: the open archive.
        session: the database session; it begins at the first statement.
        actor: on whose behalf.
        now: the moment of the transaction.
    """

    def __init__(self, archive: Archive, session: Session, actor: Actor, now: datetime) -> None:
        self.archive = archive
        self.session = session
        self.actor = actor
        self.now = now
        self._events: list[LedgerEvent] = []
        self._lines: list[Line] = []
        self._hooks: list[Callable[[], None]] = []
        self._changed: set[str] = set()

    def require(self, permission: Permission, obj: object = None) -> None:
        """Goes on only if the actor may do this, to this object if one is given.

        Raises:
            PermissionDenied: the actor may not.
        """
        if not allows(self.actor, permission, obj):
            raise PermissionDenied(str(permission))

    def record_event(
        self,
        type: EventType,
        *,
        objects: Sequence[tuple[ObjectType, str]],
        outcome: EventOutcome = EventOutcome.SUCCESS,
        detail: Mapping[str, Any] | None = None,
        note: str = "",
        agents: Sequence[tuple[AgentRole, AgentKey]] | None = None,
        id: str | None = None,
        at: datetime | None = None,
        decision: bool = False,
    ) -> str:
        """Puts an event into the ledger; it gets its number when the transaction ends.

        Args:
            type: what happened.
            objects: what it was about.
            outcome: how it ended.
            detail: named values, JSON.
            note: text for people.
            agents: who took part; by default this program and the actor.
            id: its id, where it was given before.
            at: when, where it was not now.
            decision: somebody decided something that must not be lost: the journal is written at once.

        Returns:
            The id of the event.
        """
        if agents is None:
            agents = ((AgentRole.EXECUTING_PROGRAM, JINGUI), (AgentRole.IMPLEMENTER, agent_of(self.actor)))
        event = LedgerEvent(
            id=id or self.archive.new_id(),
            sequence=0,
            type=type,
            at=at or self.now,
            outcome=outcome,
            detail=dict(detail or {}),
            note=note,
            objects=tuple(objects),
            agents=tuple(agents),
        )
        self._events.append(event)
        if decision:
            self.enqueue("journal.flush", {}, key="journal.flush", again=True)
        return event.id

    def enqueue(
        self, kind: str, arguments: Mapping[str, Any], *, key: str | None = None, not_before: datetime | None = None, again: bool = False
    ) -> str:
        """Puts a job into the ledger of jobs, in this transaction.

        Args:
            kind: what is to be done; a name from the features.
            arguments: with what (JSON).
            key: names the work, so that it is not queued twice: while a job of this key waits or runs, that one is meant.
            not_before: not earlier than this; now by default.
            again: a job of this key that runs already does not count, because it may have begun too early to see this change.

        Returns:
            The id of the job that will do it.
        """
        if key is not None and again:
            self.session.execute(update(Job).where(Job.key == key, Job.state != JobState.QUEUED).values(key=None))
        not_before = not_before or self.now
        sent = bool(self.archive.settings.broker_url) and not_before <= self.now
        while True:
            job_id = self.archive.new_id()
            self.session.execute(
                insertion(self.session, Job)
                .values(
                    id=job_id,
                    kind=kind,
                    arguments=dict(arguments),
                    key=key,
                    state=JobState.QUEUED,
                    progress={},
                    attempts=0,
                    worker="",
                    not_before=not_before,
                    cancel_asked=False,
                    error="",
                    result={},
                    created_by=self.actor.id if self.actor.kind == "system" else self.actor.name,
                    created_at=self.now,
                    sent_at=self.now if sent else None,
                )
                .on_conflict_do_nothing(index_elements=[Job.key])
            )
            found = job_id if key is None else self.session.scalar(select(Job.id).where(Job.key == key))
            if sent and found == job_id:
                self.after_commit(partial(_deliver, self.archive, job_id))
            # the job that was in the way may have ended, and given up its key, between the two statements
            if found is not None:
                return found

    def changed(self, record_id: str) -> None:
        """Notes that the search entry of a record is behind; the engine in the database brings it up to date before the commit."""
        self._changed.add(record_id)
        statement = insertion(self.session, SearchPending).values(record_id=record_id, since=self.now)
        self.session.execute(statement.on_conflict_do_update(index_elements=[SearchPending.record_id], set_={"since": self.now}))

    def append_line(self, line: Line) -> None:
        """Takes a line of the logbook that is written with the commit; for `repository.logbook.recording.note`."""
        self._lines.append(line)

    def after_commit(self, function: Callable[[], None]) -> None:
        """Has a function called once the transaction is committed; never if it is rolled back."""
        self._hooks.append(function)

    def flush(self) -> None:
        """Writes what is pending to the database, so that queries of this transaction see it.

        Events get their numbers here, under a lock that is held until the transaction ends: before a commit there is no need to call this.
        """
        self.session.flush()
        if self._events:
            first = next_sequence(self.session)
            insert_events(self.session, (_numbered(event, first + place) for place, event in enumerate(self._events)))
            self._events.clear()

    def finish(self) -> None:
        """Writes everything that belongs to the commit; for `Archive`."""
        if self._changed and self.archive.settings.search_engine == "database":
            from repository.search.pending import index_at_once

            self.session.flush()
            index_at_once(self, self._changed)
            self._changed.clear()
        self.flush()
        if self._lines:
            from repository.logbook.anchors import keep_head
            from repository.logbook.recording import write_lines

            # after the events: whoever takes both locks takes them in this order
            self.after_commit(partial(keep_head, self.archive, *write_lines(self.session, self._lines)))
            self._lines.clear()

    def take_hooks(self) -> Sequence[Callable[[], None]]:
        """What is to be called after the commit; for `Archive`."""
        hooks, self._hooks = self._hooks, []
        return hooks


def _deliver(archive: Archive, job_id: str) -> None:
    from repository.jobs.delivery import deliver

    deliver(archive, job_id)


def _numbered(event: LedgerEvent, sequence: int) -> LedgerEvent:
    return LedgerEvent(
        id=event.id,
        sequence=sequence,
        type=event.type,
        at=event.at,
        outcome=event.outcome,
        detail=event.detail,
        note=event.note,
        objects=event.objects,
        agents=event.agents,
    )
