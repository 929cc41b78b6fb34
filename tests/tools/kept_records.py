"""A home with a few records in it as ingest puts them there: made once a run, copied for each test.

A test module takes it by importing the fixtures `home`, `database`, `kept` and `_kept_home`.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import bagit
import pytest
from click.testing import CliRunner

from access.reading import BLOCK
from repository.archive import Archive
from repository.cli import main
from repository.holdings import Copy, Record
from repository.permissions import Actor, Role
from repository.recordkeeping.sharing import UNCONDITIONAL
from storage.ocfl.layout import root_key

DATA = "representations/original/data/"
SECRET = "secret-mailbox@example.org"
#: Files of each package, by the name of its record.
CONTENT: dict[str, dict[str, bytes]] = {
    "plain": {"small.txt": b"small", "large.bin": random.Random(1).randbytes(2 * BLOCK) + b"end", "empty": b""},
    "names": {
        name: name.encode()
        for name in (
            "<img src=x onerror=alert(1)>.txt",
            "一 'quoted' \"twice\" & more.txt",
            "100%25 #1?.txt",
            "line\nbreak.txt",
            "e\u0301.txt",
            "dots...",
            "-rf",
            "\u202egpj.exe",
            "folder/javascript:alert(1)",
            "é" * 127,
        )
    },
    "bag": {"门牌证明.txt": "榆青禾".encode(), "metadata.csv": b"filename,dc.title\n"},
    "twice": {"kept.txt": b"kept", "corrected.txt": b"second"},
}

Kept = dict[str, str]


@pytest.fixture
def database() -> str:
    """What is tested with this home does not depend on the database."""
    return "sqlite"


@pytest.fixture(scope="session")
def _kept_home(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "kept-records"
    if not (folder / "records.json").exists():
        shutil.copytree(_home_template, folder / "home")
        (folder / "records.json").write_text(json.dumps(_fill(folder)))
    return folder


@pytest.fixture
def home(_kept_home: Path, tmp_path: Path) -> Path:
    """The home with the records."""
    return Path(shutil.copytree(_kept_home / "home", tmp_path / "home"))


@pytest.fixture
def kept(_kept_home: Path) -> Kept:
    """The records' ids by name."""
    ids: Kept = json.loads((_kept_home / "records.json").read_text())
    return ids


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Writes files into a folder and gives it back."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def content_of(name: str) -> dict[str, bytes]:
    """The content files of a record, by their path in the package."""
    return {DATA + path: content for path, content in CONTENT[name].items()}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(archive: Archive, store: str, record_id: str, path: str, version: int = 1) -> Path:
    """Where the bytes of a file lie on the disk."""
    return archive.store(store).location / root_key(f"urn:uuid:{record_id}") / f"v{version}" / "content" / path


def states(archive: Archive, record_id: str) -> dict[str, str]:
    """What the catalogue knows of the copies, by store."""
    with archive.read(Actor.local()) as tx:
        return {name: tx.session.get_one(Copy, (f"urn:uuid:{record_id}", name)).state for name in ("a", "b")}


def share_openly(archive: Archive, record_id: str) -> None:
    """Lets anybody read a record."""
    with archive.transaction(Actor.local()) as tx:
        record = tx.session.get_one(Record, record_id)
        record.sharing, record.security = sorted(UNCONDITIONAL)[0], ""


def person(*roles: Role) -> Actor:
    """Somebody with these roles."""
    return Actor(id="1", name="somebody", roles=frozenset(roles))


def _fill(folder: Path) -> Kept:
    sent = folder / "sent"
    for name, files in CONTENT.items():
        write_files(sent / name, files)
    write_files(sent / "first" / "twice", {"kept.txt": b"kept", "corrected.txt": b"first"})
    labels = {
        "External-Identifier": "ID-1",
        "External-Description": "门牌证明",
        "Contact-Email": SECRET,
        "Source-Organization": "虚构市民政局",
    }
    bagit.make_bag(str(sent / "bag"), labels, checksums=["sha256"])
    ids = _ingest(folder / "home", sent / "plain", sent / "names", sent / "bag", sent / "first" / "twice")
    _ingest(folder / "home", sent / "twice", "--replaces", ids["twice"])
    return ids


def _ingest(home: Path, *arguments: str | Path) -> Kept:
    done = CliRunner().invoke(main, ["--home", str(home), "ingest", "--json", *map(str, arguments)])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0, done.stdout + done.stderr
    return {Path(line["path"]).name: line["record"] for line in lines}
