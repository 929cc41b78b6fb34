"""What resumable uploads promise on every database: nothing acknowledged is lost, nothing interleaves, nobody else sees it."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from ingest.submissions import find_submission
from ingest.uploads import sets
from ingest.uploads.errors import ChecksumWrong, NoRoom, UploadBusy, UploadTooLarge
from ingest.uploads.naming import clean_path
from ingest.uploads.places import set_folder, uploads_folder
from ingest.uploads.receiving import Checksum, present_offset, receive_bytes
from ingest.uploads.sweeping import sweep
from ingest.uploads.tables import Upload, UploadSet
from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied, UsageError
from repository.holdings import Agreement, Submission, SubmissionState
from repository.jobs.worker import Worker
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role

ALICE = Actor(id="alice", name="alice", roles=frozenset({Role.ARCHIVIST}))
BOB = Actor(id="bob", name="bob", roles=frozenset({Role.ARCHIVIST}))
OFFICER = Actor(id="officer", name="officer", roles=frozenset({Role.AGENCY_OFFICER}), unit="民政局")
READER = Actor(id="reader", name="reader", roles=frozenset({Role.RESEARCHER}))


def begin(archive: Archive, name: str = "办件", actor: Actor = ALICE) -> str:
    with archive.transaction(actor) as tx:
        return sets.begin_set(tx, name=name, agreement="local").id


def add(archive: Archive, set_id: str, path: str, length: int, actor: Actor = ALICE) -> str:
    with archive.transaction(actor) as tx:
        return sets.add_file(tx, set_id, path=path, length=length).id


def send(archive: Archive, upload_id: str, content: bytes, offset: int = 0, **more: object) -> int:
    return receive_bytes(archive, ALICE, upload_id, offset=offset, stream=io.BytesIO(content), **more).received  # type: ignore[arg-type]


def finish(archive: Archive, set_id: str) -> str:
    with archive.transaction(ALICE) as tx:
        return sets.finish(tx, set_id)


def held(archive: Archive, upload_id: str) -> Path:
    with archive.read(ALICE) as tx:
        row, upload = sets.own_upload(tx, upload_id)
        return set_folder(archive, row.id) / row.name / upload.path


def actions(archive: Archive) -> list[str]:
    with archive.read(ALICE) as tx:
        return list(tx.session.scalars(select(LogEntry.action).order_by(LogEntry.sequence)))


def source_of(archive: Archive, submission_id: str) -> Path:
    with archive.read(ALICE) as tx:
        row = tx.session.get_one(Submission, submission_id)
        assert not row.keep_source
        return Path(row.source)


class Breaking(io.RawIOBase):
    """A stream that breaks after so many bytes, as a connection does."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        block = self._content.read(size)
        if not block:
            raise ConnectionResetError("the sender is gone")
        return block


class Slow(io.RawIOBase):
    """A stream that says when it was first read, and ends when it is told to."""

    def __init__(self, content: bytes) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        self.begun.set()
        assert self.go_on.wait(30)
        return self._content.read(size)


def test_a_folder_is_sent_in_pieces_and_becomes_one_package(archive: Archive) -> None:
    set_id = begin(archive)
    first, second = add(archive, set_id, "正文/申请书.txt", 6), add(archive, set_id, "图 1.gif", 3)
    empty = add(archive, set_id, "空/空.txt", 0)
    assert send(archive, first, "申".encode()) == 3
    assert send(archive, second, b"GIF") == 3
    assert send(archive, first, "请".encode(), 3) == 6
    with archive.read(ALICE) as tx:
        view = sets.find_set(tx, set_id)
        assert sets.find_upload(tx, empty).complete
    assert (view.files, view.bytes, view.received, view.complete) == (3, 9, 9, 3)
    submission_id = finish(archive, set_id)
    source = source_of(archive, submission_id)
    assert source.name == "办件"
    assert {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()} == {
        "正文/申请书.txt": "申请".encode(),
        "图 1.gif": b"GIF",
        "空/空.txt": b"",
    }
    assert finish(archive, set_id) == submission_id
    with archive.read(ALICE) as tx:
        assert tx.session.scalar(select(func.count()).select_from(Submission)) == 1
    assert [action for action in actions(archive) if action.startswith("upload.")] == ["upload.begun", "upload.finished"]


@pytest.mark.parametrize(("name", "path"), [("a.zip", "a.zip"), ("whatever", "Batch.TAR.GZ"), ("报告.pdf", "报告.pdf")])
def test_one_file_is_handed_in_as_it_is(archive: Archive, name: str, path: str) -> None:
    set_id = begin(archive, name)
    send(archive, add(archive, set_id, path, 4), b"data")
    source = source_of(archive, finish(archive, set_id))
    assert source.is_file()
    assert source.name == path


def test_a_folder_with_one_file_stays_a_folder(archive: Archive) -> None:
    set_id = begin(archive, "报告")
    send(archive, add(archive, set_id, "a.pdf", 4), b"data")
    assert source_of(archive, finish(archive, set_id)).is_dir()


def test_what_is_not_whole_is_not_handed_in_and_the_file_is_named(archive: Archive) -> None:
    set_id = begin(archive)
    with pytest.raises(Conflict, match="no files"):
        finish(archive, set_id)
    send(archive, add(archive, set_id, "a.txt", 2), b"ok")
    upload = add(archive, set_id, "b.txt", 10)
    send(archive, upload, b"five.")
    with pytest.raises(Conflict, match=r"b\.txt \(5/10\)"):
        finish(archive, set_id)
    with archive.transaction(ALICE) as tx:
        sets.cancel_upload(tx, upload)
    assert source_of(archive, finish(archive, set_id)).is_dir()


def test_bytes_that_the_disk_lost_are_asked_for_again(archive: Archive) -> None:
    set_id = begin(archive)
    upload = add(archive, set_id, "a.bin", 10)
    send(archive, upload, b"0123456789")
    held(archive, upload).write_bytes(b"0123")
    with pytest.raises(Conflict, match=r"a\.bin"):
        finish(archive, set_id)
    assert present_offset(archive, ALICE, upload).received == 4
    assert send(archive, upload, b"456789", 4) == 10
    finish(archive, set_id)


def test_bytes_that_were_not_acknowledged_do_not_count(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 10)
    send(archive, upload, b"0123")
    with held(archive, upload).open("ab") as file:
        file.write(b"????")
    assert present_offset(archive, ALICE, upload).received == 4
    assert send(archive, upload, b"456789", 4) == 10
    assert held(archive, upload).read_bytes() == b"0123456789"


def test_what_came_before_the_connection_broke_is_kept(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 10)
    stream = cast(BinaryIO, Breaking(b"0123"))
    assert receive_bytes(archive, ALICE, upload, offset=0, stream=stream, announced=10).received == 4
    assert send(archive, upload, b"456789", 4) == 10


def test_with_a_checksum_all_of_it_counts_or_nothing(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 8)
    for algorithm in ("sha1", "sha256", "sha512", "sm3"):
        wrong = Checksum(algorithm=algorithm, digest=hashlib.new(algorithm, b"other").digest())
        with pytest.raises(ChecksumWrong, match=algorithm):
            send(archive, upload, b"0123", checksum=wrong)
        assert held(archive, upload).read_bytes() == b""
    right = Checksum(algorithm="sha256", digest=hashlib.sha256(b"0123").digest())
    assert send(archive, upload, b"0123", checksum=right) == 4
    half = Checksum(algorithm="sha256", digest=hashlib.sha256(b"4567").digest())
    broken = cast(BinaryIO, Breaking(b"45"))
    assert receive_bytes(archive, ALICE, upload, offset=4, stream=broken, checksum=half).received == 4
    assert send(archive, upload, b"4567", 4, checksum=half) == 8


def test_more_bytes_than_announced_are_refused_and_none_are_kept(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 4)
    for announced in (6, None):
        with pytest.raises(UploadTooLarge, match="More bytes came"):
            send(archive, upload, b"012345", announced=announced)
        assert present_offset(archive, ALICE, upload).received == 0
    assert send(archive, upload, b"0123") == 4
    with pytest.raises(UploadTooLarge):
        send(archive, upload, b"4", 4)


@pytest.mark.parametrize("offset", [0, 3, 5, 10**12])
def test_a_wrong_offset_changes_nothing(archive: Archive, offset: int) -> None:
    upload = add(archive, begin(archive), "a.bin", 10)
    send(archive, upload, b"0123")
    with pytest.raises(Conflict, match="at byte 4"):
        send(archive, upload, b"xxxx", offset)
    assert held(archive, upload).read_bytes() == b"0123"


def test_two_requests_at_once_never_mix_their_bytes(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 6)
    slow = Slow(b"AAAAAA")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(receive_bytes, archive, ALICE, upload, offset=0, stream=cast(BinaryIO, slow))
        assert slow.begun.wait(30)
        try:
            with pytest.raises(UploadBusy):
                send(archive, upload, b"BBBBBB")
        finally:
            slow.go_on.set()
        assert first.result().received == 6
    assert held(archive, upload).read_bytes() == b"AAAAAA"


def test_many_at_once_leave_the_bytes_of_one(archive: Archive) -> None:
    upload = add(archive, begin(archive), "a.bin", 1 << 16)

    def attempt(letter: int) -> bool:
        try:
            return send(archive, upload, bytes([letter]) * (1 << 16)) == 1 << 16
        except (UploadBusy, Conflict):
            return False

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(attempt, range(65, 73)))
    assert sum(outcomes) == 1
    assert len(set(held(archive, upload).read_bytes())) == 1


def test_cancelling_while_bytes_come_leaves_nothing(archive: Archive) -> None:
    set_id = begin(archive)
    upload = add(archive, set_id, "a.bin", 6)
    slow = Slow(b"AAAAAA")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(receive_bytes, archive, ALICE, upload, offset=0, stream=cast(BinaryIO, slow))
        assert slow.begun.wait(30)
        with archive.transaction(ALICE) as tx:
            sets.cancel_set(tx, set_id)
        slow.go_on.set()
        with pytest.raises(NotFound, match="cancelled"):
            first.result()
    assert not set_folder(archive, set_id).exists()
    with pytest.raises(NotFound):
        add(archive, set_id, "b", 1)


def test_nobody_else_sees_or_touches_it(archive: Archive) -> None:
    set_id = begin(archive)
    upload = add(archive, set_id, "a.bin", 4)
    for actor, error in ((BOB, NotFound), (OFFICER, NotFound), (READER, PermissionDenied)):
        with archive.transaction(actor) as tx:
            for touch in (
                lambda: sets.find_set(tx, set_id),
                lambda: sets.find_upload(tx, upload),
                lambda: sets.add_file(tx, set_id, path="b", length=1),
                lambda: sets.finish(tx, set_id),
                lambda: sets.cancel_set(tx, set_id),
                lambda: sets.cancel_upload(tx, upload),
                partial(receive_bytes, archive, actor, upload, offset=0, stream=io.BytesIO(b"x")),
            ):
                with pytest.raises(error) as caught:
                    touch()
                assert "办件" not in str(caught.value)
    with archive.read(BOB) as tx:
        assert sets.unfinished_sets(tx) == []


def test_an_officer_sends_under_the_own_agreement_only(archive: Archive) -> None:
    with pytest.raises(PermissionDenied):
        begin(archive, actor=OFFICER)
    with archive.transaction(ALICE) as tx:
        tx.session.execute(update(Agreement).values(unit="民政局"))
    set_id = begin(archive, actor=OFFICER)
    add(archive, set_id, "a", 1, actor=OFFICER)
    with archive.transaction(ALICE) as tx:
        tx.session.execute(update(Agreement).values(unit="教育局"))
    with pytest.raises(PermissionDenied):
        add(archive, set_id, "b", 1, actor=OFFICER)


def test_a_closed_or_unknown_agreement_begins_nothing(archive: Archive) -> None:
    with pytest.raises(NotFound), archive.transaction(ALICE) as tx:
        sets.begin_set(tx, name="x", agreement="another")
    with archive.transaction(ALICE) as tx:
        tx.session.execute(update(Agreement).values(open=False))
    with pytest.raises(Conflict, match="closed"):
        begin(archive)


@pytest.mark.parametrize(
    "path",
    [
        "", " ", "..", ".", "a/../b", "../a", "/etc/passwd", "a//b", "a/", "C:\\x", "c:/x", "..\\x",
        "a\\..\\x", "\\\\server\\x", "a/./b", "d/" * 70 + "x", ("长" * 80 + "/") * 20 + "x",
    ],
)  # fmt: skip
def test_paths_that_are_none_inside_a_package_are_refused(archive: Archive, path: str) -> None:
    set_id = begin(archive)
    with pytest.raises(UsageError):
        add(archive, set_id, path, 1)
    assert not set_folder(archive, set_id).exists()
    with archive.read(ALICE) as tx:
        assert sets.find_set(tx, set_id).files == 0


@given(path=st.text(max_size=60))
def test_whatever_a_path_is_it_stays_below_its_folder(path: str) -> None:
    try:
        cleaned = clean_path(path, depth=8)
    except UsageError:
        return
    assert cleaned
    assert not cleaned.startswith("/")
    assert "\0" not in cleaned
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in cleaned.split("/"))


@pytest.mark.parametrize(("one", "other"), [("a.txt", "a.txt"), ("A.txt", "a.TXT"), ("caf\u00e9", "cafe\u0301"), ("正文/Ａ", "正文/ａ")])
def test_files_that_some_systems_cannot_keep_both_are_refused_by_name(archive: Archive, one: str, other: str) -> None:
    set_id = begin(archive)
    add(archive, set_id, one, 1)
    with pytest.raises(Conflict) as caught:
        add(archive, set_id, other, 1)
    assert other in str(caught.value)
    assert one in str(caught.value)
    with archive.read(ALICE) as tx:
        assert sets.find_set(tx, set_id).files == 1


@pytest.mark.parametrize(("one", "other"), [("a", "a/b"), ("a/b", "a")])
def test_a_name_is_a_file_or_a_folder(archive: Archive, one: str, other: str) -> None:
    set_id = begin(archive)
    add(archive, set_id, one, 1)
    with pytest.raises(Conflict, match="cannot be a file here"):
        add(archive, set_id, other, 1)
    with archive.read(ALICE) as tx:
        assert sets.find_set(tx, set_id).files == 1


def test_limits_are_said_before_anything_is_sent(archive: Archive) -> None:
    limited = replace(archive, settings=archive.settings.model_copy(update={"upload_limit_bytes": 10, "upload_limit_files": 2}))
    set_id = begin(limited)
    add(limited, set_id, "a", 10)
    with pytest.raises(UploadTooLarge, match="at most 10"):
        add(limited, set_id, "b", 1)
    add(limited, set_id, "b", 0)
    with pytest.raises(UploadTooLarge, match="more than 2 files"):
        add(limited, set_id, "c", 0)
    huge = replace(archive, settings=archive.settings.model_copy(update={"upload_limit_bytes": 1 << 60}))
    with pytest.raises(NoRoom, match="c"):
        add(huge, set_id, "c", 1 << 59)


def test_what_nobody_goes_on_with_is_swept_and_the_rest_is_not(archive: Archive) -> None:
    old, done, fresh = begin(archive, "old"), begin(archive, "done"), begin(archive, "fresh")
    for set_id in (old, done, fresh):
        send(archive, add(archive, set_id, "a.txt", 4), b"data")
    submission_id = finish(archive, done)
    (uploads_folder(archive) / "left-over").mkdir()
    later = replace(archive, clock=lambda: archive.clock() + timedelta(hours=73))
    with later.transaction(ALICE) as tx:
        tx.session.execute(update(UploadSet).where(UploadSet.id == fresh).values(changed_at=tx.now))
    assert sweep(later, Actor.system("test")) == 1
    assert not set_folder(archive, old).exists()
    assert set_folder(archive, fresh).exists()
    assert source_of(archive, submission_id).exists()
    assert not (uploads_folder(archive) / "left-over").exists()
    with archive.read(ALICE) as tx:
        assert {view.id for view in sets.unfinished_sets(tx)} == {fresh}
        assert sets.find_set(tx, done).submission_id == submission_id
        assert tx.session.scalar(select(func.count()).select_from(Upload)) == 2
    assert actions(archive)[-1] == "upload.expired"
    Worker(archive).run(until_idle=True)
    with archive.read(ALICE) as tx:
        assert find_submission(tx, submission_id).submission.state == SubmissionState.STORED
    assert not set_folder(archive, done).exists()
    assert sweep(later, Actor.system("test")) == 0
    with archive.read(ALICE) as tx, pytest.raises(NotFound):
        sets.find_set(tx, done)


def test_a_file_nobody_announced_does_not_become_part_of_the_package(archive: Archive) -> None:
    set_id = begin(archive)
    upload = add(archive, set_id, "a.txt", 4)
    send(archive, upload, b"data")
    held(archive, upload).with_name("stranger").write_bytes(b"left by a crash")
    source = source_of(archive, finish(archive, set_id))
    assert [path.name for path in source.iterdir()] == ["a.txt"]
