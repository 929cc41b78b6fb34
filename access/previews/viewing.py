"""Looking at a file: who may, what is there already, what is made while the reader waits, and what a worker makes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from access import catalogue
from access.previews.cache import Place, has_pages, place_of, scratch
from access.previews.confinement import Ending, run
from access.previews.kinds import HEAD, SLOW, Kind, declared_kind, kind_of
from access.previews.orders import ABOUT, CONVERTED, MEMORY, MISSING, OUTPUT, Order
from access.previews.values import (
    BROKE_OFF,
    EMPTY,
    NO_PROGRAM,
    TOO_LARGE,
    TOO_LONG,
    UNKNOWN,
    UNREADABLE,
    Preview,
    Unshowable,
    from_json,
)
from access.reading import CopyFailed, Holding, NoSoundCopy, PackageReader, holding_of
from repository.errors import NotFound
from repository.findings import N_
from repository.permissions import Permission, allows

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.holdings import Record
    from repository.transaction import Transaction

#: The kind of job that makes what takes long.
JOB: Final = "access.preview"
#: Larger files are left to a worker, bytes.
_AT_ONCE: Final = 96 * 1024**2
#: Still larger ones are not shown at all, bytes.
_LARGEST: Final = 16 * 1024**3
#: Pages that are made along with the one that is asked for.
_AHEAD: Final = 4
_GIGABYTE: Final = 1024**3
_MEMORY: Final = {Kind.OFFICE: 4 * _GIGABYTE, Kind.AUDIO: 3 * _GIGABYTE, Kind.VIDEO: 3 * _GIGABYTE, Kind.PICTURE: 2 * _GIGABYTE}
_OUTPUT: Final = {Kind.AUDIO: _GIGABYTE, Kind.VIDEO: 4 * _GIGABYTE}
#: What programs a kind needs, and how people call them.
PROGRAMS: Final = {Kind.OFFICE: ("soffice", "LibreOffice"), Kind.AUDIO: ("ffmpeg", "FFmpeg"), Kind.VIDEO: ("ffmpeg", "FFmpeg")}

#: At most so many children at once beside the pages that this process answers.
_children: Final = threading.BoundedSemaphore(2)


@dataclass(frozen=True, kw_only=True)
class Viewed:
    """A file that somebody may look at.

    Args:
        archive: the open archive.
        record_id: its record.
        file_id: its row.
        path: where it lies in the package.
        puid: its PRONOM key.
        mime: its MIME type.
        size: bytes.
        sha512: digest.
        holding: where the package can be read.
        original_too: whether the same person may have the file itself.
    """

    archive: Archive
    record_id: str
    file_id: int
    path: str
    puid: str | None
    mime: str
    size: int
    sha512: bytes
    holding: Holding
    original_too: bool

    @property
    def name(self) -> str:
        """Its name, without folders."""
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> Kind:
        """As what it is shown, by what the catalogue knows."""
        return declared_kind(self)

    @property
    def place(self) -> Place:
        """Where its preview is kept."""
        now = self.archive.clock().timestamp()
        root = previews_folder(self.archive)
        return place_of(root, record_id=self.record_id, sha512=self.sha512, kind=self.kind, now=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A preview that can be looked at.

    Args:
        preview: what is known of it.
        page: file of the page that was asked for, or None where there is none.
        problem: why there is none, where only this page is at fault.
    """

    preview: Preview
    page: Path | None = None
    problem: Preview | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A preview that a worker makes.

    Args:
        job_id: the job.
    """

    job_id: str


class _NeedsWorker(Exception):
    """Making it takes longer than a reader waits at a page."""


def previews_folder(archive: Archive) -> Path:
    """Where the previews of an archive are."""
    return archive.settings.under_home("previews")


def find(tx: Transaction, record: Record, file_id: int) -> Viewed:
    """A file of a record that `access.catalogue.find_record` gave, for looking at.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ` for the record.
        NotFound: the record has no such file, or only those who may have the originals know of it.
    """
    tx.require(Permission.RECORD_READ, record)
    file = catalogue.find_file(tx, record, file_id)
    original_too = allows(tx.actor, Permission.RECORD_EXPORT, record)
    if file.role != "content" and not original_too:
        # the documents around the content hold personal data that the record's page leaves out
        raise NotFound(N_("The record has no file “{subject}”."), subject=str(file_id))
    return Viewed(
        archive=tx.archive,
        record_id=record.id,
        file_id=file.id,
        path=file.path,
        puid=file.puid,
        mime=file.mime,
        size=file.size,
        sha512=file.sha512,
        holding=holding_of(tx, record),
        original_too=original_too,
    )


def ask(tx: Transaction, record_id: str, file_id: int, *, page: int, level: int) -> str:
    """Has a worker make a page of a preview; gives the id of the job.

    Raises:
        PermissionDenied: without `Permission.RECORD_READ` for the record.
        NotFound: there is no such record or file, or the actor may not know of it.
    """
    tx.require(Permission.RECORD_READ)
    viewed = find(tx, catalogue.find_record(tx, record_id), file_id)
    key = f"{JOB}:{viewed.record_id}:{viewed.sha512.hex()[:32]}:{viewed.kind}:{page}@{level}"
    arguments = {"record": record_id, "file": file_id, "page": page, "level": level}
    return tx.enqueue(JOB, arguments, key=key)


def look(viewed: Viewed, *, page: int = 1, level: int = 1) -> Shown | None:
    """What is there already of a preview; None where something must be made first."""
    if (refused := _refused(viewed)) is not None:
        return Shown(preview=refused)
    place = viewed.place
    preview = place.preview()
    if preview is None:
        return None
    if not has_pages(preview):
        return Shown(preview=preview, page=place.page(page))
    page = min(max(page, 1), preview.pages)
    level = min(max(level, 1), preview.levels)
    found = place.page(page, level)
    problem = None if found is not None else place.problem(page, level)
    return Shown(preview=preview, page=found, problem=problem) if found is not None or problem is not None else None


def show(viewed: Viewed, *, page: int = 1, level: int = 1, patience: float | None = None) -> Shown | None:
    """Makes what is missing of a preview, if that is quick.

    Args:
        viewed: the file.
        page: which page, from 1.
        level: in which size, from 1.
        patience: for so long it may take, and may wait before until others are done, seconds; None: as the settings say.

    Returns:
        The preview, or None where a worker must make it (`ask`).
    """
    found = look(viewed, page=page, level=level)
    if found is not None:
        return found
    if viewed.kind in SLOW and viewed.place.path(CONVERTED) is None:
        return None
    seconds = viewed.archive.settings.preview_patience_seconds if patience is None else patience
    if viewed.size > _AT_ONCE or not _children.acquire(timeout=seconds):
        return None
    try:
        return make(viewed, page=page, level=level, seconds=seconds, alone=seconds, quick=True)
    except _NeedsWorker:
        return None
    finally:
        _children.release()


def make(
    viewed: Viewed,
    *,
    page: int,
    level: int,
    seconds: float,
    alone: float,
    quick: bool,
    check: Callable[[], None] = lambda: None,
) -> Shown | None:
    """Makes a page of a preview, unless somebody else has done it meanwhile.

    Args:
        viewed: the file.
        page: which page, from 1.
        level: in which size, from 1.
        seconds: for so long it may take.
        alone: for so long it waits for others who make the same.
        quick: whether to leave to a worker what turns out to take longer.
        check: called now and then; what it raises breaks off.
    """
    place = viewed.place
    with place.locked(alone) as mine:
        found = look(viewed, page=page, level=level)
        if found is not None or not mine:
            return found
        try:
            if place.preview() is None and (page, level) != (1, 1):
                # how many pages there are, and in how many sizes, is known only when the first is made
                _make(viewed, place, page=1, level=1, seconds=seconds, quick=quick, check=check)
                found = look(viewed, page=page, level=level)
                if found is not None:
                    return found
            known = place.preview()
            if known is not None:
                page, level = min(page, known.pages), min(level, known.levels)
            _make(viewed, place, page=page, level=level, seconds=seconds, quick=quick, check=check)
        except (NoSoundCopy, CopyFailed):
            place.say(Unshowable(UNREADABLE, lasting=False).preview(viewed.kind))
    return look(viewed, page=page, level=level)


def _make(viewed: Viewed, place: Place, *, page: int, level: int, seconds: float, quick: bool, check: Callable[[], None]) -> None:
    with scratch(previews_folder(viewed.archive)) as folder:
        kind, source = viewed.kind, place.path(CONVERTED)
        if source is not None:
            kind = Kind.PDF
        else:
            source = folder / "source"
            kind = _fetch(viewed, source, check)
            if quick and kind in SLOW:
                raise _NeedsWorker
            if kind is Kind.OTHER:
                place.say(Unshowable(UNKNOWN).preview(viewed.kind))
                return
        target, home = folder / "target", folder / "home"
        target.mkdir()
        home.mkdir()
        order = Order(
            kind=kind,
            source=source,
            name=viewed.name,
            target=target,
            first=page,
            count=_AHEAD if level == 1 else 1,
            level=level,
            seconds=seconds,
            memory=_MEMORY.get(kind, MEMORY),
            output=_OUTPUT.get(kind, OUTPUT),
        )
        ending = run(order, home, check)
        _keep(viewed, place, order, ending, quick=quick)


def _keep(viewed: Viewed, place: Place, order: Order, ending: Ending, *, quick: bool) -> None:
    """Takes over what a child made, and says what it could not make."""
    told = _read(order.target / ABOUT)
    if told is not None:
        place.take(order.target)
    preview = place.preview()
    short = preview is None or (has_pages(preview) and place.page(order.first, order.level) is None)
    if not short:
        return
    if ending is Ending.OUT_OF_TIME and quick:
        raise _NeedsWorker
    reason = _read(order.target / MISSING) or _given_up(ending, order).preview(viewed.kind)
    if preview is None:
        place.say(reason)
    elif order.first <= preview.pages:
        place.say_problem(order.first, order.level, reason)


def _given_up(ending: Ending, order: Order) -> Unshowable:
    if ending is Ending.OUT_OF_TIME:
        return Unshowable(TOO_LONG, lasting=False, seconds=f"{order.seconds:g}")
    return Unshowable(BROKE_OFF, lasting=False)


def _read(path: Path) -> Preview | None:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _fetch(viewed: Viewed, target: Path, check: Callable[[], None]) -> Kind:
    """Copies the file out of a store, comparing every byte, and says what it is."""
    reader = PackageReader(viewed.archive, viewed.holding)
    kept = reader.file(viewed.path)
    head = b""
    with target.open("wb") as file:
        for block in reader.blocks(kept.content_path, viewed.sha512.hex()):
            check()
            if len(head) < HEAD:
                head += block[:HEAD]
            file.write(block)
    target.chmod(0o400)
    return kind_of(head[:HEAD], viewed)


def _refused(viewed: Viewed) -> Preview | None:
    """What is said without looking at the file."""
    if viewed.size == 0:
        return Unshowable(EMPTY).preview(viewed.kind)
    if viewed.size > _LARGEST:
        return Unshowable(TOO_LARGE, reason=f"{viewed.size} B").preview(viewed.kind)
    program, name = PROGRAMS.get(viewed.kind, ("", ""))
    if program and shutil.which(program) is None and viewed.place.preview() is None:
        return Unshowable(NO_PROGRAM, lasting=False, program=name).preview(viewed.kind)
    return None
