"""Paths of entries: nothing leaves the folder, nothing is written twice, nothing loses its name."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from storage.errors import N_, UnsafePackage
from storage.names import LONGEST_NAME, decoded, numbered, shown, text_of

#: Bytes of a whole path; the system's own limit is 4,096 with the place of our folder before it.
LONGEST_PATH: Final = 3_000

# Empty parts, ".", "..", backslashes and drive letters: everything that needs a closer look.
_SUSPECT: Final = re.compile(rb"(?:^|/)\.{0,2}(?:/|$)|\\|^[A-Za-z]:")
_DRIVE: Final = re.compile(r"[A-Za-z]:(?:[\\/]|\Z)")


class Conversion(NamedTuple):
    """A name that could not stay as the sender's bytes had it.

    Args:
        path: the path in use, down to and with the converted part.
        raw_path: the sender's bytes for the same.
        reason: ``gb18030``, ``cp437`` (decoded), ``percent`` (bytes written as ``%XX``), ``cut`` (over 255 bytes),
            ``taken`` (another entry has the same text) or ``separator`` (backslashes of a Windows archive).
    """

    path: str
    raw_path: bytes
    reason: str


class PathBook:
    """Gives every entry of a package its path.

    Args:
        depth: folders inside folders that are allowed.
        encoding_hint: as for `storage.names.text_of`.
    """

    def __init__(self, *, depth: int, encoding_hint: str | None = None) -> None:
        self._depth = depth
        self._hint = encoding_hint
        self._folders: dict[bytes, str] = {b"": ""}
        self._taken: dict[str, bytes] = {}
        self.conversions: list[Conversion] = []

    def path_of(self, raw: bytes, *, folder: bool, certain: bool = False, windows: bool = False) -> str:
        """The path for an entry; ``""`` for the package's own top folder (``./``).

        Args:
            raw: the entry's path as stored.
            folder: whether the entry is a folder.
            certain: the bytes are known to be UTF-8, no other encoding is tried.
            windows: a backslash separates parts.

        Raises:
            UnsafePackage: the path leaves the folder, is absolute, too deep, too long, or another entry has it already.
        """
        key = raw[:-1] if folder and raw.endswith(b"/") else raw
        hint = None if certain else self._hint
        if _SUSPECT.search(key):
            key = self._checked(key, hint, windows)
            if not key and folder:
                return ""
        if not key:
            raise UnsafePackage(
                "ENTRY_NAME_EMPTY",
                N_("An entry has no name."),
                subject=shown(raw),
                remedy=N_("Pack the files again with another program."),
            )
        if key.count(b"/") > self._depth:
            raise UnsafePackage(
                "BOMB_DEPTH",
                N_("“{subject}” lies more than {limit} folders deep."),
                subject=self._shown(raw),
                remedy=N_("Make the folders flatter, or ask the archive to raise the limit of depth."),
                limit=self._depth,
            )
        path = self._folder(key, hint) if folder else self._file(key, hint)
        if len(path) * 3 > LONGEST_PATH and len(path.encode()) > LONGEST_PATH:
            raise UnsafePackage(
                "ENTRY_PATH_TOO_LONG",
                N_("The path “{subject}” is {size} bytes long, at most {limit} can be kept."),
                subject=f"{path[:80]}…{path[-40:]}",
                remedy=N_("Use shorter names or fewer folders inside folders."),
                size=len(path.encode()),
                limit=LONGEST_PATH,
            )
        return path

    def _file(self, key: bytes, hint: str | None) -> str:
        parent, _, name = key.rpartition(b"/")
        prefix = self._folder(parent, hint)
        path = self._own(key, prefix, name, hint, folder=False)
        self._taken[path] = key
        return path

    def _folder(self, key: bytes, hint: str | None) -> str:
        known = self._folders.get(key)
        if known is not None:
            return known
        # Not recursive: the depth is limited, but the stack of a thread is smaller than people think.
        missing = []
        while (known := self._folders.get(key)) is None:
            missing.append(key)
            key = key.rpartition(b"/")[0]
        path = known
        for part in reversed(missing):
            path = self._own(part, path, part.rpartition(b"/")[2], hint, folder=True)
            self._folders[part] = path
            self._taken[path] = part
        return path

    def _own(self, key: bytes, prefix: str, name: bytes, hint: str | None, *, folder: bool) -> str:
        text, _, encoding = text_of(name, encoding_hint=hint)
        path = f"{prefix}/{text}" if prefix else text
        other = self._taken.get(path)
        reason: str = encoding if encoding != "utf-8" else "cut" if len(name) > LONGEST_NAME else ""
        if other is not None:
            if other == key:
                raise self._doubled(path, key, folder=folder)
            number = 2
            stem = path
            while path in self._taken:
                path = f"{prefix}/{numbered(text, number)}" if prefix else numbered(text, number)
                if self._taken.get(path) == key:
                    raise self._doubled(stem, key, folder=folder)
                number += 1
            reason = "taken"
        if reason:
            self.conversions.append(Conversion(path, key, reason))
        return path

    def _doubled(self, path: str, key: bytes, *, folder: bool) -> UnsafePackage:
        if folder or key in self._folders:
            return UnsafePackage(
                "ENTRY_FILE_AND_FOLDER",
                N_("“{subject}” is a file and also a folder that holds files."),
                subject=path,
                remedy=N_("Rename one of the two and pack the files again."),
            )
        return UnsafePackage(
            "DUPLICATE_ENTRY",
            N_("The package has two entries with the name “{subject}”: which of them is meant cannot be known."),
            subject=path,
            remedy=N_("Remove or rename one of the two and pack the files again."),
        )

    def _checked(self, key: bytes, hint: str | None, windows: bool) -> bytes:
        text = decoded(key, encoding_hint=hint)
        slashed = text.replace("\\", "/")
        if slashed.startswith("//"):
            raise self._leaving("ENTRY_PATH_NETWORK", N_("“{subject}” is a path on another machine."), key)
        if slashed.startswith("/"):
            raise self._leaving("ENTRY_PATH_ABSOLUTE", N_("“{subject}” is an absolute path."), key)
        if _DRIVE.match(text):
            raise self._leaving("ENTRY_PATH_DRIVE", N_("“{subject}” names a drive."), key)
        if ".." in slashed.split("/"):
            raise self._leaving("ENTRY_PATH_ESCAPES", N_("“{subject}” leads out of the package by way of “..”."), key)
        if windows and "\\" in text:
            # The text is what it says it is; only the separators differ (APPNOTE.TXT 4.4.17.1 allows forward slashes only).
            original, key = key, slashed.encode(errors="surrogateescape")
            self.conversions.append(Conversion(slashed, original, "separator"))
        return b"/".join(part for part in key.split(b"/") if part not in (b"", b"."))

    def _leaving(self, code: str, template: str, key: bytes) -> UnsafePackage:
        return UnsafePackage(
            code,
            template,
            subject=self._shown(key),
            remedy=N_("An honest package has relative paths only. Find out where this one comes from, and pack the files again."),
        )

    def _shown(self, key: bytes) -> str:
        return text_of(key, encoding_hint=self._hint).text
