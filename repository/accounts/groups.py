"""Groups of people, such as departments 科室: their members and the roles that members get by belonging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from repository.accounts.lookup import named
from repository.accounts.roles import roles_change
from repository.accounts.tables import UserGroup
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import Permission, validate_roles

if TYPE_CHECKING:
    from repository.transaction import Transaction

LONGEST_NAME: Final = 64


def create_group(tx: Transaction, *, name: str, roles: Iterable[str] = ()) -> str:
    """Makes an empty group.

    Args:
        tx: the transaction.
        name: unique.
        roles: names of the roles that members get.

    Returns:
        Its id.

    Raises:
        PermissionDenied: without `Permission.ROLE_GRANT`.
        UsageError: the name cannot be, or the roles do not go together.
        Conflict: the name is taken.
    """
    tx.require(Permission.ROLE_GRANT)
    plain = _free_name(tx, name)
    group = UserGroup(id=tx.archive.new_id(), name=plain, role_names=sorted(validate_roles(roles)), members=[], created_at=tx.now)
    tx.session.add(group)
    tx.session.flush()
    note(tx, "group.created", object_type="group", object_id=group.id, detail={"after": {"name": plain, "roles": group.role_names}})
    return group.id


def rename_group(tx: Transaction, group_id: str, name: str) -> None:
    """Gives a group another name.

    Raises:
        PermissionDenied, NotFound, UsageError, Conflict: see `create_group`.
    """
    tx.require(Permission.ROLE_GRANT)
    group = _group(tx, group_id)
    if name.strip() == group.name:
        return
    before, group.name = group.name, _free_name(tx, name)
    note(tx, "group.renamed", object_type="group", object_id=group.id, detail={"before": before, "after": group.name})


def set_group_roles(tx: Transaction, group_id: str, roles: Iterable[str]) -> None:
    """Gives a group other roles, and with it every member.

    Raises:
        PermissionDenied, NotFound: not allowed, no such group.
        OwnAccount: the actor is a member.
        UsageError: a member would hold roles that do not go together.
        Conflict: see `repository.accounts.roles.roles_change`.
    """
    tx.require(Permission.ROLE_GRANT)
    group = _group(tx, group_id)
    wanted, before = sorted(validate_roles(roles)), list(group.role_names)
    if wanted == sorted(before):
        return
    with roles_change(tx, group.members):
        group.role_names = wanted
    note(tx, "group.roles", object_type="group", object_id=group.id, detail={"name": group.name, "before": before, "after": wanted})


def add_member(tx: Transaction, group_id: str, name: str) -> None:
    """Makes somebody a member.

    Raises:
        PermissionDenied, NotFound: not allowed, no such group or account.
        OwnAccount, UsageError, Conflict: see `set_group_roles`.
    """
    tx.require(Permission.ROLE_GRANT)
    group, user = _group(tx, group_id), named(tx, name)
    if user in group.members:
        return
    with roles_change(tx, [user]):
        group.members.append(user)
    note(tx, "group.member.added", object_type="group", object_id=group.id, detail={"group": group.name, "name": user.name})


def remove_member(tx: Transaction, group_id: str, name: str) -> None:
    """Ends somebody's membership.

    Raises:
        PermissionDenied, NotFound: not allowed, no such group or account.
        OwnAccount, UsageError, Conflict: see `set_group_roles`.
    """
    tx.require(Permission.ROLE_GRANT)
    group, user = _group(tx, group_id), named(tx, name)
    if user not in group.members:
        return
    with roles_change(tx, [user]):
        group.members.remove(user)
    note(tx, "group.member.removed", object_type="group", object_id=group.id, detail={"group": group.name, "name": user.name})


def delete_group(tx: Transaction, group_id: str) -> None:
    """Deletes a group that has no members.

    Raises:
        PermissionDenied, NotFound: not allowed, no such group.
        Conflict: it has members.
    """
    tx.require(Permission.ROLE_GRANT)
    group = _group(tx, group_id)
    if group.members:
        raise Conflict(
            N_("The group “{subject}” has {count} members."),
            subject=group.name,
            remedy=N_("Take the members out first."),
            count=len(group.members),
        )
    note(tx, "group.deleted", object_type="group", object_id=group.id, detail={"before": {"name": group.name, "roles": group.role_names}})
    tx.session.delete(group)
    tx.session.flush()


def list_groups(tx: Transaction) -> Sequence[UserGroup]:
    """Every group with its members, by name.

    Raises:
        PermissionDenied: without `Permission.USER_READ`.
    """
    tx.require(Permission.USER_READ)
    return tx.session.scalars(select(UserGroup).order_by(UserGroup.name).options(selectinload(UserGroup.members))).all()


def find_group(tx: Transaction, wanted: str) -> UserGroup:
    """The group of this id or name, with its members.

    Raises:
        PermissionDenied: without `Permission.USER_READ`.
        NotFound: there is none.
    """
    tx.require(Permission.USER_READ)
    return _group(tx, wanted)


def _group(tx: Transaction, wanted: str) -> UserGroup:
    statement = select(UserGroup).where((UserGroup.id == wanted) | (UserGroup.name == wanted.strip()))
    group = tx.session.scalars(statement.options(selectinload(UserGroup.members))).first()
    if group is None:
        raise NotFound(N_("There is no group “{subject}”."), subject=wanted, remedy=N_("“jingui group list” names them all."))
    return group


def _free_name(tx: Transaction, name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable() or ";" in plain:
        raise UsageError(
            N_("“{name}” cannot be the name of a group."),
            remedy=N_("Use 1 to {most} characters, no semicolon."),
            name=plain[:LONGEST_NAME],
            most=LONGEST_NAME,
        )
    with tx.session.no_autoflush:
        taken = tx.session.scalar(select(UserGroup.id).where(UserGroup.name == plain))
    if taken is not None:
        raise Conflict(N_("There is a group “{subject}” already."), subject=plain, remedy=N_("Choose another name."))
    return plain
