"""Addresses that fail too often, and the web servers in front that may say which address it is."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import request

from repository.app import create_app
from repository.archive import Archive
from repository.web.keys import kept_key
from repository.web.programs import program_name
from repository.web.throttle import Throttle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_an_address_waits_until_its_failures_are_old() -> None:
    throttle = Throttle(3, 15 * MINUTE)
    for number in range(3):
        assert throttle.wait("a", NOON + number * MINUTE) is None
        throttle.failed("a", NOON + number * MINUTE)
    assert throttle.wait("a", NOON + 2 * MINUTE) == 13 * MINUTE
    assert throttle.wait("b", NOON + 2 * MINUTE) is None
    assert throttle.wait("a", NOON + 15 * MINUTE + timedelta(seconds=1)) is None
    throttle.failed("a", NOON + 15.5 * MINUTE)
    assert throttle.wait("a", NOON + 15.5 * MINUTE) == 0.5 * MINUTE


def test_addresses_without_number_do_not_fill_the_memory() -> None:
    throttle = Throttle(1, 15 * MINUTE)
    throttle.failed("first", NOON)
    for number in range(10_000):
        throttle.failed(str(number), NOON)
    assert throttle.wait("first", NOON) is None
    assert throttle.wait("9999", NOON) is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("proxies", ["0", "1"])
def test_only_a_web_server_in_front_is_believed(home: Path, monkeypatch: pytest.MonkeyPatch, proxies: str) -> None:
    monkeypatch.setenv("JINGUI_PROXIES", proxies)
    archive = Archive.open(home)
    app = create_app(archive)
    seen: list[str | None] = []
    app.before_request(lambda: seen.append(request.remote_addr))
    client = app.test_client()
    # what the client itself has put in front is not what the web server adds at the end
    headers = {"X-Forwarded-For": "10.0.0.1, 198.51.100.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "archive.example"}
    answer = client.get("/login", headers=headers)
    assert ("Secure" in answer.headers["Set-Cookie"]) is (proxies == "1")
    assert seen == ["198.51.100.7" if proxies == "1" else "127.0.0.1"]
    archive.close()


def test_a_secret_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    made = kept_key(tmp_path, "key", "")
    assert len(made) >= 43
    assert kept_key(tmp_path, "key", "") == made
    assert kept_key(tmp_path, "key", "given") == "given"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36", "Chrome · Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1", "Safari · iOS"),
        ("Mozilla/5.0 (Linux; Android 12) Chrome/99 Mobile MicroMessenger/8.0", "WeChat · Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_browsers_are_named_as_people_know_them(agent: str, name: str) -> None:
    assert program_name(agent) == name
