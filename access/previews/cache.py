"""Where previews are kept: below the home, by record and content, for as long as there is room. They are no holdings: each can be
made again at any time, and none of them is the file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from access.previews.kinds import Kind
from access.previews.orders import ABOUT, TAKEN, page_name
from access.previews.values import RENDERER, Form, Preview, from_json, to_json

#: For so long what was given up stands as given up, seconds.
RETRIED_AFTER: Final = 6 * 3600
#: What somebody left behind that was killed, seconds.
_STALE: Final = 24 * 3600
#: How exactly the last use of a preview is known, seconds.
_USED: Final = 600
_WORK: Final = ".work"
_LOCKS: Final = ".locks"
_LARGEST_PAGE: Final = 48 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one preview is.

    Args:
        folder: of its own.
        locks: folder of locks.
        now: the moment, seconds.
    """

    folder: Path
    locks: Path
    now: float

    def preview(self) -> Preview | None:
        """What is known of the preview; None where there is none, or one that may be tried again by now."""
        found = self._told(ABOUT)
        if found is not None:
            self._use()
        return found

    def problem(self, number: int, level: int) -> Preview | None:
        """Why a page could not be made, or None."""
        return self._told(f"{page_name(number, 'missing', level)}.json")

    def path(self, name: str) -> Path | None:
        """A file of the preview, or None where it is not made yet."""
        path = self.folder / name
        return path if path.is_file() else None

    def page(self, number: int, level: int = 1) -> Path | None:
        """The file of a page, in whichever form it is."""
        for extension in ("webp", "svg", "json", "html"):
            found = self.path(page_name(number, extension, level))
            if found is not None:
                return found
        return None

    def content(self, number: int) -> Mapping[str, Any] | None:
        """A page of text or of a table; None where there is none."""
        path = self.path(page_name(number, "json"))
        if path is None or path.stat().st_size > _LARGEST_PAGE:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None

    def text(self, number: int) -> str:
        """The text of a page that is an image; empty where there is none."""
        path = self.path(page_name(number, "txt"))
        return path.read_text(encoding="utf-8", errors="replace") if path is not None else ""

    def take(self, made: Path) -> None:
        """Takes over what a child made, file by file; what is no plain file of a name that is expected stays behind."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # what is known of a preview goes last: where it stands, the first page stands too
        for file in sorted(made.iterdir(), key=lambda file: file.name == ABOUT):
            if not TAKEN.fullmatch(file.name) or file.is_symlink() or not file.is_file():
                continue
            if file.name == ABOUT and self.preview() is not None:
                continue
            file.chmod(0o600)
            file.replace(self.folder / file.name)

    def say(self, preview: Preview) -> None:
        """Keeps what is known of the preview."""
        self._write(ABOUT, to_json(preview))

    def say_problem(self, number: int, level: int, problem: Preview) -> None:
        """Keeps why a page could not be made."""
        self._write(f"{page_name(number, 'missing', level)}.json", to_json(problem))

    @contextmanager
    def locked(self, seconds: float) -> Iterator[bool]:
        """Whether this caller alone makes the preview now; False when somebody else did not end in that time."""
        self.locks.mkdir(parents=True, exist_ok=True)
        with (self.locks / self.folder.name[:48]).open("w") as file:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        yield False
                        return
                    time.sleep(0.03)
                else:
                    yield True
                    return

    def _told(self, name: str) -> Preview | None:
        path = self.folder / name
        try:
            found = from_json(path.read_text(encoding="utf-8"))
            if not found.lasting and path.stat().st_mtime < self.now - RETRIED_AFTER:
                return None
        except (OSError, ValueError):
            return None
        return found

    def _use(self) -> None:
        with suppress(OSError):
            if self.folder.stat().st_mtime < self.now - _USED:
                os.utime(self.folder, (self.now, self.now))

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{name}.{os.getpid()}-{time.monotonic_ns()}"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / name)


def place_of(root: Path, *, record_id: str, sha512: bytes, kind: Kind, now: float) -> Place:
    """Where the preview of a content is.

    Args:
        root: folder of all previews.
        record_id: the record it belongs to.
        sha512: digest of the content.
        kind: as which it is shown; the same content can be two things by its name.
        now: the moment, seconds.
    """
    return Place(folder=root / record_id / f"{sha512.hex()}-{RENDERER}-{kind}", locks=root / _LOCKS, now=now)


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A folder to work in, which is gone afterwards."""
    work = root / _WORK
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def forget(root: Path, record_id: str) -> None:
    """Removes every preview of a record."""
    _remove(root / record_id)


def records_in(root: Path) -> list[str]:
    """The records of which there are previews."""
    return [entry.name for entry in _folders(root) if not entry.name.startswith(".")]


def sweep(root: Path, *, most: int, now: float) -> tuple[int, int]:
    """Removes the previews that were not looked at for longest until the rest takes no more than `most` bytes, and what is left of others.

    Returns:
        Bytes kept, and previews removed.
    """
    for left in (*_folders(root / _WORK), *(root / _LOCKS).glob("*")):
        with suppress(OSError):
            if left.stat().st_mtime < now - _STALE:
                _remove(left)
    found = []
    removed = 0
    for record in _folders(root):
        if record.name.startswith("."):
            continue
        for preview in _folders(record):
            if f"-{RENDERER}-" not in preview.name:
                _remove(preview)
                removed += 1
                continue
            with suppress(OSError):
                size = sum(file.stat().st_size for file in preview.iterdir())
                found.append((preview.stat().st_mtime, size, preview))
    total = sum(size for _, size, _ in found)
    for _, size, preview in sorted(found):
        if total <= most:
            break
        _remove(preview)
        total -= size
        removed += 1
    for record in _folders(root):
        with suppress(OSError):
            record.rmdir()
    return total, removed


def _folders(root: Path) -> list[Path]:
    return [entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink()] if root.is_dir() else []


def _remove(path: Path) -> None:
    """Removes a file or folder so that nobody sees half of it."""
    if path.is_dir() and not path.is_symlink():
        gone = path.with_name(f".gone-{time.monotonic_ns()}")
        try:
            path.replace(gone)
        except OSError:
            return
        shutil.rmtree(gone, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def has_pages(preview: Preview) -> bool:
    """Whether pages of the preview are made one by one when they are asked for."""
    return preview.form in (Form.IMAGE, Form.DRAWING)
