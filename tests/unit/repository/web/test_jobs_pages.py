"""The pages of jobs, schedules, notices and webhooks: who may, what is shown, and that forms need their token."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from repository.archive import Archive
from repository.holdings import Job, Schedule
from repository.jobs import ledger
from repository.jobs.timetable import ensure_schedules
from repository.logbook.tables import LogEntry
from repository.notices.kinds import Kind
from repository.notices.sending import account_named, tell
from repository.notices.tables import Notice, Webhook
from repository.permissions import Actor, Role
from repository.settings import SETTINGS_FILE
from tests.conftest import Cli
from tests.tools.console import Visitor, _console_home, app, database, home, ids, readable
from tests.tools.receivers import Receiver, receiver

__all__ = ["_console_home", "app", "database", "home", "ids"]

READERS = {Role.ARCHIVIST, Role.PRESERVATION_OFFICER, Role.SYSTEM_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR}


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def visitor(app: Flask, role: Role) -> Visitor:
    found = Visitor(app)
    found.log_in(str(role))
    return found


def failed_job(archive: Archive, error: str = "OSError: [Errno 5] data/机密.txt [0a1b2c3d]") -> str:
    with archive.transaction(Actor.system("test")) as tx:
        job_id = tx.enqueue("ingest.process", {"submission": "s-1", "note": "机密.txt"})
    lease = ledger.claim(archive, "worker-1", job_id=job_id)
    assert lease is not None
    ledger.fail(archive, lease, error, {"stage": "Unpacking", "detail": "机密.txt"}, retry=False)
    return job_id


@pytest.mark.parametrize("role", list(Role))
def test_jobs_and_schedules_are_shown_to_those_who_may_read_jobs(app: Flask, archive: Archive, role: Role) -> None:
    job_id = failed_job(archive)
    asking = visitor(app, role)
    expected = 200 if role in READERS else 403
    for path in ("/jobs", f"/jobs/{job_id}", "/schedules"):
        assert asking.get(path).status_code == expected, path
    assert asking.get("/admin/webhooks").status_code == (200 if role is Role.SYSTEM_ADMINISTRATOR else 403)
    assert asking.get("/notices").status_code == 200
    assert asking.get("/account/notices").status_code == 200


def test_who_may_not_read_records_is_not_told_the_names_of_their_files(app: Flask, archive: Archive) -> None:
    job_id = failed_job(archive)
    for role, told in ((Role.ARCHIVIST, True), (Role.SYSTEM_ADMINISTRATOR, False), (Role.AUDIT_ADMINISTRATOR, False)):
        asking = visitor(app, role)
        for path in ("/jobs", f"/jobs/{job_id}"):
            assert ("机密.txt" in asking.text(path)) is told, (role, path)
        assert "0a1b2c3d" in asking.text(f"/jobs/{job_id}")


def test_a_failed_job_is_found_by_its_state_and_tried_again(app: Flask, archive: Archive) -> None:
    job_id = failed_job(archive)
    asking = visitor(app, Role.ARCHIVIST)
    assert job_id in asking.get("/jobs?state=failed").get_data(as_text=True)
    assert job_id not in asking.get("/jobs?state=done").get_data(as_text=True)
    assert job_id not in asking.get("/jobs?kind=search.index").get_data(as_text=True)
    assert asking.send(f"/jobs/{job_id}", f"/jobs/{job_id}/retry").status_code == 302
    assert ledger.read(archive, job_id).state == "queued"
    assert asking.send(f"/jobs/{job_id}", f"/jobs/{job_id}/cancel").status_code == 302
    assert ledger.read(archive, job_id).state == "cancelled"
    with archive.read(Actor.local()) as tx:
        actions = tx.session.scalars(select(LogEntry.action).where(LogEntry.object_id == job_id).order_by(LogEntry.sequence)).all()
    assert [action for action in actions if action.startswith("job.")] == ["job.retried", "job.cancelled"]


@pytest.mark.parametrize("query", ["state=nonsense", "kind=nonsense", "state=%3Cscript%3E"])
def test_a_filter_that_is_none_is_said(app: Flask, query: str) -> None:
    answer = visitor(app, Role.ARCHIVIST).get(f"/jobs?{query}")
    assert answer.status_code == 400
    assert "Choose from" in readable(answer)
    assert "<script>" not in answer.get_data(as_text=True)


def test_pages_of_jobs_have_each_once(app: Flask, archive: Archive) -> None:
    made = {failed_job(archive) for _ in range(3)}
    with archive.transaction(Actor.local()) as tx:
        made |= {tx.enqueue("demo.load", {"number": number}) for number in range(60)}
    asking = visitor(app, Role.ARCHIVIST)
    found: list[str] = []
    address = "/jobs?regular=1"
    while address:
        markup = asking.get(address).get_data(as_text=True)
        found += re.findall(r'href="/jobs/([0-9a-f-]{36})"', markup)
        following = re.search(r'rel="next" href="([^"]+)"', markup)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(found) == len(set(found))
    assert made <= set(found)


def test_forms_need_their_token_and_their_permission(app: Flask, archive: Archive) -> None:
    ensure_schedules(archive)
    job_id = failed_job(archive)
    administrator = visitor(app, Role.SYSTEM_ADMINISTRATOR)
    for path in (f"/jobs/{job_id}/retry", "/schedules/search.index", "/schedules/search.index/run", "/admin/webhooks", "/notices/read-all"):
        assert administrator.client.post(path).status_code == 400, path
    archivist = visitor(app, Role.ARCHIVIST)
    for path in ("/schedules/search.index", "/schedules/search.index/run", "/admin/webhooks"):
        assert archivist.send("/jobs", path, every="1", unit="days").status_code == 403, path
    reader = visitor(app, Role.AUDIT_ADMINISTRATOR)
    assert reader.send("/jobs", f"/jobs/{job_id}/retry").status_code == 403
    assert ledger.read(archive, job_id).state == "failed"


def test_a_schedule_is_changed_and_the_logbook_says_so(app: Flask, archive: Archive) -> None:
    ensure_schedules(archive)
    asking = visitor(app, Role.SYSTEM_ADMINISTRATOR)
    assert asking.send("/schedules", "/schedules/journal.flush", every="10", unit="minutes").status_code == 302
    assert asking.send("/schedules", "/schedules/search.index", enabled="0").status_code == 302
    with archive.read(Actor.local()) as tx:
        assert tx.session.get_one(Schedule, "journal.flush").every_seconds == 600
        assert not tx.session.get_one(Schedule, "search.index").enabled
        changed = tx.session.scalars(select(LogEntry.object_id).where(LogEntry.action == "schedule.changed")).all()
    assert changed == ["journal.flush", "search.index"]
    assert "switched off" in asking.text("/schedules")
    started = asking.send("/schedules", "/schedules/search.index/run")
    assert re.search(r"/jobs/[0-9a-f-]{36}$", started.headers["Location"])


@pytest.mark.parametrize(
    ("every", "unit"),
    [("0", "days"), ("-1", "days"), ("x", "days"), ("9999999999", "days"), ("5", "years"), ("400", "days"), ("", "hours")],
)
def test_an_interval_that_cannot_be_is_said_at_its_field_and_kept(app: Flask, archive: Archive, every: str, unit: str) -> None:
    ensure_schedules(archive)
    answer = visitor(app, Role.SYSTEM_ADMINISTRATOR).send("/schedules", "/schedules/journal.flush", every=every, unit=unit)
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    assert f'value="{every}"' in answer.get_data(as_text=True)
    with archive.read(Actor.local()) as tx:
        assert tx.session.get_one(Schedule, "journal.flush").every_seconds == 240


def test_notices_are_counted_read_and_chosen(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        user = account_named(tx, "researcher")
        assert user is not None
        tell(
            tx,
            user,
            kind=Kind.SEARCH_NEWS,
            template="“{name}”: {records} new or changed records.",
            values={"name": "<i>a", "records": 2},
            path="/records/",
        )
    asking = visitor(app, Role.RESEARCHER)
    assert "unread: 1" in asking.text("/")
    assert "“<i>a”: 2 new" in asking.text("/notices")
    assert "<i>a" not in asking.get("/notices").get_data(as_text=True)
    with archive.read(Actor.local()) as tx:
        notice = tx.session.scalars(select(Notice.id)).one()
    other = visitor(app, Role.ARCHIVIST)
    assert other.send("/notices", f"/notices/{notice}/read").status_code == 404
    answer = asking.send("/notices", f"/notices/{notice}/read", go="1")
    assert answer.headers["Location"].endswith("/records/")
    assert "unread: 1" not in asking.text("/")
    assert "Everything is read" in asking.text("/notices?unread=1")
    assert asking.send("/account/notices", **{str(Kind.SEARCH_NEWS): "none"}).status_code == 302
    with archive.transaction(Actor.local()) as tx:
        assert tell(tx, user, kind=Kind.SEARCH_NEWS, template="x") is None


def test_after_reading_nobody_is_led_elsewhere(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        user = account_named(tx, "researcher")
        assert user is not None
        notice = tell(tx, user, kind=Kind.SEARCH_NEWS, template="x")
    answer = visitor(app, Role.RESEARCHER).send("/notices", f"/notices/{notice}/read", next="//evil.example/")
    assert "evil" not in answer.headers["Location"]


def test_a_webhook_is_added_tried_and_its_secret_shown_once(home: Path, program: Receiver, request: pytest.FixtureRequest) -> None:
    settings = home / SETTINGS_FILE
    settings.write_text("webhook_private_addresses = true\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    archive: Archive = request.getfixturevalue("archive")
    asking = visitor(request.getfixturevalue("app"), Role.SYSTEM_ADMINISTRATOR)
    wrong = asking.send("/admin/webhooks", name="", url="gopher://x", kinds="job.failed")
    assert wrong.status_code == 400
    assert "gopher://x" in wrong.get_data(as_text=True)
    made = asking.send("/admin/webhooks", name="monitoring", url=program.address, kinds="job.failed")
    assert made.status_code == 201
    with archive.read(Actor.local()) as tx:
        webhook = tx.session.scalars(select(Webhook)).one()
    assert webhook.secret in made.get_data(as_text=True)
    page = f"/admin/webhooks/{webhook.id}"
    assert webhook.secret not in asking.get(page).get_data(as_text=True)
    assert asking.send(page, f"{page}/test").status_code == 302
    from repository.notices.delivering import deliver_due

    assert deliver_due(archive) == 1
    assert "taken" in asking.text(page)
    assert asking.send(page, f"{page}/secret").status_code == 200
    assert asking.send(page, f"{page}/delete").status_code == 302
    assert "No program is told yet" in asking.text("/admin/webhooks")
    assert asking.get(page).status_code == 404


def test_the_commands_do_the_same(cli: Cli, archive: Archive) -> None:
    ensure_schedules(archive)
    job_id = failed_job(archive)
    assert job_id in cli("job", "list", "--state", "failed").stdout
    assert "机密" in cli("job", "show", job_id).stdout
    assert cli("job", "retry", job_id).exit_code == 0
    assert cli("job", "cancel", job_id).exit_code == 0
    assert cli("job", "cancel", job_id).exit_code == 1
    assert "journal.flush" in cli("schedule", "list").stdout
    assert cli("schedule", "set", "journal.flush", "--every", "300").exit_code == 0
    assert '"every_seconds": 300' in cli("schedule", "list", "--json").stdout
    assert cli("schedule", "set", "journal.flush", "--every", "1").exit_code == 2
    assert cli("schedule", "set", "nothing", "--off").exit_code == 1
    assert cli("schedule", "set", "journal.flush").exit_code == 2
    started = cli("schedule", "run", "journal.flush").stdout.strip()
    with archive.read(Actor.local()) as tx:
        assert tx.session.get_one(Job, started).kind == "journal.flush"
