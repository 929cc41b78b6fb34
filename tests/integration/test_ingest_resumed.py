"""Cancelling a submission and trying one again, through a real worker: where it goes on, and what is left behind."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import ingest.steps.identify
import ingest.steps.store
from ingest.kept import KEPT, resumes_at
from ingest.submissions import LOCAL_AGREEMENT, SubmissionView, cancel, find_submission, receive, retry
from ingest.uploads.sweeping import sweep
from ingest.work import Work
from repository.archive import Archive
from repository.errors import Conflict, NotFound
from repository.events import ObjectType, events_of
from repository.holdings import Aip, Event, Record, SubmissionState
from repository.jobs import ledger
from repository.jobs.worker import Worker
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role

ARCHIVIST = Actor(id="1", name="archivist", roles=frozenset({Role.ARCHIVIST}))
STRANGER = Actor(id="2", name="officer", roles=frozenset({Role.AGENCY_OFFICER}), unit="民政局")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "办件"
    (folder / "正文").mkdir(parents=True)
    (folder / "正文/申请书.txt").write_text("许可申请", encoding="utf-8")
    (folder / "报告.txt").write_text("报告" * 1000, encoding="utf-8")
    return folder


def hand_in(archive: Archive, package: Path, **more: Any) -> str:
    with archive.transaction(ARCHIVIST) as tx:
        return receive(tx, source=package, agreement=LOCAL_AGREEMENT, **more)


def look(archive: Archive, submission_id: str) -> SubmissionView:
    with archive.read(ARCHIVIST) as tx:
        return find_submission(tx, submission_id)


def again(archive: Archive, submission_id: str) -> None:
    with archive.transaction(ARCHIVIST) as tx:
        retry(tx, submission_id)


def work_off(archive: Archive) -> None:
    Worker(archive).run(until_idle=True)


def states(view: SubmissionView) -> Mapping[str, str]:
    return {step.name: step.state for step in view.steps}


def break_store(archive: Archive) -> None:
    (archive.home / "stores/b").rename(archive.home / "aside")
    (archive.home / "stores/b").write_text("no folder")


def mend_store(archive: Archive) -> None:
    (archive.home / "stores/b").unlink()
    (archive.home / "aside").rename(archive.home / "stores/b")


def assert_nothing_kept(archive: Archive, submission_id: str) -> None:
    with archive.read(ARCHIVIST) as tx:
        assert tx.session.scalar(select(func.count()).select_from(Record)) == 0
        assert tx.session.scalar(select(func.count()).select_from(Aip)) == 0
    assert not (archive.work_folder / submission_id).exists()
    for store in archive.stores:
        ours = {"报告.txt", "METS.xml"}
        assert [path for path in store.location.rglob("*") if path.name in ours] == []


def test_a_submission_goes_on_at_the_step_that_failed(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    break_store(archive)
    work_off(archive)
    failed = look(archive, submission_id)
    assert failed.submission.state == SubmissionState.FAILED
    assert states(failed)["store"] == "failed"
    assert failed.resumes_at == "match"
    unpacked = next(step.started_at for step in failed.steps if step.name == "unpack")
    mend_store(archive)
    # what was handed in is not needed any more: the earlier steps are not done again
    shutil.rmtree(package)
    again(archive, submission_id)
    work_off(archive)
    done = look(archive, submission_id)
    assert done.submission.state == SubmissionState.STORED, done.submission.error
    assert set(states(done).values()) <= {"done", "warning"}
    assert next(step.started_at for step in done.steps if step.name == "unpack") == unpacked
    assert (done.submission.files, done.findings) == (2, failed.findings)
    assert not (archive.work_folder / submission_id).exists()
    assert done.submission.aip_id is not None
    with archive.read(ARCHIVIST) as tx:
        events = events_of(tx.session, [(ObjectType.AIP, done.submission.aip_id)])
        kept = [event for event in events if "kept_from" in event.detail]
        assert {event.type for event in kept} >= {"unpacking", "validation", "format identification"}
        originals = [tx.session.get(Event, event.detail["kept_from"]) for event in kept]
        assert [(event.type, event.at) for event in kept] == [(row.type, row.at) for row in originals if row is not None]
        lines = tx.session.scalars(select(LogEntry).where(LogEntry.action == "submission.retried")).all()
        assert [line.detail["from"] for line in lines] == ["match"]


def test_what_an_early_step_made_is_enough_to_go_on_from_there(archive: Archive, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submission_id = hand_in(archive, package)

    def trouble(*_: object) -> None:
        raise RuntimeError("trouble")

    with monkeypatch.context() as patch:
        patch.setattr(ingest.steps.identify, "check_formats", trouble)
        work_off(archive)
    assert look(archive, submission_id).resumes_at == "identify"
    again(archive, submission_id)
    work_off(archive)
    assert look(archive, submission_id).submission.state == SubmissionState.STORED


@pytest.mark.parametrize("harm", ["lost file", "longer file", "no list", "bad list", "other form"])
def test_a_submission_whose_kept_files_changed_begins_anew(archive: Archive, package: Path, harm: str) -> None:
    submission_id = hand_in(archive, package)
    break_store(archive)
    work_off(archive)
    mend_store(archive)
    attempt = next((archive.work_folder / submission_id).iterdir())
    match harm:
        case "lost file":
            (attempt / "content/报告.txt").unlink()
        case "longer file":
            (attempt / "content/报告.txt").write_text("报告" * 1001, encoding="utf-8")
        case "no list":
            (attempt / KEPT).unlink()
        case "bad list":
            (attempt / KEPT).write_text((attempt / KEPT).read_text()[:-20])
        case _:
            (attempt / KEPT).write_text((attempt / KEPT).read_text().replace('"form":1', '"form":0', 1))
    again(archive, submission_id)
    work_off(archive)
    done = look(archive, submission_id)
    assert done.submission.state == SubmissionState.STORED
    with archive.read(ARCHIVIST) as tx:
        assert done.submission.aip_id is not None
        events = events_of(tx.session, [(ObjectType.AIP, done.submission.aip_id)])
    assert not any("kept_from" in event.detail for event in events)


def test_changed_bytes_of_the_same_length_never_become_a_record(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    break_store(archive)
    work_off(archive)
    mend_store(archive)
    attempt = next((archive.work_folder / submission_id).iterdir())
    (attempt / "content/报告.txt").write_text("换掉" * 1000, encoding="utf-8")
    again(archive, submission_id)
    work_off(archive)
    view = look(archive, submission_id)
    assert view.submission.state == SubmissionState.FAILED
    with archive.read(ARCHIVIST) as tx:
        assert tx.session.scalar(select(func.count()).select_from(Aip)) == 0


def test_what_failed_at_the_first_step_begins_anew_or_says_that_it_cannot(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    hidden = package.rename(package.with_name("hidden"))
    work_off(archive)
    assert look(archive, submission_id).resumes_at is None
    with archive.transaction(ARCHIVIST) as tx, pytest.raises(Conflict, match="is gone"):
        retry(tx, submission_id)
    hidden.rename(package)
    again(archive, submission_id)
    work_off(archive)
    assert look(archive, submission_id).submission.state == SubmissionState.STORED


def test_what_is_kept_goes_after_a_while(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    break_store(archive)
    work_off(archive)
    sweep(archive, Actor.system("test"))
    assert resumes_at(archive, submission_id) == "match"
    sweep(replace(archive, clock=lambda: archive.clock() + timedelta(hours=73)), Actor.system("test"))
    assert look(archive, submission_id).resumes_at is None
    assert not (archive.work_folder / submission_id).exists()


def test_a_waiting_submission_is_cancelled_at_once(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    with archive.transaction(ARCHIVIST) as tx:
        assert cancel(tx, submission_id) is SubmissionState.CANCELLED
    work_off(archive)
    view = look(archive, submission_id)
    assert view.submission.state == SubmissionState.CANCELLED
    assert_nothing_kept(archive, submission_id)
    with archive.transaction(ARCHIVIST) as tx, pytest.raises(Conflict, match="nothing to stop"):
        cancel(tx, submission_id)
    with archive.read(ARCHIVIST) as tx:
        events = events_of(tx.session, [(ObjectType.SUBMISSION, submission_id)])
        assert events[-1].detail["state"] == "cancelled"
        assert "submission.cancelled" in tx.session.scalars(select(LogEntry.action)).all()
    again(archive, submission_id)
    work_off(archive)
    assert look(archive, submission_id).submission.state == SubmissionState.STORED


@pytest.mark.parametrize("step", ["identify", "store"])
def test_cancelling_under_way_leaves_nothing(archive: Archive, package: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    submission_id = hand_in(archive, package)
    begun, go_on = threading.Event(), threading.Event()
    module = {"identify": ingest.steps.identify, "store": ingest.steps.store}[step]
    name = {"identify": "check_formats", "store": "write_everywhere"}[step]
    real = getattr(module, name)

    def held_up(*arguments: Any, **named: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return real(*arguments, **named)

    monkeypatch.setattr(module, name, held_up)
    worker = threading.Thread(target=work_off, args=(archive,))
    worker.start()
    assert begun.wait(60)
    with archive.transaction(ARCHIVIST) as tx:
        assert cancel(tx, submission_id) is SubmissionState.PROCESSING
    assert look(archive, submission_id).stopping
    job_id = look(archive, submission_id).submission.job_id
    assert job_id is not None
    # the worker learns of it with its next beat
    threading.Event().wait(2.5)
    go_on.set()
    worker.join(60)
    assert ledger.read(archive, job_id).state == "cancelled"
    view = look(archive, submission_id)
    assert view.submission.state == SubmissionState.CANCELLED
    assert not view.stopping
    assert_nothing_kept(archive, submission_id)


def test_who_may_not_know_of_it_can_neither_cancel_nor_retry(archive: Archive, package: Path) -> None:
    submission_id = hand_in(archive, package)
    for verb in (cancel, retry):
        with archive.transaction(STRANGER) as tx, pytest.raises(NotFound):
            verb(tx, submission_id)


def test_progress_tells_files_and_bytes_of_every_long_step(archive: Archive, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int | None, int, int | None]] = []
    real = Work.__init__

    def listening(self: Work, **fields: Any) -> None:
        real(self, **fields)

        def progress(
            stage: str,
            done: int = 0,
            total: int | None = None,
            unit: str = "",
            detail: str = "",
            *,
            bytes: int = 0,
            bytes_total: int | None = None,
        ) -> None:
            told.append((stage, done, total, bytes, bytes_total))

        self.progress = progress

    monkeypatch.setattr(Work, "__init__", listening)
    submission_id = hand_in(archive, package)
    work_off(archive)
    view = look(archive, submission_id)
    last = {line[0]: line[1:] for line in told}
    size = view.submission.bytes
    assert last["unpacking"] == (2, None, size, size)
    done, total, read, read_total = last["storing"]
    assert (done, read) == (total, read_total)
    assert read_total is not None
    assert read_total > 4 * size
