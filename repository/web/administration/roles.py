"""Who may do what: the table of roles and permissions as the program itself uses it."""

from __future__ import annotations

from flask import render_template

from repository.permissions import ADMINISTRATORS, ROLE_PERMISSIONS, Role
from repository.web import session
from repository.web.administration.shared import blueprint
from repository.web.permission_words import ROLE_TEXTS, by_part, permission_word


@blueprint.get("/roles")
@session.needs()
def roles() -> str:
    """Everybody may see what each role may do, to know whom to ask."""
    return render_template(
        "administration/roles.html",
        roles=list(Role),
        texts=ROLE_TEXTS,
        parts=by_part(),
        permission_word=permission_word,
        granted=ROLE_PERMISSIONS,
        administrators=ADMINISTRATORS,
        own=session.actor().roles,
    )
