"""The list of accounts, one account, and a new one."""

from __future__ import annotations

from typing import Final

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from repository.accounts import (
    change_user,
    create_user,
    disable_user,
    enable_user,
    find_user,
    list_users,
    set_roles,
    unlock_user,
)
from repository.accounts.resets import one_time_password, pending_resets
from repository.accounts.roles import effective_roles, is_administrator, usable_roles
from repository.accounts.tokens import is_live, list_tokens, revoke_token
from repository.accounts.users import checked_email, checked_full_name, checked_name, count_logins
from repository.errors import Conflict, NotFound, UsageError
from repository.findings import N_
from repository.permissions import Permission, Role
from repository.recordkeeping.agencies import list_agencies
from repository.transaction import Transaction
from repository.web import session
from repository.web.administration.shared import PlainForm, RolesForm, account_address, act, blueprint, by, complain, grant, show_secrets

STATES: Final = ("active", "locked", "disabled", "without-roles")
LANGUAGE_CHOICES: Final = (SelectChoice("", N_("as the archive")), SelectChoice("zh_Hans_CN", "中文"), SelectChoice("en", "English"))
#: How many accounts stand on a page.
PAGE: Final = 100


class PersonForm(FlaskForm):
    """What is known of a person."""

    full_name = StringField(N_("Person's name"), validators=[by(checked_full_name)])
    email = StringField(N_("Mail address"), validators=[by(checked_email)])
    language = SelectField(N_("Language"), choices=list(LANGUAGE_CHOICES))


class AccountForm(PersonForm):
    """A new account."""

    name = StringField(N_("User name"), validators=[by(checked_name)])
    agency = SelectField(N_("Agency"), validate_choice=False)


class AgencyForm(FlaskForm):
    """To which agency a person belongs."""

    agency = SelectField(N_("Agency"), validate_choice=False)


@blueprint.get("/accounts")
@session.needs(Permission.USER_READ)
def accounts() -> str:
    """The accounts, found by name, role and state."""
    text, role, state = (request.args.get(name, "").strip() for name in ("q", "role", "state"))
    role = role if role in set(Role) else ""
    state = state if state in STATES else ""
    after = request.args.get("after", "")
    with session.archive().read(session.actor()) as tx:
        found = list_users(tx, text=text, role=role, active=_active(state), locked=state == "locked")
        if state == "without-roles":
            found = [user for user in found if not effective_roles(user)]
        rest = [user for user in found if user.name > after]
        return render_template(
            "administration/accounts.html",
            users=rest[:PAGE],
            count=len(found),
            more_after=rest[PAGE - 1].name if len(rest) > PAGE else "",
            text=text,
            role=role,
            state=state,
            states=STATES,
            roles=list(Role),
            roles_of=effective_roles,
            now=tx.now,
        )


@blueprint.route("/new-account", methods=["GET", "POST"])
@session.needs(Permission.USER_MANAGE)
def new_account() -> str | Response | tuple[str, int]:
    """Makes an account without roles; its one-time password is shown once."""
    form = AccountForm()
    with session.archive().read(session.actor()) as tx:
        form.agency.choices = _agency_choices(tx)
    if form.validate_on_submit():
        password = one_time_password(session.archive().settings.accounts.password_length)
        try:
            with session.archive().transaction(session.actor()) as tx:
                create_user(
                    tx,
                    name=form.name.data or "",
                    password=password,
                    full_name=form.full_name.data or "",
                    email=form.email.data or "",
                    unit=form.agency.data or "",
                    language=form.language.data or "",
                    must_change_password=True,
                )
        except NotFound as error:
            complain(form.agency, error)
        except (Conflict, UsageError) as error:
            complain(form.agency if error.subject == form.agency.data else form.name, error)
        else:
            name = checked_name(form.name.data or "")
            return show_secrets(
                gettext("The account is made"),
                gettext("Give the person this password by a way that nobody else sees. It works for the first login only."),
                [(name, form.full_name.data or "", password)],
                account_address(name),
                after=gettext("The account has no roles yet: a security administrator grants them."),
            )
    return render_template("administration/new_account.html", form=form), 400 if form.is_submitted() else 200


@blueprint.get("/accounts/<name>")
@session.needs(Permission.USER_READ)
def account(name: str) -> str:
    """One account: what it may do, and what can be done with it."""
    return _account(name)


@blueprint.post("/accounts/<name>")
@session.needs(Permission.USER_MANAGE)
def change_account(name: str) -> Response | tuple[str, int]:
    """Changes what is known of the person."""
    form = PersonForm()
    if form.validate_on_submit():
        try:
            with session.archive().transaction(session.actor()) as tx:
                change_user(tx, name, full_name=form.full_name.data or "", email=form.email.data or "", language=form.language.data or "")
        except (Conflict, UsageError) as error:
            complain(form.email, error)
        else:
            return act(lambda tx: None, gettext("Saved."), account_address(name))
    return _account(name, person=form), 400


@blueprint.post("/accounts/<name>/agency")
@session.needs(Permission.USER_READ, fresh=True)
def change_agency_of(name: str) -> Response:
    """Puts a person into another agency; the use case decides who may."""
    form = AgencyForm()
    wanted = form.agency.data or ""
    return act(lambda tx: change_user(tx, name, unit=wanted), gettext("Saved."), account_address(name))


@blueprint.post("/accounts/<name>/roles")
@session.needs(Permission.ROLE_GRANT, fresh=True)
def change_roles(name: str) -> Response | tuple[str, int]:
    """Grants and takes roles."""
    form = RolesForm()
    if not grant(form.roles, lambda tx: set_roles(tx, name, form.roles.data or [])):
        return _account(name, roles=form), 400
    return act(lambda tx: None, gettext("The roles of %(name)s are changed.", name=name), account_address(name))


@blueprint.post("/accounts/<name>/disable")
@session.needs(Permission.USER_MANAGE, fresh=True)
def disable(name: str) -> Response:
    """Closes an account."""
    done = gettext("The account %(name)s is disabled; its sessions and tokens have ended.", name=name)
    return act(lambda tx: disable_user(tx, name), done, account_address(name), tone="warn")


@blueprint.post("/accounts/<name>/enable")
@session.needs(Permission.USER_MANAGE)
def enable(name: str) -> Response:
    """Opens a closed account again."""
    return act(lambda tx: enable_user(tx, name), gettext("The account %(name)s is open again.", name=name), account_address(name))


@blueprint.post("/accounts/<name>/unlock")
@session.needs(Permission.USER_MANAGE)
def unlock(name: str) -> Response:
    """Takes a lock away."""
    return act(lambda tx: unlock_user(tx, name), gettext("The account %(name)s is unlocked.", name=name), account_address(name))


@blueprint.post("/accounts/<name>/tokens/<token_id>/revoke")
@session.needs(Permission.TOKEN_REVOKE)
def revoke(name: str, token_id: str) -> Response:
    """Revokes somebody's token."""
    return act(lambda tx: revoke_token(tx, token_id), gettext("The token is revoked."), account_address(name), tone="warn")


def _account(name: str, *, person: PersonForm | None = None, roles: RolesForm | None = None) -> str:
    with session.archive().read(session.actor()) as tx:
        user = find_user(tx, name)
        form = person or PersonForm(formdata=None, full_name=user.full_name, email=user.email, language=user.language)
        agency = AgencyForm(formdata=None, agency=user.agency.name if user.agency else "")
        agency.agency.choices = _agency_choices(tx, user.agency.name if user.agency else "")
        held = effective_roles(user)
        waiting = [wish for wish in pending_resets(tx) if wish.name == user.name] if session.may(Permission.ADMINISTRATOR_RESET) else []
        tokens = list_tokens(tx, user.name) if session.may(Permission.TOKEN_REVOKE) else []
        return render_template(
            "administration/account.html",
            user=user,
            held=held,
            unusable=held - usable_roles(held),
            administrator=is_administrator(user),
            own=user.id == session.actor().id,
            person=form,
            agency=agency,
            roles=roles or RolesForm(formdata=None, roles=user.role_names),
            button=PlainForm(formdata=None),
            logins=count_logins(tx, user),
            locked=user.locked_until is not None and user.locked_until > tx.now,
            waiting=waiting,
            tokens=[token for token in tokens if is_live(token, tx.now)],
        )


def _agency_choices(tx: Transaction, present: str = "") -> list[SelectChoice]:
    names = [agency.name for agency in list_agencies(tx, active=True)] if session.may(Permission.AGENCY_READ) else []
    if present and present not in names:
        names.insert(0, present)
    return [SelectChoice("", gettext("none")), *map(SelectChoice, names)]


def _active(state: str) -> bool | None:
    return {"active": True, "disabled": False, "without-roles": True}.get(state)


@blueprint.get("/")
@session.needs(Permission.USER_READ)
def entrance() -> Response:
    """The address without more leads to the accounts."""
    return redirect(url_for("administration.accounts"))
