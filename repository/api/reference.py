"""The pages to read the API by, made of its OpenAPI document, and the document itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, Response, current_app, render_template, request

from repository.api.kinds import KINDS, PREFIX
from repository.api.openapi import document, operations_of
from repository.api.operation import JSON, TAGS, TITLES
from repository.api.problems import ApiError
from repository.web import session

blueprint = Blueprint("api", __name__, url_prefix=PREFIX, template_folder="../web/templates")

_EXTENSION: Final = "jingui-openapi"
_REF: Final = "#/components/schemas/"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A value that a request or a JSON object has, as a page shows it.

    Args:
        name: its name.
        place: ``path``, ``query``, ``header``, or empty in an object.
        type: what it is, in the words of JSON.
        schema: name of the object it is or holds, or empty.
        choices: what it can be, where that is a list.
        required: whether it must be there.
        description: English.
    """

    name: str
    place: str
    type: str
    schema: str
    choices: Sequence[str]
    required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class AnswerView:
    """An answer as a page shows it."""

    status: str
    description: str
    media: str
    schema: str
    headers: Sequence[str]
    codes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """An operation as a page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    roles: Sequence[str]
    permissions: Sequence[str]
    public: bool
    parameters: Sequence[Member]
    body_media: str
    body_description: str
    body_schema: str
    body: Sequence[Member]
    curl: str
    answers: Sequence[AnswerView]
    problems: Sequence[AnswerView]


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return Response(json.dumps(_document(), ensure_ascii=False, indent=1), mimetype=JSON)


@blueprint.get("/")
def reference() -> str:
    """Every operation, to be read; all of them, or those of one tag."""
    found = _document()
    tag = request.args.get("tag", "")
    if tag not in TAGS:
        tag = ""
    chosen = [name for name in TAGS if tag in ("", name)]
    sections = {name: _operations(found, name) for name in chosen}
    schemas = {name: _members(found, schema) for name, schema in sorted(found["components"]["schemas"].items()) if "properties" in schema}
    return render_template(
        "api/reference.html",
        sections={name: operations for name, operations in sections.items() if operations},
        tags={item["name"]: item["description"] for item in found["tags"]},
        titles=TITLES,
        chosen=tag,
        schemas={name: members for name, members in schemas.items() if not tag},
        about={name: found["components"]["schemas"][name].get("description", "") for name in schemas},
        description=found["info"]["description"],
        kinds=KINDS.values(),
        server=session.absolute(""),
    )


@blueprint.get("/problems/<code>")
def problem(code: str) -> str:
    """What a kind of problem means: the address that problem documents have as their type."""
    kind = KINDS.get(code)
    if kind is None:
        raise ApiError("NOT_FOUND", subject=code[:64])
    return render_template("api/problem.html", kind=kind)


def _document() -> dict[str, Any]:
    if _EXTENSION not in current_app.extensions:
        current_app.extensions[_EXTENSION] = document(operations_of(current_app))
    return cast(dict[str, Any], current_app.extensions[_EXTENSION])


def _operations(found: Mapping[str, Any], tag: str) -> list[OperationView]:
    return [
        _operation(found, path, method, item)
        for path, methods in found["paths"].items()
        for method, item in methods.items()
        if tag in item["tags"]
    ]


def _operation(found: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> OperationView:
    body = item.get("requestBody", {})
    media, content = _content(body)
    schema = content.get("schema", {}).get("$ref", "").removeprefix(_REF)
    answers = [_answer(found, status, answer) for status, answer in item["responses"].items()]
    return OperationView(
        id=item["operationId"],
        method=method.upper(),
        path=path,
        summary=item["summary"],
        description=item.get("description", ""),
        roles=item.get("x-roles", ()),
        permissions=item.get("x-permissions", ()),
        public=item.get("security") == [],
        parameters=[_member(found, value["name"], value["schema"], value, place=value["in"]) for value in item["parameters"]],
        body_media=media,
        body_description=body.get("description", ""),
        body_schema=schema,
        body=_members(found, found["components"]["schemas"][schema]) if schema else (),
        curl=_curl(path, method.upper(), item),
        answers=[answer for answer in answers if not answer.codes],
        problems=[answer for answer in answers if answer.codes],
    )


def _answer(found: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> AnswerView:
    problem = "$ref" in answer
    if problem:
        answer = found["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    media, content = _content(answer)
    codes = [kind.code for kind in KINDS.values() if problem and str(kind.status) == status]
    return AnswerView(
        status=status,
        description="" if problem else answer["description"],
        media=media,
        schema=content.get("schema", {}).get("$ref", "").removeprefix(_REF),
        headers=[name for name in answer.get("headers", {}) if not name.startswith(("RateLimit-", "X-"))],
        codes=codes or (["INTERNAL"] if problem else []),
    )


def _content(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The media type of a body, and what is said of it."""
    for media, content in body.get("content", {}).items():
        return str(media), content
    return "", {}


def _members(found: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Member]:
    required = schema.get("required", ())
    return [_member(found, name, value, {**value, "required": name in required}) for name, value in schema.get("properties", {}).items()]


def _member(found: Mapping[str, Any], name: str, schema: Mapping[str, Any], about: Mapping[str, Any], place: str = "") -> Member:
    kind, reference, choices = _type(found, schema)
    return Member(
        name=name,
        place=place,
        type=kind,
        schema=reference,
        choices=choices,
        required=bool(about.get("required")),
        description=about.get("description", ""),
    )


def _type(found: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, str, Sequence[str]]:
    """What a value is: its type in the words of JSON, the object it is or holds, what it can be."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        target = found["components"]["schemas"][name]
        return ("object", name, ()) if "properties" in target else _type(found, target)
    if "anyOf" in schema:
        parts = [_type(found, part) for part in schema["anyOf"]]
        reference = next((part[1] for part in parts if part[1]), "")
        return " | ".join(part[0] for part in parts), reference, [choice for part in parts for choice in part[2]]
    if schema.get("type") == "array":
        inner, reference, choices = _type(found, schema.get("items", {}))
        return f"[{inner}]", reference, choices
    if isinstance(schema.get("additionalProperties"), Mapping):
        inner, reference, choices = _type(found, schema["additionalProperties"])
        return f"{{name: {inner}}}", reference, choices
    kind = str(schema.get("format") or schema.get("type") or "any")
    return kind, "", [str(choice) for choice in schema.get("enum", ())] or ([str(schema["const"])] if "const" in schema else [])


def _curl(path: str, method: str, item: Mapping[str, Any]) -> str:
    """A command that can be pasted, once the two variables are set."""
    parts = ["curl"]
    if method == "HEAD":
        parts.append("--head")
    elif method != "GET":
        parts.append(f"-X {method}")
    if item.get("security") != []:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for parameter in item["parameters"]:
        name = parameter["name"]
        if name == "Idempotency-Key":
            parts.append('-H "Idempotency-Key: $(uuidgen)"')
        elif parameter["in"] == "header" and parameter["required"]:
            parts.append("-H " + shlex.quote(f"{name}: {parameter.get('example', '…')}"))
    media, content = _content(item.get("requestBody", {}))
    if media:
        parts.append(f"-H 'Content-Type: {media}'")
        example = content.get("example")
        parts.append("--data-binary @package.zip" if media != JSON else "-d " + shlex.quote(json.dumps(example or {}, ensure_ascii=False)))
    required = [value["name"] for value in item["parameters"] if value["in"] == "query" and value["required"]]
    query = "?" + "&".join(f"{name}=…" for name in required) if required else ""
    if any(JSON not in answer.get("content", {JSON: 0}) for answer in item["responses"].values()):
        parts.append("-OJ")
    address = f'"$JINGUI{path}{query}"'
    return " ".join([*parts, address]) if len(parts) < 3 else " \\\n  ".join([" ".join(parts[:2]), *parts[2:], address])
