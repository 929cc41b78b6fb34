"""The navigation of the console: which entries a person has, in which groups, and the red counts beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import g, request
from flask_login import current_user

from repository.features import NavigationEntry, NavigationGroup, navigation, resolve
from repository.findings import N_
from repository.web import session

log = logging.getLogger("jingui.web")

#: What the groups are called; the first stands first and needs no name.
GROUP_WORDS: Final[Mapping[NavigationGroup, str]] = {
    NavigationGroup.WORK: N_("Work"),
    NavigationGroup.PRESERVATION: N_("Preservation"),
    NavigationGroup.ADMINISTRATION: N_("Administration"),
}

#: The first entry, which belongs to the shell itself.
OVERVIEW: Final = NavigationEntry(label=N_("Overview"), endpoint="shell.dashboard", permission=None, position=0, key="d")


@dataclass(frozen=True, kw_only=True)
class Place:
    """An entry as one person sees it on one page.

    Args:
        entry: the entry.
        here: ``page`` on the very page, ``true`` on a page below it, else empty (``aria-current``).
        failures: what has failed there.
    """

    entry: NavigationEntry
    here: str
    failures: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """A part of the navigation with its name, English."""

    name: str
    places: Sequence[Place]


def groups() -> list[Group]:
    """What the person who asks can go to, with what has failed there; parts in which nothing is left are absent."""
    mine = [OVERVIEW, *_mine(with_account=False)]
    counts = failures()
    here = _here(mine)
    parts = []
    for group, name in GROUP_WORDS.items():
        places = [
            Place(entry=entry, here=_current(entry.endpoint, here), failures=counts.get(entry.endpoint, 0))
            for entry in mine
            if entry.group is group
        ]
        if places:
            parts.append(Group(name=name, places=places))
    return parts


def account_entries() -> list[NavigationEntry]:
    """The entries of the menu of the person."""
    return [entry for entry in _mine(with_account=True) if entry.group is NavigationGroup.ACCOUNT]


def failures() -> Mapping[str, int]:
    """What has failed, by endpoint; counted once for a request. A count that cannot be had is left out, and logged."""
    if "failures" not in g:
        counted = [entry for entry in _mine(with_account=True) if entry.badge]
        g.failures = {}
        if counted:
            with session.archive().read(session.actor()) as tx:
                for entry in counted:
                    try:
                        g.failures[entry.endpoint] = int(resolve(entry.badge)(tx))
                    except Exception:
                        # a page must not be lost over a number in its margin
                        log.exception("the count of %s could not be had", entry.endpoint)
    found: Mapping[str, int] = g.failures
    return found


def _mine(*, with_account: bool) -> list[NavigationEntry]:
    if not current_user.is_authenticated:
        return []
    return [
        entry
        for entry in navigation()
        if (with_account or entry.group is not NavigationGroup.ACCOUNT) and (entry.permission is None or session.may(entry.permission))
    ]


def _here(entries: Sequence[NavigationEntry]) -> str | None:
    endpoints = [entry.endpoint for entry in entries]
    if request.endpoint in endpoints:
        return request.endpoint
    if any(entry.endpoint == request.endpoint for entry in navigation()):
        # it stands in the menu of the person, or in that of others
        return None
    # a page that is in no menu belongs to the entry of its slice, if the slice has just one
    of_slice = [endpoint for endpoint in endpoints if endpoint.partition(".")[0] == request.blueprint]
    return of_slice[0] if len(of_slice) == 1 and of_slice[0] != OVERVIEW.endpoint else None


def _current(endpoint: str, here: str | None) -> str:
    if endpoint != here:
        return ""
    return "page" if request.endpoint == here else "true"
