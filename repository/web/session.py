"""Who is asking, and in which language: the bridge between a request and the repository's `Actor`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask import session as cookie
from flask.sessions import SecureCookieSessionInterface
from flask_login import UserMixin, current_user
from werkzeug.wrappers import Response

from repository.accounts import find_actor
from repository.archive import Archive
from repository.permissions import Actor, Permission, allows

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
THEMES = ("auto", "light", "dark")

P = ParamSpec("P")
R = TypeVar("R")


class Cookies(SecureCookieSessionInterface):
    """Sessions in signed cookies; one that came by HTTPS never goes back without it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the browser may send the cookie by HTTPS only."""
        return request.is_secure


class LoggedIn(UserMixin):
    """A logged-in person, as the login library wants to see one."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        """What is kept in the session cookie."""
        return self.actor.id


def archive() -> Archive:
    """The archive this application serves."""
    return cast(Archive, current_app.extensions["archive"])


def load_user(user_id: str) -> LoggedIn | None:
    """The person of a session; None when the account is gone or disabled, which ends the session."""
    actor = find_actor(archive(), user_id)
    return LoggedIn(actor) if actor else None


def actor() -> Actor:
    """The person who asks. Only in views behind `needs`."""
    return cast(Actor, current_user.actor)


def may(permission: Permission) -> bool:
    """Whether the person who asks may do this at all; the use case decides again about the object."""
    return bool(current_user.is_authenticated) and allows(actor(), permission)


def needs(permission: Permission | None = None) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """A view for people who are logged in and hold the permission. The use case behind it asks again."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if not current_user.is_authenticated:
                return ask_to_log_in()
            if permission is not None and not may(permission):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def ask_to_log_in() -> Response:
    """To the login page, and back after it."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else url_for("shell.dashboard")
    return redirect(url_for("shell.login", next=wanted))


def language() -> str:
    """The language of this request: chosen, else what the browser prefers among ours, else the archive's."""
    chosen = cookie.get("language")
    if chosen in LANGUAGES.values():
        return str(chosen)
    preferred = request.accept_languages.best_match(["zh-CN", "zh", "en"])
    if preferred:
        return "en" if preferred == "en" else "zh_Hans_CN"
    return archive().settings.language


def theme() -> str:
    """Light, dark, or what the system says."""
    chosen = cookie.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def safe_target(target: str | None) -> str:
    """Where to go next, if it is a path of our own; else the dashboard (no open redirects)."""
    if not target or not target.startswith("/") or "\\" in target or any(character <= " " for character in target):
        # browsers read a backslash as a slash and drop tabs and line ends, so “/<tab>/elsewhere” would lead elsewhere
        return url_for("shell.dashboard")
    try:
        parts = urlsplit(target)
    except ValueError:
        return url_for("shell.dashboard")
    return url_for("shell.dashboard") if target.startswith("//") or parts.scheme or parts.netloc else target
