"""Where an export goes: it appears under its name when it is whole, and leaves nothing behind when it fails."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from repository.errors import Conflict, UsageError
from repository.findings import N_
from storage.errors import OutOfSpace

_PARTIAL: Final = ".partial"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def landing(destination: Path, *, file: bool = False) -> Iterator[Path]:
    """The path to write to; nothing is there. Whoever writes renames it to the destination; what is left over goes.

    Args:
        destination: must not exist; a folder may if it is empty.
        file: a file is written, not a folder.

    Raises:
        UsageError: the destination has no name or no folder to lie in, or what is written cannot lie there.
        Conflict: something is there already.
        OutOfSpace: the disk is full.
    """
    if not destination.name or destination.name == ".." or not destination.absolute().parent.is_dir():
        raise UsageError(
            N_("“{subject}” cannot be written: there is no such folder to put it in."),
            subject=str(destination),
            remedy=N_("Make the folder above it first, or name another place."),
        )
    taken = destination.is_symlink() or (destination.exists() and (file or not destination.is_dir() or any(destination.iterdir())))
    if taken:
        raise Conflict(
            N_("“{subject}” is there already; nothing is overwritten."),
            subject=str(destination),
            remedy=N_("Name a new file.") if file else N_("Name a new or empty folder."),
        )
    partial = destination.with_name(destination.name + _PARTIAL)
    if os.path.lexists(partial):
        raise Conflict(
            N_("“{subject}” is there: another export writes to it, or one was broken off."),
            subject=str(partial),
            remedy=N_("Remove it if no other export is running, and try again."),
        )
    try:
        yield partial
    except OutOfSpace as error:
        raise _full(destination) from error
    except OSError as error:
        if error.errno in _FULL:
            raise _full(destination) from error
        raise UsageError(
            N_("“{subject}” cannot be written: {reason}."),
            subject=str(error.filename or destination),
            remedy=N_("Check permissions and names there, or name another place."),
            reason=error.strerror or error,
        ) from error
    finally:
        remove(partial)


def require_room(destination: Path, size: int) -> None:
    """Makes sure that so many bytes can be written beside a path, before anything is.

    Raises:
        OutOfSpace: there is less room.
    """
    state = os.statvfs(destination.absolute().parent)
    if size > state.f_bavail * state.f_frsize:
        raise OutOfSpace("OUT_OF_SPACE", "", subject=str(destination))


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _full(destination: Path) -> OutOfSpace:
    return OutOfSpace(
        "OUT_OF_SPACE",
        N_("There is no room for “{subject}”; nothing of it was left there."),
        subject=str(destination),
        remedy=N_("Free some space on that disk, or name another place."),
    )
