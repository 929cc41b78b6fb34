"""Packages that bring what acts: as content, as names, in descriptions; wherever it is shown, given out, mailed or written down."""

from __future__ import annotations

import csv
import io
import logging
import re
from email import message_from_bytes, policy
from urllib.parse import unquote

import pytest
from lxml import html
from sqlalchemy import select

from repository.accounts.tables import User
from repository.cli import set_up_logging
from repository.notices.mailing import message
from repository.notices.tables import Notice
from repository.permissions import Actor
from tests.tools.attacked_console import CONTROLS, FORMULA, HOSTILE_TEXT, MARK, Attacked, _attacked_home, active, attacked
from tests.tools.console import Visitor

__all__ = ["_attacked_home", "attacked"]

#: What would be a control character, a change of direction, or a line of its own, wherever it stands.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ACTS_IN_DRAWING = re.compile(rb"<script|\bon[a-z]+\s*=|javascript:|<foreignObject|<\?xml-stylesheet|elsewhere\.invalid", re.I)
_ACTS_IN_PAGE = re.compile(rb"<script|<iframe|<object|<form|<base|<link|<meta http|\son[a-z]+\s*=|javascript:|elsewhere", re.I)
_FORMULA = re.compile("[ \u00a0\u3000\ufeff]*[=+@＝＋－＠\t\r\n|]|-(?![0-9.]+$)")


def shown(world: Attacked, who: str, path: str) -> str:
    """The text of a page, which must be there and hold nothing that acts."""
    answer = world.visitor(who).get(path)
    assert answer.status_code == 200, (path, answer.status)
    page = html.document_fromstring(answer.get_data())
    assert active(page) == [], path
    return str(page.text_content()) + " ".join(str(value) for node in page.iter() for value in node.attrib.values())


def test_hostile_names_are_shown_as_they_are_and_do_nothing(attacked: Attacked) -> None:  # noqa: F811
    record, submission = attacked.places["record_id"], attacked.places["submission_id"]
    first = attacked.files[f"{MARK}.txt"]
    # that the words are there shows that the pages were asked for the right thing
    for who, path, word in (
        ("archivist", f"/records/{record}", HOSTILE_TEXT),
        ("archivist", f"/records/{record}?all=1", MARK),
        ("archivist", f"/records/{record}/files/{first}", f"{MARK}.txt"),
        ("archivist", f"/records/{record}/files/{first}/preview", f"{MARK}.txt"),
        ("archivist", "/records/", HOSTILE_TEXT),
        ("archivist", "/records/?view=table&columns=unit,affair,fonds&facet=unit&facet=affair", FORMULA),
        ("archivist", "/records/saved", HOSTILE_TEXT),
        ("archivist", "/ingest/", MARK),
        ("archivist", f"/ingest/{submission}", MARK),
        ("archivist", f"/ingest/{submission}/print", MARK),
        ("archivist", "/ingest/upload", HOSTILE_TEXT),
        ("archivist", "/notices", HOSTILE_TEXT),
        ("archivist", f"/records/?q={MARK}", MARK),
        ("system-administrator", "/admin/accounts", HOSTILE_TEXT[:64]),
        ("security-administrator", "/admin/groups", MARK),
        ("researcher", f"/records/{record}", HOSTILE_TEXT),
    ):
        assert word in shown(attacked, who, path), path
    attacked.visitor("archivist").get(f"/records/?q={MARK}")
    assert MARK in shown(attacked, "audit-administrator", "/log")


@pytest.mark.parametrize("address", ["/records/{record}/files/{file}/original", "/api/v1/records/{record}/files/{file}/content"])
def test_what_is_given_out_is_saved_and_never_shown(attacked: Attacked, address: str) -> None:  # noqa: F811
    for name, file_id in attacked.files.items():
        answer = attacked.visitor("archivist").get(address.format(record=attacked.places["record_id"], file=file_id))
        headers = answer.headers
        assert answer.status_code == 200
        kind, _, encoded = headers["Content-Disposition"].partition("; filename*=UTF-8''")
        assert kind == "attachment", name
        assert re.fullmatch(r"[A-Za-z0-9._~%!$&+^`|#-]+", encoded), name
        assert unquote(encoded) == name.rpartition("/")[2]
        assert headers["Content-Type"] == "application/octet-stream", name
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"], name
        assert "planted" not in "".join(headers.getlist("Set-Cookie"))
        assert all("\r" not in value and "\n" not in value for _, value in headers)


def test_what_is_looked_at_cannot_act(attacked: Attacked) -> None:  # noqa: F811
    seen = set()
    for name, file_id in attacked.files.items():
        base = f"/records/{attacked.places['record_id']}/files/{file_id}/preview"
        for end in ("/thumbnail", "/page-1", "/document", "/media"):
            answer = attacked.visitor("archivist").get(base + end)
            if answer.status_code == 404:
                continue
            seen.add((name, end))
            assert answer.status_code == 200
            assert "sandbox" in answer.headers["Content-Security-Policy"], (name, end)
            assert "script-src" not in answer.headers["Content-Security-Policy"]
            body = answer.get_data()
            if answer.mimetype == "image/svg+xml":
                assert not re.search(
                    rb"<script|\bon[a-z]+\s*=|javascript:|<foreignObject|<\?xml-stylesheet|elsewhere\.invalid", body, re.I
                ), name
            elif answer.mimetype == "text/html":
                assert not re.search(
                    rb"<script|<iframe|<object|<form|<base|<link|<meta http|\son[a-z]+\s*=|javascript:|elsewhere", body, re.I
                ), name
            else:
                assert answer.mimetype in {"image/webp", "audio/mp4", "video/mp4"}
    assert ("page.html", "/document") in seen
    assert len(seen) >= len(attacked.files)


def test_no_table_holds_a_formula(attacked: Attacked) -> None:  # noqa: F811
    record, submission = attacked.places["record_id"], attacked.places["submission_id"]
    # somebody who knows that the logbook is opened with a spreadsheet program
    Visitor(attacked.app).log_in(FORMULA, password="wrong")
    attacked.visitor("archivist").get(f"/records/?q={FORMULA}")
    columns = "identifier,unit,fonds,affair,affair_type,case_number,year,sharing,profile,agreement,files,bytes,id"
    found = ""
    tables = [rule.rule for _, rule in attacked.rules("GET") if rule.rule.endswith(".csv")]
    asked = {
        "/records/records.csv": ("archivist", f"/records/records.csv?columns={columns}"),
        "/ingest/<submission_id>/findings.csv": ("archivist", f"/ingest/{submission}/findings.csv"),
        "/records/<record_id>/difference.csv": ("archivist", f"/records/{record}/difference.csv?before=1&after=1"),
        "/log.csv": ("audit-administrator", "/log.csv"),
        "/admin/import/example.csv": ("system-administrator", "/admin/import/example.csv"),
    }
    assert set(tables) == set(asked)
    for who, path in asked.values():
        answer = attacked.visitor(who).get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv"), path
        assert answer.headers["Content-Disposition"].startswith("attachment"), path
        text = answer.get_data().decode("utf-8-sig")
        found += text
        for row in csv.reader(io.StringIO(text, newline="")):
            for cell in row:
                assert not _FORMULA.match(cell), (path, cell)
    # the affair in the list of records and the words in the logbook, each told with an apostrophe before it
    assert "'" + FORMULA.replace('"', '""') in found


def test_a_list_of_digests_has_one_line_a_file(attacked: Attacked) -> None:  # noqa: F811
    text = attacked.visitor("archivist").get(f"/records/{attacked.places['record_id']}/checksums.sha256").get_data(as_text=True)
    lines = text.rstrip("\n").split("\n")
    assert len(lines) >= len(attacked.files)
    assert all(re.match(r"\\?[0-9a-f]{64} [ *]", line) for line in lines)


def test_a_mail_about_hostile_names_is_one_mail_to_one_person(attacked: Attacked) -> None:  # noqa: F811
    with attacked.archive.transaction(Actor.system("test")) as tx:
        user = tx.session.scalars(select(User).where(User.name == "archivist")).one()
        user.email = "archivist@example.org"
        notice = Notice(
            id=attacked.archive.new_id(),
            user_id=user.id,
            kind="test",
            severity="error",
            template="{name} waits",
            values={"name": f"{CONTROLS}\r\nBcc: thief@elsewhere.invalid\r\n\r\n{HOSTILE_TEXT}"},
            path="/notices",
            created_at=tx.now,
        )
        tx.session.add(notice)
        tx.session.flush()
        settings = attacked.archive.settings
        settings.mail.host, settings.mail.sender, settings.base_url = "mail.example", "console@archive.example", "https://archive.example"
        mail = message(attacked.archive, user, [notice])
    parsed = message_from_bytes(mail.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert parsed["To"] == "archivist@example.org"
    assert parsed["Bcc"] is None
    assert len(parsed.get_all("Subject")) == 1
    assert not _CONTROL.search(parsed["Subject"])
    page = parsed.get_body(("html",))
    assert page is not None
    tree = html.document_fromstring(page.get_content())
    assert active(tree) == []
    assert [link.get("href") for link in tree.iter("a")] == ["https://archive.example/notices"]


def test_nothing_that_was_sent_writes_lines_of_the_logbook(attacked: Attacked) -> None:  # noqa: F811
    before = len(attacked.lines())
    text = CONTROLS.replace("\0", "")
    client = attacked.visitor("archivist").client
    assert Visitor(attacked.app).log_in(text[:60], password="wrong").status_code in {400, 401}
    client.get("/records/", query_string={"q": text, "unit": text}, headers={"User-Agent": "\x1b[31mred\x07"})
    client.get("/records/" + "%1b%5b31m%0d%0a%e2%80%ae")
    client.post("/records/saved", data={"csrf_token": attacked.token("archivist"), "name": text, "state": "q=1"})
    lines = attacked.lines()[before:]
    assert len(lines) >= 3
    for line in lines:
        for name, value in line.items():
            if isinstance(value, str):
                assert not _CONTROL.search(value.replace("\\u", "")), (name, value)
    assert any("\\\\u001b[31m" in str(line["detail"]) for line in lines)
    page = attacked.visitor("audit-administrator").get("/log").get_data(as_text=True)
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_nothing_that_was_sent_writes_lines_of_the_servers_log(attacked: Attacked, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        for as_json in (False, True):
            set_up_logging(logging.INFO, as_json=as_json)
            for handler in root.handlers:
                assert isinstance(handler, logging.StreamHandler)
            logging.getLogger("jingui.web").error("request %s failed: %s", "abc", CONTROLS + "\n2026-01-01 00:00:00 INFO forged: line")
            try:
                raise RuntimeError(CONTROLS + "\n2026-01-01 00:00:00 INFO forged: line")
            except RuntimeError:
                logging.getLogger("jingui.web").exception("request failed")
            assert attacked.visitor("archivist").get("/broken").status_code == 500
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    written = capfd.readouterr().err
    assert "forged" in written
    for line in written.split("\n"):
        assert not _CONTROL.search(line), line
        assert not line.startswith("2026-01-01 00:00:00 INFO forged")
        assert not line.startswith("Set-Cookie")
