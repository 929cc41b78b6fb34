"""What a request brings: query parameters and JSON bodies, read strictly into pydantic models; every mistake is named where it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from flask import request
from flask_babel import gettext
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from repository.api.problems import ApiError, FieldError
from repository.findings import N_

#: The most that a JSON body may have, in bytes.
BODY_LIMIT: Final = 1024 * 1024

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})")
#: Characters that neither a database nor a header takes.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_PLACE: Final = 512
_LARGEST: Final = 2**63 - 1

#: What pydantic's codes of errors are called before people; all others have the general sentence.
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no such value here."),
    "string_type": N_("This must be a text."),
    "string_too_short": N_("This text is too short: it needs at least {min_length} characters."),
    "string_too_long": N_("This text is too long: it may have {max_length} characters."),
    "string_pattern_mismatch": N_("This text has not the form it must have: {pattern}"),
    "int_type": N_("This must be a whole number."),
    "int_parsing": N_("This must be a whole number."),
    "bool_type": N_("This must be true or false."),
    "bool_parsing": N_("This must be true or false."),
    "greater_than_equal": N_("This must be {ge} or more."),
    "less_than_equal": N_("This must be {le} or less."),
    "enum": N_("This must be one of: {expected}."),
    "literal_error": N_("This must be one of: {expected}."),
    "too_long": N_("This list is too long: it may have {max_length} entries."),
    "too_short": N_("This list is too short: it needs at least {min_length} entries."),
    "list_type": N_("This must be a list."),
    "datetime_parsing": N_("This must be a moment, such as 2026-05-01T00:00:00Z."),
    "datetime_from_date_parsing": N_("This must be a moment, such as 2026-05-01T00:00:00Z."),
    "datetime_type": N_("This must be a moment, such as 2026-05-01T00:00:00Z."),
    "timezone_aware": N_("This moment needs its time zone, such as Z or +08:00."),
    "repeated": N_("This may be given once only."),
}
_GENERAL: Final = N_("This value cannot be used.")

Model = TypeVar("Model", bound=BaseModel)


def read_query(model: type[Model]) -> Model:
    """The query parameters of the request.

    Raises:
        ApiError: 422, with each parameter that is unknown, repeated or wrong.
    """
    kinds = _kinds(model)
    values: dict[str, Any] = {}
    errors = []
    for name in request.args:
        given = request.args.getlist(name)
        kind = kinds.get(name, "string")
        if kind == "array":
            values[name] = given
        elif len(given) > 1:
            errors.append(FieldError(parameter=name, message=_message("repeated", {})))
        else:
            values[name] = _plain(given[0], kind)
    try:
        if not errors:
            # as JSON, so that a text is a text and nothing is guessed
            return model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        errors = [FieldError(parameter=str(item["loc"][0]) if item["loc"] else "", message=_told(item)) for item in error.errors()]
    raise ApiError("INVALID", N_("The parameters of the address are not right: {count} errors."), errors=errors, count=len(errors))


def read_body(model: type[Model], content: bytes) -> Model:
    """The JSON body of the request.

    Raises:
        ApiError: 415 for another media type, 400 for what is no JSON, 422 with each value that is wrong.
    """
    if request.mimetype != "application/json":
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", N_("This operation takes “{subject}”."), subject="application/json")
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        raise ApiError("MALFORMED", N_("The body is not JSON: {reason}."), reason=str(found[0].get("ctx", {}).get("error", "")))
    errors = [FieldError(pointer=_pointer(item["loc"]), message=_told(item)) for item in found]
    raise ApiError("INVALID", N_("The body is not right: {count} errors."), errors=errors, count=len(errors))


def check_places(places: Mapping[str, Any]) -> None:
    """Refuses values in the path that cannot name anything.

    Raises:
        ApiError: 404.
    """
    for value in places.values():
        if isinstance(value, int):
            fine = value <= _LARGEST
        else:
            fine = len(value) <= _LONGEST_PLACE and _CONTROL.search(value) is None
        if not fine:
            raise ApiError("NOT_FOUND")


def _plain(text: str, kind: str) -> Any:
    """The value a text stands for where a number or a truth value is wanted; what is none stays a text, and is refused."""
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


@cache
def _kinds(model: type[BaseModel]) -> Mapping[str, str]:
    """The JSON type of each parameter; of one that may be left out, the type it has when it is there."""
    kinds = {}
    for name, schema in model.model_json_schema().get("properties", {}).items():
        types = [schema.get("type"), *(choice.get("type") for choice in schema.get("anyOf", ()))]
        kinds[name] = next((kind for kind in types if kind not in (None, "null")), "string")
    return kinds


def _told(item: ErrorDetails) -> str:
    return _message(item["type"], item.get("ctx", {}))


def _message(code: str, context: Mapping[str, Any]) -> str:
    return str(gettext(_MESSAGES.get(code, _GENERAL))).format_map({name: str(value) for name, value in context.items()})


def _pointer(place: Sequence[int | str]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
