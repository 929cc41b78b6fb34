"""Writing bags: BagIt 1.0 (RFC 8493) as a folder, in one pass over the content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TextIO

from storage.archives.landing import Landed, Landing
from storage.bags import DECLARATION, INFORMATION, PAYLOAD
from storage.digests import ALGORITHMS, Digester, Digests
from storage.errors import N_, ObjectDamaged

_BLOCK: Final = 1 << 20
_LOOKS_ENCODED: Final = re.compile("%0[AaDd]")


class BagFile(NamedTuple):
    """A file to put into a bag.

    Args:
        path: below ``data/``, ``/`` between parts.
        open: opens the content for reading; closed after use.
        size: bytes that it must have.
        digests: digests that it must have.
    """

    path: str
    open: Callable[[], BinaryIO]
    size: int
    digests: Digests


def write_bag(
    destination: Path,
    files: Sequence[BagFile],
    bag_info: Mapping[str, str],
    *,
    tag_files: Iterable[BagFile] = (),
    algorithms: Sequence[str] = ALGORITHMS,
) -> None:
    """Writes a bag whose every byte is compared, on its way, with the digests it must have.

    The bag is BagIt 1.0. Only when a name has a percent sign it is declared as 0.97: there such a name stands in the
    manifests as it is, which every program reads alike, while not all follow 1.0 in reading ``%25``.

    Args:
        destination: the folder to make; there must not be one.
        files: the payload.
        bag_info: labels and values of ``bag-info.txt``; ``Payload-Oxum`` is added.
        tag_files: further files beside ``data/``, with paths from the top of the bag.
        algorithms: of the manifests, of `storage.digests.ALGORITHMS`. Programs that do not know ``manifest-sm3.txt`` leave it aside.

    Raises:
        ObjectDamaged: a file is not what it should be.
        OutOfSpace: there is no room left.
        FileExistsError: the destination exists, or two files have one path.
        ValueError: a path leaves the bag.
    """
    names = [file.path for file in files]
    destination.mkdir()
    literal = is_literal(names)
    with Landing(destination) as landing, ExitStack() as stack:
        landing.make_room_for(sum(file.size for file in files), destination.name)
        landing.folder(PAYLOAD)
        manifests = {name: stack.enter_context(_text(destination / f"manifest-{name}.txt")) for name in algorithms}
        for file in files:
            path = f"{PAYLOAD}/{_inside(file.path)}"
            landed = _put(landing, path, file)
            for name, manifest in manifests.items():
                manifest.write(f"{landed.digests.hex(name)}  {written(path, literal)}\n")
        for manifest in manifests.values():
            manifest.close()
        tags: dict[str, Digests] = {}
        for file in tag_files:
            tags[file.path] = _put(landing, _inside(file.path), file).digests
        oxum = f"{sum(file.size for file in files)}.{len(files)}"
        version = "0.97" if literal else "1.0"
        texts = {
            DECLARATION: f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n",
            INFORMATION: "".join(f"{label}: {folded(value)}\n" for label, value in {**bag_info, "Payload-Oxum": oxum}.items()),
        }
        for path, text in texts.items():
            tags[path] = landing.file(path, (text.encode(),)).digests
        for name in algorithms:
            path = f"manifest-{name}.txt"
            tags[path] = _digests(destination / path)
        for name in algorithms:
            lines = "".join(f"{digests.hex(name)}  {written(path, literal)}\n" for path, digests in sorted(tags.items()))
            landing.file(f"tagmanifest-{name}.txt", (lines.encode(),))


def is_literal(names: Sequence[str]) -> bool:
    """Whether a bag with these names is better declared as 0.97, because one has a percent sign and none looks encoded."""
    return any("%" in name for name in names) and not any(_LOOKS_ENCODED.search(name) for name in names)


def _put(landing: Landing, path: str, file: BagFile) -> Landed:
    with file.open() as source:
        landed = landing.file(path, iter(lambda: source.read(_BLOCK), b""))
    if landed != (file.size, file.digests):
        raise ObjectDamaged(
            "CONTENT_MISMATCH",
            N_("“{subject}” is not what it should be: expected {expected} ({size} bytes), found {found} ({actual} bytes)."),
            subject=file.path,
            remedy=N_("Audit the store it was read from, and repair it from another copy."),
            expected="sha512:" + file.digests.sha512.hex(),
            found="sha512:" + landed.digests.sha512.hex(),
            size=file.size,
            actual=landed.size,
        )
    return landed


def _digests(path: Path) -> Digests:
    digester = Digester()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digester.update(block)
    return digester.digests()


def _text(path: Path) -> TextIO:
    return open(path, "x", encoding="utf-8", newline="\n")


def written(path: str, literal: bool) -> str:
    """A path as a manifest has it (RFC 8493 §2.1.3); `literal`: as BagIt 0.97 has it, percent signs as they are."""
    if not literal:
        path = path.replace("%", "%25")
    return path.replace("\n", "%0A").replace("\r", "%0D")


def folded(value: str) -> str:
    """A value as ``bag-info.txt`` has it."""
    # A value has no line breaks; a continued line begins with a space (RFC 8493 §2.2.2).
    return "\n  ".join(line.strip() for line in re.split("\r\n|\n|\r", value) if line.strip())


def _inside(path: str) -> str:
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(path)
    return path
