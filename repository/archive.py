"""The open archive: settings, database, stores, and where time and ids come from. Everything hangs on it, and it knows no Flask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from repository.database import connect, reading
from repository.errors import HomeMissing, NotFound
from repository.findings import N_
from repository.identifiers import new_uuid
from repository.migrations import prepare_schema
from repository.permissions import Actor
from repository.settings import SETTINGS_FILE, Settings, load_settings
from repository.stores import Store, open_stores
from repository.transaction import Transaction

logger = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The moment, in UTC; the source of `Archive.clock`."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An open repository home.

    Args:
        settings: what is set.
        engine: the catalogue's database; a plain transaction on it may write and takes the writer lock.
        stores: where copies are kept, the one that is read first in front.
        clock: says the moment, in UTC.
        new_id: makes a new id.
    """

    settings: Settings
    engine: Engine
    stores: tuple[Store, ...]
    clock: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_uuid
    _reader: Engine = field(repr=False)

    @staticmethod
    def open(home: Path, *, clock: Callable[[], datetime] = utc_now, new_id: Callable[[], str] = new_uuid, migrate: bool = True) -> Archive:
        """Opens a home.

        Args:
            home: the folder that `jingui init` made.
            clock: another clock.
            new_id: another source of ids.
            migrate: whether an older catalogue is brought up to date.

        Raises:
            HomeMissing: there is no home.
            HomeUnusable: settings, schema, or access to the database.
        """
        home = home.absolute()
        if not (home / SETTINGS_FILE).is_file():
            raise HomeMissing(
                N_("There is no repository home at {subject}."),
                subject=str(home),
                remedy=N_("Make one with “jingui init {subject}”, or name another with --home or JINGUI_HOME."),
            )
        settings = load_settings(home)
        engine = connect(settings.database_address, durable=settings.durable_writes)
        prepare_schema(engine, lock_file=settings.under_home("catalogue.lock"), migrate=migrate)
        archive = Archive(
            settings=settings, engine=engine, stores=open_stores(settings), clock=clock, new_id=new_id, _reader=reading(engine)
        )
        for folder in (archive.work_folder, archive.inbox_folder, archive.index_folder, archive.formats_folder):
            folder.mkdir(parents=True, exist_ok=True)
        return archive

    @contextmanager
    def transaction(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction that may write: committed when the block ends, rolled back when it raises.

        What was registered with `Transaction.after_commit` is called afterwards; an error in it is logged, since what
        was committed stays committed.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            tx = Transaction(self, session, actor, self.clock())
            yield tx
            tx.finish()
            session.commit()
        for hook in tx.take_hooks():
            try:
                hook()
            except Exception:
                logger.exception("what should follow a commit failed; the commit itself stands")

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction that only reads: it waits for nobody and sees one state throughout (SQLite) or per statement (PostgreSQL)."""
        with Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield Transaction(self, session, actor, self.clock())

    def store(self, name: str) -> Store:
        """The store of this name.

        Raises:
            NotFound: there is none.
        """
        for store in self.stores:
            if store.name == name:
                return store
        raise NotFound(
            N_("There is no store “{subject}”."),
            subject=name,
            remedy=N_("Stores of this home: {known}."),
            known=", ".join(store.name for store in self.stores),
        )

    def close(self) -> None:
        """Gives back the database connections."""
        self.engine.dispose()

    @property
    def home(self) -> Path:
        """The folder of this repository."""
        return self.settings.home

    @property
    def work_folder(self) -> Path:
        """Where packages are unpacked while they are worked on; a folder a submission."""
        return self.settings.under_home("work")

    @property
    def inbox_folder(self) -> Path:
        """Where uploads wait for their ingest."""
        return self.settings.under_home("inbox")

    @property
    def index_folder(self) -> Path:
        """The embedded search index."""
        return self.settings.under_home("index")

    @property
    def formats_folder(self) -> Path:
        """Imported signature releases and what was compiled from them."""
        return self.settings.under_home("formats")
