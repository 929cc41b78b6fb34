"""Logging in through an identity provider: OpenID Connect, authorization code with PKCE, state and nonce (Authlib).

Its addresses come from its own description (OpenID Connect Discovery 1.0); its tokens count only when signature, issuer,
audience, times and nonce are right. What the browser keeps in between is in the signed cookie and used once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_login import current_user
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.wrappers import Response

from repository.accounts.identities import Identity, identity_of, link_identity, log_in_by_identity, prove_by_identity
from repository.errors import JinguiError
from repository.logbook.recording import FAILURE, note_read
from repository.permissions import Actor
from repository.settings import ProviderSettings
from repository.web import session
from repository.web.login import told

blueprint = Blueprint("provider", __name__)

#: What the person wants from the provider; kept in the cookie while the browser is there.
_PURPOSE: Final = "provider"
#: Whose account is to be linked; only a form of ours puts it into the cookie, so that no other site can begin it.
_LINKING: Final = "linking"
#: Seconds after which a silent provider counts as absent.
_PATIENCE: Final = 10
_LOGIN: Final = Actor.system("login")


def register(app: Flask) -> None:
    """Puts the provider in place, if the settings name one. It is asked for its addresses when somebody first goes there."""
    app.register_blueprint(blueprint)
    settings = session.archive_of(app).settings.oidc
    if settings is None:
        return
    oauth = OAuth(app)
    oauth.register(
        name="oidc",
        client_id=settings.client_id,
        client_secret=settings.client_secret or None,
        server_metadata_url=settings.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": " ".join(settings.scopes),
            "code_challenge_method": "S256",
            "default_timeout": _PATIENCE,
            **({} if settings.client_secret else {"token_endpoint_auth_method": "none"}),
        },
    )


@blueprint.get("/login/provider")
def begin() -> Response | tuple[str, int]:
    """To the provider: to log in, to prove again who one is, or to link the account one is logged in with (`link`)."""
    settings = _settings()
    target = session.safe_target(request.args.get("next"))
    if "link" in request.args:
        if not current_user.is_authenticated or cookie.pop(_LINKING, None) != session.actor().id:
            return _failed(gettext("This login was not begun here, or has been finished already."), 400)
        return _to_provider(settings, {"next": url_for("account.overview"), "link": session.actor().id}, prompt="login", max_age=0)
    if "again" in request.args and current_user.is_authenticated:
        return _to_provider(settings, {"next": target, "again": True}, prompt="login", max_age=0)
    return _to_provider(settings, {"next": target})


@blueprint.post("/account/identities")
@session.needs(fresh=True)
def link() -> str:
    """Explains what linking does, and leads to the provider by a link: the policy lets no form lead to another host."""
    settings = _settings()
    cookie[_LINKING] = session.actor().id
    return render_template("login/link.html", provider=settings)


@blueprint.get("/login/provider/back")
def callback() -> Response | tuple[str, int]:
    """Back from the provider."""
    settings = _settings()
    purpose = cookie.pop(_PURPOSE, None)
    if not isinstance(purpose, dict):
        return _failed(gettext("This login was not begun here, or has been finished already."), 400)
    try:
        identity = identity_of(settings, _claims(settings))
    except (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, RuntimeError) as error:
        # what exactly was wrong with the token is for the logbook, not for who may have forged it
        detail = {"issuer": settings.issuer, "reason": str(error)[:300]}
        note_read(session.archive(), _LOGIN, "login.failed", outcome=FAILURE, object_type="user", detail=detail)
        return _failed(gettext("What the identity provider answered could not be verified. Try again."), 400)
    except JinguiError as error:
        return _failed(told(error), error.http_status)
    return _use(settings, purpose, identity)


def _use(settings: ProviderSettings, purpose: dict[str, Any], identity: Identity) -> Response | tuple[str, int]:
    archive = session.archive()
    target = session.safe_target(purpose.get("next"))
    try:
        if purpose.get("link"):
            if not current_user.is_authenticated or session.actor().id != purpose["link"]:
                return session.ask_to_log_in()
            with archive.transaction(session.actor()) as tx:
                link_identity(tx, identity.issuer, identity.subject)
            flash(gettext("Your account is linked: you can log in through the identity provider from now on."), "good")
            return redirect(target)
        if purpose.get("again") and current_user.is_authenticated:
            with archive.transaction(session.actor()) as tx:
                secret = prove_by_identity(tx, session.login(), identity)
        else:
            secret = log_in_by_identity(archive, identity, create=settings.create_accounts, program=request.user_agent.string)
    except JinguiError as error:
        return _failed(told(error), error.http_status)
    session.open_session(secret)
    return redirect(target if not session.owes() else url_for(session.DEBTS[session.owes()], next=target))


def _claims(settings: ProviderSettings) -> dict[str, Any]:
    """What the provider's token says, after every check of OpenID Connect Core 1.0, 3.1.3.7.

    Raises:
        AuthlibBaseError, JoseError: state, code or token are wrong.
        RequestException: the provider does not answer.
    """
    answer = _client().authorize_access_token(
        claims_options={
            "iss": {"essential": True, "values": [settings.issuer]},
            "aud": {"essential": True, "value": settings.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "nonce": {"essential": True},
        }
    )
    if "userinfo" not in answer:
        raise ValueError("the answer holds no id_token")
    return dict(answer["userinfo"])


def _to_provider(settings: ProviderSettings, purpose: dict[str, Any], **options: object) -> Response | tuple[str, int]:
    try:
        away: Response = _client().authorize_redirect(session.absolute(url_for("provider.callback")), **options)
    except (AuthlibBaseError, RequestException, ValueError, KeyError, RuntimeError):
        current_app.logger.exception("the identity provider %s cannot be reached", settings.issuer)
        return _failed(gettext("The identity provider cannot be reached just now. Try again later, or log in with your password."), 503)
    cookie[_PURPOSE] = purpose
    return away


def _failed(message: str, status: int) -> tuple[str, int]:
    return render_template("login/provider.html", message=message), status


def _settings() -> ProviderSettings:
    settings = session.archive().settings.oidc
    if settings is None:
        abort(404)
    return settings


def _client() -> Any:
    make = cast(Callable[[str], Any], current_app.extensions["authlib.integrations.flask_client"].create_client)
    return make("oidc")
