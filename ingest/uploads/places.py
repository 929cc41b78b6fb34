"""Where the bytes of uploads lie: ``inbox/uploads/<set>/<package name>/<path>``, from the first byte on.

They stay there until the submission has ended; handing the set in moves nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ingest.uploads.errors import NoRoom
from ingest.uploads.tables import Upload, UploadSet
from repository.archive import Archive
from repository.errors import Conflict
from repository.findings import N_


def uploads_folder(archive: Archive) -> Path:
    """The folder of all sets."""
    return archive.inbox_folder / "uploads"


def set_folder(archive: Archive, set_id: str) -> Path:
    """The folder of one set: nothing but its package is in it."""
    return uploads_folder(archive) / set_id


def package_folder(archive: Archive, found: UploadSet) -> Path:
    """The folder whose name is the package's and in which its files lie."""
    return set_folder(archive, found.id) / found.name


def place_of(archive: Archive, found: UploadSet, upload: Upload) -> Path:
    """Where the bytes of a file lie."""
    return package_folder(archive, found) / upload.path


def make_place(place: Path, *, taken: str) -> None:
    """Makes the empty file and the folders above it.

    Args:
        place: the file; must not be there.
        taken: the path to name when something is in the way.

    Raises:
        Conflict: a file is where a folder is needed, or a folder where the file is to be.
    """
    try:
        _make_folder(place.parent)
        # a leftover of a request that was broken off before it was noted is nobody's
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Conflict(
            N_("“{subject}” cannot be a file here: the upload has a folder of this name, or a file where its folder would be."),
            subject=taken,
            remedy=N_("Rename one of the two, then send it again."),
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        # the end of another upload took the empty folder above away between two steps
        folder.mkdir(parents=True, exist_ok=True)


def remove_set_folder(archive: Archive, set_id: str) -> None:
    """Removes the bytes of a set; harmless when there are none."""
    shutil.rmtree(set_folder(archive, set_id), ignore_errors=True)


def require_room(archive: Archive, needed: int, *, subject: str) -> None:
    """Goes on only if the disk has room for so many bytes more.

    Raises:
        NoRoom: it has not.
    """
    state = os.statvfs(archive.inbox_folder)
    free = state.f_bavail * state.f_frsize
    if needed > free:
        raise no_room(subject, needed=needed, free=free)


def no_room(subject: str, *, needed: int, free: int) -> NoRoom:
    """The error for a disk that is full."""
    return NoRoom(
        N_("There is no room for “{subject}”: with everything that is still being sent, {needed} bytes are needed and {free} are free."),
        subject=subject,
        remedy=N_("Ask the system administrator for room, then go on; what arrived so far is kept."),
        needed=needed,
        free=free,
    )
