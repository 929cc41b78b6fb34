"""What is refused before anything looks at it: hosts that are none, addresses without end, characters that no text has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Flask, abort, request
from werkzeug.wrappers import Response

from repository.api.frame import concerns
from repository.errors import UsageError
from repository.findings import N_

#: A name or an address, and a port (RFC 9110, 7.2). What is none has no place in a link, nor in the rules that find a route.
_HOST: Final = re.compile(r"([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{0,5})?")
_LONGEST_HOST: Final = 255
#: Characters of an address. Browsers and servers agree up to about this much.
LONGEST_ADDRESS: Final = 16_384

#: Bytes of a form. What is coded as an address is read whole into memory, by everybody who sends it.
LONGEST_FORM: Final = 4 * 1024 * 1024
#: Pages whose forms bring packages; those are streamed.
_BRINGS_PACKAGES: Final = frozenset({"ingest.upload"})

StartResponse = Callable[..., Any]


def register(app: Flask) -> None:
    """Has every request looked at. Before everything else that looks at requests."""
    app.before_request(_check)


def is_host(environ: dict[str, Any]) -> bool:
    """Whether a request names a host that can be one; very old programs name none."""
    host = str(environ.get("HTTP_HOST", ""))
    return not host or (len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None)


def refuse_host(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The answer to a request without such a host: no route can be found for it, so it is no page."""
    answer = Response("The host name of this request is none. 请求中的主机名无效。\n", status=400, mimetype="text/plain")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return answer(environ, start_response)


def _check() -> None:
    """Refuses what no page and no operation could use.

    Raises:
        UsageError: the request has a character that no database keeps as text.
    """
    if len(request.query_string) + len(request.path) > LONGEST_ADDRESS:
        abort(414)
    if not concerns(request.path) and (request.endpoint not in _BRINGS_PACKAGES or request.mimetype != "multipart/form-data"):
        request.max_content_length = LONGEST_FORM
    # bodies of the API are read by its own rules, and streams are not read here
    texts = [request.path, *_texts(request.args), *(() if concerns(request.path) else _texts(request.form))]
    if any("\0" in text for text in texts):
        raise UsageError(
            N_("What was sent holds a character (NUL) that no text can have."),
            remedy=N_("Take it out; it often comes along when something is copied from another program."),
        )


def _texts(values: Any) -> Iterable[str]:
    for name, several in values.lists():
        yield name
        yield from several
