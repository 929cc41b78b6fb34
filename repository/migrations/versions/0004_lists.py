"""Indexes that hold everything a list has to look at, so that a list over a million files reads only what it shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Exchanges the indexes of single columns for those that answer alone."""
    op.drop_index("ix_record_state", "record")
    op.drop_index("ix_record_changed_at", "record")
    op.create_index("ix_record_changed", "record", ["changed_at", "id", "state", "sharing", "security"])
    columns = ("unit", "affair_type", "year", "retention", "profile")
    for column in columns:
        others = [other for other in columns if other != column]
        op.create_index(f"ix_record_{column}", "record", [column, "state", "sharing", "security", *others])
    counted = [*columns, "agreement_code", "affair", "changed_at"]
    op.create_index("ix_record_counted", "record", ["id", "state", "sharing", "security", *counted])
    destroyed = sa.text("state = 'destroyed'")
    op.create_index("ix_record_destroyed", "record", ["id"], sqlite_where=destroyed, postgresql_where=destroyed)
    op.create_index("ix_aip_record", "aip", ["id", "record_id"])
    op.drop_index("ix_file_puid", "file")
    op.create_index("ix_file_puid", "file", ["puid", "role", "aip_id"])
    op.create_index("ix_copy_store", "copy", ["store", "state", "checked_at"])
    op.drop_index("ix_submission_state", "submission")
    op.create_index("ix_submission_state", "submission", ["state", "received_at"])
