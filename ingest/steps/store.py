"""The step that writes the package to every store and reads every byte back from where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from ingest.work import Also, StepResult, Work
from repository.archive import Archive
from repository.events import EventOutcome, EventType
from repository.findings import N_
from storage.errors import StorageError, StoreUnavailable
from storage.replicas import ReplicaResult, write_everywhere


def store(work: Work) -> StepResult:
    """Writes and verifies every copy; with fewer verified copies than are required nothing is kept anywhere."""
    plan = work.package.plan
    stores = [store for store in work.archive.stores if not store.read_only]
    # every file is written to each store, and then read back from it
    total, size = 2 * len(plan.content) * len(stores), 2 * plan.content_bytes * len(stores)
    done = read = 0
    counting = Lock()

    def progress(files: int, bytes: int) -> None:
        nonlocal done, read
        work.check()
        with counting:
            done += files
            read += bytes
            work.progress(N_("storing"), min(done, total), total, "files", bytes=min(read, size), bytes_total=size)

    progress(0, 0)
    results = write_everywhere(
        [store.objects for store in stores],
        plan,
        required=work.archive.settings.copies_required,
        durable=work.archive.settings.durable_writes,
        progress=progress,
        rereading=progress,
    )
    names = [store.name for store in stores]
    work.copies = {name: result.verified for name, result in zip(names, results, strict=True)}
    verified = [name for name, good in work.copies.items() if good]
    if len(verified) < work.archive.settings.copies_required:
        raise _too_few(work.archive, names, results)
    digest = plan.inventory.digest
    also = [
        Also(
            type=EventType.FIXITY_CHECK,
            detail={"store": name, "files": len(plan.content), "bytes": plan.content_bytes, "algorithm": "sha256", "inventory": digest},
            note=N_("every byte was re-read from the store and matches the digests of the received files"),
            store=name,
        )
        for name in verified
    ]
    owed = {name: result.error for name, result in zip(names, results, strict=True) if not result.verified}
    also += [
        Also(
            type=EventType.REPLICATION,
            outcome=EventOutcome.FAILURE,
            detail={"store": name, "error": error.message if error else ""},
            note=N_("this copy is owed"),
            store=name,
        )
        for name, error in owed.items()
    ]
    return StepResult(
        note=N_("{copies} copies written and read back in full: {stores}"),
        detail={"copies": len(verified), "stores": ", ".join(verified), "owed": sorted(owed), "bytes": plan.content_bytes},
        also=also,
    )


def _too_few(archive: Archive, names: Sequence[str], results: Sequence[ReplicaResult]) -> StorageError:
    errors = [(name, result.error) for name, result in zip(names, results, strict=True) if result.error is not None]
    if len({error.code for _, error in errors}) == 1:
        # the store's own words are the clearest, and tell a full disk from a broken one
        return errors[0][1]
    reasons = "; ".join(f"{name}: {error.message}" for name, error in errors)
    return StoreUnavailable(
        "TOO_FEW_COPIES",
        N_("{required} verified copies are needed and {verified} could be made, so nothing was kept. {reasons}"),
        subject=", ".join(names),
        remedy=N_("Mend the stores, then try the submission again."),
        required=archive.settings.copies_required,
        verified=len(names) - len(errors),
        reasons=reasons,
    )
