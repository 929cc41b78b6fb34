"""Every route × every role × own and other agency × every class of record: the answer is the one in the table, and tells no more.

Only an agency officer has an agency; for everybody else the records of the two agencies take turns.

The home is made once. Each person asks for everything; of every answer the status is compared with the table, and header
and body are searched for words that only stand in records this person may not read.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from repository.app import create_app
from repository.archive import Archive
from repository.settings import SETTINGS_FILE
from tests.tools.console import TOKEN, Visitor
from tests.tools.identification import identifier, registry
from tests.tools.permission_home import OTHER, OWN, Foreign, Planted, plant
from tests.tools.permission_table import CLASSES, FOUND_BY, KNOW_AGENCIES, PEOPLE, Route, routes, tier, told

TABLE: Final = routes()
WORD: Final = re.compile(rb"(title|file|applicant|case|affair|abstract|content|identifier)(\d\d)zq")
API: Final = "/api/v1"
#: What a program sends that uploads by tus.
TUS: Final = {
    "Tus-Resumable": "1.0.0",
    "Content-Type": "application/offset+octet-stream",
    "Upload-Offset": "0",
    "Upload-Length": "3",
    "X-HTTP-Method-Override": "DELETE",
}


@dataclass(kw_only=True)
class World:
    """What the tests ask, and of whom."""

    app: Flask
    records: list[Planted]
    foreign: Foreign
    visitors: dict[str, Asker] = field(default_factory=dict)

    def asker(self, letter: str) -> Asker:
        """Somebody who has logged in."""
        if letter not in self.visitors:
            self.visitors[letter] = Asker(self, letter)
        return self.visitors[letter]


class Asker:
    """Somebody who asks, and looks at what comes back."""

    def __init__(self, world: World, letter: str) -> None:
        self.world = world
        self.letter = letter
        self.visitor = Visitor(world.app)
        if letter != "-":
            assert self.visitor.log_in(PEOPLE[letter]).status_code == 302

    def token(self) -> str:
        """The token that pages of this session carry."""
        found = TOKEN.search(self.visitor.get("/about").get_data(as_text=True))
        return found[1] if found else ""

    def ask(self, method: str, path: str) -> TestResponse:
        """Sends a request as a page or a program of this person would."""
        headers = {"Accept-Language": "en"}
        if path.startswith(API) and method in {"POST", "PATCH", "DELETE"}:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": self.token()}
        if path.startswith(f"{API}/uploads"):
            headers |= TUS | {"Upload-Metadata": f"set {b64(self.world.foreign.places['set_id'])},filename {b64('b.txt')}"}
        # where what may be done depends on what is asked for, a form asks for something
        data = {"agency": OTHER} if path.endswith("/agency") else None
        return self.visitor.client.open(path, method=method, headers=headers, data=data, buffered=True)

    def reach(self, record: Planted) -> int:
        """How far this person gets with a record."""
        return tier(self.letter, record.kind, own=record.unit == OWN)

    def leaks(self, answer: TestResponse, path: str) -> list[str]:
        """What the answer tells that this person may not know."""
        text = str(answer.headers).encode() + everything(answer)
        found = set()
        for place, number in WORD.findall(text):
            record = self.world.records[int(number)]
            word = f"{place.decode()}{number.decode()}zq"
            if word not in path and place.decode() not in told(self.reach(record)):
                found.add(f"{word} ({record.name})")
        if self.letter in "orn-":
            # to the others, ids are the names of things they look after
            hidden = (record for record in self.world.records if not self.reach(record))
            found |= {
                f"id of {item.name}"
                for item in hidden
                if item.places["record_id"] not in path and item.places["record_id"].encode() in text
            }
        for unit in (OWN, OTHER):
            known = self.letter in KNOW_AGENCIES or any(self.reach(record) for record in self.world.records if record.unit == unit)
            if not known and unit not in path and unit.encode() in text:
                found.add(unit)
        return sorted(found)


def b64(text: str) -> str:
    """As tus writes values."""
    return base64.b64encode(text.encode()).decode()


def everything(answer: TestResponse) -> bytes:
    """The body; of a zip, what is in it."""
    body = answer.get_data()
    if not body.startswith(b"PK\x03\x04"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        return b"\n".join(entry.filename.encode() + b"\n" + opened.read(entry) for entry in opened.infolist())


@pytest.fixture(scope="module")
def world(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The home, and the application over it."""
    folder = tmp_path_factory.mktemp("matrix")
    home = folder / "home"
    shutil.copytree(_home_template, home)
    identifier()
    shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
    settings = home / SETTINGS_FILE
    settings.write_text('rate_limit = "1000000 per minute"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    archive = Archive.open(home)
    records, foreign = plant(archive, folder)
    app = create_app(archive)
    # forms are sent without their pages here; that they need the token is tested with the forms
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    yield World(app=app, records=records, foreign=foreign)
    archive.close()


def methods(rule: Rule) -> set[str]:
    """The methods of a rule that somebody wrote down, not those that come by themselves."""
    found = set(rule.methods or ())
    if "GET" in found:
        return found - {"HEAD", "OPTIONS"}
    return found - {"OPTIONS"} if found - {"OPTIONS"} else found


def test_every_route_is_in_the_table_and_nothing_else(world: World) -> None:
    served = {(method, rule.rule) for rule in world.app.url_map.iter_rules() for method in methods(rule)}
    assert {"not in the table": sorted(served - set(TABLE)), "not served": sorted(set(TABLE) - served)} == {
        "not in the table": [],
        "not served": [],
    }


def requests(world: World, letter: str) -> Iterator[tuple[Route, str, Planted | None]]:
    """Every request of somebody: reading first, then what may change something, the end of the session last."""
    rules = {(method, rule.rule): rule for rule in world.app.url_map.iter_rules() for method in methods(rule)}
    order = {"GET": 0, "HEAD": 0, "OPTIONS": 0}
    for key, route in sorted(TABLE.items(), key=lambda item: (item[0][1] == "/logout", order.get(item[0][0], 1))):
        if key not in rules:
            continue
        about: list[Planted | None] = [*asked_about(world, letter)] if route.thing in {"record", "submission"} else [None]
        for record in about:
            ghost = record is None and letter in route.who and route.method not in order and route.thing != "foreign"
            yield route, filled(rules[key], world, record, ghost=ghost), record


def asked_about(world: World, letter: str) -> list[Planted]:
    """Every class of record: of both agencies for an officer, by turns of one and the other for those who have no agency."""
    if letter == "o":
        return world.records
    return [record for record in world.records if (CLASSES.index(record.kind) % 2 == 0) == (record.unit == OWN)]


def filled(rule: Rule, world: World, record: Planted | None, *, ghost: bool) -> str:
    """The address with something in every place; with a ghost, of which there is none, where whoever asks would change it."""
    values: dict[str, Any] = {**world.foreign.places, **(record or world.records[0]).places}
    if ghost:
        values |= dict.fromkeys(world.foreign.places, "00000000-0000-4000-8000-000000000000") | {"name": "ghost"}
    if "schedules" in rule.rule:
        values["name"] = "search.index"
    values |= {"form": "bagit", "number": 1, "code": "NOT_FOUND", "filename": "jingui.css"}
    values |= {name: int(values[name]) for name in ("file_id",) if name in rule.arguments}
    built = rule.build({name: values[name] for name in rule.arguments})
    assert built is not None, rule
    return built[1]


def expected(asker: Asker, route: Route, record: Planted | None) -> str:
    """What the table says."""
    if asker.letter not in route.who:
        if asker.letter == "-":
            return "log in"
        hidden = record is not None and asker.reach(record) < 2
        return "refused or nothing" if hidden or route.thing == "foreign" else "refused"
    if route.thing == "record" and record is not None:
        reached = asker.reach(record)
        if reached >= 2:
            return "shown or nothing" if "?" in route.notes else "shown"
        return ("gone" if record.kind == "destroyed" else "refused") if reached and "listed" in route.notes else "nothing"
    if route.thing == "submission" and record is not None:
        return "nothing" if asker.letter == "o" and record.unit != OWN else "shown"
    hidden = route.thing == "foreign" and not any(note.startswith("+") and asker.letter in note for note in route.notes)
    return "nothing" if hidden else "shown or nothing"


def answered(answer: TestResponse, path: str) -> str:
    """What the answer was."""
    status = answer.status_code
    if status == 401 and path.startswith(API):
        return "log in"
    if status == 302 and re.match(r"(https?://[^/]+)?/login\?", answer.headers["Location"]):
        return "log in"
    return {403: "refused", 404: "nothing", 410: "gone"}.get(status, "shown" if status < 500 else f"failed with {status}")


@pytest.mark.parametrize("letter", PEOPLE, ids=[name or "anonymous" for name in PEOPLE.values()])
def test_every_answer_is_the_one_in_the_table_and_tells_no_more(world: World, letter: str) -> None:
    asker = Asker(world, letter)
    differences = []
    for route, path, record in requests(world, letter):
        answer = asker.ask(route.method, path)
        wanted, found = expected(asker, route, record), answered(answer, path)
        if found not in wanted.split(" or "):
            differences.append(f"{route.method} {route.rule} [{record.name if record else ''}]: {found} ({answer.status}), not {wanted}")
        if leaks := asker.leaks(answer, path):
            differences.append(f"{route.method} {route.rule} [{record.name if record else ''}] tells {leaks}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("letter", "aopvr")
def test_a_word_finds_a_record_only_for_those_who_may_know_it(world: World, letter: str) -> None:
    asker = world.asker(letter)
    differences = []
    for record in asked_about(world, letter):
        for place, word in record.words.items():
            wanted = int(asker.reach(record) >= FOUND_BY.get(place, 9))
            answer = asker.ask("GET", f"{API}/records?q={word}&facet=unit&facet=year&facet=affair&facet=format")
            found = answer.get_json()
            if found["total"] != wanted or len(found["items"]) != wanted:
                differences.append(f"{word} ({record.name}) finds {found['total']}, not {wanted}")
            counted = {name: sum(value["count"] for value in values) for name, values in found["facets"].items()}
            if any(count > wanted for count in counted.values()):
                differences.append(f"{word} ({record.name}) counts {counted}")
            if leaks := asker.leaks(answer, word):
                differences.append(f"{word} tells {leaks}")
            if wanted == 0 and letter in "or":
                for path in (f"/records/?q={word}", f"/records/records.csv?q={word}"):
                    answer = asker.ask("GET", path)
                    assert answer.status_code == 200
                    if leaks := asker.leaks(answer, path):
                        differences.append(f"{path} tells {leaks}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("letter", "aopvr")
def test_lists_counts_and_facets_are_of_what_may_be_known(world: World, letter: str) -> None:
    asker = world.asker(letter)
    known = [record for record in world.records if asker.reach(record)]
    names = ("unit", "year", "sharing", "affair", "profile", "format", "retention", "agreement", "affair_type")
    every = asker.ask("GET", f"{API}/records?limit=100&" + "&".join(f"facet={name}" for name in names)).get_json()
    assert every["total"] == len(known)
    assert {item["id"] for item in every["items"]} == {record.places["record_id"] for record in known}
    for name in names:
        counted = sum(value["count"] for value in every["facets"][name])
        wanted = known if name in {"unit", "year", "sharing"} else [record for record in known if asker.reach(record) >= 2]
        assert counted == len(wanted), name
    for unit in (OWN, OTHER):
        found = asker.ask("GET", f"{API}/records?q={unit}").get_json()
        assert found["total"] == sum(record.unit == unit for record in known)
    page = asker.ask("GET", "/records/?" + "&".join(f"facet={name}" for name in names))
    table = asker.ask("GET", "/records/records.csv?columns=unit,affair,case_number,files")
    for answer in (page, table):
        assert answer.status_code == 200
        assert asker.leaks(answer, "") == []
    # the heading, a line a record, and what stands after the last line
    assert len(table.get_data(as_text=True).split("\r\n")) == len(known) + 2


@pytest.mark.parametrize("letter", "aopvrseun")
def test_the_dashboard_counts_what_may_be_read(world: World, letter: str) -> None:
    asker = world.asker(letter)
    page = asker.ask("GET", "/").get_data(as_text=True)
    counted = [int(number) for number in re.findall(r'class="figure">(\d+)</span> records? held', page)]
    readable = sum(asker.reach(record) >= 2 for record in world.records)
    assert counted in ([readable], [] if readable == 0 else [readable])


def test_the_table_and_the_home_name_the_same_classes(world: World) -> None:
    assert {record.kind for record in world.records} == set(CLASSES)
