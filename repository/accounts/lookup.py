"""Finding accounts by what people call them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import select

from repository.accounts.tables import User
from repository.errors import NotFound
from repository.findings import N_

if TYPE_CHECKING:
    from repository.transaction import Transaction


def plain_name(name: str) -> str:
    """A name as accounts keep it: however its characters were typed (Unicode, NFKC)."""
    return unicodedata.normalize("NFKC", name)


def named(tx: Transaction, name: str) -> User:
    """The account of this name.

    Raises:
        NotFound: there is none.
    """
    user = tx.session.scalar(select(User).where(User.name == plain_name(name)))
    if user is None:
        raise NotFound(N_("There is no account “{subject}”."), subject=name, remedy=N_("“jingui user list” names them all."))
    return user
