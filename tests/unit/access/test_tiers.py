"""What somebody is told of a record that may be known of and not read."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from flask import Flask
from sqlalchemy import update

from access.tiers import condition_of, find_listed
from metadata.description import Description, Element
from repository.archive import Archive
from repository.holdings import Record
from repository.permissions import Actor, Role
from tests.tools.console import Ids, Visitor, _console_home, app, database, home, ids

__all__ = ["_console_home", "app", "database", "home", "ids"]

READER = Actor(id="9", name="eve", roles=frozenset({Role.RESEARCHER}))
ELEMENT = {"scheme": "zj-zwfw", "name": "file_share_conditions", "label": "共享条件", "value": "仅限规划部门"}


@pytest.fixture
def conditional(archive: Archive, ids: Ids) -> str:
    """The closed record, shared under conditions now."""
    description = {"abstract": "机密摘要", "elements": [ELEMENT], "case_number": "CASE7"}
    values = {
        "sharing": "有条件共享",
        "title": "桥梁许可",
        "unit": "交通局",
        "year": "2022",
        "case_number": "CASE7",
        "description": description,
    }
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == ids["closed"]).values(values))
    return ids["closed"]


def test_the_page_gives_the_reason_and_nothing_else(app: Flask, archive: Archive, conditional: str) -> None:
    archive.settings.request_contact = "利用科 0571-0000"
    reader = Visitor(app)
    reader.log_in(str(Role.RESEARCHER))
    answer = reader.get(f"/records/{conditional}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    for told in ("桥梁许可", "交通局", "2022", "仅限规划部门", "利用科 0571-0000", "shared under conditions"):
        assert told in page, told
    for hidden in ("机密摘要", "CASE7", "内部.txt", "BagIt"):
        assert hidden not in page, hidden


def test_the_notice_of_a_destroyed_record_is_for_staff(app: Flask, archive: Archive, conditional: str) -> None:
    with archive.transaction(Actor.local()) as tx:
        tx.session.execute(update(Record).where(Record.id == conditional).values(state="destroyed"))
    curator, reader = Visitor(app), Visitor(app)
    curator.log_in(str(Role.ARCHIVIST))
    reader.log_in(str(Role.RESEARCHER))
    answer = curator.get(f"/records/{conditional}")
    assert answer.status_code == 410
    assert "This record was destroyed" in answer.get_data(as_text=True)
    assert "内部.txt" not in answer.get_data(as_text=True)
    assert reader.get(f"/records/{conditional}").status_code == 404


def test_what_may_be_read_or_not_known_of_is_not_listed(archive: Archive, ids: Ids, conditional: str) -> None:
    with archive.read(READER) as tx:
        assert find_listed(tx, ids["record"]) is None
        assert find_listed(tx, "nothing") is None
        listed = find_listed(tx, conditional)
    assert listed is not None
    assert set(asdict(listed)) == {"id", "title", "unit", "year", "sharing_class", "reason", "condition", "contact"}
    archive.settings.conditional_listed = False
    with archive.read(READER) as tx:
        assert find_listed(tx, conditional) is None


def test_the_condition_is_what_the_package_says_unless_it_is_sensitive() -> None:
    def described(
        *, name: str = ELEMENT["name"], label: str = ELEMENT["label"], value: str = ELEMENT["value"], sensitive: bool = False
    ) -> Description:
        about = Element(scheme="zj-zwfw", name=name, label=label, value=value, sensitive=sensitive)
        return Description(elements=(Element(scheme="s", name="x", value="y"), about))

    assert condition_of(described()) == "仅限规划部门"
    assert condition_of(described(name="共享条件", label="")) == "仅限规划部门"
    assert condition_of(described(sensitive=True)) == ""
    assert condition_of(described(value="  ")) == ""
    assert len(condition_of(described(value="条" * 5000))) == 500
    assert condition_of(Description()) == ""
