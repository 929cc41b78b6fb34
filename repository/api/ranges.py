"""Ranges of bytes in downloads (RFC 9110, 14): one range is honoured, anything else gets the whole."""

from __future__ import annotations

from flask import request

from repository.api.problems import ApiError
from repository.findings import N_


def range_wanted(size: int, etag: str) -> tuple[int, int] | None:
    """The bytes that the request asks for: from the first up to but not including the second; None for all of them.

    A header that is none, several ranges, another unit, and a range under another state (``If-Range``) ask for all.

    Args:
        size: bytes that there are.
        etag: opaque part of the ETag of the present state.

    Raises:
        ApiError: 416, the range begins behind the end.
    """
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    condition = request.headers.get("If-Range")
    # a date says less than the digest that the ETag is made of, so it never matches
    if condition is not None and condition.strip() != f'"{etag}"':
        return None
    first, last = wanted.ranges[0]
    if first < 0:
        # the last so many bytes
        first = max(0, size + first)
        last = None
    if first >= size:
        raise ApiError(
            "RANGE_NOT_SATISFIABLE",
            N_("The file has {size} bytes; the range begins at {first}."),
            headers={"Content-Range": f"bytes */{size}"},
            size=size,
            first=first,
        )
    return first, size if last is None else min(last, size)
