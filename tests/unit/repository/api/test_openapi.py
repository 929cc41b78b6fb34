"""The OpenAPI document is whole, and the page to read it by shows every operation."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from flask import Flask

from repository.api.frame import ApiBlueprint
from repository.api.kinds import KINDS
from tests.tools.console import Visitor, _console_home, app, database, home, readable

__all__ = ["_console_home", "app", "database", "home"]

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:  # noqa: F811
    return cast(dict[str, Any], app.test_client().get("/api/v1/openapi.json").json)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_every_route_of_the_api_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:  # noqa: F811
    plain = re.compile(r"<(?:\w+:)?(\w+)>")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = set()
    for rule in app.url_map.iter_rules():
        if isinstance(app.blueprints.get(rule.endpoint.partition(".")[0]), ApiBlueprint):
            served |= {(method, plain.sub(r"{\1}", rule.rule)) for method in (rule.methods or set()) & METHODS}
    # a method in a header instead of the request line (tus): the operation it stands for is described
    served.discard(("POST", "/api/v1/uploads/{upload_id}"))
    assert served
    assert served <= described
    assert {(method, path) for method, path in described if method in METHODS} <= served


def test_every_operation_says_what_it_is_and_what_may_come(document: dict[str, Any]) -> None:
    found = operations(document)
    ids = [operation["operationId"] for operation in found]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for operation in found:
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
        assert any(status.startswith("2") for status in operation["responses"]), operation["operationId"]
        assert "500" in operation["responses"]
        if operation.get("security") != []:
            assert {"401", "403", "429"} <= set(operation["responses"]), operation["operationId"]
        for parameter in operation["parameters"]:
            assert parameter["description"], (operation["operationId"], parameter["name"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        target: Any = document
        for part in reference.split("/"):
            target = target[part]
        assert target


def test_a_program_finds_the_token_and_the_session(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"token", "session", "pageToken"}
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_every_operation_with_a_command(app: Flask, document: dict[str, Any], language: str) -> None:  # noqa: F811
    answer = Visitor(app, language=language).get("/api/v1/")
    page = answer.get_data(as_text=True)
    text = readable(answer)
    for operation in operations(document):
        assert f'id="{operation["operationId"]}"' in page
    for path in document["paths"]:
        assert path in text
    assert text.count("curl") >= len(operations(document))
    for found in re.findall(r'href="/api/v1/[^"]*#([^"]+)"', page):
        assert f'id="{found}"' in page, f"a link leads to #{found}, which is not there"
    for forbidden in ("<script>", " style=", " onclick="):
        assert forbidden not in page


def test_the_page_can_be_narrowed_to_one_group(app: Flask) -> None:  # noqa: F811
    text = Visitor(app).text("/api/v1/?tag=agencies")
    assert "/api/v1/agencies" in text
    assert "/api/v1/records/" not in text
    assert "/api/v1/records" in Visitor(app).text("/api/v1/?tag=nothing")


@pytest.mark.parametrize("code", sorted(KINDS))
def test_the_type_of_every_problem_is_a_page(app: Flask, code: str) -> None:  # noqa: F811
    assert code in Visitor(app).text(f"/api/v1/problems/{code}")
