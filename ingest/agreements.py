"""Submission agreements: under which terms packages come in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from repository.holdings import Agreement
from repository.permissions import Permission, allows
from repository.transaction import Transaction


def list_agreements(tx: Transaction) -> Sequence[Agreement]:
    """The agreements that the actor may know of, by code: staff all, an agency officer those of the own agency.

    Raises:
        PermissionDenied: without `Permission.AGREEMENT_READ`.
    """
    tx.require(Permission.AGREEMENT_READ)
    rows = tx.session.scalars(select(Agreement).order_by(Agreement.code)).all()
    return [row for row in rows if allows(tx.actor, Permission.AGREEMENT_READ, row)]
