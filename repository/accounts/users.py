"""The accounts themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select, update

from repository.accounts.lookup import named, plain_name
from repository.accounts.passwords import check_strength, give_password, hash_password
from repository.accounts.roles import actor_of, administrators_kept, check_effective, effective_roles, is_administrator, roles_change
from repository.accounts.sessions import end_sessions
from repository.accounts.tables import ApiToken, LoginSession, User
from repository.errors import Conflict, PermissionDenied, UsageError
from repository.findings import N_
from repository.holdings import Agency
from repository.logbook.recording import note
from repository.permissions import Actor, Permission, Role, validate_roles
from repository.recordkeeping.agencies import agency_named

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

_NAME: Final = re.compile(r"\w[\w.@-]{0,63}")
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")
_LOGIN: Final = Actor.system("login")
#: Languages an account may have chosen; empty: the archive's.
LANGUAGES: Final = ("", "zh_Hans_CN", "en")
LONGEST_FULL_NAME: Final = 100


def create_user(
    tx: Transaction,
    *,
    name: str,
    password: str,
    roles: Iterable[str] = (),
    full_name: str = "",
    email: str = "",
    unit: str = "",
    language: str = "",
    must_change_password: bool = False,
) -> str:
    """Makes an account.

    Args:
        tx: the transaction.
        name: what the person logs in with; unique.
        password: the password.
        roles: names of roles; whoever may not grant roles makes accounts without any.
        full_name: the person's name.
        email: where mail reaches the person, or empty.
        unit: the person's agency by name, former name or code; an agency officer needs one.
        language: ``zh_Hans_CN``, ``en``, or empty for the archive's.
        must_change_password: the password is for the first login only.

    Returns:
        The id of the account.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`; with roles, without `Permission.ROLE_GRANT`.
        UsageError: name, password, roles, address, language or agency cannot be.
        NotFound: there is no such agency.
        Conflict: the name is taken, or the agency has ended.
    """
    tx.require(Permission.USER_MANAGE)
    check_strength(tx.archive.settings.accounts, plain_name(name), password)
    return add_user(
        tx,
        name=name,
        password_hash=hash_password(password),
        roles=roles,
        full_name=full_name,
        email=email,
        unit=unit,
        language=language,
        must_change_password=must_change_password,
    )


def add_user(
    tx: Transaction,
    *,
    name: str,
    password_hash: str,
    roles: Iterable[str] = (),
    full_name: str = "",
    email: str = "",
    unit: str = "",
    language: str = "",
    must_change_password: bool = False,
) -> str:
    """Makes an account whose password was hashed before the transaction, or, with an empty hash, one without password.

    Arguments, result and errors: see `create_user`.
    """
    tx.require(Permission.USER_MANAGE)
    granted = validate_roles(roles)
    if granted:
        tx.require(Permission.ROLE_GRANT)
    name = checked_name(name)
    if tx.session.scalar(select(User.id).where(User.name == name)) is not None:
        raise Conflict(N_("There is an account “{subject}” already."), subject=name, remedy=N_("Choose another name."))
    user = User(
        id=tx.archive.new_id(),
        name=name,
        full_name=checked_full_name(full_name),
        email=checked_email(email),
        password_hash=password_hash,
        password_changed_at=tx.now,
        must_change_password=must_change_password,
        role_names=sorted(granted),
        agency=_agency(tx, unit),
        groups=[],
        language=_checked_language(language),
        active=True,
        fs_uniquifier=token_hex(32),
        created_at=tx.now,
    )
    check_effective(user)
    tx.session.add(user)
    tx.session.flush()
    note(tx, "user.created", object_type="user", object_id=user.id, detail={"after": {**_told(user), "roles": user.role_names}})
    return user.id


def change_user(
    tx: Transaction,
    name: str,
    *,
    full_name: str | None = None,
    email: str | None = None,
    unit: str | None = None,
    language: str | None = None,
) -> None:
    """Changes what is known of a person; None leaves a value as it is.

    The agency of an agency officer decides what the person sees: changing it is granting, and nobody does it for the own
    account. Where mail reaches one of the three administrators is changed by nobody else, since mail may bring secrets.

    Raises:
        PermissionDenied: without `Permission.USER_MANAGE`, or without `Permission.ROLE_GRANT` for an officer's agency.
        NotFound: no such account or agency.
        UsageError, Conflict: see `create_user`.
    """
    user = named(tx, name)
    own = tx.actor.id == user.id and tx.actor.scopes is None
    if not own or unit is not None:
        tx.require(Permission.USER_READ)
    if not own and (full_name is not None or email is not None or language is not None):
        tx.require(Permission.USER_MANAGE)
    before = _told(user)
    if full_name is not None:
        user.full_name = checked_full_name(full_name)
    if language is not None:
        user.language = _checked_language(language)
    if email is not None and (wanted := checked_email(email)) != user.email:
        if is_administrator(user) and not own and not tx.actor.unrestricted:
            raise Conflict(
                N_("“{subject}” is one of the three administrators: only the person may change where mail reaches them."),
                subject=user.name,
                remedy=N_("Ask the person to do it, or use the command line on the server."),
            )
        user.email = wanted
    if unit is not None:
        _change_agency(tx, user, unit)
    tx.session.flush()
    if before != _told(user):
        note(tx, "user.changed", object_type="user", object_id=user.id, detail={"before": before, "after": _told(user)})


def find_actor(archive: Archive, user_id: str) -> Actor | None:
    """The actor of an account; None if it is gone or disabled."""
    with archive.read(_LOGIN) as tx:
        user = tx.session.get(User, user_id)
    return actor_of(user) if user is not None and user.active else None


def set_password(tx: Transaction, name: str, password: str) -> None:
    """Gives an account another password: everybody for the own account, who holds the home folder for any.

    An administrator gives somebody else a password by `repository.accounts.resets` only, which tells the person.

    Raises:
        PermissionDenied, NotFound, UsageError: not allowed, no such account, too weak.
    """
    if not tx.actor.unrestricted and (tx.actor.name != name or tx.actor.scopes is not None):
        raise PermissionDenied(Permission.USER_MANAGE)
    give_password(tx, named(tx, name), password)


def disable_user(tx: Transaction, name: str) -> None:
    """Closes an account and ends its logins and its tokens; nothing of it is deleted, since events name it.

    Raises:
        PermissionDenied, NotFound: not allowed, no such account.
        Conflict: the own account, or nobody would be left in one of the three administrators' roles.
    """
    tx.require(Permission.USER_MANAGE)
    user = named(tx, name)
    if user.id == tx.actor.id:
        raise Conflict(
            N_("“{subject}” is your own account."), subject=user.name, remedy=N_("Ask another system administrator to disable it.")
        )
    if not user.active:
        return
    with administrators_kept(tx):
        user.active = False
    end_access(tx, user)
    note(tx, "user.disabled", object_type="user", object_id=user.id, detail={"name": user.name})


def enable_user(tx: Transaction, name: str) -> None:
    """Opens a closed account again, with the roles it had.

    Raises:
        PermissionDenied, NotFound: not allowed, no such account.
    """
    tx.require(Permission.USER_MANAGE)
    user = named(tx, name)
    if not user.active:
        user.active = True
        note(tx, "user.enabled", object_type="user", object_id=user.id, detail={"name": user.name})


def unlock_user(tx: Transaction, name: str) -> None:
    """Lets somebody try again who is locked out after too many wrong passwords.

    Raises:
        PermissionDenied, NotFound: not allowed, no such account.
    """
    tx.require(Permission.USER_MANAGE)
    user = named(tx, name)
    if user.locked_until is not None or user.failed_logins:
        user.locked_until = None
        user.failed_logins = 0
        note(tx, "user.unlocked", object_type="user", object_id=user.id, detail={"name": user.name})


def end_access(tx: Transaction, user: User) -> None:
    """Ends every login and revokes every token of an account; for use cases that have asked for their own permission."""
    tx.session.flush()
    end_sessions(tx, user.id)
    tx.session.execute(update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)).values(revoked_at=tx.now))
    user.fs_uniquifier = token_hex(32)


def list_users(
    tx: Transaction, *, text: str = "", role: str = "", active: bool | None = None, agency_id: str = "", locked: bool = False
) -> Sequence[User]:
    """The accounts, by name.

    Args:
        tx: the transaction.
        text: only those with this in the name, the person's name or the address.
        role: only those who hold this role, by themselves or through a group.
        active: only those that are open, or only those that are closed.
        agency_id: only those of this agency.
        locked: only those that are locked out at the moment.

    Raises:
        PermissionDenied: without `Permission.USER_READ`.
    """
    tx.require(Permission.USER_READ)
    statement = select(User).order_by(User.name)
    if text.strip():
        wanted = text.strip().casefold()
        columns = (User.name, User.full_name, User.email)
        statement = statement.where(or_(*(func.lower(column).contains(wanted, autoescape=True) for column in columns)))
    if active is not None:
        statement = statement.where(User.active == active)
    if agency_id:
        statement = statement.where(User.agency_id == agency_id)
    if locked:
        statement = statement.where(User.locked_until > tx.now)
    found = tx.session.scalars(statement).all()
    return [user for user in found if not role or role in effective_roles(user)]


def find_user(tx: Transaction, name: str) -> User:
    """The account of this name.

    Raises:
        PermissionDenied: without `Permission.USER_READ`, if it is not the own account.
        NotFound: there is none.
    """
    if tx.actor.kind != "person" or tx.actor.name != plain_name(name):
        tx.require(Permission.USER_READ)
    return named(tx, name)


def count_logins(tx: Transaction, user: User) -> int:
    """How many logins of an account can still be used.

    Raises:
        PermissionDenied: without `Permission.USER_READ`.
    """
    tx.require(Permission.USER_READ)
    statement = select(func.count()).select_from(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
    return tx.session.scalar(statement) or 0


def has_users(tx: Transaction) -> bool:
    """Whether there is any account yet."""
    return tx.session.scalar(select(User.id).limit(1)) is not None


def _change_agency(tx: Transaction, user: User, unit: str) -> None:
    agency = _agency(tx, unit)
    if (agency.id if agency else None) == user.agency_id:
        return
    if Role.AGENCY_OFFICER not in effective_roles(user):
        tx.require(Permission.USER_MANAGE)
        user.agency = agency
        return
    tx.require(Permission.ROLE_GRANT)
    with roles_change(tx, [user]):
        user.agency = agency


def _agency(tx: Transaction, wanted: str) -> Agency | None:
    if not wanted.strip():
        return None
    agency = agency_named(tx, wanted)
    if not agency.active:
        raise Conflict(
            N_("The agency “{subject}” has ended."), subject=agency.name, remedy=N_("Choose the agency that took over, or reopen this one.")
        )
    return agency


def checked_name(name: str) -> str:
    """The name of an account as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    plain = plain_name(name)
    if not _NAME.fullmatch(plain):
        raise UsageError(
            N_("“{name}” cannot be the name of an account."),
            remedy=N_("Use 1 to 64 letters, digits, dots, hyphens, underscores or @, a letter or digit first."),
            name=plain[:64],
        )
    return plain


def checked_full_name(full_name: str) -> str:
    """A person's name as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    plain = " ".join(full_name.split())
    if len(plain) > LONGEST_FULL_NAME or not plain.isprintable():
        raise UsageError(
            N_("“{name}” cannot be a person's name."),
            remedy=N_("Write it in at most {most} characters."),
            name=plain[:LONGEST_FULL_NAME],
            most=LONGEST_FULL_NAME,
        )
    return plain


def checked_email(email: str) -> str:
    """A mail address as it is kept, or empty.

    Raises:
        UsageError: it is none.
    """
    plain = email.strip()
    if plain and not _EMAIL.fullmatch(plain):
        raise UsageError(
            N_("“{email}” is no mail address."), remedy=N_("Write it like name@example.cn, or leave it empty."), email=plain[:100]
        )
    return plain


def _checked_language(language: str) -> str:
    if language not in LANGUAGES:
        raise UsageError(
            N_("“{language}” is not a language of the console."),
            remedy=N_("Write zh_Hans_CN or en, or leave it empty."),
            language=language[:40],
        )
    return language


def _told(user: User) -> dict[str, str]:
    agency = user.agency.name if user.agency else ""
    return {"name": user.name, "full_name": user.full_name, "email": user.email, "agency": agency, "language": user.language}
