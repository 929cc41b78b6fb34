"""Digests: many of them in one pass over the bytes.

SHA-512 is what OCFL addresses content by, SHA-256 what other tools read, SM3 (GB/T 32905) what Chinese rules ask for.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

#: The digests that every stored file has, in the order of `Digests`.
ALGORITHMS: Final = ("sha512", "sha256", "sm3")


class Digests(NamedTuple):
    """The three digests of one file, as bytes (half the memory of text; there are 10⁵ of them in a large package)."""

    sha512: bytes
    sha256: bytes
    sm3: bytes

    def hex(self, algorithm: str) -> str:
        """The digest named, in lower-case hexadecimal.

        Raises:
            AttributeError: the algorithm is none of `ALGORITHMS`.
        """
        digest: bytes = getattr(self, algorithm)
        return digest.hex()


class Digester:
    """Feeds the same blocks to several hash functions.

    Args:
        algorithms: names as `hashlib.new` knows them.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, algorithms: tuple[str, ...] = ALGORITHMS) -> None:
        self._hashes = [hashlib.new(name) for name in algorithms]
        self.size = 0

    def update(self, block: bytes | bytearray | memoryview) -> None:
        """Adds a block of bytes to every digest."""
        self.size += len(block)
        for state in self._hashes:
            state.update(block)

    def digests(self) -> Digests:
        """The three digests; only for a digester of the default `ALGORITHMS`."""
        return Digests(*(state.digest() for state in self._hashes))

    def hexdigests(self) -> dict[str, str]:
        """Every digest in lower-case hexadecimal, by algorithm."""
        return {state.name: state.hexdigest() for state in self._hashes}
