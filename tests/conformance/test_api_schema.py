"""The API against its own OpenAPI document: schemathesis asks every operation with what the document allows and forbids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, BaseSchema, Case, Config, GenerationMode, SerializationContext
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from repository.accounts.roles import actor_of
from repository.accounts.tokens import create_token, scopes_offered
from repository.accounts.users import find_user
from repository.app import create_app
from repository.archive import Archive
from repository.permissions import Actor
from tests.tools.console import _console_home, database, home  # noqa: F401

#: Asked with everything that the document allows, and with what it does not.
EXAMPLES = 4
#: What the document cannot say (a digit that checks others, a state that forbids) may refuse what it allows; and which methods
#: an address has, `tests/unit/repository/api` asks itself.
EXCLUDED = [positive_data_acceptance, unsupported_method]


@pytest.fixture
def archive(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:  # noqa: F811
    """The home, with a rate limit that is not reached."""
    monkeypatch.setenv("JINGUI_RATE_LIMIT", "900000 per minute")
    opened = Archive.open(home)
    yield opened
    opened.close()


@pytest.fixture
def served(archive: Archive) -> Flask:
    """The application."""
    return create_app(archive)


@pytest.fixture
def api_schema(served: Flask) -> BaseSchema:
    """Its OpenAPI document."""
    refused = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 416, 422, 423, 428, 460]
    config = Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": refused}}})
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served, config=config)


@schemathesis.serializer("application/offset+octet-stream")
def offset_stream(context: SerializationContext, value: object) -> bytes:
    """The bytes of a resumable upload, as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def token_of(archive: Archive, name: str) -> str:
    """A token of an account with everything that a token may carry."""
    with archive.transaction(Actor.local()) as tx:
        scopes = scopes_offered(actor_of(find_user(tx, name)))
        return create_token(tx, name="test", scopes=scopes, expires=datetime.now(UTC) + timedelta(days=1), owner=name).secret


def ask(operation: APIOperation, mode: GenerationMode, headers: Mapping[str, str]) -> list[str]:
    """Asks one operation with examples of one kind; says what is wrong with its answers."""
    found: dict[str, str] = {}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: Case) -> None:
        answer = case.call(headers=dict(headers))
        try:
            case.validate_response(answer, excluded_checks=EXCLUDED, headers=dict(headers))
        except FailureGroup as failed:
            for failure in failed.exceptions:
                found.setdefault(type(failure).__name__, f"{operation.label} [{mode.value}] {failure}\n{case.as_curl_command()}")

    # an operation that takes nothing cannot be asked wrongly
    with suppress(Unsatisfiable):
        asked()
    return list(found.values())


@pytest.mark.parametrize("role", ["archivist", "system-administrator"])
def test_every_answer_is_documented(archive: Archive, api_schema: BaseSchema, role: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(archive, role)}"}
    wrong = []
    for result in api_schema.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            wrong += ask(result.ok(), mode, headers)
    assert not wrong, "\n\n".join(wrong)
