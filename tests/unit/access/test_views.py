"""Searching and reading records on the console."""

import base64
import hashlib
import io
import re
import zipfile
from urllib.parse import unquote

import pytest
from flask import Flask

from metadata import premis
from repository.archive import Archive
from repository.events import EventType, ObjectType, events_of
from repository.permissions import Actor
from tests.tools.console import FILES, TITLE, Ids, Visitor, _console_home, app, database, home, ids, readable

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.fixture
def archivist(app: Flask) -> Visitor:
    visitor = Visitor(app)
    visitor.log_in("archivist")
    return visitor


@pytest.fixture
def researcher(app: Flask) -> Visitor:
    visitor = Visitor(app)
    visitor.log_in("researcher")
    return visitor


def file_links(visitor: Visitor, record: str) -> list[str]:
    pages = re.findall(rf'href="(/records/{record}/files/\d+)"', visitor.get(f"/records/{record}").get_data(as_text=True))
    return [f"{page}/original" for page in pages]


def test_a_two_character_word_finds_the_record_and_is_marked(archivist: Visitor, ids: Ids) -> None:
    page = archivist.get("/records/?q=许可").get_data(as_text=True)
    assert f"/records/{ids['record']}" in page
    assert "<mark>许可</mark>" in page
    assert f"/records/{ids['closed']}" not in page
    assert "No record matches" in archivist.text("/records/?q=没有这样的词")


def test_the_list_is_narrowed_down_by_facets_and_widened_by_chips(archivist: Visitor, ids: Ids) -> None:
    page = archivist.get("/records/?facet=profile").get_data(as_text=True)
    assert "plain folder" in page
    assert "profile=bagit" in page
    narrowed = archivist.get("/records/?profile=bagit").get_data(as_text=True)
    assert ids["closed"] in narrowed
    assert ids["record"] not in narrowed
    assert 'class="chip" href="/records/"' in narrowed
    both = archivist.get("/records/?profile=bagit&profile=folder").get_data(as_text=True)
    assert ids["record"] in both
    assert ids["closed"] in both


def test_formats_are_named_beside_their_codes(archivist: Visitor) -> None:
    text = archivist.text("/records/?facet=format")
    assert re.search(r"Graphics Interchange Format 89a\s+fmt/4", text)


def test_a_filter_without_results_can_be_taken_away(archivist: Visitor) -> None:
    page = archivist.get("/records/?unit=nobody").get_data(as_text=True)
    assert "No record matches" in page
    assert "Agency: nobody" in page


def test_a_wrong_place_in_the_list_is_an_error_that_explains_itself(archivist: Visitor) -> None:
    answer = archivist.get("/records/?after=nonsense")
    assert answer.status_code == 400
    assert "Start again from the first page." in readable(answer)


def test_a_record_shows_files_formats_copies_versions_and_events(archivist: Visitor, ids: Ids) -> None:
    text = archivist.text(f"/records/{ids['record']}")
    for expected in (TITLE, *FILES, "x-fmt/111", "Copies", "a match 1", "b match 1", "Versions", "ingested", "read back in full store a"):
        assert " ".join(expected.split()) in text, expected
    for property in ("Authenticity", "Integrity", "Usability", "Safety"):
        assert f"checked {property}" in text


def test_the_timeline_is_narrowed_by_plain_links(archivist: Visitor, ids: Ids) -> None:
    page = f"/records/{ids['record']}"
    assert "event=fixity+check" in archivist.get(page).get_data(as_text=True)
    narrowed = readable(archivist.get(f"{page}?event=fixity+check"))
    assert "read back in full store a" in narrowed
    assert "checked Authenticity" not in narrowed
    assert "checked Authenticity" in archivist.text(f"{page}?event=nonsense")


def test_the_record_is_told_in_chinese(app: Flask, ids: Ids) -> None:
    visitor = Visitor(app, language="zh-CN")
    visitor.log_in("archivist")
    text = visitor.text(f"/records/{ids['record']}")
    for expected in ("完整回读 存储位置 a", "检测 真实性", "已写入 2 份副本并完整回读：a, b", "处置过程", "普通文件夹", "入库为档案"):
        assert expected in text, expected
    for english in ("success", "copies written", "every byte", "plain folder", "signature"):
        assert english not in text, english


def test_a_file_is_saved_byte_for_byte_and_never_shown(archivist: Visitor, ids: Ids) -> None:
    links = file_links(archivist, ids["record"])
    assert len(links) == len(FILES)
    found = {}
    for link in links:
        answer = archivist.get(link)
        assert answer.status_code == 200
        headers = answer.headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        disposition = headers["Content-Disposition"]
        assert disposition.startswith("attachment; filename*=UTF-8''")
        content = answer.get_data()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert headers["Content-Length"] == str(len(content))
        found[unquote(disposition.partition("''")[2])] = content
    assert found == {name.rpartition("/")[2]: content for name, content in FILES.items()}


def test_giving_a_file_out_is_an_event(archivist: Visitor, archive: Archive, ids: Ids) -> None:
    archivist.get(file_links(archivist, ids["record"])[0])
    with archive.read(Actor.local()) as tx:
        events = events_of(tx.session, [(ObjectType.RECORD, ids["record"])])
    assert events[-1].type == EventType.DISSEMINATION
    assert "archivist" in {agent.name for _, agent in events[-1].agents}
    assert "given out" in archivist.text(f"/records/{ids['record']}")


def test_names_cannot_bring_markup_into_the_page(archivist: Visitor, ids: Ids) -> None:
    assert "<b>x</b>" not in archivist.get(f"/records/{ids['record']}").get_data(as_text=True)


def test_a_copy_for_use_is_a_whole_zip(researcher: Visitor, ids: Ids) -> None:
    answer = researcher.get(f"/records/{ids['record']}/dip.zip")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as package:
        assert package.testzip() is None
        contents = [package.read(name) for name in package.namelist()]
    for content in FILES.values():
        assert content in contents


def test_premis_is_saved_as_it_is_kept(archivist: Visitor, researcher: Visitor, ids: Ids) -> None:
    page = archivist.get(f"/records/{ids['record']}").get_data(as_text=True)
    assert f"/records/{ids['record']}/premis.xml" in page
    answer = archivist.get(f"/records/{ids['record']}/premis.xml")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    types = [entity.type for entity in premis.read(io.BytesIO(answer.get_data()), "premis.xml") if isinstance(entity, premis.Event)]
    assert {"unpacking", "format identification"} <= set(types)
    assert researcher.get(f"/records/{ids['record']}/premis.xml").status_code == 403


def test_a_researcher_cannot_tell_a_closed_record_from_none(researcher: Visitor, ids: Ids) -> None:
    assert ids["closed"] not in researcher.get("/records/").get_data(as_text=True)
    assert "1 record" in researcher.text("/records/")
    for rest in ("", "/dip.zip", "/files/1", "/checksums.sha256", "/files/1/original", "/premis.xml", "/difference", "/export/eark.zip"):
        hidden = researcher.get(f"/records/{ids['closed']}{rest}")
        absent = researcher.get(f"/records/{'0' * 36}{rest}")
        texts = [
            readable(answer).replace(ids["closed"], "").replace("0" * 36, "").replace(answer.headers["X-Request-Id"], "")
            for answer in (hidden, absent)
        ]
        assert hidden.status_code == absent.status_code == (404 if rest in {"", "/dip.zip", "/files/1", "/checksums.sha256"} else 403)
        assert texts[0] == texts[1]


def test_a_researcher_reads_what_is_open_without_its_internals(researcher: Visitor, ids: Ids) -> None:
    page = researcher.get(f"/records/{ids['record']}").get_data(as_text=True)
    assert TITLE in page
    for hidden in ("/original", "/export/", "premis.xml", "/ingest/", "Copies", "What was done to it"):
        assert hidden not in page, hidden


def test_a_file_belongs_to_its_record_only(archivist: Visitor, ids: Ids) -> None:
    other = file_links(archivist, ids["closed"])[0].split("/")[-2]
    for number in (other, "999999"):
        for rest in ("", "/original"):
            assert archivist.get(f"/records/{ids['record']}/files/{number}{rest}").status_code == 404
