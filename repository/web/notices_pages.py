"""One's own notices, and how one wants to be told."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from repository.notices import inbox as use_cases
from repository.notices.kinds import CHANNEL_WORDS, KINDS, Channel
from repository.web import session

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices")
@session.needs()
def inbox() -> str:
    """The list."""
    unread_only = "unread" in request.args
    with session.archive().read(session.actor()) as tx:
        page = use_cases.inbox(tx, unread_only=unread_only, after=request.args.get("after", ""))
    return render_template(
        "notices/inbox.html", page=page, unread_only=unread_only, after=request.args.get("after", ""), safe_target=session.safe_target
    )


@blueprint.post("/notices/<notice_id>/read")
@session.needs()
def read(notice_id: str) -> Response:
    """Marks a notice as read, and goes where it leads if that was asked for."""
    with session.archive().transaction(session.actor()) as tx:
        path = use_cases.mark_read(tx, notice_id)
    wanted = path if path and request.form.get("go") else request.form.get("next") or url_for("notices.inbox")
    return redirect(session.safe_target(wanted))


@blueprint.post("/notices/read-all")
@session.needs()
def read_all() -> Response:
    """Marks everything as read."""
    with session.archive().transaction(session.actor()) as tx:
        use_cases.mark_all_read(tx)
    return redirect(url_for("notices.inbox"))


@blueprint.route("/account/notices", methods=["GET", "POST"])
@session.needs()
def preferences() -> Response | str:
    """How one wants to be told of what."""
    if request.method == "POST":
        with session.archive().transaction(session.actor()) as tx:
            mine = use_cases.choices(tx)
            use_cases.choose(tx, {str(kind): request.form[str(kind)] for kind in mine if str(kind) in request.form})
        flash(gettext("Your choice is kept."), "good")
        return redirect(url_for("notices.preferences"))
    with session.archive().read(session.actor()) as tx:
        chosen = use_cases.choices(tx)
        address = use_cases.own_address(tx)
    settings = session.archive().settings.mail
    return render_template(
        "notices/preferences.html",
        chosen=chosen,
        kinds=KINDS,
        channels=CHANNEL_WORDS,
        none=Channel.NONE,
        address=address,
        mailed=bool(settings.host),
        hour=settings.digest_hour,
    )
