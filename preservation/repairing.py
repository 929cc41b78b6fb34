"""Doing a repair: every copy read, then decided, then each bad one made anew aside, read back, and put in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from preservation.audits import COPY_STATES, AuditedCopy
from preservation.expectations import HeldPackage, expectations, held_packages
from preservation.fixity import CopyToCheck, Rereading, reread, why_away
from preservation.incidents import ask_person, is_owed, note_incident, record_recovery, settle_well, unsettled
from preservation.repair import (
    AWAY,
    JOB_KIND,
    READ_ONLY,
    Refusal,
    RepairedCopy,
    RepairOutcome,
    RepairRequest,
    RepairSummary,
    breakers,
    suspects,
    verdict,
)
from repository.errors import Conflict
from repository.events import COPY_STATE, EventOutcome, EventType, ObjectType
from repository.findings import N_
from repository.holdings import Aip, Copy, Job, Submission, SubmissionState
from repository.jobs.ledger import JobState
from repository.notices.happenings import repair_needs_person
from repository.permissions import Actor
from repository.transaction import Transaction
from storage.errors import StorageError
from storage.ocfl.layout import folder_name, root_key
from storage.ocfl.recovery import recover_object
from storage.ocfl.replacing import kept_below, replace_copy
from storage.ocfl.verify import CopyOutcome

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.stores import Store

_PAGE: Final = 100
_CHANGED: Final = N_("The package changed while it was being looked at.")
_BEING_STORED: Final = N_("A new version of the package is being stored just now.")
#: What will be over at the next run, without anybody deciding anything.
_PASSING: Final = frozenset({_CHANGED, _BEING_STORED})
_NOT_GOOD_ANY_MORE: Final = N_("The copies that were good a moment ago are not any more.")
_READ_BACK: Final = N_("What was written to store “{store}” reads back differently ({path}). Its disk is not to be trusted.")
_FAILED: Final = N_("It could not be written: {reason}")


@dataclass(kw_only=True)
class _Case:
    """A package with a copy that is not as it should be, and what reading each of its copies gave.

    Args:
        package: as the catalogue knows it.
        copies: by store, of the stores that could be looked at.
        owed: stores whose copy was never made.
        unknown: stores that should have a copy and are away.
    """

    package: HeldPackage
    copies: dict[str, AuditedCopy] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def run(
    archive: Archive,
    request: RepairRequest,
    *,
    actor: Actor,
    on_copy: Callable[[RepairedCopy], None],
    progress: Callable[[str, int, int], None],
    check: Callable[[], None],
    job_id: str = "",
) -> RepairSummary:
    """Does a repair. What a run before left half done is finished first; what is well is not touched.

    No transaction is open while bytes are read or written.

    Args:
        archive: the open archive.
        request: what is to be repaired.
        actor: on whose behalf.
        on_copy: called for every copy that was not as it should be, as soon as it is known what became of it.
        progress: told of the stage (English, marked with `N_`), of packages done and of all of them.
        check: raises when the run should stop.
        job_id: the job that does it, if one does.

    Raises:
        Conflict: another repair is at work.
    """
    with archive.read(actor) as tx:
        _refuse_two(tx, job_id)
        packages = suspects(tx, request)
    return _Run(archive, request, actor, on_copy, progress, check).run(packages)


class _Run:
    def __init__(
        self,
        archive: Archive,
        request: RepairRequest,
        actor: Actor,
        on_copy: Callable[[RepairedCopy], None],
        progress: Callable[[str, int, int], None],
        check: Callable[[], None],
    ) -> None:
        self._archive = archive
        self._request = request
        self._actor = actor
        self._on_copy = on_copy
        self._progress = progress
        self._check = check
        self._stores = {store.name: store for store in archive.stores}
        self._away = {name: reason for name, store in self._stores.items() if (reason := why_away(store.root))}
        self._summary = RepairSummary()
        self._asked = 0

    def run(self, packages: Sequence[str]) -> RepairSummary:
        """Reads, decides, repairs."""
        cases = self._read_all(packages)
        bad = {
            name: [case.package.id for case in cases if name in case.copies and name not in case.owed and not _is_good(case.copies[name])]
            for name in self._stores
        }
        with self._archive.read(self._actor) as tx:
            tripped = breakers(tx, bad, packages)
        if self._request.confirmed:
            tripped.pop(self._request.store, None)
        for done, case in enumerate(cases):
            self._check()
            self._progress(N_("making copies anew"), done, len(cases))
            for name in self._wanting(case):
                self._repair(case, name, tripped)
        if self._asked:
            with self._archive.transaction(self._actor) as tx:
                repair_needs_person(tx, self._asked)
        return self._summary

    def _read_all(self, packages: Sequence[str]) -> list[_Case]:
        """Reads every copy of every package; gives those of which a copy is not as it should be."""
        cases: list[_Case] = []
        with Rereading() as rereading:
            for start in range(0, len(packages), _PAGE):
                self._check()
                self._progress(N_("reading every copy"), start, len(packages))
                cases += self._read(packages[start : start + _PAGE], rereading)
        return cases

    def _read(self, packages: Sequence[str], rereading: Rereading) -> list[_Case]:
        if not self._request.dry_run:
            self._finish_what_was_begun(packages)
        with self._archive.read(self._actor) as tx:
            held = held_packages(tx, Aip.id.in_(packages))
            rows = {(copy.store, copy.aip_id): copy for copy in tx.session.scalars(select(Copy).where(Copy.aip_id.in_(packages)))}
            cases = {package.id: _Case(package=package) for package in held}
            due: list[CopyToCheck] = []
            for package, expectation in expectations(tx, held, self._archive.stores):
                for name, store in self._stores.items():
                    row = rows.get((name, package.id))
                    if store.read_only and row is None:
                        continue
                    if name in self._away:
                        if row is not None and row.version:
                            cases[package.id].unknown.add(name)
                        continue
                    due.append(
                        CopyToCheck(
                            store=store.objects,
                            object_id=package.id,
                            version=package.version,
                            inventory_digest=package.inventory_digest,
                            expected=expectation.files,
                            contradictions=expectation.contradictions,
                            files=package.files,
                            bytes=package.bytes,
                        )
                    )
        for copy, found in rereading.check(due, lambda files, bytes: self._check()):
            told = AuditedCopy.of(copy.store.name, copy.object_id, found, self._archive.clock())
            case = cases[copy.object_id]
            case.copies[told.store] = told
            if is_owed(rows.get((told.store, told.aip)), case.package.version, told.outcome):
                case.owed.add(told.store)
        if not self._request.dry_run:
            self._write_what_was_found([case for case in cases.values() if self._is_settled(case)])
        return [case for case in cases.values() if any(True for _ in self._wanting(case))]

    def _finish_what_was_begun(self, packages: Sequence[str]) -> None:
        """Finishes, or takes back, what a run that was killed left of these packages."""
        with self._archive.read(self._actor) as tx:
            busy = {aip_id for aip_id in packages if _is_being_stored(tx, aip_id)}
        for store in self._stores.values():
            if store.read_only or store.name in self._away:
                continue
            for aip_id in packages:
                if aip_id not in busy:
                    _recover(store, aip_id)

    def _is_settled(self, case: _Case) -> bool:
        """Whether the package is still what it was when its copies began to be read."""
        with self._archive.read(self._actor) as tx:
            return held_packages(tx, Aip.id == case.package.id) == [case.package] and not _is_being_stored(tx, case.package.id)

    def _write_what_was_found(self, cases: Sequence[_Case]) -> None:
        """Brings the catalogue up to what was found, and opens and ends incidents by it."""
        with self._archive.transaction(self._actor) as tx:
            for case in cases:
                open_ones = unsettled(tx, [case.package.id])
                for name, found in case.copies.items():
                    row = tx.session.get(Copy, (case.package.id, name))
                    incident = open_ones.get((case.package.id, name))
                    if _is_good(found) and incident is not None:
                        settle_well(tx, incident, found)
                    elif not _is_good(found) and name not in case.owed:
                        last_good_at = None if row is None else row.verified_at
                        note_incident(tx, found, record_id=case.package.record_id, last_good_at=last_good_at)
                    if row is None or row.state != COPY_STATES[found.outcome]:
                        _record_check(tx, case.package, found)
                    _write_copy(tx, row, case.package, found)

    def _wanting(self, case: _Case) -> Iterator[str]:
        """The stores whose copy is to be made anew."""
        for name in self._stores:
            if self._request.store in ("", name) and (name in case.unknown or (name in case.copies and not _is_good(case.copies[name]))):
                yield name

    def _repair(self, case: _Case, name: str, tripped: Mapping[str, Refusal]) -> None:
        """Makes one copy anew, or says why not."""
        refusal = self._refusal(case, name, tripped)
        if refusal is not None:
            self._leave(case, name, RepairOutcome.PERSON, refusal)
            return
        if self._request.dry_run:
            source = next(good for good, copy in case.copies.items() if _is_good(copy))
            self._tell(case, name, RepairOutcome.WOULD_HEAL, source=source)
            return
        if not self._is_settled(case):
            with self._archive.read(self._actor) as tx:
                busy = _is_being_stored(tx, case.package.id)
            self._leave(case, name, RepairOutcome.FAILED, Refusal(reason=_BEING_STORED if busy else _CHANGED))
            return
        try:
            self._heal(case, name)
        except StorageError as error:
            self._leave(case, name, RepairOutcome.FAILED, Refusal(reason=_FAILED, values={"reason": error.message}))

    def _refusal(self, case: _Case, name: str, tripped: Mapping[str, Refusal]) -> Refusal | None:
        store = self._stores[name]
        away = self._away.get(name) or why_away(store.root)
        if away:
            return Refusal(reason=AWAY, values={"store": name, "reason": away})
        if store.read_only:
            return Refusal(reason=READ_ONLY, values={"store": name})
        if name not in case.owed and name in tripped:
            return tripped[name]
        return verdict(list(case.copies.values()), len(case.unknown))

    def _heal(self, case: _Case, name: str) -> None:
        target, package = self._stores[name], case.package
        with self._archive.read(self._actor) as tx:
            ((_, expectation),) = expectations(tx, [package], self._archive.stores)

        def copy_in(store: Store) -> CopyToCheck:
            return CopyToCheck(
                store=store.objects,
                object_id=package.id,
                version=package.version,
                inventory_digest=package.inventory_digest,
                expected=expectation.files,
                contradictions=expectation.contradictions,
                files=package.files,
                bytes=package.bytes,
            )

        def told(files: int, bytes: int) -> None:
            self._check()

        good = [self._stores[store] for store, copy in case.copies.items() if _is_good(copy)]
        source = next((store for store in good if reread(copy_in(store), progress=told).outcome is CopyOutcome.MATCH), None)
        if source is None:
            self._leave(case, name, RepairOutcome.PERSON, Refusal(reason=_NOT_GOOD_ANY_MORE))
            return
        incident_id, keep_as = self._begin(case, name)
        kept = f"{keep_as}/{folder_name(package.id)}" if target.objects.stat(root_key(package.id)) is not None else ""
        written = replace_copy(
            source.objects,
            target.objects,
            package.id,
            keep_as=keep_as,
            expected=expectation.files,
            inventory_digest=package.inventory_digest,
            durable=self._archive.settings.durable_writes,
            progress=told,
            before_swap=lambda: self._about_to_swap(case, name, source.name, kept),
        )
        found = reread(copy_in(target)) if written.outcome is CopyOutcome.MATCH else written
        if found.outcome is not CopyOutcome.MATCH:
            values = {"store": name, "path": found.problems[0].path or package.id}
            self._leave(case, name, RepairOutcome.PERSON, Refusal(reason=_READ_BACK, values=values))
            return
        self._end(case, AuditedCopy.of(name, package.id, found, self._archive.clock()), source.name, kept)
        outcome = RepairOutcome.MADE if name in case.owed else RepairOutcome.HEALED
        self._tell(case, name, outcome, source=source.name, kept=kept, incident=incident_id)

    def _begin(self, case: _Case, name: str) -> tuple[str, str]:
        """The incident, and the key below which what is there now will be kept."""
        if name in case.owed:
            return "", kept_below(self._archive.new_id(), 1)
        with self._archive.transaction(self._actor) as tx:
            incident = unsettled(tx, [case.package.id])[case.package.id, name]
            incident.attempts += 1
            return incident.id, kept_below(incident.id, incident.attempts)

    def _about_to_swap(self, case: _Case, name: str, source: str, kept: str) -> None:
        """Written before the swap, so that a run that is killed after it still leaves behind what healed the copy."""
        self._check()
        if not self._is_settled(case):
            raise StorageError("PACKAGE_CHANGED", _CHANGED, subject=case.package.id)
        if name in case.owed:
            return
        with self._archive.transaction(self._actor) as tx:
            incident = unsettled(tx, [case.package.id])[case.package.id, name]
            incident.source, incident.kept = source, kept or incident.kept

    def _end(self, case: _Case, found: AuditedCopy, source: str, kept: str) -> None:
        """The copy's new state, the event and the end of the incident, in one transaction."""
        with self._archive.transaction(self._actor) as tx:
            _write_copy(tx, tx.session.get(Copy, (case.package.id, found.store)), case.package, found)
            incident = unsettled(tx, [case.package.id]).get((case.package.id, found.store))
            if incident is not None:
                settle_well(tx, incident, found)
            else:
                record_recovery(tx, found, case.package.record_id, source, kept)

    def _leave(self, case: _Case, name: str, outcome: RepairOutcome, refusal: Refusal) -> None:
        """Leaves a copy as it is, and its incident to a person where only a person can go on."""
        incident_id = ""
        if not self._request.dry_run:
            with self._archive.transaction(self._actor) as tx:
                incident = unsettled(tx, [case.package.id]).get((case.package.id, name))
                if incident is not None:
                    incident_id = incident.id
                if incident is not None and refusal.reason not in _PASSING:
                    self._asked += ask_person(incident, refusal.reason, refusal.values)
        self._tell(case, name, outcome, incident=incident_id, refusal=refusal)

    def _tell(
        self,
        case: _Case,
        name: str,
        outcome: RepairOutcome,
        *,
        source: str = "",
        kept: str = "",
        incident: str = "",
        refusal: Refusal | None = None,
    ) -> None:
        found = case.copies[name].outcome if name in case.copies else CopyOutcome.UNREADABLE
        copy = RepairedCopy(
            store=name,
            aip=case.package.id,
            found=found,
            outcome=outcome,
            source=source,
            kept=kept,
            incident=incident,
            reason=refusal.reason if refusal else "",
            values=refusal.values if refusal else {},
        )
        self._summary.count(copy)
        self._on_copy(copy)


def _is_good(copy: AuditedCopy) -> bool:
    return copy.outcome is CopyOutcome.MATCH


def _refuse_two(tx: Transaction, job_id: str) -> None:
    other = tx.session.scalar(select(Job.id).where(Job.kind == JOB_KIND, Job.state == JobState.RUNNING, Job.id != job_id).limit(1))
    if other is not None:
        raise Conflict(N_("Another repair is at work."), subject=other, remedy=N_("Wait until it has ended, then try again."))


def _is_being_stored(tx: Transaction, aip_id: str) -> bool:
    """Whether somebody adds a version to the package just now."""
    statement = select(Submission.id).join(Aip, Aip.record_id == Submission.replaces)
    return tx.session.scalar(statement.where(Aip.id == aip_id, Submission.state == SubmissionState.PROCESSING).limit(1)) is not None


def _recover(store: Store, aip_id: str) -> None:
    """Finishes or takes back what is staged; a store that cannot do it says so when its copy is made anew."""
    try:
        recover_object(store.objects, folder_name(aip_id))
    except StorageError:
        return


def _write_copy(tx: Transaction, row: Copy | None, package: HeldPackage, found: AuditedCopy) -> None:
    if row is None:
        row = Copy(aip_id=package.id, store=found.store, version=0)
        tx.session.add(row)
    row.state, row.checked_at = COPY_STATES[found.outcome], found.at
    if _is_good(found):
        row.verified_at, row.version = found.at, package.version


def _record_check(tx: Transaction, package: HeldPackage, found: AuditedCopy) -> None:
    """The event about what reading a copy before a repair gave, where that is news."""
    tx.record_event(
        EventType.FIXITY_CHECK,
        objects=[(ObjectType.AIP, package.id), (ObjectType.RECORD, package.record_id), (ObjectType.STORE, found.store)],
        outcome=EventOutcome.SUCCESS if _is_good(found) else EventOutcome.FAILURE,
        detail={
            "store": found.store,
            "outcome": str(found.outcome),
            "files": found.files,
            "bytes": found.bytes,
            COPY_STATE: str(COPY_STATES[found.outcome]),
            "problems": [dict(problem) for problem in found.problems[:20]],
            "problem_count": len(found.problems),
        },
        note=f"the copy in store {found.store}, read before a repair: {found.outcome}",
        at=found.at,
    )
