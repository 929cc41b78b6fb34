"""Requests that no browser sends: too large, too deep, too many, of the wrong kind, with bytes that are no text.

Each is refused, or answered as if nothing had been asked for; none is a failure on our side. Both databases are asked, since
what one of them takes the other may not.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from flask import Flask

from repository.app import create_app
from repository.archive import Archive
from tests.tools.console import TOKEN, Visitor, add_people, readable

_NUMBERS: Final = ("-1", "9223372036854775808", "9" * 30, "NaN", "٣")
#: As they stand in an address: a NUL, bytes that are no UTF-8, half of a surrogate pair, a line of its own, a very long word.
_BYTES: Final = ("a%00b", "%ff%fe%c0%af%ed%a0%80", "%0d%0aX: 1%1b%e2%80%ae%f0%9f%80%80", "a" * 7000)
_TEXTS: Final = ("a\0b", "\ud800", "\r\nX: 1\x1b[31m\u202egpj.exe", "x" * 100_000 + "{0.__class__}%s%n{{7*7}}")
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "archivist": (
        "/records/?q=",
        "/records/?unit=",
        "/records/?year=",
        "/records/?after=",
        "/records/?before=",
        "/records/?sort=",
        "/records/?rule=",
        "/records/?facet=",
        "/records/?columns=",
        "/records/?stored_from=",
        "/records/records.csv?q=",
        "/records/",
        "/records/saved/",
        "/ingest/",
        "/ingest/?name=",
        "/ingest/?state=",
        "/ingest/?agreement=",
        "/ingest/?after=",
        "/ingest/?since=",
        "/jobs?after=",
        "/jobs?state=",
        "/jobs?kind=",
        "/jobs/",
        "/audits/",
        "/notices?after=",
        "/admin/agencies?q=",
        "/admin/agencies/",
        "/static/",
        "/about?",
        "/login/again?next=",
        "/api/v1/records?q=",
        "/api/v1/records?facet=",
        "/api/v1/records?unit=",
        "/api/v1/records?cursor=",
        "/api/v1/records/",
        "/api/v1/agencies/",
        "/api/v1/jobs?cursor=",
        "/api/v1/jobs?state=",
        "/api/v1/submissions/",
        "/api/v1/submissions?state=",
        "/api/v1/upload-sets/",
        "/api/v1/problems/",
        "/api/v1/",
    ),
    "system-administrator": ("/admin/accounts?q=", "/admin/accounts?role=", "/admin/accounts?after=", "/admin/accounts/", "/schedules/"),
    "audit-administrator": (
        "/log?person=",
        "/log?action=",
        "/log?object=",
        "/log?outcome=",
        "/log?since=",
        "/log?before=",
        "/log.csv?person=",
        "/api/v1/log?person=",
        "/api/v1/log?cursor=",
    ),
    "": ("/login?next=", "/setup?key=", "/"),
}
_COUNTS: Final[dict[str, tuple[str, ...]]] = {
    "archivist": (
        "/records/?after=",
        "/records/?year=",
        "/records/x/files/",
        "/records/x/difference?after=",
        "/records/x?after=",
        "/records/x/files/1/preview/page-",
        "/records/x/files/1/preview?page=",
        "/ingest/x?page=",
        "/jobs?after=",
        "/api/v1/records?limit=",
        "/api/v1/records/x/files/",
        "/api/v1/jobs?limit=",
    ),
    "audit-administrator": ("/log?before=", "/api/v1/log?limit=", "/audits/x?after="),
}


@pytest.fixture
def app(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application over a home with people in it, who are not locked out by what is tried with their passwords."""
    add_people(archive)
    rules = archive.settings.accounts
    monkeypatch.setattr(rules, "failed_logins", 10_000)
    monkeypatch.setattr(rules, "address_failures", 10_000)
    application = create_app(archive)
    application.config["WTF_CSRF_CHECK_DEFAULT"] = False
    return application


def entered(app: Flask, name: str) -> Visitor:
    """Somebody who has logged in."""
    visitor = Visitor(app)
    if name:
        assert visitor.log_in(name).status_code == 302
    return visitor


def told(answer: Any) -> bool:
    """Whether an answer is no failure, and a refusal says something."""
    return answer.status_code < 400 or (answer.status_code < 500 and len(readable(answer)) > 20)


@pytest.mark.parametrize("places", [_WORDS, _COUNTS], ids=["bytes", "numbers"])
def test_what_is_no_text_and_no_number_in_an_address_is_no_failure(app: Flask, places: dict[str, tuple[str, ...]]) -> None:
    wrong = []
    for name, prefixes in places.items():
        visitor = entered(app, name)
        for prefix in prefixes:
            for value in _BYTES if places is _WORDS else _NUMBERS:
                answer = visitor.get(prefix + value.replace(" ", "%20"))
                if not told(answer):
                    wrong.append(f"{prefix}{value[:20]}: {answer.status}")
                if "X" in answer.headers:
                    wrong.append(f"{prefix}{value[:20]}: wrote a header")
    assert not wrong, "\n".join(wrong)


def forms(value: str) -> dict[str, dict[str, dict[str, str]]]:
    """Every form with a text field, by who may send it, with the value in all of its fields."""
    return {
        "": {
            "/login": {"name": value, "password": value},
            "/look": {"language": value, "theme": value, "next": value},
            "/setup": {"key": value, "system": value},
        },
        "archivist": {
            "/records/saved": {"name": value, "state": value},
            "/records/columns": {"columns": value, "state": value},
            "/account/": {"email": value, "language": value},
            "/account/notices": {"job-failed": value},
            "/account/tokens/": {"name": value, "scopes": value, "days": value},
            "/account/password": {"current": value, "new": value, "again": value},
            "/account/identities/remove": {"issuer": value, "subject": value},
            "/ingest/upload": {"agreement": value},
            "/notices/x/read": {"next": value, "go": value},
            "/login/again": {"password": value},
        },
        "system-administrator": {
            "/admin/new-account": {"name": value, "full_name": value, "email": value, "agency": value, "language": value},
            "/admin/accounts/archivist": {"full_name": value, "email": value, "language": value},
            "/admin/accounts/archivist/agency": {"agency": value},
            "/admin/agencies/new": {"name": value, "code": value, "fonds": value, "other_names": value},
            "/admin/import/confirm": {"text": value},
            "/admin/webhooks": {"name": value, "url": value, "kinds": value},
            "/schedules/search.index": {"every": value, "unit": value, "enabled": value},
        },
        "security-administrator": {
            "/admin/groups": {"name": value},
            "/admin/accounts/archivist/roles": {"roles": value},
        },
        "preservation-officer": {"/audits/": {"scope": value, "sample": value, "store": value}},
    }


def test_what_is_no_text_in_a_form_is_no_failure(app: Flask) -> None:
    wrong = []
    for name in forms(""):
        visitor = entered(app, name)
        for value in _TEXTS:
            for path, fields in forms(value)[name].items():
                data = {key: text.encode("utf-8", "surrogatepass") for key, text in fields.items()}
                answer = visitor.client.post(path, data=data, headers={"Accept-Language": "en"})
                if not told(answer):
                    wrong.append(f"{path} with {value[:20]!r}: {answer.status}")
                if "X" in answer.headers or answer.headers.get("Location", "/").startswith(("http", "//")):
                    wrong.append(f"{path} with {value[:20]!r}: {answer.headers}")
    assert not wrong, "\n".join(wrong)


def test_what_is_too_large_is_refused_with_a_word(app: Flask) -> None:
    visitor = entered(app, "archivist")
    large = visitor.client.post("/account/", data={"email": "x" * 10_000_000})
    many = visitor.client.post("/account/", data={f"field{number}": "x" for number in range(10_000)})
    kind = "multipart/form-data; boundary=x"
    field = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    fields = "".join(field.format(f"field{number}", "x") for number in range(10_000)) + "--x--"
    parts = visitor.client.post("/ingest/upload", data=fields.encode(), content_type=kind)
    part = visitor.client.post("/ingest/upload", data=(field.format("agreement", "x" * 10_000_000) + "--x--").encode(), content_type=kind)
    lengthy = visitor.client.get("/records/?q=" + "x" * 100_000)
    headed = visitor.client.get("/records/", headers={"X-Anything": "x" * 100_000, "Accept-Language": "x;q=1," * 20_000})
    assert (large.status_code, part.status_code) == (413, 413)
    answers = {"field": large, "fields": many, "parts": parts, "part": part, "query": lengthy}
    assert {name: answer.status_code for name, answer in answers.items() if not 400 <= answer.status_code < 500} == {}
    assert all(len(readable(answer)) > 20 for answer in answers.values())
    assert headed.status_code < 500
    token = TOKEN.search(visitor.client.get("/about").get_data(as_text=True))
    assert token is not None
    api = {"X-CSRFToken": token[1]}
    bodies = {
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "large": b'{"name": "' + b"x" * 10_000_000 + b'"}',
        "number": b'{"name": ' + b"9" * 10_000 + b"}",
        "half": b'{"name": "\\ud800"}',
        "nul": b'{"name": "a\\u0000b", "scopes": ["record.read"], "expires_at": "2030-01-01T00:00:00Z"}',
        "no text": b'{"name": "\xff\xfe"}',
        "twice": b'{"name": "a", "name": "b"}',
        "infinite": b'{"name": Infinity}',
        "nothing": b"",
        "list": b"[]",
    }
    for path in ("/api/v1/tokens", "/api/v1/upload-sets"):
        for name, body in bodies.items():
            answer = visitor.client.post(path, data=body, content_type="application/json", headers=api)
            assert 400 <= answer.status_code < 500, (path, name, answer.status)
            assert json.loads(answer.data)["detail"], (path, name)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_body_of_another_kind_is_refused_with_a_word(app: Flask) -> None:
    visitor = entered(app, "archivist")
    token = TOKEN.search(visitor.client.get("/about").get_data(as_text=True))
    assert token is not None
    for path in ("/account/", "/records/saved", "/ingest/upload", "/login/again", "/api/v1/tokens", "/api/v1/upload-sets", "/api/v1/check"):
        for type in (
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=x",
        ):
            for body in (b"\xff\xfe{}", b"--x\r\n\r\n", b"name=%ff&x=%00"):
                answer = visitor.client.post(path, data=body, headers={"X-CSRFToken": token[1], "Content-Type": type})
                assert told(answer), (path, type, body, answer.status)
                if path.startswith("/api"):
                    assert answer.status_code >= 400, (path, type, body)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_headers_that_are_no_headers_are_no_failure(app: Flask) -> None:
    visitor = entered(app, "archivist")
    for name, value in (
        ("Accept-Language", "\xff\xfe, ;q=x"),
        ("Accept", "a/b;q=nonsense,,,*"),
        ("If-None-Match", '"\xff'),
        ("If-Modified-Since", "yesterday"),
        ("Range", "bytes=-99999999999999999999,5-1,x"),
        ("Authorization", "Bearer \xff\x00"),
        ("Authorization", "Basic !!!"),
        ("Content-Length", "-5"),
        ("Referer", "http://[bad"),
        ("Origin", "null"),
        ("Host", "elsewhere.invalid\t"),
        ("Host", "[bad"),
        ("Host", "a" * 5000),
        ("User-Agent", "\x1b[31m\xff" * 500),
        ("Idempotency-Key", "\xff" * 500),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Cookie", "jingui=\xff; jingui=.a.b; session=x"),
        ("Upload-Metadata", "set !!!,filename \xff"),
    ):
        for path in ("/records/", "/static/jingui.css", "/api/v1/records", "/api/v1/uploads/x", "/login"):
            answer = visitor.client.get(path, headers={name: value}, buffered=True)
            assert answer.status_code < 500, (name, value[:20], path)
