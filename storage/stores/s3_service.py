"""A bucket of an object service: where it is, requests to it, and what comes of them in the words of every store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from storage.errors import N_, StoreUnavailable
from storage.stores.base import KeyMissing, KeyUnreadable
from storage.stores.s3_parts import LARGEST_PART, MIB, part_size, ranges

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_PAGE: Final = 1_000
_COPIED_AT_ONCE: Final = 512 * MIB
#: Clients can be used by several threads, but not made by several.
_CONNECTING: Final = threading.Lock()

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """Where a bucket is and how it is spoken to.

    Args:
        bucket: its name.
        prefix: keys begin with this and a slash; empty for the whole bucket.
        endpoint: address of the service; empty for Amazon's.
        region: its region; empty takes that of the environment.
        access_key: with `secret_key`: who asks; both empty take what the environment or the machine's role gives.
        secret_key: is never shown.
        addressing: ``path`` (``https://host/bucket/key``) or ``virtual`` (``https://bucket.host/key``).
        checksums: ``when_required`` sends no checksums beyond those of the signature: several services refuse others.
        conditional_writes: new keys are written on the condition that they are new, where the service can do that.
        connections: how many requests may run at once.
        part_bytes: what is larger is uploaded in parts of this size, or of a larger one where `most_parts` would not do.
        most_parts: so many parts the service takes; Amazon's and most others 10,000, OpenStack Swift 1,000 unless told otherwise.
        connect_seconds: patience for a connection.
        read_seconds: patience for an answer, or for the next bytes of one.
        attempts: how often a request is made at most.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    addressing: Literal["path", "virtual"] = "path"
    checksums: Literal["when_required", "when_supported"] = "when_required"
    conditional_writes: bool = False
    connections: int = 8
    part_bytes: int = 16 * MIB
    most_parts: int = 10_000
    connect_seconds: float = 5
    read_seconds: float = 60
    attempts: int = 4

    @property
    def address(self) -> str:
        """Where it is, for people."""
        place = f"{self.bucket}/{self.prefix}".rstrip("/")
        return f"{self.endpoint.rstrip('/')}/{place}" if self.endpoint else f"s3://{place}"


@cache
def _session() -> Any:
    """The library's session, which reads its descriptions of services once."""
    import boto3

    return boto3.session.Session()


class Bucket:
    """Requests to a bucket; what goes wrong with them is told as `storage.stores.base` names it.

    Args:
        store: the store's name, for messages.
        options: where it is.
    """

    def __init__(self, store: str, options: S3Options) -> None:
        self._store = store
        self._options = options
        self._client: Any = None
        self._lock = threading.Lock()

    def target(self, whole: str) -> dict[str, str]:
        """Bucket and whole key (prefix included) as the library names them."""
        return {"Bucket": self._options.bucket, "Key": whole}

    @property
    def new(self) -> Mapping[str, str]:
        """What is said with a key that must be new."""
        return {"IfNoneMatch": "*"} if self._options.conditional_writes else {}

    @contextmanager
    def told(self, key: str) -> Iterator[Any]:
        """Gives the library's client, and turns what it raises into errors of ours about `key` (empty: about the store)."""
        client = self._connected()
        from storage.stores.s3_errors import FAILURES, meaning

        try:
            yield client
        except FAILURES as error:
            raise meaning(error, key, store=self._store, location=self._options.address, probe=self._probe) from error

    def size(self, whole: str, key: str) -> int:
        """Bytes of an object.

        Raises:
            KeyMissing: there is none.
        """
        with self.told(key) as client:
            return int(client.head_object(**self.target(whole))["ContentLength"])

    def pages(self, below: str, delimiter: str = "", *, most: int = 0) -> Iterator[dict[str, Any]]:
        """The listing of keys that begin with `below`, page by page."""
        wanted: dict[str, Any] = {"Bucket": self._options.bucket, "Prefix": below, "MaxKeys": most or _PAGE}
        if delimiter:
            wanted["Delimiter"] = delimiter
        while True:
            with self.told("") as client:
                page = client.list_objects_v2(**wanted)
            yield page
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def copy(self, source: str, target: str, key: str) -> None:
        """Copies an object inside the service; larger ones than one request may copy in parts."""
        size = self.size(source, key)
        with self.told(key) as client:
            if size <= LARGEST_PART:
                client.copy_object(**self.target(target), CopySource=self.target(source))
                return
            with self.in_parts(target, conditional=False) as upload:
                cut = list(enumerate(ranges(size, part_size(size, _COPIED_AT_ONCE, self._options.most_parts)), start=1))
                for _ in self.each(lambda part: upload.copy(part[0], self.target(source), *part[1]), cut):
                    pass

    def remove(self, keys: Iterable[str]) -> None:
        """Deletes whole keys one by one: to name many in one request takes a checksum that differs from service to service."""

        def remove_one(whole: str) -> None:
            with self.told(whole) as client:
                client.delete_object(**self.target(whole))

        for _ in self.each(remove_one, keys):
            pass

    def abort_uploads(self, below: str) -> None:
        """Ends uploads that nobody goes on with; where a service does not tell of them, a rule of the bucket has to."""
        with suppress(KeyUnreadable, KeyMissing), self.told(below) as client:
            for upload in client.list_multipart_uploads(Bucket=self._options.bucket, Prefix=below).get("Uploads", ()):
                client.abort_multipart_upload(**self.target(upload["Key"]), UploadId=upload["UploadId"])

    @contextmanager
    def in_parts(self, whole: str, *, conditional: bool = True) -> Iterator[Upload]:
        """An upload in parts, ended when all of them are there; whatever else happens, nothing is left of it. Within `told`."""
        client, target = self._connected(), self.target(whole)
        upload = Upload(client, {**target, "UploadId": client.create_multipart_upload(**target)["UploadId"]})
        try:
            yield upload
            upload.complete(self.new if conditional else {})
        except BaseException:
            with suppress(Exception):
                client.abort_multipart_upload(**upload.target)
            raise

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Does the same to many things, several at once; results in their order. The first error ends it."""
        waiting: list[Future[_Result]] = []
        with ThreadPoolExecutor(self._options.connections, thread_name_prefix=f"s3-{self._store}") as threads:
            try:
                for item in items:
                    waiting.append(threads.submit(work, item))
                    if len(waiting) >= 2 * self._options.connections:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        try:
            session = _session()
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise StoreUnavailable(
                "STORE_LIBRARY_MISSING",
                N_("Store “{store}” is in an object service; the library for it is not installed."),
                subject=self._store,
                remedy=N_("Install it: pip install 'jingui[s3]'."),
                store=self._store,
            ) from error
        options = self._options
        with _CONNECTING:
            return session.client(
                "s3",
                aws_access_key_id=options.access_key or None,
                aws_secret_access_key=options.secret_key or None,
                endpoint_url=options.endpoint or None,
                # a service of one's own asks for some region in the signature, and for no particular one
                region_name=options.region or session.region_name or "us-east-1",
                config=Config(
                    signature_version="s3v4",
                    s3={"addressing_style": options.addressing},
                    retries={"mode": "standard", "total_max_attempts": options.attempts},
                    connect_timeout=options.connect_seconds,
                    read_timeout=options.read_seconds,
                    max_pool_connections=2 * options.connections,
                    tcp_keepalive=True,
                    request_checksum_calculation=options.checksums,
                    response_checksum_validation=options.checksums,
                ),
            )

    def _probe(self) -> ClientError | BotoCoreError | None:
        """What the bucket fails with when it is asked for something harmless, or None."""
        from storage.stores.s3_errors import FAILURES

        try:
            self._connected().list_objects_v2(Bucket=self._options.bucket, Prefix=self._options.prefix, MaxKeys=1)
        except FAILURES as error:
            return error
        return None


class Upload:
    """An upload in parts. Parts may come from several threads.

    Args:
        client: the library's client.
        target: bucket, key and the upload's id, as the library names them.
    """

    def __init__(self, client: Any, target: Mapping[str, str]) -> None:
        self._client = client
        self.target = target
        self._tags: dict[int, str] = {}

    def put(self, number: int, content: Any, size: int) -> None:
        """Uploads a part, counted from 1."""
        answer = self._client.upload_part(**self.target, PartNumber=number, Body=content, ContentLength=size)
        self._tags[number] = answer["ETag"]

    def copy(self, number: int, source: Mapping[str, str], start: int, size: int) -> None:
        """Takes a part from another object."""
        wanted = f"bytes={start}-{start + size - 1}"
        answer = self._client.upload_part_copy(**self.target, PartNumber=number, CopySource=source, CopySourceRange=wanted)
        self._tags[number] = answer["CopyPartResult"]["ETag"]

    def complete(self, condition: Mapping[str, str]) -> None:
        """Makes one object of the parts."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in sorted(self._tags.items())]
        self._client.complete_multipart_upload(**self.target, MultipartUpload={"Parts": parts}, **condition)
