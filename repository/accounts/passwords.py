"""Passwords: their hashes (Argon2id, RFC 9106) and what makes one too weak."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from repository.errors import UsageError
from repository.findings import N_

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 8
LONGEST: Final = 1024


def check_strength(name: str, password: str) -> None:
    """Refuses a password that is too short, too long, one character repeated, or the account's name.

    Raises:
        UsageError: with what is wrong.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            N_("The password has {length} characters; it needs {shortest} to {longest}."),
            remedy=N_("Take several words that belong together only for you."),
            length=len(password),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    if len(set(password)) < 4 or name.casefold() in password.casefold():
        raise UsageError(
            N_("The password is too easy to guess: it is made of few different characters or contains the account's name."),
            remedy=N_("Take several words that belong together only for you."),
        )


def hash_password(password: str) -> str:
    """The hash to keep."""
    return _hasher().hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one of this hash; takes as long when it is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


@cache
def unknown_account_hash() -> str:
    """A hash to compare with when there is no such account, so that names cannot be told by the time an answer takes."""
    return hash_password("no account has this password")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()
