"""The page in a dissemination package that a person opens: Chinese and English, one file, no script, nothing from elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from metadata.description import Description
from metadata.eark import Representation
from metadata.mets.values import href
from metadata.xml import Destination
from repository.aip import content_folder

#: Its name, at the top of the package.
PAGE: Final = "index.html"

#: What the description says, in order: Chinese term (DA/T 46-2009 where it has one), English term, field.
_FACTS: Final = (
    ("题名", "Title", "title"),
    ("立档单位", "Agency", "unit"),
    ("电子文件号", "Identifier", "identifier"),
    ("责任者", "Creators", "creators"),
    ("事项名称", "Affair", "affair"),
    ("事项编码", "Affair code", "affair_code"),
    ("事项类型", "Kind of affair", "affair_type"),
    ("办件编号", "Case number", "case_number"),
    ("行政相对人", "Applicant", "applicant"),
    ("日期", "Dates", "dates"),
    ("年度", "Year", "year"),
    ("保管期限", "Retention", "retention"),
    ("共享类型", "Sharing", "sharing"),
    ("密级", "Secrecy", "security"),
    ("摘要", "Abstract", "abstract"),
    ("主题词", "Subjects", "subjects"),
    ("语种", "Language", "language"),
)


class Fact(NamedTuple):
    """One line of the description."""

    chinese: str
    english: str
    value: str


class ListedFile(NamedTuple):
    """One line of the list of files.

    Args:
        name: its path below the representation.
        representation: id of the representation.
        reference: where it lies, as a relative URI.
        size: bytes.
        format: name and version, or empty.
        puid: PRONOM key, or empty.
        sha256: digest, or empty where the package has none.
    """

    name: str
    representation: str
    reference: str
    size: int
    format: str
    puid: str
    sha256: str


class Listing:
    """The files of some representations, and, once they were gone through, how many they are.

    Args:
        representations: whose files.
    """

    def __init__(self, representations: Iterable[Representation]) -> None:
        self._representations = representations
        self.count = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[ListedFile]:
        self.count = self.bytes = 0
        for representation in self._representations:
            for file in representation.files:
                self.count += 1
                self.bytes += file.size
                yield ListedFile(
                    name=file.path,
                    representation=representation.id,
                    reference=href(f"{content_folder(representation.id)}/{file.path}"),
                    size=file.size,
                    format=f"{file.format_name} {file.format_version}".strip(),
                    puid=file.puid,
                    sha256=file.digests.sha256.hex() if file.digests is not None else "",
                )


def write_page(
    stream: Destination,
    *,
    title: str,
    description: Description,
    representations: Sequence[Representation],
    archive_name: str,
    dip: str,
    aip: str,
    version: int,
    made: datetime,
) -> None:
    """Writes the page as a stream.

    Args:
        stream: open for writing bytes.
        title: of the record.
        description: without anything that the reader must not see.
        representations: the files; gone through once.
        archive_name: who keeps the record.
        dip: id of the dissemination package.
        aip: id of the archival package.
        version: of the archival package.
        made: when.
    """
    template = _environment().get_template(PAGE)
    pieces = template.stream(
        title=title,
        facts=list(_facts(description)),
        elements=description.elements,
        process=description.process,
        files=Listing(representations),
        archive_name=archive_name,
        dip=dip,
        aip=aip,
        version=version,
        made=made,
    )
    pieces.enable_buffering(1000)
    for piece in pieces:
        stream.write(piece.encode())


def shown(text: str) -> str:
    """Text on one line in which every character is visible: controls and marks that turn the reading direction become escapes."""
    return "".join(character if _is_visible(character) else _escaped(character) for character in text)


def shown_lines(text: str) -> str:
    """The same, but line breaks stay."""
    return "\n".join(map(shown, text.splitlines()))


def _is_visible(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return ascii(character)[1:-1]


def _facts(description: Description) -> Iterator[Fact]:
    for chinese, english, field in _FACTS:
        value = getattr(description, field)
        text = "\n".join(value) if isinstance(value, tuple) else value
        if text:
            yield Fact(chinese, english, text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("access", "templates/dip"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(shown=shown, shown_lines=shown_lines)
    return environment
