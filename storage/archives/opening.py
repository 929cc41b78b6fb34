"""What a path is, by its content, and opening it as a package source."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from storage.archives.entries import ArchiveKind, PackageSource
from storage.archives.folders import FolderSource
from storage.archives.inflate import BROKEN, decompressed
from storage.archives.limits import Limits
from storage.archives.problems import not_a_file, truncated
from storage.archives.tar_headers import HEADER, parse_header
from storage.archives.tars import TarSource
from storage.archives.zips import ZipSource
from storage.errors import N_, UnsafePackage

#: Endings that say "this is an archive", longest first; a file with one of them is never taken for an ordinary file.
ENDINGS: Final = (".tar.bz2", ".tar.gz", ".tar.xz", ".tbz2", ".tgz", ".txz", ".tbz", ".tar", ".zip")

_COMPRESSIONS: Final = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"))
_OTHER_ARCHIVES: Final = ((b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "RAR"))
# A document may be a zip file inside (OOXML, ODF, EPUB, OFD, JAR): its first entries say so.
_DOCUMENT_ENTRIES: Final = tuple(
    name.encode() for name in ("[Content_Types].xml", "mimetype", "OFD.xml", "META-INF/", "_rels/", "docProps/", "word/", "xl/", "ppt/")
)


def recognise(path: Path) -> ArchiveKind | None:
    """What a package came as, by its first bytes; None for an ordinary file.

    Args:
        path: a folder or file.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_dir():
        return ArchiveKind.FOLDER
    with open(path, "rb", buffering=0) as file:
        head = file.read(1 << 16)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        document = head[30:].startswith(_DOCUMENT_ENTRIES) or b"OFD.xml" in head[:4096]
        return None if document and not named_as_archive(path) else ArchiveKind.ZIP
    for magic, name in _COMPRESSIONS:
        if head.startswith(magic):
            return ArchiveKind(f"tar.{name}") if _is_tar(_first_bytes(name, path)) else None
    return ArchiveKind.TAR if _is_tar(head) else None


def named_as_archive(path: Path) -> bool:
    """Whether the name says that it is an archive."""
    return path.name.lower().endswith(ENDINGS)


def open_source(path: Path, limits: Limits) -> PackageSource:
    """Opens a folder, an archive or a single file as a package.

    Args:
        path: what was handed in; a link is followed only here, at the top.
        limits: what it may cost to unpack.

    Raises:
        UnsafePackage: it is broken, hostile, over a limit, or says that it is an archive and is none.
        OSError: it cannot be read.
    """
    if not path.is_dir() and not path.is_file() and path.exists():
        raise not_a_file(path.name, path.stat().st_mode & 0o170000)
    kind = recognise(path)
    if kind is ArchiveKind.ZIP:
        return ZipSource(path, limits)
    if kind is not None and kind is not ArchiveKind.FOLDER:
        return TarSource(path, kind, limits)
    if kind is None:
        _refuse_broken(path)
    return FolderSource(path, limits)


def _refuse_broken(path: Path) -> None:
    with open(path, "rb", buffering=0) as file:
        head = file.read(HEADER)
    other = next((name for magic, name in _OTHER_ARCHIVES if head.startswith(magic)), "")
    if other:
        raise UnsafePackage(
            "ARCHIVE_KIND_UNSUPPORTED",
            N_("“{subject}” is a {kind} archive, which cannot be unpacked here."),
            subject=path.name,
            remedy=N_("Send the files as zip or tar, or as a folder."),
            kind=other,
        )
    if not named_as_archive(path):
        return
    if not head:
        raise UnsafePackage(
            "ARCHIVE_EMPTY",
            N_("“{subject}” is an empty file of 0 bytes."),
            subject=path.name,
            remedy=N_("The transfer was probably interrupted: send the file again."),
        )
    if b"PK\x03\x04".startswith(head[:4]) or any(head.startswith(magic) for magic, _ in _COMPRESSIONS):
        raise truncated(path.name)
    raise UnsafePackage(
        "NOT_AN_ARCHIVE",
        N_("“{subject}” is named like an archive, but its content is neither zip nor tar."),
        subject=path.name,
        remedy=N_("Check how the file was made, and send a zip or tar file, or the folder itself."),
    )


def _is_tar(head: bytes) -> bool:
    return len(head) >= HEADER and any(head[:HEADER]) and parse_header(head[:HEADER]) is not None


def _first_bytes(kind: str, path: Path) -> bytes:
    collected = b""
    try:
        with open(path, "rb", buffering=0) as file:
            # bzip2 gives nothing before a whole block of up to 900 kB is there.
            packed = (file.read(1 << 16) for _ in range(32))
            for block in decompressed(kind, packed):
                collected += block[:HEADER]
                if len(collected) >= HEADER:
                    break
    except BROKEN:
        pass
    return collected
