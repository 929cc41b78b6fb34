"""ETags: strong, made of what changes with the thing, and compared as RFC 9110 says (8.8.3, 13.1)."""

from __future__ import annotations

import hashlib

from flask import request

from repository.api.problems import ApiError
from repository.findings import N_


def etag_of(*parts: object) -> str:
    """The opaque part of a strong ETag: the same for the same parts, another for others.

    Args:
        parts: what the answer is made of: ids, versions, moments of change, the language.
    """
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unchanged(etag: str) -> bool:
    """Whether the asker has this state already (``If-None-Match``)."""
    return bool(etag) and request.if_none_match.contains_weak(etag)


def require_match(etag: str) -> None:
    """Goes on only if the asker names the present state (``If-Match``); called in the transaction that changes it.

    Raises:
        ApiError: 428 without the header, 412 with another state.
    """
    if "If-Match" not in request.headers:
        raise ApiError("PRECONDITION_REQUIRED")
    check_match(etag)


def check_match(etag: str) -> None:
    """Like `require_match`, for changes that may be asked for without naming a state.

    Raises:
        ApiError: 412, another state is named.
    """
    if "If-Match" in request.headers and not request.if_match.contains(etag):
        raise ApiError(
            "PRECONDITION_FAILED",
            N_("It has changed since you read it: its state is no longer the one that “If-Match” names."),
            headers={"ETag": f'"{etag}"'},
        )
