"""What people choose for their own pages, kept with their account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from repository.accounts.tables import User
from repository.errors import UsageError
from repository.findings import N_

if TYPE_CHECKING:
    from repository.transaction import Transaction

_LENGTH: Final = 4000


def preferences(tx: Transaction) -> Mapping[str, Any]:
    """What the actor has chosen; nothing for who has no account."""
    user = tx.session.get(User, tx.actor.id) if tx.actor.kind == "person" else None
    return dict(user.preferences) if user is not None else {}


def remember(tx: Transaction, name: str, value: Any) -> None:
    """Keeps a choice of the actor, in place of an earlier one of this name. Everybody may, for the own account only.

    Args:
        tx: the transaction; nothing is kept for who has no account.
        name: of the choice (``records.columns``).
        value: JSON, of a few thousand characters at most.

    Raises:
        UsageError: the value is too long.
    """
    if len(json.dumps(value)) > _LENGTH:
        raise UsageError(N_("The choice “{subject}” is too long to be kept."), subject=name)
    user = tx.session.get(User, tx.actor.id) if tx.actor.kind == "person" else None
    if user is not None:
        user.preferences = {**user.preferences, name: value}
