"""Problem details (RFC 9457): one table of errors, and the answer the API gives for each."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, g
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from metadata.errors import MetadataError
from repository.api.kinds import BY_STATUS, KINDS, PREFIX, ProblemKind
from repository.errors import JinguiError
from storage.errors import StorageError

__all__ = ["MEDIA_TYPE", "PREFIX", "ApiError", "FieldError", "answer", "kind_of", "unauthenticated"]

log = logging.getLogger("jingui.api")

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """What is wrong with one value of a request.

    Args:
        message: for people, in the reader's language.
        pointer: JSON pointer (RFC 6901) into the body, or empty.
        parameter: name of the query parameter, or empty.
        header: name of the header, or empty.
    """

    message: str
    pointer: str | None = None
    parameter: str = ""
    header: str = ""

    def as_json(self) -> dict[str, str]:
        """The member of the problem's ``errors``."""
        place = {"pointer": self.pointer} if self.pointer is not None else {"parameter": self.parameter} if self.parameter else {}
        return {**place, **({"header": self.header} if self.header else {}), "message": self.message}


class ApiError(JinguiError):
    """A request that the API itself refuses, before any use case.

    Args:
        code: of the table.
        template: English message, marked with `N_`.
        subject: what it is about.
        remedy: English template.
        errors: which values are wrong.
        headers: that the answer has besides.
        parameters: values of the places.
    """

    exit_code = 2

    def __init__(
        self,
        code: str,
        template: str = "",
        *,
        subject: str = "",
        remedy: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> None:
        self.code = code
        self.http_status = KINDS[code].status
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(template or KINDS[code].meaning, subject=subject, remedy=remedy, **parameters)


def unauthenticated(reason: str = "", error: str = "") -> ApiError:
    """The refusal of a request that does not say who asks, or says it wrongly (RFC 6750, 3).

    Args:
        reason: English message, marked with `N_`; empty for the usual one.
        error: ``invalid_token``, ``invalid_request`` or empty.
    """
    challenge = 'Bearer realm="jingui"' + (f', error="{error}"' if error else "")
    return ApiError("UNAUTHENTICATED", reason, headers={"WWW-Authenticate": challenge})


def answer(error: BaseException) -> Response:
    """The answer that tells an error: a problem document in the reader's language."""
    if isinstance(error, CSRFError):
        kind = KINDS["CSRF"]
        return _document(kind, detail=gettext(kind.meaning))
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, JinguiError | StorageError | MetadataError):
        return _of_ours(error)
    log.error("request %s failed", g.get("request_id", ""), exc_info=error)
    kind = KINDS["INTERNAL"]
    return _document(kind, detail=gettext(kind.meaning))


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    kind = BY_STATUS.get(status) or BY_STATUS[400 if status < 500 else 500]
    document = _document(kind, detail=gettext(kind.meaning))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "content-range", "retry-after"):
            document.headers[name] = value
    return document


def _of_ours(error: JinguiError | StorageError | MetadataError) -> Response:
    values = {"subject": error.subject, **error.parameters}
    if isinstance(error, JinguiError):
        kind = kind_of(error)
    else:
        # what the storage or a document did not give is our side's trouble, whatever it says of itself
        kind = KINDS["STORAGE"] if isinstance(error, StorageError) else KINDS["INTERNAL"]
    if kind.status >= 500:
        log.error("request %s failed: %s", g.get("request_id", ""), error)
    document = _document(
        kind,
        detail=gettext(error.template).format_map(values),
        subject=error.subject,
        remedy=gettext(error.remedy).format_map(values) if error.remedy else "",
        errors=[item.as_json() for item in error.errors] if isinstance(error, ApiError) else (),
    )
    if isinstance(error, ApiError):
        document.headers.update(error.headers)
    return document


def kind_of(error: JinguiError) -> ProblemKind:
    """The kind of an error of ours: that of its code, else that of the nearest error it is a case of, else that of its status."""
    codes = (error.code, *(str(getattr(ancestor, "code", "")) for ancestor in type(error).__mro__))
    known = (KINDS[code] for code in codes if code in KINDS and KINDS[code].status == error.http_status)
    return next(known, BY_STATUS.get(error.http_status) or KINDS["INTERNAL"])


def _document(kind: ProblemKind, *, detail: str, subject: str = "", remedy: str = "", errors: Sequence[Mapping[str, str]] = ()) -> Response:
    content: dict[str, Any] = {"type": kind.type, "title": gettext(kind.title), "status": kind.status, "detail": detail, "code": kind.code}
    if subject:
        content["subject"] = subject
    if remedy:
        content["remedy"] = remedy
    if errors:
        content["errors"] = list(errors)
    content["request_id"] = g.get("request_id", "")
    # a name that is no UTF-8 has half surrogate pairs in it, which JSON can only have as escapes
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return Response(text, status=kind.status, mimetype=MEDIA_TYPE)
