"""The catalogue as it began."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

#: 64 bits on both databases; SQLite numbers rows by itself only in a column declared as INTEGER.
_INTEGER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

#: The tables of the event ledger, with the columns that tell their rows apart: nothing in them is ever changed.
_LEDGER: Final = {
    "event": ("id", "sequence"),
    "event_object": ("event_id", "position"),
    "event_agent": ("event_id", "position"),
}
_REFUSAL: Final = "the event ledger is append-only"


def upgrade() -> None:
    """Makes every table, and the triggers that keep the event ledger append-only."""
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def _guard_on_sqlite() -> None:
    for table, columns in _LEDGER.items():
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        # INSERT OR REPLACE deletes without firing the trigger above.
        known = (
            " OR ".join(f"{column} = NEW.{column}" for column in columns)
            if table == "event"
            else " AND ".join(f"{column} = NEW.{column}" for column in columns)
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {known}) BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in _LEDGER:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()"
        )


def _create_tables() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("type", "name", "version", name=op.f("uq_agent_type")),
    )
    op.create_table(
        "agreement",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("fonds", sa.String(length=64), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_agreement")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("selection", sa.JSON(), nullable=False),
        sa.Column("aips", _INTEGER, nullable=False),
        sa.Column("files", _INTEGER, nullable=False),
        sa.Column("bytes", _INTEGER, nullable=False),
        sa.Column("damaged", _INTEGER, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_started_at"), "audit", ["started_at"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sequence", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("sequence", name=op.f("uq_event_sequence")),
    )
    op.create_index(op.f("ix_event_at"), "event", ["at"], unique=False)
    op.create_index(op.f("ix_event_type"), "event", ["type"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("attempts", _INTEGER, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_index("ix_job_claim", "job", ["state", "not_before", "created_at"], unique=False)
    op.create_index(op.f("ix_job_lease_until"), "job", ["lease_until"], unique=False)
    op.create_table(
        "journal_mark",
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("sequence", _INTEGER, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_journal_mark")),
    )
    op.create_table(
        "schedule",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("every_seconds", _INTEGER, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
    )
    op.create_index(op.f("ix_schedule_next_at"), "schedule", ["next_at"], unique=False)
    op.create_table(
        "search_pending",
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_search_pending")),
    )
    op.create_table(
        "signature_release",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("container_version", sa.String(length=32), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_release")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("name", name=op.f("uq_user_name")),
    )
    op.create_table(
        "audit_outcome",
        sa.Column("audit_id", sa.String(length=36), nullable=False),
        sa.Column("aip_id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("files", _INTEGER, nullable=False),
        sa.Column("bytes", _INTEGER, nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_outcome_audit_id_audit")),
        sa.PrimaryKeyConstraint("audit_id", "aip_id", "store", name=op.f("pk_audit_outcome")),
    )
    op.create_index(op.f("ix_audit_outcome_outcome"), "audit_outcome", ["outcome"], unique=False)
    op.create_table(
        "event_agent",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("agent_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_event_agent_agent_id_agent")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_agent_event_id_event")),
        sa.PrimaryKeyConstraint("event_id", "position", name=op.f("pk_event_agent")),
    )
    op.create_index(op.f("ix_event_agent_agent_id"), "event_agent", ["agent_id"], unique=False)
    op.create_table(
        "event_object",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("object_type", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_object_event_id_event")),
        sa.PrimaryKeyConstraint("event_id", "position", name=op.f("pk_event_object")),
    )
    op.create_index("ix_event_object_object", "event_object", ["object_type", "object_id"], unique=False)
    op.create_table(
        "record",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agreement_code", sa.String(length=64), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("fonds", sa.Text(), nullable=False),
        sa.Column("affair_code", sa.Text(), nullable=False),
        sa.Column("affair", sa.Text(), nullable=False),
        sa.Column("affair_type", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=False),
        sa.Column("year", sa.Text(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("security", sa.Text(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agreement_code"], ["agreement.code"], name=op.f("fk_record_agreement_code_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint("agreement_code", "identifier", name=op.f("uq_record_agreement_code")),
    )
    op.create_index(op.f("ix_record_changed_at"), "record", ["changed_at"], unique=False)
    op.create_index(op.f("ix_record_state"), "record", ["state"], unique=False)
    op.create_table(
        "aip",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("version", _INTEGER, nullable=False),
        sa.Column("inventory_digest", sa.String(length=128), nullable=False),
        sa.Column("files", _INTEGER, nullable=False),
        sa.Column("bytes", _INTEGER, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_aip_record_id_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aip")),
        sa.UniqueConstraint("record_id", name=op.f("uq_aip_record_id")),
    )
    op.create_index(op.f("ix_aip_stored_at"), "aip", ["stored_at"], unique=False)
    op.create_table(
        "submission",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agreement_code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("keep_source", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=True),
        sa.Column("recognition", sa.JSON(), nullable=False),
        sa.Column("content_digest", sa.String(length=128), nullable=True),
        sa.Column("files", _INTEGER, nullable=False),
        sa.Column("bytes", _INTEGER, nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=True),
        sa.Column("aip_id", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agreement_code"], ["agreement.code"], name=op.f("fk_submission_agreement_code_agreement")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_submission_record_id_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
    )
    op.create_index(op.f("ix_submission_received_at"), "submission", ["received_at"], unique=False)
    op.create_index(op.f("ix_submission_state"), "submission", ["state"], unique=False)
    op.create_table(
        "aip_version",
        sa.Column("aip_id", sa.String(length=64), nullable=False),
        sa.Column("number", _INTEGER, nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("content_digest", sa.String(length=128), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("files", _INTEGER, nullable=False),
        sa.Column("bytes", _INTEGER, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name=op.f("fk_aip_version_aip_id_aip")),
        sa.PrimaryKeyConstraint("aip_id", "number", name=op.f("pk_aip_version")),
    )
    op.create_index(op.f("ix_aip_version_content_digest"), "aip_version", ["content_digest"], unique=False)
    op.create_table(
        "copy",
        sa.Column("aip_id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("version", _INTEGER, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name=op.f("fk_copy_aip_id_aip")),
        sa.PrimaryKeyConstraint("aip_id", "store", name=op.f("pk_copy")),
    )
    op.create_index(op.f("ix_copy_checked_at"), "copy", ["checked_at"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", _INTEGER, autoincrement=True, nullable=False),
        sa.Column("aip_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("representation", sa.Text(), nullable=False),
        sa.Column("raw_name", sa.LargeBinary(), nullable=True),
        sa.Column("size", _INTEGER, nullable=False),
        sa.Column("sha512", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sm3", sa.LargeBinary(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("puid", sa.String(length=32), nullable=True),
        sa.Column("format_name", sa.Text(), nullable=False),
        sa.Column("format_version", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("format_basis", sa.String(length=16), nullable=False),
        sa.Column("format_engine", sa.Text(), nullable=False),
        sa.Column("format_matches", sa.JSON(), nullable=False),
        sa.Column("format_warnings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name=op.f("fk_file_aip_id_aip")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    op.create_index("ix_file_aip_path", "file", ["aip_id", "path"], unique=True)
    op.create_index("ix_file_puid", "file", ["puid"], unique=False)
    op.create_table(
        "submission_step",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_submission_step_submission_id_submission")),
        sa.PrimaryKeyConstraint("submission_id", "position", name=op.f("pk_submission_step")),
    )
