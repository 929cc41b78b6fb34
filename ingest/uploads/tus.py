"""What tus 1.0 writes into headers, read and written strictly (https://tus.io/protocols/resumable-upload, version 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from ingest.uploads.receiving import CHECKSUMS
from repository.api.problems import ApiError
from repository.errors import UsageError
from repository.findings import N_

VERSION: Final = "1.0.0"
EXTENSIONS: Final = ("creation", "creation-with-upload", "expiration", "checksum", "termination")
#: The media type of bytes of an upload.
OFFSET_STREAM: Final = "application/offset+octet-stream"

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_KEY: Final = re.compile(r"[!-+\--~]+")


def require_version(headers: Headers) -> None:
    """Refuses a request of another version.

    Raises:
        ApiError: 412, naming the version spoken here (Protocol, Tus-Resumable).
    """
    if headers.get("Tus-Resumable") != VERSION:
        raise ApiError(
            "TUS_VERSION",
            N_("The request does not say that it speaks tus {version} (header “Tus-Resumable”)."),
            headers={"Tus-Version": VERSION},
            version=VERSION,
        )


def number(headers: Headers, name: str) -> int:
    """The value of a header that is a count of bytes.

    Raises:
        UsageError: it is missing or no number.
    """
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise UsageError(N_("The header “{subject}” must be a number of bytes."), subject=name)
    return int(text)


def read_metadata(text: str) -> dict[str, str]:
    """The names and values of ``Upload-Metadata`` (Creation): pairs of a name and Base64 of UTF-8, commas between them.

    Raises:
        UsageError: it is written otherwise, or a name comes twice.
    """
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        name, _, encoded = pair.strip().partition(" ")
        try:
            value = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            value = None
        if value is None or not _KEY.fullmatch(name) or name in found:
            raise UsageError(
                N_("The header “Upload-Metadata” cannot be read: it must be pairs of a name and Base64 of UTF-8, each name once."),
                remedy=N_("Use the names “filename”, “relativePath” and “set”."),
            )
        found[name] = value
    return found


def write_metadata(values: Mapping[str, str]) -> str:
    """The header ``Upload-Metadata`` for names and values: whatever a value has in it, the header cannot be ended by it."""
    return ",".join(f"{name} {base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}" for name, value in values.items())


def expires(moment: datetime) -> str:
    """The header ``Upload-Expires`` (RFC 9110, 5.6.7)."""
    return http_date(moment)


def capabilities(*, most: int) -> dict[str, str]:
    """The headers by which a client learns what is spoken here.

    Args:
        most: bytes that an upload may have.
    """
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Max-Size": str(most),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
