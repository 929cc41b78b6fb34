"""The columns that lists of records can have, on the page and as a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from repository.findings import N_
from repository.search.finding import FoundRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column.

    Args:
        name: in addresses and preferences.
        label: heading, marked for translation.
        value: what a record has there: text, a number, a moment, or None.
        kind: how it looks: ``text``, ``code``, ``number``, ``size``, ``moment``, ``retention`` or ``word``.
    """

    name: str
    label: str
    value: Callable[[FoundRecord], object]
    kind: str = "text"


#: Every column but the title, which always comes first. Names for what is also a filter are those of the filter.
COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        Column(name="identifier", label=N_("Identifier"), value=lambda record: record.identifier or "", kind="code"),
        Column(name="unit", label=N_("Agency"), value=lambda record: record.unit),
        Column(name="fonds", label=N_("Fonds"), value=lambda record: record.fonds, kind="code"),
        Column(name="affair", label=N_("Affair"), value=lambda record: record.affair),
        Column(name="affair_type", label=N_("Kind of affair"), value=lambda record: record.affair_type),
        Column(name="case_number", label=N_("Case number"), value=lambda record: record.case_number, kind="code"),
        Column(name="year", label=N_("Year"), value=lambda record: record.year),
        Column(name="retention", label=N_("Retention"), value=lambda record: record.retention, kind="retention"),
        Column(name="sharing", label=N_("Sharing"), value=lambda record: record.sharing),
        Column(name="security", label=N_("Secrecy"), value=lambda record: record.security),
        Column(name="profile", label=N_("Package kind"), value=lambda record: record.profile, kind="word"),
        Column(name="agreement", label=N_("Agreement"), value=lambda record: record.agreement, kind="code"),
        Column(name="files", label=N_("Files"), value=lambda record: record.files, kind="number"),
        Column(name="bytes", label=N_("Size"), value=lambda record: record.bytes, kind="size"),
        Column(name="stored_at", label=N_("Stored"), value=lambda record: record.stored_at, kind="moment"),
        Column(name="changed_at", label=N_("Changed"), value=lambda record: record.changed_at, kind="moment"),
        Column(name="id", label=N_("Persistent identifier"), value=lambda record: f"urn:uuid:{record.id}", kind="code"),
    )
}
#: Those that a table has until somebody chooses others.
USUAL: Final = ("identifier", "unit", "affair_type", "year", "retention", "sharing")


def chosen_columns(names: Iterable[str]) -> Sequence[Column]:
    """The columns of these names in their own order; a name that is none is ignored, and none of them means the usual ones."""
    wanted = set(names)
    return [column for name, column in COLUMNS.items() if name in wanted] or [COLUMNS[name] for name in USUAL]
