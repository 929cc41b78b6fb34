"""Cutting what is uploaded into parts that an object service takes, and bringing them there with little memory.

Amazon S3, “Multipart upload limits”: at most 10,000 parts of 5 MiB to 5 GiB each (the last may be smaller); one request
alone writes or copies at most 5 GiB.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from itertools import count
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, NamedTuple

MIB: Final = 1024**2
#: The most that one request writes or copies.
LARGEST_PART: Final = 5 * 1024**3
SMALLEST_PART: Final = 5 * MIB
MOST_PARTS: Final = 10_000
#: The largest object.
LARGEST_OBJECT: Final = 5 * 1024**4

#: So much of a part is kept in memory; more of it goes to a temporary file.
_IN_MEMORY: Final = 32 * MIB


def part_size(size: int, least: int, most_parts: int = MOST_PARTS) -> int:
    """Bytes of each part of something of a known size: `least`, or as much more as it takes to need no more than so many parts.

    All parts but the last have the same size, which some services ask for.
    """
    needed = -(-size // most_parts)
    return max(least, -(-needed // MIB) * MIB)


def ranges(size: int, part: int) -> Iterator[tuple[int, int]]:
    """Beginning and length of each part."""
    for start in range(0, size, part):
        yield start, min(part, size - start)


def growing_sizes(least: int, most_parts: int = MOST_PARTS) -> Iterator[int]:
    """Sizes of the parts of something of unknown size: twice as large after every eleventh of them.

    10,000 of them hold `LARGEST_OBJECT`, however small the first.
    """
    for number in count():
        yield min(least << (number * 11 // most_parts), LARGEST_PART)


class Part(NamedTuple):
    """Some of what is uploaded.

    Args:
        content: its bytes, from the beginning.
        size: how many.
        last: whether nothing follows.
    """

    content: IO[bytes]
    size: int
    last: bool


def parts_of(blocks: Iterable[bytes], least: int, most_parts: int = MOST_PARTS) -> Iterator[Part]:
    """Blocks gathered into parts; one empty part where there are no bytes. A part is closed when the next is asked for."""
    sizes = growing_sizes(least, most_parts)
    source = (block for block in blocks if block)
    block = memoryview(next(source, b""))
    last = False
    while not last:
        left = room = next(sizes)
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
            while left and block:
                taken = content.write(block[:left])
                left -= taken
                block = block[taken:] or memoryview(next(source, b""))
            last = not block
            content.seek(0)
            yield Part(content, room - left, last)


class Slice(io.RawIOBase):
    """Part of an open file, read by position, so that several threads may read the same file.

    Args:
        handle: descriptor of the file; stays the caller's.
        start: where the part begins.
        size: its bytes.
    """

    def __init__(self, handle: int, start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning of the part."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place in the part."""
        self._at = max(offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence], 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Reads what fits into the buffer.

        Raises:
            OSError: the file cannot be read, or ends before the part does.
        """
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(self._size - self._at, 0))
        if not wanted:
            return 0
        done = os.preadv(self._handle, [view[:wanted]], self._start + self._at)
        if not done:
            raise OSError("the file became shorter")
        self._at += done
        return done
