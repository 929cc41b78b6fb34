"""Who is asking, and in which language: the bridge between a request and the repository's `Actor`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask import session as cookie
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user
from flask_security.utils import login_user, logout_user
from werkzeug.wrappers import Response

from repository.accounts.sessions import Login, find_session
from repository.archive import Archive
from repository.permissions import Actor, Permission, allows
from repository.web import people

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
THEMES = ("auto", "light", "dark")

#: The page on which a person does what must be done before anything else (`people.Person.owes`).
DEBTS = {"code": "login.code", "password": "account.password", "second-factor": "account.second_factor"}

P = ParamSpec("P")
R = TypeVar("R")


class Cookies(SecureCookieSessionInterface):
    """What the browser keeps, signed: the secret of the session and the look. What came by HTTPS never goes back without it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the browser may send the cookie by HTTPS only."""
        return request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        """By HTTPS a name that browsers take from this very host only (RFC 6265bis, 4.1.3.2), so that no neighbour plants a session."""
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if request.is_secure and self.get_cookie_path(app) == "/" else name


def register(app: Flask) -> None:
    """Has the login library ask `load_user` who is there, and nobody else."""
    manager = people.register(app, archive_of(app)).login_manager
    manager.user_loader(load_user)
    # its own tokens, in headers, addresses and bodies, are not ours
    manager.request_loader(lambda request: None)
    manager.unauthorized_handler(ask_to_log_in)


def archive() -> Archive:
    """The archive this application serves."""
    return archive_of(current_app)


def archive_of(app: Flask) -> Archive:
    """The archive an application serves."""
    return cast(Archive, app.extensions["archive"])


def load_user(secret: str) -> people.Person | None:
    """The person of a session; None when the session has ended or the account is gone or disabled."""
    login = find_session(archive(), secret)
    if login is None:
        return None
    people.tell_freshness(archive(), login)
    return people.Person(login, secret)


def actor() -> Actor:
    """The person who asks. Only in views behind `needs`."""
    return cast(Actor, current_user.actor)


def login() -> Login:
    """The session of the person who asks. Only in views behind `needs`."""
    return cast(Login, current_user.login)


def may(permission: Permission) -> bool:
    """Whether the person who asks may do this at all; the use case decides again about the object."""
    return bool(current_user.is_authenticated) and allows(actor(), permission)


def needs(
    permission: Permission | None = None, *, fresh: bool = False, owing: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """A view for people who are logged in and hold the permission. The use case behind it asks again.

    Args:
        permission: what the person must hold, or None for everybody.
        fresh: the last proof of identity must be recent; otherwise the person is asked for one, and led back.
        owing: the view also serves those who still owe this (`people.Person.owes`): it is where they do it.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            debt = owes()
            if not current_user.is_authenticated and not (owing and debt == owing):
                return ask_to_log_in()
            if permission is not None and not may(permission):
                abort(403)
            if fresh and not debt and not people.is_fresh(archive()):
                return redirect(url_for("login.verify", next=_wanted()))
            return view(*args, **kwargs)

        return guarded

    return decorate


def owes() -> str:
    """What the person of this session must do before anything else, or nothing."""
    return str(getattr(current_user, "owes", ""))


def ask_to_log_in() -> Response:
    """To the login page, or to what the person still owes; and back after it."""
    return redirect(url_for(DEBTS.get(owes(), "login.enter"), next=_wanted()))


def open_session(secret: str) -> None:
    """Puts a session into the browser: nothing from before is carried over but the look."""
    forget_all_but_the_look()
    found = find_session(archive(), secret)
    if found is None:
        return
    if found.language in LANGUAGES.values():
        cookie.setdefault("language", found.language)
    cookie.permanent = True
    people.tell_freshness(archive(), found)
    login_user(people.Person(found, secret), remember=False, authn_via=[found.method])


def close_session() -> None:
    """Takes the session out of the browser."""
    logout_user()
    forget_all_but_the_look()


def forget_all_but_the_look() -> None:
    """Empties the cookie, but for language and theme."""
    kept = {name: cookie[name] for name in ("language", "theme") if name in cookie}
    cookie.clear()
    cookie.update(kept)


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


def absolute(path: str) -> str:
    """A path of ours with scheme and host: those of the settings (``base_url``), else those the browser used."""
    return (archive().settings.base_url or request.host_url).rstrip("/") + path


def _wanted() -> str:
    """Where the person wanted to go; what a form would have sent is not repeated, so its page is where to go back to."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    return safe_target(came_from.path) if came_from.netloc == request.host else url_for("shell.dashboard")
