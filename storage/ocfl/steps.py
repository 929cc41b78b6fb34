"""What is to be read again, folder by folder, in steps that several processes can do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from storage.ocfl.rereading import CHUNK_BYTES, CHUNK_FILES, Listing, Step

#: Algorithm to path to size in bytes (None where it is not known) and digest.
Wanted = dict[str, Mapping[str, tuple[int | None, bytes]]]

#: A file of unknown size counts as so large that a step has few of them.
_UNKNOWN: Final = CHUNK_BYTES // 64

_Files = tuple[list[str], list[bytes], list[int | None]]


def steps_of(wanted: Wanted, also: Collection[str] | None = None) -> Iterator[Step]:
    """The steps that read every file that is wanted.

    Args:
        wanted: what is to be read.
        also: what else may lie there; given, each folder is looked at for what should not be in it.
    """
    folders: dict[str, dict[str, _Files]] = {}
    for algorithm, files in wanted.items():
        for path, (size, digest) in files.items():
            folder, _, name = path.rpartition("/")
            try:
                names, digests, sizes = folders[folder][algorithm]
            except KeyError:
                names, digests, sizes = folders.setdefault(folder, {}).setdefault(algorithm, ([], [], []))
            names.append(name)
            digests.append(digest)
            sizes.append(size)
    listings = _listings(folders, also) if also is not None else {}
    for folder in (*folders, *(listings.keys() - folders.keys())):
        listing = listings.get(folder)
        for algorithm, (names, digests, sizes) in folders.get(folder, {"": ([], [], [])}).items():
            for start, end in _chunks(sizes):
                yield Step(folder, algorithm, names[start:end], digests[start:end], sizes[start:end], listing)
                listing = None


def path_of(step: Step, name: str) -> str:
    """The path of a file of a step, or of something else in its folder."""
    return f"{step.folder}/{name}" if step.folder else name


def _listings(folders: Mapping[str, Mapping[str, _Files]], also: Collection[str]) -> dict[str, Listing]:
    """What may lie in each folder: its files, and the folders on the way to others."""
    listings: dict[str, Listing] = {"": ([], [])}
    for path in (*folders, *(path.rpartition("/")[0] for path in also)):
        _list_folder(listings, path)
    for folder, groups in folders.items():
        for names, _, _ in groups.values():
            listings[folder][0].extend(names)
    for path in also:
        folder, _, name = path.rpartition("/")
        listings[folder][0].append(name)
    return listings


def _list_folder(listings: dict[str, Listing], path: str) -> Listing:
    """The listing of a folder, known to that of the folder above it."""
    if path not in listings:
        parent, _, name = path.rpartition("/")
        _list_folder(listings, parent)[1].append(name)
        listings[path] = ([], [])
    return listings[path]


def _chunks(sizes: list[int | None]) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of parts that are not too much for one step; one empty part where there is nothing."""
    start = volume = 0
    for index, size in enumerate(sizes, start=1):
        volume += _UNKNOWN if size is None else size
        if index - start >= CHUNK_FILES or volume >= CHUNK_BYTES:
            yield start, index
            start, volume = index, 0
    if start < len(sizes) or not sizes:
        yield start, len(sizes)
