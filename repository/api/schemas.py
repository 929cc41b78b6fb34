"""Shapes that several operations share: the problem document, and kinds of values."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from repository.findings import N_

#: The pattern of a text on one line.
LINE: Final = r"^[^\u0000-\u001f\u007f]*$"
_FILLED: Final = r"^[^\u0000-\u001f\u007f]+$"

#: A text on one line, as a request may bring it.
Line = Annotated[str, StringConstraints(max_length=500, pattern=LINE)]
#: The same, and not empty.
FilledLine = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_FILLED)]
#: An id, a code, a word.
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_FILLED)]


def _told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


#: A moment in UTC.
Moment = Annotated[datetime, PlainSerializer(_told, when_used="json")]


def readable(value: Any) -> Any:
    """A value as JSON can have it: half a surrogate pair, from a name that is no UTF-8, is written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {readable(name): readable(item) for name, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list | tuple) else value


#: A text that came from outside.
Text = Annotated[str, BeforeValidator(readable)]
#: Named values that came from outside.
Details = Annotated[dict[str, Any], BeforeValidator(readable)]


class Shape(BaseModel):
    """A JSON object of ours: nothing is in it that is not documented."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ProblemField(Shape):
    """What is wrong with one value of the request."""

    pointer: str | None = Field(default=None, description=N_("JSON pointer into the body (RFC 6901)."))
    parameter: str | None = Field(default=None, description=N_("Name of the query parameter."))
    header: str | None = Field(default=None, description=N_("Name of the header."))
    message: str = Field(description=N_("What is wrong, in the reader's language."))


class Problem(Shape):
    """A problem document (RFC 9457)."""

    type: str = Field(description=N_("Address of the page that explains this kind of problem."))
    title: str = Field(description=N_("The kind of problem, in the reader's language."))
    status: int = Field(description=N_("The status of the answer."))
    detail: str = Field(description=N_("What happened, in the reader's language."))
    code: str = Field(description=N_("Our word for the kind of problem."))
    subject: str | None = Field(default=None, description=N_("What it is about."))
    remedy: str | None = Field(default=None, description=N_("What to do."))
    errors: list[ProblemField] | None = Field(default=None, description=N_("Each value of the request that is wrong."))
    request_id: str = Field(description=N_("Names the request in the log."))
