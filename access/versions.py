"""What two versions of a package differ in, from the inventory that lists every file of every version with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from access.reading import PackageReader
from repository.errors import NotFound
from repository.findings import N_


class Difference(StrEnum):
    """What became of a file between two versions."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferingFile:
    """A file in one of two versions, or in both.

    Args:
        path: in the package.
        difference: what became of it.
        before: its SHA-512 in the earlier version, or None where it was not there.
        after: in the later one.
    """

    path: str
    difference: Difference
    before: bytes | None
    after: bytes | None


def compare_versions(reader: PackageReader, before: int, after: int) -> Iterator[DifferingFile]:
    """Every file of either version, in the order of the paths.

    Args:
        reader: of the package; must not be used inside a transaction that writes.
        before: number of one version.
        after: number of the other.

    Raises:
        NotFound: the package has no such version.
        NoSoundCopy: no copy has the inventory as it should be.
    """
    old, new = (_files(reader, number) for number in (before, after))
    for path in sorted(old.keys() | new.keys()):
        then, now = old.get(path), new.get(path)
        if then is None:
            difference = Difference.ADDED
        elif now is None:
            difference = Difference.REMOVED
        else:
            difference = Difference.UNCHANGED if then == now else Difference.CHANGED
        yield DifferingFile(path=path, difference=difference, before=then, after=now)


def _files(reader: PackageReader, number: int) -> dict[str, bytes]:
    versions = reader.inventory.versions
    if not 1 <= number <= len(versions):
        raise NotFound(N_("The package has no version {subject}."), subject=str(number), remedy=N_("Choose one from the record's page."))
    return {path: digest for digest, paths in versions[number - 1].state.items() for path in paths}
