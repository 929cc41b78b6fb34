"""Features: what the slices add to the repository, named by strings so that nothing is imported before it is needed.

A slice offers one `Feature` as ``<slice>.feature:feature``; a third party adds a slice by adding its name to `FEATURES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from repository.errors import NotFound
from repository.findings import N_
from repository.logbook.actions import REPOSITORY_NOTED, Noted
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


class NavigationGroup(StrEnum):
    """The part of the navigation that an entry stands in, in this order; the last is the menu of the person."""

    WORK = "work"
    PRESERVATION = "preservation"
    ADMINISTRATION = "administration"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True, slots=True)
class NavigationEntry:
    """An entry of the console's navigation.

    Args:
        label: English, marked with `N_`.
        endpoint: of the view (``access.search``).
        permission: who sees it; None: everybody who is logged in.
        position: smaller comes first in its group.
        icon: name of a Bootstrap icon, or empty.
        group: the part it stands in.
        key: the letter that follows ``g`` on the keyboard, or empty.
        badge: a function ``(tx) -> int`` that counts what has failed, in one cheap query over what the asker may see
            (``repository.web.dashboard.matters:unsuccessful_submissions``), or empty; what it counts stands in red beside the entry.
    """

    label: str
    endpoint: str
    permission: Permission | None
    position: int
    icon: str = ""
    group: NavigationGroup = NavigationGroup.WORK
    key: str = ""
    badge: str = ""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What a slice adds.

    Args:
        name: the slice's name.
        blueprint: its pages (``ingest.views:blueprint``), or None.
        api: its operations of the HTTP API, as blueprints (``ingest.api:blueprint``); see `repository.api.frame`.
        tables: modules that define its tables (``ingest.uploads.tables``).
        commands: its commands, by name (``"ingest": "ingest.commands:ingest"``).
        summaries: a line about each command, English, marked with `N_`: the list of commands imports no command.
        jobs: its handlers, by kind of job (``ingest.jobs:process``).
        abandoned: what is told, by kind of job, when the ledger ends a job that did not end by itself: a function
            ``(tx, job)``, called in the transaction that ends it (``ingest.jobs:abandoned``).
        schedules: what it does regularly.
        navigation: its entries in the console.
        noted: what requests to its endpoints leave in the logbook, by endpoint (``access.record``); a request that
            changes something leaves a line even where nothing is said here.
        demo: what fills an empty home with demo data (``ingest.demo:load``), or None.
    """

    name: str
    blueprint: str | None = None
    api: Sequence[str] = ()
    tables: Sequence[str] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    summaries: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    abandoned: Mapping[str, str] = field(default_factory=dict)
    schedules: Sequence[ScheduleSpec] = ()
    navigation: Sequence[NavigationEntry] = ()
    noted: Mapping[str, Noted] = field(default_factory=dict)
    demo: str | None = None


#: What the repository itself does, beside the slices.
REPOSITORY: Final = Feature(
    name="repository",
    api=(
        "repository.api.reference:blueprint",
        "repository.api.accounts:blueprint",
        "repository.api.agencies:blueprint",
        "repository.api.jobs:blueprint",
        "repository.api.log:blueprint",
        "repository.api.stores:blueprint",
    ),
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
        "group": "repository.commands.groups:group",
        "agency": "repository.commands.agencies:agency",
        "rebuild": "repository.commands.rebuild:rebuild",
        "doctor": "repository.commands.doctor:doctor",
        "job": "repository.commands.jobs:job",
        "schedule": "repository.commands.jobs:schedule",
        "notice": "repository.commands.notices:notice",
        "log": "repository.commands.log:log",
        "hold": "repository.commands.holds:hold",
    },
    summaries={
        "init": N_("Make a repository home."),
        "serve": N_("Web, workers and timetable in one command."),
        "worker": N_("A worker process more."),
        "ocfl": N_("Validate OCFL objects and storage roots."),
        "store": N_("The stores that keep the copies."),
        "user": N_("Accounts and their roles."),
        "group": N_("Groups of people and the roles their members get."),
        "agency": N_("The agencies that hand records over."),
        "rebuild": N_("Make the catalogue again from storage alone."),
        "doctor": N_("Check settings, tools, stores, clock and schema."),
        "job": N_("The jobs: list, cancel, try again."),
        "schedule": N_("What happens regularly."),
        "notice": N_("Notices: try the mail."),
        "log": N_("Prove that the logbook is whole."),
        "hold": N_("Holds: records that must not be destroyed."),
    },
    jobs={
        "search.index": "repository.search.jobs:index",
        "search.alerts": "repository.search.alerts:tell_news",
        "journal.flush": "repository.journal:flush_job",
        "notices.mail": "repository.notices.mailing:mail_job",
        "notices.digest": "repository.notices.mailing:digest_job",
        "notices.webhooks": "repository.notices.delivering:deliver_job",
        "notices.watch": "repository.notices.watching:watch_job",
        "notices.forget": "repository.notices.delivering:forget_job",
        "logbook.anchor": "repository.logbook.anchors:anchor_job",
        "api.sweep": "repository.api.idempotency:sweep",
        "catalogue.statistics": "repository.statistics:refresh",
        "demo.load": "repository.demo.accounts:load",
    },
    schedules=(
        ScheduleSpec(name="journal.flush", kind="journal.flush", every_seconds=240),
        ScheduleSpec(name="search.index", kind="search.index", every_seconds=30),
        ScheduleSpec(name="search.alerts", kind="search.alerts", every_seconds=900),
        ScheduleSpec(name="notices.mail", kind="notices.mail", every_seconds=60),
        ScheduleSpec(name="notices.webhooks", kind="notices.webhooks", every_seconds=60),
        ScheduleSpec(name="notices.digest", kind="notices.digest", every_seconds=900),
        ScheduleSpec(name="notices.watch", kind="notices.watch", every_seconds=900),
        ScheduleSpec(name="notices.forget", kind="notices.forget", every_seconds=86400),
        ScheduleSpec(name="logbook.anchor", kind="logbook.anchor", every_seconds=86_400),
        ScheduleSpec(name="catalogue.statistics", kind="catalogue.statistics", every_seconds=21_600),
        ScheduleSpec(name="api.sweep", kind="api.sweep", every_seconds=3_600),
    ),
    navigation=(
        NavigationEntry(
            label=N_("Jobs"),
            endpoint="jobs.jobs",
            permission=Permission.JOB_READ,
            position=40,
            group=NavigationGroup.PRESERVATION,
            key="j",
            badge="repository.web.dashboard.matters:failed_jobs",
        ),
        NavigationEntry(
            label=N_("Schedules"),
            endpoint="jobs.timetable",
            permission=Permission.JOB_READ,
            position=45,
            group=NavigationGroup.PRESERVATION,
            key="t",
        ),
        NavigationEntry(
            label=N_("Webhooks"),
            endpoint="webhooks.webhooks",
            permission=Permission.WEBHOOK_MANAGE,
            position=85,
            group=NavigationGroup.ADMINISTRATION,
            badge="repository.notices.webhooks:given_up",
        ),
        NavigationEntry(
            label=N_("Notices"),
            endpoint="notices.inbox",
            permission=None,
            position=5,
            icon="bell",
            group=NavigationGroup.ACCOUNT,
            key="n",
            badge="repository.notices.inbox:unread_count",
        ),
        NavigationEntry(
            label=N_("How I am told"), endpoint="notices.preferences", permission=None, position=20, group=NavigationGroup.ACCOUNT
        ),
        NavigationEntry(
            label=N_("My account"),
            endpoint="account.overview",
            permission=None,
            position=10,
            group=NavigationGroup.ACCOUNT,
        ),
        NavigationEntry(
            label=N_("Accounts"),
            endpoint="administration.accounts",
            permission=Permission.USER_READ,
            position=60,
            group=NavigationGroup.ADMINISTRATION,
            key="u",
        ),
        NavigationEntry(
            label=N_("Groups"),
            endpoint="administration.groups",
            permission=Permission.USER_READ,
            position=62,
            group=NavigationGroup.ADMINISTRATION,
        ),
        NavigationEntry(
            label=N_("Agencies"),
            endpoint="administration.agencies",
            permission=Permission.AGENCY_READ,
            position=64,
            group=NavigationGroup.ADMINISTRATION,
        ),
        NavigationEntry(
            label=N_("Password resets"),
            endpoint="administration.resets",
            permission=Permission.ADMINISTRATOR_RESET,
            position=66,
            group=NavigationGroup.ADMINISTRATION,
        ),
        NavigationEntry(
            label=N_("Who may do what"),
            endpoint="administration.roles",
            permission=None,
            position=20,
            group=NavigationGroup.ACCOUNT,
        ),
        NavigationEntry(
            label=N_("API tokens"),
            endpoint="tokens.tokens",
            permission=None,
            position=15,
            group=NavigationGroup.ACCOUNT,
        ),
        NavigationEntry(
            label=N_("Logbook"),
            endpoint="logbook.log",
            permission=Permission.LOG_READ,
            position=90,
            group=NavigationGroup.ADMINISTRATION,
            key="l",
        ),
    ),
    noted=REPOSITORY_NOTED,
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


@cache
def noted() -> Mapping[str, Noted]:
    """What requests leave in the logbook, by endpoint."""
    return {endpoint: entry for feature in features() for endpoint, entry in feature.noted.items()}


def demos() -> tuple[Callable[..., Any], ...]:
    """What fills an empty home with demo data."""
    return tuple(resolve(feature.demo) for feature in features() if feature.demo)
