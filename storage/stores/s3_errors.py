"""What an answer of an object service means, in the words of every store: missing, unreadable, taken, full, not reachable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError, PartialCredentialsError

from storage.errors import N_, OutOfSpace, StorageError, StoreUnavailable
from storage.stores.base import KeyMissing, KeyTaken, KeyUnreadable

#: What the library raises; it brings no types.
FAILURES: Final[tuple[type[Exception], ...]] = (ClientError, BotoCoreError)

_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
_TAKEN: Final = frozenset({"412", "PreconditionFailed", "ConditionalRequestConflict"})
_FULL: Final = frozenset({"507", "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"})
#: Nothing in the store can be used; whatever else is not known here is asked of the bucket.
_STORE: Final = frozenset(
    {
        "NoSuchBucket",
        "InvalidBucketName",
        "AllAccessDisabled",
        "AccountProblem",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "RequestTimeTooSkewed",
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
    }
)


def code_of(error: Exception) -> str:
    """The service's own name for what went wrong, or of the error where the service did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else type(error).__name__


def meaning(error: Exception, key: str, *, store: str, location: str, probe: Callable[[], Exception | None]) -> StorageError:
    """The error of ours that says the same.

    Args:
        error: what the library raised.
        key: what it was about; empty for the store as a whole.
        store: the store's name.
        location: where it is, for people.
        probe: asks the bucket for something harmless and gives what that fails with: whether one key cannot be had, or nothing.
    """
    code = code_of(error)
    shown = key if key.isprintable() else ascii(key)[1:-1]
    if isinstance(error, HTTPClientError) and isinstance(caused := error.kwargs.get("error"), StorageError):
        return caused
    if code in _FULL:
        return OutOfSpace(
            "OUT_OF_SPACE",
            N_("Store “{store}” is full while writing “{subject}”."),
            subject=shown,
            remedy=N_("Make room in the store or add one, then try again."),
            store=store,
        )
    if key and code in _MISSING:
        return KeyMissing("KEY_MISSING", N_("“{subject}” is missing from store “{store}”."), subject=shown, store=store)
    if key and code in _TAKEN and getattr(error, "operation_name", "") != "GetObject":
        return KeyTaken("KEY_TAKEN", N_("“{subject}” is already in store “{store}” and is never overwritten."), subject=shown, store=store)
    if not key or code in _STORE or not isinstance(error, ClientError):
        return _unavailable(error, store, location)
    if code == "NotImplemented":
        return StorageError(
            "STORE_CANNOT",
            N_("The service of store “{store}” cannot do what was asked: {reason}."),
            subject=shown,
            remedy=N_('Set conditional_writes = false and checksums = "when_required" for this store.'),
            store=store,
            reason=_reason(error),
        )
    # One key that is refused or fails, while the bucket answers, is about that key; an answer to HEAD does not tell.
    failed = probe()
    if failed is not None:
        return _unavailable(failed, store, location)
    return KeyUnreadable(
        "KEY_UNREADABLE",
        N_("“{subject}” in store “{store}” cannot be read or written: {reason}."),
        subject=shown,
        remedy=N_("Check the permissions and the state of this object in the service; the other copies are not affected."),
        store=store,
        reason=_reason(error),
    )


def _unavailable(error: Exception, store: str, location: str) -> StoreUnavailable:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        remedy = N_("Give access_key and secret_key of this store in the settings, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    elif isinstance(error, ClientError):
        remedy = N_("Check bucket, region, keys and their permissions, and the clock of this machine.")
    else:
        remedy = N_("Check that the service runs and that this machine reaches it.")
    return StoreUnavailable(
        "STORE_UNAVAILABLE",
        N_("Store “{store}” at “{location}” cannot be used: {reason}."),
        subject=store,
        remedy=remedy,
        store=store,
        location=location,
        reason=_reason(error),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        message = str(said.get("Message", "")).rstrip(".")
        return f"{code_of(error)}: {message}" if message else code_of(error)
    return str(error).rstrip(".")
