"""Names of uploads: what a sender calls a file becomes a path below a folder of ours, or is refused with the reason."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from repository.errors import UsageError
from repository.findings import N_
from storage.archives.paths import LONGEST_PATH
from storage.names import folded, text_of

_DRIVE: Final = re.compile(r"[A-Za-z]:(?:[\\/]|\Z)")


def clean_path(path: str, *, depth: int) -> str:
    """The path under which a file of a set is kept: `storage.names` for each part, ``/`` between them.

    Args:
        path: what the sender says, relative to the package.
        depth: folders inside folders that are allowed.

    Raises:
        UsageError: it is empty, absolute, leads out of the package, is too deep or too long.
    """
    shown = text_of(path.encode("utf-8", "surrogatepass")).text if path else ""
    if not path.strip():
        raise UsageError(N_("A file of the upload has no name."), remedy=N_("Send it with its name."))
    if path.startswith(("/", "\\")) or _DRIVE.match(path):
        raise UsageError(
            N_("“{subject}” is an absolute path."), subject=shown, remedy=N_("Send the path relative to the folder of the package.")
        )
    parts = path.split("/")
    # a backslash is a letter of the name here, but a sender's own system may have meant it as what separates folders
    if any(part in ("", ".", "..") for part in parts) or ".." in re.split(r"[\\/]", path):
        raise UsageError(
            N_("“{subject}” is no path inside a package: no part of it may be empty, “.” or “..”."),
            subject=shown,
            remedy=N_("Send the path relative to the folder of the package."),
        )
    if len(parts) - 1 > depth:
        raise UsageError(
            N_("“{subject}” lies more than {limit} folders deep."),
            subject=shown,
            remedy=N_("Make the folders flatter, or ask the archive to raise the limit of depth."),
            limit=depth,
        )
    cleaned = "/".join(text_of(part.encode("utf-8", "surrogatepass")).text for part in parts)
    if len(cleaned.encode()) > LONGEST_PATH:
        raise UsageError(
            N_("The path “{subject}” is {size} bytes long, at most {limit} can be kept."),
            subject=f"{cleaned[:80]}…{cleaned[-40:]}",
            remedy=N_("Use shorter names or fewer folders inside folders."),
            size=len(cleaned.encode()),
            limit=LONGEST_PATH,
        )
    return cleaned


def path_key(path: str) -> str:
    """A key that is equal for paths that differ only in case or Unicode form."""
    return hashlib.sha256(folded(path).encode()).hexdigest()
