"""Doing an audit: which copies, page by page; state cleared, bytes read between transactions, outcomes and events written."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update

from preservation.audits import COPY_STATES, AuditedCopy, AuditSummary, Scope, Selection, copies_by_outcome, summary_of
from preservation.expectations import HeldPackage, expectations, held_packages
from preservation.fixity import CopyToCheck, Rereading, unreadable, why_away
from preservation.incidents import is_owed, note_incident, settle_well, unsettled
from preservation.strangers import strangers
from repository.database import insert_rows
from repository.errors import NotFound
from repository.events import COPY_STATE, EventOutcome, EventType, ObjectType
from repository.findings import N_
from repository.holdings import Aip, Audit, AuditOutcome, Copy, CopyState
from repository.notices.happenings import audit_found_damage
from repository.permissions import Actor
from repository.transaction import Transaction
from storage.ocfl.verify import CopyCheck, CopyOutcome

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.stores import Store

#: Packages between two transactions, and files: what is lost when a run is killed, and has to be read again.
_PAGE: Final = 200
_PAGE_FILES: Final = 20_000
#: Problems that an event tells one by one; the outcome of the run has them all.
_TOLD: Final = 20
#: Told of files done so far and of all of them, where that is known.
OnProgress = Callable[[int, int | None], None]


def run(
    archive: Archive,
    audit_id: str,
    *,
    actor: Actor,
    on_outcome: Callable[[AuditedCopy], None],
    progress: OnProgress,
    check: Callable[[], None],
) -> AuditSummary:
    """Does an audit, or what is left of it: copies that have their outcome in this run are not read again.

    Before a copy is read, what the catalogue says of it is cleared: should the run die, nothing shows an old match. No
    transaction is open while bytes are read.

    Args:
        archive: the open archive.
        audit_id: from `preservation.audits.start`.
        actor: on whose behalf.
        on_outcome: called for every copy as soon as its outcome is known.
        progress: told of files done, and of all of them where that is known.
        check: raises when the run should stop.

    Raises:
        NotFound: there is no such audit.
    """
    with archive.read(actor) as tx:
        audit = tx.session.get(Audit, audit_id)
        if audit is None:
            raise NotFound(N_("There is no audit “{subject}”."), subject=audit_id)
        if audit.ended_at is not None:
            return summary_of(tx, audit, audit.ended_at)
        selection = Selection.from_json(audit.selection)
    with Rereading() as rereading:
        work = _Run(archive, audit, selection, actor, rereading, on_outcome, progress, check)
        work.read_packages()
        work.look_for_strangers()
    return work.end()


@dataclass(kw_only=True)
class _Page:
    """Packages that are read between two transactions.

    Args:
        packages: by id.
        due: store name and package id of each copy to read.
        before: what the catalogue said of each copy that it knows.
    """

    packages: dict[str, HeldPackage] = field(default_factory=dict)
    due: list[tuple[str, str]] = field(default_factory=list)
    before: dict[tuple[str, str], str] = field(default_factory=dict)


class _Run:
    def __init__(
        self,
        archive: Archive,
        audit: Audit,
        selection: Selection,
        actor: Actor,
        rereading: Rereading,
        on_outcome: Callable[[AuditedCopy], None],
        progress: OnProgress,
        check: Callable[[], None],
    ) -> None:
        self._archive = archive
        self._audit = audit
        self._selection = selection
        self._actor = actor
        self._rereading = rereading
        self._on_outcome = on_outcome
        self._progress = progress
        self._check = check
        self._stores = {store.name: store for store in archive.stores}
        self._away = {name: reason for name, store in self._stores.items() if (reason := why_away(store.root))}
        self._done = 0
        self._total = self._count()

    def read_packages(self) -> None:
        """Reads every copy that is due; those whose package changed meanwhile once more at the end."""
        changed: list[str] = []
        for page in self._pages():
            changed += self._read(page, final=False)
        for start in range(0, len(changed), _PAGE):
            with self._archive.read(self._actor) as tx:
                page = self._page(tx, held_packages(tx, Aip.id.in_(changed[start : start + _PAGE])))
            self._read(page, final=True)

    def look_for_strangers(self) -> None:
        """Looks in each store for objects that the catalogue does not know; only where the whole store is the question."""
        if self._selection.scope is not Scope.ALL:
            return
        found: list[AuditedCopy] = []
        for store in self._selected_stores():
            if store.name not in self._away:
                for aip, check in strangers(self._archive, self._actor, store, self._check):
                    found.append(AuditedCopy.of(store.name, aip, check, self._archive.clock()))
        with self._archive.transaction(self._actor) as tx:
            known = self._outcomes(tx, {outcome.aip for outcome in found})
            new = [outcome for outcome in found if (outcome.store, outcome.aip) not in known]
            self._insert(tx, new)
            for outcome in new:
                self._record(tx, outcome, None)
        for outcome in new:
            self._on_outcome(outcome)

    def end(self) -> AuditSummary:
        """Adds up, and writes the event about the whole run."""
        with self._archive.transaction(self._actor) as tx:
            audit = tx.session.get_one(Audit, self._audit.id)
            summary = summary_of(tx, audit, tx.now)
            audit.aips, audit.files, audit.bytes, audit.damaged = summary.aips, summary.files, summary.bytes, summary.damaged
            audit.ended_at = tx.now
            selection = self._selection.as_json()
            selection.pop("records", None)
            tx.record_event(
                EventType.FIXITY_CHECK,
                objects=[(ObjectType.AUDIT, audit.id), *((ObjectType.STORE, store.name) for store in self._selected_stores())],
                outcome=EventOutcome.FAILURE if summary.damaged else EventOutcome.SUCCESS,
                detail={"selection": selection, **summary.as_json(), "copies": copies_by_outcome(tx, audit.id)},
                note=f"{sum(summary.copies.values())} copies read again, {summary.damaged} of them not as they should be",
            )
            if summary.damaged:
                audit_found_damage(tx, audit.id, summary.damaged)
        return summary

    def _pages(self) -> Iterator[_Page]:
        listed = self._selection.records
        if self._selection.scope in {Scope.SAMPLE, Scope.RECORDS, Scope.TIMETABLE}:
            for start in range(0, len(listed), _PAGE):
                with self._archive.read(self._actor) as tx:
                    page = self._page(tx, held_packages(tx, Aip.record_id.in_(listed[start : start + _PAGE])))
                yield page
            return
        after = ""
        while True:
            with self._archive.read(self._actor) as tx:
                packages = held_packages(tx, Aip.id > after, limit=_PAGE)
                page = self._page(tx, packages)
            if not packages:
                return
            after = packages[-1].id
            yield page

    def _page(self, tx: Transaction, packages: Sequence[HeldPackage]) -> _Page:
        ids = {package.id for package in packages}
        overdue_before = self._audit.started_at - timedelta(days=self._archive.settings.audit_ttl_days)
        done = self._outcomes(tx, ids)
        copies = {(copy.store, copy.aip_id): copy for copy in tx.session.scalars(select(Copy).where(Copy.aip_id.in_(ids)))}
        page = _Page(packages={package.id: package for package in packages})
        for package in packages:
            names = [store.name for store in self._archive.stores if not store.read_only or (store.name, package.id) in copies]
            names += sorted(name for name, aip_id in copies if aip_id == package.id and name not in self._stores)
            for name in names:
                copy = copies.get((name, package.id))
                if (name, package.id) in done or (self._selection.store and name != self._selection.store):
                    continue
                checked = None if copy is None or copy.state == CopyState.NOT_CHECKED else copy.checked_at
                if self._selection.scope is Scope.OVERDUE and checked is not None and checked >= overdue_before:
                    continue
                page.due.append((name, package.id))
        page.before = {key: copies[key].state for key in page.due if key in copies}
        return page

    def _read(self, page: _Page, *, final: bool) -> list[str]:
        """Reads the copies of a page and writes what was found; says which packages changed meanwhile."""
        if not page.due:
            return []
        self._check()
        with self._archive.transaction(self._actor) as tx:
            self._clear(tx, page)
        outcomes, moving = [], set()
        for part in self._parts(page):
            for copy, check in self._rereading.check(part, self._advance):
                self._check()
                # a version that the catalogue does not know yet: somebody is storing it just now
                if not final and any(problem.path.startswith(f"v{copy.version + 1}/") for problem in check.problems):
                    moving.add(copy.object_id)
                    continue
                outcomes.append(self._told(copy.store.name, copy.object_id, check))
        for name, aip_id in page.due:
            reason = self._away.get(name) or ("" if name in self._stores else "the settings name no such store")
            if reason:
                outcomes.append(self._told(name, aip_id, unreadable(reason)))
                self._advance(page.packages[aip_id].files, 0)
        with self._archive.transaction(self._actor) as tx:
            now = {package.id: package for package in held_packages(tx, Aip.id.in_(page.packages))}
            changed = {aip_id for aip_id, package in page.packages.items() if now.get(aip_id) != package}
            settled = [outcome for outcome in outcomes if outcome.aip not in changed]
            self._write(tx, page, settled)
        return sorted(changed | moving)

    def _parts(self, page: _Page) -> Iterator[list[CopyToCheck]]:
        """The copies of a page that can be read, with what they must be; never very many files in memory at once."""
        stores_of: dict[str, list[str]] = {}
        for name, aip_id in page.due:
            if name in self._stores and name not in self._away:
                stores_of.setdefault(aip_id, []).append(name)
        group: list[HeldPackage] = []
        for package in (page.packages[aip_id] for aip_id in stores_of):
            group.append(package)
            if sum(each.files for each in group) >= _PAGE_FILES:
                yield self._copies(group, stores_of)
                group = []
        if group:
            yield self._copies(group, stores_of)

    def _copies(self, packages: Sequence[HeldPackage], stores_of: Mapping[str, Sequence[str]]) -> list[CopyToCheck]:
        with self._archive.read(self._actor) as tx, _undisturbed():
            return [
                CopyToCheck(
                    store=self._stores[name].objects,
                    object_id=package.id,
                    version=package.version,
                    inventory_digest=package.inventory_digest,
                    expected=expectation.files,
                    contradictions=expectation.contradictions,
                    files=package.files,
                    bytes=package.bytes,
                )
                for package, expectation in expectations(tx, packages, self._archive.stores)
                for name in stores_of[package.id]
            ]

    def _told(self, store: str, aip_id: str, check: CopyCheck) -> AuditedCopy:
        outcome = AuditedCopy.of(store, aip_id, check, self._archive.clock())
        self._on_outcome(outcome)
        return outcome

    def _clear(self, tx: Transaction, page: _Page) -> None:
        for name in {name for name, _ in page.due}:
            ids = [aip_id for store, aip_id in page.due if store == name]
            tx.session.execute(update(Copy).where(Copy.store == name, Copy.aip_id.in_(ids)).values(state=CopyState.NOT_CHECKED))

    def _write(self, tx: Transaction, page: _Page, outcomes: Sequence[AuditedCopy]) -> None:
        self._insert(tx, outcomes)
        self._tell_incidents(tx, page, outcomes)
        known: list[dict[str, object]] = []
        for outcome in outcomes:
            state = COPY_STATES[outcome.outcome]
            row = {"aip_id": outcome.aip, "store": outcome.store, "state": state, "checked_at": outcome.at}
            if state is CopyState.MATCH:
                row |= {"verified_at": outcome.at, "version": page.packages[outcome.aip].version}
            before = page.before.get((outcome.store, outcome.aip))
            if before is None:
                tx.session.execute(insert(Copy).values({"version": 0, **row}))
            else:
                known.append(row)
            # of a store that is away it is enough to say once what became of its copies
            is_there = outcome.store in self._stores and outcome.store not in self._away
            if before != state or (is_there and state is not CopyState.MATCH):
                self._record(tx, outcome, page.packages[outcome.aip].record_id)
        for match in (True, False):
            if rows := [row for row in known if ("version" in row) is match]:
                tx.session.execute(update(Copy), rows)

    def _tell_incidents(self, tx: Transaction, page: _Page, outcomes: Sequence[AuditedCopy]) -> None:
        """Opens an incident about every copy that is not what was stored, and ends those about copies that are well."""
        there = [outcome for outcome in outcomes if outcome.store in self._stores and outcome.store not in self._away]
        about = unsettled(tx, {outcome.aip for outcome in there})
        for outcome in there:
            incident = about.get((outcome.aip, outcome.store))
            if outcome.outcome is CopyOutcome.MATCH:
                if incident is not None:
                    settle_well(tx, incident, outcome)
                continue
            copy = tx.session.get(Copy, (outcome.aip, outcome.store))
            package = page.packages[outcome.aip]
            if not is_owed(copy, package.version, outcome.outcome):
                last_good_at = None if copy is None else copy.verified_at
                note_incident(tx, outcome, record_id=package.record_id, last_good_at=last_good_at, audit_id=self._audit.id)

    def _insert(self, tx: Transaction, outcomes: Iterable[AuditedCopy]) -> None:
        rows = [
            {
                "audit_id": self._audit.id,
                "aip_id": outcome.aip,
                "store": outcome.store,
                "outcome": str(outcome.outcome),
                "files": outcome.files,
                "bytes": outcome.bytes,
                "problems": [dict(problem) for problem in outcome.problems],
                "at": outcome.at,
            }
            for outcome in outcomes
        ]
        insert_rows(tx.session, AuditOutcome, rows)

    def _record(self, tx: Transaction, outcome: AuditedCopy, record_id: str | None) -> None:
        """The event about one copy: on damage, and on every change of what is known."""
        detail = {
            "audit": self._audit.id,
            "store": outcome.store,
            "outcome": str(outcome.outcome),
            "files": outcome.files,
            "bytes": outcome.bytes,
        }
        objects = [(ObjectType.STORE, outcome.store), (ObjectType.AUDIT, self._audit.id)]
        if record_id is None:
            detail["object"] = outcome.aip
        else:
            objects = [(ObjectType.AIP, outcome.aip), (ObjectType.RECORD, record_id), *objects]
            detail[COPY_STATE] = str(COPY_STATES[outcome.outcome])
        if outcome.problems:
            detail |= {"problems": [dict(problem) for problem in outcome.problems[:_TOLD]], "problem_count": len(outcome.problems)}
        good = outcome.outcome is CopyOutcome.MATCH
        tx.record_event(
            EventType.FIXITY_CHECK,
            objects=objects,
            outcome=EventOutcome.SUCCESS if good else EventOutcome.FAILURE,
            detail=detail,
            note=f"the copy in store {outcome.store}: {'every byte matches' if good else outcome.outcome}",
            at=outcome.at,
        )

    def _outcomes(self, tx: Transaction, ids: Iterable[str]) -> set[tuple[str, str]]:
        statement = select(AuditOutcome.store, AuditOutcome.aip_id).where(AuditOutcome.audit_id == self._audit.id)
        return {(store, aip_id) for store, aip_id in tx.session.execute(statement.where(AuditOutcome.aip_id.in_(set(ids))))}

    def _selected_stores(self) -> list[Store]:
        return [store for store in self._archive.stores if self._selection.store in ("", store.name)]

    def _advance(self, files: int, bytes: int) -> None:
        self._check()
        self._done += files
        self._progress(self._done if self._total is None else min(self._done, self._total), self._total)

    def _count(self) -> int | None:
        """About how many files are to be read; None where that is only known at the end."""
        if self._selection.scope is Scope.OVERDUE:
            return None
        with self._archive.read(self._actor) as tx:
            statement = select(func.coalesce(func.sum(Aip.files), 0))
            if self._selection.scope is Scope.ALL:
                files = tx.session.scalar(statement) or 0
            else:
                listed = self._selection.records
                pages = (listed[start : start + _PAGE] for start in range(0, len(listed), _PAGE))
                files = sum(tx.session.scalar(statement.where(Aip.record_id.in_(page))) or 0 for page in pages)
        return int(files) * len(self._selected_stores())


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the collector of cycles, which takes half as long again while 10⁵ rows become values that have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
