"""Keyset pagination: pages that begin after a place, which an opaque, signed cursor names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import urlencode

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field

from repository.api.problems import ApiError
from repository.findings import N_

Item = TypeVar("Item")
Row = TypeVar("Row")

#: The most entries that a page may have.
LIMIT: Final = 100


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=LIMIT, description=N_("Entries on a page."))] = 20
    after: Annotated[str, Field(max_length=2048, description=N_("The cursor “next” of the page before."))] = ""


class Page(BaseModel, Generic[Item]):
    """Part of a list."""

    items: Sequence[Item] = Field(description=N_("The entries."))
    next: str | None = Field(description=N_("Cursor of the next page; null on the last."))


def seal(position: str, *, endpoint: str | None = None) -> str:
    """The cursor for a place in the list of this operation, or in that of another endpoint."""
    return str(_serializer(endpoint).dumps(position))


def unseal(cursor: str) -> str | None:
    """The place that a cursor names; None for the beginning.

    Raises:
        ApiError: 400, this list gave no such cursor.
    """
    if not cursor:
        return None
    try:
        return str(_serializer(None).loads(cursor))
    except BadSignature as error:
        raise ApiError("CURSOR_INVALID") from error


def link(following: str | None) -> dict[str, str]:
    """The header that names the next page, if there is one."""
    if following is None:
        return {}
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    return {"Link": f'<{request.path}?{urlencode([*query, ("after", following)])}>; rel="next"'}


def cut(rows: Sequence[Row], *, key: Callable[[Row], str], query: PageQuery) -> tuple[Sequence[Row], str | None]:
    """A page out of a short list that is there whole.

    Args:
        rows: everything, ordered by the key.
        key: tells the entries apart and orders them.
        query: which part is wanted.

    Returns:
        The entries, and the cursor of the next page or None.
    """
    after = unseal(query.after)
    rest = [row for row in rows if after is None or key(row) > after]
    shown = rest[: query.limit]
    return shown, seal(key(shown[-1])) if len(rest) > query.limit else None


def _serializer(endpoint: str | None) -> URLSafeSerializer:
    # a cursor of one list is none of another's
    return URLSafeSerializer(str(current_app.secret_key), salt=f"cursor:{endpoint or request.endpoint}")
