"""Recognition: every profile scores a package, the best one reads it, and all of them say why."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.sip import PackageTree, Profile, Recognition


def recognise(tree: PackageTree, profiles: Sequence[Profile]) -> tuple[Recognition, ...]:
    """What every profile makes of a package, the best first; among equals the one that is registered first."""
    return tuple(sorted((profile.recognise(tree) for profile in profiles), key=lambda recognition: -recognition.score))


def choose(recognitions: Sequence[Recognition], profiles: Sequence[Profile]) -> Profile | None:
    """The profile that reads the package, or None if no profile knows it.

    Args:
        recognitions: as `recognise` gave them.
        profiles: the same profiles.
    """
    if not recognitions or recognitions[0].score <= 0:
        return None
    best = recognitions[0].profile
    return next(profile for profile in profiles if profile.name == best)
