"""Every kind of damage that a copy can take, in its latest and in an earlier version: found, named, and healed from the other copy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from preservation.tables import Incident
from repository.archive import Archive
from repository.events import EventType, read_events
from repository.holdings import Copy
from repository.permissions import Actor
from storage.ocfl.validator import validate
from tests.conftest import Cli
from tests.tools.holdings import copy_folder, folder_of, keep, lose_copy

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

FIRST = {"METS.xml": b"<mets version='1'/>", "data/a.txt": b"the first text", "data/b.txt": b"another one", "data/空.txt": b"x"}
SECOND = {**FIRST, "METS.xml": b"<mets version='2'/>", "data/a.txt": b"the second text", "data/c.txt": b"a third one"}

#: What is done to a copy: its folder, and the folder of the version that is meant.
Damage = Callable[[Path, Path], None]


def flip(root: Path, version: Path) -> None:
    file = version / "content/data/a.txt"
    content = bytearray(file.read_bytes())
    content[3] ^= 1
    file.write_bytes(content)


def truncate(root: Path, version: Path) -> None:
    file = version / "content/data/a.txt"
    file.write_bytes(file.read_bytes()[:-1])


def append(root: Path, version: Path) -> None:
    with (version / "content/METS.xml").open("ab") as file:
        file.write(b"\n")


def swap(root: Path, version: Path) -> None:
    one, other = version / "content/METS.xml", version / "content/data/a.txt"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def remove(root: Path, version: Path) -> None:
    (version / "content/data/a.txt").unlink()


def add(root: Path, version: Path) -> None:
    (version / "content/data/stranger.txt").write_bytes(b"nobody stored this")


def rename(root: Path, version: Path) -> None:
    (version / "content/data/a.txt").rename(version / "content/data/A.txt")


def empty(root: Path, version: Path) -> None:
    (version / "content/data/a.txt").write_bytes(b"")


def link(root: Path, version: Path) -> None:
    file = version / "content/data/a.txt"
    file.rename(version / "content/elsewhere")
    file.symlink_to("../elsewhere")


def replace_inventory(root: Path, version: Path) -> None:
    """Another inventory that is as valid: only the message is another."""
    _write_inventories(root, version, lambda inventory: inventory["versions"][version.name].update(message="forged"))


def replace_inventory_and_content(root: Path, version: Path) -> None:
    """Other bytes, and inventories and sidecars that agree with them: nothing in the copy contradicts itself."""
    file = version / "content/data/a.txt"
    before, forged = file.read_bytes(), b"what never was"
    file.write_bytes(forged)

    def exchange(inventory: dict[str, Any]) -> None:
        for block in (inventory["manifest"], *inventory["fixity"].values(), *(each["state"] for each in inventory["versions"].values())):
            for algorithm in ("sha512", "sha256", "sm3"):
                old, new = (hashlib.new(algorithm, content).hexdigest() for content in (before, forged))
                if old in block:
                    block[new] = block.pop(old)

    _write_inventories(root, version, exchange)


def change_sidecar(root: Path, version: Path) -> None:
    sidecar = version / "inventory.json.sha512"
    sidecar.write_bytes(sidecar.read_bytes().replace(b"a", b"b", 1))


def remove_declaration(root: Path, version: Path) -> None:
    (root / "0=ocfl_object_1.1").unlink()


def remove_version(root: Path, version: Path) -> None:
    shutil.rmtree(version)


def make_unreadable(root: Path, version: Path) -> None:
    (version / "content/data/a.txt").chmod(0)


def _write_inventories(root: Path, version: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the inventory of a version and those of all later ones, with their sidecars."""
    names = sorted(path.name for path in root.iterdir() if path.is_dir())
    for folder in (root, *(root / name for name in names if name >= version.name)):
        inventory = json.loads((folder / "inventory.json").read_bytes())
        change(inventory)
        content = json.dumps(inventory, ensure_ascii=False).encode()
        (folder / "inventory.json").write_bytes(content)
        (folder / "inventory.json.sha512").write_text(f"{hashlib.sha512(content).hexdigest()} inventory.json\n")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "bit flip": (flip, "damaged"),
    "truncation": (truncate, "damaged"),
    "append": (append, "damaged"),
    "two files swapped": (swap, "damaged"),
    "deletion": (remove, "missing"),
    "extra file": (add, "unexpected"),
    "rename": (rename, "missing"),
    "zero length": (empty, "damaged"),
    "link in its place": (link, "damaged"),
    "inventory replaced": (replace_inventory, "damaged"),
    "inventory and content replaced together": (replace_inventory_and_content, "damaged"),
    "sidecar changed": (change_sidecar, "damaged"),
    "declaration gone": (remove_declaration, "missing"),
    "version gone": (remove_version, "missing"),
    "lost permission": (make_unreadable, "unreadable"),
}


def run(cli: Cli, *arguments: str, exit_code: int = 0) -> list[dict[str, Any]]:
    """The lines of a command with ``--json``, but for the last."""
    result = cli(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()][:-1]


def outcomes(cli: Cli, *, exit_code: int = 0) -> dict[str, str]:
    """What an audit of everything says, by store."""
    return {line["store"]: line["outcome"] for line in run(cli, "audit", "--all", exit_code=exit_code)}


def content_of(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def assert_valid(archive: Archive) -> None:
    """OCFL validators are content with every store."""
    for store in archive.stores:
        validation = validate(store.objects, "ocfl")
        assert validation.errors == (), validation.errors


def incidents(archive: Archive) -> list[Incident]:
    """Every incident."""
    with archive.read(Actor.local()) as tx:
        return list(tx.session.scalars(select(Incident).order_by(Incident.detected_at)))


@pytest.mark.parametrize("version", ["v2", "v1"], ids=["head", "old"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_named_and_healed(cli: Cli, archive: Archive, damage: str, version: str) -> None:
    if damage == "lost permission" and os.geteuid() == 0:
        pytest.skip("the superuser reads files without permission; run the tests as another user")
    record = keep(archive, FIRST)
    keep(archive, SECOND, record_id=record)
    root = copy_folder(archive, "b", record)
    good = content_of(root)
    harm, outcome = DAMAGES[damage]
    harm(root, root / version)
    bad = content_of(root) if damage != "lost permission" else {}

    assert outcomes(cli, exit_code=1) == {"a": "match", "b": outcome}
    (found,) = incidents(archive)
    assert (found.state, found.store, found.outcome) == ("open", "b", outcome)
    assert found.last_good_at is not None
    assert found.last_good_at <= found.detected_at

    (line,) = run(cli, "repair")
    assert (line["store"], line["outcome"], line["source"]) == ("b", "healed", "a")
    assert outcomes(cli) == {"a": "match", "b": "match"}
    assert content_of(root) == good
    assert_valid(archive)
    kept = folder_of(archive, "b") / line["kept"]
    if bad:
        assert content_of(kept) == bad, "the bad bytes are kept as they were found"
    (healed,) = incidents(archive)
    assert (healed.state, healed.source, healed.kept, healed.outcome) == ("healed", "a", line["kept"], outcome)
    with archive.read(Actor.local()) as tx:
        (event,) = [event for event in read_events(tx.session) if event.type == EventType.RECOVERY]
        assert event.detail["copy_state"] == "match"
        assert event.detail["incident"] == healed.id
    assert run(cli, "repair") == []
    assert not list((folder_of(archive, "b") / "staging").iterdir())


def test_an_object_that_is_gone_is_written_anew(cli: Cli, archive: Archive) -> None:
    record = keep(archive, FIRST)
    good = content_of(copy_folder(archive, "b", record))
    lose_copy(archive, "b", record)
    assert outcomes(cli, exit_code=1) == {"a": "match", "b": "missing"}
    (line,) = run(cli, "repair")
    assert (line["outcome"], line["found"], line["kept"]) == ("healed", "missing", "")
    assert content_of(copy_folder(archive, "b", record)) == good
    assert outcomes(cli) == {"a": "match", "b": "match"}
    assert_valid(archive)


def test_a_stale_older_copy_is_brought_up_to_date(cli: Cli, archive: Archive, tmp_path: Path) -> None:
    record = keep(archive, FIRST)
    shutil.copytree(copy_folder(archive, "b", record), tmp_path / "old")
    keep(archive, SECOND, record_id=record)
    root = copy_folder(archive, "b", record)
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "old", root)
    assert outcomes(cli, exit_code=1) == {"a": "match", "b": "missing"}
    (line,) = run(cli, "repair")
    assert line["outcome"] == "healed"
    assert content_of(root) == content_of(copy_folder(archive, "a", record))
    assert outcomes(cli) == {"a": "match", "b": "match"}
    assert_valid(archive)


def test_without_a_good_copy_nothing_is_written_and_a_person_is_asked(cli: Cli, archive: Archive) -> None:
    record = keep(archive, FIRST)
    for store in "ab":
        root = copy_folder(archive, store, record)
        replace_inventory_and_content(root, root / "v1")
    before = {store: content_of(folder_of(archive, store)) for store in "ab"}
    assert outcomes(cli, exit_code=1) == {"a": "damaged", "b": "damaged"}
    lines = run(cli, "repair", exit_code=1)
    assert [line["outcome"] for line in lines] == ["person", "person"]
    for store in "ab":
        now = content_of(folder_of(archive, store))
        assert {path: content for path, content in now.items() if record in path} == {
            path: content for path, content in before[store].items() if record in path
        }
    assert {incident.state for incident in incidents(archive)} == {"person"}
    with archive.read(Actor.local()) as tx:
        assert {copy.state for copy in tx.session.scalars(select(Copy))} == {"damaged"}


def test_an_object_that_nobody_stored_is_unexpected_and_left_alone(cli: Cli, archive: Archive) -> None:
    record = keep(archive, FIRST)
    root = copy_folder(archive, "b", record)
    stranger = root.parents[3] / "0ff/0ff/0ff/urn%3astranger"
    shutil.copytree(root, stranger)
    found = run(cli, "audit", "--all", exit_code=1)
    (line,) = (line for line in found if line["aip"] != f"urn:uuid:{record}")
    assert (line["store"], line["outcome"]) == ("b", "unexpected")
    assert line["problems"][0]["path"] == "ocfl/0ff/0ff/0ff/urn%3astranger"
    assert run(cli, "repair") == []
    assert stranger.is_dir()


def test_clean_copies_raise_no_alarm(cli: Cli, archive: Archive) -> None:
    for number in range(20):
        record = keep(archive, {**FIRST, "number": bytes([number])})
        if number % 3 == 0:
            keep(archive, {**SECOND, "number": bytes([number])}, record_id=record)
    found = run(cli, "audit", "--all")
    assert [line["outcome"] for line in found] == ["match"] * 40
    assert incidents(archive) == []
