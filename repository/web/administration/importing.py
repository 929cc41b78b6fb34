"""Many accounts from a table: handed in, looked through, taken in, and their one-time passwords shown once."""

from __future__ import annotations

import io
from collections.abc import Sequence

from flask import Response, render_template, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField

from repository.accounts.importing import (
    COLUMNS,
    MOST_LINES,
    AccountLine,
    ImportRefused,
    LineProblem,
    preview_import,
    read_lines,
    read_text,
    take_in,
)
from repository.errors import UsageError
from repository.findings import N_
from repository.permissions import Permission
from repository.web import session
from repository.web.administration.shared import blueprint, complain, show_secrets


class ImportForm(FlaskForm):
    """The table as a file."""

    file = FileField(N_("CSV file"), validators=[FileRequired(lazy_gettext(N_("Choose a file first.")))])


class ConfirmForm(FlaskForm):
    """The table as it was looked through."""

    text = HiddenField()


@blueprint.get("/import")
@session.needs(Permission.USER_MANAGE)
def import_page() -> str:
    """Where a table is handed in."""
    return _page(ImportForm(formdata=None))


@blueprint.post("/import")
@session.needs(Permission.USER_MANAGE)
def import_preview() -> tuple[str, int]:
    """What the table would make, and what is wrong with it by line; nothing is made."""
    form = ImportForm()
    if form.validate_on_submit():
        try:
            text = read_text(form.file.data.stream)
            lines = read_lines(text)
            problems = preview_import(session.archive(), session.actor(), lines)
        except ImportRefused as refused:
            return _page(form, problems=refused.problems), 400
        except UsageError as error:
            complain(form.file, error)
        else:
            confirm = ConfirmForm(formdata=None, text=text)
            return _page(form, lines=lines, problems=problems, confirm=None if problems else confirm), 400 if problems else 200
    return _page(form), 400


@blueprint.post("/import/confirm")
@session.needs(Permission.USER_MANAGE, fresh=True)
def import_confirm() -> str | tuple[str, int]:
    """Makes the accounts of a table that was looked through; it is read again, for it came back from the browser."""
    form = ConfirmForm()
    problems: Sequence[LineProblem] = ()
    again = ImportForm(formdata=None)
    try:
        # an upload and a form are read by the same rules, the limit of size among them
        lines = read_lines(read_text(io.BytesIO((form.text.data or "").encode("utf-8", "replace"))))
        made = take_in(session.archive(), session.actor(), lines)
    except ImportRefused as refused:
        problems = refused.problems
    except UsageError as error:
        complain(again.file, error)
    else:
        return show_secrets(
            gettext("The accounts are made"),
            gettext("Give each person the password by a way that nobody else sees. It works for the first login only."),
            [(account.name, account.full_name, account.password) for account in made],
            url_for("administration.accounts"),
            after=gettext("The accounts have no roles yet: a security administrator grants them."),
        )
    return _page(again, problems=problems), 400


@blueprint.get("/import/example.csv")
@session.needs(Permission.USER_MANAGE)
def import_example() -> Response:
    """A table to begin with."""
    example = "\ufeff" + ",".join(COLUMNS) + "\r\nzhang.san,张三,zhang.san@example.cn,,,zh_Hans_CN,\r\n"
    return Response(example, mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=accounts.csv"})


def _page(
    form: ImportForm,
    *,
    lines: Sequence[AccountLine] = (),
    problems: Sequence[LineProblem] = (),
    confirm: ConfirmForm | None = None,
) -> str:
    return render_template(
        "administration/import.html",
        form=form,
        lines=lines,
        problems=problems,
        confirm=confirm,
        columns=COLUMNS,
        most=MOST_LINES,
    )
