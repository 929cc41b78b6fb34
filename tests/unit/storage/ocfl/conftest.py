"""A store with a storage root, and files to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from storage.digests import Digests
from storage.ocfl.inventory import Inventory
from storage.ocfl.reader import StorageRoot
from storage.ocfl.writer import NewFile, VersionPlan, plan_version
from storage.stores.local import LocalStore

OBJECT = "urn:uuid:6d1b1d1e-0000-4000-8000-000000000001"
MOMENT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

Plan = Callable[..., VersionPlan]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return new_store(tmp_path, "a")


def new_store(folder: Path, name: str) -> LocalStore:
    (folder / name).mkdir()
    store = LocalStore(name, folder / name)
    StorageRoot(store).create()
    return store


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Makes a plan from a mapping of logical paths to contents."""

    def make(contents: Mapping[str, bytes], previous: Inventory | None = None, object_id: str = OBJECT, **options: Any) -> VersionPlan:
        sources = tmp_path / "sources"
        sources.mkdir(exist_ok=True)
        files = []
        for path, content in contents.items():
            digests = Digests(hashlib.sha512(content).digest(), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())
            source = sources / digests.sha256.hex()
            source.write_bytes(content)
            files.append(NewFile(path, source, len(content), digests))
        settings: dict[str, Any] = {
            "message": "ingest",
            "user_name": "Jingui",
            "user_address": "mailto:archive@example.org",
            "created": MOMENT,
        }
        return plan_version(object_id=object_id, previous=previous, files=files, **(settings | options))

    return make
