"""The accounts themselves."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from repository.accounts.passwords import check_strength, hash_password, is_outdated, matches, unknown_account_hash
from repository.accounts.tables import User
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.holdings import Agency
from repository.permissions import Actor, Permission, Role, validate_roles

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

_NAME: Final = re.compile(r"\w[\w.@-]{0,63}")
_LOGIN: Final = Actor.system("login")


def create_user(
    tx: Transaction, *, name: str, password: str, roles: Iterable[str], full_name: str = "", unit: str = "", language: str = ""
) -> str:
    """Makes an account.

    Args:
        tx: the transaction.
        name: what the person logs in with; unique.
        password: the password.
        roles: names of roles.
        full_name: the person's name.
        unit: the agency, as records write it; an agency officer needs one.
        language: ``zh_Hans_CN``, ``en``, or empty for the archive's.

    Returns:
        The id of the account.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`.
        UsageError: name, password, roles or unit cannot be.
        Conflict: the name is taken.
    """
    tx.require(Permission.USER_MANAGE)
    name = unicodedata.normalize("NFKC", name)
    if not _NAME.fullmatch(name):
        raise UsageError(
            N_("“{name}” cannot be the name of an account."),
            remedy=N_("Use 1 to 64 letters, digits, dots, hyphens, underscores or @, a letter or digit first."),
            name=name,
        )
    granted = validate_roles(roles)
    _check_unit(granted, unit)
    check_strength(name, password)
    if tx.session.scalar(select(User.id).where(User.name == name)) is not None:
        raise Conflict(N_("There is an account “{subject}” already."), subject=name, remedy=N_("Choose another name."))
    user = User(
        id=tx.archive.new_id(),
        name=name,
        full_name=full_name,
        password_hash=hash_password(password),
        password_changed_at=tx.now,
        role_names=sorted(granted),
        agency_id=_agency(tx, unit) if unit else None,
        language=language,
        active=True,
        fs_uniquifier=token_hex(32),
        created_at=tx.now,
    )
    tx.session.add(user)
    tx.session.flush()
    return user.id


def authenticate(archive: Archive, name: str, password: str) -> Actor | None:
    """The actor of this name and password; None if there is no such account, it is disabled, or the password is another.

    All three take the same time. A hash of older parameters is replaced by a new one.
    """
    with archive.read(_LOGIN) as tx:
        user = tx.session.scalar(select(User).where(User.name == unicodedata.normalize("NFKC", name)).options(selectinload(User.agency)))
    if not matches(user.password_hash if user is not None else unknown_account_hash(), password) or user is None or not user.active:
        return None
    if is_outdated(user.password_hash):
        with archive.transaction(_LOGIN) as tx:
            _named(tx, user.name).password_hash = hash_password(password)
    return actor_of(user)


def find_actor(archive: Archive, user_id: str) -> Actor | None:
    """The actor of an account; None if it is gone or disabled."""
    with archive.read(_LOGIN) as tx:
        user = tx.session.get(User, user_id, options=[selectinload(User.agency)])
    return actor_of(user) if user is not None and user.active else None


def actor_of(user: User) -> Actor:
    """The actor that an account stands for; roles that this version does not know grant nothing."""
    known = {str(role): role for role in Role}
    granted = frozenset(known[name] for name in user.role_names if name in known)
    return Actor(id=user.id, name=user.name, roles=granted, unit=user.agency.name if user.agency else "")


def set_password(tx: Transaction, name: str, password: str) -> None:
    """Gives an account another password; everybody may do so for the own account.

    Raises:
        PermissionDenied, NotFound, UsageError: not allowed, no such account, too weak.
    """
    if tx.actor.name != name or tx.actor.kind != "person":
        tx.require(Permission.USER_MANAGE)
    user = _named(tx, name)
    check_strength(user.name, password)
    user.password_hash = hash_password(password)


def set_roles(tx: Transaction, name: str, roles: Iterable[str]) -> None:
    """Gives an account other roles.

    Raises:
        PermissionDenied, NotFound, UsageError: not allowed, no such account, roles that do not go together.
    """
    tx.require(Permission.ROLE_GRANT)
    user = _named(tx, name)
    granted = validate_roles(roles)
    _check_unit(granted, user.agency.name if user.agency else "")
    user.role_names = sorted(granted)


def disable_user(tx: Transaction, name: str) -> None:
    """Closes an account; nothing of it is deleted, since events name it.

    Raises:
        PermissionDenied, NotFound: not allowed, no such account.
    """
    tx.require(Permission.USER_MANAGE)
    _named(tx, name).active = False


def enable_user(tx: Transaction, name: str) -> None:
    """Opens a closed account again.

    Raises:
        PermissionDenied, NotFound: not allowed, no such account.
    """
    tx.require(Permission.USER_MANAGE)
    _named(tx, name).active = True


def list_users(tx: Transaction) -> Sequence[User]:
    """Every account, by name.

    Raises:
        PermissionDenied: without `Permission.USER_READ`.
    """
    tx.require(Permission.USER_READ)
    return tx.session.scalars(select(User).order_by(User.name).options(selectinload(User.agency))).all()


def has_users(tx: Transaction) -> bool:
    """Whether there is any account yet."""
    return tx.session.scalar(select(User.id).limit(1)) is not None


def _named(tx: Transaction, name: str) -> User:
    user = tx.session.scalar(select(User).where(User.name == unicodedata.normalize("NFKC", name)))
    if user is None:
        raise NotFound(N_("There is no account “{subject}”."), subject=name, remedy=N_("“jingui user list” names them all."))
    return user


def _agency(tx: Transaction, name: str) -> str:
    found = tx.session.scalar(select(Agency.id).where(Agency.name == name))
    if found is not None:
        return found
    agency = Agency(id=tx.archive.new_id(), name=name, created_at=tx.now)
    tx.session.add(agency)
    tx.session.flush()
    return agency.id


def _check_unit(roles: frozenset[Role], unit: str) -> None:
    if Role.AGENCY_OFFICER in roles and not unit:
        raise UsageError(
            N_("An agency officer needs an agency."), remedy=N_("Give the agency's name with --unit, as records write it (立档单位名称).")
        )
