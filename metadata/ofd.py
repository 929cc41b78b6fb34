"""OFD documents (GB/T 33190-2016): their pages, resources, annotations and the pictures of their seals, read without trust.

An OFD is a zip of XML parts. What is read here is structure; what the objects on a page look like is for who draws them,
and whether a signature holds is for who verifies it. Names of elements are looked up without their name space: drafts of
the standard used others.
"""

from __future__ import annotations

import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from metadata import xml
from metadata.errors import N_, MetadataError
from metadata.seals import SealPicture, seal_picture

#: Parts of a package, at most; and bytes of one part.
ENTRY_LIMIT: Final = 50_000
PART_LIMIT: Final = 64 * 1024**2
_PAGE_LIMIT: Final = 20_000
_STAMP_LIMIT: Final = 200
_A4: Final = (0.0, 0.0, 210.0, 297.0)


class Box(NamedTuple):
    """A rectangle in millimetres (ST_Box)."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """Where a seal stands (StampAnnot, clause 18.2.3).

    Args:
        page: id of the page.
        box: place on the page.
        clip: the part of it that shows, relative to `box`, or None.
        picture: what it looks like, or None where the seal could not be read.
    """

    page: str
    box: Box
    clip: Box | None
    picture: SealPicture | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Font:
    """A font (CT_Font).

    Args:
        name: its name.
        family: its family, or empty.
        file: path of the embedded font, or None.
        serif, bold, italic, fixed: how it looks, for a substitute.
    """

    name: str
    family: str = ""
    file: str | None = None
    serif: bool = False
    bold: bool = False
    italic: bool = False
    fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What pages refer to by id.

    Args:
        fonts: fonts.
        media: paths of pictures.
        parameters: drawing parameters (CT_DrawParam).
        composites: composite graphic units (CT_VectorG).
    """

    fonts: dict[str, Font] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, xml.Element] = field(default_factory=dict)
    composites: dict[str, xml.Element] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageReference:
    """A page.

    Args:
        id: its id.
        path: of its content.
    """

    id: str
    path: str


@dataclass(frozen=True, kw_only=True)
class OfdDocument:
    """One document of a package.

    Args:
        title: as it says, or empty.
        box: the size of pages that name none.
        pages: in their order.
        templates: paths of template pages, by id.
        resources: what all pages refer to.
        annotations: path of each page's annotations, by the page's id.
        stamps: seals on pages.
        signed: whether it has signatures at all.
    """

    title: str
    box: Box
    pages: Sequence[PageReference]
    templates: Mapping[str, str]
    resources: Resources
    annotations: Mapping[str, str]
    stamps: Sequence[Stamp]
    signed: bool


class OfdPackage:
    """An open package.

    Args:
        path: of the file.

    Raises:
        MetadataError: ``OFD_UNREADABLE``, it is no zip or has no ``OFD.xml``; ``OFD_ENCRYPTED``; ``OFD_TOO_LARGE``.
    """

    def __init__(self, path: Path) -> None:
        self._subject = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self._unreadable(str(error)) from error
        entries = self._zip.infolist()
        if len(entries) > ENTRY_LIMIT:
            raise self._too_large()
        self._entries = {_plain(entry.filename): entry for entry in entries}
        self._folded = {name.lower(): entry for name, entry in self._entries.items()}
        if "encryptions.xml" in self._folded:
            raise MetadataError("OFD_ENCRYPTED", N_("{subject} is encrypted; it opens only with its key."), subject=self._subject)
        if "OFD.xml" not in self._entries:
            raise self._unreadable("OFD.xml")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    def read(self, path: str) -> bytes:
        """The bytes of a part.

        Raises:
            MetadataError: there is no such part, it is damaged, or larger than `PART_LIMIT`.
        """
        entry = self._entries.get(path) or self._folded.get(path.lower())
        if entry is None:
            raise self._unreadable(path)
        try:
            with self._zip.open(entry) as stream:
                content = stream.read(PART_LIMIT + 1)
        except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise self._unreadable(path) from error
        if len(content) > PART_LIMIT:
            raise self._too_large()
        return content

    def parse(self, path: str) -> xml.Element:
        """A part that is XML.

        Raises:
            MetadataError: it cannot be read, or is not XML that can be read without trust.
        """
        return xml.parse_bytes(self.read(path), path, limit=PART_LIMIT)

    def documents(self) -> Iterator[OfdDocument]:
        """The documents, each read when it is asked for.

        Raises:
            MetadataError: a part that every document needs cannot be read.
        """
        for body in children(self.parse("OFD.xml"), "DocBody"):
            root = text_of(body, "DocRoot")
            if root:
                yield self._document(body, resolve("", root))

    def load_resources(self, path: str, resources: Resources) -> None:
        """Adds what a resource part names to `resources`.

        Raises:
            MetadataError: the part cannot be read.
        """
        root = self.parse(path)
        base = posixpath.join(posixpath.dirname(path), root.get("BaseLoc", "")) + "/"
        for element in root.iter():
            identifier = element.get("ID")
            if identifier is None:
                continue
            match local(element):
                case "Font":
                    resources.fonts[identifier] = _font(element, base)
                case "MultiMedia":
                    if file := text_of(element, "MediaFile"):
                        resources.media[identifier] = resolve(base, file)
                case "DrawParam":
                    resources.parameters[identifier] = element
                case "CompositeGraphicUnit":
                    resources.composites[identifier] = element

    def _document(self, body: xml.Element, path: str) -> OfdDocument:
        root = self.parse(path)
        common = first(root, "CommonData")
        resources = Resources()
        templates: dict[str, str] = {}
        box = Box(*_A4)
        if common is not None:
            area = first(common, "PageArea")
            box = (page_box(area) if area is not None else None) or box
            for name in ("PublicRes", "DocumentRes"):
                for part in children(common, name):
                    self._try_resources(resolve(path, part.text or ""), resources)
            templates = {str(page.get("ID", "")): resolve(path, str(page.get("BaseLoc", ""))) for page in children(common, "TemplatePage")}
        listed = first(root, "Pages")
        pages = tuple(
            PageReference(id=str(page.get("ID", "")), path=resolve(path, str(page.get("BaseLoc", ""))))
            for page in (children(listed, "Page") if listed is not None else ())
        )
        if len(pages) > _PAGE_LIMIT:
            raise self._too_large()
        about = first(body, "DocInfo")
        signatures = text_of(body, "Signatures")
        return OfdDocument(
            title=text_of(about, "Title") if about is not None else "",
            box=box,
            pages=pages,
            templates=templates,
            resources=resources,
            annotations=self._annotations(root, path),
            stamps=tuple(self._stamps(resolve("", signatures))) if signatures else (),
            signed=bool(signatures),
        )

    def _try_resources(self, path: str, resources: Resources) -> None:
        try:
            self.load_resources(path, resources)
        except MetadataError:
            # a page without its fonts or pictures still says something
            return

    def _annotations(self, root: xml.Element, path: str) -> dict[str, str]:
        listed = text_of(root, "Annotations")
        if not listed:
            return {}
        where = resolve(path, listed)
        try:
            pages = children(self.parse(where), "Page")
        except MetadataError:
            return {}
        return {str(page.get("PageID", "")): resolve(where, text_of(page, "FileLoc")) for page in pages}

    def _stamps(self, path: str) -> Iterator[Stamp]:
        try:
            listed = children(self.parse(path), "Signature")
        except MetadataError:
            return
        for signature in listed[:_STAMP_LIMIT]:
            try:
                yield from self._stamps_of(resolve(path, str(signature.get("BaseLoc", ""))))
            except MetadataError:
                continue

    def _stamps_of(self, path: str) -> Iterator[Stamp]:
        root = self.parse(path)
        about = first(root, "SignedInfo")
        if about is None:
            return
        seal = first(about, "Seal")
        where = [text_of(seal, "BaseLoc")] if seal is not None else []
        where.append(text_of(root, "SignedValue"))
        picture = None
        for place in filter(None, where):
            try:
                picture = picture or seal_picture(self.read(resolve(path, place)))
            except MetadataError:
                continue
        for annotation in children(about, "StampAnnot")[:_STAMP_LIMIT]:
            box = box_of(annotation.get("Boundary"))
            if box is not None:
                yield Stamp(page=str(annotation.get("PageRef", "")), box=box, clip=box_of(annotation.get("Clip")), picture=picture)

    def _unreadable(self, reason: str) -> MetadataError:
        return MetadataError("OFD_UNREADABLE", N_("{subject} cannot be read as OFD: {reason}"), subject=self._subject, reason=reason[:200])

    def _too_large(self) -> MetadataError:
        return MetadataError("OFD_TOO_LARGE", N_("{subject} has more in it than is read of an OFD."), subject=self._subject)


def local(element: xml.Element) -> str:
    """The name of an element without its name space."""
    return str(element.tag).rpartition("}")[2]


def children(element: xml.Element, name: str) -> Sequence[xml.Element]:
    """The children of this name."""
    return [child for child in element if local(child) == name]


def first(element: xml.Element, name: str) -> xml.Element | None:
    """The first child of this name."""
    return next((child for child in element if local(child) == name), None)


def text_of(element: xml.Element, name: str) -> str:
    """The text of the first child of this name, or empty."""
    found = first(element, name)
    return (found.text or "").strip() if found is not None else ""


def numbers(text: object) -> list[float]:
    """The numbers of an ST_Array; empty where it is none."""
    try:
        found = [float(part) for part in str(text or "").split()]
    except ValueError:
        return []
    return found if all(abs(value) < 1e7 for value in found) else []


def box_of(text: object) -> Box | None:
    """An ST_Box, or None where it is none."""
    values = numbers(text)
    return Box(*values) if len(values) == 4 and values[2] > 0 and values[3] > 0 else None


def page_box(area: xml.Element) -> Box | None:
    """The size of a page (CT_PageArea)."""
    return box_of(text_of(area, "PhysicalBox"))


def resolve(base: str, location: str) -> str:
    """Where a location in a part leads (ST_Loc): from the root of the package, or from the folder of the part.

    What would lead out of the package stays at its root.
    """
    location = location.strip().replace("\\", "/")
    joined = location if location.startswith("/") else posixpath.join(posixpath.dirname(base), location)
    return posixpath.normpath("/" + joined).lstrip("/")


def _plain(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")


def _font(element: xml.Element, base: str) -> Font:
    file = text_of(element, "FontFile")
    flags = {name: element.get(name, "false") == "true" for name in ("Serif", "Bold", "Italic", "FixedWidth")}
    return Font(
        name=str(element.get("FontName", "")),
        family=str(element.get("FamilyName", "")),
        file=resolve(base, file) if file else None,
        serif=flags["Serif"],
        bold=flags["Bold"],
        italic=flags["Italic"],
        fixed=flags["FixedWidth"],
    )
