"""Formats that PRONOM does not know and Chinese archives receive every day. Their identifiers begin with ``jingui/``.

A release of PRONOM that knows one of them wins: these are asked only when it found nothing more than a ZIP, or nothing.
"""

from __future__ import annotations

import re
from typing import Final

from metadata import xml
from metadata.errors import MetadataError
from preservation.identification.containers import Container, ContainerError
from preservation.identification.signatures import Format

#: The entry of a ZIP that makes it an OFD document (GB/T 33190-2016 §6).
OFD_ENTRY: Final = "OFD.xml"
#: PRONOM's identifier for a ZIP, of which OFD is one kind.
ZIP_PUID: Final = "x-fmt/263"

_OFD_ROOT: Final = re.compile(r"\{http://www\.ofdspec\.org/\d{4}\}OFD")
_VERSION: Final = re.compile(r"\d{1,2}(\.\d{1,2})?")


def _format(puid: str, name: str, mime: str, *extensions: str, version: str = "") -> Format:
    return Format(id=puid, puid=puid, name=name, version=version, mime=mime, extensions=extensions, over=(), signed=True)


#: First bytes of fixed formats: Founder's CEB (``Founder CEB``, then NUL or a version), CNKI's CAJ and KDH.
_HEADS: Final = (
    (b"Founder CEB", _format("jingui/ceb", "CEB (Founder Chinese eBook)", "application/x-ceb", "ceb")),
    (b"CAJ\x00", _format("jingui/caj", "CAJ (CNKI China Academic Journals)", "application/x-caj", "caj")),
    (b"KDH ", _format("jingui/kdh", "KDH (CNKI China Academic Journals)", "application/x-kdh", "kdh")),
)


def by_head(head: bytes) -> Format | None:
    """The local format that these first bytes are a signature of."""
    for magic, format in _HEADS:
        if head.startswith(magic):
            return format
    return None


def ofd(container: Container) -> Format | None:
    """OFD with the version that its root element states (GB/T 33190-2016 §7.4, attribute ``Version``), or None.

    A document whose ``OFD.xml`` cannot be read is OFD of unknown version; one whose root element is another is none.
    """
    if OFD_ENTRY not in container.names:
        return None
    version = ""
    try:
        content, _ = container.read(OFD_ENTRY)
        root = xml.parse_bytes(content, OFD_ENTRY)
        if not _OFD_ROOT.fullmatch(str(root.tag)):
            return None
        version = root.get("Version") or ""
    except (ContainerError, MetadataError):
        version = ""
    known = bool(_VERSION.fullmatch(version))
    return _format(
        f"jingui/ofd-{version}" if known else "jingui/ofd", "OFD (GB/T 33190)", "application/ofd", "ofd", version=version if known else ""
    )
