"""Accounts and identity providers (OpenID Connect Core 1.0): whom an account is there, and which roles come from there.

An identity is issuer and subject, nothing else: an address or a name that looks the same links nothing, because whoever
runs the provider decides what it says. An existing account is linked by the person who is logged in, or by an administrator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from repository.accounts.authentication import enter, is_locked
from repository.accounts.lookup import named, plain_name
from repository.accounts.roles import actor_of, is_administrator, roles_change
from repository.accounts.sessions import PROVIDER, begin_session, renew_session
from repository.accounts.tables import User, UserIdentity
from repository.errors import Conflict, JinguiError, UsageError
from repository.findings import N_
from repository.logbook.recording import REFUSED, note, note_read
from repository.permissions import Actor, Permission, Role

if TYPE_CHECKING:
    from repository.accounts.sessions import Login
    from repository.archive import Archive
    from repository.settings import ProviderSettings
    from repository.transaction import Transaction

_LOGIN: Final = Actor.system("login")
_NAME: Final = re.compile(r"\w[\w.@-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What an identity provider says of somebody, once its token has been validated.

    Args:
        issuer: the provider.
        subject: the person there; never given to anybody else.
        name: what a new account would be called.
        full_name: the person's name.
        email: where mail reaches the person, if the provider has made sure of it.
        proven_at: when the person last proved there who it is, seconds since 1970; None: it does not say.
        roles: names of roles here, after the settings' mapping; None: the provider says nothing of roles.
    """

    issuer: str
    subject: str
    name: str
    full_name: str
    email: str
    proven_at: int | None
    roles: frozenset[Role] | None


class Refused(UsageError):
    """The provider knows the person, but there is no way in here."""

    code = "IDENTITY_REFUSED"
    http_status = 403


def identity_of(settings: ProviderSettings, claims: Mapping[str, Any]) -> Identity:
    """What the claims of a validated token mean here.

    Raises:
        Refused: there is no subject.
    """
    subject = str(claims.get("sub") or "")
    if not subject or len(subject) > 255:
        raise Refused(N_("The identity provider did not say who you are."), remedy=N_("Tell the system administrator."))
    return Identity(
        issuer=settings.issuer,
        subject=subject,
        name=plain_name(str(claims.get(settings.name_claim) or "")),
        full_name=" ".join(str(claims.get("name") or "").split())[:100],
        email=str(claims.get("email") or "")[:200] if claims.get("email_verified") is True else "",
        proven_at=proven_at if isinstance(proven_at := claims.get("auth_time"), int) else None,
        roles=_roles(settings, claims) if settings.roles_claim else None,
    )


def log_in_by_identity(archive: Archive, identity: Identity, *, create: bool, program: str = "") -> str:
    """Logs a person in whom an identity provider vouches for. Roles that come from there pass the rule of the three administrators.

    Args:
        archive: the archive.
        identity: who it is.
        create: whether somebody unknown gets an account.
        program: what the browser calls itself.

    Returns:
        The secret of the new session.

    Raises:
        Refused, UsageError, Conflict: no account, a disabled or locked one, or roles that do not go together; nothing is changed.
    """
    try:
        with archive.transaction(_LOGIN) as tx:
            user = _linked(tx, identity) or (_made(tx, identity) if create else None)
            if user is None:
                raise Refused(
                    N_("No account here belongs to you at the identity provider."),
                    remedy=N_("Log in with your password and link it under “My account”, or ask the system administrator."),
                )
            if not user.active or is_locked(tx, user):
                raise Refused(
                    N_("Your account is closed or locked for now."), remedy=N_("Try again later, or ask the system administrator.")
                )
            _give_roles(tx, user, identity)
            tx.actor = actor_of(user)
            awaits_code = bool(user.tf_totp_secret)
            if not awaits_code:
                enter(tx, user, method=PROVIDER)
            return begin_session(tx, user, method=PROVIDER, awaits_code=awaits_code, program=program)
    except JinguiError as refusal:
        detail = {"issuer": identity.issuer, "subject": identity.subject, "reason": refusal.message}
        note_read(archive, _LOGIN, "login.failed", outcome=REFUSED, object_type="user", detail=detail)
        raise


def prove_by_identity(tx: Transaction, login: Login, identity: Identity) -> str:
    """Makes a session fresh after the identity provider has asked the person again.

    Returns:
        Its new secret.

    Raises:
        Refused: the provider vouches for somebody else, or has only remembered the person.
    """
    user = _linked(tx, identity)
    if user is None or user.id != tx.actor.id:
        raise Refused(
            N_("At the identity provider you are somebody else than here."), remedy=N_("Log out there, and log in as the same person.")
        )
    patience = timedelta(minutes=tx.archive.settings.accounts.fresh_minutes)
    if identity.proven_at is None or tx.now - datetime.fromtimestamp(identity.proven_at, UTC) > patience:
        raise Refused(N_("The identity provider did not ask you again who you are."), remedy=N_("Log out there, and try again."))
    note(tx, "login.proven", object_type="user", object_id=user.id)
    return renew_session(tx, login.id)


def link_identity(tx: Transaction, issuer: str, subject: str, *, name: str = "") -> None:
    """Links an account with an identity: the own one, or, by an administrator, somebody's.

    Raises:
        PermissionDenied: another's account, without `Permission.USER_MANAGE`.
        NotFound: no such account.
        Conflict: the identity belongs to another account, or the account is one of the three administrators'.
    """
    user = named(tx, name or tx.actor.name)
    if user.id != tx.actor.id:
        tx.require(Permission.USER_MANAGE)
        if is_administrator(user) and not tx.actor.unrestricted:
            raise Conflict(
                N_("“{subject}” is one of the three administrators: only the person links that account."),
                subject=user.name,
                remedy=N_("Ask the person to log in and link it under “My account”."),
            )
    found = tx.session.get(UserIdentity, (issuer, subject))
    if found is not None and found.user_id != user.id:
        raise Conflict(N_("This identity belongs to another account already."), subject=subject, remedy=N_("Unlink it there first."))
    if found is None:
        tx.session.add(UserIdentity(issuer=issuer, subject=subject, user_id=user.id, role_names=[], created_at=tx.now))
        note(tx, "identity.linked", object_type="user", object_id=user.id, detail={"issuer": issuer, "subject": subject})


def unlink_identity(tx: Transaction, issuer: str, subject: str) -> None:
    """Takes an identity from the account of the person who acts, with the roles that came from there.

    Raises:
        Conflict: there is no password, so that nothing would be left to log in with.
    """
    found = tx.session.get(UserIdentity, (issuer, subject))
    if found is None or found.user_id != tx.actor.id:
        return
    user = tx.session.get_one(User, found.user_id)
    if not user.password_hash:
        raise Conflict(
            N_("Without it there would be no way to log in: this account has no password."),
            remedy=N_("Ask the system administrator for a password first."),
        )
    if found.role_names:
        raise Conflict(
            N_("Roles of this account come from the identity provider."), remedy=N_("Ask the security administrator to change that first.")
        )
    tx.session.delete(found)
    note(tx, "identity.unlinked", object_type="user", object_id=user.id, detail={"issuer": issuer, "subject": subject})


def own_identities(tx: Transaction) -> Sequence[UserIdentity]:
    """What the account of the person who acts is linked with."""
    return tx.session.scalars(
        select(UserIdentity).where(UserIdentity.user_id == tx.actor.id).order_by(UserIdentity.issuer, UserIdentity.subject)
    ).all()


def _roles(settings: ProviderSettings, claims: Mapping[str, Any]) -> frozenset[Role]:
    """The roles that the values of a claim mean; the claim may lie deeper (``realm_access.roles``)."""
    found: Any = claims
    for part in settings.roles_claim.split(".") if settings.roles_claim not in claims else [settings.roles_claim]:
        found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(role for value in values for role in settings.roles.get(str(value), ()))


def _linked(tx: Transaction, identity: Identity) -> User | None:
    return tx.session.scalar(
        select(User)
        .join(UserIdentity, UserIdentity.user_id == User.id)
        .where(UserIdentity.issuer == identity.issuer, UserIdentity.subject == identity.subject)
    )


def _made(tx: Transaction, identity: Identity) -> User:
    if not identity.roles:
        raise Refused(N_("The identity provider gives you no role here."), remedy=N_("Ask whoever keeps the groups there."))
    if not _NAME.fullmatch(identity.name):
        raise Refused(
            N_("“{name}” cannot be the name of an account."), remedy=N_("Tell the system administrator."), name=identity.name[:64]
        )
    if tx.session.scalar(select(User.id).where(User.name == identity.name)) is not None:
        # the same name is no proof of being the same person
        raise Refused(
            N_("There is an account “{subject}” already, and it is not linked with you."),
            subject=identity.name,
            remedy=N_("If it is yours, log in with its password and link it under “My account”."),
        )
    user = User(
        id=tx.archive.new_id(),
        name=identity.name,
        full_name=identity.full_name if identity.full_name.isprintable() else "",
        email=identity.email,
        password_hash="",
        role_names=[],
        groups=[],
        active=True,
        fs_uniquifier=token_hex(32),
        created_at=tx.now,
    )
    tx.session.add(user)
    tx.session.flush()
    tx.session.add(UserIdentity(issuer=identity.issuer, subject=identity.subject, user_id=user.id, role_names=[], created_at=tx.now))
    tx.session.flush()
    note(tx, "user.created", object_type="user", object_id=user.id, detail={"after": {"name": user.name, "issuer": identity.issuer}})
    return user


def _give_roles(tx: Transaction, user: User, identity: Identity) -> None:
    """Brings the roles that come from the provider up to date; those that were granted here stay."""
    if identity.roles is None:
        return
    link = tx.session.get_one(UserIdentity, (identity.issuer, identity.subject))
    granted_here = set(user.role_names) - set(link.role_names)
    wanted = sorted(granted_here | set(identity.roles))
    if not wanted and not user.groups:
        raise Refused(N_("The identity provider gives you no role here."), remedy=N_("Ask whoever keeps the groups there."))
    before = list(user.role_names)
    if wanted != sorted(before):
        with roles_change(tx, [user]):
            user.role_names = wanted
        note(tx, "user.roles", object_type="user", object_id=user.id, detail={"name": user.name, "before": before, "after": wanted})
    link.role_names = sorted(set(identity.roles) - granted_here)
