"""Problems of a package, gathered so that a sender hears of all of them at once."""

from __future__ import annotations

import stat
from typing import Final

from storage.errors import N_, UnsafePackage

#: More than these are counted, not listed: a hostile package must not fill the memory with complaints.
MOST_PROBLEMS: Final = 500


class Problems:
    """A list of problems that is raised as one error."""

    def __init__(self) -> None:
        self._found: list[UnsafePackage] = []
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, problem: UnsafePackage) -> None:
        """Notes a problem and lets the scan go on."""
        if len(self._found) < MOST_PROBLEMS:
            self._found.append(problem)
        else:
            self._more += 1

    def raise_any(self) -> None:
        """Raises the first problem with the others as its `also`, if there are any.

        Raises:
            UnsafePackage: at least one problem was noted.
        """
        if not self._found:
            return
        if self._more:
            self._found.append(
                UnsafePackage(
                    "MORE_PROBLEMS",
                    N_("{count} more entries of the package have problems that are not listed."),
                    remedy=N_("Correct those that are listed and check the package again."),
                    count=self._more,
                )
            )
            self._more = 0
        first = self._found[0]
        first.also = tuple(self._found[1:])
        raise first


def damaged(name: str, what: str, **parameters: object) -> UnsafePackage:
    """An archive or an entry whose structure contradicts itself or the format.

    Args:
        name: the entry or archive.
        what: English template that says what is wrong.
        parameters: the values of its places.
    """
    return UnsafePackage(
        "ARCHIVE_DAMAGED",
        what,
        subject=name,
        remedy=N_("The archive file is damaged or was made by a faulty program: pack and send it again."),
        **parameters,
    )


def truncated(name: str) -> UnsafePackage:
    """An archive that ends before it should."""
    return UnsafePackage(
        "ARCHIVE_TRUNCATED",
        N_("The archive ends too early, in or before “{subject}”: a part of it is missing."),
        subject=name,
        remedy=N_("The transfer was probably interrupted: compare the size with the original and send the file again."),
    )


def empty(name: str) -> UnsafePackage:
    """An archive or a folder without a single file."""
    return UnsafePackage(
        "ARCHIVE_EMPTY",
        N_("“{subject}” is empty: there is no file in it."),
        subject=name,
        remedy=N_("Check what was packed, and send the package again."),
    )


def not_a_file(name: str, mode: int) -> UnsafePackage:
    """An entry that is neither a file nor a folder.

    Args:
        name: the entry.
        mode: its kind as Unix has it (`stat.S_IFMT`).
    """
    if mode == stat.S_IFLNK:
        return link(name)
    kind = {stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}.get(mode, "special file")
    return UnsafePackage(
        "ENTRY_SPECIAL",
        N_("“{subject}” is neither a file nor a folder ({kind})."),
        subject=name,
        remedy=N_("Leave it out and pack the files again."),
        kind=kind,
    )


def link(name: str, target: str = "") -> UnsafePackage:
    """An entry that points elsewhere instead of having content.

    Args:
        name: the entry.
        target: where it points, if known.
    """
    return UnsafePackage(
        "ENTRY_LINK",
        N_("“{subject}” is a link to “{target}”, not a file.") if target else N_("“{subject}” is a link, not a file."),
        subject=name,
        remedy=N_("Put the file itself in place of the link and pack the files again."),
        target=target,
    )


def unreadable(name: str, error: OSError) -> UnsafePackage:
    """A file that is there but cannot be read."""
    return UnsafePackage(
        "FILE_UNREADABLE",
        N_("“{subject}” is unreadable: {reason}."),
        subject=name,
        remedy=N_("Give the archive's account the right to read it, or copy it again from a sound medium."),
        reason=error.strerror or type(error).__name__,
    )
