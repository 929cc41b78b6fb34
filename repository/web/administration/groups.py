"""Groups: their members and roles."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from repository.accounts.groups import (
    LONGEST_NAME,
    add_member,
    create_group,
    delete_group,
    find_group,
    list_groups,
    remove_member,
    rename_group,
    set_group_roles,
)
from repository.errors import JinguiError
from repository.findings import N_
from repository.permissions import Permission
from repository.web import session
from repository.web.administration.shared import PlainForm, RolesForm, act, blueprint, complain, grant


class GroupForm(FlaskForm):
    """A group's name."""

    name = StringField(N_("Name of the group"), validators=[InputRequired(), Length(max=LONGEST_NAME)])


class MemberForm(FlaskForm):
    """Who is to become a member."""

    member = StringField(N_("User name"), validators=[InputRequired(), Length(max=64)])


@blueprint.get("/groups")
@session.needs(Permission.USER_READ)
def groups() -> str:
    """The groups."""
    return _groups(GroupForm(formdata=None))


@blueprint.post("/groups")
@session.needs(Permission.ROLE_GRANT)
def new_group() -> Response | tuple[str, int]:
    """Makes an empty group without roles."""
    form = GroupForm()
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                group_id = create_group(tx, name=form.name.data or "")
        except JinguiError as error:
            complain(form.name, error)
        else:
            return act(lambda tx: None, gettext("The group is made."), url_for("administration.group", group_id=group_id))
    return _groups(form), 400


@blueprint.get("/groups/<group_id>")
@session.needs(Permission.USER_READ)
def group(group_id: str) -> str:
    """One group."""
    return _group(group_id, MemberForm(formdata=None))


@blueprint.post("/groups/<group_id>/rename")
@session.needs(Permission.ROLE_GRANT)
def rename(group_id: str) -> Response:
    """Gives a group another name."""
    wanted = GroupForm().name.data or ""
    return act(lambda tx: rename_group(tx, group_id, wanted), gettext("Saved."), url_for("administration.group", group_id=group_id))


@blueprint.post("/groups/<group_id>/roles")
@session.needs(Permission.ROLE_GRANT, fresh=True)
def group_roles(group_id: str) -> Response | tuple[str, int]:
    """Gives a group other roles."""
    form = RolesForm()
    if not grant(form.roles, lambda tx: set_group_roles(tx, group_id, form.roles.data or [])):
        return _group(group_id, MemberForm(formdata=None), form), 400
    done = gettext("The roles of the group, and with them of its members, are changed.")
    return act(lambda tx: None, done, url_for("administration.group", group_id=group_id))


@blueprint.post("/groups/<group_id>/members")
@session.needs(Permission.ROLE_GRANT, fresh=True)
def join(group_id: str) -> Response | tuple[str, int]:
    """Makes somebody a member."""
    form = MemberForm()
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                add_member(tx, group_id, (form.member.data or "").strip())
        except JinguiError as error:
            complain(form.member, error)
        else:
            return act(
                lambda tx: None,
                gettext("%(name)s belongs to the group.", name=form.member.data),
                url_for("administration.group", group_id=group_id),
            )
    return _group(group_id, form), 400


@blueprint.post("/groups/<group_id>/members/<name>/remove")
@session.needs(Permission.ROLE_GRANT, fresh=True)
def leave(group_id: str, name: str) -> Response:
    """Ends somebody's membership."""
    done = gettext("%(name)s no longer belongs to the group.", name=name)
    return act(lambda tx: remove_member(tx, group_id, name), done, url_for("administration.group", group_id=group_id))


@blueprint.post("/groups/<group_id>/delete")
@session.needs(Permission.ROLE_GRANT)
def delete(group_id: str) -> Response:
    """Deletes an empty group."""
    return act(lambda tx: delete_group(tx, group_id), gettext("The group is deleted."), url_for("administration.groups"), tone="warn")


def _groups(form: GroupForm) -> str:
    with session.archive().read(session.actor()) as tx:
        return render_template("administration/groups.html", found=list_groups(tx), form=form)


def _group(group_id: str, member: MemberForm, roles: RolesForm | None = None) -> str:
    with session.archive().read(session.actor()) as tx:
        found = find_group(tx, group_id)
        return render_template(
            "administration/group.html",
            group=found,
            name=GroupForm(formdata=None, name=found.name),
            roles=roles or RolesForm(formdata=None, roles=found.role_names),
            member=member,
            button=PlainForm(formdata=None),
            own=any(user.id == session.actor().id for user in found.members),
        )
