"""The table of errors: every kind of problem that the API answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from repository.findings import N_

#: Where the API is, and where each kind of problem is explained.
PREFIX: Final = "/api/v1"
TYPES: Final = f"{PREFIX}/problems/"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemKind:
    """One row of the table of errors.

    Args:
        code: our word for it; the end of its type's address.
        status: of the answer.
        title: the same for every occurrence, English, marked with `N_`.
        meaning: when it comes and what to do, English, marked with `N_`.
    """

    code: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The problem type: address of the page that explains it, relative to the server."""
        return TYPES + self.code


_KINDS: Final = (
    ProblemKind(
        code="MALFORMED",
        status=400,
        title=N_("The request cannot be read"),
        meaning=N_(
            "The body is not JSON, or a header is not what HTTP says. Send it again as the documentation of the operation shows it."
        ),
    ),
    ProblemKind(
        code="USAGE",
        status=400,
        title=N_("What was asked makes no sense"),
        meaning=N_("A value is unknown or out of range. The remedy names what is possible."),
    ),
    ProblemKind(
        code="CURSOR_INVALID",
        status=400,
        title=N_("The cursor is not one of this list"),
        meaning=N_("A cursor comes from the answer before, unchanged, and belongs to the same list. Begin again without “after”."),
    ),
    ProblemKind(
        code="UNAUTHENTICATED",
        status=401,
        title=N_("Say who you are"),
        meaning=N_(
            "Send a token as “Authorization: Bearer jg_…”; the token is unknown, revoked or expired if you did. Make one on"
            " the page “My account”."
        ),
    ),
    ProblemKind(
        code="PERMISSION_DENIED",
        status=403,
        title=N_("You may not do this"),
        meaning=N_("Neither your roles nor, with a token, its scopes allow it. Ask the security administrator for the role."),
    ),
    ProblemKind(
        code="CSRF",
        status=403,
        title=N_("The request does not prove where it comes from"),
        meaning=N_(
            "A change made with the console's cookie needs the header “X-CSRFToken” with the token of the page. Programs "
            "use a token instead."
        ),
    ),
    ProblemKind(
        code="LOGIN_NOT_FRESH",
        status=403,
        title=N_("Prove again who you are"),
        meaning=N_("The last proof of identity is too long ago for this. Give your password again in the console, then send it once more."),
    ),
    ProblemKind(
        code="NOT_FOUND",
        status=404,
        title=N_("There is nothing here"),
        meaning=N_("The address is wrong, the thing is gone, or you may not know of it. The three are answered alike."),
    ),
    ProblemKind(
        code="METHOD_NOT_ALLOWED",
        status=405,
        title=N_("This cannot be done that way"),
        meaning=N_("The address exists, but not with this method. The header “Allow” names those that it has."),
    ),
    ProblemKind(
        code="NOT_ACCEPTABLE",
        status=406,
        title=N_("There is no answer in the form asked for"),
        meaning=N_("The header “Accept” leaves out every media type that the operation can answer with."),
    ),
    ProblemKind(
        code="CONFLICT",
        status=409,
        title=N_("This cannot be done now"),
        meaning=N_("The thing is not in a state in which this can be done. Read it again to see its state."),
    ),
    ProblemKind(
        code="IDEMPOTENCY_IN_PROGRESS",
        status=409,
        title=N_("The same request is still being worked on"),
        meaning=N_("A request with this idempotency key has not been answered yet. Send it again a little later; it is never done twice."),
    ),
    ProblemKind(
        code="PRECONDITION_FAILED",
        status=412,
        title=N_("It has changed in the meantime"),
        meaning=N_("The header “If-Match” names another state than the present one. Read the thing again, and decide anew."),
    ),
    ProblemKind(
        code="TUS_VERSION",
        status=412,
        title=N_("Another version of tus is spoken here"),
        meaning=N_("Every request of the tus protocol needs the header “Tus-Resumable: 1.0.0”."),
    ),
    ProblemKind(
        code="UPLOAD_TOO_LARGE",
        status=413,
        title=N_("The upload is too large"),
        meaning=N_("More bytes or files than may be sent, or more bytes than were announced. None of this request are kept."),
    ),
    ProblemKind(
        code="CONTENT_TOO_LARGE",
        status=413,
        title=N_("The body is too large"),
        meaning=N_(
            "A JSON body may have 1 MiB, a package as much as the archive's settings say. Large packages are sent as resumable uploads."
        ),
    ),
    ProblemKind(
        code="UNSUPPORTED_MEDIA_TYPE",
        status=415,
        title=N_("The body has the wrong media type"),
        meaning=N_("Send the header “Content-Type” that the documentation of the operation names."),
    ),
    ProblemKind(
        code="RANGE_NOT_SATISFIABLE",
        status=416,
        title=N_("The file has no such bytes"),
        meaning=N_("The range begins behind the end of the file. The header “Content-Range” says how long it is."),
    ),
    ProblemKind(
        code="INVALID",
        status=422,
        title=N_("Some values are not right"),
        meaning=N_("The list “errors” names each of them: where it stands, and what is wrong with it."),
    ),
    ProblemKind(
        code="PACKAGE_REFUSED",
        status=422,
        title=N_("The package cannot be opened"),
        meaning=N_("It is hostile, broken or unreadable. Its findings say why."),
    ),
    ProblemKind(
        code="IDEMPOTENCY_KEY_REUSED",
        status=422,
        title=N_("The idempotency key belongs to another request"),
        meaning=N_("Within 24 hours a key stands for one request. Make a new key for each new request, best a random UUID."),
    ),
    ProblemKind(
        code="UPLOAD_BUSY",
        status=423,
        title=N_("Another request is writing to this upload"),
        meaning=N_("Wait until it has ended, ask for the offset, then go on from there."),
    ),
    ProblemKind(
        code="PRECONDITION_REQUIRED",
        status=428,
        title=N_("Say which state you are changing"),
        meaning=N_("Send the header “If-Match” with the ETag that reading the thing gave, so that nobody's change is lost."),
    ),
    ProblemKind(
        code="RATE_LIMITED",
        status=429,
        title=N_("Too many requests"),
        meaning=N_("Wait as many seconds as the header “Retry-After” says."),
    ),
    ProblemKind(
        code="UPLOAD_CHECKSUM_WRONG",
        status=460,
        title=N_("What arrived is not what was sent"),
        meaning=N_("The digest of the bytes differs from “Upload-Checksum”. None of them were kept; send them again."),
    ),
    ProblemKind(
        code="INTERNAL",
        status=500,
        title=N_("Something went wrong on our side"),
        meaning=N_("Nothing was lost. Tell the administrator the request id."),
    ),
    ProblemKind(
        code="STORAGE",
        status=500,
        title=N_("A store could not do what it should"),
        meaning=N_("A disk is full, not connected or damaged. Tell the system administrator the request id."),
    ),
    ProblemKind(
        code="NO_SOUND_COPY",
        status=500,
        title=N_("No copy is as it should be"),
        meaning=N_("No store has a sound copy of the file. Tell the preservation officer; an audit shows what is left."),
    ),
    ProblemKind(
        code="COPY_FAILED",
        status=500,
        title=N_("A copy turned out wrong"),
        meaning=N_("Try again: the file is then read from another copy."),
    ),
    ProblemKind(
        code="UPLOAD_NO_ROOM",
        status=507,
        title=N_("There is no room for the upload"),
        meaning=N_("The disk of the inbox is full. Ask the system administrator for room, then go on; what arrived so far is kept."),
    ),
)

#: Every kind of problem, by code.
KINDS: Final[Mapping[str, ProblemKind]] = MappingProxyType({kind.code: kind for kind in _KINDS})

#: What stands for an HTTP error that comes from the framework, and for an error of ours that is not in the table.
BY_STATUS: Final[Mapping[int, ProblemKind]] = MappingProxyType({
    400: KINDS["MALFORMED"], 401: KINDS["UNAUTHENTICATED"], 403: KINDS["PERMISSION_DENIED"], 404: KINDS["NOT_FOUND"],
    405: KINDS["METHOD_NOT_ALLOWED"], 406: KINDS["NOT_ACCEPTABLE"], 409: KINDS["CONFLICT"], 412: KINDS["PRECONDITION_FAILED"],
    413: KINDS["CONTENT_TOO_LARGE"], 415: KINDS["UNSUPPORTED_MEDIA_TYPE"], 416: KINDS["RANGE_NOT_SATISFIABLE"], 422: KINDS["INVALID"],
    423: KINDS["UPLOAD_BUSY"], 428: KINDS["PRECONDITION_REQUIRED"], 429: KINDS["RATE_LIMITED"], 500: KINDS["INTERNAL"],
    507: KINDS["UPLOAD_NO_ROOM"],
})  # fmt: skip
