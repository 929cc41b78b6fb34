"""What is said of a file: the answer of an identification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from preservation.identification.remarks import translated


class Basis(StrEnum):
    """What an identification rests on, from the strongest to the weakest."""

    CONTAINER = "container"
    SIGNATURE = "signature"
    TEXT = "text"
    EXTENSION = "extension"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identification:
    """What a file was found to be.

    Args:
        puid: PRONOM identifier, or ``jingui/…`` where PRONOM knows no such format; None where nothing was found or several
            formats match and nothing decides between them.
        name: name of the format; of all of them where several match.
        version: version of the format, may be empty.
        mime: media type, may be empty.
        basis: what it rests on.
        engine: which engine decided, with its signatures (``pronom V109``).
        matches: every format that matches on this basis and is not beaten by another's priority; `puid` is among them.
        warnings: what a person should know; `Remark`s, which can be translated (`remarks.translated`).
        encoding: IANA name of the encoding, for text.
    """

    puid: str | None
    name: str
    version: str
    mime: str
    basis: Basis
    engine: str
    matches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    encoding: str | None = None

    def as_json(self, path: str, translate: Callable[[str], str] = str) -> dict[str, Any]:
        """The JSON shape of the command line."""
        return {
            "path": path,
            "puid": self.puid,
            "name": self.name,
            "version": self.version,
            "mime": self.mime,
            "basis": str(self.basis),
            "engine": self.engine,
            "matches": list(self.matches),
            "warnings": [translated(warning, translate) for warning in self.warnings],
        }
