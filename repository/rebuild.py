"""The catalogue and the search index made again from storage alone.

Events come from the journal, everything else of a record from its package: descriptions, files and their formats from the
documents in it, and from its ingestion events which submission brought which version and where it was verified. Accounts,
settings, agreements, submissions and jobs are no holdings: they stay as they are where there are some.

All of it is one transaction: until it ends, and if it is killed, the catalogue is as it was. The ledger of events only
grows: where it contradicts the journal, nothing is changed and the contradiction is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, exists, func, select, update

from repository import aip
from repository.agents import AgentKey, AgentType
from repository.aip_reading import StoredPackage, description_before, read_stored
from repository.database import insert_files
from repository.errors import Conflict
from repository.events import COPY_STATE, EventOutcome, EventType, LedgerEvent, ObjectType, events_of, insert_events, next_sequence
from repository.findings import N_, Finding, Property, failure, is_valid, warning
from repository.holdings import Agreement, Aip, AipVersion, Copy, CopyState, Event, File, Hold, Record, RecordState, Submission
from repository.identifiers import is_journal
from repository.jobs.context import Progress
from repository.jobs.recovery import nobody_works
from repository.journal import JournalBehind, flush, read_journal
from repository.permissions import Actor, Permission
from repository.recordkeeping.holds import rebuild_holds
from repository.search.pending import refresh, start_again
from storage.errors import StorageError

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.stores import Store
    from repository.transaction import Transaction

_BATCH: Final = 1_000


@dataclass(kw_only=True)
class RebuildResult:
    """What was made again.

    Args:
        events: in the ledger.
        records: with their packages.
        files: in the packages' present versions.
        findings: what could not be read, or is not what it should be.
    """

    events: int = 0
    records: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything came back."""
        return is_valid(self.findings)


def rebuild(archive: Archive, actor: Actor, on_progress: Callable[[Progress], None] | None = None) -> RebuildResult:
    """Makes holdings, events and the search index again from storage.

    Args:
        archive: the open archive; a new, empty catalogue will do.
        actor: who asks.
        on_progress: told how far it is.

    Raises:
        PermissionDenied: without `Permission.CATALOGUE_REBUILD`.
        Conflict: jobs are at work, or the ledger contradicts the journal.
    """
    result = RebuildResult()
    tell = on_progress or (lambda progress: None)
    with archive.read(actor) as tx:
        tx.require(Permission.CATALOGUE_REBUILD)
    try:
        flush(archive)
    except JournalBehind as error:
        result.findings.append(
            warning("JOURNAL_BEHIND", Property.INTEGRITY, error.subject, error.template, error.remedy, **dict(error.parameters))
        )
    held, journals = _list_objects(archive, result, tell)
    with archive.transaction(actor) as tx:
        if not nobody_works(tx):
            raise Conflict(
                N_("Jobs are at work; the catalogue cannot be made again under them."),
                remedy=N_("Wait until they have ended, or end “jingui serve” and all workers."),
            )
        tell(Progress(stage=N_("Reading the journal")))
        _bring_back_events(tx, read_journal(archive.stores, result.findings.append, objects=journals))
        _empty(tx)
        for number, (aip_id, names) in enumerate(sorted(held.items()), start=1):
            tell(Progress(stage=N_("Reading packages"), done=number, total=len(held), unit="packages", detail=aip_id))
            _bring_back(tx, aip_id, [store for store in archive.stores if store.name in names], frozenset(journals), result)
            tx.session.flush()
            tx.session.expunge_all()
        _remove_what_is_nowhere(tx, held, result)
        rebuild_holds(tx)
        tx.flush()
        result.events = tx.session.scalar(select(func.count()).select_from(Event)) or 0
    with archive.transaction(actor) as tx:
        start_again(tx)
    refresh(archive, after_batch=lambda done: tell(Progress(stage=N_("Indexing"), done=done, total=result.records, unit="records")))
    return result


def _list_objects(
    archive: Archive, result: RebuildResult, tell: Callable[[Progress], None]
) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """The packages with the stores that have them; and for each store that could be looked at the objects of its journal."""
    held: dict[str, set[str]] = {}
    journals: dict[str, list[str]] = {}
    for store in archive.stores:
        tell(Progress(stage=N_("Listing stores"), detail=store.name))
        try:
            store.root.require()
            listed: list[str] = []
            for key in store.root.object_roots():
                _note_object(store, key, held, listed, result)
            journals[store.name] = listed
        except StorageError as error:
            result.findings.append(_store_unreadable(store, error))
    return held, journals


def _note_object(store: Store, key: str, held: dict[str, set[str]], journal: list[str], result: RebuildResult) -> None:
    try:
        object_id = store.root.identifier(key)
    except StorageError as error:
        result.findings.append(
            failure(
                "OBJECT_UNREADABLE",
                Property.INTEGRITY,
                key,
                N_("The object at {subject} in store “{store}” cannot be read: {reason}"),
                N_("Another store's copy is used where there is one. Run “jingui audit” and repair it."),
                store=store.name,
                reason=error.message,
            )
        )
        return
    if is_journal(object_id):
        journal.append(object_id)
    else:
        held.setdefault(object_id, set()).add(store.name)


def _bring_back_events(tx: Transaction, events: Iterable[LedgerEvent]) -> None:
    """Puts into the ledger what the journal has and the ledger lacks.

    Raises:
        Conflict: the ledger has another event under a number, or an event under another number.
    """
    known_up_to = tx.session.scalar(select(func.max(Event.sequence))) or 0

    def missing() -> Iterator[LedgerEvent]:
        for event in events:
            if event.sequence > known_up_to:
                yield event
                continue
            there = tx.session.execute(select(Event.id, Event.type, Event.at).where(Event.sequence == event.sequence)).first()
            if there is None or tuple(there) != (event.id, event.type, event.at):
                raise Conflict(
                    N_("Event {subject} in the catalogue is not event {subject} of the journal in the stores."),
                    subject=str(event.sequence),
                    remedy=N_("Keep the catalogue's file for inquiry, move it out of the home, and rebuild into a new one."),
                )

    insert_events(tx.session, missing())


def _empty(tx: Transaction) -> None:
    """Takes the holdings out of the catalogue; records stay for now, because submissions refer to them."""
    for table in (File, Copy, AipVersion, Aip, Hold):
        tx.session.execute(delete(table))
    # so that identifiers that were exchanged do not get into each other's way
    tx.session.execute(update(Record).where(Record.state == RecordState.STORED).values(identifier=None))


def _bring_back(tx: Transaction, aip_id: str, stores: Sequence[Store], looked_at: frozenset[str], result: RebuildResult) -> None:
    events = events_of(tx.session, [(ObjectType.AIP, aip_id)])
    ingestions = [event for event in events if event.type == EventType.INGESTION and event.outcome == EventOutcome.SUCCESS]
    expected = ingestions[-1].detail["inventory"] if ingestions else None
    stored, heads = read_stored(aip_id, stores, expected, result.findings.append)
    if stored is None:
        return
    head = stored.copy.inventory().head
    if not ingestions or ingestions[-1].detail["version"] < head:
        result.findings.append(_not_in_journal(aip_id, head))
        ingestions = [*ingestions, *_told_by_the_package(tx, stored, ingestions)]
    details = [event.detail for event in ingestions]
    record_id = details[-1]["record"]
    _record(tx, stored, record_id, details)
    last = details[-1]
    tx.session.add(
        Aip(
            id=aip_id,
            record_id=record_id,
            version=head,
            inventory_digest=last["inventory"],
            files=last["files"],
            bytes=last["bytes"],
            created_at=_moment(details[0]),
            stored_at=ingestions[-1].at,
        )
    )
    tx.session.flush()
    for detail in details:
        tx.session.add(
            AipVersion(
                aip_id=aip_id,
                number=detail["version"],
                submission_id=detail["submission"],
                content_digest=detail["content_digest"],
                message=detail["message"],
                files=detail["files"],
                bytes=detail["bytes"],
                created_at=_moment(detail),
            )
        )
    result.files += insert_files(tx.session, stored.file_rows())
    tx.session.add_all(_copies(aip_id, [*ingestions, *(e for e in events if COPY_STATE in e.detail)], heads, looked_at))
    result.records += 1


def _record(tx: Transaction, stored: StoredPackage, record_id: str, details: Sequence[Mapping[str, Any]]) -> None:
    columns = aip.record_columns(stored.package.description)
    for earlier in reversed(details[:-1]):
        if columns["identifier"] is not None:
            break
        # a version whose description names no identifier leaves the record the one it had
        columns["identifier"] = description_before(stored, earlier["version"])
    agreement = details[0]["agreement"]
    if tx.session.get(Agreement, agreement) is None:
        tx.session.add(Agreement(code=agreement, title=agreement, unit="", fonds="", open=False))
        tx.session.flush()
    tx.session.merge(
        Record(
            id=record_id,
            agreement_code=agreement,
            state=RecordState.STORED,
            profile=details[-1]["profile"],
            fonds="",
            created_at=_moment(details[0]),
            changed_at=_moment(details[-1]),
            **columns,
        )
    )
    tx.session.flush()


def _copies(aip_id: str, events: Sequence[LedgerEvent], heads: Mapping[str, int], looked_at: frozenset[str]) -> Iterator[Copy]:
    """What is known of each copy: the last thing the events say, unless the store shows that it is otherwise."""
    copies: dict[str, Copy] = {}

    def copy_in(store: str) -> Copy:
        return copies.setdefault(store, Copy(aip_id=aip_id, store=store, version=0, state=CopyState.NOT_CHECKED))

    for event in sorted(events, key=lambda event: event.sequence):
        for store, verified in event.detail.get("copies", {}).items():
            copy = copy_in(store)
            copy.state = CopyState.MATCH if verified else CopyState.MISSING
            if verified:
                copy.version, copy.verified_at, copy.checked_at = event.detail["version"], event.at, event.at
        if COPY_STATE in event.detail:
            copy = copy_in(next(id for kind, id in event.objects if kind == ObjectType.STORE))
            copy.state, copy.checked_at = CopyState(event.detail[COPY_STATE]), event.at
            if copy.state == CopyState.MATCH:
                copy.verified_at = event.at
    for store, head in heads.items():
        copy = copy_in(store)
        if copy.version != head:
            copy.version = head
            if copy.state == CopyState.MATCH:
                copy.state = CopyState.NOT_CHECKED
    for store, copy in copies.items():
        if store in looked_at and store not in heads and copy.state in {CopyState.MATCH, CopyState.NOT_CHECKED}:
            copy.state = CopyState.MISSING
    yield from copies.values()


def _told_by_the_package(tx: Transaction, stored: StoredPackage, known: Sequence[LedgerEvent]) -> Iterator[LedgerEvent]:
    """What the journal does not have yet of the last version: its package's own events, and an ingestion event made from its documents."""
    package, inventory = stored.package, stored.copy.inventory()
    agents = {agent.identifier: AgentKey(type=AgentType(agent.kind), name=agent.name, version=agent.version) for agent in package.agents}
    about = ((ObjectType.AIP, stored.copy.object_id),)
    first = next_sequence(tx.session)
    recovered: list[LedgerEvent] = []
    for event in package.events:
        if tx.session.get(Event, event.identifier) is None:
            recovered.append(
                LedgerEvent(
                    id=event.identifier,
                    sequence=first + len(recovered),
                    type=event.type,
                    at=event.at,
                    outcome=EventOutcome.FAILURE if event.outcome == "fail" else event.outcome,
                    detail=json.loads(event.detail) if event.detail else {},
                    note=event.outcome_note,
                    objects=about,
                    agents=tuple((link.role, agents[link.identifier]) for link in event.agents),
                )
            )
    insert_events(tx.session, recovered)
    record_id = stored.copy.object_id.removeprefix("urn:uuid:")
    before = known[-1].detail["version"] if known else 0
    for number in range(before + 1, inventory.head + 1):
        version = inventory.versions[number - 1]
        # OCFL keeps seconds; the package knows its first and its last moment exactly
        exact = {inventory.head: package.modified, 1: package.created}
        made = exact.get(number) or datetime.fromisoformat(version.created)
        detail = {
            "record": record_id,
            "aip": stored.copy.object_id,
            "version": number,
            "submission": "",
            "agreement": package.agreement,
            "profile": stored.report["profile"],
            "content_digest": "",
            "inventory": inventory.digest,
            "message": version.message,
            "files": stored.report["files"],
            "bytes": stored.report["bytes"],
            "created_at": made.isoformat(),
            "copies": {},
            "recovered": True,
        }
        objects = (*about, (ObjectType.RECORD, record_id))
        note = "made again from the package itself: the journal of that time is lost"
        tx.record_event(EventType.INGESTION, objects=objects, detail=detail, note=note, at=made)
        outcome = EventOutcome.SUCCESS
        yield LedgerEvent(id="", sequence=0, type=EventType.INGESTION, at=made, outcome=outcome, detail=detail, objects=objects)


def _remove_what_is_nowhere(tx: Transaction, held: Mapping[str, set[str]], result: RebuildResult) -> None:
    """Takes out stored records without a package, and says which packages the ledger knows and no store has."""
    without = select(Record.id).where(Record.state == RecordState.STORED, ~exists().where(Aip.record_id == Record.id))
    lost = {aip_id for aip_id in _ingested(tx) if aip_id not in held}
    for record_id in tx.session.scalars(without).all():
        lost.add(f"urn:uuid:{record_id}")
        tx.session.execute(update(Submission).where(Submission.record_id == record_id).values(record_id=None))
        tx.session.execute(delete(Record).where(Record.id == record_id))
    for aip_id in sorted(lost):
        result.findings.append(
            failure(
                "PACKAGE_MISSING",
                Property.INTEGRITY,
                aip_id,
                N_("The archive took {subject} in, but no store has a copy that can be read."),
                N_("If a store is not mounted, mount it and rebuild again. Its events are still in the ledger."),
            )
        )


def _ingested(tx: Transaction) -> Iterator[str]:
    statement = select(Event.detail).where(Event.type == EventType.INGESTION, Event.outcome == EventOutcome.SUCCESS)
    for detail in tx.session.scalars(statement.execution_options(yield_per=_BATCH)):
        yield detail["aip"]


def _moment(detail: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(detail["created_at"])


def _store_unreadable(store: Store, error: StorageError) -> Finding:
    return failure(
        "STORE_UNREADABLE",
        Property.INTEGRITY,
        store.name,
        N_("Store “{subject}” was not looked at: {reason}"),
        N_("Mount it and rebuild again; what only this store has is not in the catalogue now."),
        reason=error.message,
    )


def _not_in_journal(aip_id: str, version: int) -> Finding:
    return warning(
        "INGESTION_EVENT_MISSING",
        Property.INTEGRITY,
        aip_id,
        N_("The journal does not tell how version {version} of {subject} came in; what its package tells of itself was used."),
        N_("Nothing need be done. It happens when the catalogue is lost within minutes of an ingest."),
        version=version,
    )
