"""Which roles an account holds in effect, and which it may hold together: the separation of the three administrators 三员.

What somebody may do comes from the roles of the own account and from those of every group. The rule is applied to the
union of them, whichever way a role comes: granted, through a group, from a file, from an identity provider
(GB/T 22239-2019, 8.1.5: system, audit and security management by different people).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from repository.accounts.lookup import named
from repository.accounts.tables import User
from repository.errors import Conflict, OwnAccount, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import ADMINISTRATORS, Actor, Permission, Role, validate_roles

if TYPE_CHECKING:
    from repository.transaction import Transaction

_KNOWN: Final = {str(role): role for role in Role}


def held_roles(own: Iterable[str], groups: Iterable[Iterable[str]]) -> frozenset[Role]:
    """The union of the own roles and those of the groups; names that this version does not know grant nothing."""
    names = {name for roles in (own, *groups) for name in roles}
    return frozenset(_KNOWN[name] for name in names if name in _KNOWN)


def usable_roles(held: frozenset[Role]) -> frozenset[Role]:
    """What of these roles counts: where two of the three administrators came together against the rule, none of the three does."""
    return held - ADMINISTRATORS if len(held & ADMINISTRATORS) > 1 else held


def check_together(own: Iterable[str], groups: Mapping[str, Iterable[str]], *, name: str, has_agency: bool) -> frozenset[Role]:
    """The roles in effect, if one person may hold them together.

    Args:
        own: names of the roles of the account itself.
        groups: names of roles by name of group.
        name: the account, for messages.
        has_agency: whether the account belongs to an agency.

    Raises:
        UsageError: an unknown role; two of the three administrators (三员分立); an agency officer without agency.
    """
    mine = validate_roles(own)
    sources: dict[Role, str] = {}
    for group, roles in sorted(groups.items()):
        for role in validate_roles(roles):
            sources.setdefault(role, group)
    effective = mine | sources.keys()
    held = sorted(effective & ADMINISTRATORS)
    if len(held) > 1:
        told = [f"{role} ({sources[role]})" if role in sources and role not in mine else str(role) for role in held]
        raise UsageError(
            N_("“{name}” would be {held} at once: the three administrators check each other, so nobody holds two of the roles."),
            subject=name,
            remedy=N_("Give each of the three roles to a different person; a group's roles count as the member's own."),
            name=name,
            held=" + ".join(told),
        )
    if Role.AGENCY_OFFICER in effective and not has_agency:
        raise UsageError(
            N_("“{name}” would be an agency officer without an agency."),
            subject=name,
            remedy=N_("Give the account its agency first; “jingui agency list” names the agencies."),
            name=name,
        )
    return frozenset(effective)


def effective_roles(user: User) -> frozenset[Role]:
    """The roles an account holds, its own and those of its groups, whether or not they may stand together."""
    return held_roles(user.role_names, (group.role_names for group in user.groups))


def check_effective(user: User) -> frozenset[Role]:
    """The roles an account holds as it now stands in the session, if it may hold them together.

    Raises:
        UsageError: see `check_together`.
    """
    groups = {group.name: group.role_names for group in user.groups}
    return check_together(user.role_names, groups, name=user.name, has_agency=user.agency is not None)


def is_administrator(user: User) -> bool:
    """Whether an account holds one of the three administrators' roles."""
    return bool(effective_roles(user) & ADMINISTRATORS)


def actor_of(user: User) -> Actor:
    """The actor that an account stands for: the own roles and the groups', without those that may not stand together."""
    units = frozenset({user.agency.name, *map(str, user.agency.other_names)}) if user.agency else frozenset()
    return Actor(
        id=user.id, name=user.name, roles=usable_roles(effective_roles(user)), unit=user.agency.name if user.agency else "", units=units
    )


def set_roles(tx: Transaction, name: str, roles: Iterable[str]) -> None:
    """Gives an account other roles of its own.

    Raises:
        PermissionDenied: without `Permission.ROLE_GRANT`.
        OwnAccount: the own account.
        NotFound: no such account.
        UsageError: roles that do not go together, in the account or with those of its groups.
        Conflict: see `roles_change`.
    """
    tx.require(Permission.ROLE_GRANT)
    user = named(tx, name)
    before = list(user.role_names)
    with roles_change(tx, [user]):
        user.role_names = sorted(validate_roles(roles))
    note(tx, "user.roles", object_type="user", object_id=user.id, detail={"name": user.name, "before": before, "after": user.role_names})


@contextmanager
def roles_change(tx: Transaction, users: Iterable[User]) -> Iterator[None]:
    """A change of what accounts hold, checked when the block ends; whichever way roles are given or taken, it is inside this.

    Raises:
        OwnAccount: one of the accounts is the actor's own.
        UsageError: an account would hold what may not stand together.
        Conflict: one of the three roles would go to somebody who has not yet chosen a password of the own (who made the
            account knows the present one), or nobody would be left to hold it.
    """
    affected = list(users)
    before = {user.id: effective_roles(user) for user in affected}
    for user in affected:
        if user.id == tx.actor.id:
            raise OwnAccount(user.name)
    with administrators_kept(tx):
        yield
        for user in affected:
            gained = check_effective(user) - before[user.id]
            if gained & ADMINISTRATORS and user.must_change_password and not tx.actor.unrestricted:
                raise Conflict(
                    N_("“{subject}” has not yet chosen a password: whoever made the account still knows it."),
                    subject=user.name,
                    remedy=N_("Give one of the three administrators' roles after the person has logged in once and chosen a password."),
                )


@contextmanager
def administrators_kept(tx: Transaction) -> Iterator[None]:
    """A change after which each of the three roles that somebody could use before still is somebody's.

    Who holds the home folder may leave a role empty, because they can also fill it again.

    Raises:
        Conflict: a role would be left without anybody.
    """
    if tx.actor.unrestricted:
        yield
        return
    before = _filled(tx)
    yield
    tx.session.flush()
    lost = sorted(before - _filled(tx))
    if lost:
        raise Conflict(
            N_("Nobody would be left as {lost}."),
            subject=lost[0],
            remedy=N_("Give the role to somebody else first."),
            lost=", ".join(lost),
        )


def _filled(tx: Transaction) -> frozenset[Role]:
    """Which of the three administrators there are."""
    users = tx.session.scalars(select(User).where(User.active)).all()
    return frozenset().union(*(usable_roles(effective_roles(user)) for user in users)) & ADMINISTRATORS
