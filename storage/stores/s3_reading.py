"""Reading a stored object as a stream, taken up again where the connection broke."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

#: So often in a row a connection may break without a byte in between.
_PATIENCE: Final = 4


class StoredStream(io.RawIOBase):
    """The bytes of an object from some offset on.

    Args:
        told: gives the client, and turns what the library raises into errors of ours.
        target: bucket and key, as the library names them.
        offset: where to begin, in bytes.

    Raises:
        StorageError: the object is missing or cannot be read; also while reading. One that was replaced meanwhile is
            never read on: it would be two halves.
    """

    def __init__(self, told: Callable[[], AbstractContextManager[Any]], target: dict[str, str], offset: int) -> None:
        self._told = told
        self._target = target
        self._at = offset
        self._condition: dict[str, str] = {}
        self._body: Any = None
        with told() as client:
            self._begin(client)

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Lets the connection go."""
        if self._body is not None:
            self._body.close()
            self._body = None
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Reads what fits into the buffer."""
        with self._told() as client:
            for attempt in range(_PATIENCE):
                try:
                    if self._body is None:
                        self._begin(client)
                    if self._body is None:
                        return 0
                    block = self._body.read(len(buffer))
                except (BotoCoreError, HTTPError, OSError) as error:
                    self._body = None
                    if attempt + 1 < _PATIENCE:
                        continue
                    raise error if isinstance(error, BotoCoreError) else _broken(error) from error
                self._at += len(block)
                buffer[: len(block)] = block
                return len(block)
        return 0

    def _begin(self, client: Any) -> None:
        wanted = {"Range": f"bytes={self._at}-"} if self._at else {}
        try:
            answer = client.get_object(**self._target, **wanted, **self._condition)
        except client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("InvalidRange", "416"):
                return
            raise
        if self._at and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
            raise _broken("it does not answer questions for a range")
        if "ETag" in answer:
            self._condition = {"IfMatch": answer["ETag"]}
        self._body = answer["Body"]


def _broken(reason: object) -> BotoCoreError:
    from botocore.exceptions import HTTPClientError

    return HTTPClientError(error=reason)
