"""What is peculiar to a store in a bucket: parts, errors, broken connections, moves that are interrupted."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import StorageError, StoreUnavailable
from storage.ocfl.reader import StorageRoot
from storage.ocfl.recovery import recover
from storage.ocfl.validator import validate
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import write_version
from storage.stores.base import EntryKind, Incoming, KeyMissing, KeyTaken, KeyUnreadable
from storage.stores.s3 import S3Store
from storage.stores.s3_parts import LARGEST_OBJECT, LARGEST_PART, MIB, MOST_PARTS, SMALLEST_PART, growing_sizes, part_size, parts_of, ranges
from storage.stores.s3_service import S3Options
from tests.tools.object_services import ObjectService
from tests.unit.storage.ocfl.conftest import OBJECT, Plan, plan

__all__ = ["plan"]


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


@pytest.fixture
def options(moto: ObjectService) -> S3Options:
    return moto.options(prefix="p", attempts=1)


@pytest.fixture
def store(options: S3Options) -> S3Store:
    return S3Store("s", options)


def client_of(store: S3Store) -> Any:
    with store._bucket.told("") as client:
        return client


@contextmanager
def before_each_request(store: S3Store, act: Callable[[str], None]) -> Iterator[None]:
    def told(event_name: str, **_: Any) -> None:
        act(event_name.rpartition(".")[2])

    events = client_of(store).meta.events
    events.register_first("before-send.s3", told)
    try:
        yield
    finally:
        events.unregister("before-send.s3", told)


@given(st.integers(min_value=1, max_value=LARGEST_OBJECT), st.integers(min_value=SMALLEST_PART, max_value=512 * MIB))
def test_any_size_goes_into_parts_that_the_service_takes(size: int, least: int) -> None:
    part = part_size(size, least)
    count = -(-size // part)
    last_start, last = size - (size - 1) % part - 1, (size - 1) % part + 1
    assert count <= MOST_PARTS
    assert SMALLEST_PART <= part <= LARGEST_PART
    assert last_start + last == size
    if count < 2_000:
        cut = list(ranges(size, part))
        assert (cut[0][0], sum(length for _, length in cut), cut[-1]) == (0, size, (last_start, last))


@pytest.mark.parametrize("least", [SMALLEST_PART, 16 * MIB, 512 * MIB])
def test_parts_of_what_has_no_known_size_hold_the_largest_object(least: int) -> None:
    sizes = list(islice(growing_sizes(least), MOST_PARTS))
    assert sum(sizes) >= LARGEST_OBJECT
    assert SMALLEST_PART <= min(sizes) <= max(sizes) <= LARGEST_PART


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(min_value=1, max_value=50))
def test_parts_are_the_blocks_in_order(blocks: list[bytes], least: int) -> None:
    parts = [(part.content.read(), part.size, part.last) for part in parts_of(blocks, least)]
    assert b"".join(content for content, _, _ in parts) == b"".join(blocks)
    assert all(len(content) == size <= least for content, size, _ in parts)
    assert [last for _, _, last in parts] == [False] * (len(parts) - 1) + [True]


def test_large_files_go_and_come_in_parts(store: S3Store, tmp_path: Path) -> None:
    content = bytes(range(256)) * 50_000
    (tmp_path / "large").write_bytes(content)
    requests: list[str] = []
    with before_each_request(store, requests.append):
        store.import_files([Incoming("in/large", tmp_path / "large", len(content))])
    assert requests.count("UploadPart") == 3
    assert store.write("in/blocks", (content[start : start + 1_000_000] for start in range(0, len(content), 1_000_000))) == len(content)
    for key in ("in/large", "in/blocks"):
        with store.open(key, 5_000_001) as stream:
            assert stream.read() == content[5_000_001:]


def test_more_than_a_page_of_keys(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.stores.s3_service._PAGE", 2)
    names = ["a", "b/c", "b/d", "e", "f", "g/h", "i"]
    for name in names:
        store.write(f"many/{name}", [b""])
    assert [entry.name for entry in store.scan("many")] == ["a", "b", "e", "f", "g", "i"]
    assert [entry.key for entry in store.walk("many")] == [f"many/{name}" for name in names]
    store.delete_below("many")
    assert list(store.walk()) == []


@pytest.mark.parametrize("failure", [StorageError("X", "x"), OSError("x"), Killed()])
def test_an_upload_that_fails_leaves_nothing(store: S3Store, options: S3Options, failure: BaseException) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"x" * 6 * MIB
        raise failure

    with pytest.raises(type(failure)):
        store.write("broken", blocks())
    assert store.stat("broken") is None
    assert client_of(store).list_multipart_uploads(Bucket=options.bucket).get("Uploads", []) == []


def test_uploads_that_were_never_ended_are_cleared_with_what_is_staged(store: S3Store, options: S3Options) -> None:
    client = client_of(store)
    for key in ("p/staging/x/big", "elsewhere"):
        client.create_multipart_upload(Bucket=options.bucket, Key=key)
    recover(store)
    assert [upload["Key"] for upload in client.list_multipart_uploads(Bucket=options.bucket)["Uploads"]] == ["elsewhere"]


def test_a_connection_that_breaks_is_taken_up_again(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.response import StreamingBody

    content = bytes(range(256)) * 4_000
    store.write("x", [content])
    reads = 0
    real = StreamingBody.read

    def read(self: Any, amt: int | None = None) -> bytes:
        nonlocal reads
        reads += 1
        if reads % 2:
            raise ConnectionResetError("reset")
        return bytes(real(self, amt))

    monkeypatch.setattr(StreamingBody, "read", read)
    with store.open("x", 1) as stream:
        assert stream.read() == content[1:]


def test_what_was_replaced_while_it_was_read_is_not_read_on(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.response import StreamingBody

    store.write("x", [b"a" * 600_000])
    stream = store.open("x")
    assert stream.read(1) == b"a"
    store.delete("x")
    store.write("x", [b"b" * 600_000])
    real, broken = StreamingBody.read, [True]

    def read(self: Any, amt: int | None = None) -> bytes:
        if broken.pop() if broken else False:
            raise ConnectionResetError("reset")
        return bytes(real(self, amt))

    monkeypatch.setattr(StreamingBody, "read", read)
    with stream, pytest.raises(KeyUnreadable):
        stream.read()


def test_a_key_that_is_written_on_a_condition_is_never_overwritten(options: S3Options, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store("s", replace(options, conditional_writes=True))
    store.write("x", [b"first"])
    # somebody else wrote between the look and the writing
    monkeypatch.setattr(store, "_refuse_taken", lambda key: None)
    for content in (b"second", b"s" * 6 * MIB):
        with pytest.raises(KeyTaken):
            store.write("x", [content])
    with store.open("x") as stream:
        assert stream.read() == b"first"


def test_no_bucket_no_service_and_no_library_are_the_store_not_the_file(options: S3Options, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        for away in (replace(options, bucket="no-such-bucket"), replace(options, endpoint=f"http://127.0.0.1:{bound.getsockname()[1]}")):
            store = S3Store("s", replace(away, connect_seconds=1))
            for use in (store.stat, store.scan, store.open, store.delete, store.settle, partial(store.write, blocks=[b"x"])):
                with pytest.raises(StoreUnavailable):
                    use("x")
    monkeypatch.setitem(sys.modules, "boto3", None)
    from storage.stores import s3_service

    s3_service._session.cache_clear()
    with pytest.raises(StoreUnavailable, match="not installed"):
        S3Store("s", options).stat("x")


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidObjectState", "InternalError"])
def test_one_object_that_cannot_be_had_is_unreadable_not_missing(store: S3Store, code: str) -> None:
    from botocore.exceptions import ClientError

    store.write("x", [b"1"])

    def refuse(operation: str) -> None:
        if operation in ("GetObject", "HeadObject"):
            raise ClientError({"Error": {"Code": "403" if operation == "HeadObject" else code}}, operation)

    with before_each_request(store, refuse):
        for use in (lambda: store.open("x"), lambda: store.stat("x")):
            with pytest.raises(KeyUnreadable):
                use()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed"])
def test_keys_that_are_refused_are_the_store(store: S3Store, code: str) -> None:
    from botocore.exceptions import ClientError

    def refuse(operation: str) -> None:
        # an answer to HEAD has no words
        raise ClientError({"Error": {"Code": "403" if operation == "HeadObject" else code}}, operation)

    with before_each_request(store, refuse), pytest.raises(StoreUnavailable, match=code):
        store.stat("x")


def test_secrets_are_not_shown(options: S3Options) -> None:
    secret = "wJalrXUtnFEMI-secret"
    hidden = replace(options, secret_key=secret, bucket="no-such-bucket")
    assert secret not in repr(hidden) + hidden.address
    with pytest.raises(StoreUnavailable) as raised:
        S3Store("s", hidden).stat("x")
    assert secret not in f"{raised.value.message}{raised.value.remedy}{raised.value.__cause__!r}"


def test_a_path_too_long_for_the_service_is_told_before_anything_is_sent(store: S3Store) -> None:
    with pytest.raises(StorageError) as raised:
        store.write("/".join(["全宗" * 20] * 12), [b"x"])
    assert raised.value.code == "KEY_TOO_LONG"


def test_keys_of_other_programs_are_seen_but_never_taken_for_files(store: S3Store, options: S3Options) -> None:
    client = client_of(store)
    for key in ("p/a/", "p/a//b", "p/a/file", "elsewhere"):
        client.put_object(Bucket=options.bucket, Key=key, Body=b"" if key.endswith("/") else b"x")
    assert [(entry.key, entry.kind) for entry in store.scan("a")] == [("a/", EntryKind.OTHER), ("a/file", EntryKind.FILE)]
    assert [entry.kind for entry in store.walk()] == [EntryKind.OTHER, EntryKind.FILE]
    with pytest.raises(KeyUnreadable):
        store.stat("a//b")
    with pytest.raises(KeyMissing):
        store.open("elsewhere")
    store.delete_below("a")
    assert list(store.walk()) == []


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.soak)])
def test_killed_at_any_request(moto: ObjectService, plan: Plan, version: int, step: int) -> None:
    first = plan({"a": b"1", "b/c": b"2"})
    wanted = first if version == 1 else plan({"a": b"3", "b/c": b"2"}, previous=first.inventory)
    number = finished = 0
    outcomes = set()
    while not finished:
        options = moto.options(connections=1)
        store = S3Store("s", options)
        StorageRoot(store).create()
        if version == 2:
            write_version(store, first)
        left = [number]

        def kill(operation: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with before_each_request(store, kill):
            try:
                write_version(store, wanted)
                finished = 1
            except Killed:
                number += step
        again = S3Store("s", options)
        recover(again)
        assert validate(again, "ocfl").errors == (), number
        assert list(again.walk("staging")) == [], number
        found = StorageRoot(again).find(OBJECT)
        head = found.head() if found else 0
        assert head in (version - 1, version), number
        assert head == version or not finished
        if head:
            assert check_copy(again, OBJECT).outcome is CopyOutcome.MATCH, number
        outcomes.add(head)
        write_version(again, wanted)
        assert check_copy(again, OBJECT).outcome is CopyOutcome.MATCH, number
    assert outcomes == {version - 1, version}
    assert number > 60
