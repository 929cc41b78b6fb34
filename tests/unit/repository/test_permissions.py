"""Who may do what, to one object at hand and inside queries."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from repository.archive import Archive
from repository.errors import PermissionDenied, UsageError
from repository.holdings import Agreement, Record, Submission
from repository.permissions import ADMINISTRATORS, ROLE_PERMISSIONS, Actor, Permission, Role, allows, tier_of, validate_roles
from repository.recordkeeping.sharing import Tier
from repository.visibility import listed_condition, lists_anything, visible_records, visible_submissions

UNIT = "云栖市住房保障局"


def actor(*roles: Role, unit: str = "") -> Actor:
    return Actor(id="1", name="somebody", roles=frozenset(roles), unit=unit)


def record(unit: str = UNIT, sharing: str = "不予共享", security: str = "", state: str = "stored") -> Record:
    return Record(unit=unit, sharing=sharing, security=security, state=state)


def test_no_role_may_do_nothing() -> None:
    assert not any(allows(actor(), permission) for permission in Permission)


def test_the_command_line_and_the_system_may_do_everything_but_read_the_logbook() -> None:
    for someone in (Actor.local(), Actor.system("worker")):
        assert {permission for permission in Permission if not allows(someone, permission, record())} == {Permission.LOG_READ}
        assert not allows(someone, Permission.LOG_READ)


def test_a_token_may_no_more_than_its_scopes_and_no_more_than_its_owner() -> None:
    token = Actor(id="1", name="t", roles=frozenset({Role.ARCHIVIST}), scopes=frozenset({Permission.RECORD_READ, Permission.LOG_READ}))
    assert allows(token, Permission.RECORD_READ, record())
    assert tier_of(token, record()) is Tier.ORIGINAL
    assert not allows(token, Permission.RECORD_EXPORT, record())
    assert not allows(token, Permission.LOG_READ)
    blind = Actor(id="1", name="t", roles=frozenset({Role.ARCHIVIST}), scopes=frozenset({Permission.SUBMISSION_READ}))
    assert not allows(blind, Permission.RECORD_READ, record())
    assert tier_of(blind, record()) is Tier.NONE


def test_every_permission_is_held_by_some_role() -> None:
    assert set(Permission) == set().union(*ROLE_PERMISSIONS.values())


@given(st.frozensets(st.sampled_from(Role)), st.sampled_from(Permission))
def test_several_roles_may_what_any_of_them_may(roles: frozenset[Role], permission: Permission) -> None:
    assert allows(actor(*roles), permission) == any(allows(actor(role), permission) for role in roles)


@pytest.mark.parametrize("pair", list(combinations(sorted(ADMINISTRATORS), 2)))
def test_nobody_holds_two_of_the_three_administrators(pair: tuple[Role, Role]) -> None:
    with pytest.raises(UsageError, match="check each other"):
        validate_roles([*pair, "archivist"])


def test_administrators_of_accounts_see_no_records_and_grant_no_roles() -> None:
    assert not allows(actor(*ADMINISTRATORS), Permission.RECORD_READ)
    assert not allows(actor(Role.SYSTEM_ADMINISTRATOR), Permission.ROLE_GRANT)
    assert not allows(actor(Role.SECURITY_ADMINISTRATOR), Permission.USER_MANAGE)


@pytest.mark.parametrize("names", [["curator"], ["Archivist"]])
def test_roles_that_do_not_exist_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="role"):
        validate_roles(names)


def test_an_agency_officer_reaches_the_own_unit_only() -> None:
    officer = actor(Role.AGENCY_OFFICER, unit=UNIT)
    assert allows(officer, Permission.RECORD_READ, record())
    assert not allows(officer, Permission.RECORD_READ, record(unit="云栖市民政局"))
    assert not allows(actor(Role.AGENCY_OFFICER), Permission.RECORD_READ, record(unit=""))
    assert allows(officer, Permission.SUBMISSION_CREATE, Agreement(unit=UNIT))
    assert not allows(officer, Permission.SUBMISSION_CREATE, Agreement(unit=""))


def test_a_researcher_reaches_what_is_open_only() -> None:
    researcher = actor(Role.RESEARCHER)
    assert allows(researcher, Permission.RECORD_READ, record(sharing="无条件共享", security="公开"))
    assert not allows(researcher, Permission.RECORD_READ, record(sharing="有条件共享"))
    assert not allows(researcher, Permission.RECORD_READ, record(sharing="无条件共享", security="秘密"))
    assert not allows(researcher, Permission.RECORD_READ, record(sharing="", security=""))
    assert not allows(researcher, Permission.RECORD_READ, "an id tells nothing")


def test_asking_without_permission_is_refused_by_name(archive: Archive) -> None:
    with archive.read(actor(Role.RESEARCHER)) as tx, pytest.raises(PermissionDenied, match=r"record\.export"):
        tx.require(Permission.RECORD_EXPORT)


def test_an_officer_reaches_records_under_every_name_of_the_agency() -> None:
    officer = Actor(id="1", name="o", roles=frozenset({Role.AGENCY_OFFICER}), unit=UNIT, units=frozenset({"云栖市房产管理局"}))
    assert allows(officer, Permission.RECORD_READ, record(unit="云栖市房产管理局"))
    assert allows(officer, Permission.SUBMISSION_CREATE, Agreement(unit="云栖市房产管理局"))


def test_queries_show_what_the_rule_for_one_object_allows(archive: Archive) -> None:
    now = archive.clock()
    facts = list(
        product(
            (UNIT, "云栖市房产管理局", "云栖市民政局", ""),
            ("无条件共享", "1", "有条件共享", "2", "不予共享", ""),
            ("", "公开", "非密", "内部", "秘密"),
            ("stored", "incoming", "destroyed"),
        )
    )
    with archive.transaction(Actor.local()) as tx:
        for number, (unit, sharing, security, state) in enumerate(facts):
            tx.session.add(
                Record(
                    id=str(number), agreement_code="local", identifier=str(number), state=state, profile="folder", title="办件",
                    unit=unit, sharing=sharing, security=security, description={}, created_at=now, changed_at=now,
                )
            )  # fmt: skip
    asking = [Actor.local(), actor(), *(actor(role, unit=UNIT) for role in Role), *(actor(role) for role in Role)]
    asking += [actor(Role.RESEARCHER, role, unit=UNIT) for role in Role]
    asking.append(Actor(id="1", name="o", roles=frozenset({Role.AGENCY_OFFICER}), unit=UNIT, units=frozenset({"云栖市房产管理局"})))
    asking.append(Actor(id="1", name="t", roles=frozenset({Role.ARCHIVIST}), scopes=frozenset({Permission.RECORD_READ})))
    asking.append(Actor(id="1", name="t", roles=frozenset({Role.ARCHIVIST}), scopes=frozenset({Permission.SUBMISSION_READ})))
    for someone in asking:
        with archive.read(someone) as tx:
            every = tx.session.scalars(select(Record)).all()
            readable = set(tx.session.scalars(visible_records(select(Record.id), someone)))
            assert readable == {item.id for item in every if allows(someone, Permission.RECORD_READ, item)}
            assert readable == {item.id for item in every if tier_of(someone, item).reaches(Tier.READ)}
            for told in (True, False):
                listed = set(tx.session.scalars(select(Record.id).where(listed_condition(someone, conditional_listed=told))))
                assert listed == {item.id for item in every if tier_of(someone, item, conditional_listed=told) is Tier.LISTED}
                assert not listed or lists_anything(someone, conditional_listed=told)


def test_an_agency_officer_sees_submissions_of_the_own_unit(archive: Archive) -> None:
    now = archive.clock()
    with archive.transaction(Actor.local()) as tx:
        tx.session.add_all([
            Agreement(code="zf", title="住房", unit=UNIT), Agreement(code="mz", title="民政", unit="云栖市民政局"),
        ])  # fmt: skip
        tx.session.flush()
        for code in ("zf", "mz", "local"):
            tx.session.add(Submission(id=code, agreement_code=code, name="p", source="p", state="received", received_at=now))
    asking = {
        "officer": actor(Role.AGENCY_OFFICER, unit=UNIT),
        "nowhere": actor(Role.AGENCY_OFFICER),
        "archivist": actor(Role.ARCHIVIST),
        "researcher": actor(Role.RESEARCHER),
    }
    shown = {}
    for who, someone in asking.items():
        with archive.read(someone) as tx:
            shown[who] = set(tx.session.scalars(visible_submissions(select(Submission.id), someone)))
    assert shown == {"officer": {"zf"}, "nowhere": set(), "archivist": {"zf", "mz", "local"}, "researcher": set()}
    with archive.read(Actor.local()) as tx:
        submission = tx.session.get(Submission, "zf")
        assert allows(actor(Role.AGENCY_OFFICER, unit=UNIT), Permission.SUBMISSION_READ, submission)
        assert not allows(actor(Role.AGENCY_OFFICER, unit="云栖市民政局"), Permission.SUBMISSION_READ, submission)
