"""The blueprint that the console pages of access belong to, and what several of them need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, stream_with_context

from repository.web.formatting import attachment

blueprint: Final = Blueprint("access", __name__, url_prefix="/records", template_folder="templates")


def download(blocks: Iterator[bytes], name: str, mimetype: str) -> Response:
    """An answer that the browser saves; should it show it all the same, nothing in it can run or reach us."""
    answer = Response(stream_with_context(blocks), mimetype=mimetype)
    answer.headers["Content-Disposition"] = attachment(name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
