"""Unpacking a package into a folder of ours: every file written once and digested on the way, or the whole package refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from ingest.errors import PackageRefused
from ingest.sip import PackageTree, ReceivedFile
from repository.findings import N_, Finding, Outcome, Property, Severity, failure, warning
from storage.archives import ArchiveKind, Entry, Landing, Limits, open_source
from storage.archives.paths import Conversion
from storage.archives.problems import Problems
from storage.errors import UnsafePackage
from storage.names import folded, shown

#: Told how many files and bytes have been unpacked so far.
Progress = Callable[[int, int], None]

_PROGRESS_FILES: Final = 64
_PROGRESS_BYTES: Final = 8 << 20
_ENDING: Final = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz))?|tgz|tbz2?|txz|zip)\Z", re.IGNORECASE)
_INTEGRITY: Final = frozenset(
    {"ARCHIVE_TRUNCATED", "ARCHIVE_DAMAGED", "ARCHIVE_EMPTY", "ARCHIVE_SPLIT", "ENTRY_DAMAGED", "FILE_CHANGED", "DUPLICATE_ENTRY"}
)
_USABILITY: Final = frozenset(
    {"ENTRY_ENCRYPTED", "ENTRY_METHOD_UNSUPPORTED", "ENTRY_SPARSE", "ARCHIVE_KIND_UNSUPPORTED", "NOT_AN_ARCHIVE", "FILE_UNREADABLE"}
)
#: These end the unpacking at once; after other problems the rest is still read, to find all of them.
_GIVE_UP: Final = frozenset({"BOMB_ENTRIES", "BOMB_TOTAL", "BOMB_RATIO"})
_MOST_NAMES: Final = 200


def unpack(
    source: Path,
    destination: Path,
    *,
    limits: Limits,
    progress: Progress,
    landed: Callable[[str], None] | None = None,
    expected: Callable[[int], None] | None = None,
) -> tuple[PackageTree, list[Finding]]:
    """Unpacks a package.

    Args:
        source: a folder (which is copied and never changed), a zip or tar file, or one ordinary file.
        destination: an empty folder of ours. Whoever made it removes it, also when this fails.
        limits: what the package may cost at most.
        progress: told the files and bytes unpacked so far.
        landed: told where each file lies, below `destination`, as soon as it is there whole.
        expected: told how many bytes the package says it has, before the first, where it says so.

    Returns:
        the unpacked package, and what is to be said of its names.

    Raises:
        PackageRefused: the package is broken, hostile or over a limit; it has every finding, not only the first.
        OutOfSpace: there is not enough room; said before anything is written where the size can be known.
        OSError: the source cannot be read at all.
    """
    unpacked = _Unpacked(progress, landed)
    try:
        kind, received, conversions = _land(source, destination, limits, unpacked, expected)
    except UnsafePackage as problem:
        raise PackageRefused([_refusal(each) for each in (problem, *problem.also)], subject=source.name) from problem
    progress(len(unpacked.files), unpacked.bytes)
    tree = unpacked.tree(source, destination, kind, received)
    return tree, [*_converted(conversions), *_differing_only_in_form(tree)]


def _land(
    source: Path, destination: Path, limits: Limits, unpacked: _Unpacked, expected: Callable[[int], None] | None
) -> tuple[ArchiveKind, int, list[Conversion]]:
    with open_source(source, limits) as package, Landing(destination) as landing:
        if expected is not None and package.declared_bytes is not None:
            expected(package.declared_bytes)
        landing.make_room_for(package.declared_bytes or package.received_bytes, source.name)
        problems = Problems()
        for entry in package.entries():
            try:
                unpacked.take(entry, landing)
            except UnsafePackage as problem:
                problems.add(problem)
                if problem.code in _GIVE_UP:
                    break
        problems.raise_any()
        return package.kind, package.received_bytes, package.conversions


class _Unpacked:
    """What has been unpacked so far."""

    def __init__(self, progress: Progress, landed: Callable[[str], None] | None) -> None:
        self._progress = progress
        self._landed = landed
        self._told = 0
        self.files: list[ReceivedFile] = []
        self.bytes = 0
        self._folders: set[str] = set()

    def take(self, entry: Entry, landing: Landing) -> None:
        if entry.folder:
            for _ in entry.blocks:
                pass
            if entry.path:
                landing.folder(entry.path)
                self._folders.add(entry.path)
            return
        size, digests = landing.file(entry.path, self._counted(entry.blocks))
        self.files.append(ReceivedFile(path=entry.path, raw_path=_plain(entry), size=size, digests=digests, modified=entry.modified))
        if self._landed is not None:
            self._landed(entry.path)
        if len(self.files) % _PROGRESS_FILES == 0:
            self._progress(len(self.files), self.bytes)

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.bytes += len(block)
            if self.bytes - self._told > _PROGRESS_BYTES:
                self._told = self.bytes
                self._progress(len(self.files), self.bytes)
            yield block

    def tree(self, source: Path, destination: Path, kind: ArchiveKind, received: int) -> PackageTree:
        files, folders = self.files, self._folders
        root = destination
        top = _only_top(files, folders) if kind not in (ArchiveKind.FOLDER, ArchiveKind.FILE) else ""
        if top:
            root = destination / top
            below = len(top) + 1
            folders = {folder[below:] for folder in folders if folder != top}
            for at, file in enumerate(files):
                files[at] = ReceivedFile(
                    path=file.path[below:],
                    raw_path=file.raw_path.partition(b"/")[2],
                    size=file.size,
                    digests=file.digests,
                    modified=file.modified,
                )
        occupied = set()
        for file in files:
            path = file.path
            while (path := path.rpartition("/")[0]) and path not in occupied:
                occupied.add(path)
        for folder in folders:
            while (folder := folder.rpartition("/")[0]) and folder not in occupied:
                occupied.add(folder)
        return PackageTree(
            name=_ENDING.sub("", source.name) if kind is not ArchiveKind.FOLDER else source.name or source.resolve().name,
            root=root,
            files={file.path: file for file in files},
            folders=tuple(sorted(folders - occupied)),
            form=str(kind),
            received_bytes=received,
        )


def _plain(entry: Entry) -> bytes:
    # A leading "./" says nothing; without it the bytes equal the path wherever no name had to be converted.
    raw = entry.raw_path
    while raw.startswith(b"./"):
        raw = raw[2:].lstrip(b"/")
    return raw


def _only_top(files: list[ReceivedFile], folders: set[str]) -> str:
    tops = {file.path.partition("/")[0] if "/" in file.path else "" for file in files}
    tops |= {folder.partition("/")[0] for folder in folders}
    return tops.pop() if len(tops) == 1 else ""


def _refusal(problem: UnsafePackage) -> Finding:
    property = Property.SAFETY
    if problem.code in _INTEGRITY:
        property = Property.INTEGRITY
    elif problem.code in _USABILITY:
        property = Property.USABILITY
    return failure(problem.code, property, problem.subject, problem.template, problem.remedy, **problem.parameters)


def _converted(conversions: list[Conversion]) -> Iterator[Finding]:
    decoded: Counter[str] = Counter()
    examples: dict[str, Conversion] = {}
    told = 0
    for conversion in conversions:
        if conversion.reason in ("gb18030", "cp437", "separator"):
            decoded[conversion.reason] += 1
            examples.setdefault(conversion.reason, conversion)
        elif told < _MOST_NAMES:
            told += 1
            yield warning(
                "NAME_CONVERTED",
                Property.INTEGRITY,
                conversion.path,
                _CONVERTED[conversion.reason],
                N_("Nothing needs to be done: the original bytes of the name are kept with the file."),
                raw=shown(conversion.raw_path),
            )
        else:
            decoded["more"] += 1
    for reason, count in decoded.items():
        if reason == "more":
            yield _note("", N_("{count} more names had to be changed that are not listed."), count=count)
            continue
        example = examples[reason]
        template = N_("{count} names use backslashes between folders, as some Windows programs write them; first “{subject}” ({raw}).")
        if reason != "separator":
            template = N_("{count} names are not in UTF-8 and were read as {encoding}; first “{subject}” ({raw}).")
        yield _note(example.path, template, count=count, encoding=reason.upper(), raw=shown(example.raw_path))


_CONVERTED: Final = {
    "percent": N_("The name “{subject}” has bytes that cannot be written as they are; they are written as %XX. Original bytes: {raw}"),
    "cut": N_("The name “{subject}” was longer than 255 bytes and is shortened. Original bytes: {raw}"),
    "taken": N_("The name “{subject}” got a number, since another entry has the same name in another encoding. Original bytes: {raw}"),
}


def _note(subject: str, message: str, **parameters: object) -> Finding:
    return Finding(
        code="NAME_CONVERTED",
        property=Property.INTEGRITY,
        severity=Severity.INFO,
        outcome=Outcome.PASS,
        subject=subject,
        message=message,
        remedy=N_("Nothing needs to be done: the original bytes of the name are kept with the file."),
        parameters={name: str(value) for name, value in parameters.items()},
    )


def _differing_only_in_form(tree: PackageTree) -> Iterator[Finding]:
    # Nearly every package has no such names, and this shows it in a tenth of the memory.
    paths = [*tree.files, *tree.folders]
    if len({hash(folded(path)) for path in paths}) == len(paths) and not _folders_differ(paths):
        return
    seen: dict[str, str] = {}
    looked_at: set[str] = set()
    for path in paths:
        # A difference is told once, at the folder or file where it is, and not again for everything below.
        while path and path not in looked_at:
            looked_at.add(path)
            parent, slash, name = path.rpartition("/")
            key = parent + slash + folded(name)
            other = seen.setdefault(key, path)
            if other != path:
                yield warning(
                    "NAMES_DIFFER_ONLY_IN_FORM",
                    Property.USABILITY,
                    path,
                    N_("“{subject}” and “{other}” differ only in upper and lower case or in Unicode form. Both are kept."),
                    N_("On Windows and macOS the two overwrite each other: rename one if the package is to be used there."),
                    other=other,
                )
            path = parent


def _folders_differ(paths: list[str]) -> bool:
    folders: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return len({folded(folder) for folder in folders}) != len(folders)
