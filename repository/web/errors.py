"""Error pages: what happened in words a person understands, what to do, and an id to name it by.

What went wrong on our side is told by a page that asks neither the catalogue nor the login: either may be what is broken.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import force_locale, gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from metadata.errors import MetadataError
from repository.errors import JinguiError
from repository.findings import N_
from storage.errors import StorageError

log = logging.getLogger("jingui.web")

AnyResponse = Response

#: What the pages say of the usual HTTP errors: title and advice.
TEXTS = {
    400: (N_("This request cannot be understood"), N_("Go back and try again.")),
    403: (
        N_("You may not do this"),
        N_("None of your roles allows it. Ask the security administrator for the role it needs, or somebody who holds it to do it."),
    ),
    404: (
        N_("There is nothing here"),
        N_("The address is wrong, the thing is gone, or you may not see it. Look for it in the search, or go back to where you came from."),
    ),
    405: (N_("This cannot be done that way"), N_("Use the buttons of the page instead of the address.")),
    409: (N_("This cannot be done now"), N_("Reload the page to see the present state.")),
    413: (N_("The upload is too large"), N_("Split it, or hand it in on the server with “jingui ingest”.")),
    414: (N_("This address is too long"), N_("Ask for less at once: fewer filters, or a shorter text.")),
    429: (N_("Too many requests"), N_("Wait a minute, then try again.")),
    500: (
        N_("Something went wrong on our side"),
        N_("What was stored is not touched by this. Try again; if it comes back, tell the administrator the id below."),
    ),
    503: (N_("Not available just now"), N_("Try again in a minute.")),
}


def register(app: Flask) -> None:
    """Puts the pages in place."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    for kind in (JinguiError, StorageError, MetadataError):
        app.register_error_handler(kind, _own)
    app.register_error_handler(Exception, _unexpected)


def _page(status: int, title: str, advice: str, message: str = "") -> tuple[str, int]:
    """The page inside the console; the plain one where even that cannot be made."""
    id = g.get("request_id", "")
    if status < 500:
        try:
            return render_template("shell/error.html", status=status, title=title, advice=advice, message=message, id=id), status
        except Exception:
            log.exception("request %s: the error page could not be made; the plain one is sent", id)
    return _failure(status, title, advice, message), status


def _failure(status: int, title: str, advice: str, message: str) -> str:
    """The page that depends on nothing but its template: no catalogue, no session, no login."""
    template = current_app.jinja_env.get_template("shell/failure.html")
    return template.render(status=status, title=title, advice=advice, message=message, id=g.get("request_id", ""), language=_language())


def _language() -> str:
    """The language the browser prefers, asked without the session."""
    preferred = request.accept_languages.best_match(["zh-CN", "zh", "en"])
    if preferred:
        return "en" if preferred == "en" else "zh_Hans_CN"
    return str(current_app.config["BABEL_DEFAULT_LOCALE"])


def _http(error: HTTPException) -> tuple[str, int] | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    title, advice = TEXTS.get(status, TEXTS[400 if status < 500 else 500])
    if status >= 500:
        with force_locale(_language()):
            return _page(status, gettext(title), gettext(advice))
    return _page(status, gettext(title), gettext(advice))


def _csrf(error: CSRFError) -> tuple[str, int]:
    return _page(400, gettext("The page was open for too long"), gettext("Go back, reload the page and send it again."))


def _own(error: JinguiError | StorageError | MetadataError) -> tuple[str, int]:
    values = {"subject": error.subject, **error.parameters}
    # what the storage or a document did not give is our side's trouble, whatever it says of itself
    status = error.http_status if isinstance(error, JinguiError) else 500
    title, advice = TEXTS.get(status, TEXTS[500])
    if status >= 500:
        log.error("request %s failed: %s", g.get("request_id", ""), error)
        with force_locale(_language()):
            remedy = gettext(error.remedy).format_map(values) if error.remedy else gettext(advice)
            return _page(status, gettext(title), remedy, gettext(error.template).format_map(values))
    remedy = gettext(error.remedy).format_map(values) if error.remedy else gettext(advice)
    return _page(status, gettext(title), remedy, gettext(error.template).format_map(values))


def _unexpected(error: Exception) -> tuple[str, int]:
    log.exception("request %s failed", g.get("request_id", ""), exc_info=error)
    title, advice = TEXTS[500]
    with force_locale(_language()):
        return _page(500, gettext(title), gettext(advice))
