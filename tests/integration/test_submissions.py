"""The use cases of submissions: handing in, trying again, looking; who may, and what two at once get."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.submissions import find_submission, list_submissions, open_agreements, receive, retry
from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied
from repository.holdings import Agreement, Record, Submission
from repository.jobs.running import run_inline
from repository.permissions import Actor, Role

ARCHIVIST = Actor(id="1", name="archivist", roles=frozenset({Role.ARCHIVIST}))
OFFICER = Actor(id="2", name="officer", roles=frozenset({Role.AGENCY_OFFICER}), unit="云栖市民政局")
RESEARCHER = Actor(id="3", name="researcher", roles=frozenset({Role.RESEARCHER}))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    place = tmp_path / "package"
    place.mkdir()
    (place / "a.txt").write_text("text")
    return place


def handed_in(archive: Archive, source: Path, actor: Actor = ARCHIVIST, agreement: str = "local", **options: bool) -> str:
    with archive.transaction(actor) as tx:
        return receive(tx, source=source, agreement=agreement, **options)


def work(archive: Archive, submission_id: str) -> str:
    """Does the job of a submission; says its state."""
    with archive.read(ARCHIVIST) as tx:
        submission = tx.session.get(Submission, submission_id)
        assert submission is not None
        assert submission.job_id is not None
        job_id = submission.job_id
    run_inline(archive, job_id)
    with archive.read(ARCHIVIST) as tx:
        submission = tx.session.get(Submission, submission_id)
        assert submission is not None
        return submission.state


def test_one_transaction_makes_submission_event_and_job(archive: Archive, package: Path) -> None:
    submission_id = handed_in(archive, package)
    with archive.read(ARCHIVIST) as tx:
        view = find_submission(tx, submission_id)
    assert (view.submission.state, view.under_way, list(view.steps)) == ("received", True, [])
    assert work(archive, submission_id) == "stored"
    with archive.read(ARCHIVIST) as tx:
        view = find_submission(tx, submission_id)
        page = list_submissions(tx)
    assert not view.under_way
    assert [step.name for step in view.steps][:3] == ["unpack", "recognise", "safety"]
    assert all(step.state == "done" and step.ended_at and step.detail for step in view.steps)
    assert [line.id for line in page.submissions] == [submission_id]


def test_an_agency_officer_hands_in_and_sees_under_the_own_agreement_only(archive: Archive, package: Path) -> None:
    with archive.transaction(ARCHIVIST) as tx:
        tx.session.add(Agreement(code="mz", title="民政", unit=OFFICER.unit))
    other = handed_in(archive, package)
    with pytest.raises(PermissionDenied):
        handed_in(archive, package, OFFICER)
    own = handed_in(archive, package, OFFICER, "mz")
    with archive.read(OFFICER) as tx:
        assert [agreement.code for agreement in open_agreements(tx)] == ["mz"]
        assert [line.id for line in list_submissions(tx).submissions] == [own]
        with pytest.raises(NotFound):
            find_submission(tx, other)
    with archive.read(RESEARCHER) as tx, pytest.raises(PermissionDenied):
        list_submissions(tx)


def test_lists_go_on_where_they_ended(archive: Archive, package: Path) -> None:
    made = [handed_in(archive, package) for _ in range(5)]
    seen: list[str] = []
    after = None
    with archive.read(ARCHIVIST) as tx:
        while True:
            page = list_submissions(tx, after=after, limit=2)
            seen += [line.id for line in page.submissions]
            after = page.following
            if after is None:
                break
    assert sorted(seen) == sorted(made)


def test_what_is_not_there_cannot_be_handed_in(archive: Archive, package: Path) -> None:
    with pytest.raises(NotFound, match="not-there"):
        handed_in(archive, package / "not-there")
    with pytest.raises(NotFound, match="no-such-agreement"):
        handed_in(archive, package, agreement="no-such-agreement")
    with archive.transaction(ARCHIVIST) as tx:
        tx.session.add(Agreement(code="closed", title="Closed", open=False))
    with pytest.raises(Conflict):
        handed_in(archive, package, agreement="closed")


@pytest.mark.parametrize("part", [".", "..", "stores", "stores/a", "stores/a/ocfl"])
def test_the_archive_does_not_take_itself_in(archive: Archive, part: str) -> None:
    with pytest.raises(Conflict, match="the archive itself"):
        handed_in(archive, archive.home / part)
    with archive.read(ARCHIVIST) as tx:
        assert tx.session.query(Submission).count() == 0


def test_a_failed_submission_can_be_tried_again_and_a_stored_one_not(archive: Archive, package: Path) -> None:
    hidden = package.with_name("hidden")
    submission_id = handed_in(archive, package)
    package.rename(hidden)
    assert work(archive, submission_id) == "failed"
    with archive.read(ARCHIVIST) as tx:
        view = find_submission(tx, submission_id)
        assert view.submission.error
        assert [step.state for step in view.steps][:2] == ["failed", "pending"]
    hidden.rename(package)
    with archive.transaction(ARCHIVIST) as tx:
        retry(tx, submission_id)
    assert work(archive, submission_id) == "stored"
    with archive.transaction(ARCHIVIST) as tx, pytest.raises(Conflict):
        retry(tx, submission_id)


def test_uploads_go_when_they_have_served(archive: Archive, package: Path) -> None:
    upload = archive.inbox_folder / "1" / "package"
    shutil.copytree(package, upload)
    assert work(archive, handed_in(archive, upload, keep_source=False)) == "stored"
    assert not any(archive.inbox_folder.iterdir())
    assert package.exists()


def test_doing_the_same_job_twice_changes_nothing(archive: Archive, package: Path) -> None:
    submission_id = handed_in(archive, package)
    assert work(archive, submission_id) == "stored"
    with archive.transaction(ARCHIVIST) as tx:
        job_id = tx.enqueue("ingest.process", {"submission": submission_id})
    run_inline(archive, job_id)
    with archive.read(ARCHIVIST) as tx:
        assert tx.session.query(Record).count() == 1
