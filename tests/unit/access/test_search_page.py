"""The search page: facets, chips, orders, columns, the list as a spreadsheet, and an address that cannot do harm."""

import csv
import html
import io
import re

import pytest
from flask import Flask
from sqlalchemy import update

from repository.archive import Archive
from repository.holdings import Record
from repository.permissions import Actor
from repository.search.pending import refresh
from tests.tools.console import TITLE, Ids, Visitor, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.fixture
def archivist(app: Flask) -> Visitor:
    return visitor(app, "archivist")


@pytest.fixture
def researcher(app: Flask) -> Visitor:
    return visitor(app, "researcher")


def visitor(app: Flask, name: str, language: str = "en") -> Visitor:
    found = Visitor(app, language=language)
    found.log_in(name)
    return found


def change(archive: Archive, record: str, **values: object) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == record).values(**values))
        tx.changed(record)
    refresh(archive)


def table(visitor: Visitor, address: str) -> list[list[str]]:
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def test_every_example_of_the_help_is_a_search_that_can_be_asked(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    change(archive, ids["record"], title="公园行政许可", year="2023", retention="D30", case_number="330100123")
    page = archivist.get("/records/").get_data(as_text=True)
    examples = re.findall(r'<a class="code" href="(/records/\?q=[^"]+)"', page)
    assert len(examples) >= 7
    found = [address for address in examples if ids["record"] in archivist.get(html.unescape(address)).get_data(as_text=True)]
    # none of the files is a PDF/A; everything else finds the record
    assert len(found) == len(examples) - 1


def test_the_words_are_marked_in_the_title_and_in_the_description(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    change(archive, ids["record"], title="公园", description={"abstract": "关于湿地保护的说明"})
    page = archivist.get("/records/?q=湿地").get_data(as_text=True)
    assert "<mark>湿地</mark>保护" in page
    assert "<mark>公园</mark>" in archivist.get("/records/?q=公园").get_data(as_text=True)


def test_a_facet_is_counted_only_when_it_is_opened(archivist: Visitor) -> None:
    assert "fmt/4" not in archivist.text("/records/")
    opened = archivist.text("/records/?facet=format")
    assert re.search(r"Graphics Interchange Format 89a\s+fmt/4\s+1", opened)
    assert "fmt/4" in archivist.text("/records/?format=fmt/4")


def test_chips_take_filters_away_one_by_one_and_all_at_once(archivist: Visitor) -> None:
    page = archivist.get("/records/?q=许可&profile=folder&profile=bagit&rule=no-sharing").get_data(as_text=True)
    chips = [html.unescape(address) for address in re.findall(r'<a class="chip[^"]*" href="([^"]+)"', page)]
    assert len(chips) == 5
    assert sum("q=" not in address for address in chips) == 2
    assert chips[-1] == "/records/"
    assert all("rule=no-sharing" in address for address in chips[:3])


def test_nothing_found_says_which_filter_to_leave_out(archivist: Visitor) -> None:
    text = archivist.text("/records/?q=许可&profile=bagit")
    assert "No record matches" in text
    assert re.search(r"without the filter “Package kind”\s+1 record", text)
    assert re.search(r"without the words “许可”\s+1 record", text)


def test_an_empty_archive_teaches_what_to_do(app: Flask, archive: Archive) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).values(state="incoming"))
    assert "Hand in a package" in visitor(app, "archivist").text("/records/")
    reader = visitor(app, "researcher").text("/records/")
    assert "No records yet" in reader
    assert "Hand in" not in reader


def test_orders_are_links_and_stand_in_the_address(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    change(archive, ids["record"], title="a")
    change(archive, ids["closed"], title="b")
    assert "sort=title" in archivist.get("/records/").get_data(as_text=True)
    page = archivist.get("/records/?sort=title").get_data(as_text=True)
    assert page.index(ids["record"]) < page.index(ids["closed"])
    assert archivist.get("/records/?sort=nonsense").status_code == 200


def test_columns_are_remembered_for_the_person_and_stand_in_the_address(app: Flask, archivist: Visitor, ids: Ids) -> None:
    assert "Persistent identifier" not in headings(archivist.get("/records/?view=table").get_data(as_text=True))
    answer = archivist.send("/records/", "/records/columns", columns=["id", "files"], state="q=许可&view=list&evil=1")
    assert answer.status_code == 302
    assert "evil" not in answer.location
    assert "columns=files%2Cid" in answer.location or "columns=id%2Cfiles" in answer.location
    page = archivist.get(answer.location).get_data(as_text=True)
    assert headings(page) == ["Title", "Files", "Persistent identifier"]
    assert headings(archivist.get("/records/").get_data(as_text=True)) == ["Title", "Files", "Persistent identifier"]
    # what an address says goes before what is remembered, and is not remembered by looking at it
    assert headings(archivist.get("/records/?columns=year").get_data(as_text=True)) == ["Title", "Year"]
    assert headings(archivist.get("/records/").get_data(as_text=True)) == ["Title", "Files", "Persistent identifier"]
    assert headings(visitor(app, "preservation-officer").get("/records/?view=table").get_data(as_text=True))[1] == "Identifier"


def headings(page: str) -> list[str]:
    head = page.partition("found")[2]
    return [html.unescape(text) for text in re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", head)]


class TestSpreadsheet:
    def test_it_has_what_is_found_in_the_chosen_columns(self, archivist: Visitor, ids: Ids) -> None:
        heading, *rows = table(archivist, "/records/records.csv?columns=id,files")
        assert heading == ["Title", "Files", "Persistent identifier"]
        assert {row[2] for row in rows} == {f"urn:uuid:{ids['record']}", f"urn:uuid:{ids['closed']}"}
        assert [row[0] for row in table(archivist, "/records/records.csv?q=许可")[1:]] == [TITLE]

    def test_it_has_only_what_the_person_may_see(self, researcher: Visitor, ids: Ids) -> None:
        rows = table(researcher, "/records/records.csv?columns=id")[1:]
        assert [row[1] for row in rows] == [f"urn:uuid:{ids['record']}"]

    def test_a_title_is_no_formula(self, archivist: Visitor, archive: Archive, ids: Ids) -> None:
        change(archive, ids["record"], title='=HYPERLINK("https://example.org")')
        assert "'=HYPERLINK" in "".join(row[0] for row in table(archivist, "/records/records.csv"))

    def test_it_goes_on_over_many_pages(self, archivist: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("repository.search.finding._BATCH", 1)
        assert len(table(archivist, "/records/records.csv")) == 3

    def test_it_speaks_the_language_of_the_person(self, app: Flask) -> None:
        assert table(visitor(app, "archivist", "zh-CN"), "/records/records.csv?columns=year")[0][1] == "年度"

    def test_what_cannot_be_asked_is_said_on_a_page(self, archivist: Visitor, researcher: Visitor) -> None:
        assert archivist.get("/records/records.csv?after=x").status_code == 400
        assert researcher.get("/records/records.csv?rule=expired").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/records/?q=%0d%0aSet-Cookie:%20a=b&sort=title",
        "/records/?q=" + "a" * 1500,
        "/records/?q=%ff%fe&columns=%ff",
        '/records/?q=</title><script>alert(1)</script>&unit="><img src=x>',
        "/records/?view=../../x&facet=nonsense&rule=nonsense&columns=,,,",
        "/records/?q=%22%22%22 -- ' OR 1=1 *) NEAR(",
    ],
)
def test_no_address_breaks_the_page_or_brings_anything_into_it(archivist: Visitor, address: str) -> None:
    answer = archivist.get(address)
    assert answer.status_code == 200
    assert "Set-Cookie: a=b" not in str(answer.headers)
    page = answer.get_data(as_text=True)
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert archivist.get(address.replace("/records/?", "/records/records.csv?")).status_code == 200


def test_rules_are_offered_to_staff_only(archivist: Visitor, researcher: Visitor) -> None:
    assert "never audited" in archivist.text("/records/")
    assert "By rule" not in researcher.text("/records/")
    assert researcher.get("/records/?rule=never-audited").status_code == 403
    assert "2 records found" in " ".join(archivist.text("/records/?rule=never-audited").split())
