"""The frame of the API: who asks, what is asked, in which transaction it is done, and how it is answered.

A slice adds operations with an `ApiBlueprint`, named in its `Feature.api`:

    blueprint = ApiBlueprint("api_ingest", __name__)

    @blueprint.operation(Operation(id="list_submissions", method="GET", path="/submissions", …))
    def list_submissions(tx: Transaction, query: SubmissionQuery) -> Reply: …

A protocol of its own (tus) is a plain Flask blueprint below `PREFIX` that calls `authenticate` first and raises errors of
`repository.errors` or `problems.ApiError`: they become problem documents by themselves. `ApiBlueprint.describe` puts such a
route into the documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from flask import Blueprint, Flask, Response, g, request
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf.csrf import validate_csrf
from pydantic import BaseModel
from wtforms import ValidationError as CsrfInvalid

from repository.accounts.tokens import find_token_actor
from repository.api import idempotency, inputs, limits
from repository.api.etags import unchanged
from repository.api.operation import JSON, Content, Mode, Operation
from repository.api.problems import MEDIA_TYPE, PREFIX, ApiError, unauthenticated
from repository.errors import PermissionDenied
from repository.findings import N_
from repository.logbook.circumstances import tell
from repository.permissions import Actor, allows
from repository.web import session
from repository.web.people import is_fresh

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a view answers.

    Args:
        body: the JSON body, or None.
        status: of the answer.
        etag: opaque part of its ETag, or empty.
        headers: that it has besides the usual ones.
        kept: the body that a repetition with the same idempotency key gets, where it is not this one: a secret is kept nowhere.
    """

    body: BaseModel | None = None
    status: int = 200
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: BaseModel | None = None


class ApiBlueprint(Blueprint):
    """A blueprint of operations below ``/api/v1``.

    Args:
        name: of the blueprint (``api_ingest``).
        import_name: ``__name__`` of the module.
        options: of Flask.
    """

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, **options)
        self.operations: list[Operation] = []

    def operation(self, operation: Operation) -> Callable[[View], View]:
        """Serves an operation with the function decorated.

        The function gets, by name: the places of the path; ``query`` and ``body`` where the operation has them; ``tx``, a
        transaction of its mode, or with `Mode.OWN` ``actor``. It gives a `Reply`, or a response of Flask for streams.
        """

        def decorate(function: View) -> View:
            self.describe(operation)
            self.add_url_rule(operation.path, operation.id, _view(operation, function), methods=[operation.method])
            return function

        return decorate

    def describe(self, operation: Operation) -> None:
        """Puts an operation into the documentation that something else serves."""
        self.operations.append(operation)


def authenticate() -> Actor:
    """Who asks: by the token in ``Authorization``, else by the console's session; counts the request.

    Raises:
        ApiError: 401 for nobody and for a token that is not valid, 403 for a change by session without the token of the page,
            429 for too many requests.
    """
    if "actor" in g:
        found: Actor = g.actor
        return found
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        actor = _bearer(scheme, secret.strip())
        if actor is None:
            limits.count(f"address:{request.remote_addr}")
            raise unauthenticated(N_("The token is unknown, revoked or expired."), "invalid_token")
    elif current_user.is_authenticated:
        actor = session.actor()
    else:
        limits.count(f"address:{request.remote_addr}")
        raise unauthenticated()
    limits.count(f"person:{actor.id}")
    if not scheme and request.method not in SAFE:
        _require_page_token()
    g.actor = actor
    return actor


def _bearer(scheme: str, secret: str) -> Actor | None:
    if scheme.lower() != "bearer":
        return None
    found = find_token_actor(session.archive(), secret)
    if found is None:
        return None
    tell(token=found.name)
    return found.actor


def _require_page_token() -> None:
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except CsrfInvalid as error:
        raise ApiError("CSRF") from error


def negotiate(media_types: tuple[str, ...]) -> None:
    """Refuses a request that leaves no media type to answer with.

    Raises:
        ApiError: 406.
    """
    if media_types and "Accept" in request.headers and not any(request.accept_mimetypes[media] for media in media_types):
        raise ApiError("NOT_ACCEPTABLE", N_("This operation answers with “{subject}”."), subject=", ".join(media_types))


def _view(operation: Operation, function: Callable[..., Any]) -> Callable[..., Response]:
    def view(**places: Any) -> Response:
        given: dict[str, Any] = dict(places)
        actor = Actor.system("api") if operation.public else authenticate()
        for permission in operation.needs:
            # before anything is read of what was sent: who may not is told so, and not what is wrong with it
            if not allows(actor, permission):
                raise PermissionDenied(str(permission))
        if operation.fresh and actor.scopes is None and not is_fresh(session.archive()):
            raise ApiError("LOGIN_NOT_FRESH")
        inputs.check_places(places)
        negotiate(operation.media_types)
        if operation.query is not None:
            given["query"] = inputs.read_query(operation.query)
        content = b""
        if isinstance(operation.body, Content):
            # the view reads the stream itself; what may come is what an upload may have
            request.max_content_length = session.archive().settings.upload_limit_bytes
        else:
            request.max_content_length = inputs.BODY_LIMIT
            content = request.get_data(cache=False)
        if operation.body is not None and not isinstance(operation.body, Content):
            given["body"] = inputs.read_body(operation.body, content)
        if operation.idempotent_by_key and (key := idempotency.key_given()) is not None:
            return idempotency.once(session.archive(), actor, key, content, lambda tell: _run(operation, function, actor, given, tell))
        return _run(operation, function, actor, given, None)

    view.__doc__ = operation.summary
    return view


def _run(
    operation: Operation, function: Callable[..., Any], actor: Actor, given: Mapping[str, Any], tell: idempotency.Tell | None
) -> Response:
    archive = session.archive()
    if operation.mode is Mode.OWN:
        reply = function(actor=actor, **given)
        if tell is not None:
            with archive.transaction(actor) as tx:
                tell(tx, _kept(reply))
        return respond(reply)
    with archive.read(actor) if operation.mode is Mode.READ else archive.transaction(actor) as tx:
        reply = function(tx=tx, **given)
        if tell is not None:
            tell(tx, _kept(reply))
        return respond(reply)


def _kept(reply: Reply | Response) -> Response:
    return respond(replace(reply, body=reply.kept) if isinstance(reply, Reply) and reply.kept is not None else reply)


def respond(reply: Reply | Response) -> Response:
    """The answer of Flask for what a view gave."""
    if isinstance(reply, Response):
        return reply
    if request.method in SAFE and unchanged(reply.etag):
        response = Response(status=304)
    elif reply.body is None:
        response = Response(status=reply.status)
        del response.headers["Content-Type"]
    else:
        # a name that is no UTF-8 has half surrogate pairs in it, which JSON can only have as escapes
        text = json.dumps(reply.body.model_dump(mode="json", by_alias=True), separators=(",", ":"))
        response = Response(text, status=reply.status, mimetype=JSON)
    response.headers.update(reply.headers)
    if reply.etag:
        response.set_etag(reply.etag)
    return response


def language() -> str:
    """The language of messages in this answer; part of the ETag of what has messages."""
    return str(get_locale())


def concerns(path: str) -> bool:
    """Whether a path belongs to the API, where every answer is for programs: errors are problem documents, never pages."""
    return path == "/api" or path.startswith("/api/")


def finish(response: Response) -> Response:
    """Completes every answer of the API."""
    if concerns(request.path):
        limits.tell(response)
        if response.mimetype in (JSON, MEDIA_TYPE):
            response.headers.setdefault("Content-Language", "en" if language() == "en" else "zh-Hans")
            response.vary.update(["Accept-Language", "Authorization", "Cookie"])
    return response


def register(app: Flask) -> None:
    """Puts the API's share in place; its blueprints come with the features."""
    limits.register(app, session_settings(app))
    app.after_request(finish)


def session_settings(app: Flask) -> Any:
    """The settings of the archive an application serves."""
    return app.extensions["archive"].settings
