"""Saved searches: whose they are, who sees them, with whose rights they are asked, and what they report."""

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from repository.accounts import create_user
from repository.accounts.tables import User
from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied, UsageError
from repository.holdings import Record
from repository.jobs.worker import Worker
from repository.notices.tables import Notice
from repository.permissions import Actor, Role
from repository.search.address import canonical, saved_query
from repository.search.saved import MOST, change_search, delete_search, find_saved, save_search, saved_searches
from repository.search.tables import SavedSearch
from tests.tools.console import PASSWORD, Ids, Visitor, _console_home, app, database, home, ids, readable

__all__ = ["_console_home", "app", "database", "home", "ids"]


def actor(archive: Archive, name: str) -> Actor:
    with archive.read(Actor.local()) as tx:
        user = tx.session.scalars(select(User).where(User.name == name)).one()
        return Actor(id=user.id, name=name, roles=frozenset(Role(role) for role in user.role_names))


def saved(archive: Archive, who: str, name: str = "许可", *, query: str = "q=许可", shared: bool = False, alert: bool = False) -> str:
    with archive.transaction(actor(archive, who)) as tx:
        return save_search(tx, name=name, query=query, shared=shared, alert=alert)


def visitor(app: Flask, name: str) -> Visitor:
    found = Visitor(app)
    found.log_in(name)
    return found


def test_a_search_is_saved_opened_changed_and_deleted_on_the_pages(app: Flask, archive: Archive, ids: Ids) -> None:
    archivist = visitor(app, "archivist")
    answer = archivist.send("/records/?q=许可", "/records/saved", name="  公园  许可 ", state="q=许可&after=x", alert="1")
    assert answer.status_code == 302
    page = archivist.get("/records/saved").get_data(as_text=True)
    assert "公园 许可" in page
    address = re.search(r'href="(/records/saved/[0-9a-f-]+)"', page)
    assert address is not None
    opened = archivist.get(address[1])
    assert opened.status_code == 302
    assert "after" not in opened.location
    assert ids["record"] in archivist.get(opened.location).get_data(as_text=True)
    assert archivist.send("/records/saved", address[1], name="规划", shared="1").status_code == 302
    with archive.read(actor(archive, "archivist")) as tx:
        (search,) = saved_searches(tx)
    assert (search.name, search.shared, search.alert) == ("规划", True, False)
    assert archivist.send("/records/saved", f"{address[1]}/delete").status_code == 302
    assert "You have saved no search yet" in archivist.text("/records/saved")
    assert archivist.get(address[1]).status_code == 404


def test_a_wrong_name_is_told_at_the_field_and_nothing_typed_is_lost(app: Flask, archive: Archive) -> None:
    saved(archive, "archivist")
    archivist = visitor(app, "archivist")
    answer = archivist.send("/records/?q=公园", "/records/saved", name="许可", state="q=公园&year=2023", shared="1")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "You have a saved search “许可” already." in readable(answer)
    assert 'value="许可"' in page
    assert html.escape("q=%E5%85%AC%E5%9B%AD&year=2023") in page
    assert archivist.send("/records/?q=公园", "/records/saved", name="  ", state="q=公园").status_code == 400


def test_another_persons_private_search_is_like_one_that_is_not_there(app: Flask, archive: Archive) -> None:
    private = saved(archive, "archivist")
    other = visitor(app, "preservation-officer")
    for address in (private, "0" * 36):
        assert other.get(f"/records/saved/{address}").status_code == 404
        assert other.send("/records/", f"/records/saved/{address}", name="x").status_code == 404
        assert other.send("/records/", f"/records/saved/{address}/delete").status_code == 404
    assert "许可" not in other.text("/records/saved")
    with archive.read(actor(archive, "archivist")) as tx:
        assert find_saved(tx, private).name == "许可"


def test_a_shared_search_is_for_staff_and_is_asked_with_the_readers_rights(app: Flask, archive: Archive, ids: Ids) -> None:
    shared = saved(archive, "archivist", query="profile=bagit", shared=True)
    approver = visitor(app, "approver")
    assert "Shared by colleagues" in approver.text("/records/saved")
    assert ids["closed"] in approver.get(approver.get(f"/records/saved/{shared}").location).get_data(as_text=True)
    researcher = visitor(app, "researcher")
    assert researcher.get(f"/records/saved/{shared}").status_code == 404
    assert "Shared by colleagues" not in researcher.text("/records/saved")
    # the same address typed in by somebody who may see less finds less
    assert ids["closed"] not in researcher.get("/records/?profile=bagit").get_data(as_text=True)
    # seeing a colleague's search is not being able to change it
    for change in ({"name": "mine"}, {"shared": False}):
        with archive.transaction(actor(archive, "approver")) as tx, pytest.raises(NotFound):
            change_search(tx, shared, **change)
    with archive.transaction(actor(archive, "approver")) as tx, pytest.raises(NotFound):
        delete_search(tx, shared)


def test_only_staff_shares(archive: Archive) -> None:
    with archive.transaction(actor(archive, "researcher")) as tx, pytest.raises(PermissionDenied):
        save_search(tx, name="a", query="", shared=True)
    own = saved(archive, "researcher")
    with archive.transaction(actor(archive, "researcher")) as tx, pytest.raises(PermissionDenied):
        change_search(tx, own, shared=True)
    for person in (actor(archive, "system-administrator"), actor(archive, "audit-administrator")):
        with archive.transaction(person) as tx, pytest.raises(PermissionDenied):
            save_search(tx, name="a", query="")


def test_there_are_limits(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with archive.transaction(actor(archive, "archivist")) as tx:
        for name, query in (("", "q=a"), ("x" * 121, "q=a"), ("x", "q=" + "a" * 5000)):
            with pytest.raises(UsageError):
                save_search(tx, name=name, query=query)
    with archive.transaction(Actor.local()) as tx, pytest.raises(UsageError):
        save_search(tx, name="a", query="q=a")
    monkeypatch.setattr("repository.search.saved.MOST", 1)
    assert MOST > 1
    saved(archive, "archivist")
    with archive.transaction(actor(archive, "archivist")) as tx, pytest.raises(UsageError):
        save_search(tx, name="b", query="q=a")
    with archive.transaction(actor(archive, "preservation-officer")) as tx:
        save_search(tx, name="许可", query="q=a")
    with archive.transaction(actor(archive, "preservation-officer")) as tx, pytest.raises((Conflict, UsageError)):
        save_search(tx, name="许可", query="q=a")


@pytest.mark.parametrize(
    "address",
    [
        "q=a\r\nLocation: //elsewhere",
        "next=//elsewhere&q=a",
        "?q=%0d%0aX: y",
        "https://elsewhere/?q=a",
        "q=<script>",
        "\x00q=%00",
        "q=\ud800",
    ],
)
def test_what_is_kept_of_an_address_can_only_be_a_search(address: str) -> None:
    kept = canonical(address)
    assert re.fullmatch(r"[A-Za-z0-9%&=+._~-]*", kept)
    assert all(part.partition("=")[0] in {"q"} for part in kept.split("&") if part)
    assert canonical(kept) == kept


def test_the_order_of_arguments_makes_no_other_search() -> None:
    assert canonical("sort=title&year=2020&q=a&q=a&after=x") == canonical("after=y&q=a&year=2020&sort=title") == "q=a&year=2020&sort=title"
    query = saved_query("q=a&year=2020&year=2021&rule=expired&sort=title")
    assert (query.text, query.filters, list(query.rules), query.sort) == ("a", {"year": ["2020", "2021"]}, ["expired"], "title")


class TestAlerts:
    def look(self, archive: Archive) -> list[tuple[str, dict[str, object], str]]:
        with archive.transaction(Actor.system("test")) as tx:
            tx.enqueue("search.alerts", {})
        Worker(archive).run(until_idle=True)
        with archive.read(Actor.system("test")) as tx:
            names = {user.id: user.name for user in tx.session.scalars(select(User))}
            rows = tx.session.scalars(select(Notice).where(Notice.kind == "saved-search")).all()
            return [(names[row.user_id], row.values, row.path) for row in rows]

    def age(self, archive: Archive, record: str, *, seen: int, changed: int) -> None:
        """The searches were last looked at so many minutes ago, and the record changed so many minutes ago."""
        with archive.transaction(Actor.local()) as tx:
            tx.session.execute(update(SavedSearch).values(seen_at=tx.now - timedelta(minutes=seen)))
            tx.session.execute(update(Record).values(changed_at=tx.now - timedelta(days=1)))
            tx.session.execute(update(Record).where(Record.id == record).values(changed_at=tx.now - timedelta(minutes=changed)))

    def test_news_are_told_once_to_who_wants_them(self, archive: Archive, ids: Ids) -> None:
        search = saved(archive, "archivist", alert=True)
        saved(archive, "archivist", "quiet")
        saved(archive, "preservation-officer", "nothing", query="q=没有这样的词", alert=True)
        self.age(archive, ids["record"], seen=60, changed=30)
        told = [("archivist", {"name": "许可", "records": 1}, f"/records/saved/{search}")]
        assert self.look(archive) == told
        assert self.look(archive) == told

    def test_what_has_just_changed_is_told_when_it_has_settled(self, archive: Archive, ids: Ids) -> None:
        saved(archive, "archivist", alert=True)
        self.age(archive, ids["record"], seen=60, changed=1)
        assert self.look(archive) == []
        # as if six minutes had gone by: it is behind what was looked at, and not yet told
        with archive.transaction(Actor.local()) as tx:
            tx.session.execute(update(SavedSearch).values(seen_at=tx.now - timedelta(minutes=11)))
            tx.session.execute(update(Record).where(Record.id == ids["record"]).values(changed_at=tx.now - timedelta(minutes=7)))
        assert len(self.look(archive)) == 1

    def test_nobody_is_told_of_what_they_may_not_see(self, archive: Archive, ids: Ids) -> None:
        saved(archive, "researcher", "all", query="", alert=True)
        self.age(archive, ids["closed"], seen=60, changed=30)
        assert self.look(archive) == []

    def test_a_closed_account_is_told_nothing(self, archive: Archive, ids: Ids) -> None:
        with archive.transaction(Actor.local()) as tx:
            create_user(tx, name="leaver", password=PASSWORD, roles=[Role.ARCHIVIST])
        saved(archive, "leaver", alert=True)
        with archive.transaction(Actor.local()) as tx:
            tx.session.execute(update(User).where(User.name == "leaver").values(active=False))
        self.age(archive, ids["record"], seen=60, changed=30)
        assert self.look(archive) == []
