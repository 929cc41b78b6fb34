"""Decompression in bounded pieces: however small a bomb is, no more than a block of it is ever in memory."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from storage.archives.entries import BLOCK

#: A dictionary larger than this is refused: it would be memory that a few bytes of a hostile archive can ask for.
LARGEST_DICTIONARY: Final = 128 << 20

#: What the engines raise for data that is not theirs.
BROKEN: Final = (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError)


class _Engine(Protocol):
    """The part that `bz2` and `lzma` decompressors share."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Deflate:
    """`zlib` with the interface of the others. `wbits` as in `zlib.decompressobj`: -15 bare, 31 gzip with its CRC checked."""

    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def needs_input(self) -> bool:
        return not self._engine.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + data, max_length)


class _ZipLzma:
    """LZMA as zip has it: four bytes and the properties before the raw stream (APPNOTE.TXT §5.8)."""

    def __init__(self) -> None:
        self._head = b""
        self._engine: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._engine is not None and self._engine.eof

    @property
    def needs_input(self) -> bool:
        return self._engine is None or self._engine.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data if self._engine is not None else b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._engine is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            length, properties, dictionary = struct.unpack_from("<2xHBL", self._head)
            if length != 5 or properties >= 9 * 5 * 5 or dictionary > LARGEST_DICTIONARY:
                raise lzma.LZMAError("unusable properties")
            rest, lc = divmod(properties, 9)
            pb, lp = divmod(rest, 5)
            chain = [{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lc, "lp": lp, "pb": pb}]
            self._engine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
            data, self._head = self._head[9:], b""
        return self._engine.decompress(data, max_length)


def inflated(method: int, packed: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a zip entry in blocks.

    Args:
        method: 0 (stored), 8 (Deflate), 12 (bzip2) or 14 (LZMA).
        packed: the packed bytes.

    Raises:
        one of `BROKEN`: the packed bytes are damaged, end too early or go on after their end.
    """
    if method == 0:
        yield from packed
        return
    engine: _Engine = _Deflate(-15) if method == 8 else bz2.BZ2Decompressor() if method == 12 else _ZipLzma()
    for data in packed:
        if engine.eof:
            raise ValueError("bytes after the end")
        yield from _drained(engine, data)
    # LZMA in zip may end without a mark; then the declared size, which the caller compares, is the only end.
    if engine.unused_data or not (engine.eof or method == 14):
        raise EOFError


def decompressed(kind: str, packed: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a compressed tar file in blocks; several streams one after the other count as one.

    Args:
        kind: ``gz``, ``bz2`` or ``xz``.
        packed: the compressed bytes.

    Raises:
        EOFError: the compressed bytes end too early.
        one of `BROKEN`: they are damaged, or other bytes follow.
    """
    engine: _Engine | None = None
    for data in packed:
        while data:
            if engine is None:
                # Padding with zeros after a stream is what tapes and some programs leave (gzip manual, "Advanced usage").
                data = data.lstrip(b"\0")
                if not data:
                    break
                engine = _engine(kind)
            yield from _drained(engine, data)
            data = b""
            if engine.eof:
                data, engine = engine.unused_data, None
    if engine is not None:
        raise EOFError


def _engine(kind: str) -> _Engine:
    if kind == "gz":
        return _Deflate(31)
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LARGEST_DICTIONARY)


def _drained(engine: _Engine, data: bytes) -> Iterator[bytes]:
    block = engine.decompress(data, BLOCK)
    while True:
        if block:
            yield block
        if engine.eof or not block or (engine.needs_input and len(block) < BLOCK):
            return
        block = engine.decompress(b"", BLOCK)
