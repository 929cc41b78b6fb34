"""Records through the API: ranges of files, digests, and what is written down."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from repository.archive import Archive
from repository.holdings import Event
from repository.permissions import Actor
from tests.tools.api import Program, problem
from tests.tools.console import GIF, Ids, _console_home, app, bag, database, home, ids, packed, record_of, take_in

__all__ = ["_console_home", "app", "database", "home", "ids"]

#: Larger than a block, so that a part of it is read where it begins.
LARGE = bytes(number * 7 % 251 for number in range(1_300_000))


@pytest.fixture
def archivist(app: Flask, archive: Archive) -> Program:  # noqa: F811
    return Program(app, archive, "archivist")


@pytest.fixture
def large(archive: Archive, tmp_path: Path) -> str:
    """The path of a large file's content."""
    record = record_of(archive, take_in(archive, packed(tmp_path / "large.zip", bag({"large.bin": LARGE}))))
    return f"/records/{record}/files"


def content_path(program: Program, files: str, name: str) -> str:
    found = next(file for file in program.told(files)["items"] if file["path"].endswith(name))
    return f"{files}/{found['id']}/content"


def header(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_a_record_its_files_versions_and_events(archivist: Program, ids: Ids) -> None:  # noqa: F811
    path = f"/records/{ids['record']}"
    record = archivist.told(path)
    assert record["version"] == 1
    assert {copy["store"] for copy in record["copies"]} == {"a", "b"}
    files = archivist.told(f"{path}/files")["items"]
    assert len(files) == record_content(files) == 4
    assert all(len(file["sha512"]) == 128 and len(file["sm3"]) == 64 for file in files)
    assert len(archivist.told(f"{path}/files?all=true&limit=100")["items"]) > 4
    version = archivist.told(f"{path}/versions")["items"][0]
    assert (version["number"], version["submission"]) == (1, ids["submission"])
    types = [event["type"] for event in archivist.told(f"{path}/events?limit=100")["items"]]
    assert "ingestion end" in types or "accession" in types or types
    only = archivist.told(f"{path}/events?type={types[0].replace(' ', '%20')}")["items"]
    assert {event["type"] for event in only} == {types[0]}


def record_content(files: list[dict[str, Any]]) -> int:
    return sum(file["role"] == "content" for file in files)


def test_a_whole_file_comes_with_its_digest(archivist: Program, large: str) -> None:
    answer = archivist.get(content_path(archivist, large, "large.bin"))
    assert (answer.status_code, answer.data == LARGE) == (200, True)
    assert answer.headers["Repr-Digest"] == answer.headers["Content-Digest"] == header(LARGE)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(LARGE))
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ["large.bin", "plan.gif"])
def test_any_range_is_the_part_of_the_file_that_it_names(
    app: Flask,
    archive: Archive,
    archivist: Program,
    large: str,
    ids: Ids,
    name: str,  # noqa: F811
) -> None:
    path = content_path(archivist, large if name == "large.bin" else f"/records/{ids['record']}/files", name)
    whole = archivist.get(path).data
    size = len(whole)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(first=st.integers(0, size + 10), length=st.integers(1, size + 10), form=st.sampled_from(["both", "from", "last"]))
    def ask(first: int, length: int, form: str) -> None:
        last = first + length - 1
        wanted = {"both": f"{first}-{last}", "from": f"{first}-", "last": f"-{length}"}[form]
        answer = archivist.get(path, Range=f"bytes={wanted}")
        start, stop = {"both": (first, last + 1), "from": (first, size), "last": (max(0, size - length), size)}[form]
        if start >= size:
            assert problem(answer) == (416, "RANGE_NOT_SATISFIABLE")
            assert answer.headers["Content-Range"] == f"bytes */{size}"
            return
        stop = min(stop, size)
        assert answer.status_code == 206
        assert answer.data == whole[start:stop]
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer.headers["Content-Length"] == str(stop - start)
        assert answer.headers["Repr-Digest"] == header(whole)
        if "Content-Digest" in answer.headers:
            assert answer.headers["Content-Digest"] == header(answer.data)

    ask()


@pytest.mark.parametrize("wanted", ["bytes=0-1,3-4", "items=0-1", "bytes=5-2", "bytes=x", "bytes", "bytes=-"])
def test_what_is_no_single_range_gets_the_whole(archivist: Program, ids: Ids, wanted: str) -> None:  # noqa: F811
    path = content_path(archivist, f"/records/{ids['record']}/files", "plan.gif")
    answer = archivist.get(path, Range=wanted)
    assert (answer.status_code, answer.data) == (200, archivist.get(path).data)


def test_a_range_of_another_state_gets_the_whole(archivist: Program, ids: Ids) -> None:  # noqa: F811
    path = content_path(archivist, f"/records/{ids['record']}/files", "plan.gif")
    etag = archivist.get(path).headers["ETag"]
    assert archivist.get(path, Range="bytes=0-1", If_Range=etag).status_code == 206
    assert archivist.get(path, Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert archivist.get(path, Range="bytes=0-1", If_Range="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 200
    assert archivist.get(path, If_None_Match=etag).status_code == 304


def test_a_range_comes_from_the_copy_that_has_it(archive: Archive, archivist: Program, large: str) -> None:
    path = content_path(archivist, large, "large.bin")
    lost = next(file for file in archive.stores[0].location.rglob("*") if file.is_file() and file.stat().st_size == len(LARGE))
    lost.write_bytes(LARGE[:1000])
    answer = archivist.get(path, Range="bytes=1100000-1100009")
    assert (answer.status_code, answer.data) == (206, LARGE[1_100_000:1_100_010])
    states = {copy["store"]: copy["state"] for copy in archivist.told(large.removesuffix("/files"))["copies"]}
    assert states["a"] == "damaged"


def given_out(archive: Archive) -> list[dict[str, Any]]:
    with archive.read(Actor.local()) as tx:
        return [row.detail for row in tx.session.scalars(select(Event).where(Event.type == "dissemination").order_by(Event.sequence))]


def test_what_is_given_out_is_written_down_and_a_question_is_not(archive: Archive, archivist: Program, ids: Ids) -> None:  # noqa: F811
    path = content_path(archivist, f"/records/{ids['record']}/files", "plan.gif")
    before = len(given_out(archive))
    assert archivist.ask("HEAD", path).headers["Content-Length"] == str(len(GIF))
    assert len(given_out(archive)) == before
    archivist.get(path, Range="bytes=3-5")
    last = given_out(archive)[-1]
    assert (last["from"], last["bytes"]) == (3, 3)


def test_a_researcher_takes_a_copy_for_use_and_no_original(app: Flask, archive: Archive, ids: Ids) -> None:  # noqa: F811
    program = Program(app, archive, "researcher")
    files = program.told(f"/records/{ids['record']}/files")["items"]
    answer = program.get(f"/records/{ids['record']}/files/{files[0]['id']}/content")
    assert answer.status_code == 403
    assert program.told(f"/records/{ids['record']}")["copies"] is None
    assert problem(program.get(f"/records/{ids['record']}/files?all=true"))[0] == 403
    dip = program.get(f"/records/{ids['record']}/dip.zip")
    assert (dip.status_code, dip.data[:2]) == (200, b"PK")
    assert problem(program.get(f"/records/{ids['closed']}/dip.zip")) == (404, "NOT_FOUND")


def test_facets_count_what_was_found(archivist: Program) -> None:
    found = archivist.told("/records?facet=format&facet=unit&q=规划")
    assert found["total"] == len(found["items"]) == 1
    assert {value["value"] for value in found["facets"]["format"]} >= {"fmt/4"}
    assert problem(archivist.get("/records?facet=colour")) == (422, "INVALID")
    narrowed = cast(dict[str, Any], archivist.get("/records?format=fmt/4&format=fmt/3").json)
    assert narrowed["total"] == 1
