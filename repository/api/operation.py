"""What an operation of the API is: its address, what it takes, what it answers. The frame serves it, the OpenAPI document tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from repository.findings import N_
from repository.permissions import Permission

JSON: Final = "application/json"


class Mode(StrEnum):
    """In which transaction a view runs."""

    #: One that only reads.
    READ = "read"
    #: One that writes: the change and the answer to be repeated for an idempotency key are committed together.
    WRITE = "write"
    #: None: the view opens what it needs.
    OWN = "own"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of an operation when all is well.

    Args:
        description: English, marked with `N_`.
        model: of the JSON body, or None.
        media: media type of the body where it is no JSON; empty with neither: no body.
        headers: names out of `HEADERS` that it has besides the usual ones.
        example: of the JSON body.
    """

    description: str
    model: type[BaseModel] | None = None
    media: str = ""
    headers: Sequence[str] = ()
    example: Any = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """A request body that is no JSON.

    Args:
        media: its media type.
        description: English, marked with `N_`.
        required: whether there must be one.
    """

    media: str
    description: str
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    Args:
        id: unique in the API; also the name of its endpoint within the blueprint.
        method: of HTTP.
        path: below ``/api/v1``, with places as Flask writes them.
        summary: one line, English, marked with `N_`.
        tag: the group it belongs to.
        answers: by status.
        description: more about it, English, marked with `N_`.
        needs: permissions without which nobody gets further; the use case asks again, about the thing at hand.
        query: model of the query parameters.
        body: model of the JSON body, or what else the body is.
        headers: names out of `HEADERS` that the request may have besides the usual ones.
        required_headers: and those it must have.
        problems: statuses of problems it answers with besides those that follow from the rest.
        mode: in which transaction it runs.
        example: of the request body.
        public: whether everybody may ask, without a token.
        fresh: whether somebody who asks with the console's session must have proven the own identity a short time ago.
        changes: whether it is idempotent by key (every write but those with a protocol of their own).
        places: what the places of the path are, by name, English.
    """

    id: str
    method: str
    path: str
    summary: str
    tag: str
    answers: Mapping[int, Answer]
    description: str = ""
    needs: Sequence[Permission] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | Content | None = None
    headers: Sequence[str] = ()
    required_headers: Sequence[str] = ()
    problems: Sequence[int] = ()
    mode: Mode = Mode.READ
    example: Any = None
    public: bool = False
    fresh: bool = False
    changes: bool = True
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def idempotent_by_key(self) -> bool:
        """Whether an ``Idempotency-Key`` is honoured."""
        return self.changes and self.mode is not Mode.READ and self.method not in ("GET", "HEAD")

    @property
    def media_types(self) -> tuple[str, ...]:
        """What it can answer with when all is well."""
        found = [JSON if answer.model is not None else answer.media for answer in self.answers.values()]
        return tuple(dict.fromkeys(media for media in found if media))

    @property
    def problem_statuses(self) -> list[int]:
        """Every status of a problem that it may answer with."""
        found = {406, 429, 500, *self.problems}
        if not self.public:
            found |= {401, 403}
        if self.query is not None:
            found |= {400, 422}
        if isinstance(self.body, Content):
            found |= {413}
        elif self.body is not None:
            found |= {400, 413, 415, 422}
        if "<" in self.path:
            found |= {404}
        if self.idempotent_by_key:
            found |= {400, 409, 422}
        if "If-Match" in self.required_headers:
            found |= {412, 428}
        return sorted(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A header of requests or answers: what it is for, and its JSON schema."""

    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    example: str = ""


#: The tags, in the order of the documentation.
TAGS: Final[Mapping[str, str]] = {
    "records": N_("Records: searching them, reading them, taking them out."),
    "submissions": N_("Packages that were handed in, and what became of them."),
    "uploads": N_("Resumable uploads (tus 1.0): files are sent piece by piece and handed in as one package."),
    "audits": N_("Audits: every byte of every copy is read again and compared."),
    "formats": N_("File formats and the signatures that tell them."),
    "jobs": N_("Work in the background, and the timetable."),
    "stores": N_("The stores that keep the copies."),
    "agencies": N_("Agencies that form records and hand them over."),
    "accounts": N_("Accounts, and tokens for programs."),
    "log": N_("The logbook: who logged in, read, searched, exported, changed what."),
}

#: What the tags are called.
TITLES: Final[Mapping[str, str]] = {
    "records": N_("Records"),
    "submissions": N_("Submissions"),
    "uploads": N_("Uploads"),
    "audits": N_("Audits"),
    "formats": N_("Formats"),
    "jobs": N_("Jobs"),
    "stores": N_("Stores"),
    "agencies": N_("Agencies"),
    "accounts": N_("Accounts"),
    "log": N_("Logbook"),
}

#: The headers that requests and answers have.
HEADERS: Final[Mapping[str, Header]] = {
    "Idempotency-Key": Header(
        description=N_("Names this request for 24 hours: sent again with the same key, it is not done again but answered as before."),
        schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        example="5b0e3c6a-7d53-4c0e-9d8b-0a2f7a3e1c55",
    ),
    "If-Match": Header(description=N_("The ETag of the state that is to be changed."), example='"4f2a…"'),
    "If-None-Match": Header(description=N_("The ETag that is known; if nothing changed, the answer is 304."), example='"4f2a…"'),
    "Range": Header(description=N_("One range of bytes (RFC 9110, 14)."), example="bytes=0-1023"),
    "If-Range": Header(description=N_("The ETag under which the range makes sense; else the whole file comes."), example='"4f2a…"'),
    "Accept-Language": Header(description=N_("Language of messages: zh or en."), example="zh"),
    "Link": Header(description=N_("Where the next page is (rel=next), if there is one (RFC 8288).")),
    "ETag": Header(description=N_("Stands for the present state (strong; RFC 9110, 8.8.3)."), example='"4f2a…"'),
    "Location": Header(description=N_("Where the new thing is.")),
    "Idempotent-Replayed": Header(
        description=N_("“true” where the answer is that of an earlier request with the same key."), schema={"const": "true"}
    ),
    "X-Request-Id": Header(description=N_("Names this request in the log.")),
    "RateLimit-Limit": Header(description=N_("Requests that are allowed in a window."), schema={"type": "integer", "minimum": 1}),
    "RateLimit-Remaining": Header(description=N_("Requests left in this window."), schema={"type": "integer", "minimum": 0}),
    "RateLimit-Reset": Header(description=N_("Seconds until the window begins anew."), schema={"type": "integer", "minimum": 0}),
    "Retry-After": Header(description=N_("Seconds to wait."), schema={"type": "integer", "minimum": 0}),
    "WWW-Authenticate": Header(description=N_("How to say who asks."), example='Bearer realm="jingui"'),
    "Allow": Header(description=N_("Methods that the address has.")),
    "Accept-Ranges": Header(description=N_("“bytes”: ranges can be asked for."), schema={"const": "bytes"}),
    "Content-Range": Header(description=N_("Which bytes these are, and of how many.")),
    "Content-Disposition": Header(description=N_("The name to save it under.")),
    "Repr-Digest": Header(description=N_("SHA-256 of the whole file (RFC 9530).")),
    "Content-Digest": Header(description=N_("SHA-256 of the bytes of this answer (RFC 9530).")),
    "Tus-Resumable": Header(description=N_("Version of the tus protocol."), schema={"const": "1.0.0"}, example="1.0.0"),
    "Tus-Version": Header(description=N_("Versions of the tus protocol that are spoken.")),
    "Tus-Extension": Header(description=N_("Extensions of the tus protocol that are spoken.")),
    "Tus-Max-Size": Header(description=N_("Bytes that one upload may have.")),
    "Upload-Length": Header(description=N_("Bytes that the file has."), schema={"type": "integer", "minimum": 0}, example="1048576"),
    "Upload-Offset": Header(description=N_("Bytes that have arrived."), schema={"type": "integer", "minimum": 0}, example="0"),
    "Upload-Metadata": Header(description=N_("Names and values in Base64, as the tus protocol has them.")),
    "Upload-Checksum": Header(description=N_("Algorithm and digest (Base64) of the bytes of this request.")),
    "Upload-Expires": Header(description=N_("When an unfinished upload is removed.")),
}  # fmt: skip

#: What every answer has.
USUAL_HEADERS: Final = ("X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
