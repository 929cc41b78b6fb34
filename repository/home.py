"""A repository home: the folder with settings, catalogue, work and, by default, the stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from repository.archive import Archive, utc_now
from repository.errors import HomeUnusable
from repository.findings import N_
from repository.holdings import Agreement, Copy
from repository.identifiers import new_uuid
from repository.permissions import Actor
from repository.settings import SETTINGS_FILE

#: The agreement for packages that come from the people of the archive itself.
LOCAL_AGREEMENT: Final = "local"

_SETTINGS: Final = """\
# Settings of this Jingui repository. Every value can also come from the environment: JINGUI_ARCHIVE_NAME and so on.
# Lines that begin with # show the defaults.

# Name and code (档案馆代码) of the archive, in pages, receipts and METS.
archive_name = "Jingui"
# archive_code = ""

# Language of pages for those who chose none (zh_Hans_CN or en), and the time zone of pages and reports.
# language = "zh_Hans_CN"
# time_zone = "Asia/Shanghai"

# The catalogue. Empty: SQLite in this folder. For many machines: "postgresql://user:password@host/name".
# database_url = ""

# Verified copies before a record counts as stored; and whether every file is on the disk (fsync) before it counts as written.
copies_required = 2
# durable_writes = true

# "whoosh" (embedded) or "database" (for more than about 100,000 records, and for many machines).
# search_engine = "whoosh"

# Worker processes that `jingui serve` starts.
# workers = 1

# Empty: workers look for jobs in the catalogue. For workers on many machines: the address of a Redis or RabbitMQ that is this
# archive's alone, "redis://host:6379/0" or "amqp://user:password@host/vhost" (needs the extra "celery").
# broker_url = ""

# Web servers in front of `jingui serve`, each of which sets X-Forwarded-For, -Proto and -Host. 0: nobody's word is believed.
# proxies = 0

# Where copies are kept. Put the stores on different disks: two copies on one disk are lost together.
[[stores]]
name = "a"
location = "stores/a"
priority = 10

[[stores]]
name = "b"
location = "stores/b"
priority = 20

# Passwords, lockout and sessions (GB/T 22239-2019, 8.1.4.1); docs/operating.md says what each of them does.
# [accounts]
# password_length = 12
# password_classes = 2
# password_history = 5
# password_days = 90
# failed_logins = 5
# lockout_minutes = 15
# address_failures = 50
# idle_minutes = 30
# session_hours = 8
# fresh_minutes = 15
# two_factor_required_roles = []

# An identity provider to log in with (OpenID Connect) is a table of its own; docs/operating.md shows it.

# What a package may cost at most before it counts as an attack.
# [unpack]
# entries = 1000000
# ratio = 200.0
# depth = 64
# total_bytes = 4398046511104
"""


def make_home(home: Path, *, clock: Callable[[], datetime] = utc_now, new_id: Callable[[], str] = new_uuid) -> Archive:
    """Makes a home, or what is missing of one, and opens it. What is there stays as it is.

    Args:
        home: the folder; made if needed. A folder with other things in it is refused.
        clock: see `Archive.open`.
        new_id: see `Archive.open`.

    Raises:
        HomeUnusable: the folder is something else's, or cannot be written.
    """
    home = home.absolute()
    settings_file = home / SETTINGS_FILE
    try:
        if not settings_file.exists():
            if home.is_dir() and any(home.iterdir()):
                raise HomeUnusable(
                    N_("{subject} is not empty and not a repository home."),
                    subject=str(home),
                    remedy=N_("Name an empty or a new folder."),
                )
            home.mkdir(parents=True, exist_ok=True)
            # written whole or not at all: a half-written file would make the next attempt fail for another reason
            draft = home / f".{SETTINGS_FILE}.new"
            draft.write_text(_SETTINGS, encoding="utf-8")
            draft.chmod(0o600)
            draft.replace(settings_file)
        archive = Archive.open(home, clock=clock, new_id=new_id)
        _make_stores(archive)
    except OSError as error:
        raise HomeUnusable(
            N_("{subject} cannot be made: {reason}."),
            subject=str(error.filename or home),
            remedy=N_("Name a folder that you may write, on a disk with room."),
            reason=error.strerror or str(error),
        ) from error
    with archive.transaction(Actor.system("init")) as tx:
        if tx.session.get(Agreement, LOCAL_AGREEMENT) is None:
            tx.session.add(Agreement(code=LOCAL_AGREEMENT, title=N_("Local use"), unit="", fonds="", open=True))
    return archive


def _make_stores(archive: Archive) -> None:
    """Makes the stores that are not there, but never one that holds copies according to the catalogue: its disk is not mounted."""
    with archive.read(Actor.system("init")) as tx:
        used = set(tx.session.scalars(select(Copy.store).distinct()))
    for store in archive.stores:
        if not store.read_only and store.name not in used:
            if isinstance(store.location, Path):
                store.location.mkdir(parents=True, exist_ok=True)
            store.root.create()
