"""Mail to a real server: at once, as a digest, tried again, and never twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from repository.accounts.tables import User
from repository.archive import Archive
from repository.notices.kinds import Kind
from repository.notices.mailing import ATTEMPTS, last_digest_hour, mail_digests, mail_due
from repository.notices.sending import tell
from repository.notices.tables import Notice
from repository.permissions import Actor, Role
from repository.settings import SETTINGS_FILE
from tests.conftest import Cli
from tests.tools.notices import account
from tests.tools.receivers import Mailbox, free_port, mail_server

NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def database() -> str:
    """Claiming is tested on both databases with the jobs; what a mail says does not depend on it."""
    return "sqlite"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def home(home: Path, box: Mailbox) -> Path:
    set_mail(home, box.port)
    return home


def set_mail(home: Path, port: int) -> None:
    settings = home / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8")
    head = 'base_url = "https://archive.example/jingui"\n'
    mail = f'\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "archive@archive.example"\n'
    settings.write_text(head + text + mail, encoding="utf-8")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(home: Path, clock: Clock) -> Iterator[Archive]:
    opened = Archive.open(home, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def reader(archive: Archive) -> str:
    with archive.transaction(Actor.local()) as tx:
        tx.session.add(account("otto", Role.RESEARCHER, now=tx.now, email="otto@example.org", language="en"))
    return "otto"


def lock(archive: Archive, user: str, name: str = "x", template: str = "The account “{name}” was locked after wrong passwords.") -> None:
    with archive.transaction(Actor.system("login")) as tx:
        tell(tx, user, kind=Kind.ACCOUNT_LOCKED, template=template, values={"name": name}, path="/account", severity="warning")


def notices(archive: Archive) -> list[Notice]:
    with archive.read(Actor.local()) as tx:
        return list(tx.session.scalars(select(Notice)))


def test_a_notice_is_mailed_once_with_a_link(archive: Archive, reader: str, box: Mailbox) -> None:
    lock(archive, reader, "<b>&rita")
    assert mail_due(archive) == 1
    assert mail_due(archive) == 0
    (mail,) = box.mails
    assert box.recipients == ["otto@example.org"]
    assert "was locked after wrong passwords" in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, page = (mail.get_body(kind) for kind in (("plain",), ("html",)))
    assert plain is not None
    assert page is not None
    assert "https://archive.example/jingui/account" in plain.get_content()
    assert "“<b>&rita”" in plain.get_content()
    assert "&lt;b&gt;&amp;rita" in page.get_content()
    assert "<b>" not in page.get_content()


def test_a_mail_is_in_the_readers_language(archive: Archive, reader: str, box: Mailbox) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.get_one(User, reader).language = "zh_Hans_CN"
    lock(archive, reader, template="There is nothing here")
    mail_due(archive)
    assert "这里没有内容" in box.mails[0]["Subject"]


@pytest.mark.parametrize("name", ["a\r\nBcc: evil@example.org", "a\nSubject: other", "a\x00b", "长" * 500])
def test_no_value_gets_into_a_header(archive: Archive, reader: str, box: Mailbox, name: str) -> None:
    lock(archive, reader, name)
    assert mail_due(archive) == 1
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert len(mail.get_all("Subject") or []) == 1
    assert box.recipients == ["otto@example.org"]


def test_an_address_that_is_none_is_given_up_and_said(archive: Archive, reader: str, box: Mailbox, clock: Clock) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.get_one(User, reader).email = "otto@example.org\r\nBcc: evil@example.org"
    lock(archive, reader)
    assert mail_due(archive) == 0
    (notice,) = notices(archive)
    assert notice.mailed_at is None
    assert "not sent" in notice.mail_error
    assert box.mails == []


def test_a_refusal_is_tried_again_after_a_pause_and_told_once(archive: Archive, reader: str, box: Mailbox, clock: Clock) -> None:
    box.answers = ["451 later", "451 later"]
    lock(archive, reader)
    assert mail_due(archive) == 0
    assert mail_due(archive) == 0, "not before the pause"
    clock.now += timedelta(minutes=2)
    assert mail_due(archive) == 0
    clock.now += timedelta(minutes=5)
    assert mail_due(archive) == 1
    assert len(box.mails) == 1


def test_a_server_that_is_away_is_asked_for_a_day_and_no_longer(home: Path, archive: Archive, reader: str, clock: Clock) -> None:
    archive.settings.mail.port = free_port()
    lock(archive, reader)
    for _ in range(ATTEMPTS + 3):
        assert mail_due(archive) == 0
        clock.now += timedelta(hours=7)
    (notice,) = notices(archive)
    assert notice.mail_attempts == ATTEMPTS
    assert notice.mail_due_at is None
    assert notice.read_at is None, "it stays in the page"


def test_who_was_going_to_get_a_mail_when_the_process_ended_gets_none_twice(archive: Archive, reader: str, box: Mailbox) -> None:
    lock(archive, reader)
    from repository.notices.mailing import _claim

    assert _claim(archive) is not None
    assert mail_due(archive) == 0
    assert box.mails == []


def test_the_digest_tells_a_day_at_once_and_only_after_its_hour(archive: Archive, reader: str, box: Mailbox, clock: Clock) -> None:
    with archive.transaction(Actor.local()) as tx:
        for number in range(3):
            tell(
                tx,
                reader,
                kind=Kind.SEARCH_NEWS,
                template="“{name}”: {records} new or changed records.",
                values={"name": "a", "records": number},
            )
    assert mail_due(archive) == 0
    assert mail_digests(archive) == 0, "it came after this day's hour"
    clock.now += timedelta(hours=20)
    assert mail_digests(archive) == 1
    assert mail_digests(archive) == 0
    (mail,) = box.mails
    assert "3 notices" in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert [f"“a”: {number} new" in body.get_content() for number in range(3)] == [True] * 3


def test_what_was_read_needs_no_digest(archive: Archive, reader: str, box: Mailbox, clock: Clock) -> None:
    with archive.transaction(Actor.local()) as tx:
        notice = tell(tx, reader, kind=Kind.SEARCH_NEWS, template="x")
        tx.session.flush()
        tx.session.get_one(Notice, notice).read_at = tx.now
    clock.now += timedelta(days=1)
    assert mail_digests(archive) == 0


def test_a_digest_that_was_refused_comes_with_the_next(archive: Archive, reader: str, box: Mailbox, clock: Clock) -> None:
    with archive.transaction(Actor.local()) as tx:
        tell(tx, reader, kind=Kind.SEARCH_NEWS, template="x")
    clock.now += timedelta(days=1)
    box.answers = ["550 no"]
    assert mail_digests(archive) == 0
    assert mail_digests(archive) == 1


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 23))
def test_the_digest_hour_is_within_the_last_day(moment: datetime, hour: int) -> None:
    now = moment.replace(tzinfo=UTC)
    found = last_digest_hour(now, hour, "Asia/Shanghai")
    assert timedelta(0) <= now - found < timedelta(days=1)
    assert found.astimezone(ZoneInfo("Asia/Shanghai")).hour == hour


def test_the_command_sends_a_test(cli: Cli, box: Mailbox) -> None:
    result = cli("notice", "test-mail", "who@example.org")
    assert result.exit_code == 0, result.stderr
    assert box.recipients == ["who@example.org"]
    box.answers = ["550 no such person"]
    refused = cli("notice", "test-mail", "who@example.org")
    assert refused.exit_code == 3
    assert "no such person" in refused.stderr
