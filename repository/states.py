"""Where things stand: the states of submissions, records and copies, for those who need no database to speak of them."""

from __future__ import annotations

from enum import StrEnum


class SubmissionState(StrEnum):
    """Where a submission stands. `FAILED` is ours and resumable, `REJECTED` is theirs and explained."""

    RECEIVED = "received"
    PROCESSING = "processing"
    STORED = "stored"
    REJECTED = "rejected"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    CANCELLED = "cancelled"


class RecordState(StrEnum):
    """Where a record stands."""

    INCOMING = "incoming"
    STORED = "stored"
    DESTROYED = "destroyed"


class CopyState(StrEnum):
    """What is known of a copy in a store: the last thing seen, each word for one fact."""

    MATCH = "match"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_CHECKED = "not_checked"
