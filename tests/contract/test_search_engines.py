"""One suite for every search engine: the same query finds the same records, and a plain search of the text agrees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from repository.archive import Archive
from repository.errors import PermissionDenied, UsageError
from repository.holdings import Aip, File, Record, SearchPending
from repository.permissions import Actor, Role
from repository.search.base import index_of
from repository.search.finding import SearchQuery, find_records
from repository.search.pending import refresh, start_again
from repository.settings import SETTINGS_FILE

STAFF = Actor(id="1", name="alice", roles=frozenset({Role.ARCHIVIST}))
SYSTEM = Actor.system("test")

ENGINES = [("sqlite", "whoosh"), ("sqlite", "database"), ("postgresql", "database"), ("postgresql", "whoosh")]


@pytest.fixture(params=ENGINES, ids=lambda pair: "-".join(pair))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param[1])


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["engine"][0])


@pytest.fixture
def archive(engine: str, home: Path) -> Iterator[Archive]:
    file = home / SETTINGS_FILE
    file.write_text(f'search_engine = "{engine}"\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    opened = Archive.open(home)
    yield opened
    opened.close()


def put(archive: Archive, number: int, *, files: tuple[str, ...] = (), description: dict[str, Any] | None = None, **columns: Any) -> str:
    """Puts a record into the catalogue the way ingest does: record, AIP, files, and a note that it is to be indexed."""
    record_id = f"{number:08d}-0000-4000-8000-000000000000"
    now = datetime(2025, 1, 1, 0, 0, number % 60, tzinfo=UTC)
    values: dict[str, Any] = {"title": "无题", "state": "stored", "profile": "x", "sharing": "无条件共享", "identifier": f"ID-{number}"}
    with archive.transaction(SYSTEM) as tx:
        if (known := tx.session.get(Record, record_id)) is not None:
            for name, value in columns.items():
                setattr(known, name, value)
        else:
            record = Record(
                id=record_id, agreement_code="local", description=description or {}, created_at=now, changed_at=now, **(values | columns)
            )
            aip = Aip(
                id=f"urn:uuid:{record_id}",
                record_id=record_id,
                version=1,
                inventory_digest="",
                files=len(files),
                bytes=0,
                created_at=now,
                stored_at=now,
            )
            tx.session.add_all([record, aip])
            tx.session.flush()
            for name in files:
                path = f"representations/original/data/{name}"
                digests = {"sha512": b"", "sha256": b"", "sm3": b""}
                tx.session.add(File(aip_id=aip.id, path=path, role="content", representation="original", size=1, puid="fmt/95", **digests))
        tx.changed(record_id)
    return record_id


def found(archive: Archive, text: str, actor: Actor = STAFF, **filters: list[str]) -> set[str]:
    with archive.read(actor) as tx:
        result = find_records(tx, SearchQuery(text=text, filters=filters, limit=200))
    assert result.total == len(result.records)
    return {record.id for record in result.records}


def numbers(ids: set[str]) -> set[int]:
    return {int(record_id[:8]) for record_id in ids}


@pytest.fixture
def some(archive: Archive) -> Archive:
    put(
        archive,
        1,
        title="关于建设工程消防验收的批复",
        unit="云栖市住房和城乡建设局",
        affair="建设工程消防验收",
        affair_type="行政许可",
        year="2021",
    )
    put(
        archive,
        2,
        title="电子档案移交接收办法",
        unit="云栖市档案局",
        year="2021",
        case_number="3301002021000123",
        files=("正文/办法（试行）.pdf", "IMG_0042.JPG"),
    )
    put(
        archive,
        3,
        title="ＧＢ／Ｔ 18894 电子文件归档与电子档案管理规范",
        unit="云栖市档案局",
        year="2016",
        description={"abstract": "Élan vital, e-mail", "subjects": ["归档"]},
    )
    put(
        archive,
        4,
        title="𠮷野家餐饮服务食品经营许可",
        unit="云栖市市场监督管理局",
        affair_type="行政许可",
        year="2022",
        description={
            "process": [{"node": "现场核查"}],
            "applicant": "王小明",
            "elements": [{"scheme": "x", "name": "mobile", "value": "13800000000", "sensitive": True}],
        },
    )
    refresh(archive)
    return archive


def test_before_anything_was_indexed_nothing_is_found_without_a_complaint(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    put(archive, 1, title="关于建设工程消防验收的批复")
    assert found(archive, "消防") == set()
    assert caplog.records == []
    refresh(archive)
    assert numbers(found(archive, "消防")) == {1}


#: What each query finds among the records of `some`.
QUERIES = {
    "电子": {2, 3},
    "消防": {1},
    "档": {2, 3},
    "案": {2, 3},
    "电子 移交": {2},
    "电子档案": {2, 3},
    "电子移交": set(),
    "移交电子": set(),
    '"电子档案管理规范"': {3},
    "电子 -移交": {3},
    "-电子": {1, 4},
    "-电子 -消防": {4},
    "gb/t": {3},
    "GB/T18894": {3},
    "gb 18894电子": {3},
    "18894电": {3},
    "ＩＭＧ＿００４２": {2},
    "img_0042.jpg": {2},
    "img_004": set(),
    "img_004*": {2},
    "3301002021*": {2},
    "élan": {3},
    "E\u0301LAN": {3},
    "归档": {3},
    "𠮷野家": {4},
    "𠮷": {4},
    "现场核查": {4},
    "13800000000": set(),
    "王小明": set(),
    "title:许可": {4},
    "题名：许可": {4},
    "许可": {1, 4},
    "事项:消防": {1},
    "单位:档案局": {2, 3},
    'unit:"住房和城乡建设"': {1},
    "-unit:档案局": {1, 4},
    "file:试行": {2},
    "file:电子": set(),
    "year:2021": {1, 2},
    "year:2021 电子": {2},
    "-年度:2021": {3, 4},
    "type:行政许可": {1, 4},
    "id:ID-3": {3},
    "ID-3": {3},
    "case:3301002021000123": {2},
    "format:fmt/95": {2},
    "": {1, 2, 3, 4},
    "   ": {1, 2, 3, 4},
    "!!! ——": set(),
    "nobody:knows": set(),
    '"': set(),
    "批复云栖": set(),
}


def test_what_queries_find(some: Archive) -> None:
    assert {query: numbers(found(some, query)) for query in QUERIES} == QUERIES


def test_a_changed_record_is_found_by_its_new_words_only(some: Archive) -> None:
    put(some, 1, title="关于绿化的通知", affair="")
    refresh(some)
    assert numbers(found(some, "消防")) == set()
    assert numbers(found(some, "绿化")) == {1}


def test_the_engine_in_the_database_is_never_behind(some: Archive, engine: str) -> None:
    put(some, 6, title="婚姻登记档案")
    with some.read(STAFF) as tx:
        waiting = tx.session.scalar(select(SearchPending.record_id))
    if engine == "database":
        assert waiting is None
        assert numbers(found(some, "婚姻")) == {6}
    else:
        assert waiting is not None


def test_a_record_that_is_gone_is_taken_out(some: Archive) -> None:
    with some.transaction(SYSTEM) as tx:
        tx.session.get_one(Record, f"{1:08d}-0000-4000-8000-000000000000").state = "incoming"
        tx.changed(f"{1:08d}-0000-4000-8000-000000000000")
    refresh(some)
    with some.read(STAFF) as tx:
        assert index_of(some).count(tx) == 3


def test_visibility_is_part_of_the_query_however_old_the_index_is(some: Archive) -> None:
    researcher = Actor(id="9", name="eve", roles=frozenset({Role.RESEARCHER}))
    officer = Actor(id="8", name="otto", roles=frozenset({Role.AGENCY_OFFICER}), unit="云栖市档案局")
    assert numbers(found(some, "许可", researcher)) == {1, 4}
    with some.transaction(SYSTEM) as tx:
        tx.session.get_one(Record, f"{4:08d}-0000-4000-8000-000000000000").sharing = "不予共享"
    with some.read(researcher) as tx:
        result = find_records(tx, SearchQuery(text="许可"))
    assert numbers({record.id for record in result.records}) == {1}
    assert result.total == 1
    assert sum(value.count for value in result.facets["year"]) == 1
    assert numbers(found(some, "", officer)) == {2, 3}
    with some.read(Actor(id="7", name="sys", roles=frozenset({Role.SECURITY_ADMINISTRATOR}))) as tx, pytest.raises(PermissionDenied):
        find_records(tx, SearchQuery())


# Whoosh leaves a damaged table of contents open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_index_that_is_lost_or_damaged_is_made_again(some: Archive, engine: str) -> None:
    if engine == "whoosh":
        for file in some.index_folder.rglob("*"):
            if file.is_file():
                file.write_bytes(b"damaged")
    else:
        with some.transaction(SYSTEM) as tx:
            index_of(some).discard(tx)
    refresh(some)
    assert numbers(found(some, "电子")) == {2, 3}


def test_a_change_of_engine_makes_its_index_and_forgets_the_other(some: Archive, engine: str) -> None:
    other = "database" if engine == "whoosh" else "whoosh"
    changed = Archive(
        settings=some.settings.model_copy(update={"search_engine": other}), engine=some.engine, stores=some.stores, _reader=some._reader
    )
    refresh(changed)
    assert numbers(found(changed, "电子 移交")) == {2}
    put(changed, 5, title="电子印章")
    refresh(changed)
    refresh(some)
    assert numbers(found(some, "印章")) == {5}


def test_pages_follow_each_other_without_gap_or_repetition(archive: Archive) -> None:
    for number in range(1, 24):
        put(archive, number, title=f"第{number}号文件", year=str(2000 + number % 3))
    refresh(archive)
    seen: list[str] = []
    after = None
    with archive.read(STAFF) as tx:
        while True:
            page = find_records(tx, SearchQuery(text="文件", limit=5, after=after))
            assert page.total == 23
            seen += [record.id for record in page.records]
            after = page.after
            if after is None:
                break
    assert [int(record_id[:8]) for record_id in seen] == list(range(23, 0, -1))
    with archive.read(STAFF) as tx, pytest.raises(UsageError):
        find_records(tx, SearchQuery(after="nonsense"))


def test_facets_count_what_each_further_choice_would_leave(some: Archive) -> None:
    with some.read(STAFF) as tx:
        result = find_records(tx, SearchQuery(filters={"year": ["2021"]}), facets=("unit", "year", "format"))
    assert {value.value: (value.count, value.chosen) for value in result.facets["year"]} == {
        "2021": (2, True),
        "2016": (1, False),
        "2022": (1, False),
    }
    assert {value.value: value.count for value in result.facets["unit"]} == {"云栖市档案局": 1, "云栖市住房和城乡建设局": 1}
    assert [(value.value, value.count) for value in result.facets["format"]] == [("fmt/95", 1)]
    with some.read(STAFF) as tx, pytest.raises(UsageError):
        find_records(tx, SearchQuery(filters={"colour": ["red"]}))


def test_titles_are_marked_where_the_words_stand(some: Archive) -> None:
    with some.read(STAFF) as tx:
        [record] = find_records(tx, SearchQuery(text="gb/t 档案")).records
    assert [(segment.text, segment.hit) for segment in record.highlighted] == [
        ("ＧＢ／Ｔ", True),
        (" 18894 电子文件归档与电子", False),
        ("档案", True),
        ("管理规范", False),
    ]


def test_one_name_in_thousands_of_files_is_found(archive: Archive) -> None:
    put(archive, 1, files=tuple(f"扫描件/IMG_{n:05d}.jpg" for n in range(3000)))
    put(archive, 2, title="字" * 40_000 + "末尾")
    refresh(archive)
    assert numbers(found(archive, "img_02999.jpg")) == {1}
    assert numbers(found(archive, '"扫描件/IMG_00000"')) == {1}
    assert numbers(found(archive, "字末尾")) == {2}


# A small alphabet, so that words meet; the oracle knows only text, folding and word boundaries, and nothing of tokens.
_CHARACTERS = "档案电子文件年一ab12 ，.Ａ（年）-_"
_TITLES = st.lists(st.text(_CHARACTERS, max_size=14), min_size=1, max_size=8)
_WORD = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9\W_]+")


def canonical(text: str) -> str:
    """Runs of one script with single spaces between; spaces mark word boundaries."""
    return " " + " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())) + " "


def holds(title: str, wanted: str) -> bool:
    """Whether a text holds another: parts of words of letters do not count, parts of Chinese runs do."""
    runs = canonical(wanted).split()
    pattern = " ".join(runs)
    start = "(?<= )" if runs[0][0].isascii() else ""
    end = "(?= )" if runs[-1][-1].isascii() else ""
    return re.search(start + re.escape(pattern) + end, canonical(title)) is not None


@pytest.fixture
def truth_archive(archive: Archive) -> Archive:
    refresh(archive)
    return archive


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=_TITLES, queries=st.lists(st.text(_CHARACTERS.replace("-", ""), min_size=1, max_size=5), min_size=4, max_size=8))
@example(titles=["2年档案", "12年", "一年 一", "年，一"], queries=["2年", "年", "年一", "一", "年档"])
def test_every_query_agrees_with_a_plain_search_of_the_text(truth_archive: Archive, titles: list[str], queries: list[str]) -> None:
    with truth_archive.transaction(SYSTEM) as tx:
        for table in (File, Aip, Record, SearchPending):
            tx.session.execute(delete(table))
        start_again(tx)
    for number, title in enumerate(titles, start=1):
        put(truth_archive, number, title=title, identifier=None)
    refresh(truth_archive)
    for query in queries:
        words = [word for word in query.split() if canonical(word).strip()]
        if not words:
            continue
        expected = {number for number, title in enumerate(titles, start=1) if all(holds(title, word) for word in words)}
        text = " ".join(f'title:"{word}"' for word in words)
        assert numbers(found(truth_archive, text)) == expected, query


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=30))
@example(query='"')
@example(query="-")
@example(query='title:"')
@example(query="year:")
@example(query="AND OR NOT NEAR(a b) ^c {x y}: *")
@example(query="' OR 1=1; --")
@example(query="\ud800 \x00")
@example(query="year:\ud800\x00")
def test_no_input_is_an_error(some: Archive, query: str) -> None:
    found(some, query)
