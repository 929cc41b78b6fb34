"""Which formats are for archiving: a table, by PRONOM identifier, with the source of every line.

It says what a format is worth as a format. How surely a file is of that format is `certainty`, from how it was identified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from repository.findings import N_


class Standing(StrEnum):
    """What a format is worth for archiving (归档格式)."""

    PREFERRED = "preferred"
    ACCEPTED = "accepted"
    AT_RISK = "at-risk"
    UNLISTED = "unlisted"
    UNKNOWN = "unknown-format"


class Certainty(StrEnum):
    """How surely a file is of the format that it is said to have."""

    CONTENT = "identified-by-content"
    TEXT = "identified-as-text"
    NAME = "identified-by-name"
    DOUBTFUL = "identified-with-remarks"
    NONE = "not-identified"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the policy.

    Args:
        standing: what the formats are worth.
        kind: what they are for, marked for translation.
        puids: the formats.
        source: where that is laid down, marked for translation.
    """

    standing: Standing
    kind: str
    puids: Sequence[str]
    source: str


_GB18894: Final = N_("GB/T 18894-2016, annex on archiving formats")
_MEASURES: Final = N_("Measures for electronic service-affair archives, Art. 13; GB/T 18894-2016")
_DAT47: Final = N_("DA/T 47-2009, requirements of open and self-contained fixed-layout formats")
_PHOTOGRAPHS: Final = N_("GB/T 18894-2016 and DA/T 50-2014, photographs")
_RECORDINGS: Final = N_("GB/T 18894-2016 and DA/T 78-2019, sound and moving pictures")
_OWN: Final = N_("the archive's own judgement: no standard names it, and programs that read it are becoming few")
_OPEN: Final = N_("the archive's own judgement: openly specified and widely read")

_PDF_A: Final = ("fmt/95", *(f"fmt/{number}" for number in (354, *range(476, 482))))
_PDF: Final = (*(f"fmt/{number}" for number in range(14, 21)), "fmt/276", "fmt/1129")
_JPEG: Final = ("fmt/41", "fmt/42", "fmt/43", "fmt/44", "x-fmt/390", "x-fmt/391", "x-fmt/398", "fmt/645", "fmt/1507")
_TIFF: Final = ("fmt/353", "fmt/7", "fmt/8", "fmt/9", "fmt/10", "x-fmt/387", "x-fmt/388", "x-fmt/399")
_WAVE: Final = (
    "fmt/1",
    "fmt/2",
    "fmt/6",
    "fmt/141",
    "fmt/142",
    "fmt/143",
    "fmt/527",
    *(f"fmt/{number}" for number in (703, 704, 705, 709, 710, 711, 713)),
)
_WORD_OLD: Final = ("fmt/37", "fmt/38", "fmt/39", "fmt/40", "fmt/609", "fmt/754", "x-fmt/1", "x-fmt/2", "x-fmt/64", "x-fmt/65", "x-fmt/129")
_EXCEL_OLD: Final = tuple(f"fmt/{number}" for number in (55, 56, 57, 58, 59))
_EXCEL: Final = ("fmt/60", "fmt/61", "fmt/62", "fmt/214")
_RTF: Final = (*(f"fmt/{number}" for number in (45, 46, 47, 48, 49, 50, 51, 52, 53, 355, 969)),)
_DXF: Final = (*(f"fmt/{number}" for number in (*range(63, 80), 433, 435, 532, 1389)),)
_ODF: Final = (*(f"fmt/{number}" for number in (136, 137, 138, 139, *range(290, 298), 1753, 1754, 1755, 1756)),)
_HTML: Final = (*(f"fmt/{number}" for number in (96, 97, 98, 99, 100, 102, 103, 471)), "x-fmt/429")

#: The policy. A format stands in one line only.
POLICY: Final[Sequence[Line]] = (
    Line(standing=Standing.PREFERRED, kind=N_("fixed-layout documents"), puids=(*_PDF_A, "jingui/ofd"), source=_MEASURES),
    Line(standing=Standing.ACCEPTED, kind=N_("fixed-layout documents"), puids=_PDF, source=_DAT47),
    Line(standing=Standing.AT_RISK, kind=N_("fixed-layout documents"), puids=("jingui/ceb", "jingui/caj", "jingui/kdh"), source=_OWN),
    Line(
        standing=Standing.PREFERRED,
        kind=N_("data and marked-up text"),
        puids=("fmt/101", "fmt/1776", "x-fmt/18", "fmt/817"),
        source=_MEASURES,
    ),
    Line(standing=Standing.PREFERRED, kind=N_("plain text"), puids=("x-fmt/111", "x-fmt/16", "x-fmt/15", "x-fmt/130"), source=_GB18894),
    Line(standing=Standing.ACCEPTED, kind=N_("word-processed text"), puids=("fmt/412", *_RTF), source=_GB18894),
    Line(standing=Standing.ACCEPTED, kind=N_("office documents"), puids=(*_ODF, "fmt/215"), source=_OPEN),
    Line(standing=Standing.AT_RISK, kind=N_("word-processed text"), puids=_WORD_OLD, source=_OWN),
    Line(
        standing=Standing.ACCEPTED, kind=N_("spreadsheets and tables"), puids=(*_EXCEL, "x-fmt/9", "x-fmt/10", "x-fmt/271"), source=_GB18894
    ),
    Line(standing=Standing.AT_RISK, kind=N_("spreadsheets and tables"), puids=_EXCEL_OLD, source=_OWN),
    Line(standing=Standing.PREFERRED, kind=N_("databases"), puids=("fmt/161", "fmt/995", "fmt/1196", "fmt/1777"), source=_OPEN),
    Line(standing=Standing.PREFERRED, kind=N_("pictures"), puids=(*_TIFF, *_JPEG), source=_PHOTOGRAPHS),
    Line(
        standing=Standing.ACCEPTED,
        kind=N_("pictures"),
        puids=("fmt/11", "fmt/12", "fmt/13", "fmt/3", "fmt/4", "x-fmt/392"),
        source=_GB18894,
    ),
    Line(standing=Standing.AT_RISK, kind=N_("pictures"), puids=("x-fmt/207", "x-fmt/299", "x-fmt/367", "fmt/402"), source=_OWN),
    Line(standing=Standing.PREFERRED, kind=N_("vector drawings"), puids=("fmt/91", "fmt/92", "fmt/413", *_DXF), source=_GB18894),
    Line(standing=Standing.ACCEPTED, kind=N_("vector drawings"), puids=("fmt/122", "fmt/123", "fmt/124"), source=_GB18894),
    Line(standing=Standing.PREFERRED, kind=N_("sound"), puids=(*_WAVE, "fmt/279"), source=_RECORDINGS),
    Line(standing=Standing.ACCEPTED, kind=N_("sound"), puids=("fmt/134",), source=_RECORDINGS),
    Line(standing=Standing.AT_RISK, kind=N_("sound"), puids=("x-fmt/190", "x-fmt/278", "fmt/404", "fmt/132"), source=_OWN),
    Line(
        standing=Standing.PREFERRED,
        kind=N_("moving pictures"),
        puids=("fmt/199", "fmt/200", "fmt/569", *(f"fmt/{number}" for number in range(783, 792))),
        source=_RECORDINGS,
    ),
    Line(
        standing=Standing.ACCEPTED,
        kind=N_("moving pictures"),
        puids=("fmt/5", "x-fmt/385", "x-fmt/386", "fmt/640", "fmt/649"),
        source=_RECORDINGS,
    ),
    Line(standing=Standing.AT_RISK, kind=N_("moving pictures"), puids=("fmt/204", "fmt/133", "fmt/441", "x-fmt/382"), source=_OWN),
    Line(standing=Standing.PREFERRED, kind=N_("web pages"), puids=("fmt/289", "fmt/1281", "fmt/1355"), source=_OPEN),
    Line(standing=Standing.ACCEPTED, kind=N_("web pages"), puids=_HTML, source=_MEASURES),
    Line(standing=Standing.PREFERRED, kind=N_("mail"), puids=("fmt/278",), source=_OPEN),
    Line(
        standing=Standing.AT_RISK,
        kind=N_("packed files, in which nothing can be seen from outside"),
        puids=("x-fmt/264", "fmt/411", "fmt/613", "fmt/484", "x-fmt/266", "x-fmt/267", "x-fmt/268", "x-fmt/263"),
        source=_OWN,
    ),
)

#: OFD stands in the policy whatever version its root element states.
_OFD: Final = "jingui/ofd"

_LINES: Final[Mapping[str, Line]] = MappingProxyType({puid: line for line in POLICY for puid in line.puids})


def line_of(puid: str | None) -> Line | None:
    """The line of the policy in which a format stands, if there is one."""
    if not puid:
        return None
    return _LINES.get(_OFD if puid.startswith(f"{_OFD}-") else puid)


def standing_of(puid: str | None) -> Standing:
    """What a format is worth for archiving; `Standing.UNLISTED` where the policy says nothing of it."""
    if not puid:
        return Standing.UNKNOWN
    line = line_of(puid)
    return line.standing if line else Standing.UNLISTED


def certainty_of(basis: str, remarks: int) -> Certainty:
    """How surely a file is of its format.

    Args:
        basis: how it was identified, a word of `preservation.identification.Basis`.
        remarks: how many things identification found odd.
    """
    match basis:
        case "container" | "signature":
            return Certainty.DOUBTFUL if remarks else Certainty.CONTENT
        case "text":
            return Certainty.DOUBTFUL if remarks else Certainty.TEXT
        case "extension":
            return Certainty.NAME
    return Certainty.NONE
