"""The step that makes the archival package."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.packaging import Contents, build
from ingest.provenance import provenance
from ingest.work import StepResult, Work
from repository.agents import AgentKey, AgentType
from repository.archive import Archive
from repository.events import LedgerEvent, ObjectType, events_of
from repository.findings import N_
from repository.holdings import Aip
from repository.identifiers import aip_id
from storage.errors import ObjectDamaged, StorageError
from storage.ocfl.inventory import Inventory


def package(work: Work) -> StepResult:
    """Writes METS, PREMIS, the description and the reports, and decides what the stores are to hold."""
    files, size = work.size
    work.progress(N_("packaging"), 0, files, "files", bytes_total=size)
    reservation = work.reservation
    aip = aip_id(reservation.record_id)
    with work.archive.read(work.actor) as tx:
        held = tx.session.get(Aip, aip)
        created = held.created_at if held is not None else reservation.reserved_at
        earlier: Sequence[LedgerEvent] = events_of(tx.session, [(ObjectType.AIP, aip)]) if held is not None else ()
    previous = _inventory(work.archive, held) if held is not None else None
    maker = AgentKey(type=AgentType.PERSON, name=work.received_by)
    events, agents = provenance(work, aip, earlier)
    message = N_("Ingest of {name}") if previous is None else N_("New version from {name}")
    folder = work.folder / "aip"
    folder.mkdir()
    work.package = build(
        folder,
        Contents(
            tree=work.tree,
            placements=work.sip.placements,
            formats=work.formats,
            description=work.sip.description,
            findings=work.findings,
            profile=work.sip.profile,
            scores=[{"profile": item.profile, "score": item.score, "reason": item.reason} for item in work.recognitions],
        ),
        aip_id=aip,
        previous=previous,
        created=created,
        modified=reservation.reserved_at,
        archive_name=work.archive.settings.archive_name,
        agreement=work.agreement,
        events=events,
        agents=agents,
        user_name=work.received_by,
        user_address=f"urn:uuid:{maker.id}",
        message=message.format(name=work.tree.name),
    )
    plan = work.package.plan
    return StepResult(
        note=N_("version {version}: {files} files, of which {stored} with {bytes} bytes are new"),
        detail={"version": plan.version, "files": work.package.files, "stored": len(plan.content), "bytes": plan.content_bytes},
    )


def _inventory(archive: Archive, held: Aip) -> Inventory:
    """The inventory of the version that is held, from the first store whose copy is what the catalogue says."""
    for store in archive.stores:
        try:
            found = store.root.find(held.id)
            inventory = found.inventory() if found is not None else None
        except StorageError:
            continue
        if inventory is not None and inventory.digest == held.inventory_digest:
            return inventory
    raise ObjectDamaged(
        "NO_SOUND_COPY",
        N_("No store has a sound copy of “{subject}” in version {version}, so no version can follow it."),
        subject=held.id,
        remedy=N_("Run “jingui audit” on it and repair it first."),
        version=held.version,
    )
