"""The OpenAPI 3.1 document, made of the operations that the blueprints of the API have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from repository import __version__
from repository.api.frame import ApiBlueprint
from repository.api.kinds import BY_STATUS, KINDS, PREFIX
from repository.api.operation import HEADERS, JSON, TAGS, USUAL_HEADERS, Answer, Content, Operation
from repository.api.problems import MEDIA_TYPE
from repository.api.schemas import Problem
from repository.findings import N_
from repository.permissions import ROLE_PERMISSIONS, Permission

_PLACE: Final = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_REF: Final = "#/components/schemas/{model}"
_SHAPE: Final = re.compile(r'(#/components/schemas/\w+?)Shape(?=")')
_EXAMPLE_TOKEN: Final = "jg_…"

#: What the document says of itself.
DESCRIPTION: Final = N_(
    "The same use cases as the console and the command line, with the same permissions: what somebody may not see is not there. "
    "Lists are paged with cursors, changes can be repeated safely with idempotency keys, errors are problem documents."
)

#: Headers of the answers with a problem.
_PROBLEM_HEADERS: Final[Mapping[int, Sequence[str]]] = {
    401: ("WWW-Authenticate",), 405: ("Allow",), 412: ("ETag",), 416: ("Content-Range",), 429: ("Retry-After",),
}  # fmt: skip

#: Headers that say who asks.
_SECURITY: Final[list[Mapping[str, list[str]]]] = [{"token": []}, {"session": [], "pageToken": []}]


def operations_of(app: Flask) -> list[Operation]:
    """Every operation of an application, in the order of tags and paths."""
    found = [operation for item in app.blueprints.values() if isinstance(item, ApiBlueprint) for operation in item.operations]
    order = list(TAGS)
    return sorted(found, key=lambda operation: (order.index(operation.tag), operation.path, operation.method))


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The OpenAPI document, in English; as JSON once it is dumped."""
    operations = list(operations)
    schemas, names = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        address = PREFIX + _PLACE.sub(lambda found: "{" + found["name"] + "}", operation.path)
        paths.setdefault(address, {})[operation.method.lower()] = _operation(operation, schemas, names)
    queries = {names[model, "validation"] for operation in operations if (model := operation.query) is not None}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Jingui",
            "version": __version__,
            "summary": "An OAIS repository for records that must last.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": TAGS[name]} for name in TAGS if any(item.tag == name for item in operations)],
        "security": _SECURITY,
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "responses": {f"Problem{status}": _problem(status) for status in _statuses(operations)},
            "headers": {name: _header(name) for name in HEADERS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": N_("A token, made on the page “My account”.")},
                "session": {"type": "apiKey", "in": "cookie", "name": "jingui", "description": N_("The session of the console.")},
                "pageToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": N_("With the session, for changes: the token of the console's pages."),
                },
            },
        },
    }


def places_of(path: str) -> list[tuple[str, str]]:
    """The places of a path: name and kind (``string``, ``int``)."""
    return [(found["name"], found["kind"] or "string") for found in _PLACE.finditer(path)]


Names = Mapping[tuple[type[BaseModel], JsonSchemaMode], str]


def _schemas(operations: Sequence[Operation]) -> tuple[dict[str, Any], Names]:
    """Every schema by name, and under which name each model is."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "validation"): None}
    for operation in operations:
        if operation.query is not None:
            wanted[operation.query, "validation"] = None
        if operation.body is not None and not isinstance(operation.body, Content):
            wanted[operation.body, "validation"] = None
        for answer in operation.answers.values():
            if answer.model is not None:
                wanted[answer.model, "serialization"] = None
    found, definitions = models_json_schema(list(wanted), ref_template=_REF)
    # what is a shape to us is the thing itself to who reads the document
    plain = {name: name.removesuffix("Shape") for name in definitions["$defs"]}
    schemas = json.loads(_SHAPE.sub(r"\1", json.dumps(definitions["$defs"])))
    names = {}
    for model, mode in wanted:
        names[model, mode] = plain[str(found[model, mode]["$ref"]).rpartition("/")[2]]
    return {plain[name]: {**schema, "title": plain[name]} for name, schema in schemas.items()}, names


def _operation(operation: Operation, schemas: Mapping[str, Any], names: Names) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *(_place(operation, name, kind) for name, kind in places_of(operation.path)),
            *(_query(operation, schemas, names)),
            *(_header_parameter(name, required=True) for name in operation.required_headers),
            *(_header_parameter(name, required=False) for name in _optional_headers(operation)),
        ],
        "responses": {
            **{str(status): _answer(operation, status, answer, names) for status, answer in operation.answers.items()},
            **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in operation.problem_statuses},
        },
    }
    if operation.description:
        found["description"] = operation.description
    if operation.public:
        found["security"] = []
    if operation.needs:
        found["x-permissions"] = [str(permission) for permission in operation.needs]
        found["x-roles"] = roles_with(operation.needs)
    if operation.body is not None:
        found["requestBody"] = _body(operation, names)
    return found


def roles_with(permissions: Sequence[Permission]) -> list[str]:
    """The roles that have all of these permissions, over some things at least."""
    return [str(role) for role, held in ROLE_PERMISSIONS.items() if held >= set(permissions)]


def _place(operation: Operation, name: str, kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 512}
    if kind == "int":
        schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    return {"name": name, "in": "path", "required": True, "description": operation.places.get(name, ""), "schema": schema}


def _query(operation: Operation, schemas: Mapping[str, Any], names: Names) -> Iterable[dict[str, Any]]:
    if operation.query is None:
        return
    model = schemas[names[operation.query, "validation"]]
    for name, schema in model.get("properties", {}).items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in model.get("required", ())}
        plain = {key: value for key, value in schema.items() if key not in ("title", "description")}
        if schema.get("description"):
            parameter["description"] = schema["description"]
        if plain.get("type") == "array":
            parameter |= {"style": "form", "explode": True}
        yield {**parameter, "schema": plain}


def _optional_headers(operation: Operation) -> list[str]:
    keyed = ["Idempotency-Key"] if operation.idempotent_by_key else []
    return [*operation.headers, *keyed]


def _header_parameter(name: str, *, required: bool) -> dict[str, Any]:
    header = HEADERS[name]
    found: dict[str, Any] = {"name": name, "in": "header", "required": required, "description": header.description}
    found["schema"] = dict(header.schema)
    return {**found, "example": header.example} if header.example and "…" not in header.example else found


def _body(operation: Operation, names: Names) -> dict[str, Any]:
    body = operation.body
    assert body is not None
    if isinstance(body, Content):
        # OpenAPI 3.1: a binary body has a media type and no schema
        return {"required": body.required, "description": body.description, "content": {body.media: {}}}
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=names[body, "validation"])}}
    if operation.example is not None:
        content["example"] = operation.example
    return {"required": True, "content": {JSON: content}}


def _answer(operation: Operation, status: int, answer: Answer, names: Names) -> dict[str, Any]:
    headers = [*USUAL_HEADERS, *answer.headers]
    if operation.idempotent_by_key:
        headers.append("Idempotent-Replayed")
    found: dict[str, Any] = {"description": answer.description, "headers": {name: _header_ref(name) for name in headers}}
    if answer.model is not None:
        content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=names[answer.model, "serialization"])}}
        if answer.example is not None:
            content["example"] = answer.example
        found["content"] = {JSON: content}
    elif answer.media:
        found["content"] = {answer.media: {}}
    return found


def _header(name: str) -> dict[str, Any]:
    header = HEADERS[name]
    return {"description": header.description, "schema": dict(header.schema)}


def _header_ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _statuses(operations: Iterable[Operation]) -> list[int]:
    return sorted({status for operation in operations for status in operation.problem_statuses})


def _problem(status: int) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    first = kinds[0] if kinds else BY_STATUS[status]
    example = {
        "type": first.type,
        "title": first.title,
        "status": status,
        "detail": first.meaning,
        "code": first.code,
        "request_id": "5f1c3a9e27b4",
    }
    return {
        "description": ", ".join(kind.code for kind in kinds),
        "headers": {name: _header_ref(name) for name in (*_PROBLEM_HEADERS.get(status, ()), *USUAL_HEADERS)},
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}, "example": example}},
    }
