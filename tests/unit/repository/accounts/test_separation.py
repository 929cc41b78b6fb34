"""三员分立: whichever way somebody tries to hold two of the three administrators' roles, it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import update

from repository.accounts import create_user, disable_user, find_actor, set_roles
from repository.accounts.groups import add_member, create_group, remove_member, set_group_roles
from repository.accounts.importing import AccountLine, ImportRefused, take_in
from repository.accounts.passwords import unknown_account_hash
from repository.accounts.roles import check_together, effective_roles, held_roles, usable_roles
from repository.accounts.tables import User, UserGroup
from repository.accounts.tokens import create_token
from repository.accounts.users import add_user
from repository.archive import Archive
from repository.errors import Conflict, JinguiError, OwnAccount, PermissionDenied, UsageError
from repository.permissions import ADMINISTRATORS, ROLE_PERMISSIONS, Actor, Permission, Role, allows

PASSWORD = "bronze-bound-chest"
SYSTEM, SECURITY, AUDIT = Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR

role_sets = st.frozensets(st.sampled_from([*map(str, Role), "emperor"]), max_size=4)
group_sets = st.dictionaries(st.sampled_from(["办公室", "保管科", "利用科"]), role_sets, max_size=3)


@given(own=role_sets, groups=group_sets, has_agency=st.booleans())
@example(own=frozenset({SYSTEM}), groups={"办公室": frozenset({AUDIT})}, has_agency=True)
def test_what_is_accepted_never_has_two_of_the_three(own: frozenset[str], groups: dict[str, frozenset[str]], has_agency: bool) -> None:
    everything = own.union(*groups.values())
    try:
        effective = check_together(own, groups, name="alice", has_agency=has_agency)
    except UsageError:
        broken = len(everything & ADMINISTRATORS) > 1
        assert broken or "emperor" in everything or (Role.AGENCY_OFFICER in everything and not has_agency)
    else:
        assert effective == everything
        assert len(effective & ADMINISTRATORS) <= 1


@given(own=role_sets, groups=group_sets)
def test_what_counts_never_has_two_of_the_three_even_after_tampering(own: frozenset[str], groups: dict[str, frozenset[str]]) -> None:
    held = held_roles(own, groups.values())
    usable = usable_roles(held)
    assert held == own.union(*groups.values()) - {"emperor"}
    assert len(usable & ADMINISTRATORS) <= 1
    assert usable - ADMINISTRATORS == held - ADMINISTRATORS
    if len(held & ADMINISTRATORS) <= 1:
        assert usable == held


def test_the_roles_of_the_three_share_no_power_over_accounts_and_the_log() -> None:
    apart = {Permission.USER_MANAGE, Permission.ROLE_GRANT, Permission.LOG_READ}
    for one, other in permutations(ADMINISTRATORS, 2):
        assert not ROLE_PERMISSIONS[one] & ROLE_PERMISSIONS[other] & apart
    assert set().union(*(ROLE_PERMISSIONS[role] for role in ADMINISTRATORS)) >= apart


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def people(archive: Archive) -> dict[str, Actor]:
    """The three, and somebody with no role."""
    names = {"sys": [SYSTEM], "sec": [SECURITY], "aud": [AUDIT], "sec2": [SECURITY], "nobody": []}
    with archive.transaction(Actor.local()) as tx:
        hashed = unknown_account_hash()
        ids = {name: add_user(tx, name=name, password_hash=hashed, roles=roles) for name, roles in names.items()}
    found = {name: find_actor(archive, id) for name, id in ids.items()}
    return {name: actor for name, actor in found.items() if actor is not None}


def direct(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        set_roles(tx, "sys", [SYSTEM, role])


def by_membership(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        group = create_group(tx, name="一科", roles=[role])
        add_member(tx, group, "sys")


def by_the_groups_roles(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        group = create_group(tx, name="二科")
        add_member(tx, group, "sys")
        set_group_roles(tx, group, [role])


def by_two_groups(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        first, second = create_group(tx, name="三科", roles=[role]), create_group(tx, name="四科", roles=[SYSTEM])
        add_member(tx, first, "nobody")
        add_member(tx, second, "nobody")


def by_a_group_of_both(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        create_group(tx, name="五科", roles=[role, SYSTEM])


def in_the_group_first(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        add_member(tx, create_group(tx, name="六科", roles=[role]), "nobody")
        set_roles(tx, "nobody", [SYSTEM])


def by_import(archive: Archive, actor: Actor, role: Role) -> None:
    take_in(archive, actor, [AccountLine(number=2, name="new", roles=(str(role), str(SYSTEM)))])


def by_import_into_a_group(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(Actor.local()) as tx:
        create_group(tx, name="七科", roles=[role])
    take_in(archive, actor, [AccountLine(number=2, name="new", roles=(str(SYSTEM),), groups=("七科",))])


def at_birth(archive: Archive, actor: Actor, role: Role) -> None:
    with archive.transaction(actor) as tx:
        create_user(tx, name="new", password=PASSWORD, roles=[SYSTEM, role])


@pytest.mark.parametrize("role", [SECURITY, AUDIT])
@pytest.mark.parametrize("asker", ["local", "sec"])
@pytest.mark.parametrize(
    "way",
    [
        direct,
        by_membership,
        by_the_groups_roles,
        by_two_groups,
        by_a_group_of_both,
        in_the_group_first,
        by_import,
        by_import_into_a_group,
        at_birth,
    ],
)
def test_no_way_leads_to_a_second_of_the_three(
    archive: Archive, people: dict[str, Actor], way: Callable[[Archive, Actor, Role], None], asker: str, role: Role
) -> None:
    with pytest.raises(JinguiError) as refused:
        way(archive, Actor.local() if asker == "local" else people[asker], role)
    assert isinstance(refused.value, UsageError | ImportRefused | PermissionDenied)
    if asker == "local" and not isinstance(refused.value, ImportRefused):
        assert "three administrators" in refused.value.template
    with archive.read(Actor.local()) as tx:
        for user in tx.session.query(User):
            assert len(effective_roles(user) & ADMINISTRATORS) <= 1, user.name
            assert user.name != "new"


@pytest.mark.parametrize(("own", "grouped"), list(permutations(sorted(ADMINISTRATORS), 2)))
def test_an_account_that_was_tampered_with_gets_none_of_the_three(
    archive: Archive, people: dict[str, Actor], own: Role, grouped: Role
) -> None:
    with archive.transaction(Actor.local()) as tx:
        add_member(tx, create_group(tx, name="一科"), "nobody")
    with archive.engine.begin() as connection:
        connection.execute(update(User).where(User.name == "nobody").values(role_names=[str(own), "archivist"]))
        connection.execute(update(UserGroup).values(role_names=[str(grouped)]))
    actor = find_actor(archive, people["nobody"].id)
    assert actor is not None
    assert actor.roles == {Role.ARCHIVIST}
    assert not allows(actor, Permission.USER_MANAGE)
    assert not allows(actor, Permission.ROLE_GRANT)
    assert not allows(actor, Permission.LOG_READ)


def test_a_token_carries_nothing_of_what_the_three_watch(archive: Archive, people: dict[str, Actor]) -> None:
    for name, scope in (("sys", "user.manage"), ("sec", "role.grant"), ("sec", "token.revoke"), ("aud", "log.read"), ("sys", "log.read")):
        with pytest.raises(UsageError), archive.transaction(people[name]) as tx:
            create_token(tx, name="robot", scopes=[scope], expires=tx.now + timedelta(days=1))


def test_nobody_changes_what_the_own_account_may_do(archive: Archive, people: dict[str, Actor]) -> None:
    me = people["sec"]
    with archive.transaction(Actor.local()) as tx:
        mine, other = create_group(tx, name="一科"), create_group(tx, name="二科", roles=["archivist"])
        add_member(tx, mine, "sec")
    for attempt in (
        lambda tx: set_roles(tx, "sec", [SECURITY, "archivist"]),
        lambda tx: set_roles(tx, "sec", []),
        lambda tx: add_member(tx, other, "sec"),
        lambda tx: remove_member(tx, mine, "sec"),
        lambda tx: set_group_roles(tx, mine, ["archivist"]),
    ):
        with pytest.raises(OwnAccount), archive.transaction(me) as tx:
            attempt(tx)
    again = find_actor(archive, me.id)
    assert again is not None
    assert again.roles == {SECURITY}


def test_who_makes_accounts_grants_nothing(archive: Archive, people: dict[str, Actor]) -> None:
    system = people["sys"]
    with archive.transaction(Actor.local()) as tx:
        group = create_group(tx, name="一科", roles=["archivist"])
    for attempt in (
        lambda tx: create_user(tx, name="new", password=PASSWORD, roles=["archivist"]),
        lambda tx: set_roles(tx, "nobody", ["archivist"]),
        lambda tx: create_group(tx, name="二科", roles=["archivist"]),
        lambda tx: add_member(tx, group, "nobody"),
        lambda tx: remove_member(tx, group, "nobody"),
        lambda tx: set_group_roles(tx, group, []),
    ):
        with pytest.raises(PermissionDenied), archive.transaction(system) as tx:
            attempt(tx)
    with archive.transaction(system) as tx:
        id = create_user(tx, name="new", password=PASSWORD)
    made = find_actor(archive, id)
    assert made is not None
    assert not made.roles


def test_one_of_the_three_is_given_only_to_who_has_chosen_a_password(archive: Archive, people: dict[str, Actor]) -> None:
    with archive.transaction(people["sys"]) as tx:
        create_user(tx, name="new", password=PASSWORD, must_change_password=True)
    with archive.transaction(people["sec"]) as tx:
        group = create_group(tx, name="一科", roles=[AUDIT])
    for attempt in (lambda tx: set_roles(tx, "new", [AUDIT]), lambda tx: add_member(tx, group, "new")):
        with pytest.raises(Conflict, match="has not yet chosen"), archive.transaction(people["sec"]) as tx:
            attempt(tx)
    with archive.transaction(people["sec"]) as tx:
        set_roles(tx, "new", ["archivist"])


def test_none_of_the_three_roles_is_left_empty(archive: Archive, people: dict[str, Actor]) -> None:
    with pytest.raises(Conflict, match="Nobody would be left"), archive.transaction(people["sys"]) as tx:
        disable_user(tx, "aud")
    with pytest.raises(Conflict, match="Nobody would be left"), archive.transaction(people["sec"]) as tx:
        set_roles(tx, "sys", ["archivist"])
    with archive.transaction(people["sec"]) as tx:
        set_roles(tx, "sec2", [])
    with pytest.raises(Conflict), archive.transaction(people["sys"]) as tx:
        disable_user(tx, "sec")
    with pytest.raises(Conflict, match="own account"), archive.transaction(people["sys"]) as tx:
        disable_user(tx, "sys")
    with archive.transaction(Actor.local()) as tx:
        disable_user(tx, "aud")
