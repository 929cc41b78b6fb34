"""Rate limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from repository.app import create_app
from repository.archive import Archive
from repository.errors import HomeUnusable
from tests.tools.api import Program, problem
from tests.tools.console import _console_home, database, home

__all__ = ["_console_home", "database", "home"]


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:  # noqa: F811
    monkeypatch.setenv("JINGUI_RATE_LIMIT", "3 per hour")
    return create_app(Archive.open(home))


def test_after_so_many_requests_a_person_waits_and_others_do_not(app: Flask) -> None:
    archive: Archive = app.extensions["archive"]
    program, second, other = (Program(app, archive, name) for name in ("archivist", "archivist", "approver"))
    left = [program.get("/me").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    for tired in (program, second):
        answer = tired.get("/me")
        assert problem(answer) == (429, "RATE_LIMITED")
        assert 0 < int(answer.headers["Retry-After"]) <= 3600
        assert answer.headers["RateLimit-Limit"] == "3"
    assert other.get("/me").status_code == 200
    archive.close()


def test_guesses_are_counted_by_address(app: Flask) -> None:
    archive: Archive = app.extensions["archive"]
    client = app.test_client()
    codes = [client.get("/api/v1/me", headers={"Authorization": f"Bearer jg_{n}"}).status_code for n in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/api/v1/me", environ_overrides=elsewhere).status_code == 401
    assert Program(app, archive, "archivist").get("/me").status_code == 200
    archive.close()


@pytest.mark.parametrize("wrong", ["many", "0 per minute", "5", "5 per fortnight"])
def test_a_limit_that_is_none_is_refused_at_the_start(home: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:  # noqa: F811
    monkeypatch.setenv("JINGUI_RATE_LIMIT", wrong)
    with pytest.raises(HomeUnusable, match="rate_limit"):
        Archive.open(home)
