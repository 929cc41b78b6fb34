"""A console full of hostile names and files, somebody else's things in it, and means to see what a request changed.

Everything hostile carries `MARK`: what acts if it is not escaped, in whatever place of a page, header, table or log it stands.
"""

from __future__ import annotations

import functools
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from lxml import html
from sqlalchemy import select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from preservation.audits import Selection, start
from repository.accounts import create_user
from repository.accounts.authentication import authenticate
from repository.accounts.groups import create_group
from repository.app import create_app
from repository.archive import Archive
from repository.events import ObjectType, events_of
from repository.holdings import Agreement, File, Record, Submission
from repository.identifiers import aip_id
from repository.notices.tables import Notice
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency
from repository.recordkeeping.holds import place_hold
from repository.search.pending import prepare, refresh
from repository.search.saved import save_search
from repository.settings import SETTINGS_FILE
from tests.tools.console import PASSWORD, TOKEN, Visitor, add_people, bag, open_to_all, packed, record_of, take_in, work_off
from tests.tools.hostile_files import drawing, web_page
from tests.tools.identification import identifier, registry
from tests.tools.permission_home import OTHER, STRANGER, owned

#: A tag that acts, an attribute that ends the one it stands in, a template's expression, a formula.
MARK: Final = "<svg onload=mark()>"
HOSTILE_TEXT: Final = f"\"><img src=x onerror=mark()>{MARK}'{{{{7*7}}}}${{7*7}}"
FORMULA: Final = '=HYPERLINK("http://elsewhere.invalid/","open")'
#: Colours of a terminal, its title, a line of its own, the other direction of writing.
CONTROLS: Final = "\x1b[31mred\x1b]0;title\x07\r\nSet-Cookie: planted=1\r\n\u202egpj.exe\x00"
PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\n"
    b"trailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
)
MHTML: Final = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n"
    b"Content-Location: http://elsewhere.invalid/\r\n\r\n<script>mark()</script>\r\n--x--\r\n"
)
XSLT: Final = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#x"?><r><xsl:stylesheet id="x" version="1.0" '
    b'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><script>mark()</script></html></xsl:template>'
    b"</xsl:stylesheet></r>"
)
#: Content that acts where a browser shows it, under names that act where a page shows them.
ACTIVE: Final[Mapping[str, bytes]] = {
    "page.html": web_page(),
    "drawing.svg": drawing(),
    "script.pdf": PDF,
    "saved.mhtml": MHTML,
    "styled.xml": XSLT,
    "both.gif": b"GIF89a/*\x00\x00*/=1;mark();//" + b"\x00" * 20,
    f"{MARK}.txt": b"a tag for a name",
    '"><img src=x onerror=mark()>.txt': b"an attribute for a name",
    "line\r\nSet-Cookie: planted=1\r\n\r\n.txt": b"a header for a name",
    "\u202etxt.exe": b"the other direction",
    "\x1b[31mred.txt": b"colours for a name",
    f"{FORMULA.replace('/', '_')}.csv": f"{FORMULA},@SUM(1),+1\r\n".encode(),
    "{{7*7}}${7*7}%00%0d%0a.txt": b"templates",
}

#: What a request may leave that changes nothing: the logbook, and when a session was used last.
ALWAYS: Final = frozenset({"log_entry", "login_session"})
_ABSENT: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(kw_only=True)
class Attacked:
    """The console under attack.

    Args:
        app: the application.
        archive: what it serves.
        places: values for the places of addresses: what may be seen.
        foreign: the same of what belongs to a stranger.
        files: the files of the hostile record: name and id.
    """

    app: Flask
    archive: Archive
    places: dict[str, str]
    foreign: dict[str, str]
    files: dict[str, int]
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, name: str) -> Visitor:
        """Somebody who has logged in; nobody without a name."""
        if name not in self.visitors:
            self.visitors[name] = Visitor(self.app)
            if name:
                assert self.visitors[name].log_in(name).status_code == 302, name
        return self.visitors[name]

    def token(self, name: str) -> str:
        """The token of this person's pages."""
        found = TOKEN.search(self.visitor(name).get("/about").get_data(as_text=True))
        assert found is not None
        return found[1]

    def address(self, rule: Rule, places: Mapping[str, Any]) -> str:
        """The address of a route with something in every place."""
        values: dict[str, Any] = {**self.foreign, "name": "archivist", "form": "bagit", "number": 1, "code": "NOT_FOUND"} | {**places}
        values |= {"filename": "jingui.css" if rule.endpoint == "static" else "css/bootstrap.min.css"}
        if "schedules" in rule.rule:
            values["name"] = "search.index"
        built = rule.build({name: values.get(name, 1) for name in rule.arguments})
        assert built is not None, rule
        return built[1]

    def rules(self, *methods: str) -> list[tuple[str, Rule]]:
        """The routes that take one of these methods."""
        return [(method, rule) for rule in self.app.url_map.iter_rules() for method in sorted(methods) if method in (rule.methods or ())]

    def tables(self) -> Mapping[str, object]:
        """What the catalogue holds, but for what every request may leave."""
        connection = sqlite3.connect(self.archive.home / "catalogue.sqlite")
        try:
            names = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            return {name: tuple(connection.execute(f'SELECT * FROM "{name}"')) for name in names if name not in ALWAYS}
        finally:
            connection.close()

    def lines(self) -> list[Mapping[str, Any]]:
        """The logbook, as the catalogue keeps it."""
        connection = sqlite3.connect(self.archive.home / "catalogue.sqlite")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM log_entry ORDER BY sequence")]
        finally:
            connection.close()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer that somebody got.

    Args:
        who: account name.
        method: of the request.
        rule: of the address.
        path: the address.
        answer: what came.
        changed: the tables that are different after it.
    """

    who: str
    method: str
    rule: str
    path: str
    answer: TestResponse
    changed: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path!r} as {self.who or 'nobody'} ({self.answer.status_code})"

    @functools.cached_property
    def page(self) -> html.HtmlElement | None:
        """The page, if it is one."""
        return html.document_fromstring(self.answer.get_data()) if self.answer.mimetype == "text/html" and self.answer.data else None


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> frozenset[str]:
    """Names of the tables that are not the same."""
    return frozenset(name for name in before | after if before.get(name) != after.get(name))


def active(page: html.HtmlElement) -> list[str]:
    """What a page holds that would act, or that the policy forbids: inline script and style, handlers, addresses that run."""
    found = [f"script: {(node.text or '')[:60]}" for node in page.iter("script") if not node.get("src") or (node.text or "").strip()]
    found += [f"style: {(node.text or '')[:60]}" for node in page.iter("style")]
    for node in page.iter():
        if not isinstance(node.tag, str):
            continue
        if node.tag in {"object", "embed", "base", "applet"}:
            found.append(f"<{node.tag}>")
        for name, value in node.attrib.items():
            where = "".join(character for character in str(value) if character > " ").lower()
            runs = name.lower() in {"href", "src", "action", "formaction", "xlink:href"} and where.startswith(
                ("javascript:", "vbscript:", "data:text", "data:application")
            )
            if name.lower().startswith("on") or name.lower() in {"style", "srcdoc"} or runs:
                found.append(f"<{node.tag} {name}={value!r}>")
    return found


def asked(world: Attacked, who: str, method: str, rule: str, path: str, **options: Any) -> Answered:
    """Asks, and sees what it changed."""
    visitor = world.visitor(who)
    before = world.tables()
    answer = visitor.client.open(path, method=method, buffered=True, headers={"Accept-Language": "en"}, **options)
    answer.get_data()
    return Answered(who=who, method=method, rule=rule, path=path, answer=answer, changed=differences(before, world.tables()))


@pytest.fixture(scope="session")
def _attacked_home(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home, made once."""
    folder = tmp_path_factory.mktemp("attacked")
    home = folder / "home"
    shutil.copytree(_home_template, home)
    identifier()
    shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
    settings = home / SETTINGS_FILE
    settings.write_text('rate_limit = "1000000 per minute"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    archive = Archive.open(home)
    try:
        places = _fill(archive, folder)
    finally:
        archive.close()
    (folder / "places.json").write_text(json.dumps(places))
    return folder


def _fill(archive: Archive, folder: Path) -> dict[str, Any]:
    add_people(archive)
    prepare(archive)
    with archive.transaction(Actor.local()) as tx:
        create_agency(tx, name=OTHER)
        tx.session.add(Agreement(code="jia", title=HOSTILE_TEXT, unit=OTHER))
        create_user(tx, name="guest", password=PASSWORD, roles=[Role.RESEARCHER], full_name=HOSTILE_TEXT[:64])
        owner = create_user(tx, name=STRANGER, password=PASSWORD, roles=[Role.ARCHIVIST])
        create_group(tx, name=f"{MARK} group")
    name = HOSTILE_TEXT.replace("/", "_")
    shown = take_in(archive, packed(folder / f"{name}.zip", ACTIVE))
    closed = take_in(archive, packed(folder / "closed.zip", bag({"closed.txt": b"not for all"})))
    rejected = take_in(archive, packed(folder / f"wrong {name}.zip", bag({**ACTIVE}, lie=True)))
    record, hidden = record_of(archive, shown), record_of(archive, closed)
    open_to_all(archive, record)
    with archive.transaction(Actor.local()) as tx:
        columns = dict.fromkeys(("title", "unit", "affair", "case_number", "identifier", "fonds"), HOSTILE_TEXT)
        columns |= {"affair": FORMULA, "case_number": "+1\r\nInjected: 1", "affair_type": "@SUM(1)"}
        told = ("title", "unit", "affair", "case_number", "identifier")
        description = {name: columns[name] for name in told} | {"abstract": HOSTILE_TEXT, "applicant": CONTROLS.replace("\0", "")}
        tx.session.execute(update(Record).where(Record.id == record).values(**columns, description=description))
        place_hold(tx, record, HOSTILE_TEXT)
        tx.changed(record)
        audit = start(tx, Selection())
    work_off(archive)
    archivist = _actor(archive, "archivist")
    with archive.transaction(archivist) as tx:
        search = save_search(tx, name=HOSTILE_TEXT, query="q=open")
        values = {"name": HOSTILE_TEXT, "title": HOSTILE_TEXT}
        for template in ("{name} waits", HOSTILE_TEXT.replace("{", "").replace("}", "")):
            notice = Notice(
                id=archive.new_id(),
                user_id=archivist.id,
                kind="test",
                severity="error",
                template=template,
                values=values,
                path="//elsewhere.invalid/",
                created_at=tx.now,
            )
            tx.session.add(notice)
    refresh(archive)
    foreign = owned(archive, Actor(id=owner, name=STRANGER, roles=frozenset({Role.ARCHIVIST})))
    with archive.read(Actor.local()) as tx:
        content = tx.session.scalars(select(File).where(File.aip_id == aip_id(record), File.role == "content")).all()
        files = {file.path.partition("/data/")[2]: file.id for file in content}
        other_file = tx.session.scalars(select(File.id).where(File.aip_id == aip_id(hidden), File.role == "content")).first()
        event = events_of(tx.session, [(ObjectType.AIP, aip_id(record))])[0].id
        other_event = events_of(tx.session, [(ObjectType.AIP, aip_id(hidden))])[0].id
        job = tx.session.get_one(Submission, rejected).job_id
    return {
        "places": {
            "record_id": record,
            "file_id": files["page.html"],
            "event_id": event,
            "submission_id": rejected,
            "job_id": job,
            "audit_id": audit,
            "search_id": search,
            "notice_id": notice.id,
        },
        "foreign": {**foreign, "record_id": hidden, "file_id": other_file, "event_id": other_event, "submission_id": closed},
        "files": files,
    }


def _actor(archive: Archive, name: str) -> Actor:
    found = authenticate(archive, name, PASSWORD)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def attacked(_attacked_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The console over a home of its own."""
    home = Path(shutil.copytree(_attacked_home / "home", tmp_path_factory.mktemp("console") / "home"))
    archive = Archive.open(home)
    app = create_app(archive)
    app.testing = False
    app.add_url_rule("/broken", "broken", _break)
    app.add_url_rule("/api/v1/broken", "api_broken", _break)
    yield Attacked(app=app, archive=archive, **json.loads((_attacked_home / "places.json").read_text()))
    archive.close()


def _break() -> str:
    raise RuntimeError(HOSTILE_TEXT)


def absent(places: Mapping[str, Any]) -> dict[str, Any]:
    """The same places, with nothing there."""
    return {name: 999_999_999 if isinstance(value, int) else _ABSENT for name, value in places.items()}
