"""Jobs remember when their id was given to a broker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the moment; jobs that wait already have none, so that they are sent at the next tick."""
    op.add_column("job", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
