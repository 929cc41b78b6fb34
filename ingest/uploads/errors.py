"""What can be wrong with an upload, beside what `repository.errors` has: each with the status that the protocol gives it."""

from __future__ import annotations

from repository.errors import JinguiError


class UploadTooLarge(JinguiError):
    """More bytes or files than may be sent, or more bytes than were announced."""

    code = "UPLOAD_TOO_LARGE"
    exit_code = 2
    http_status = 413


class UploadBusy(JinguiError):
    """Another request is writing to the same upload."""

    code = "UPLOAD_BUSY"
    exit_code = 1
    http_status = 423


class ChecksumWrong(JinguiError):
    """What arrived is not what the sender says it sent (tus 1.0, checksum extension)."""

    code = "UPLOAD_CHECKSUM_WRONG"
    exit_code = 1
    http_status = 460


class NoRoom(JinguiError):
    """The disk of the inbox has no room for what was announced, or became full while it came."""

    code = "UPLOAD_NO_ROOM"
    http_status = 507
