"""Accounts for tests in which nobody logs in: making a password's hash takes longer than everything else they do."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex

from repository.accounts.tables import User
from repository.permissions import Role


def account(name: str, *roles: Role, now: datetime, email: str = "", language: str = "", agency: str | None = None) -> User:
    """An account whose id is its name, with which nobody can log in."""
    return User(
        id=name,
        name=name,
        full_name="",
        email=email,
        password_hash="none",
        role_names=sorted(roles),
        agency_id=agency,
        language=language,
        active=True,
        fs_uniquifier=token_hex(32),
        created_at=now,
    )
