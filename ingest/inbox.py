"""The inbox: where a package that comes as a stream of bytes is put down whole before anything looks at it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO, Final

from ingest import submissions
from repository.archive import Archive
from repository.errors import HomeUnusable, UsageError
from repository.findings import N_
from repository.permissions import Actor, Permission
from storage.names import text_of

_BLOCK: Final = 1 << 20


def hand_in(archive: Archive, actor: Actor, *, stream: BinaryIO, name: str, agreement: str) -> str:
    """Puts a package down in the inbox and hands it in; says the id of the submission.

    The file lies there until its submission has ended; if it cannot be put down or handed in, nothing is left.

    Args:
        archive: where to.
        actor: who hands it in.
        stream: the package's bytes.
        name: what the sender calls the file; only its last part counts, whatever it says of folders.
        agreement: code of the agreement.

    Raises:
        UsageError: the name is empty.
        HomeUnusable: no room for it.
        NotFound, Conflict, PermissionDenied: as `submissions.receive`.
    """
    with archive.read(actor) as tx:
        tx.require(Permission.SUBMISSION_CREATE)
    folder = archive.inbox_folder / archive.new_id()
    target = folder / file_name(name)
    folder.mkdir()
    try:
        _put_down(stream, target)
        with archive.transaction(actor) as tx:
            return submissions.receive(tx, source=target, agreement=agreement, name=target.name, keep_source=False)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def file_name(name: str) -> str:
    """The name under which an upload is kept: the last part of what the sender says, made legal.

    Raises:
        UsageError: nothing is left of it.
    """
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    if last in ("", ".", ".."):
        raise UsageError(N_("The upload has no file name."), remedy=N_("Send it with the name of the package."))
    # Control characters are legal on disk but in no header, log or page.
    readable = "".join(character if character.isprintable() else "_" for character in last)
    return text_of(readable.encode("utf-8", "replace")).text


def _put_down(stream: BinaryIO, target: Path) -> None:
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(stream, file, _BLOCK)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HomeUnusable(
                N_("There is no room for “{subject}” in the inbox."),
                subject=target.name,
                remedy=N_("Ask the system administrator for room, then send it again. Nothing of it was kept."),
            ) from error
        raise
