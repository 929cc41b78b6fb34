"""Encoded Archival Description (EAD 2002, EAD3): what the highest level of a finding aid says of itself."""

from __future__ import annotations

from typing import BinaryIO, Final

from metadata.description import Description, Element
from metadata.xml import Element as XmlElement
from metadata.xml import iterate

_TITLE: Final = "unittitle"
_KEPT: Final = (_TITLE, "unitid", "unitdate", "unitdatestructured", "origination", "repository", "abstract", "langmaterial", "physdesc")


def read(stream: BinaryIO, subject: str) -> Description:
    """The identification (``did``) of the highest level; an empty description where there is none.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed.
    """
    for identification in iterate(stream, subject, ["{*}did", "did"]):
        return _describe(identification)
    return Description()


def _describe(identification: XmlElement) -> Description:
    found: dict[str, list[str]] = {name: [] for name in _KEPT}
    for child in identification:
        name = child.tag.rpartition("}")[2]
        text = " ".join("".join(part for part in child.itertext() if isinstance(part, str)).split())
        if name in found and text:
            found[name].append(text)
    dates = (*found["unitdate"], *found["unitdatestructured"])
    return Description(
        identifier=next(iter(found["unitid"]), ""),
        title=next(iter(found[_TITLE]), ""),
        unit=next(iter(found["origination"]), ""),
        creators=tuple(found["origination"]),
        dates=dates,
        year=next((date[:4] for date in dates if date[:4].isdecimal()), ""),
        abstract="\n".join(found["abstract"]),
        elements=tuple(Element(scheme="ead", name=name, value=text) for name, texts in found.items() for text in texts),
    )
