"""API tokens: secrets with which a program acts for an account, within scopes and for a time.

A token never lets a program do more than its owner may at the moment of use: `repository.permissions.allows` asks the
owner's roles and the token's scopes. What keeps the three administrators apart is never a program's to do.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select, update

from repository.accounts.lookup import named
from repository.accounts.roles import actor_of
from repository.accounts.tables import ApiToken, User
from repository.errors import NotFound, PermissionDenied, UsageError
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import ROLE_PERMISSIONS, Actor, Permission, allows

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.transaction import Transaction

PREFIX: Final = "jg_"
LONGEST_NAME: Final = 64
#: What no token carries: to make and reset accounts, to grant, to revoke, to read the logbook.
NEVER_BY_TOKEN: Final = frozenset({
    Permission.USER_MANAGE, Permission.ROLE_GRANT, Permission.LOG_READ, Permission.TOKEN_REVOKE, Permission.ADMINISTRATOR_RESET,
})  # fmt: skip
#: The moment of the last use is written no more often than this.
_USE_WRITTEN_EVERY: Final = timedelta(minutes=1)
_SECRET_BYTES: Final = 32
_TOKEN: Final = Actor.system("token")


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token right after it was made.

    Args:
        id: of the token.
        secret: what the program sends; it is kept nowhere and cannot be shown again.
        hint: its last four characters, by which the owner recognises it.
        expires_at: when it ends.
    """

    id: str
    secret: str
    hint: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TokenActor:
    """Who acts through a token.

    Args:
        actor: the owner, limited to the token's scopes.
        token_id: of the token.
        name: of the token, for the logbook.
    """

    actor: Actor
    token_id: str
    name: str


def scopes_offered(actor: Actor) -> Sequence[Permission]:
    """The permissions that an actor can put on a token: the own ones but those that no token carries."""
    own = {permission for role in actor.roles for permission in ROLE_PERMISSIONS[role]}
    return [permission for permission in Permission if permission in own - NEVER_BY_TOKEN]


def create_token(tx: Transaction, *, name: str, scopes: Iterable[str], expires: datetime, owner: str = "") -> NewToken:
    """Makes a token for the person who asks, or on the command line for an account.

    Args:
        tx: the transaction.
        name: what the token is for.
        scopes: names of the permissions it carries.
        expires: when it ends.
        owner: name of the account, for who holds the home folder.

    Raises:
        PermissionDenied: another's token; asked for with a token.
        NotFound: no such account.
        UsageError: name, scopes or time cannot be.
    """
    user = _owner(tx, owner)
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise UsageError(
            N_("A token needs a name of 1 to {most} characters."), remedy=N_("Name the program that will use it."), most=LONGEST_NAME
        )
    wanted = _checked_scopes(user, scopes)
    _check_time(tx, expires)
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    token = ApiToken(
        id=tx.archive.new_id(),
        user_id=user.id,
        name=plain,
        digest=_digest(secret),
        hint=secret[-4:],
        scopes=wanted,
        created_at=tx.now,
        expires_at=expires,
    )
    tx.session.add(token)
    tx.session.flush()
    note(
        tx,
        "token.created",
        object_type="token",
        object_id=token.id,
        detail={"owner": user.name, "name": plain, "scopes": wanted, "expires": expires.isoformat()},
    )
    return NewToken(id=token.id, secret=secret, hint=token.hint, expires_at=expires)


def list_tokens(tx: Transaction, owner: str = "") -> Sequence[ApiToken]:
    """The tokens of the person who asks, or of the account named, the newest first; ended ones among them.

    Raises:
        PermissionDenied: another's without `Permission.TOKEN_REVOKE`.
        NotFound: no such account.
    """
    user_id = tx.actor.id
    if owner and owner != tx.actor.name:
        tx.require(Permission.TOKEN_REVOKE)
        user_id = named(tx, owner).id
    return tx.session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.created_at.desc(), ApiToken.id)).all()


def revoke_token(tx: Transaction, token_id: str) -> None:
    """Ends a token at once: the owner the own, who holds `Permission.TOKEN_REVOKE` anybody's.

    Raises:
        NotFound: there is no such token, or it is another's.
    """
    token = tx.session.get(ApiToken, token_id)
    own = token is not None and token.user_id == tx.actor.id and tx.actor.kind == "person"
    if token is None or not (own or allows(tx.actor, Permission.TOKEN_REVOKE)):
        raise NotFound(N_("There is no such token."), subject=token_id, remedy=N_("The page of tokens shows those there are."))
    if token.revoked_at is None:
        token.revoked_at = tx.now
        note(tx, "token.revoked", object_type="token", object_id=token.id, detail={"owner": token.user.name, "name": token.name})


def is_live(token: ApiToken, now: datetime) -> bool:
    """Whether a token can be used at a moment."""
    return token.revoked_at is None and token.expires_at > now


def find_token_actor(archive: Archive, secret: str) -> TokenActor | None:
    """Who acts through this secret; None where it is no token, has ended, or its owner's account is closed.

    Only digests are compared, so that the time an answer takes tells nothing of a secret.
    """
    digest = _digest(secret)
    with archive.read(_TOKEN) as tx:
        token = tx.session.scalar(select(ApiToken).where(ApiToken.digest == digest))
        now = tx.now
        if token is None or not hmac.compare_digest(token.digest, digest) or not is_live(token, now) or not token.user.active:
            return None
        actor = _limited(token)
    if token.last_used_at is None or now - token.last_used_at >= _USE_WRITTEN_EVERY:
        _write_use(archive, token.id, now)
    return TokenActor(actor=actor, token_id=token.id, name=token.name)


def _limited(token: ApiToken) -> Actor:
    known = {str(permission): permission for permission in Permission}
    scopes = frozenset(known[name] for name in token.scopes if name in known) - NEVER_BY_TOKEN
    owner = actor_of(token.user)
    return Actor(id=owner.id, name=owner.name, roles=owner.roles, unit=owner.unit, units=owner.units, scopes=scopes)


def _write_use(archive: Archive, token_id: str, now: datetime) -> None:
    rarely = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - _USE_WRITTEN_EVERY)
    with archive.transaction(_TOKEN) as tx:
        tx.session.execute(update(ApiToken).where(ApiToken.id == token_id, rarely).values(last_used_at=now))


def _owner(tx: Transaction, owner: str) -> User:
    if tx.actor.scopes is not None:
        raise PermissionDenied(Permission.TOKEN_REVOKE)
    if tx.actor.unrestricted:
        return named(tx, owner)
    if owner and owner != tx.actor.name:
        raise PermissionDenied(Permission.USER_MANAGE)
    return named(tx, tx.actor.name)


def _checked_scopes(user: User, scopes: Iterable[str]) -> list[str]:
    wanted = sorted(set(scopes))
    offered = {str(permission) for permission in scopes_offered(actor_of(user))}
    if not wanted:
        raise UsageError(N_("Choose at least one thing that the token may do."), remedy=N_("Give it no more than the program needs."))
    for name in wanted:
        if name in {str(permission) for permission in NEVER_BY_TOKEN}:
            raise UsageError(
                N_("No token may carry “{scope}”: a program does not do what the three administrators watch each other doing."),
                remedy=N_("Do this in the console."),
                scope=name,
            )
        if name not in offered:
            raise UsageError(
                N_("“{scope}” is nothing that {owner} may do."),
                remedy=N_("Choose from: {known}."),
                scope=name[:64],
                owner=user.name,
                known=", ".join(sorted(offered)) or "-",
            )
    return wanted


def _check_time(tx: Transaction, expires: datetime) -> None:
    most = tx.archive.settings.token_days_most
    if not tx.now < expires <= tx.now + timedelta(days=most):
        raise UsageError(
            N_("A token is valid for 1 to {most} days."), remedy=N_("Choose an earlier end, and make a new token before it."), most=most
        )


def _digest(secret: str) -> bytes:
    # the secret has 256 bits of chance, so that a plain digest cannot be searched backwards
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
