"""Which way a file is shown: told by its beginning where that is certain, else by what the catalogue knows of its format."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol


class Kind(StrEnum):
    """A way of making a preview."""

    PICTURE = "picture"
    DRAWING = "drawing"
    PDF = "pdf"
    OFD = "ofd"
    OFFICE = "office"
    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"
    XML = "xml"
    JSON = "json"
    WEB_PAGE = "web-page"
    SEPARATED = "separated"
    SPREADSHEET = "spreadsheet"
    OPEN_SPREADSHEET = "open-spreadsheet"
    MESSAGE = "message"
    ZIP = "zip"
    TAR = "tar"
    OTHER = "other"


#: Kinds that a program needs long for: they are made by a worker and not while the reader's page waits.
SLOW: Final = frozenset({Kind.OFFICE, Kind.AUDIO, Kind.VIDEO})
#: Kinds of which a small picture can be shown.
PICTURED: Final = frozenset({Kind.PICTURE, Kind.DRAWING, Kind.PDF, Kind.OFD, Kind.OFFICE, Kind.VIDEO})
#: How much of a file's beginning `kind_of` wants to see, bytes.
HEAD: Final = 4096


class Described(Protocol):
    """What the catalogue knows of a file."""

    @property
    def path(self) -> str:
        """Where it lies in the package."""

    @property
    def puid(self) -> str | None:
        """Its PRONOM key."""

    @property
    def mime(self) -> str:
        """Its MIME type."""


_BY_EXTENSION: Final[Mapping[str, Kind]] = {
    extension: kind
    for kind, extensions in {
        Kind.PICTURE: "jpg jpeg jpe jfif png gif tif tiff bmp dib webp jp2 jpx j2k jpf ppm pgm pbm pnm ico pcx tga psd avif mpo",
        Kind.DRAWING: "svg",
        Kind.PDF: "pdf ai",
        Kind.OFD: "ofd",
        Kind.OFFICE: "doc docx docm dot dotx odt ott fodt rtf wps wpt wpd ppt pptx pptm pps ppsx odp otp dps xls xlsm xlt et xlsb odg",
        Kind.AUDIO: "wav mp3 flac ogg oga opus m4a aac wma aif aiff amr au",
        Kind.VIDEO: "mp4 m4v mov avi mkv webm wmv flv mpg mpeg m2v ts mts 3gp ogv vob dv",
        Kind.TEXT: "txt text log md rst ini cfg conf toml yaml yml properties srt tex sql py js css sh bat c h java",
        Kind.XML: "xml xsd xsl xslt rdf gml kml",
        Kind.JSON: "json geojson jsonl",
        Kind.WEB_PAGE: "html htm xhtml xht",
        Kind.SEPARATED: "csv tsv tab",
        Kind.SPREADSHEET: "xlsx",
        Kind.OPEN_SPREADSHEET: "ods",
        Kind.MESSAGE: "eml mht mhtml",
        Kind.ZIP: "zip jar war epub",
        Kind.TAR: "tar tgz",
    }.items()
    for extension in extensions.split()
}
_BY_MIME: Final[Mapping[str, Kind]] = {
    "application/pdf": Kind.PDF,
    "application/ofd": Kind.OFD,
    "application/msword": Kind.OFFICE,
    "application/rtf": Kind.OFFICE,
    "text/rtf": Kind.OFFICE,
    "application/vnd.ms-excel": Kind.OFFICE,
    "application/vnd.ms-powerpoint": Kind.OFFICE,
    "application/vnd.oasis.opendocument.text": Kind.OFFICE,
    "application/vnd.oasis.opendocument.presentation": Kind.OFFICE,
    "application/vnd.oasis.opendocument.graphics": Kind.OFFICE,
    "application/vnd.oasis.opendocument.spreadsheet": Kind.OPEN_SPREADSHEET,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Kind.OFFICE,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": Kind.OFFICE,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Kind.SPREADSHEET,
    "application/json": Kind.JSON,
    "application/xml": Kind.XML,
    "text/xml": Kind.XML,
    "text/html": Kind.WEB_PAGE,
    "application/xhtml+xml": Kind.WEB_PAGE,
    "text/csv": Kind.SEPARATED,
    "text/tab-separated-values": Kind.SEPARATED,
    "message/rfc822": Kind.MESSAGE,
    "image/svg+xml": Kind.DRAWING,
    "application/zip": Kind.ZIP,
    "application/x-tar": Kind.TAR,
}
#: Kinds that lie in a zip, and those in an OLE2 container.
_ZIPPED: Final = frozenset({Kind.OFD, Kind.OFFICE, Kind.SPREADSHEET, Kind.OPEN_SPREADSHEET, Kind.ZIP})
#: Kinds whose files are text, of which the beginning proves nothing.
_TEXTUAL: Final = frozenset(
    {Kind.TEXT, Kind.XML, Kind.JSON, Kind.WEB_PAGE, Kind.SEPARATED, Kind.MESSAGE, Kind.DRAWING, Kind.OFFICE, Kind.TAR}
)
_MAGIC: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", Kind.PICTURE),
    (0, b"\xff\xd8\xff", Kind.PICTURE),
    (0, b"GIF8", Kind.PICTURE),
    (0, b"II*\0", Kind.PICTURE),
    (0, b"MM\0*", Kind.PICTURE),
    (0, b"II+\0", Kind.PICTURE),
    (0, b"MM\0+", Kind.PICTURE),
    (0, b"BM", Kind.PICTURE),
    (0, b"8BPS", Kind.PICTURE),
    (0, b"\0\0\0\x0cjP  ", Kind.PICTURE),
    (0, b"\xffO\xffQ", Kind.PICTURE),
    (8, b"WEBP", Kind.PICTURE),
    (4, b"ftypavif", Kind.PICTURE),
    (8, b"WAVE", Kind.AUDIO),
    (8, b"AVI ", Kind.VIDEO),
    (8, b"AIFF", Kind.AUDIO),
    (0, b"ID3", Kind.AUDIO),
    (0, b"fLaC", Kind.AUDIO),
    (0, b"#!AMR", Kind.AUDIO),
    (0, b"OggS", Kind.AUDIO),
    (0, b"\x1aE\xdf\xa3", Kind.VIDEO),
    (0, b"FLV\x01", Kind.VIDEO),
    (0, b"\0\0\x01\xba", Kind.VIDEO),
    (0, b"\0\0\x01\xb3", Kind.VIDEO),
    (4, b"ftyp", Kind.VIDEO),
    (4, b"moov", Kind.VIDEO),
    (4, b"mdat", Kind.VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", Kind.VIDEO),
    (257, b"ustar", Kind.TAR),
)


def declared_kind(file: Described) -> Kind:
    """The kind by what the catalogue knows: name and MIME type. The name wins where the type is a family (text, XML, zip)."""
    extension = _extension(file.path)
    by_name = _BY_EXTENSION.get(extension)
    mime = file.mime.partition(";")[0].strip().lower()
    by_type = _BY_MIME.get(mime) or _family(mime)
    if by_type in (None, Kind.TEXT, Kind.XML, Kind.ZIP, Kind.VIDEO):
        return by_name or by_type or Kind.OTHER
    return by_type or Kind.OTHER


def kind_of(head: bytes, file: Described) -> Kind:
    """The kind of a file whose beginning is at hand. What the beginning shows beyond doubt outweighs name and type.

    Args:
        head: the first `HEAD` bytes, or all of them.
        file: what the catalogue knows.
    """
    declared = declared_kind(file)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return declared if declared in _ZIPPED else Kind.ZIP
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Kind.OFFICE
    if head[:1024].lstrip().startswith(b"%PDF-") or (declared is Kind.PDF and b"%PDF-" in head[:1024]):
        return Kind.PDF
    if head.startswith(b"{\\rtf"):
        return Kind.OFFICE
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            # the containers of sound and of film are the same
            return declared if kind in (Kind.AUDIO, Kind.VIDEO) and declared in (Kind.AUDIO, Kind.VIDEO) else kind
    if declared in (Kind.PICTURE, Kind.PDF, Kind.OFD, Kind.ZIP, Kind.SPREADSHEET, Kind.OPEN_SPREADSHEET, Kind.OTHER):
        return _plain(head, declared)
    if declared in _TEXTUAL and declared not in (Kind.OFFICE, Kind.TAR) and not _is_text(head):
        return Kind.OTHER
    return declared


def _plain(head: bytes, declared: Kind) -> Kind:
    """The kind of a file that lacks the beginning its kind would have: a text perhaps, or a rare picture."""
    if declared is Kind.PICTURE and not _is_text(head):
        return Kind.PICTURE
    return Kind.TEXT if head and _is_text(head) else Kind.OTHER


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return not any(byte < 9 or 13 < byte < 32 and byte != 27 for byte in head)


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _family(mime: str) -> Kind | None:
    family = mime.partition("/")[0]
    return {"image": Kind.PICTURE, "audio": Kind.AUDIO, "video": Kind.VIDEO, "text": Kind.TEXT}.get(family)
