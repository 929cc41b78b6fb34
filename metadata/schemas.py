"""Checks a document of any size against its XML Schema, in one pass with flat memory.

The official schemas are not part of this project: they come with packages, or from a folder that an archive keeps.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from lxml import etree

from metadata.errors import N_, MalformedXml, MetadataError
from metadata.xml import ITEM_LIMIT, Element, iterate

_ID: Final = "ID"
#: The attributes of an element and those in it that name it or refer to others. Most elements have none, which this tells
#: without a look at each from here.
_NAMING: Final = etree.XPath("|".join(f"descendant-or-self::*/@{name}" for name in (_ID, "ADMID", "DMDID", "FILEID")))
_MOST_PROBLEMS: Final = 100
_MOST_NAMES: Final = 10_000


class _Beside(etree.Resolver):
    """Answers every import with the file of that name in one folder, and with nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def resolve(self, system_url: str, public_id: str, *context: Any) -> Any:
        name = system_url.rpartition("/")[2]
        path = self._folder / name
        if not path.is_file():
            raise MetadataError(
                "SCHEMA_PART_MISSING",
                N_("The schema part {name} is not in the folder of the schema."),
                subject=name,
                remedy=N_("Put the file beside the schema that imports it; nothing is fetched from the network."),
                name=name,
            )
        return self.resolve_file(path.open("rb"), *context, base_url=None, close=True)


def load(path: Path) -> etree.XMLSchema:
    """Compiles a schema; what it imports is taken from the same folder by name, never from the network.

    Raises:
        MetadataError: ``SCHEMA_UNUSABLE``: not a schema, or a part of it is missing.
    """
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_Beside(path.parent))
    try:
        return etree.XMLSchema(etree.parse(str(path), parser))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
        raise MetadataError(
            "SCHEMA_UNUSABLE",
            N_("The schema {subject} cannot be used: {reason}"),
            subject=path.name,
            remedy=N_("Take the schema and everything it imports from its publisher again."),
            reason=error,
        ) from error


def validate(stream: BinaryIO, subject: str, schema: etree.XMLSchema, items: Sequence[str], *, item_limit: int = ITEM_LIMIT) -> list[str]:
    """What is wrong with a document by its schema: messages in English, empty when it is valid.

    The references of METS (ADMID, DMDID, FILEID) are followed in the same pass, since a streaming validator does not.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.
        schema: as `load` gives it.
        items: names (Clark notation) of the elements that repeat, so that each is forgotten once it was checked.
        item_limit: most bytes between two of these.

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed.
    """
    references = _References()
    problems: list[str] = []
    try:
        for item in iterate(stream, subject, items, item_limit=item_limit, schema=schema):
            references.take(item)
    except MalformedXml as error:
        log: Iterable[etree._LogEntry] = getattr(error.__cause__, "error_log", ())
        problems = [str(entry.message) for entry in log if entry.domain_name == "SCHEMASV"]
        if not problems or any(entry.domain_name == "PARSER" for entry in log):
            raise
    return (problems + references.problems())[:_MOST_PROBLEMS]


class _References:
    """The IDs of a document and what refers to them, small: eight bytes each, so that 10⁵ of them cost next to nothing.

    A name is kept as its hash (keyed, 64 bits); beside it some names themselves, to be able to say which is missing.
    """

    def __init__(self) -> None:
        self._identifiers = array("q")
        self._wanted = array("q")
        self._names: dict[int, str] = {}

    def take(self, item: Element) -> None:
        """Notes what an element and those in it name and refer to."""
        found: Any = _NAMING(item)
        for value in found:
            if value.attrname == _ID:
                self._identifiers.append(hash(value))
                continue
            for name in value.split():
                key = hash(name)
                self._wanted.append(key)
                if len(self._names) < _MOST_NAMES:
                    self._names[key] = name

    def problems(self) -> list[str]:
        if not self._wanted:
            return []
        missing = set(self._wanted).difference(self._identifiers)
        named = [name for key, name in self._names.items() if key in missing]
        told = [f"The reference “{name}” points to no ID." for name in named]
        if len(missing) > len(named):
            told.append(f"{len(missing) - len(named)} more references point to no ID.")
        return told
