"""Object services that tests speak to: one within the process, and OpenStack Swift from Debian's packages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

import boto3
from botocore.config import Config

from storage.stores.s3_service import S3Options


@dataclass(frozen=True, kw_only=True)
class ObjectService:
    """A service that speaks S3 on a port of this machine.

    Args:
        endpoint: its address.
        access_key: who asks.
        secret_key: the key to it.
    """

    endpoint: str
    access_key: str
    secret_key: str
    _numbers: Iterator[int]

    @cached_property
    def client(self) -> Any:
        """A client of the library, to look at what is really there."""
        return boto3.session.Session(aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key).client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def options(self, **changed: Any) -> S3Options:
        """Options for a new bucket."""
        bucket = f"archive-{next(self._numbers)}"
        self.client.create_bucket(Bucket=bucket)
        options = S3Options(bucket=bucket, endpoint=self.endpoint, access_key=self.access_key, secret_key=self.secret_key)
        return replace(options, **({"connections": 4, "part_bytes": 5 * 1024**2} | changed))


@contextmanager
def moto_service() -> Iterator[ObjectService]:
    """The service of moto, in a thread of this process."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield ObjectService(endpoint=f"http://{host}:{port}", access_key="test", secret_key="test", _numbers=count(1))
    finally:
        server.stop()
