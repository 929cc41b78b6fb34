"""Plans and compiled databases on disk, so that a start takes milliseconds.

A cache file is never trusted: it carries a digest of what is in it, and one that is damaged, of another version or of another
machine counts as absent. It is replaced whole or not at all, so several processes may build at the same time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MAGIC: Final = b"jingui-signatures-1\n"


def load(path: Path) -> list[bytes] | None:
    """The sections of a cache file, or None where it is absent, unreadable or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + 32
    # views, because a copy of megabytes takes longer than the rest
    if not content.startswith(_MAGIC) or hashlib.sha256(memoryview(content)[start:]).digest() != content[len(_MAGIC) : start]:
        return None
    sections = []
    while start < len(content):
        length = int.from_bytes(content[start : start + 8], "big")
        sections.append(content[start + 8 : start + 8 + length])
        start += 8 + length
    return sections


def save(path: Path, sections: Sequence[bytes]) -> bool:
    """Writes the sections, and says whether that was possible: a cache that cannot be written is no reason to stop."""
    body = b"".join(len(section).to_bytes(8, "big") + section for section in sections)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + hashlib.sha256(body).digest() + body)
        os.replace(temporary, path)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        return False
    return True
