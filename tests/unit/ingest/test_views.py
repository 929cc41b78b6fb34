"""Handing packages in on the console, and reading what became of them."""

import io
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from ingest.submissions import LOCAL_AGREEMENT, find_submission
from repository.archive import Archive
from repository.holdings import Agreement, Submission, SubmissionState
from repository.permissions import Actor
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
    assert "data-refresh" in waiting
    assert "not checked yet" in waiting
    work_off(archive)
    page = archivist.get(address)
    assert "data-refresh" not in page.get_data(as_text=True)
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
    assert lines[0] == "code,property,severity,outcome,subject,message,remedy"
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
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(
            update(Submission).where(Submission.id == ids["rejected"]).values(state=SubmissionState.FAILED, error="disk [1]")
        )
    assert "disk [1]" in archivist.text(page)
    answer = archivist.send(page, f"{page}/retry")
    assert answer.status_code == 302
    assert "in the queue again" in archivist.text(page)
    work_off(archive)
    with archive.read(Actor.local()) as tx:
        assert find_submission(tx, ids["rejected"]).submission.state == SubmissionState.REJECTED


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
    for address in ("/ingest/", "/ingest/upload", f"/ingest/{ids['submission']}", f"/ingest/{ids['rejected']}/findings.csv"):
        assert visitor.get(address).status_code == 403, address
    assert visitor.send("/", f"/ingest/{ids['rejected']}/retry").status_code == 403
