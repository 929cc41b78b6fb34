"""Handing packages in on the console, and reading what became of them."""

import io
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from ingest.submissions import LOCAL_AGREEMENT, find_submission, finding_as_row
from ingest.uploads import sets
from ingest.uploads.receiving import receive_bytes
from repository.accounts.tables import User
from repository.archive import Archive
from repository.findings import N_, Property, failure, passed, warning
from repository.holdings import Agreement, Job, Submission, SubmissionState, SubmissionStep
from repository.permissions import Actor, Role
from tests.tools.console import FILES, TITLE, Ids, Visitor, _console_home, app, bag, database, home, ids, packed, readable, work_off

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.fixture
def archivist(app: Flask) -> Visitor:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    return visitor


def upload(visitor: Visitor, path: Path, name: str = "") -> str:
    file = (io.BytesIO(path.read_bytes()), name or path.name)
    answer = visitor.send("/ingest/upload", package=file, agreement=LOCAL_AGREEMENT)
    assert answer.status_code == 302, readable(answer)
    return answer.location


def test_a_package_is_followed_from_the_upload_to_its_record(archivist: Visitor, archive: Archive, tmp_path: Path) -> None:
    address = upload(archivist, packed(tmp_path / "档案.zip", {"a.txt": b"new content"}))
    waiting = archivist.get(address).get_data(as_text=True)
    assert "data-watch" in waiting
    assert 'http-equiv="refresh"' in waiting, "without a script the page loads itself again"
    assert "not checked yet" in waiting
    work_off(archive)
    page = archivist.get(address)
    assert "data-watch" not in page.get_data(as_text=True)
    assert 'http-equiv="refresh"' not in page.get_data(as_text=True)
    text = readable(page)
    assert "stored" in text
    assert "open the record" in text
    for step in ("Unpack", "Authenticity", "Integrity", "Usability", "Safety", "Store and read back", "Register"):
        assert step in text
    assert not list(archive.inbox_folder.iterdir())


def test_the_same_again_is_a_duplicate(archivist: Visitor, archive: Archive, tmp_path: Path) -> None:
    address = upload(archivist, packed(tmp_path / f"{TITLE}.zip", FILES))
    work_off(archive)
    assert "The archive holds exactly this already" in archivist.text(address)


def test_a_rejected_package_says_which_file_is_wrong_and_why(app: Flask, ids: Ids) -> None:
    expected = {"en": ("The package was rejected", "not passed", "is a mismatch"), "zh-CN": ("信息包被拒收", "未通过", "不一致")}
    for language, words in expected.items():
        visitor = Visitor(app, language=language)
        visitor.log_in("archivist")
        text = visitor.text(f"/ingest/{ids['rejected']}")
        for word in (*words, "data/报告.txt", "sha256" if language == "en" else "摘要"):
            assert word.casefold() in text.casefold(), word


def test_properties_that_nobody_looked_at_do_not_look_passed(archivist: Visitor, archive: Archive, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(packed(tmp_path / "whole.zip", bag({"a": b"x" * 5000})).read_bytes()[:-40])
    address = upload(archivist, broken)
    work_off(archive)
    text = archivist.text(address)
    assert "rejected" in text
    assert "nothing to report" not in text
    assert "not checked" in text
    assert "not done" in text


def test_findings_as_a_table_cannot_become_formulas(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    with archive.transaction(Actor.local()) as tx:
        row = tx.session.get_one(Submission, ids["rejected"])
        row.findings = [{**row.findings[0], "subject": "=cmd|' /C calc'!A0"}]
    answer = archivist.get(f"/ingest/{ids['rejected']}/findings.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert lines[0] == "code,standard_code,property,severity,outcome,subject,message,remedy"
    assert ",'=cmd" in lines[1]


def test_a_form_without_a_file_says_so(app: Flask) -> None:
    for language, text in (("en", "Choose a file first."), ("zh-CN", "请先选择文件。")):
        visitor = Visitor(app, language=language)
        visitor.log_in("archivist")
        answer = visitor.send("/ingest/upload", agreement=LOCAL_AGREEMENT)
        assert answer.status_code == 400
        assert text in readable(answer)


def test_an_agreement_that_is_not_offered_is_refused(archivist: Visitor, archive: Archive) -> None:
    answer = archivist.send("/ingest/upload", package=(io.BytesIO(b"x"), "a.zip"), agreement="another")
    assert answer.status_code == 400
    with archive.read(Actor.local()) as tx:
        assert tx.session.scalars(select(Submission).where(Submission.name == "a.zip")).all() == []
    assert not list(archive.inbox_folder.iterdir())


def test_the_list_is_narrowed_by_state(archivist: Visitor) -> None:
    assert "wrong.zip" in archivist.text("/ingest/?state=unsuccessful")
    assert TITLE not in archivist.text("/ingest/?state=unsuccessful")
    assert TITLE in archivist.text("/ingest/?state=stored")
    assert "wrong.zip" not in archivist.text("/ingest/?state=stored")
    assert "No submissions here" in archivist.text("/ingest/?state=failed")
    assert TITLE in archivist.text("/ingest/?state=nonsense")


def test_only_what_failed_is_tried_again(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    page = f"/ingest/{ids['rejected']}"
    assert archivist.send(page, f"{page}/retry").status_code == 409
    assert archivist.get(f"{page}/retry").status_code == 409
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(
            update(Submission).where(Submission.id == ids["rejected"]).values(state=SubmissionState.FAILED, error="disk [1]")
        )
    assert "disk [1]" in archivist.text(page)
    asked = archivist.text(f"{page}/retry")
    assert "begins at the first step" in asked
    assert "wrong.zip" in asked
    answer = archivist.send(f"{page}/retry")
    assert answer.status_code == 302
    assert "in the queue again and begins at the first step" in archivist.text(page)
    work_off(archive)
    with archive.read(Actor.local()) as tx:
        assert find_submission(tx, ids["rejected"]).submission.state == SubmissionState.REJECTED


def test_a_retry_says_at_which_step_it_goes_on(archivist: Visitor, archive: Archive, tmp_path: Path) -> None:
    address = upload(archivist, packed(tmp_path / "new.zip", {"a.txt": b"something else"}))
    (archive.home / "stores/b").rename(archive.home / "aside")
    (archive.home / "stores/b").write_text("no folder")
    work_off(archive)
    assert "does not begin at the first step" in archivist.text(address)
    assert "goes on at the step “Match with what is held”" in archivist.text(f"{address}/retry")
    (archive.home / "stores/b").unlink()
    (archive.home / "aside").rename(archive.home / "stores/b")
    archivist.send(f"{address}/retry")
    assert "goes on at the step “Match with what is held”" in archivist.text(address)
    work_off(archive)
    assert "Stored and read back from every store" in archivist.text(address)


def test_a_submission_is_stopped_after_a_question(archivist: Visitor, archive: Archive, tmp_path: Path) -> None:
    address = upload(archivist, packed(tmp_path / "waiting.zip", {"a.txt": b"waits"}))
    asked = archivist.text(f"{address}/cancel")
    assert "waiting.zip" in asked
    assert "no record is made" in asked
    assert archivist.send(f"{address}/cancel").status_code == 302
    page = archivist.text(address)
    assert "Somebody stopped this" in page
    work_off(archive)
    assert "Somebody stopped this" in archivist.text(address)
    assert archivist.get(f"{address}/cancel").status_code == 409
    assert archivist.send(address, f"{address}/cancel").status_code == 409


def test_the_part_that_changes_says_how_far_it_is_and_nothing_that_was_found(
    archivist: Visitor, archive: Archive, tmp_path: Path, ids: Ids
) -> None:
    address = upload(archivist, packed(tmp_path / "under-way.zip", {"a.txt": b"way"}))
    with archive.transaction(Actor.local()) as tx:
        row = tx.session.get_one(Submission, address.rpartition("/")[2])
        row.state = SubmissionState.PROCESSING
        tx.session.add(
            SubmissionStep(
                submission_id=row.id, position=0, name="unpack", state="running", detail="", started_at=tx.now - timedelta(seconds=10)
            )
        )
        job = tx.session.get_one(Job, row.job_id)
        job.state, job.heartbeat_at, job.lease_until = "running", tx.now, tx.now + timedelta(hours=1)
        job.progress = {"stage": "unpacking", "done": 12, "total": None, "unit": "files", "bytes": 50 << 20, "bytes_total": 200 << 20}
    text = archivist.text(f"{address}/progress")
    for word in ("Unpack", "12 files", "50 MiB / 200 MiB", "5 MiB a second", "about 30 seconds left"):
        assert word in text, word
    assert "Stop…" in archivist.text(address)
    chinese = Visitor(archivist.client.application, language="zh-CN")
    chinese.log_in("archivist")
    assert "30秒" in chinese.text(f"{address}/progress")
    assert "is a mismatch" not in archivist.text(f"/ingest/{ids['rejected']}/progress")


def many(archive: Archive, submission_id: str, count: int) -> None:
    with archive.transaction(Actor.local()) as tx:
        row = tx.session.get_one(Submission, submission_id)
        row.findings = [
            finding_as_row(failure("SOME_RULE", Property.INTEGRITY, f"file-{number:03}.txt", N_("“{subject}” is wrong."), N_("Mend it.")))
            for number in range(count)
        ] + [
            finding_as_row(passed("FINE", Property.INTEGRITY, "fine.txt", N_("“{subject}” is right."))),
            finding_as_row(warning("ODD", Property.SAFETY, "odd.txt", N_("“{subject}” is odd."))),
        ]


def test_long_results_are_counted_narrowed_and_paged(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    many(archive, ids["rejected"], 120)
    page = f"/ingest/{ids['rejected']}"
    first = archivist.text(page)
    assert "not passed 120" in first
    assert "passed 1" in first
    assert "110 more" in first
    assert "file-009.txt" in first
    assert "file-010.txt" not in first
    second = archivist.text(f"{page}?property=integrity&page=2")
    assert "file-050.txt" in second
    assert "file-049.txt" not in second
    assert "odd.txt" not in second
    assert "file-119.txt" in archivist.text(f"{page}?property=integrity&page=999")
    assert "file-000.txt" in archivist.text(f"{page}?property=integrity&page=-1")
    warned = archivist.text(f"{page}?outcome=warn")
    assert "odd.txt" in warned
    assert "file-000.txt" not in warned
    right = archivist.text(f"{page}?outcome=pass")
    assert "fine.txt" in right
    assert "odd.txt" in archivist.text(f"{page}?property=<script>&outcome=nonsense&page=x")


@pytest.mark.parametrize(("language", "words"), [("en", ("not passed", "Mend it.")), ("zh-CN", ("未通过", "完整性"))])
def test_the_report_on_paper_has_everything(app: Flask, archive: Archive, ids: Ids, language: str, words: tuple[str, ...]) -> None:
    many(archive, ids["rejected"], 60)
    visitor = Visitor(app, language=language)
    visitor.log_in("archivist")
    answer = visitor.get(f"/ingest/{ids['rejected']}/print")
    text = readable(answer)
    for word in (*words, "wrong.zip", ids["rejected"], "file-059.txt", "SOME_RULE", "local", "60"):
        assert word in text, word
    assert "<nav" not in answer.get_data(as_text=True)


def test_the_list_is_narrowed_by_everything_at_once(archivist: Visitor, archive: Archive) -> None:
    today = archive.clock().astimezone(ZoneInfo(archive.settings.time_zone)).date()
    assert "wrong.zip" in archivist.text("/ingest/?name=WRONG")
    assert "No submissions here" in archivist.text("/ingest/?name=%25")
    assert "wrong.zip" in archivist.text(f"/ingest/?name=wrong&state=rejected&agreement=local&since={today}&until={today}")
    assert "No submissions here" in archivist.text(f"/ingest/?until={today - timedelta(days=1)}")
    assert "No submissions here" in archivist.text(f"/ingest/?since={today + timedelta(days=1)}")
    for odd in ("since=yesterday", "until=9999-12-31", "since=0001-01-01", "agreement=another", "after=nothing"):
        assert "wrong.zip" in archivist.text(f"/ingest/?{odd}"), odd
    page = archivist.get("/ingest/?name=wrong&state=rejected").get_data(as_text=True)
    assert 'value="wrong"' in page
    assert "name=wrong" in page.split('aria-label="State"')[1].split("</nav>")[0], "a choice of state keeps the rest"


def test_an_unfinished_upload_can_be_handed_in_or_given_up_without_a_script(archivist: Visitor, archive: Archive) -> None:
    with archive.read(Actor.local()) as tx:
        person = tx.session.scalars(select(User).where(User.name == "archivist")).one()
        actor = Actor(id=person.id, name="archivist", roles=frozenset({Role.ARCHIVIST}))
    begun = []
    for name in ("whole.txt", "half.txt"):
        with archive.transaction(actor) as tx:
            begun.append(sets.begin_set(tx, name=name, agreement=LOCAL_AGREEMENT).id)
            file = sets.add_file(tx, begun[-1], path=name, length=4).id
        receive_bytes(archive, actor, file, offset=0, stream=io.BytesIO(b"data"[: 4 if name == "whole.txt" else 2]))
    page = archivist.text("/ingest/upload")
    assert "whole.txt" in page
    assert "2 B / 4 B" in page
    assert archivist.send("/ingest/upload", f"/ingest/uploads/{begun[1]}/finish").status_code == 409
    assert archivist.send("/ingest/upload", f"/ingest/uploads/{begun[1]}/cancel").status_code == 302
    assert "half.txt" not in archivist.text("/ingest/upload")
    answer = archivist.send("/ingest/upload", f"/ingest/uploads/{begun[0]}/finish")
    work_off(archive)
    assert "stored" in archivist.text(answer.location)
    assert archivist.send("/ingest/upload", "/ingest/uploads/nothing/cancel").status_code == 404


def test_an_agency_sees_its_own_submissions_and_no_others(app: Flask, archive: Archive, ids: Ids) -> None:
    officer = Visitor(app)
    officer.log_in("agency-officer")
    assert "No submissions here" in officer.text("/ingest/")
    assert "No agreement is open for you" in officer.text("/ingest/upload")
    unknown = officer.get("/ingest/no-such-submission")
    hidden = officer.get(f"/ingest/{ids['submission']}")
    assert (unknown.status_code, hidden.status_code) == (404, 404)
    assert TITLE not in readable(hidden)
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Agreement).values(unit="云栖市民政局"))
    assert officer.get(f"/ingest/{ids['submission']}").status_code == 200


@pytest.mark.parametrize("role", ["researcher", "system-administrator", "security-administrator"])
def test_who_has_no_part_in_ingest_is_kept_out(app: Flask, ids: Ids, role: str) -> None:
    visitor = Visitor(app)
    visitor.log_in(role)
    for address in (
        "/ingest/",
        "/ingest/upload",
        f"/ingest/{ids['submission']}",
        f"/ingest/{ids['rejected']}/findings.csv",
        f"/ingest/{ids['rejected']}/print",
        f"/ingest/{ids['rejected']}/progress",
    ):
        assert visitor.get(address).status_code == 403, address
    assert visitor.send("/", f"/ingest/{ids['rejected']}/retry").status_code == 403
