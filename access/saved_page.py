"""Saved searches: the list, opening one, and what their owners do to them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from access.blueprint import blueprint
from repository.errors import Conflict, UsageError
from repository.permissions import Permission
from repository.search.address import canonical
from repository.search.saved import NAME_LENGTH, change_search, delete_search, find_saved, may_share, save_search, saved_searches
from repository.web import session


@blueprint.get("/saved")
@session.needs(Permission.RECORD_READ)
def saved() -> str:
    """One's own searches and those that colleagues share."""
    return _page()


@blueprint.post("/saved")
@session.needs(Permission.RECORD_READ)
def save() -> Response | tuple[str, int]:
    """Saves a search under a name."""
    query, name = canonical(request.form.get("state", "")), request.form.get("name", "")
    try:
        with session.archive().transaction(session.actor()) as tx:
            save_search(tx, name=name, query=query, shared=bool(request.form.get("shared")), alert=bool(request.form.get("alert")))
    except (UsageError, Conflict) as error:
        return _page(name=name, query=query, problem=_text(error)), error.http_status
    flash(gettext("The search “%(name)s” is saved.", name=name.strip()), "good")
    return redirect(f"{url_for('access.records')}?{query}")


@blueprint.get("/saved/<search_id>")
@session.needs(Permission.RECORD_READ)
def open_saved(search_id: str) -> Response:
    """Asks a saved search, with the rights of who opens it."""
    with session.archive().read(session.actor()) as tx:
        query = find_saved(tx, search_id).query
    return redirect(f"{url_for('access.records')}?{query}")


@blueprint.post("/saved/<search_id>")
@session.needs(Permission.RECORD_READ)
def change_saved(search_id: str) -> Response | tuple[str, int]:
    """Renames an own search, shares it or not, and has it report what is new or not."""
    name = request.form.get("name", "")
    try:
        with session.archive().transaction(session.actor()) as tx:
            change_search(tx, search_id, name=name, shared=bool(request.form.get("shared")), alert=bool(request.form.get("alert")))
    except (UsageError, Conflict) as error:
        return _page(changed=search_id, name=name, problem=_text(error)), error.http_status
    flash(gettext("The search “%(name)s” is changed.", name=name.strip()), "good")
    return redirect(url_for("access.saved"))


@blueprint.post("/saved/<search_id>/delete")
@session.needs(Permission.RECORD_READ)
def delete_saved(search_id: str) -> Response:
    """Deletes an own search."""
    with session.archive().transaction(session.actor()) as tx:
        delete_search(tx, search_id)
    flash(gettext("The search is deleted."), "good")
    return redirect(url_for("access.saved"))


def _page(*, changed: str = "", name: str = "", query: str = "", problem: str = "") -> str:
    with session.archive().read(session.actor()) as tx:
        return render_template(
            "access/saved.html",
            searches=saved_searches(tx),
            may_share=may_share(tx),
            length=NAME_LENGTH,
            changed=changed,
            name=name,
            query=query,
            problem=problem,
        )


def _text(error: UsageError | Conflict) -> str:
    values = {"subject": error.subject, **error.parameters}
    return " ".join(gettext(part).format_map(values) for part in (error.template, error.remedy) if part)
