"""What tests of the console share: a home with people and records, a worker at hand, and a visitor who follows forms.

A test module takes the home by importing the fixtures `database`, `home`, `app`, `ids` and `_console_home`.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from ingest.submissions import LOCAL_AGREEMENT, receive
from repository.accounts import create_user
from repository.app import create_app
from repository.archive import Archive
from repository.holdings import Record, Submission
from repository.jobs.worker import Worker
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency
from repository.search.pending import prepare, refresh
from tests.tools.identification import identifier, registry

PASSWORD = "bronze-bound-chest"
TITLE = "云栖市公园规划许可"
AGENCY = "云栖市民政局"
AGENCY_CODE = "11339900003399133D"
#: A picture of one pixel.
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
FILES = {
    "申请书.txt": "许可申请".encode(),
    'a "quoted";\r\nname.txt': b"quoted",
    "<b>x</b>.html": b"<script>alert(1)</script>",
    "plan.gif": GIF,
}
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


Ids = Mapping[str, str]


@pytest.fixture
def database() -> str:
    """What the pages show does not depend on the database."""
    return "sqlite"


@pytest.fixture(scope="session")
def _console_home(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an account a role, a record for all, one for staff, a rejected package; made once."""
    folder = tmp_path_factory.mktemp("console")
    home = folder / "home"
    shutil.copytree(_home_template, home)
    identifier()
    shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
    archive = Archive.open(home)
    try:
        add_people(archive)
        prepare(archive)
        shown = take_in(archive, packed(folder / f"{TITLE}.zip", FILES))
        closed = take_in(archive, packed(folder / "closed.zip", bag({"内部.txt": b"not for all"})))
        rejected = take_in(archive, packed(folder / "wrong.zip", bag({"报告.txt": b"report", "图.txt": b"plan"}, lie=True)))
        ids = {"submission": shown, "record": record_of(archive, shown), "closed": record_of(archive, closed), "rejected": rejected}
        open_to_all(archive, ids["record"])
        refresh(archive)
    finally:
        archive.close()
    (folder / "ids.json").write_text(json.dumps(ids))
    return folder


@pytest.fixture
def home(_console_home: Path, tmp_path: Path) -> Path:
    """The home."""
    return Path(shutil.copytree(_console_home / "home", tmp_path / "home"))


@pytest.fixture
def ids(_console_home: Path) -> Ids:
    """The ids of what is in it: ``record`` and its ``submission``, the ``closed`` record, the ``rejected`` submission."""
    found: Ids = json.loads((_console_home / "ids.json").read_text())
    return found


@pytest.fixture
def app(archive: Archive) -> Flask:
    """The web application over the home."""
    application = create_app(archive)
    application.testing = True
    return application


def packed(target: Path, files: Mapping[str, bytes]) -> Path:
    """A zip with these files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def bag(content: Mapping[str, bytes], *, lie: bool = False) -> Mapping[str, bytes]:
    """The files of a bag; a lying one has a wrong digest for its first file."""
    lines = []
    for number, (name, value) in enumerate(content.items()):
        digest = hashlib.sha256(b"other bytes" if lie and number == 0 else value).hexdigest()
        lines.append(f"{digest}  data/{name}\n")
    return {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "manifest-sha256.txt": "".join(lines).encode(),
        **{f"data/{name}": value for name, value in content.items()},
    }


def add_people(archive: Archive) -> None:
    """An account for each role, named like it, and the agency of the officer."""
    with archive.transaction(Actor.local()) as tx:
        create_agency(tx, name=AGENCY, code=AGENCY_CODE)
        for role in Role:
            create_user(tx, name=str(role), password=PASSWORD, roles=[role], unit=AGENCY if role is Role.AGENCY_OFFICER else "")


def work_off(archive: Archive) -> None:
    """Does every job that waits."""
    Worker(archive).run(until_idle=True)


def take_in(archive: Archive, package: Path) -> str:
    """Takes a package through the pipeline; says the id of its submission."""
    with archive.transaction(Actor.local()) as tx:
        submission = receive(tx, source=package, agreement=LOCAL_AGREEMENT)
    work_off(archive)
    return submission


def record_of(archive: Archive, submission: str) -> str:
    """The record that a submission became."""
    with archive.read(Actor.local()) as tx:
        row = tx.session.get(Submission, submission)
    assert row is not None
    assert row.record_id is not None, row.findings
    return row.record_id


def open_to_all(archive: Archive, record: str) -> None:
    """Lets everybody read a record, as a package would that says so."""
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == record).values(sharing="无条件共享"))


class Visitor:
    """Somebody with a browser of their own, who sends forms as the pages have them."""

    def __init__(self, app: Flask, *, language: str = "en") -> None:
        self.client = app.test_client()
        self.language = language

    def get(self, address: str) -> TestResponse:
        """Follows a link."""
        return self.client.get(address, headers={"Accept-Language": self.language}, buffered=True)

    def text(self, address: str) -> str:
        """The text of a page, which must be there."""
        answer = self.get(address)
        assert answer.status_code == 200, answer.status
        return readable(answer)

    def send(self, page: str, address: str = "", **fields: object) -> TestResponse:
        """Sends the form of a page, with its token; the address is the page's own unless it says another."""
        found = TOKEN.search(self.get(page).get_data(as_text=True))
        assert found is not None, f"{page} has no form"
        data = {"csrf_token": found[1], **fields}
        return self.client.post(address or page, data=data, headers={"Accept-Language": self.language}, buffered=True)

    def log_in(self, name: str, *, password: str = PASSWORD, target: str = "") -> TestResponse:
        """Logs in."""
        return self.send("/login" + (f"?next={target}" if target else ""), name=name, password=password)


def readable(answer: TestResponse) -> str:
    """The text of a page without its tags."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))
