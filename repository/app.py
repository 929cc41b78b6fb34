"""The web application: Flask around an open `Archive`, with the shell and the slices that `repository.features` names."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RoutingException

from repository.api import frame, problems
from repository.archive import Archive
from repository.features import features
from repository.logbook import views as logbook
from repository.web import (
    account,
    administration,
    errors,
    formatting,
    gate,
    jobs_pages,
    login,
    notices_pages,
    noting,
    provider,
    session,
    setup_pages,
    shell,
    tokens_pages,
    webhook_pages,
)
from repository.web.keys import kept_key

LANGUAGES = ("zh_Hans_CN", "en")

#: Only our own origin, no inline script or style: what a package may smuggle into a page cannot run.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: What is the same for every reader, and may be kept.
_THE_SAME_FOR_ALL = ("static", "bootstrap.static")


class Application(Flask):
    """Flask that tells errors below ``/api`` as problem documents, to programs, and everywhere else as pages, to people."""

    def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        """Turns an error into an answer."""
        if frame.concerns(request.path) and not isinstance(e, RoutingException):
            return problems.answer(e)
        return super().handle_user_exception(e)

    def wsgi_app(self, environ: dict[str, Any], start_response: gate.StartResponse) -> Iterable[bytes]:
        """Answers a request; one for a host that is none is refused before a route is looked for."""
        if not gate.is_host(environ):
            return gate.refuse_host(environ, start_response)
        return super().wsgi_app(environ, start_response)


def create_app(archive: Archive) -> Flask:
    """Builds the application.

    Args:
        archive: an open repository; the application does not close it.
    """
    app = Application("repository.web", static_url_path="/static", template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=session_key(archive),
        SESSION_COOKIE_NAME="jingui",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # an answer on its way while the session gets a new secret would bring the old one back
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=archive.settings.accounts.session_hours),
        MAX_CONTENT_LENGTH=archive.settings.upload_limit_bytes,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        BOOTSTRAP_SERVE_LOCAL=True,
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
        BABEL_DEFAULT_LOCALE=archive.settings.language,
        BABEL_DEFAULT_TIMEZONE=archive.settings.time_zone,
    )
    app.extensions["archive"] = archive
    app.session_interface = session.Cookies()
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    app.before_request(_identify_request)
    gate.register(app)
    Babel(app, locale_selector=session.language, timezone_selector=lambda: ZoneInfo(archive.settings.time_zone).key)
    Bootstrap5(app)
    csrf = CSRFProtect(app)

    formatting.register(app)
    errors.register(app)
    for blueprint in (shell.blueprint, jobs_pages.blueprint, notices_pages.blueprint, webhook_pages.blueprint):
        app.register_blueprint(blueprint)
    login.register(app)
    provider.register(app)
    app.register_blueprint(account.blueprint)
    app.register_blueprint(administration.blueprint)
    app.register_blueprint(tokens_pages.blueprint)
    app.register_blueprint(setup_pages.blueprint)
    for feature in features():
        if feature.blueprint:
            app.register_blueprint(_blueprint(feature.blueprint))
        for operations in map(_blueprint, feature.api):
            # a token is proof enough, and with the console's cookie `repository.api.frame` asks for the page's token itself
            csrf.exempt(operations)
            app.register_blueprint(operations)
    app.register_blueprint(logbook.blueprint)
    frame.register(app)
    noting.register(app)
    # it asks at every request who is there, and the circumstances are known by then
    session.register(app)
    if archive.settings.proxies:
        number = archive.settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=number, x_proto=number, x_host=number)  # type: ignore[method-assign]  # as Flask documents it
    app.after_request(_secure)
    return app


def session_key(archive: Archive) -> str:
    """The key that signs sessions: from the settings, else made once and kept in the home, readable by its owner only."""
    return kept_key(archive.home, "secret-key", archive.settings.secret_key)


def _blueprint(dotted: str) -> Blueprint:
    module, _, name = dotted.partition(":")
    blueprint: Blueprint = getattr(importlib.import_module(module), name)
    return blueprint


def _identify_request() -> None:
    g.request_id = secrets.token_hex(6)


def _secure(response: errors.AnyResponse) -> errors.AnyResponse:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("X-Frame-Options", "DENY")
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.is_secure:
        # who came by HTTPS once is never led back to HTTP (RFC 6797)
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if response.location and response.location.startswith(request.host_url):
        # the host is what the browser said; a redirect stays with whatever host it really asked
        response.location = "/" + response.location.removeprefix(request.host_url).lstrip("/")
        response.set_data(b"")
    headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint not in _THE_SAME_FOR_ALL or response.status_code >= 400:
        # What one reader may see must never be answered to the next from a cache.
        headers["Cache-Control"] = "no-store"
    return response
