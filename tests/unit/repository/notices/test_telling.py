"""Who is told of what, in which way, and that nobody reads another's notices."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from repository.accounts.tables import User
from repository.archive import Archive
from repository.errors import NotFound, UsageError
from repository.holdings import Agency, Agreement, Job, Submission, SubmissionState
from repository.jobs import ledger
from repository.notices import happenings, inbox
from repository.notices.kinds import Channel, Kind
from repository.notices.sending import tell
from repository.notices.tables import Notice
from repository.permissions import Actor, Role
from repository.transaction import Transaction
from tests.tools.notices import account

PEOPLE = {
    "ada": (Role.ARCHIVIST, ""),
    "otto": (Role.AGENCY_OFFICER, "民政局"),
    "olga": (Role.AGENCY_OFFICER, "水利局"),
    "paul": (Role.PRESERVATION_OFFICER, ""),
    "sam": (Role.SYSTEM_ADMINISTRATOR, ""),
    "sue": (Role.SECURITY_ADMINISTRATOR, ""),
    "rita": (Role.RESEARCHER, ""),
}


@pytest.fixture
def people(archive: Archive) -> dict[str, Actor]:
    found = {}
    with archive.transaction(Actor.local()) as tx:
        for agency in ("民政局", "水利局"):
            tx.session.add(Agency(id=agency, name=agency, created_at=tx.now))
        tx.session.add(Agreement(code="mz", title="民政", unit="民政局", fonds="", open=True))
        for name, (role, unit) in PEOPLE.items():
            tx.session.add(account(name, role, now=tx.now, agency=unit or None))
            found[name] = Actor(id=name, name=name, roles=frozenset({role}), unit=unit, units=frozenset({unit} - {""}))
    return found


def hand_in(tx: Transaction, state: SubmissionState, by: str = "otto") -> str:
    row = Submission(
        id=tx.archive.new_id(),
        agreement_code="mz",
        name="云栖.zip",
        source="/x",
        state=state,
        recognition=[],
        findings=[],
        received_by=by,
        received_at=tx.now,
    )
    tx.session.add(row)
    tx.session.flush()
    return row.id


def told(archive: Archive) -> dict[str, list[str]]:
    """Kinds of the notices that each person has."""
    with archive.read(Actor.local()) as tx:
        rows = tx.session.execute(select(User.name, Notice.kind).join(Notice, Notice.user_id == User.id).order_by(User.name, Notice.kind))
        found: dict[str, list[str]] = {}
        for name, kind in rows:
            found.setdefault(name, []).append(kind)
    return found


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SubmissionState.STORED, {"otto": ["submission.stored"]}),
        (SubmissionState.REJECTED, {"otto": ["submission.rejected"]}),
        (SubmissionState.FAILED, {"ada": ["submission.failed"], "otto": ["submission.failed"]}),
        (SubmissionState.CANCELLED, {}),
    ],
)
def test_the_sender_and_the_agency_hear_how_a_submission_ended(
    archive: Archive, people: dict[str, Actor], state: SubmissionState, expected: dict[str, list[str]]
) -> None:
    with archive.transaction(Actor.system("worker")) as tx:
        happenings.submission_ended(tx, hand_in(tx, state))
    assert told(archive) == expected


def test_what_the_archive_hands_in_for_an_agency_is_told_to_both_and_to_no_other_agency(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.system("worker")) as tx:
        happenings.submission_ended(tx, hand_in(tx, SubmissionState.STORED, by="ada"))
    assert told(archive) == {"ada": ["submission.stored"], "otto": ["submission.stored"]}


def test_a_notice_is_there_only_if_what_it_tells_is(archive: Archive, people: dict[str, Actor]) -> None:
    def breaks_off() -> None:
        with archive.transaction(Actor.system("worker")) as tx:
            happenings.submission_ended(tx, hand_in(tx, SubmissionState.STORED))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert told(archive) == {}


def test_preservation_officers_hear_of_damage_and_system_administrators_of_jobs(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.system("worker")) as tx:
        happenings.audit_found_damage(tx, "a1", 3)
        tx.enqueue("no.such.kind", {})
    lease = ledger.claim(archive, "w")
    while lease is not None and lease.kind != "no.such.kind":
        lease = ledger.claim(archive, "w")
    assert lease is not None
    ledger.fail(archive, lease, "ValueError: /secret/path [0a1b2c3d]", retry=False)
    assert told(archive) == {"paul": ["audit.damage"], "sam": ["job.failed"]}
    with archive.read(Actor.local()) as tx:
        assert "secret" not in str(tx.session.scalars(select(Notice.values).where(Notice.kind == Kind.JOB_FAILED)).all())
        assert tx.session.scalar(select(Job.state).where(Job.id == lease.job_id)) == "failed"


def test_what_goes_on_is_told_once_a_day(archive: Archive, people: dict[str, Actor]) -> None:
    for _ in range(2):
        with archive.transaction(Actor.system("watch")) as tx:
            happenings.store_trouble(tx, "b", "Only {room} GiB are free in {location}.", {"room": "0.1", "location": "/b"})
    assert told(archive) == {"paul": ["store.trouble"], "sam": ["store.trouble"]}
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Notice).values(created_at=tx.now - timedelta(hours=25)))
    with archive.transaction(Actor.system("watch")) as tx:
        assert happenings.store_trouble(tx, "b", "Only {room} GiB are free in {location}.", {"room": "0.1", "location": "/b"})


def test_the_owner_and_the_security_administrator_hear_of_a_locked_account(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.system("login")) as tx:
        happenings.account_locked(tx, tx.session.get_one(User, people["rita"].id))
    assert told(archive) == {"rita": ["account.locked"], "sue": ["account.locked"]}


def test_everybody_chooses_of_what_to_hear(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(people["otto"]) as tx:
        assert inbox.choices(tx)[Kind.SUBMISSION_STORED] is Channel.PAGE
        assert Kind.JOB_FAILED not in inbox.choices(tx)
        inbox.choose(tx, {Kind.SUBMISSION_STORED: Channel.NONE})
    with archive.transaction(Actor.system("worker")) as tx:
        happenings.submission_ended(tx, hand_in(tx, SubmissionState.STORED))
        happenings.submission_ended(tx, hand_in(tx, SubmissionState.REJECTED))
    assert told(archive) == {"otto": ["submission.rejected"]}


@pytest.mark.parametrize(
    "wanted", [{"account.locked": "none"}, {"account.locked": "telepathy"}, {"job.failed": "mail"}, {"nothing": "page"}]
)
def test_what_cannot_be_chosen_is_refused(archive: Archive, people: dict[str, Actor], wanted: dict[str, str]) -> None:
    with pytest.raises(UsageError), archive.transaction(people["otto"]) as tx:
        inbox.choose(tx, wanted)


def test_a_closed_account_is_told_nothing(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.get_one(User, people["otto"].id).active = False
        assert tell(tx, people["otto"].id, kind=Kind.SEARCH_NEWS, template="x") is None
        assert tell(tx, "nobody", kind=Kind.SEARCH_NEWS, template="x") is None


def test_nobody_reads_or_marks_anothers_notices(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.local()) as tx:
        notice = tell(tx, people["otto"].id, kind=Kind.SEARCH_NEWS, template="x", path="/records/")
    assert notice is not None
    with archive.transaction(people["olga"]) as tx:
        assert inbox.inbox(tx).notices == []
        with pytest.raises(NotFound):
            inbox.mark_read(tx, notice)
        inbox.mark_all_read(tx)
    with archive.transaction(people["otto"]) as tx:
        assert inbox.unread_count(tx) == 1
        assert inbox.mark_read(tx, notice) == "/records/"
        assert inbox.unread_count(tx) == 0


def test_pages_of_notices_have_each_once(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(Actor.local()) as tx:
        for number in range(7):
            tell(tx, people["otto"].id, kind=Kind.SEARCH_NEWS, template=f"n{number}")
    seen: list[str] = []
    after = ""
    while True:
        with archive.read(people["otto"]) as tx:
            page = inbox.inbox(tx, after=after, limit=3)
        seen += [notice.template for notice in page.notices]
        if not page.following:
            break
        after = page.following
    assert sorted(seen) == [f"n{number}" for number in range(7)]
