"""The tables of accounts. They are no holdings: a rebuild leaves them as they are, and a backup brings them back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repository.holdings import Agency, Base


class User(Base):
    """Somebody who can log in."""

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    password_hash: Mapped[str] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None]
    password_history: Mapped[list[Any]] = mapped_column(default=list)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    role_names: Mapped[list[Any]] = mapped_column("roles", default=list)
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"), index=True)
    language: Mapped[str] = mapped_column(String(16), default="")
    active: Mapped[bool] = mapped_column(default=True)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    #: the interval of the last code that was accepted, so that none is accepted twice (RFC 6238, 5.2)
    tf_last_counter: Mapped[int | None]
    mf_recovery_codes: Mapped[list[Any]] = mapped_column(default=list)
    last_login_at: Mapped[datetime | None]
    last_login_address: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]

    # loaded at once: who an actor is depends on both, wherever the account was read
    agency: Mapped[Agency | None] = relationship(lazy="joined")
    groups: Mapped[list[UserGroup]] = relationship(
        secondary="user_group_member", back_populates="members", order_by="UserGroup.name", lazy="selectin"
    )


class UserIdentity(Base):
    """Whom an account is at an identity provider (OpenID Connect Core 1.0, section 2: issuer and subject)."""

    __tablename__ = "user_identity"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    #: roles of the account that come from the provider, and go when it no longer tells them
    role_names: Mapped[list[Any]] = mapped_column("roles", default=list)
    created_at: Mapped[datetime]


class UserGroup(Base):
    """People who get roles together, such as a department (科室)."""

    __tablename__ = "user_group"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role_names: Mapped[list[Any]] = mapped_column("roles", default=list)
    created_at: Mapped[datetime]

    members: Mapped[list[User]] = relationship(secondary="user_group_member", back_populates="groups", order_by="User.name")


class UserGroupMember(Base):
    """Who belongs to a group."""

    __tablename__ = "user_group_member"

    group_id: Mapped[str] = mapped_column(ForeignKey("user_group.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), primary_key=True, index=True)


class PasswordReset(Base):
    """A wish of one administrator that another one's password be replaced; a third one confirms it, and then the row goes."""

    __tablename__ = "password_reset"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), unique=True)
    requested_by: Mapped[str] = mapped_column(ForeignKey("user.id"))
    #: half of the future password; it opens nothing before the other half is made
    first_half: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    requester: Mapped[User] = relationship(foreign_keys=[requested_by])


class LoginSession(Base):
    """A login that can still be used, or could be: kept here so that it can be ended from this side."""

    __tablename__ = "login_session"

    #: digest of the secret in the cookie
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    #: whether the code of the second factor is still to come, so that the session is good for nothing else
    awaits_code: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    fresh_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(Text, default="")
    program: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None]


class ApiToken(Base):
    """A secret with which a program acts for an account; only its digest is kept."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(String(8))
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
