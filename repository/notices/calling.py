"""Calling an address that somebody else chose: one request, one status, and nothing of our own network by accident.

The name is resolved here and every address it may mean is looked at; the connection goes to the very address that was looked at,
so a name that means something else a moment later (DNS rebinding) gains nothing. No redirect is followed, at most the head
of the answer is read, and all of it has to be over within a fixed time.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

#: The whole exchange takes no longer, seconds.
LONGEST: Final = 10.0


class CallFailed(Exception):
    """The address could not be called, or did not take the message; the text says why."""

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a request goes.

    Args:
        host: as in the address; the certificate must be its.
        address: the numeric address that was looked at.
        port: of the server.
        path: with the query.
        encrypted: whether TLS protects it.
    """

    host: str
    address: str
    port: int
    path: str
    encrypted: bool


def resolve(url: str, *, private: bool) -> Target:
    """Looks an address up and decides whether it may be called.

    Args:
        url: http or https.
        private: whether addresses of private networks and of this machine may be called; there also without TLS.

    Raises:
        CallFailed: the name means nothing, or something that may not be called.
    """
    parts = urlsplit(url)
    encrypted = parts.scheme == "https"
    host = parts.hostname or ""
    port = parts.port or (443 if encrypted else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CallFailed(f"the name {host} is not known") from error
    addresses = [str(item[4][0]) for item in found]
    for address in addresses:
        number = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped is not None:
            number = number.ipv4_mapped
        public = number.is_global and not number.is_multicast
        if number.is_multicast or number.is_unspecified or (not public and not private):
            raise CallFailed(f"{host} leads to the address {number}, which may not be called")
        if public and not encrypted:
            raise CallFailed("without https only private addresses may be called")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host=host, address=addresses[0], port=port, path=path, encrypted=encrypted)


def post(target: Target, body: bytes, headers: Mapping[str, str], *, seconds: float = LONGEST, tls: ssl.SSLContext | None = None) -> int:
    """Sends a body and says how it was answered.

    Args:
        target: from `resolve`.
        body: what is sent.
        headers: beside those that HTTP itself needs.
        seconds: the longest the whole exchange may take.
        tls: whom to trust; by default the authorities this system trusts.

    Returns:
        The status, 200 to 299.

    Raises:
        CallFailed: no connection, no answer in time, no HTTP, or another status.
    """
    connection = _Connection(target, seconds, tls or ssl.create_default_context())
    # a server that sends a byte now and then would never meet a timeout of one read
    watch = threading.Timer(seconds, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body=body, headers={**headers, "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        if connection.was_cut or isinstance(error, TimeoutError):
            raise CallFailed(f"no answer within {seconds:g} seconds") from error
        raise CallFailed(f"{type(error).__name__}: {error}"[:300]) from error
    finally:
        watch.cancel()
        connection.close()
    if connection.was_cut:
        # the end of a connection that was cut reads like the end of the answer's head
        raise CallFailed(f"no answer within {seconds:g} seconds")
    if 300 <= status < 400:
        raise CallFailed(f"it answered {status}: redirects are not followed", status=status)
    if not 200 <= status < 300:
        raise CallFailed(f"it answered {status}", status=status)
    return status


class _Connection(http.client.HTTPConnection):
    """A connection to the address that was looked at, for the name that stands in the address."""

    def __init__(self, target: Target, seconds: float, tls: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target
        self._tls = tls
        self.was_cut = False

    def connect(self) -> None:
        """Connects, and proves who answers where TLS is used."""
        plain = socket.create_connection((self._target.address, self._target.port), self.timeout)
        self.sock = plain
        if self._target.encrypted:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._target.host)

    def cut(self) -> None:
        """Ends the exchange, whatever the other side does."""
        self.was_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                # it has ended by itself
                return
