"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Says a moment that stands still until it is moved; the source of `Archive.clock`."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        """The moment."""
        return self.now

    def forward(self, **span: float) -> None:
        """Lets time pass: ``forward(minutes=5)``."""
        self.now += timedelta(**span)
