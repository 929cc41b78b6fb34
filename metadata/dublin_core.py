"""Simple Dublin Core 1.1 (ISO 15836-1): the few fields that any other system understands.

Sensitive elements never come into it.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from metadata.description import Description, Element
from metadata.xml import Destination, Writer, escape_words, iterate

NAMESPACE: Final = "http://purl.org/dc/elements/1.1/"
#: Namespaces other systems put the same fifteen elements in.
_READ: Final = (NAMESPACE, "http://purl.org/dc/terms/", "")
_NAMES: Final = (
    "title",
    "creator",
    "subject",
    "description",
    "publisher",
    "contributor",
    "date",
    "type",
    "format",
    "identifier",
    "source",
    "language",
    "relation",
    "coverage",
    "rights",
)


def write(stream: Destination, description: Description, *, publisher: str = "") -> None:
    """Writes a description as simple Dublin Core; characters that XML forbids become U+FFFD.

    Args:
        stream: open for writing bytes.
        publisher: the archive's name, or empty.
    """
    creators = tuple(dict.fromkeys((description.unit, *description.creators)))
    values = (
        ("title", (description.title,)),
        ("creator", creators),
        ("subject", tuple(dict.fromkeys((description.affair, *description.subjects)))),
        ("description", (description.abstract,)),
        ("publisher", (publisher,)),
        ("date", description.dates),
        ("type", (description.affair_type,)),
        ("identifier", tuple(dict.fromkeys((description.identifier, description.case_number)))),
        ("language", (description.language,)),
        ("rights", (description.sharing, description.security)),
    )
    with Writer(stream, indent=False) as out:
        out.raw(f'<metadata xmlns:dc="{NAMESPACE}">\n')
        for name, texts in values:
            for text in texts:
                if text:
                    out.raw(f"<dc:{name}>{escape_words(text)}</dc:{name}>\n")
        out.raw("</metadata>\n")


def read(stream: BinaryIO, subject: str) -> Description:
    """What a Dublin Core document says, with every element kept in order.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed.
    """
    found: dict[str, list[str]] = {name: [] for name in _NAMES}
    elements: list[Element] = []
    tags = [f"{{{namespace}}}{name}" if namespace else name for namespace in _READ for name in _NAMES]
    for element in iterate(stream, subject, tags):
        name = element.tag.rpartition("}")[2]
        text = (element.text or "").strip()
        if text:
            found[name].append(text)
            elements.append(Element(scheme="dc", name=name, value=text))
    dates = tuple(found["date"])
    year = next((date[:4] for date in dates if date[:4].isdecimal()), "")
    return Description(
        identifier=next(iter(found["identifier"]), ""),
        title=next(iter(found["title"]), ""),
        unit=next(iter(found["creator"]), ""),
        creators=tuple(found["creator"]),
        dates=dates,
        year=year,
        abstract="\n".join(found["description"]),
        subjects=tuple(found["subject"]),
        language=next(iter(found["language"]), ""),
        elements=tuple(elements),
    )
