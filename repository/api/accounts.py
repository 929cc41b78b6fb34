"""Operations on accounts, the asker's own tokens and the asker's own notices."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AwareDatetime, Field

from repository.accounts import tokens
from repository.accounts.roles import effective_roles
from repository.accounts.tables import ApiToken, User
from repository.accounts.users import find_user
from repository.accounts.users import list_users as users_of
from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Mode, Operation
from repository.api.pagination import Page, PageQuery, cut, link, seal, unseal
from repository.api.problems import PREFIX
from repository.api.schemas import FilledLine, Line, Moment, Shape, Text
from repository.findings import N_
from repository.holdings import Agency
from repository.notices import inbox
from repository.permissions import ROLE_PERMISSIONS, Permission, Role
from repository.transaction import Transaction
from repository.web.formatting import said

blueprint = ApiBlueprint("api_accounts", __name__)

#: A moment behind all others, in microseconds.
_LATEST: Final = 10**18


class UserShape(Shape):
    """An account."""

    id: str
    name: Text
    full_name: Text
    roles: list[Role] = Field(description=N_("Its own roles and those of its groups."))
    agency: Text | None
    active: bool
    created_at: Moment
    last_login_at: Moment | None


class UserPage(Page[UserShape]):
    """Part of the list of accounts, by name."""


class UserQuery(PageQuery):
    """Which accounts."""

    q: Line = Field(default="", description=N_("Only those with this in the name, the person's name or the address."))
    role: Role | None = Field(default=None, description=N_("Only those who hold this role."))
    active: bool | None = Field(default=None, description=N_("Only those that are open, or only those that are closed."))


class MeShape(Shape):
    """Who asks."""

    id: str
    name: Text
    roles: list[Role]
    agency: Text | None
    permissions: list[Permission] = Field(description=N_("What the asker may do at all; with a token, at most its scopes."))
    by_token: bool = Field(description=N_("Whether a token was used."))


class TokenShape(Shape):
    """A token, without its secret."""

    id: str
    name: Text
    hint: str = Field(description=N_("The last four characters of the secret."))
    scopes: list[str]
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class TokenPage(Page[TokenShape]):
    """Part of the list of tokens, newest first."""


class NewToken(Shape):
    """A token that is to be made."""

    name: FilledLine = Field(description=N_("What the token is for."))
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=64)] = Field(description=N_("Permissions that it carries."))
    expires_at: AwareDatetime = Field(description=N_("When it ends."))


class MadeToken(Shape):
    """A token right after it was made."""

    id: str
    secret: str | None = Field(description=N_("What the program sends. It is told once and kept nowhere: a repeated answer has null."))
    hint: str
    expires_at: Moment


class NoticeShape(Shape):
    """A notice to the asker."""

    id: str
    kind: str
    severity: str
    text: Text
    path: str = Field(description=N_("Where in the console it leads, or empty."))
    created_at: Moment
    read_at: Moment | None


class NoticePage(Page[NoticeShape]):
    """Part of the asker's notices, newest first."""

    unread: int


class NoticeQuery(PageQuery):
    """Which notices."""

    unread: bool = Field(default=False, description=N_("Only those that are unread."))


_TOKEN_EXAMPLE: Final[dict[str, Any]] = {
    "name": "nightly export",
    "scopes": ["record.read", "record.export"],
    "expires_at": "2027-01-01T00:00:00Z",
}


@blueprint.operation(
    Operation(
        id="get_me",
        method="GET",
        path="/me",
        tag="accounts",
        summary=N_("Say who asks, and what the asker may do"),
        answers={200: Answer(description=N_("The asker."), model=MeShape)},
    )
)
def get_me(tx: Transaction) -> Reply:
    """The asker."""
    actor = tx.actor
    held = {permission for role in actor.roles for permission in ROLE_PERMISSIONS[role]}
    if actor.scopes is not None:
        held &= actor.scopes
    return Reply(
        body=MeShape(
            id=actor.id,
            name=actor.name,
            roles=sorted(actor.roles),
            agency=actor.unit or None,
            permissions=sorted(held),
            by_token=actor.scopes is not None,
        )
    )


@blueprint.operation(
    Operation(
        id="list_users",
        method="GET",
        path="/users",
        tag="accounts",
        summary=N_("List the accounts, by name"),
        needs=(Permission.USER_READ,),
        query=UserQuery,
        answers={200: Answer(description=N_("The accounts."), model=UserPage, headers=("Link",))},
    )
)
def list_users(tx: Transaction, query: UserQuery) -> Reply:
    """A page of accounts."""
    found = sorted(users_of(tx, text=query.q, role=query.role or "", active=query.active), key=lambda user: user.name)
    shown, following = cut(found, key=lambda user: user.name, query=query)
    return Reply(body=UserPage(items=[_user(tx, user) for user in shown], next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="get_user",
        method="GET",
        path="/users/<name>",
        tag="accounts",
        summary=N_("Read an account"),
        description=N_("Everybody the own account; others' need the permission “user.read”."),
        places={"name": N_("Name of the account.")},
        answers={200: Answer(description=N_("The account."), model=UserShape)},
    )
)
def get_user(tx: Transaction, name: str) -> Reply:
    """One account."""
    return Reply(body=_user(tx, find_user(tx, name)))


@blueprint.operation(
    Operation(
        id="list_tokens",
        method="GET",
        path="/tokens",
        tag="accounts",
        summary=N_("List your tokens, newest first"),
        query=PageQuery,
        answers={200: Answer(description=N_("The tokens."), model=TokenPage, headers=("Link",))},
    )
)
def list_tokens(tx: Transaction, query: PageQuery) -> Reply:
    """A page of the asker's tokens."""
    found = sorted(tokens.list_tokens(tx), key=_newest_first)
    shown, following = cut(found, key=_newest_first, query=query)
    return Reply(body=TokenPage(items=[_token(token) for token in shown], next=following), headers=link(following))


@blueprint.operation(
    Operation(
        id="create_token",
        method="POST",
        path="/tokens",
        tag="accounts",
        summary=N_("Make a token for a program"),
        description=N_(
            "With the console's session only, a short time after the password was given: a token cannot make tokens. The secret is told "
            "in this answer and never again."
        ),
        body=NewToken,
        example=_TOKEN_EXAMPLE,
        answers={201: Answer(description=N_("The token with its secret."), model=MadeToken, headers=("Location",))},
        mode=Mode.WRITE,
        fresh=True,
    )
)
def create_token(tx: Transaction, body: NewToken) -> Reply:
    """A new token of the asker's own."""
    made = tokens.create_token(tx, name=body.name, scopes=[str(scope) for scope in body.scopes], expires=body.expires_at)
    shown = MadeToken(id=made.id, secret=made.secret, hint=made.hint, expires_at=made.expires_at)
    headers = {"Location": f"{PREFIX}/tokens/{made.id}"}
    return Reply(body=shown, status=201, headers=headers, kept=shown.model_copy(update={"secret": None}))


@blueprint.operation(
    Operation(
        id="revoke_token",
        method="DELETE",
        path="/tokens/<token_id>",
        tag="accounts",
        summary=N_("Revoke a token"),
        description=N_("The owner the own ones; the security administrator everybody's. It ends at once."),
        places={"token_id": N_("Id of the token.")},
        answers={204: Answer(description=N_("It has ended."))},
        mode=Mode.WRITE,
    )
)
def revoke_token(tx: Transaction, token_id: str) -> Reply:
    """Ends a token."""
    tokens.revoke_token(tx, token_id)
    return Reply(status=204)


@blueprint.operation(
    Operation(
        id="list_notices",
        method="GET",
        path="/notices",
        tag="accounts",
        summary=N_("List your notices, newest first"),
        query=NoticeQuery,
        answers={200: Answer(description=N_("The notices."), model=NoticePage, headers=("Link",))},
    )
)
def list_notices(tx: Transaction, query: NoticeQuery) -> Reply:
    """A page of the asker's notices."""
    found = inbox.inbox(tx, unread_only=query.unread, after=unseal(query.after) or "", limit=query.limit)
    items = [
        NoticeShape(
            id=notice.id,
            kind=notice.kind,
            severity=notice.severity,
            text=said(notice.template, notice.values),
            path=notice.path,
            created_at=notice.created_at,
            read_at=notice.read_at,
        )
        for notice in found.notices
    ]
    following = seal(found.following) if found.following else None
    return Reply(body=NoticePage(items=items, next=following, unread=found.unread), headers=link(following))


@blueprint.operation(
    Operation(
        id="read_notice",
        method="POST",
        path="/notices/<notice_id>/read",
        tag="accounts",
        summary=N_("Mark a notice as read"),
        places={"notice_id": N_("Id of the notice.")},
        answers={204: Answer(description=N_("It is marked."))},
        mode=Mode.WRITE,
    )
)
def read_notice(tx: Transaction, notice_id: str) -> Reply:
    """Marks it."""
    inbox.mark_read(tx, notice_id)
    return Reply(status=204)


def _user(tx: Transaction, user: User) -> UserShape:
    agency = tx.session.get(Agency, user.agency_id) if user.agency_id else None
    return UserShape(
        id=user.id,
        name=user.name,
        full_name=user.full_name,
        roles=sorted(Role(role) for role in effective_roles(user) if role in set(Role)),
        agency=agency.name if agency else None,
        active=user.active,
        created_at=user.created_at,
        last_login_at=user.last_login_at,
    )


def _newest_first(token: ApiToken) -> str:
    return f"{_LATEST - round(token.created_at.timestamp() * 1_000_000):020d} {token.id}"


def _token(token: ApiToken) -> TokenShape:
    return TokenShape(
        id=token.id,
        name=token.name,
        hint=token.hint,
        scopes=[str(scope) for scope in token.scopes],
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
