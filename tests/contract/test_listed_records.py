"""What readers learn, by searching, of records that they may know of and not read; on every engine and database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from repository.archive import Archive
from repository.permissions import Actor, Role
from repository.recordkeeping.sharing import Tier
from repository.search.finding import FILTERS, FoundRecord, SearchQuery, SearchResult, count_records, find_records, next_records
from repository.search.pending import refresh
from tests.contract.test_search_engines import ENGINES, archive, database, engine, put

__all__ = ["ENGINES", "archive", "database", "engine"]

READER = Actor(id="9", name="eve", roles=frozenset({Role.RESEARCHER}))
STAFF = Actor(id="1", name="alice", roles=frozenset({Role.ARCHIVIST}))
SECRET: dict[str, Any] = {
    "identifier": "IDSECRET7",
    "case_number": "CASESECRET7",
    "affair": "隐秘事项",
    "affair_type": "行政隐秘",
    "retention": "D30",
    "profile": "secretprofile",
    "fonds": "FONDSSECRET",
    "description": {"abstract": "摘要机要", "subjects": ["词条机要"], "applicant": "申请人张三丰"},
    "files": ("secretfile.pdf",),
}


@pytest.fixture
def some(archive: Archive) -> Archive:
    put(archive, 1, title="公园许可", unit="园林局", year="2021", affair="绿地", files=("a.pdf",))
    put(archive, 2, title="桥梁许可", unit="交通局", year="2022", sharing="有条件共享", **SECRET)
    put(archive, 3, title="隧道许可", unit="交通局", year="2022", sharing="不予共享", **(SECRET | {"identifier": "ID-3"}))
    put(archive, 4, title="街道许可", unit="交通局", year="2021", state="destroyed", **(SECRET | {"identifier": "ID-4"}))
    refresh(archive)
    return archive


def search(archive: Archive, text: str = "", actor: Actor = READER, **values: Any) -> SearchResult:
    facets = values.pop("facets", ())
    with archive.read(actor) as tx:
        return find_records(tx, SearchQuery(text=text, **values), facets=facets)


def titles(result: SearchResult) -> set[str]:
    assert result.total == len(result.records)
    return {record.title for record in result.records}


def told(record: FoundRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if value and name not in {"highlighted", "id", "tier", "reason"}}


def test_title_agency_and_year_find_it_and_nothing_else_is_told(some: Archive) -> None:
    for text in (
        "桥梁",
        "交通局",
        "2022",
        "year:2022 许可",
        "title:桥梁",
        "unit:交通局",
        "sharing:有条件共享",
        "桥梁 -公园",
        '"桥梁许可" -type:行政隐秘',
    ):
        [record] = search(some, text).records
        assert record.tier is Tier.LISTED, text
        assert told(record) == {"title": "桥梁许可", "unit": "交通局", "year": "2022", "sharing": "有条件共享"}
    everything = search(some)
    assert {record.title: record.tier for record in everything.records} == {"公园许可": Tier.COPY, "桥梁许可": Tier.LISTED}


@pytest.mark.parametrize(
    "text",
    [
        "IDSECRET7", "CASESECRET7", "case:CASESECRET7", "隐秘事项", "affair:隐秘", "type:行政隐秘", "retention:D30",
        "secretfile", "file:secretfile", "format:fmt/95 桥梁", "摘要机要", "词条机要", "张三丰", "FONDSSECRET", "id:IDSECRET7",
        "隧道", "街道", "桥梁 隐秘", "-隐秘事项 隧道", "unit:桥梁",
    ],
)  # fmt: skip
def test_no_other_word_finds_it(some: Archive, text: str) -> None:
    assert search(some, text).total == 0


def test_leaving_out_by_a_word_that_is_not_told_tells_nothing(some: Archive) -> None:
    for text in ("许可 -隐秘事项", "许可 -CASESECRET7", "许可 -case:CASESECRET7", "许可 -format:fmt/95 -type:行政隐秘", "许可 -secretfile"):
        assert "桥梁许可" in titles(search(some, text)), text
    assert titles(search(some, "许可 -交通局")) == {"公园许可"}


def test_only_agency_year_and_sharing_narrow_it_down_and_count_it(some: Archive) -> None:
    result = search(some, facets=FILTERS)
    counts = {name: {value.value: value.count for value in values if value.value} for name, values in result.facets.items()}
    assert counts == {
        "unit": {"园林局": 1, "交通局": 1},
        "year": {"2021": 1, "2022": 1},
        "sharing": {"无条件共享": 1, "有条件共享": 1},
        "affair": {"绿地": 1},
        "affair_type": {},
        "retention": {},
        "profile": {"x": 1},
        "agreement": {"local": 1},
        "format": {"fmt/95": 1},
    }
    assert titles(search(some, filters={"unit": ["交通局"]})) == {"桥梁许可"}
    for name, value in (("affair", "隐秘事项"), ("retention", "D30"), ("profile", "secretprofile"), ("format", "fmt/95")):
        assert "桥梁许可" not in titles(search(some, filters={name: [value]}))
    narrowed = search(some, filters={"profile": ["x"]}, facets=("unit", "profile"))
    assert [(value.value, value.count) for value in narrowed.facets["unit"]] == [("园林局", 1)]
    assert search(some, since=some.clock().replace(year=2000)).total == 1


def test_lists_and_counts_agree_with_the_search(some: Archive) -> None:
    with some.read(READER) as tx:
        assert count_records(tx, SearchQuery(text="许可")) == 2
        assert count_records(tx, SearchQuery(text="隐秘事项")) == 0
        records, _ = next_records(tx, SearchQuery())
    assert [told(record) for record in records if record.tier is Tier.LISTED] == [
        {"title": "桥梁许可", "unit": "交通局", "year": "2022", "sharing": "有条件共享"}
    ]


def test_policy_may_hide_it_altogether(some: Archive) -> None:
    some.settings.conditional_listed = False
    assert titles(search(some)) == {"公园许可"}
    assert search(some, "桥梁").total == 0


def test_staff_finds_the_notice_of_what_was_destroyed_by_what_it_says(some: Archive) -> None:
    assert titles(search(some, "许可", STAFF)) == {"公园许可", "桥梁许可", "隧道许可", "街道许可"}
    [notice] = search(some, "街道", STAFF).records
    assert (notice.tier, told(notice)) == (Tier.LISTED, {"title": "街道许可", "unit": "交通局", "year": "2021", "sharing": "无条件共享"})
    assert titles(search(some, "隐秘事项", STAFF)) == {"桥梁许可", "隧道许可"}
