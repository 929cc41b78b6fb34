"""A program that asks the API with a token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from flask import Flask
from werkzeug.test import TestResponse

from repository.accounts.roles import actor_of
from repository.accounts.tokens import create_token, scopes_offered
from repository.accounts.users import find_user
from repository.archive import Archive
from repository.permissions import Actor

PREFIX = "/api/v1"


def token_of(archive: Archive, name: str, scopes: list[str] | None = None) -> str:
    """A token of an account: with these scopes, or with everything that a token may carry."""
    with archive.transaction(Actor.local()) as tx:
        offered = [str(scope) for scope in scopes_offered(actor_of(find_user(tx, name)))]
        made = create_token(tx, name="test", scopes=scopes or offered, expires=tx.now + timedelta(days=1), owner=name)
        return made.secret


class Program:
    """Somebody's program."""

    def __init__(self, app: Flask, archive: Archive, name: str, scopes: list[str] | None = None) -> None:
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {token_of(archive, name, scopes)}", "Accept-Language": "en"}

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> TestResponse:
        """Sends a request below ``/api/v1``."""
        return self.client.open(PREFIX + path, method=method, headers={**self.headers, **(headers or {})}, buffered=True, **options)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Reads something; headers with underscores for hyphens."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def told(self, path: str) -> dict[str, Any]:
        """The JSON of something that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return cast(dict[str, Any], answer.json)


def problem(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert answer.mimetype == "application/problem+json", answer.mimetype
    document = cast(dict[str, Any], answer.json)
    assert document["status"] == answer.status_code
    assert document["type"] == f"{PREFIX}/problems/{document['code']}"
    return answer.status_code, str(document["code"])
