"""Agencies: their codes, their names through the years, and what that means for records and officers."""

from __future__ import annotations

import json

import pytest

from repository.accounts import create_user, find_actor
from repository.archive import Archive
from repository.errors import Conflict, NotFound, PermissionDenied, UsageError
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Permission, Role, allows
from repository.recordkeeping.agencies import (
    change_agency,
    close_agency,
    create_agency,
    find_agency,
    list_agencies,
    rename_agency,
    reopen_agency,
)
from tests.conftest import Cli

CODE = "11330000MB1905426E"
OTHER = "91350100M000100Y43"
PASSWORD = "bronze-bound-chest"


class Kept:
    """A record of a unit."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.sharing = ""
        self.security = ""


@pytest.fixture
def database() -> str:
    return "sqlite"


def make(archive: Archive, name: str = "云栖市档案局", **more: str) -> str:
    with archive.transaction(Actor.local()) as tx:
        return create_agency(tx, name=name, **more)


@pytest.mark.parametrize(
    ("code", "said"), [("11330000MB1905426R", "ask for E"), ("11330000MB190542", "18 digits"), ("1133OOOOMB1905426E", "18 digits")]
)
def test_a_code_that_does_not_hold_is_refused_with_what_it_should_be(archive: Archive, code: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(archive, code=code)
    with archive.read(Actor.local()) as tx:
        assert not list_agencies(tx)


def test_a_code_is_taken_however_it_is_typed_and_is_one_agencys_alone(archive: Archive) -> None:
    id = make(archive, code=" 11330000 mb1905426e ")
    with archive.read(Actor.local()) as tx:
        assert find_agency(tx, CODE).id == find_agency(tx, CODE.lower()).id == id
    with pytest.raises(Conflict, match="云栖市档案局"):
        make(archive, "云栖市民政局", code=CODE)


def test_historic_agencies_have_no_code(archive: Archive) -> None:
    make(archive, "云栖县革命委员会")
    make(archive, "云栖县人民公社")
    with archive.read(Actor.local()) as tx:
        assert [agency.code for agency in list_agencies(tx)] == [None, None]


def test_with_a_new_name_the_old_one_is_kept_and_its_records_stay_the_officers(archive: Archive) -> None:
    id = make(archive, "云栖市规划局")
    with archive.transaction(Actor.local()) as tx:
        user = create_user(tx, name="wang", password=PASSWORD, roles=["agency-officer"], unit="云栖市规划局")
    with archive.transaction(Actor.local()) as tx:
        rename_agency(tx, id, "云栖市自然资源和规划局")
    officer = find_actor(archive, user)
    assert officer is not None
    assert officer.unit == "云栖市自然资源和规划局"
    for unit, seen in (("云栖市规划局", True), ("云栖市自然资源和规划局", True), ("云栖市民政局", False), ("", False)):
        assert allows(officer, Permission.RECORD_READ, Kept(unit)) is seen, unit
    with archive.read(Actor.local()) as tx:
        assert find_agency(tx, "云栖市规划局").id == id
        assert [agency.id for agency in list_agencies(tx, text="规划局")] == [id]


def test_no_two_agencies_share_a_name_of_any_time(archive: Archive) -> None:
    id = make(archive, "云栖市规划局")
    with archive.transaction(Actor.local()) as tx:
        rename_agency(tx, id, "云栖市自然资源和规划局")
    with pytest.raises(Conflict, match="云栖市规划局"):
        make(archive, "云栖市规划局")
    other = make(archive, "云栖市民政局")
    with pytest.raises(Conflict), archive.transaction(Actor.local()) as tx:
        rename_agency(tx, other, "云栖市规划局")
    with archive.read(Actor.local()) as tx:
        assert find_agency(tx, other).name == "云栖市民政局"
    with archive.transaction(Actor.local()) as tx:
        rename_agency(tx, id, "云栖市规划局")
    with archive.read(Actor.local()) as tx:
        assert find_agency(tx, id).other_names == ["云栖市自然资源和规划局"]


def test_nobody_becomes_officer_of_an_agency_that_ended(archive: Archive) -> None:
    id = make(archive)
    with archive.transaction(Actor.local()) as tx:
        close_agency(tx, id)
    with pytest.raises(Conflict, match="ended"), archive.transaction(Actor.local()) as tx:
        create_user(tx, name="wang", password=PASSWORD, roles=["agency-officer"], unit="云栖市档案局")
    with archive.transaction(Actor.local()) as tx:
        reopen_agency(tx, id)
        create_user(tx, name="wang", password=PASSWORD, roles=["agency-officer"], unit="云栖市档案局")


@pytest.mark.parametrize("role", list(Role))
def test_only_the_system_administrator_changes_agencies(archive: Archive, role: Role) -> None:
    id = make(archive)
    actor = Actor(id="1", name="somebody", roles=frozenset({role}))
    attempts = (
        lambda tx: create_agency(tx, name="云栖市民政局"),
        lambda tx: change_agency(tx, id, fonds="J012"),
        lambda tx: close_agency(tx, id),
        lambda tx: reopen_agency(tx, id),
    )
    for attempt in attempts:
        if role is Role.SYSTEM_ADMINISTRATOR:
            with archive.transaction(actor) as tx:
                attempt(tx)
        else:
            with pytest.raises(PermissionDenied), archive.transaction(actor) as tx:
                attempt(tx)


def test_each_change_is_in_the_logbook_with_before_and_after(archive: Archive) -> None:
    id = make(archive)
    with archive.transaction(Actor.local()) as tx:
        change_agency(tx, id, code=CODE, fonds="J012")
        close_agency(tx, id)
    with archive.read(Actor.local()) as tx:
        lines = tx.session.query(LogEntry).filter(LogEntry.object_type == "agency").order_by(LogEntry.sequence).all()
    assert [line.action for line in lines] == ["agency.created", "agency.changed", "agency.closed"]
    assert lines[1].detail["before"]["code"] == ""
    assert lines[1].detail["after"]["code"] == CODE


@pytest.mark.parametrize("name", ["", "  ", "局" * 201, "局\x00", "局\u202e"])
def test_names_that_cannot_be_are_refused(archive: Archive, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        make(archive, name)


def test_agencies_from_the_command_line(cli: Cli, archive: Archive) -> None:
    assert cli("agency", "add", "云栖市规划局", "--code", CODE, "--fonds", "J012").exit_code == 0
    wrong = cli("agency", "add", "云栖市民政局", "--code", CODE[:-1] + "R")
    assert wrong.exit_code == 2
    assert "ask for E" in wrong.stderr
    assert cli("agency", "change", CODE, "--name", "云栖市自然资源和规划局").exit_code == 0
    assert cli("agency", "close", "云栖市规划局").exit_code == 0
    [line] = cli("agency", "list", "--json").stdout.splitlines()
    assert json.loads(line) == {
        "name": "云栖市自然资源和规划局",
        "code": CODE,
        "fonds": "J012",
        "other_names": ["云栖市规划局"],
        "active": False,
    }
    assert cli("agency", "reopen", CODE).exit_code == 0
    gone = cli("agency", "close", "云栖市水利局")
    assert gone.exit_code == 1
    assert "jingui agency add" in gone.stderr
    with archive.read(Actor.local()) as tx:
        assert find_agency(tx, CODE).active


def test_what_is_not_there_is_not_found(archive: Archive) -> None:
    with archive.read(Actor.local()) as tx:
        for wanted in ("", "云栖市民政局", OTHER):
            with pytest.raises(NotFound):
                find_agency(tx, wanted)
