"""What the pipeline leaves in the catalogue: the rows of its steps, its events, and how a submission ended."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import delete, insert, update

from ingest.submissions import finding_as_row
from ingest.work import Happening, StepName, StepResult, StepState, Verdict, Work
from repository.agents import JINGUI, AgentKey, AgentRole, AgentType
from repository.events import EventOutcome, EventType, ObjectType
from repository.findings import Outcome, is_valid
from repository.holdings import Submission, SubmissionState, SubmissionStep
from repository.identifiers import aip_id
from repository.notices.happenings import submission_ended
from repository.transaction import Transaction


class Recorder:
    """Writes each step into the catalogue as it begins and ends, and keeps its events until the submission has ended.

    Args:
        work: the submission at hand.
        first: the step with which it begins; those before it were done in an attempt before, and their events are in `work`.
    """

    def __init__(self, work: Work, first: StepName = StepName.UNPACK) -> None:
        self._work = work
        self._ended: tuple[StepName, StepResult] | None = None
        self._at_hand: StepName | None = None
        self._events_after: dict[StepName, int] = dict.fromkeys(list(StepName)[: list(StepName).index(first)], len(work.events))

    @property
    def at_hand(self) -> StepName | None:
        """The step that has begun and not ended."""
        return self._at_hand

    def events_before(self, name: StepName) -> Sequence[Happening]:
        """The events of the steps that ended before this one."""
        order = list(StepName)
        ended = [count for step, count in self._events_after.items() if order.index(step) < order.index(name)]
        return self._work.events[: max(ended, default=0)]

    def begins(self, name: StepName) -> None:
        """The step before it has ended and this one begins: one transaction for both."""
        with self._work.archive.transaction(self._work.actor) as tx:
            self.write(tx)
            _set(tx, self._work.submission_id, name, state=StepState.RUNNING, started_at=tx.now)
        self._at_hand = name

    def ended(self, name: StepName, event: EventType | None, result: StepResult) -> None:
        """Keeps the result and the events of the step."""
        self._ended = (name, result)
        self._at_hand = None
        self._work.events.extend(happenings(self._work, name, event, result))
        self._events_after[name] = len(self._work.events)

    def write(self, tx: Transaction) -> None:
        """Writes the result that is still to be written."""
        if self._ended is None:
            return
        name, result = self._ended
        _set(tx, self._work.submission_id, name, state=_state(result), detail=said(result), ended_at=tx.now)
        self._ended = None

    def broke_off(self, tx: Transaction, state: StepState) -> None:
        """The step at hand did not end by itself."""
        self.write(tx)
        if self._at_hand is not None:
            _set(tx, self._work.submission_id, self._at_hand, state=state, ended_at=tx.now)
            self._at_hand = None


def said(result: StepResult) -> str:
    """What a step said as its row keeps it: template and values, so that it can be told in another language."""
    return json.dumps({"note": result.note, "values": dict(result.detail)}, ensure_ascii=False)


def lay_out_steps(tx: Transaction, submission_id: str, *, begin: StepName) -> None:
    """Sets the steps of a submission from `begin` on to `pending`, forgetting an earlier attempt at them."""
    first = list(StepName).index(begin)
    tx.session.execute(delete(SubmissionStep).where(SubmissionStep.submission_id == submission_id, SubmissionStep.position >= first))
    tx.session.execute(
        insert(SubmissionStep),
        [
            {"submission_id": submission_id, "position": position, "name": name, "state": StepState.PENDING, "detail": ""}
            for position, name in enumerate(StepName)
            if position >= first
        ],
    )


def happenings(work: Work, name: StepName, event: EventType | None, result: StepResult) -> list[Happening]:
    """The events of a step."""
    now = work.archive.clock()
    found = []
    if event is not None:
        outcome = EventOutcome.SUCCESS
        if result.findings:
            outcome = EventOutcome.WARNING if is_valid(result.findings) else EventOutcome.FAILURE
        found.append(
            Happening(
                id=work.archive.new_id(),
                type=event,
                at=now,
                outcome=outcome,
                # the template beside its values, so that a page can tell the note in another language
                detail={"step": str(name), "note": result.note, **result.detail},
                note=result.text,
                program=result.program,
            )
        )
    found += [
        Happening(
            id=work.archive.new_id(),
            type=also.type,
            at=now,
            outcome=also.outcome,
            detail=also.detail,
            note=also.note,
            store=also.store,
        )
        for also in result.also
    ]
    return found


def agents_of(work: Work, happening: Happening) -> list[tuple[AgentRole, AgentKey]]:
    """Who took part in what happened: the program, and who handed the package in."""
    agents = [(AgentRole.EXECUTING_PROGRAM, JINGUI)]
    if happening.program is not None:
        name, version = happening.program
        agents.append((AgentRole.EXECUTING_PROGRAM, AgentKey(type=AgentType.SOFTWARE, name=name, version=version)))
    agents.append((AgentRole.IMPLEMENTER, AgentKey(type=AgentType.PERSON, name=work.received_by)))
    return agents


def record_events(tx: Transaction, work: Work, happened: Sequence[Happening], *, record_id: str | None) -> None:
    """Puts what happened into the ledger, about the submission and, where it became or met one, its record and AIP."""
    objects: list[tuple[ObjectType, str]] = [(ObjectType.SUBMISSION, work.submission_id)]
    if record_id is not None:
        objects = [(ObjectType.AIP, aip_id(record_id)), (ObjectType.RECORD, record_id), *objects]
    for item in happened:
        tx.record_event(
            item.type,
            objects=(*objects, (ObjectType.STORE, item.store)) if item.store else objects,
            outcome=item.outcome,
            detail=item.detail,
            note=item.note,
            agents=agents_of(work, item),
            id=item.id,
            at=item.at,
        )


def end(tx: Transaction, work: Work, state: SubmissionState, *, record_id: str | None = None, error: str = "") -> None:
    """Writes down how the submission ended, with everything found and every event of its steps.

    Args:
        tx: the unit of work.
        work: the submission.
        state: what became of it.
        record_id: the record it became, or is the same as.
        error: what went wrong on our side.
    """
    files, size = work.size
    tx.session.execute(
        update(Submission)
        .where(Submission.id == work.submission_id)
        .values(
            state=state,
            profile=work.profile,
            recognition=[{"profile": item.profile, "score": item.score, "reason": item.reason} for item in work.recognitions],
            findings=[finding_as_row(finding) for finding in work.findings],
            files=files,
            bytes=size,
            error=error,
            record_id=record_id,
            aip_id=aip_id(record_id) if record_id else None,
            ended_at=tx.now,
        )
    )
    record_events(tx, work, work.events, record_id=record_id if state is SubmissionState.STORED else None)
    if state is not SubmissionState.STORED:
        objects = [(ObjectType.SUBMISSION, work.submission_id)]
        if record_id is not None:
            objects.append((ObjectType.RECORD, record_id))
        failed = sorted({finding.code for finding in work.findings if finding.outcome is Outcome.FAIL})
        outcome = EventOutcome.WARNING if state is SubmissionState.DUPLICATE else EventOutcome.FAILURE
        happening = Happening(id=tx.archive.new_id(), type=EventType.INGESTION_END, at=tx.now)
        detail = {"state": str(state), **({"failed": failed} if failed else {}), **({"error": error} if error else {})}
        tx.record_event(happening.type, objects=objects, outcome=outcome, detail=detail, agents=agents_of(work, happening))
    submission_ended(tx, work.submission_id)


def _state(result: StepResult) -> StepState:
    if result.verdict is Verdict.REJECT or not is_valid(result.findings):
        return StepState.REJECTED
    return StepState.WARNING if any(finding.outcome is Outcome.WARN for finding in result.findings) else StepState.DONE


def _set(tx: Transaction, submission_id: str, name: str, **values: object) -> None:
    tx.session.execute(
        update(SubmissionStep).where(SubmissionStep.submission_id == submission_id, SubmissionStep.name == name).values(**values)
    )
