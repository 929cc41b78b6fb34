"""The pages of administration: each of the three administrators finds the own part of the work, and no more."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask import Flask

from repository.accounts import authenticate, create_user, find_actor
from repository.accounts.groups import add_member, create_group, list_groups
from repository.accounts.roles import effective_roles
from repository.accounts.tables import User
from repository.accounts.tokens import create_token, find_token_actor
from repository.archive import Archive
from repository.permissions import ROLE_PERMISSIONS, Actor, Permission, Role
from repository.recordkeeping.agencies import list_agencies
from repository.web.permission_words import PART_WORDS, PERMISSION_WORDS, ROLE_TEXTS
from tests.tools.console import AGENCY, AGENCY_CODE, PASSWORD, Visitor, _console_home, app, database, home, ids, readable

__all__ = ["_console_home", "app", "database", "home", "ids"]

LOCAL = Actor.local()
SECRET = re.compile(r"<code>([^<]+)</code>")


@pytest.fixture
def system(app: Flask) -> Visitor:
    return logged_in(app, "system-administrator")


@pytest.fixture
def security(app: Flask) -> Visitor:
    return logged_in(app, "security-administrator")


@pytest.fixture
def audit(app: Flask) -> Visitor:
    return logged_in(app, "audit-administrator")


def logged_in(app: Flask, name: str, password: str = PASSWORD, *, language: str = "en") -> Visitor:
    visitor = Visitor(app, language=language)
    visitor.log_in(name, password=password)
    return visitor


def user(archive: Archive, name: str) -> User:
    with archive.read(LOCAL) as tx:
        return tx.session.query(User).filter(User.name == name).one()


def test_an_account_goes_from_the_one_administrator_to_the_other(app: Flask, archive: Archive, system: Visitor, security: Visitor) -> None:
    made = system.send("/admin/new-account", name="zhang", full_name="张三", agency="", language="zh_Hans_CN", email="")
    assert made.status_code == 200
    password = SECRET.findall(made.get_data(as_text=True))[0]
    assert "no roles yet" in readable(made)
    assert user(archive, "zhang").must_change_password
    assert not effective_roles(user(archive, "zhang"))
    assert authenticate(archive, "zhang", password) is not None
    assert password not in system.text("/admin/accounts/zhang")
    granted = security.send("/admin/accounts/zhang", "/admin/accounts/zhang/roles", roles=["archivist", "approver"])
    assert granted.status_code == 302
    assert effective_roles(user(archive, "zhang")) == {Role.ARCHIVIST, Role.APPROVER}
    assert "张三" in security.text("/admin/accounts?role=approver")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "a b"}, "cannot be the name"),
        ({"name": "archivist"}, "There is an account"),
        ({"name": "zhang", "email": "nobody"}, "no mail address"),
        ({"name": "zhang", "agency": "云栖市水利局"}, "There is no agency"),
        ({"name": "zhang", "full_name": "x" * 101}, "cannot be a person"),
    ],
)
def test_what_is_wrong_stands_at_the_field_and_nothing_is_kept(
    archive: Archive, system: Visitor, fields: dict[str, str], said: str
) -> None:
    answer = system.send("/admin/new-account", **{"full_name": "", "email": "", "agency": "", "language": "", **fields})
    assert answer.status_code == 400
    assert said in readable(answer)
    assert 'class="invalid-feedback' in answer.get_data(as_text=True)
    with archive.read(LOCAL) as tx:
        assert tx.session.query(User).filter(User.name == "zhang").count() == 0


def test_the_system_administrator_grants_nothing_by_any_form(archive: Archive, system: Visitor) -> None:
    with archive.transaction(LOCAL) as tx:
        group = create_group(tx, name="一科", roles=["archivist"])
    for address, fields in (
        ("/admin/accounts/researcher/roles", {"roles": ["archivist"]}),
        ("/admin/groups", {"name": "二科"}),
        (f"/admin/groups/{group}/members", {"member": "researcher"}),
        (f"/admin/groups/{group}/roles", {"roles": ["approver"]}),
    ):
        assert system.send("/admin/new-account", address, **fields).status_code == 403, address
    made = system.send("/admin/new-account", name="zhang", roles=["archivist"], full_name="", email="", agency="", language="")
    assert made.status_code == 200
    assert not effective_roles(user(archive, "zhang"))
    assert effective_roles(user(archive, "researcher")) == {Role.RESEARCHER}


def test_the_security_administrator_makes_no_accounts(security: Visitor) -> None:
    for address in ("/admin/new-account", "/admin/import", "/admin/agencies/new"):
        assert security.get(address).status_code == 403
    for address in ("/admin/accounts/researcher/disable", "/admin/accounts/researcher/reset", "/admin/accounts/researcher"):
        assert security.send("/admin/groups", address).status_code == 403


def test_the_audit_administrator_only_reads(archive: Archive, audit: Visitor) -> None:
    page = audit.get("/admin/accounts/researcher").get_data(as_text=True)
    assert "/roles" not in re.findall(r'action="(/admin[^"]*)"', page)
    token = re.compile(r'name="csrf_token"[^>]*value="')
    assert token.search(page)
    for address in ("disable", "reset", "roles", "agency", "unlock", "enable"):
        answer = audit.send("/admin/resets", f"/admin/accounts/researcher/{address}", roles=["archivist"], agency=AGENCY)
        assert answer.status_code == 403, address
    assert effective_roles(user(archive, "researcher")) == {Role.RESEARCHER}


@pytest.mark.parametrize("name", ["archivist", "researcher", "agency-officer", "preservation-officer", "approver"])
def test_nobody_else_sees_accounts(app: Flask, name: str) -> None:
    visitor = logged_in(app, name)
    for address in ("/admin/", "/admin/accounts", "/admin/accounts/archivist", "/admin/groups", "/admin/resets", "/admin/import"):
        assert visitor.get(address).status_code == 403, address


def test_a_second_of_the_three_is_refused_in_words(archive: Archive, security: Visitor) -> None:
    answer = security.send(
        "/admin/accounts/system-administrator",
        "/admin/accounts/system-administrator/roles",
        roles=["system-administrator", "audit-administrator"],
    )
    assert answer.status_code == 400
    assert "check each other" in readable(answer)
    assert 'id="roles-error"' in answer.get_data(as_text=True)
    assert effective_roles(user(archive, "system-administrator")) == {Role.SYSTEM_ADMINISTRATOR}


def test_the_own_roles_are_not_offered_and_not_taken(archive: Archive, security: Visitor) -> None:
    assert "Nobody changes the own roles" in security.text("/admin/accounts/security-administrator")
    answer = security.send("/admin/groups", "/admin/accounts/security-administrator/roles", roles=["security-administrator", "archivist"])
    assert answer.status_code == 403
    assert effective_roles(user(archive, "security-administrator")) == {Role.SECURITY_ADMINISTRATOR}


def test_an_account_that_was_tampered_with_is_shown_as_what_it_is(archive: Archive, audit: Visitor) -> None:
    with archive.transaction(LOCAL) as tx:
        tx.session.query(User).filter(User.name == "researcher").one().role_names = ["system-administrator", "audit-administrator"]
    assert "none of them counts" in audit.text("/admin/accounts/researcher")


def test_a_group_gives_roles_and_says_so(archive: Archive, security: Visitor) -> None:
    made = security.send("/admin/groups", name="保管科")
    assert made.status_code == 302
    page = made.headers["Location"]
    assert security.send(page, f"{page}/roles", roles=["preservation-officer"]).status_code == 302
    assert security.send(page, f"{page}/members", member="researcher").status_code == 302
    assert effective_roles(user(archive, "researcher")) == {Role.RESEARCHER, Role.PRESERVATION_OFFICER}
    wrong = security.send(page, f"{page}/members", member="nobody")
    assert wrong.status_code == 400
    assert "There is no account" in readable(wrong)
    assert "保管科 preservation officer researcher" in security.text("/admin/groups")
    security.send(page, f"{page}/delete")
    assert "Take the members out first" in security.text(page)
    security.send(page, f"{page}/members/researcher/remove")
    security.send(page, f"{page}/delete")
    with archive.read(LOCAL) as tx:
        assert not list_groups(tx)


def test_a_reset_shows_a_password_once_and_ends_the_sessions(app: Flask, archive: Archive, system: Visitor) -> None:
    victim = logged_in(app, "archivist")
    assert victim.get("/").status_code == 200
    answer = system.send("/admin/accounts/archivist", "/admin/accounts/archivist/reset")
    [password] = SECRET.findall(answer.get_data(as_text=True))
    assert victim.get("/").status_code == 302
    again = logged_in(app, "archivist", password)
    assert "/account/password" in again.get("/").headers.get("Location", "")
    assert authenticate(archive, "archivist", PASSWORD) is None


def test_an_administrators_password_takes_two_others(
    app: Flask, archive: Archive, system: Visitor, security: Visitor, audit: Visitor
) -> None:
    alone = system.send("/admin/new-account", "/admin/accounts/audit-administrator/reset")
    assert alone.status_code == 302
    assert authenticate(archive, "audit-administrator", PASSWORD) is not None
    asked = system.send("/admin/accounts/audit-administrator", "/admin/accounts/audit-administrator/ask-reset")
    [first] = SECRET.findall(asked.get_data(as_text=True))
    page = security.get("/admin/resets").get_data(as_text=True)
    [confirm] = re.findall(r'action="(/admin/resets/[^"]+/confirm)"', page)
    assert "/confirm" not in system.get("/admin/resets").get_data(as_text=True)
    answer = security.send("/admin/resets", confirm)
    [second] = SECRET.findall(answer.get_data(as_text=True))
    assert authenticate(archive, "audit-administrator", f"{first}-{second}") is not None


def test_disabling_ends_what_the_person_does(app: Flask, archive: Archive, system: Visitor) -> None:
    victim = logged_in(app, "archivist")
    system.send("/admin/accounts/archivist", "/admin/accounts/archivist/disable")
    assert victim.get("/").status_code == 302
    assert "disabled" in system.text("/admin/accounts?state=disabled")
    system.send("/admin/accounts/archivist", "/admin/accounts/archivist/enable")
    assert user(archive, "archivist").active


def test_agencies_are_made_renamed_and_ended(archive: Archive, system: Visitor) -> None:
    wrong = system.send("/admin/agencies/new", name="云栖市规划局", code=AGENCY_CODE[:-1] + "E", fonds="", other_names="")
    assert wrong.status_code == 400
    assert "ask for D" in readable(wrong)
    taken = system.send("/admin/agencies/new", name="云栖市规划局", code=AGENCY_CODE, fonds="", other_names="")
    assert taken.status_code == 400
    assert AGENCY in readable(taken)
    made = system.send("/admin/agencies/new", name="云栖市规划局", code="", fonds="J012", other_names="云栖县规划局\n")
    page = made.headers["Location"]
    system.send(page, name="云栖市自然资源和规划局", code="", fonds="J012", other_names="云栖县规划局")
    assert "formerly 云栖县规划局, 云栖市规划局" in system.text("/admin/agencies")
    system.send(page, f"{page}/close")
    assert "has ended" in system.text(page)
    with archive.read(LOCAL) as tx:
        [agency] = list_agencies(tx, text="自然资源")
    assert not agency.active


def test_an_officers_agency_is_the_security_administrators_to_change(archive: Archive, system: Visitor, security: Visitor) -> None:
    system.send("/admin/agencies/new", name="云栖市规划局", code="", fonds="", other_names="")
    address = "/admin/accounts/agency-officer/agency"
    assert system.send("/admin/new-account", address, agency="云栖市规划局").status_code == 403
    assert security.send("/admin/accounts/agency-officer", address, agency="云栖市规划局").status_code == 302
    officer = find_actor(archive, user(archive, "agency-officer").id)
    assert officer is not None
    assert officer.unit == "云栖市规划局"


def test_an_import_is_looked_through_before_it_happens(archive: Archive, system: Visitor) -> None:
    table = "用户名,姓名,单位\nzhang,张三,\nli,李四,云栖市民政局\n".encode("gb18030")
    looked = system.send("/admin/import", file=(io.BytesIO(table), "accounts.csv"))
    assert looked.status_code == 200
    assert "2 accounts can be made" in readable(looked)
    with archive.read(LOCAL) as tx:
        assert tx.session.query(User).filter(User.name == "zhang").count() == 0
    page = looked.get_data(as_text=True)
    text = re.search(r'name="text"[^>]*value="([^"]*)"', page)
    assert text is not None
    made = system.send("/admin/import", "/admin/import/confirm", text=text[1])
    assert made.status_code == 200
    assert len(SECRET.findall(made.get_data(as_text=True))) == 2
    assert user(archive, "li").agency_id is not None


def test_an_import_with_mistakes_names_the_lines(archive: Archive, system: Visitor) -> None:
    table = b"name,roles\nzhang,\nli,archivist\narchivist,\n"
    looked = system.send("/admin/import", file=(io.BytesIO(table), "accounts.csv"))
    assert looked.status_code == 400
    text = readable(looked)
    assert "2 lines cannot be taken in" in text
    assert "may not grant" in text
    forced = system.send("/admin/import", "/admin/import/confirm", text=table.decode())
    assert forced.status_code == 400
    with archive.read(LOCAL) as tx:
        assert tx.session.query(User).filter(User.name.in_(["zhang", "li"])).count() == 0
    assert "Choose a file first" in readable(system.send("/admin/import"))


def test_a_token_is_made_shown_once_and_revoked(app: Flask, archive: Archive) -> None:
    visitor = logged_in(app, "archivist")
    none = visitor.send("/account/tokens/", name="harvester", days="30")
    assert none.status_code == 400
    assert "at least one thing" in readable(none)
    assert visitor.send("/account/tokens/", name="harvester", days="9999", scopes=["record.read"]).status_code == 400
    made = visitor.send("/account/tokens/", name="harvester", days="30", scopes=["record.read"])
    [secret] = [found for found in SECRET.findall(made.get_data(as_text=True)) if found.startswith("jg_")]
    assert secret not in visitor.get("/account/tokens/").get_data(as_text=True)
    found = find_token_actor(archive, secret)
    assert found is not None
    page = visitor.get("/account/tokens/").get_data(as_text=True)
    [revoke] = re.findall(r'action="(/account/tokens/[^"]+/revoke)"', page)
    assert logged_in(app, "researcher").send("/account/tokens/", revoke).status_code == 404
    assert find_token_actor(archive, secret) is not None
    visitor.send("/account/tokens/", revoke)
    assert find_token_actor(archive, secret) is None


def test_the_security_administrator_revokes_anybodys_token(archive: Archive, security: Visitor, system: Visitor) -> None:
    owner = find_actor(archive, user(archive, "archivist").id)
    assert owner is not None
    with archive.transaction(owner) as tx:
        made = create_token(tx, name="harvester", scopes=["record.read"], expires=tx.now + timedelta(days=1))
    assert "harvester" in security.text("/admin/accounts/archivist")
    assert "harvester" not in system.text("/admin/accounts/archivist")
    security.send("/admin/accounts/archivist", f"/admin/accounts/archivist/tokens/{made.id}/revoke")
    assert find_token_actor(archive, made.secret) is None


def test_no_token_is_offered_what_only_people_do(app: Flask) -> None:
    for name in ("system-administrator", "security-administrator", "audit-administrator"):
        page = logged_in(app, name).get("/account/tokens/").get_data(as_text=True)
        for scope in ("user.manage", "role.grant", "log.read", "token.revoke", "administrator.reset"):
            assert f'value="{scope}"' not in page, (name, scope)


def test_who_has_no_role_is_told_so(app: Flask, archive: Archive) -> None:
    with archive.transaction(LOCAL) as tx:
        create_user(tx, name="zhang", password=PASSWORD)
    visitor = logged_in(app, "zhang")
    assert "no role yet" in visitor.text("/")
    assert visitor.get("/admin/roles").status_code == 200
    assert visitor.get("/records/").status_code == 403


def test_a_short_list_has_no_second_page(system: Visitor) -> None:
    assert "8 accounts" in system.text("/admin/accounts")
    assert 'rel="next"' not in system.get("/admin/accounts").get_data(as_text=True)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_everybody_can_read_who_may_do_what(app: Flask, language: str) -> None:
    page = logged_in(app, "researcher", language=language).get("/admin/roles").get_data(as_text=True)
    for permission in Permission:
        assert f'<span class="code">{permission}</span>' in page
    assert page.count("✓") == sum(len(permissions) for permissions in ROLE_PERMISSIONS.values())


def test_every_role_and_permission_has_its_words() -> None:
    assert set(PERMISSION_WORDS) == set(Permission)
    assert set(ROLE_TEXTS) == set(Role)
    assert {permission.partition(".")[0] for permission in Permission} <= set(PART_WORDS)


def test_names_of_people_are_text_and_not_markup(archive: Archive, security: Visitor) -> None:
    with archive.transaction(LOCAL) as tx:
        create_user(tx, name="eve", password=PASSWORD, full_name="<script>alert(1)</script>")
        add_member(tx, create_group(tx, name="<img src=x onerror=alert(1)>"), "eve")
    for address in ("/admin/accounts", "/admin/accounts/eve", "/admin/groups"):
        page = security.get(address).get_data(as_text=True)
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page
