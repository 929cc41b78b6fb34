"""Incidents: copies that were not as they should be, and what became of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INTEGER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table."""
    op.create_table(
        "incident",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("aip_id", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("store", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("problem_count", _INTEGER, nullable=False),
        sa.Column("audit_id", sa.String(36), nullable=True),
        sa.Column("last_good_at", _INSTANT, nullable=True),
        sa.Column("detected_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("attempts", _INTEGER, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_copy", "incident", ["aip_id", "store"], unique=False)
    op.create_index("ix_incident_state", "incident", ["state", "detected_at"], unique=False)
