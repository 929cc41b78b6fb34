"""Pages that belong to no slice: dashboard, login, language and theme, about, health."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask import session as cookie
from sqlalchemy import text
from werkzeug.wrappers import Response

from repository import __version__
from repository.permissions import Actor
from repository.web import session
from repository.web.dashboard import page

blueprint = Blueprint("shell", __name__)


@blueprint.get("/")
@session.needs()
def dashboard() -> str:
    """What waits, what failed, what is held."""
    with session.archive().read(session.actor()) as tx:
        return render_template("shell/dashboard.html", board=page.dashboard(tx, year=request.args.get("period") == "year"))


@blueprint.post("/look")
def look() -> Response:
    """Chooses language or theme; works without JavaScript and without being logged in."""
    language = session.LANGUAGES.get(request.form.get("language", ""))
    if language:
        cookie["language"] = language
    theme = request.form.get("theme", "")
    if theme in session.THEMES:
        cookie["theme"] = theme
    cookie.permanent = True
    return redirect(session.safe_target(request.form.get("next")))


@blueprint.get("/keys")
@session.needs()
def keys() -> str:
    """What the keyboard does."""
    return render_template("shell/keys.html")


@blueprint.get("/about")
def about() -> str:
    """What this is and which version."""
    return render_template("shell/about.html", version=__version__)


@blueprint.get("/healthz")
def healthz() -> tuple[dict[str, str], int]:
    """Alive."""
    return {"status": "ok"}, 200


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Able to work: the catalogue answers."""
    with session.archive().read(Actor.system("console")) as tx:
        tx.session.execute(text("SELECT 1"))
    return {"status": "ready"}, 200
