"""The journal: every event of the ledger as JSON lines in every store, so that the ledger can be made again from storage alone.

A store's journal is a row of OCFL objects, a few a day (`repository.identifiers.journal_id`). Each write adds a version
with one more segment, a file named by the numbers of its first and last event; a part of a day is closed after
`PART_VERSIONS` versions, since an OCFL inventory lists every file of every version. Writing is idempotent: what a store
has is read from the store, the mark in the catalogue only saves looking. If a process is killed between the two, the
next write goes on behind what is there, or repeats a few events in another day; whoever reads takes each number once.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select

from repository import __version__
from repository.errors import JinguiError
from repository.events import LedgerEvent, read_events
from repository.findings import N_, Finding, Property, failure
from repository.holdings import Event, JournalMark
from repository.identifiers import is_journal, journal_id
from repository.permissions import Actor
from storage.digests import Digester, Digests
from storage.errors import StorageError
from storage.ocfl.reader import OcflObject
from storage.ocfl.writer import NewFile, plan_version, write_version

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext
    from repository.stores import Store

logger = logging.getLogger(__name__)

#: Versions of one part of a day; then the next part begins.
PART_VERSIONS: Final = 32

_JOURNAL: Final = Actor.system("journal")
_SEGMENT: Final = re.compile(r"events/(\d{12,})-(\d{12,})\.jsonl")
_BATCH: Final = 5_000


class JournalBehind(JinguiError):
    """The journal could not be written to every store; it is written when the store is back."""

    code = "JOURNAL_BEHIND"


class Segment(NamedTuple):
    """A file of the journal: the events from one number to another.

    Args:
        first: number of its first event.
        last: number of its last.
        path: its path in the object.
    """

    first: int
    last: int
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """A segment on its way into the stores."""

    segment: Segment
    source: Path
    size: int
    digests: Digests


def flush_job(context: JobContext) -> Mapping[str, Any]:
    """The job ``journal.flush``."""
    return {"sequence": flush(context.archive)}


def flush(archive: Archive) -> int:
    """Writes to every store that can be written what its journal lacks. Several processes take turns.

    Returns:
        The number of the last event that is in every such store.

    Raises:
        JournalBehind: a store could not be written; the others were.
    """
    with _alone(archive.settings.under_home("journal.lock")):
        with archive.read(_JOURNAL) as tx:
            newest = tx.session.scalar(select(func.max(Event.sequence))) or 0
            marks = {mark.store: mark.sequence for mark in tx.session.scalars(select(JournalMark))}
            today = tx.now.date()
        behind = [store for store in archive.stores if not store.read_only and marks.get(store.name, 0) < newest]
        if not behind:
            return newest
        failures: list[tuple[Store, StorageError]] = []
        with TemporaryDirectory(prefix="journal-", dir=archive.work_folder) as folder:
            drafts: dict[int, _Draft] = {}
            for store in behind:
                try:
                    store.root.require()
                    _bring_up_to(archive, store, marks.get(store.name, 0), newest, today, Path(folder), drafts)
                except StorageError as error:
                    logger.warning("the journal in store %s is behind: %s", store.name, error.message)
                    failures.append((store, error))
                    continue
                with archive.transaction(_JOURNAL) as tx:
                    tx.session.merge(JournalMark(store=store.name, sequence=newest, written_at=tx.now))
    if failures:
        store, first = failures[0]
        raise JournalBehind(
            N_("The journal of events could not be written to store “{subject}”: {reason}"),
            subject=store.name,
            remedy=N_("Nothing is lost: it is written as soon as the store can be. See “jingui doctor”."),
            reason=first.message,
        )
    return newest


def _bring_up_to(archive: Archive, store: Store, mark: int, newest: int, today: date, folder: Path, drafts: dict[int, _Draft]) -> None:
    object_id, current, segments = _current_part(store, today)
    start = max([mark, *(segment.last for segment in segments)])
    if start >= newest:
        return
    draft = drafts.get(start)
    if draft is None:
        draft = drafts[start] = _draft(archive, start, newest, folder)
    kept = (
        NewFile(file.logical_path, draft.source, 0, _digests(file.sha512, file.fixity)) for file in (current.files() if current else ())
    )
    plan = plan_version(
        object_id=object_id,
        previous=current.inventory() if current else None,
        files=[*kept, NewFile(draft.segment.path, draft.source, draft.size, draft.digests)],
        message=f"events {draft.segment.first} to {draft.segment.last}",
        user_name=f"Jingui {__version__}",
        user_address="urn:jingui:journal",
        created=archive.clock(),
    )
    write_version(store.objects, plan, durable=archive.settings.durable_writes)


def _current_part(store: Store, today: date) -> tuple[str, OcflObject | None, list[Segment]]:
    """The part of today's journal that takes the next segment, what is there of it, and the last part's segments."""
    segments: list[Segment] = []
    part = 1
    while (found := store.root.find(journal_id(today, part))) is not None:
        segments = _segments(found)
        if found.inventory().head < PART_VERSIONS:
            return found.object_id, found, segments
        part += 1
    return journal_id(today, part), None, segments


def _segments(part: OcflObject) -> list[Segment]:
    names = (file.logical_path for file in part.files())
    return [Segment(int(match[1]), int(match[2]), name) for name in names if (match := _SEGMENT.fullmatch(name))]


def _digests(sha512: str, fixity: Mapping[str, str]) -> Digests:
    return Digests(*(bytes.fromhex(text) for text in (sha512, fixity["sha256"], fixity["sm3"])))


def _draft(archive: Archive, start: int, newest: int, folder: Path) -> _Draft:
    digester = Digester()
    source = folder / f"{start + 1}.jsonl"
    with source.open("wb") as stream, archive.read(_JOURNAL) as tx:
        after = start
        while batch := read_events(tx.session, after=after, up_to=newest, limit=_BATCH):
            block = b"".join(_line(event) for event in batch)
            digester.update(block)
            stream.write(block)
            after = batch[-1].sequence
            tx.session.expunge_all()
    segment = Segment(start + 1, newest, f"events/{start + 1:012d}-{newest:012d}.jsonl")
    return _Draft(segment=segment, source=source, size=digester.size, digests=digester.digests())


def _line(event: LedgerEvent) -> bytes:
    return json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_journal(
    stores: Sequence[Store], report: Callable[[Finding], None], *, objects: Mapping[str, Iterable[str]] | None = None
) -> Iterator[LedgerEvent]:
    """Every event that any store's journal has, once, in the ledger's order.

    A segment that is damaged or missing in one store is taken from another.

    Args:
        stores: where to look, the preferred first.
        report: told of every segment that cannot be used, and of numbers that no store has.
        objects: ids of the journal's objects by store's name, where somebody has listed them already; by default every store is walked.
    """
    found: list[tuple[Segment, int, OcflObject, str]] = []
    for rank, store in enumerate(stores):
        listed = store.root.objects() if objects is None else objects.get(store.name, ())
        for object_id in listed:
            if is_journal(object_id):
                found.extend(_found_in(store, rank, object_id, report))
    found.sort(key=lambda item: (item[0].first, -item[0].last, item[1]))
    done = 0
    for segment, rank, part, sha512 in found:
        if segment.last <= done or not _is_whole(part, segment, sha512, stores[rank].name, report):
            continue
        if segment.first > done + 1:
            report(_gap(done + 1, segment.first - 1))
        with part.open(segment.path) as stream:
            for line in stream:
                event = LedgerEvent.from_json(json.loads(line))
                if event.sequence > done:
                    done = event.sequence
                    yield event


def _found_in(store: Store, rank: int, object_id: str, report: Callable[[Finding], None]) -> list[tuple[Segment, int, OcflObject, str]]:
    try:
        part = store.root.find(object_id)
        if part is None:
            return []
        digests = {file.logical_path: file.sha512 for file in part.files()}
        return [(segment, rank, part, digests[segment.path]) for segment in _segments(part)]
    except StorageError as error:
        report(_unreadable(store.name, object_id, error))
        return []


def _is_whole(part: OcflObject, segment: Segment, sha512: str, store: str, report: Callable[[Finding], None]) -> bool:
    digester = Digester(("sha512",))
    try:
        with part.open(segment.path) as stream:
            while block := stream.read(1024 * 1024):
                digester.update(block)
    except (StorageError, OSError) as error:
        report(_unreadable(store, f"{part.object_id}/{segment.path}", error))
        return False
    actual = digester.hexdigests()["sha512"]
    if actual == sha512:
        return True
    report(
        failure(
            "JOURNAL_DIGEST_MISMATCH",
            Property.INTEGRITY,
            f"{part.object_id}/{segment.path}",
            N_("A part of the journal in store “{store}” is damaged: expected SHA-512 {expected}, found {actual}."),
            N_("Another store's copy is used where there is one. Repair this copy."),
            store=store,
            expected=sha512,
            actual=actual,
        )
    )
    return False


def _unreadable(store: str, subject: str, error: Exception) -> Finding:
    return failure(
        "JOURNAL_UNREADABLE",
        Property.USABILITY,
        subject,
        N_("A part of the journal in store “{store}” cannot be read: {reason}"),
        N_("Another store's copy is used where there is one. Look at the store."),
        store=store,
        reason=error.message if isinstance(error, StorageError) else str(error),
    )


def _gap(first: int, last: int) -> Finding:
    return failure(
        "JOURNAL_GAP",
        Property.INTEGRITY,
        f"{first}-{last}",
        N_("No store has the events {first} to {last}."),
        N_("If a store is not mounted, mount it and do this again; otherwise these events are lost."),
        first=first,
        last=last,
    )
