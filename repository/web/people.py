"""Flask-Security on the catalogue: its user, datastore, login, freshness and second factor, and nothing else of it.

The library's own pages, tokens, mails and command line stay switched off. What it changes it changes in the transaction
at hand (`Datastore.within`), so that a change and its line in the logbook are committed together or not at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from time import time
from typing import Final, cast

from flask import Flask, current_app
from flask_security import RoleMixin, Security, SQLAlchemyUserDatastore, UserMixin
from flask_security.totp import Totp
from flask_security.utils import check_and_update_authn_fresh, set_request_attr
from passlib.totp import TOTP, TotpMatch
from sqlalchemy.orm import Session

from repository.accounts.sessions import Login
from repository.accounts.tables import User
from repository.archive import Archive
from repository.permissions import Actor
from repository.transaction import Transaction
from repository.web.keys import kept_key

#: Codes of the interval before and after are taken too: clocks of telephones differ (RFC 6238, 5.2). Seconds.
_CLOCKS_DIFFER: Final = 30
RECOVERY_CODES: Final = 10


class Person(UserMixin):
    """Somebody with a session, as the login library wants to see one.

    Whoever still owes something (the code, a second factor, a new password) counts as not logged in for every page but
    the one where it is done.
    """

    active = True

    def __init__(self, login: Login, secret: str) -> None:
        self.login = login
        self.fs_uniquifier = login.uniquifier
        self.name = login.actor.name
        self._secret = secret

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.login.actor

    @property
    def owes(self) -> str:
        """What must be done before anything else: ``code``, ``password``, ``second-factor``, or nothing."""
        if self.login.awaits_code:
            return "code"
        if self.login.needs_password:
            return "password"
        return "second-factor" if self.login.needs_second_factor else ""

    @property
    def is_authenticated(self) -> bool:
        """Whether the person is in."""
        return not self.owes

    def get_id(self) -> str:
        """What the browser holds: the secret of the session, never the account's id."""
        return self._secret


class _Unknown(RoleMixin):
    """Roles are no rows here: `repository.permissions` has them as data, `repository.accounts.roles` gives them."""

    name = ""


class _AtHand:
    """The session of the transaction at hand."""

    def __init__(self) -> None:
        self.present: ContextVar[Session | None] = ContextVar("jingui_datastore", default=None)

    @property
    def session(self) -> Session:
        found = self.present.get()
        if found is None:
            raise LookupError("the datastore works within a transaction only")
        return found


class Datastore(SQLAlchemyUserDatastore):
    """The library's view of the table of accounts."""

    def __init__(self) -> None:
        self._at_hand = _AtHand()
        super().__init__(self._at_hand, User, _Unknown)

    @contextmanager
    def within(self, tx: Transaction) -> Iterator[None]:
        """Has the library work in this transaction while the block lasts."""
        token = self._at_hand.present.set(tx.session)
        try:
            yield
        finally:
            self._at_hand.present.reset(token)

    def commit(self) -> None:
        """Writes what is pending; `Archive.transaction` commits."""
        self.db.session.flush()

    def mf_delete_recovery_code(self, user: User, idx: int) -> bool:
        """Strikes out a recovery code. The library shortens the list in place, which a JSON column does not notice."""
        codes = list(user.mf_recovery_codes)
        if not 0 <= idx < len(codes):
            return False
        del codes[idx]
        user.mf_recovery_codes = codes
        self.put(user)
        return True


def _totp_of(archive: Archive) -> type[Totp]:
    """The library's TOTP (RFC 6238) on the archive's clock, which takes no code twice."""

    class ArchiveTotp(Totp):
        def __init__(self, secrets: dict[str, str], issuer: str) -> None:
            super().__init__(secrets, issuer)
            self._totp = TOTP.using(issuer=issuer, secrets=secrets, now=lambda: archive.clock().timestamp())

        def get_last_counter(self, user: User) -> int | None:
            return user.tf_last_counter

        def set_last_counter(self, user: User, tmatch: TotpMatch) -> None:
            user.tf_last_counter = tmatch.counter

    return ArchiveTotp


def register(app: Flask, archive: Archive) -> Security:
    """Puts the library in place. After `CSRFProtect`, before anything that asks who is there."""
    key = kept_key(archive.home, "totp-key", archive.settings.totp_key)
    app.config.update(
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"name": {"mapper": lambda name: name}}],
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TOTP_SECRETS={"1": key},
        SECURITY_TOTP_ISSUER=archive.settings.archive_name.replace(":", " "),
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_N=RECOVERY_CODES,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[base64.urlsafe_b64encode(hashlib.sha256(f"recovery {key}".encode()).digest())],
        SECURITY_CLI_USERS_NAME=False,
        SECURITY_CLI_ROLES_NAME=False,
    )
    security = Security(app, Datastore(), register_blueprint=False, totp_cls=_totp_of(archive))
    # without this a picture or a style sheet would ask the catalogue who wants it
    security.principal.skip_static = True
    return security


def security() -> Security:
    """The library, as this application has it."""
    return cast(Security, current_app.extensions["security"])


def datastore() -> Datastore:
    """The library's datastore."""
    return cast(Datastore, security().datastore)


def tell_freshness(archive: Archive, login: Login) -> None:
    """Tells the library how long ago the person proved who it is; it reckons in the machine's time, sessions in the archive's."""
    age = None if login.fresh_at is None else (archive.clock() - login.fresh_at).total_seconds()
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", 0 if age is None else time() - age)


def is_fresh(archive: Archive) -> bool:
    """Whether the last proof of identity is recent enough for a dangerous act (`fresh_minutes`)."""
    # no time of grace: it would live in the cookie
    return bool(check_and_update_authn_fresh(timedelta(minutes=archive.settings.accounts.fresh_minutes), timedelta(0)))


def new_secret() -> str:
    """A new secret for an authenticator application, encrypted as the catalogue keeps it."""
    return str(security().totp_factory.generate_totp_secret())


def shown(user_name: str, secret: str) -> tuple[str, str]:
    """A secret as a person can type it, and as a picture for the telephone's camera (a ``data:`` address)."""
    totp = security().totp_factory
    return totp.get_totp_pretty_key(secret), totp.generate_qrcode(user_name, secret)


def is_code(user: User, secret: str, code: str) -> bool:
    """Whether this is the code that the authenticator application shows now; the same code is taken once."""
    digits = "".join(code.split())
    return digits.isascii() and digits.isdigit() and bool(security().totp_factory.verify_totp(digits, secret, user, _CLOCKS_DIFFER))


def use_recovery_code(user: User, code: str) -> bool:
    """Whether this is one of the account's recovery codes, which is struck out then. Within `Datastore.within`."""
    util = security().mf_recovery_codes_util
    plain = code.strip().lower()
    return bool(util.check_recovery_code(user, plain) and util.delete_recovery_code(user, plain))


def new_recovery_codes(user: User) -> list[str]:
    """New recovery codes for an account, which replace the former ones. Within `Datastore.within`."""
    codes: list[str] = security().mf_recovery_codes_util.create_recovery_codes(user)
    return codes


def put_second_factor(user: User, secret: str) -> list[str]:
    """Switches the second factor of an account on, and gives its recovery codes. Within `Datastore.within`."""
    datastore().tf_set(user, "authenticator", totp_secret=secret)
    return new_recovery_codes(user)


def take_second_factor(user: User) -> None:
    """Switches the second factor of an account off, with its recovery codes. Within `Datastore.within`."""
    datastore().tf_reset(user)
    datastore().mf_set_recovery_codes(user, [])
    user.tf_last_counter = None
