"""Inventories: written and read again they are the same, and versions share bytes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.digests import Digests
from storage.ocfl.findings import Remarks
from storage.ocfl.inventory import Inventory, parse_inventory
from storage.ocfl.rules import read_inventory
from storage.ocfl.writer import NewFile, plan_version

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
TREES = st.dictionaries(NAME, st.dictionaries(NAME, st.binary(max_size=3), max_size=4), max_size=4)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def files_of(tree: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for folder, inside in tree.items() for name, content in inside.items()}


def digests_of(content: bytes) -> Digests:
    return Digests(hashlib.sha512(content).digest(), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())


@settings(max_examples=60, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=4), st.text(max_size=20))
def test_versions(trees: list[dict[str, dict[str, bytes]]], message: str) -> None:
    message = message.encode("utf-8", "ignore").decode()
    previous: Inventory | None = None
    stored: list[bytes] = []
    for tree in trees:
        files = files_of(tree)
        plan = plan_version(
            object_id="urn:x:1",
            previous=previous,
            files=[NewFile(path, f"/source/{path}", len(content), digests_of(content)) for path, content in files.items()],
            message=message,
            user_name="n",
            user_address="mailto:n@example.org",
            created=MOMENT,
        )
        text = b"".join(plan.inventory.blocks())
        assert parse_inventory(text, "x") == plan.inventory
        assert hashlib.sha512(text).hexdigest() == plan.inventory.digest
        remarks = Remarks()
        assert read_inventory(text, "x", remarks) is not None
        assert remarks.result().errors == ()
        new = [files[content.path] for content in plan.content]
        assert not set(new) & set(stored)
        stored += new
        state = plan.inventory.versions[-1].state
        assert {path: digest for digest, paths in state.items() for path in paths} == {
            path: digests_of(content).sha512 for path, content in files.items()
        }
        assert all(digest in plan.inventory.manifest for digest in state)
        previous = plan.inventory


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8) | JSON, JSON)
def test_whatever_an_inventory_holds_the_rules_say_it_and_never_raise(document: object, version: object) -> None:
    import json

    if isinstance(document, dict):
        document = {"versions": {"v1": version}, "manifest": {"ab": version}} | document
    remarks = Remarks()
    read_inventory(json.dumps(document).encode(), "x", remarks)
    assert remarks.result().errors
