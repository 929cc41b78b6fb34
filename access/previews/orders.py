"""An order to the child process that makes previews, and the names of what it leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from access.previews.kinds import Kind
from access.previews.values import Preview, to_json

#: What a child gets where nothing else is said: address space, and size of a file it writes, bytes.
MEMORY: Final = 1536 * 1024**2
OUTPUT: Final = 256 * 1024**2

ABOUT: Final = "about.json"
#: Why the page that was asked for could not be made, where the rest of the preview stands.
MISSING: Final = "missing.json"
THUMBNAIL: Final = "thumbnail.webp"
FILM: Final = "media.mp4"
SOUND: Final = "media.m4a"
#: A PDF of ours that a program made from the file; its pages are drawn from it later.
CONVERTED: Final = "document.pdf"
#: Every name that is taken over from a child; anything else is left behind.
TAKEN: Final = re.compile(r"about\.json|thumbnail\.webp|media\.mp4|media\.m4a|document\.pdf|page-\d{1,6}(@[23])?\.(webp|svg|json|html|txt)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a child is to make.

    Args:
        kind: of the file.
        source: the file, a copy that may be read only.
        name: of the file, for messages.
        target: an empty folder for what is made.
        first: the page that is wanted, from 1.
        count: how many pages from there on, if time allows.
        level: size of the images, 1 to 3.
        seconds: after which the child is killed.
        memory: address space it may use, bytes.
        output: largest file it may write, bytes.
    """

    kind: Kind
    source: Path
    name: str
    target: Path
    first: int = 1
    count: int = 1
    level: int = 1
    seconds: float = 20
    memory: int = MEMORY
    output: int = OUTPUT

    def to_json(self) -> str:
        """The order as the child's argument."""
        return json.dumps({**asdict(self), "source": str(self.source), "target": str(self.target)})

    @staticmethod
    def from_json(text: str) -> Order:
        """The order that `to_json` wrote."""
        values = json.loads(text)
        return Order(**{**values, "kind": Kind(values["kind"]), "source": Path(values["source"]), "target": Path(values["target"])})

    def say(self, preview: Preview) -> None:
        """Writes down what is known of the preview; may be said again when more is known."""
        self.write(ABOUT, to_json(preview).encode())

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole: who looks into the folder finds all of it or nothing."""
        part = self.target / f"{name}.part"
        part.write_bytes(content)
        part.replace(self.target / name)


#: A function that makes previews of one kind. It raises `access.previews.values.Unshowable` where there is none.
Renderer = Callable[[Order], None]


def page_name(number: int, extension: str, level: int = 1) -> str:
    """The name of a page's file."""
    return f"page-{number}{f'@{level}' if level > 1 else ''}.{extension}"
