"""Idempotency keys: a write that is sent twice with the same key is done once, and answered twice.

The key is claimed in a short transaction of its own, so that a second request at the same time is told to come later. The
answer is written in the transaction that does the work, under the condition that the claim is still the same: the work and its
answer are there together or not at all. A claim whose process died lapses, and the next request takes it over; should the
first go on after all, its transaction fails and changes nothing. An error changes nothing either, and gives the key back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request
from sqlalchemy import CursorResult, delete, select, update

from repository.api.problems import ApiError
from repository.api.tables import IdempotentRequest
from repository.database import insertion
from repository.findings import N_
from repository.permissions import Actor

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.context import JobContext
    from repository.transaction import Transaction

#: How long an answer is kept to be repeated.
KEPT: Final = timedelta(hours=24)
#: After this long, a claim without an answer belongs to a process that is no more.
LAPSED: Final = timedelta(minutes=2)
#: Headers of an answer that belong to it, and not to the moment.
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag", "Content-Language")
_KEY: Final = re.compile(r"[!-~]{1,255}")
_FRAME: Final = Actor.system("api")

#: Writes the answer down in the transaction that did the work.
Tell = Callable[["Transaction", Response], None]


def key_given() -> str | None:
    """The key of this request, or None.

    Raises:
        ApiError: 400, it is none.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise ApiError(
            "MALFORMED",
            N_("The header “Idempotency-Key” has 1 to 255 visible ASCII characters."),
            remedy=N_("Take a random UUID."),
        )
    return key


def once(archive: Archive, actor: Actor, key: str, content: bytes, work: Callable[[Tell], Response]) -> Response:
    """Does the work of this request, or repeats the answer that it had.

    Args:
        archive: the open archive.
        actor: who asks; keys of different people have nothing to do with each other.
        key: the idempotency key.
        content: the body of the request.
        work: does it; calls what it is given in the transaction that does it.

    Raises:
        ApiError: 422, the key belongs to another request; 409, the same request is still being worked on.
    """
    digest = hashlib.sha256(b"\0".join([request.method.encode(), request.full_path.encode(), content])).digest()
    claimed_at = _claim(archive, actor.id, key, digest)
    if isinstance(claimed_at, Response):
        return claimed_at
    try:
        return work(lambda tx, response: _tell(tx, actor.id, key, claimed_at, response))
    except BaseException:
        _give_back(archive, actor.id, key, claimed_at)
        raise


def sweep(context: JobContext) -> dict[str, Any]:
    """The job that removes answers which need not be repeated any more."""
    with context.archive.transaction(_FRAME) as tx:
        removed = tx.session.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < tx.now - KEPT))
        assert isinstance(removed, CursorResult)
        return {"removed": removed.rowcount}


def _claim(archive: Archive, owner: str, key: str, digest: bytes) -> datetime | Response:
    """Claims the key; the moment of the claim tells it from every other. Where there is an answer, that."""
    with archive.transaction(_FRAME) as tx:
        claimed = tx.session.scalar(
            insertion(tx.session, IdempotentRequest)
            .values(owner=owner, key=key, method=request.method, path=request.path, request_digest=digest, headers={}, created_at=tx.now)
            .on_conflict_do_nothing(index_elements=[IdempotentRequest.owner, IdempotentRequest.key])
            .returning(IdempotentRequest.key)
        )
        if claimed is not None:
            return tx.now
        row = tx.session.scalars(
            select(IdempotentRequest).where(IdempotentRequest.owner == owner, IdempotentRequest.key == key).with_for_update()
        ).one_or_none()
        if row is None:
            # given back between the two statements
            raise ApiError("IDEMPOTENCY_IN_PROGRESS", headers={"Retry-After": "1"})
        outdated = row.created_at < tx.now - (KEPT if row.status is not None else LAPSED)
        if not outdated and row.request_digest != digest:
            raise ApiError("IDEMPOTENCY_KEY_REUSED", subject=key)
        if not outdated and row.status is None:
            raise ApiError("IDEMPOTENCY_IN_PROGRESS", subject=key, headers={"Retry-After": "1"})
        if not outdated:
            return _repeated(row)
        row.method, row.path, row.request_digest = request.method, request.path, digest
        row.status, row.headers, row.body, row.created_at = None, {}, None, tx.now
        return tx.now


def _repeated(row: IdempotentRequest) -> Response:
    response = Response(row.body or b"", status=row.status)
    if "Content-Type" not in row.headers:
        del response.headers["Content-Type"]
    response.headers.update(row.headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _tell(tx: Transaction, owner: str, key: str, claimed_at: datetime, response: Response) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    written = tx.session.execute(
        update(IdempotentRequest)
        .where(_claimed(owner, key, claimed_at))
        .values(status=response.status_code, headers=headers, body=response.get_data())
    )
    assert isinstance(written, CursorResult)
    if written.rowcount != 1:
        # taken for dead, and somebody else does it by now: the whole transaction is undone
        raise ApiError("IDEMPOTENCY_IN_PROGRESS", subject=key, headers={"Retry-After": "1"})


def _give_back(archive: Archive, owner: str, key: str, claimed_at: datetime) -> None:
    with archive.transaction(_FRAME) as tx:
        tx.session.execute(delete(IdempotentRequest).where(_claimed(owner, key, claimed_at), IdempotentRequest.status.is_(None)))


def _claimed(owner: str, key: str, claimed_at: datetime) -> Any:
    return (IdempotentRequest.owner == owner) & (IdempotentRequest.key == key) & (IdempotentRequest.created_at == claimed_at)
