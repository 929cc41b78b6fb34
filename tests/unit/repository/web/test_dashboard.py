"""What each person finds on the overview, and what nobody learns from it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import update

from repository.accounts.tables import User
from repository.archive import Archive
from repository.holdings import Copy, Record, Submission
from repository.permissions import Actor, Role
from repository.web.dashboard.holdings import bucket_starts
from tests.tools.console import Ids, Visitor, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]


def page(app: Flask, role: Role, path: str = "/") -> str:
    visitor = Visitor(app)
    visitor.log_in(str(role))
    return visitor.text(path)


def test_an_archivist_sees_rejections_first_and_their_reason(app: Flask) -> None:
    text = page(app, Role.ARCHIVIST)
    assert "1 submission was rejected in the last 30 days" in text
    assert text.index("Waits for me") < text.index("Latest submissions")
    assert "is a mismatch" in text
    assert "2 records held" in text


def test_an_agency_officer_sees_nothing_of_others(app: Flask) -> None:
    text = page(app, Role.AGENCY_OFFICER)
    assert "rejected in the last 30 days" not in text
    assert "Nothing was handed in yet" in text
    assert "0 records held" in text
    assert "Stores" not in text


def test_a_researcher_begins_with_the_search_and_learns_of_open_records_only(app: Flask, ids: Ids) -> None:
    visitor = Visitor(app)
    visitor.log_in("researcher")
    markup = visitor.get("/").get_data(as_text=True)
    text = visitor.text("/")
    assert "What are you looking for?" in text
    assert ids["record"] in markup
    assert ids["closed"] not in markup
    assert "closed" not in text
    assert "1 record held" in text
    assert "4 files" in text
    assert "submission" not in text


def test_what_was_counted_for_one_is_not_shown_to_another(app: Flask) -> None:
    for role, held in (
        (Role.ARCHIVIST, "2 records"),
        (Role.RESEARCHER, "1 record "),
        (Role.AGENCY_OFFICER, "0 records"),
        (Role.RESEARCHER, "1 record "),
    ):
        assert held in page(app, role)


def test_a_count_follows_the_catalogue(app: Flask, archive: Archive, ids: Ids) -> None:
    assert "1 record held" in page(app, Role.RESEARCHER)
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == ids["closed"]).values(sharing="无条件共享", changed_at=tx.now))
    assert "2 records held" in page(app, Role.RESEARCHER)


def test_damage_is_told_to_those_who_look_after_copies(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Copy).where(Copy.store == "a").values(state="damaged"))
    for role in (Role.PRESERVATION_OFFICER, Role.SYSTEM_ADMINISTRATOR):
        assert "2 copies are damaged" in page(app, role)
    assert "damaged" not in page(app, Role.RESEARCHER)


def test_copies_that_nobody_read_for_long_are_overdue(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        long_ago = tx.now - timedelta(days=archive.settings.audit_ttl_days + 1)
        tx.session.execute(update(Copy).where(Copy.store == "b").values(checked_at=long_ago))
        tx.session.execute(update(Copy).where(Copy.store == "a").values(checked_at=None))
    text = page(app, Role.PRESERVATION_OFFICER)
    assert "2 copies are overdue for an audit" in text
    assert "2 copies were never audited" in text
    assert "overdue 2 50.0%" in text


def test_the_system_administrator_sees_stores_and_work_and_no_record(app: Flask, ids: Ids) -> None:
    visitor = Visitor(app)
    visitor.log_in("system-administrator")
    text = visitor.text("/")
    assert "Stores" in text
    assert "Workers at work" in text
    assert "Can log in 8" in text
    markup = visitor.get("/").get_data(as_text=True)
    assert ids["record"] not in markup
    assert "records held" not in text
    assert "Formats" not in text


def test_the_security_administrator_sees_accounts_that_need_a_decision(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(User).where(User.name == "approver").values(role_names=[]))
        tx.session.execute(update(User).where(User.name == "researcher").values(locked_until=tx.now + timedelta(minutes=5)))
    text = page(app, Role.SECURITY_ADMINISTRATOR)
    assert "1 account has no role" in text
    assert "1 account is locked after wrong passwords" in text


def test_the_audit_administrator_sees_todays_failed_logins(app: Flask) -> None:
    stranger = Visitor(app)
    stranger.send("/login", name="archivist", password="wrong")
    text = page(app, Role.AUDIT_ADMINISTRATOR)
    assert "1 login failed today" in text
    assert "Lines in the chain" in text
    assert "Lines in the chain" not in page(app, Role.SYSTEM_ADMINISTRATOR)


@pytest.mark.parametrize("period", ["", "?period=year"])
def test_submissions_are_counted_over_time_and_told_as_a_table(app: Flask, archive: Archive, period: str) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Submission).where(Submission.state == "rejected").values(received_at=tx.now - timedelta(days=3)))
    text = page(app, Role.ARCHIVIST, "/" + period)
    assert "Together 2 0 1" in text


def test_the_failures_stand_in_red_beside_their_entry(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    assert "Submissions to be looked at: 1" in visitor.text("/records/")
    other = Visitor(app)
    other.log_in("researcher")
    assert "to be looked at" not in other.text("/records/")


def test_days_and_months_end_with_the_present_one() -> None:
    now = datetime(2026, 3, 31, 17, 0, tzinfo=UTC)
    zone = ZoneInfo("Asia/Shanghai")
    days = bucket_starts(now, zone, year=False)
    months = bucket_starts(now, zone, year=True)
    assert len(days) == 30
    assert days[-1] == datetime(2026, 4, 1, tzinfo=zone)
    assert days[0] == datetime(2026, 3, 3, tzinfo=zone)
    assert [f"{month:%Y-%m-%d}" for month in months[:1] + months[-1:]] == ["2025-05-01", "2026-04-01"]
