"""Accounts from a table: read as spreadsheet programs write it, checked line by line, all taken in or none."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from repository.accounts import authenticate, list_users
from repository.accounts.groups import create_group
from repository.accounts.importing import (
    MOST_BYTES,
    MOST_LINES,
    ImportRefused,
    preview_import,
    read_lines,
    read_text,
    take_in,
)
from repository.accounts.passwords import unknown_account_hash
from repository.accounts.users import add_user
from repository.archive import Archive
from repository.errors import PermissionDenied, UsageError
from repository.logbook.tables import LogEntry
from repository.permissions import Actor, Role
from repository.recordkeeping.agencies import create_agency
from tests.conftest import Cli

LOCAL = Actor.local()
SYSTEM = Actor(id="s", name="sys", roles=frozenset({Role.SYSTEM_ADMINISTRATOR}))
HEAD = "name,full_name,email,agency,groups,language,roles\n"
CODE = "11330000MB1905426E"


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def ready(archive: Archive) -> Archive:
    """An archive with an agency and two groups."""
    with archive.transaction(LOCAL) as tx:
        create_agency(tx, name="云栖市民政局", code=CODE)
        create_group(tx, name="保管科", roles=["preservation-officer"])
        create_group(tx, name="安全科", roles=["security-administrator"])
    return archive


def names(archive: Archive) -> set[str]:
    with archive.read(LOCAL) as tx:
        return {user.name for user in list_users(tx)}


def problems(archive: Archive, text: str, actor: Actor = LOCAL) -> list[tuple[int, str]]:
    try:
        found = preview_import(archive, actor, read_lines(text))
    except ImportRefused as refused:
        found = refused.problems
    return [(problem.number, problem.error.message) for problem in found]


def test_a_table_makes_accounts_with_one_time_passwords(ready: Archive) -> None:
    text = HEAD + f"zhang,张三,zhang@example.cn,{CODE},保管科,中文,agency-officer; researcher\nli,李四,,云栖市民政局,,en,\n"
    made = take_in(ready, LOCAL, read_lines(text))
    assert [account.name for account in made] == ["zhang", "li"]
    assert len({account.password for account in made}) == 2
    zhang = authenticate(ready, "zhang", made[0].password)
    assert zhang is not None
    assert zhang.roles == {Role.AGENCY_OFFICER, Role.RESEARCHER, Role.PRESERVATION_OFFICER}
    assert zhang.unit == "云栖市民政局"
    with ready.read(LOCAL) as tx:
        by_name = {user.name: user for user in list_users(tx)}
        assert by_name["zhang"].must_change_password
        assert (by_name["zhang"].full_name, by_name["zhang"].language, by_name["li"].language) == ("张三", "zh_Hans_CN", "en")
        assert by_name["li"].role_names == []
        actions = [line.action for line in tx.session.query(LogEntry)]
    assert actions.count("user.imported") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_way_in_which_spreadsheets_save_is_read(encoding: str, separator: str, end: str) -> None:
    table = end.join([separator.join(["用户名", "姓名", "单位"]), separator.join(["zhang", "张三", "云栖市民政局"]), ""])
    [line] = read_lines(read_text(io.BytesIO(table.encode(encoding))))
    assert (line.number, line.name, line.full_name, line.agency) == (2, "zhang", "张三", "云栖市民政局")


def test_what_is_wrong_is_said_for_every_line_and_nothing_is_kept(ready: Archive) -> None:
    with ready.transaction(LOCAL) as tx:
        add_user(tx, name="old", password_hash=unknown_account_hash())
    text = HEAD + "\n".join([
        "good,好,,,,,",
        "old,,,,,,",
        "a b,,,,,,",
        "mail,,nobody,,,,",
        "agency,,,云栖市水利局,,,",
        "group,,,,水利科,,",
        "language,,,,,fr,",
        "role,,,,,,emperor",
        "officer,,,,,,agency-officer",
        "both,,,,安全科,,system-administrator",
    ])  # fmt: skip
    found = problems(ready, text)
    assert [number for number, _ in found] == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    said = dict(found)
    for number, part in (
        (3, "old"),
        (4, "a b"),
        (5, "mail address"),
        (6, "云栖市水利局"),
        (7, "水利科"),
        (8, "fr"),
        (9, "emperor"),
        (10, "without an agency"),
        (11, "at once"),
    ):
        assert part in said[number], number
    with pytest.raises(ImportRefused):
        take_in(ready, LOCAL, read_lines(text))
    assert names(ready) == {"old"}


def test_lines_that_cannot_be_read_are_named_too(ready: Archive) -> None:
    text = HEAD + 'x,=1+1,,,,,\ny,,,,,,\ny,,,,,,\nz,a,b,c,d,e,f,g\n@cmd,,,,,,\n+1,,,,,,\n"multi\nline",,,,,,\n'
    found = problems(ready, text)
    assert [number for number, _ in found] == [2, 4, 5, 6, 7]
    assert "formula" in found[0][1]
    assert "line 3 already" in found[1][1]
    assert "8 values" in found[2][1]


def test_a_preview_makes_nothing(ready: Archive) -> None:
    assert not preview_import(ready, LOCAL, read_lines(HEAD + "good,,,,,,\n"))
    assert not names(ready)


@pytest.mark.parametrize("cell", ["archivist", "audit-administrator"])
def test_roles_and_groups_are_for_those_who_may_grant(ready: Archive, cell: str) -> None:
    for line in (f"new,,,,,,{cell}", "new,,,,保管科,,"):
        [(number, said)] = problems(ready, HEAD + line, SYSTEM)
        assert number == 2
        assert "may not grant" in said
        with pytest.raises(ImportRefused):
            take_in(ready, SYSTEM, read_lines(HEAD + line))
    assert not names(ready)
    take_in(ready, SYSTEM, read_lines(HEAD + "new,,,,,,"))
    assert names(ready) == {"new"}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM_ADMINISTRATOR])
def test_nobody_else_imports(ready: Archive, role: Role) -> None:
    actor = Actor(id="1", name="x", roles=frozenset({role}))
    with pytest.raises(PermissionDenied):
        take_in(ready, actor, read_lines(HEAD + "new,,,,,,"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column “name”"),
        ("full_name\n张三\n", "no column “name”"),
        ("name,salary\nx,1\n", "salary"),
        ("name,name\nx,y\n", "twice"),
        (HEAD, "no lines"),
        (HEAD + '"open,,,,,,\n', "cannot be read"),
        (HEAD + "".join(f"a{number},,,,,,\n" for number in range(MOST_LINES + 1)), "more than"),
    ],
)
def test_tables_that_are_none_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_lines(text)


@pytest.mark.parametrize("content", [b"name\n" + b"x" * MOST_BYTES, b"PK\x03\x04\x00\x00", b"\xff\xfe\x00\xd8", b"name\n\x80\xff\xff"])
def test_files_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        read_text(io.BytesIO(content))


def test_a_table_from_the_command_line(cli: Cli, ready: Archive, tmp_path: Path) -> None:
    table = tmp_path / "accounts.csv"
    table.write_bytes((HEAD + "zhang,张三,,,,,archivist\n").encode("gb18030"))
    tried = cli("user", "import", table, "--dry-run")
    assert (tried.exit_code, tried.stdout) == (0, "")
    assert not names(ready)
    made = cli("user", "import", table, "--json")
    assert made.exit_code == 0, made.stderr
    line = json.loads(made.stdout)
    assert authenticate(ready, line["name"], line["password"]) is not None
    again = cli("user", "import", table, "--json")
    assert again.exit_code == 1
    wrong = json.loads(again.stdout)
    assert (wrong["line"], wrong["name"]) == (2, "zhang")
    assert "zhang" in wrong["message"]
