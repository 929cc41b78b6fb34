"""The first accounts of a home: the three administrators, made by whoever started the server, and nobody else.

`jingui serve` prints an address with a key as long as there is no account. The home keeps the key's digest; the key works
once, and only while there is no account. There is no default password.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from repository.accounts.importing import NewAccount
from repository.accounts.lookup import plain_name
from repository.accounts.passwords import hash_password
from repository.accounts.resets import one_time_password
from repository.accounts.users import add_user, has_users
from repository.errors import Conflict, NotFound
from repository.findings import N_
from repository.logbook.recording import note
from repository.permissions import Actor, Role

if TYPE_CHECKING:
    from repository.archive import Archive

_SETUP: Final = Actor.system("setup")
_KEY_FILE: Final = "setup-key"


@dataclass(frozen=True, kw_only=True)
class FirstPerson:
    """One of the first accounts.

    Args:
        role: the only role.
        name: what the person logs in with.
        full_name: the person's name.
    """

    role: Role
    name: str
    full_name: str = ""


def offer_setup(archive: Archive) -> str | None:
    """A new key for setting up a home that has no account, in place of any before; None where there is one."""
    path = _key_file(archive)
    with archive.read(_SETUP) as tx:
        taken = has_users(tx)
    if taken:
        path.unlink(missing_ok=True)
        return None
    key = secrets.token_urlsafe(32)
    draft = path.with_name(f".{_KEY_FILE}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_digest(key))
    draft.replace(path)
    return key


def is_setup_key(archive: Archive, key: str) -> bool:
    """Whether this key sets the home up: it is the one that was printed, and there is no account yet."""
    try:
        kept = _key_file(archive).read_text(encoding="ascii")
    except FileNotFoundError:
        kept = ""
    if not hmac.compare_digest(kept.encode(), _digest(key).encode()):
        return False
    with archive.read(_SETUP) as tx:
        return not has_users(tx)


def set_up(archive: Archive, key: str, people: Sequence[FirstPerson]) -> Sequence[NewAccount]:
    """Makes the first accounts, each with a one-time password, and uses the key up.

    Args:
        archive: the archive.
        key: what `jingui serve` printed.
        people: the three administrators, and whoever else is wanted.

    Raises:
        NotFound: the key is not the one that was printed, was used, or there is an account already.
        Conflict: two of the people have the same name.
        UsageError: a name cannot be.
    """
    if not is_setup_key(archive, key):
        raise _no_setup()
    names = [plain_name(person.name) for person in people]
    if len(set(names)) < len(names):
        raise Conflict(
            N_("The administrators must be different people: a name is there twice."),
            remedy=N_("Give each of them an account of their own."),
        )
    made = [
        NewAccount(name=name, full_name=person.full_name, password=one_time_password(archive.settings.accounts.password_length))
        for name, person in zip(names, people, strict=True)
    ]
    hashes = [hash_password(account.password) for account in made]
    path = _key_file(archive)
    used = path.with_name(f"{_KEY_FILE}.used")
    # whoever takes the file away is the one who sets up; a second request at the same moment finds none
    try:
        path.rename(used)
    except FileNotFoundError:
        raise _no_setup() from None
    try:
        with archive.transaction(_SETUP) as tx:
            if has_users(tx):
                raise _no_setup()
            for person, account, hashed in zip(people, made, hashes, strict=True):
                add_user(
                    tx,
                    name=account.name,
                    password_hash=hashed,
                    roles=[person.role],
                    full_name=person.full_name,
                    must_change_password=True,
                )
            note(tx, "setup.done", object_type="user", detail={"names": names})
    except BaseException:
        used.rename(path)
        raise
    with suppress(OSError):
        used.unlink()
    return made


def _no_setup() -> NotFound:
    return NotFound(
        N_("There is nothing to set up here."),
        remedy=N_("Where there is no account yet, “jingui serve” prints the address for it; otherwise ask an administrator."),
    )


def _key_file(archive: Archive) -> Path:
    return archive.settings.under_home(_KEY_FILE)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
