"""Profiles: the kinds of packages that can be recognised and read. Each is a module that offers one `Profile` as ``profile``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Final, cast

from ingest.sip import Profile

#: Name to module, in the order in which equal scores are decided: the more particular kind first.
MODULES: Final[Mapping[str, str]] = {
    "zj-zwfw": "ingest.profiles.zj_zwfw",
    "eark": "ingest.profiles.eark",
    "bagit": "ingest.profiles.bagit",
    "folder": "ingest.profiles.folder",
}


@cache
def profile(name: str) -> Profile:
    """The profile of a name; its module is imported when first asked for.

    Raises:
        KeyError: there is no such profile.
    """
    return cast(Profile, import_module(MODULES[name]).profile)


def profiles() -> tuple[Profile, ...]:
    """Every profile."""
    return tuple(profile(name) for name in MODULES)
