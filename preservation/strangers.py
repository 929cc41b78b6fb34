"""What lies in a store and belongs to nobody: objects that the catalogue does not know."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from preservation.fixity import unreadable
from repository.holdings import Aip, Record, RecordState
from repository.identifiers import is_journal
from repository.permissions import Actor
from storage.errors import StorageError
from storage.ocfl.layout import root_key
from storage.ocfl.verify import CopyCheck, CopyOutcome, Problem

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.stores import Store

#: The catalogue's columns for ids are so long; an object of another program may have a longer one.
_LONGEST_ID: Final = 64


def strangers(archive: Archive, actor: Actor, store: Store, check: Callable[[], None]) -> Iterator[tuple[str, CopyCheck]]:
    """The objects of a store that are neither a package of the catalogue's, nor being stored just now, nor the journal.

    An object that lies where it does not belong is a stranger there, whatever its name is.
    """
    with archive.read(actor) as tx:
        known = {root_key(aip_id) for aip_id in tx.session.scalars(select(Aip.id))}
    try:
        for key in store.root.object_roots():
            check()
            if key in known:
                continue
            reason = ""
            try:
                object_id = store.root.identifier(key)
            except StorageError as error:
                object_id, reason = key, error.message
            misplaced = not reason and key != root_key(object_id)
            if not misplaced and (is_journal(object_id) or _is_expected(archive, actor, object_id)):
                continue
            problem = Problem(key, CopyOutcome.UNEXPECTED, found=reason or object_id)
            # the package of that name has an outcome of its own, of the copy in its own place
            yield _short(key if misplaced else object_id), CopyCheck(outcome=CopyOutcome.UNEXPECTED, problems=(problem,))
    except StorageError as error:
        yield store.name, unreadable(error.message)


def _is_expected(archive: Archive, actor: Actor, object_id: str) -> bool:
    """Whether the catalogue knows the object by now, or a submission that is under way does."""
    with archive.read(actor) as tx:
        if tx.session.get(Aip, object_id) is not None:
            return True
        record = tx.session.get(Record, object_id.removeprefix("urn:uuid:"))
        return record is not None and record.state == RecordState.INCOMING


def _short(object_id: str) -> str:
    if len(object_id) <= _LONGEST_ID:
        return object_id
    digest = hashlib.sha256(object_id.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{object_id[: _LONGEST_ID - 17]}-{digest}"
