"""The step that makes it true: the record counts as stored, in one transaction with everything that says so."""

from __future__ import annotations

from sqlalchemy import delete, update

from ingest.recording import end, said
from ingest.reservations import hold_record
from ingest.work import Happening, StepResult, StepState, Work
from repository.aip import record_columns
from repository.database import insert_files
from repository.events import EventType
from repository.findings import N_
from repository.holdings import Aip, AipVersion, Copy, CopyState, File, RecordState, SubmissionState, SubmissionStep
from repository.transaction import Transaction


def register(work: Work) -> StepResult:
    """Writes record, package, version, files, copies and events, and marks the search entry as behind."""
    work.progress(N_("registering"))
    package, reservation = work.package, work.reservation
    result = StepResult(note=N_("record {record}, version {version}"), detail={"record": reservation.record_id, "version": package.version})
    with work.archive.transaction(work.actor) as tx:
        record = hold_record(tx, work)
        for name, value in record_columns(work.sip.description).items():
            if name != "identifier" or value is not None:
                setattr(record, name, value)
        record.state = RecordState.STORED
        record.profile = work.sip.profile
        record.changed_at = reservation.reserved_at
        _write_package(tx, work)
        work.events += (_ingestion(tx, work), _accession(tx, work))
        end(tx, work, SubmissionState.STORED, record_id=record.id)
        tx.changed(record.id)
        tx.session.execute(
            update(SubmissionStep)
            .where(SubmissionStep.submission_id == work.submission_id, SubmissionStep.name == "register")
            .values(state=StepState.DONE, ended_at=tx.now, detail=said(result))
        )
    return result


def _write_package(tx: Transaction, work: Work) -> None:
    package, reservation = work.package, work.reservation
    plan = package.plan
    values = {
        "version": package.version,
        "inventory_digest": plan.inventory.digest,
        "files": package.files,
        "bytes": package.bytes,
        "stored_at": tx.now,
    }
    if package.version == 1:
        tx.session.add(Aip(id=package.aip_id, record_id=reservation.record_id, created_at=package.created, **values))
    else:
        tx.session.execute(update(Aip).where(Aip.id == package.aip_id).values(values))
        tx.session.execute(delete(File).where(File.aip_id == package.aip_id))
    tx.session.flush()
    tx.session.add(
        AipVersion(
            aip_id=package.aip_id,
            number=package.version,
            submission_id=work.submission_id,
            content_digest=reservation.content_digest,
            message=plan.inventory.versions[-1].message,
            files=package.files,
            bytes=package.bytes,
            created_at=package.modified,
        )
    )
    insert_files(tx.session, package.rows())
    for store, verified in work.copies.items():
        copy = tx.session.get(Copy, (package.aip_id, store))
        if copy is None:
            copy = Copy(aip_id=package.aip_id, store=store, version=0)
            tx.session.add(copy)
        if verified:
            copy.version = package.version
            copy.state = CopyState.MATCH
            copy.verified_at = tx.now
            copy.checked_at = tx.now
        else:
            copy.state = CopyState.MISSING
    tx.session.flush()


def _accession(tx: Transaction, work: Work) -> Happening:
    return Happening(
        id=tx.archive.new_id(),
        type=EventType.ACCESSION,
        at=tx.now,
        detail={"agreement": work.agreement, "copies": sum(work.copies.values())},
        note=N_("the archive answers for the record from now on"),
    )


def _ingestion(tx: Transaction, work: Work) -> Happening:
    """The event from which, with the package itself, the catalogue can be made again."""
    package, reservation = work.package, work.reservation
    note = N_("stored as version {version} of record {record}")
    return Happening(
        id=tx.archive.new_id(),
        type=EventType.INGESTION,
        at=tx.now,
        detail={
            "note": note,
            "record": reservation.record_id,
            "aip": package.aip_id,
            "version": package.version,
            "submission": work.submission_id,
            "agreement": work.agreement,
            "profile": work.sip.profile,
            "content_digest": reservation.content_digest,
            "inventory": package.plan.inventory.digest,
            "message": package.plan.inventory.versions[-1].message,
            "files": package.files,
            "bytes": package.bytes,
            "created_at": package.modified.isoformat(),
            "copies": dict(work.copies),
        },
        note=note.format(version=package.version, record=reservation.record_id),
    )
