"""The health of a home: settings, schema, clock, stores, tools; each a statement with its remedy."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from repository.errors import JinguiError
from repository.findings import N_, Translate
from repository.holdings import Event
from repository.migrations import HEAD
from repository.permissions import Actor
from storage.errors import StorageError

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.stores import Store

_DOCTOR: Final = Actor.system("doctor")
#: Clocks of machines that work together differ by less than this.
_CLOCK_TOLERANCE: Final = timedelta(minutes=2)
#: Less room than this in a store is a problem.
_LEAST_ROOM: Final = 1024**3


class Health(StrEnum):
    """What an examination says: fine, worth knowing, or to be put right."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """One thing that was looked at.

    Args:
        name: what, for machines and tables (``store a``).
        health: how it is.
        message: English template.
        remedy: English template: what to do; empty when there is nothing to do.
        parameters: values of the places in both.
    """

    name: str
    health: Health
    message: str
    remedy: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    def text(self, translate: Translate) -> str:
        """The message in the language of `translate`."""
        return translate(self.message).format_map(self.parameters)

    def remedy_text(self, translate: Translate) -> str:
        """The remedy in the language of `translate`."""
        return translate(self.remedy).format_map(self.parameters) if self.remedy else ""


def examine(home: Path) -> Sequence[Examination]:
    """Looks at everything; a home that cannot be opened is one of the things said."""
    from repository.archive import Archive

    found = [*(examine_tool(tool) for tool in TOOLS), *(examine_program(program) for program in PROGRAMS)]
    try:
        archive = Archive.open(home, migrate=False)
    except JinguiError as error:
        return [
            Examination(
                name="home",
                health=Health.PROBLEM,
                message=error.template,
                remedy=error.remedy,
                parameters={"subject": error.subject, **error.parameters},
            ),
            *found,
        ]
    try:
        return [
            _examine_home(archive),
            _examine_catalogue(archive),
            _examine_clock(archive),
            *(examine_store(store, archive.new_id()) for store in archive.stores),
            _examine_copies(archive),
            *_examine_broker(archive),
            *found,
        ]
    finally:
        archive.close()


def _examine_home(archive: Archive) -> Examination:
    for folder in (archive.home, archive.work_folder, archive.inbox_folder, archive.index_folder, archive.formats_folder):
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return Examination(
                name="home",
                health=Health.PROBLEM,
                message=N_("{folder} cannot be written."),
                remedy=N_("Give the folder to the account that runs the program."),
                parameters={"folder": str(folder)},
            )
    return Examination(name="home", health=Health.FINE, message=N_("{folder}, settings read"), parameters={"folder": str(archive.home)})


def _examine_catalogue(archive: Archive) -> Examination:
    parameters = {"address": archive.engine.url.render_as_string(hide_password=True), "schema": HEAD}
    return Examination(name="catalogue", health=Health.FINE, message=N_("{address}, schema {schema} is current"), parameters=parameters)


def _examine_clock(archive: Archive) -> Examination:
    with archive.read(_DOCTOR) as tx:
        newest = tx.session.scalar(select(func.max(Event.at)))
        now = tx.now
    parameters = {"now": now.isoformat(timespec="seconds"), "newest": newest.isoformat(timespec="seconds") if newest else "-"}
    if newest is not None and newest > now + _CLOCK_TOLERANCE:
        return Examination(
            name="clock",
            health=Health.PROBLEM,
            message=N_("It says {now}, but the newest event is of {newest}: the clock has gone back, or another machine's is ahead."),
            remedy=N_("Set the clock, and keep it right with NTP."),
            parameters=parameters,
        )
    return Examination(name="clock", health=Health.FINE, message=N_("{now}, after every event"), parameters=parameters)


def examine_store(store: Store, probe: str) -> Examination:
    """Whether a store is there and can be read and, unless it is only read, written and cleared again.

    Args:
        store: the store.
        probe: a new id, for the name of the file that is written.
    """
    name = f"store {store.name}"
    parameters = {"location": store.address, "room": "-"}
    try:
        if store.objects.stat("ocfl/0=ocfl_1.1") is None:
            return Examination(
                name=name,
                health=Health.PROBLEM,
                message=N_("There is no OCFL storage root in {location}."),
                remedy=N_("Mount the disk it is on; a new store is made by “jingui init”.")
                if isinstance(store.location, Path)
                else N_("Check bucket and prefix; a new store in them is made by “jingui init”."),
                parameters=parameters,
            )
        if not store.read_only:
            key = f"staging/doctor-{probe}"
            store.objects.write(key, [b"a store that can be written\n"])
            store.objects.delete(key)
        room = store.objects.free_space()
    except StorageError as error:
        return Examination(
            name=name,
            health=Health.PROBLEM,
            message=error.template,
            remedy=error.remedy,
            parameters={"subject": error.subject, **error.parameters},
        )
    if room is not None:
        parameters["room"] = f"{room / 1024**3:.1f}"
        if room < _LEAST_ROOM and not store.read_only:
            return Examination(
                name=name,
                health=Health.PROBLEM,
                message=N_("Only {room} GiB are free in {location}."),
                remedy=N_("Make room, or add a store on another disk."),
                parameters=parameters,
            )
    if store.read_only:
        message = N_("{location} can be read")
    elif room is None:
        message = N_("{location} can be read and written")
    else:
        message = N_("{location} can be read and written, {room} GiB free")
    return Examination(name=name, health=Health.FINE, message=message, parameters=parameters)


def _examine_copies(archive: Archive) -> Examination:
    writable = sum(1 for store in archive.stores if not store.read_only)
    parameters = {"stores": str(writable), "required": str(archive.settings.copies_required)}
    if writable < archive.settings.copies_required:
        return Examination(
            name="copies",
            health=Health.PROBLEM,
            message=N_("{required} copies are required, but only {stores} stores can be written."),
            remedy=N_("Add stores to the settings, or lower copies_required."),
            parameters=parameters,
        )
    return Examination(
        name="copies", health=Health.FINE, message=N_("{required} required, {stores} stores can be written"), parameters=parameters
    )


def _examine_broker(archive: Archive) -> Iterator[Examination]:
    """Whether what brings jobs to other machines answers; nothing where there is none."""
    if not archive.settings.broker_url:
        return
    from repository.jobs.delivery import Broker, CeleryMissing, celery_app

    try:
        celery_app(archive.settings.broker_url)
    except CeleryMissing as error:
        parameters = {"subject": error.subject, **error.parameters}
        yield Examination(name="broker", health=Health.PROBLEM, message=error.template, remedy=error.remedy, parameters=parameters)
        return
    waiting = Broker(archive.settings.broker_url).waiting()
    if waiting is None:
        yield Examination(
            name="broker",
            health=Health.PROBLEM,
            message=N_("It cannot be reached; jobs wait in the catalogue until it is back."),
            remedy=N_("Start it, or correct broker_url in the settings."),
        )
    else:
        yield Examination(
            name="broker", health=Health.FINE, message=N_("answers, messages waiting: {waiting}"), parameters={"waiting": str(waiting)}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A library or program that a part of the work needs.

    Args:
        name: its name.
        distribution: the Python distribution that brings it.
        load: loads it, and raises where it does not work.
        remedy: English template: what is different without it, and how to get it.
    """

    name: str
    distribution: str
    load: Callable[[], object]
    remedy: str


def _load_magic() -> object:
    # it brings the library that the next import looks for
    importlib.import_module("pylibmagic")
    return importlib.import_module("magic").Magic(mime=True)


#: What the archive works with, and what it does without it.
TOOLS: Final = (
    Tool(
        name="hyperscan",
        distribution="hyperscan",
        load=lambda: importlib.import_module("hyperscan"),
        remedy=N_("Format identification gives the same answers without it, slower. To have it: pip install hyperscan==0.7.8"),
    ),
    Tool(
        name="fido",
        distribution="opf-fido",
        load=lambda: importlib.import_module("fido"),
        remedy=N_("Without it there are no signatures to begin with. Import some with “jingui formats import”, or pip install opf-fido"),
    ),
    Tool(
        name="pygfried",
        distribution="pygfried",
        load=lambda: importlib.import_module("pygfried"),
        remedy=N_("Without it there is no second opinion on formats. To have it: pip install pygfried"),
    ),
    Tool(
        name="pypdfium2",
        distribution="pypdfium2",
        load=lambda: importlib.import_module("pypdfium2"),
        remedy=N_("Without it there are no previews of PDF and of office documents. To have it: pip install pypdfium2"),
    ),
    Tool(
        name="libmagic",
        distribution="python-magic",
        load=_load_magic,
        remedy=N_("Without it MIME types and text encodings are not told. To have it: pip install python-magic pylibmagic"),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program of the system that a part of the work needs.

    Args:
        name: what it is started by.
        remedy: English template: what is off without it, and how to get it.
    """

    name: str
    remedy: str


#: Programs that show files which the archive cannot show by itself.
PROGRAMS: Final = (
    Program(
        name="soffice",
        remedy=N_(
            "Without LibreOffice there are no previews of office documents. To have it: apt-get install libreoffice-writer-nogui"
            " libreoffice-calc-nogui libreoffice-impress-nogui"
        ),
    ),
    Program(name="ffmpeg", remedy=N_("Without it there are no previews of sound and film. To have it: apt-get install ffmpeg")),
)


def examine_program(program: Program) -> Examination:
    """Whether a program is found; it is not started."""
    found = shutil.which(program.name)
    if found is not None:
        return Examination(name=program.name, health=Health.FINE, message=N_("found: {path}"), parameters={"path": found})
    return Examination(name=program.name, health=Health.NOTE, message=N_("not installed"), remedy=program.remedy)


def examine_tool(tool: Tool) -> Examination:
    """Whether a tool is there and loads."""
    try:
        found = version(tool.distribution)
        tool.load()
    except PackageNotFoundError:
        reason = "-"
    except Exception as error:
        # whatever a broken native library raises, the answer is the same: it cannot be used
        reason = f"{type(error).__name__}: {error}"
    else:
        return Examination(name=tool.name, health=Health.FINE, message=N_("version {version}"), parameters={"version": found})
    return Examination(
        name=tool.name,
        health=Health.NOTE if reason == "-" else Health.PROBLEM,
        message=N_("not installed") if reason == "-" else N_("installed, but it does not load: {reason}"),
        remedy=tool.remedy,
        parameters={"reason": reason},
    )
