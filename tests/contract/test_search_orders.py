"""The orders of lists on every engine and database: pages join without gap or repetition, forwards and backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from repository.archive import Archive
from repository.errors import PermissionDenied, UsageError
from repository.holdings import Aip, Copy, CopyState, File, Record
from repository.permissions import Actor, Role
from repository.search.finding import SearchQuery, count_records, find_records, next_records
from repository.search.order import Sort
from repository.search.pending import refresh
from repository.search.rules import Rule
from tests.contract.test_search_engines import STAFF, SYSTEM, archive, database, engine, put

__all__ = ["archive", "database", "engine"]

YEARS = ("2019", "", "2021", "2019", "2020", "", "2021")
TITLES = ("乙", "许可甲", "b", "许可乙", "A", "", "许可甲")


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for number, (title, year) in enumerate(zip(TITLES, YEARS, strict=True)):
        put(archive, number, title=title, year=year, affair="许可")
    refresh(archive)
    return archive


def walk(archive: Archive, query: SearchQuery) -> list[list[str]]:
    pages, after = [], None
    while True:
        with archive.read(STAFF) as tx:
            found = find_records(tx, SearchQuery(text=query.text, sort=query.sort, limit=query.limit, after=after), facets=())
        pages.append([record.id for record in found.records])
        if found.after is None:
            return pages
        after = found.after


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("text", ["", "许可"])
def test_pages_join_in_both_directions(filled: Archive, sort: Sort, text: str) -> None:
    whole = walk(filled, SearchQuery(text=text, sort=sort, limit=200))[0]
    assert len(whole) == len(set(whole)) == 7
    pages = walk(filled, SearchQuery(text=text, sort=sort, limit=2))
    assert [record for page in pages for record in page] == whole
    with filled.read(STAFF) as tx:
        first = find_records(tx, SearchQuery(text=text, sort=sort, limit=2))
        second = find_records(tx, SearchQuery(text=text, sort=sort, limit=2, after=first.after))
        third = find_records(tx, SearchQuery(text=text, sort=sort, limit=2, after=second.after))
        back = find_records(tx, SearchQuery(text=text, sort=sort, limit=2, before=third.before))
        start = find_records(tx, SearchQuery(text=text, sort=sort, limit=2, before=back.before))
    assert first.before is None
    assert [record.id for record in back.records] == [record.id for record in second.records]
    assert (back.before, back.after) == (second.before, second.after)
    assert [record.id for record in start.records] == [record.id for record in first.records]
    assert start.before is None


def test_each_order_is_what_it_is_called(filled: Archive) -> None:
    with filled.read(STAFF) as tx:
        latest = find_records(tx, SearchQuery(limit=200)).records
        years = find_records(tx, SearchQuery(sort=Sort.YEAR, limit=200)).records
        titles = find_records(tx, SearchQuery(sort=Sort.TITLE, limit=200)).records
        relevant = find_records(tx, SearchQuery(text="许可", sort=Sort.RELEVANCE, limit=200)).records
    assert all(one.changed_at >= other.changed_at for one, other in pairwise(latest) if one.changed_at and other.changed_at)
    assert [record.year for record in years] == sorted(YEARS, reverse=True)
    assert [record.title for record in titles] == sorted(TITLES)
    assert ["许可" in record.title for record in relevant] == [True] * 3 + [False] * 4


def test_the_whole_list_comes_without_pages(filled: Archive) -> None:
    with filled.read(STAFF) as tx:
        found, after = next_records(tx, SearchQuery(text="许可", sort=Sort.TITLE))
        assert after is None
        assert [record.title for record in found] == sorted(TITLES)
        assert count_records(tx, SearchQuery(text="许可 title:甲")) == 2


@pytest.mark.parametrize(
    "mark",
    ["nonsense", "[]", "[1, 2]", '["2020-01-01", "x"]', '["2020-01-01T00:00:00", "x"]', "null", '{"a": 1}', '[null, "x"]', "[" * 9999],
)
def test_a_mark_that_is_none_is_refused(archive: Archive, mark: str) -> None:
    for query in (SearchQuery(after=mark), SearchQuery(before=mark)):
        with archive.read(STAFF) as tx, pytest.raises(UsageError):
            find_records(tx, query)
    with archive.read(STAFF) as tx, pytest.raises(UsageError):
        find_records(tx, SearchQuery(after=mark, before=mark))


def test_a_piece_of_the_description_shows_where_it_matched(archive: Archive) -> None:
    abstract = "很长的摘要。" * 30 + "这里提到了湿地公园的规划。" + "后面还有。" * 30
    put(
        archive,
        1,
        title="甲",
        description={"abstract": abstract, "elements": [{"scheme": "x", "name": "y", "value": "秘密", "sensitive": True}]},
    )
    refresh(archive)
    with archive.read(STAFF) as tx:
        (found,) = find_records(tx, SearchQuery(text="湿地公园")).records
        (plain,) = find_records(tx, SearchQuery()).records
    text = "".join(segment.text for segment in found.snippet)
    assert [segment.text for segment in found.snippet if segment.hit] == ["湿地公园"]
    assert text.startswith("…")
    assert text.endswith("…")
    assert len(text) < 160
    assert "".join(segment.text for segment in plain.snippet).startswith("很长的摘要")


class TestRules:
    @pytest.fixture
    def ruled(self, archive: Archive) -> Archive:
        year = datetime.now(UTC).astimezone().year
        put(archive, 1, retention="D10", year=str(year - 10), sharing="")
        put(archive, 2, retention="D10", year=str(year - 11), files=("a.txt",))
        put(archive, 3, retention="D30", year=str(year - 10))
        put(archive, 4, retention="Y", year=str(year - 10))
        put(archive, 5, retention="D10", year="")
        with archive.transaction(SYSTEM) as tx:
            tx.session.execute(update(File).values(puid=None))
            stored = tx.now - timedelta(days=400)
            tx.session.execute(update(Aip).values(stored_at=stored))
            ids = {int(record_id[:8]): record_id for (record_id,) in tx.session.query(Record.id)}
            for number, days in ((1, 400), (2, 1), (3, 300)):
                checked = tx.now - timedelta(days=days)
                moments = {"verified_at": checked, "checked_at": checked}
                tx.session.add(Copy(aip_id=f"urn:uuid:{ids[number]}", store="a", version=1, state=CopyState.MATCH, **moments))
        return archive

    @pytest.mark.parametrize(
        ("rule", "numbers"),
        [
            (Rule.EXPIRES_THIS_YEAR, {1}),
            (Rule.EXPIRED, {2}),
            (Rule.NO_SHARING, {1}),
            (Rule.UNIDENTIFIED, {2}),
            (Rule.NEVER_AUDITED, {1, 4, 5}),
            (Rule.AUDIT_OVERDUE, {1, 3}),
        ],
    )
    def test_a_rule_finds_what_it_says(self, ruled: Archive, rule: Rule, numbers: set[int]) -> None:
        with ruled.read(STAFF) as tx:
            found = find_records(tx, SearchQuery(rules=[rule])).records
        assert {int(record.id[:8]) for record in found} == numbers

    def test_rules_are_for_the_staff(self, ruled: Archive) -> None:
        for role in (Role.RESEARCHER, Role.AGENCY_OFFICER):
            person = Actor(id="2", name="bob", roles=frozenset({role}), unit="x")
            with ruled.read(person) as tx, pytest.raises(PermissionDenied):
                find_records(tx, SearchQuery(rules=[Rule.EXPIRED]))


def test_what_changed_in_a_time_is_found_by_it(filled: Archive) -> None:
    since = datetime(2025, 1, 1, 0, 0, 2, tzinfo=UTC)
    with filled.read(STAFF) as tx:
        assert count_records(tx, SearchQuery(since=since)) == 4
        assert count_records(tx, SearchQuery(since=since, until=since + timedelta(seconds=2))) == 2
