"""Features: what the slices add to the repository, named by strings so that nothing is imported before it is needed.

A slice offers one `Feature` as ``<slice>.feature:feature``; a third party adds a slice by adding its name to `FEATURES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from repository.errors import NotFound
from repository.findings import N_
from repository.permissions import Permission

if TYPE_CHECKING:
    from repository.holdings import Job
    from repository.jobs.context import JobHandler
    from repository.transaction import Transaction

#: The slices, in the order in which they are switched on.
FEATURES: Final = ("ingest.feature:feature", "preservation.feature:feature", "access.feature:feature")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleSpec:
    """Something that is done again and again.

    Args:
        name: of the row in the timetable.
        kind: of the job it enqueues.
        every_seconds: how often.
    """

    name: str
    kind: str
    every_seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NavigationEntry:
    """An entry of the console's navigation.

    Args:
        label: English, marked with `N_`.
        endpoint: of the view (``access.search``).
        permission: who sees it.
        position: smaller comes first.
        icon: name of a Bootstrap icon, or empty.
    """

    label: str
    endpoint: str
    permission: Permission
    position: int
    icon: str = ""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What a slice adds.

    Args:
        name: the slice's name.
        blueprint: its pages (``ingest.views:blueprint``), or None.
        api: its operations of the HTTP API (``ingest.api:blueprint``), or None.
        tables: modules that define its tables (``ingest.uploads.tables``).
        commands: its commands, by name (``"ingest": "ingest.commands:ingest"``).
        summaries: a line about each command, English, marked with `N_`: the list of commands imports no command.
        jobs: its handlers, by kind of job (``ingest.jobs:process``).
        abandoned: what is told, by kind of job, when the ledger ends a job that did not end by itself: a function
            ``(tx, job)``, called in the transaction that ends it (``ingest.jobs:abandoned``).
        schedules: what it does regularly.
        navigation: its entries in the console.
        demo: what fills an empty home with demo data (``ingest.demo:load``), or None.
    """

    name: str
    blueprint: str | None = None
    api: str | None = None
    tables: Sequence[str] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    summaries: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    abandoned: Mapping[str, str] = field(default_factory=dict)
    schedules: Sequence[ScheduleSpec] = ()
    navigation: Sequence[NavigationEntry] = ()
    demo: str | None = None


#: What the repository itself does, beside the slices.
REPOSITORY: Final = Feature(
    name="repository",
    tables=(
        "repository.accounts.tables",
        "repository.logbook.tables",
        "repository.notices.tables",
        "repository.api.tables",
        "repository.search.tables",
    ),
    commands={
        "init": "repository.commands.home:init",
        "serve": "repository.commands.serve:serve",
        "worker": "repository.commands.serve:worker",
        "ocfl": "repository.commands.ocfl:ocfl",
        "store": "repository.commands.stores:store",
        "user": "repository.commands.users:user",
        "rebuild": "repository.commands.rebuild:rebuild",
        "doctor": "repository.commands.doctor:doctor",
    },
    summaries={
        "init": N_("Make a repository home."),
        "serve": N_("Web, workers and timetable in one command."),
        "worker": N_("A worker process more."),
        "ocfl": N_("Validate OCFL objects and storage roots."),
        "store": N_("The stores that keep the copies."),
        "user": N_("Accounts and their roles."),
        "rebuild": N_("Make the catalogue again from storage alone."),
        "doctor": N_("Check settings, tools, stores, clock and schema."),
    },
    jobs={
        "search.index": "repository.search.jobs:index",
        "journal.flush": "repository.journal:flush_job",
        "demo.load": "repository.demo.accounts:load",
    },
    schedules=(
        ScheduleSpec(name="journal.flush", kind="journal.flush", every_seconds=240),
        ScheduleSpec(name="search.index", kind="search.index", every_seconds=30),
    ),
)


def resolve(dotted: str) -> Any:
    """The object that a string ``module:name`` names."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def features() -> tuple[Feature, ...]:
    """Every feature, the repository's own first."""
    found: list[Feature] = [REPOSITORY]
    for dotted in FEATURES:
        feature = resolve(dotted)
        if not isinstance(feature, Feature):
            raise TypeError(f"{dotted} is not a Feature")
        found.append(feature)
    return tuple(found)


def import_tables() -> None:
    """Imports every module that defines tables, so that `repository.holdings.Base` knows them all."""
    for feature in features():
        for module in feature.tables:
            importlib.import_module(module)


def commands() -> dict[str, str]:
    """Every command of the command line: its name, and where it is."""
    return {name: target for feature in features() for name, target in feature.commands.items()}


def command_summaries() -> dict[str, str]:
    """A line about each command, by name."""
    return {name: summary for feature in features() for name, summary in feature.summaries.items()}


def job_handler(kind: str) -> JobHandler:
    """The function that does jobs of a kind.

    Raises:
        NotFound: no feature knows the kind.
    """
    for feature in features():
        if kind in feature.jobs:
            handler: JobHandler = resolve(feature.jobs[kind])
            return handler
    raise NotFound(N_("No feature knows jobs of the kind “{subject}”."), subject=kind)


def owner_of_abandoned(kind: str) -> Callable[[Transaction, Job], None] | None:
    """The function that is told when the ledger ends a job of a kind, or None where nobody asked for it."""
    for feature in features():
        if kind in feature.abandoned:
            told: Callable[[Transaction, Job], None] = resolve(feature.abandoned[kind])
            return told
    return None


def schedules() -> tuple[ScheduleSpec, ...]:
    """What is done regularly."""
    return tuple(spec for feature in features() for spec in feature.schedules)


def navigation() -> tuple[NavigationEntry, ...]:
    """The entries of the console, in their order."""
    return tuple(sorted((entry for feature in features() for entry in feature.navigation), key=lambda entry: entry.position))


def demos() -> tuple[Callable[..., Any], ...]:
    """What fills an empty home with demo data."""
    return tuple(resolve(feature.demo) for feature in features() if feature.demo)
