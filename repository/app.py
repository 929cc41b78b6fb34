"""The web application: Flask around an open `Archive`, with the shell and the slices that `repository.features` names."""

from __future__ import annotations

import importlib
import secrets
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, g, request
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect

from repository.archive import Archive
from repository.features import features
from repository.web import errors, formatting, session, shell

LANGUAGES = ("zh_Hans_CN", "en")

#: Only our own origin, no inline script or style: what a package may smuggle into a page cannot run.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(archive: Archive) -> Flask:
    """Builds the application.

    Args:
        archive: an open repository; the application does not close it.
    """
    app = Flask("repository.web", static_url_path="/static", template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=session_key(archive),
        SESSION_COOKIE_NAME="jingui",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=8),
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

    Babel(app, locale_selector=session.language, timezone_selector=lambda: ZoneInfo(archive.settings.time_zone).key)
    Bootstrap5(app)
    CSRFProtect(app)
    login = LoginManager(app)
    login.login_view = "shell.login"
    login.user_loader(session.load_user)
    login.unauthorized_handler(session.ask_to_log_in)

    formatting.register(app)
    errors.register(app)
    app.register_blueprint(shell.blueprint)
    for feature in features():
        if feature.blueprint:
            app.register_blueprint(_blueprint(feature.blueprint))
    app.before_request(_identify_request)
    app.after_request(_secure)
    return app


def session_key(archive: Archive) -> str:
    """The key that signs sessions: from the settings, else made once and kept in the home, readable by its owner only."""
    if archive.settings.secret_key:
        return archive.settings.secret_key
    path = archive.settings.under_home("secret-key")
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii")


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
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint != "static":
        # What one reader may see must never be answered to the next from a cache.
        headers["Cache-Control"] = "no-store"
    return response
