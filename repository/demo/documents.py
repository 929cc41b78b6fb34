"""The papers of the invented cases, as real files: PDF, OFD, DOCX, HTML, XML and text."""

from __future__ import annotations

import hashlib
import html
import io
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from docx import Document as new_document
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from metadata.xml import escape
from repository.demo import media
from repository.demo.containers import write_zip

_FONT: Final = "STSong-Light"
_CHARACTERS_A_LINE: Final = 38


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What stands on a paper.

    Args:
        title: its heading.
        number: number of the case.
        lines: the text, a paragraph each.
        agency: who signs it.
        at: when.
        dice: for what differs from paper to paper.
    """

    title: str
    number: str
    lines: tuple[str, ...]
    agency: str
    at: datetime
    dice: random.Random

    @property
    def day(self) -> str:
        """The date as it is written on papers."""
        return f"{self.at.year}年{self.at.month}月{self.at.day}日"


def _wrapped(text: str) -> list[str]:
    return [text[start : start + _CHARACTERS_A_LINE] for start in range(0, len(text), _CHARACTERS_A_LINE)] or [""]


def pdf(sheet: Sheet) -> bytes:
    """A PDF 1.3 page or two, in a Chinese font that every reader brings along."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(sheet.title)
    canvas.setAuthor(sheet.agency)
    canvas.setSubject(sheet.number)
    width, height = A4
    canvas.setFont(_FONT, 20)
    canvas.drawCentredString(width / 2, height - 30 * mm, sheet.title)
    canvas.setFont(_FONT, 10)
    canvas.drawRightString(width - 25 * mm, height - 40 * mm, sheet.number)
    canvas.setFont(_FONT, 12)
    y = height - 55 * mm
    for paragraph in sheet.lines:
        for line in _wrapped("　　" + paragraph):
            if y < 30 * mm:
                canvas.showPage()
                canvas.setFont(_FONT, 12)
                y = height - 30 * mm
            canvas.drawString(25 * mm, y, line)
            y -= 8 * mm
    canvas.drawRightString(width - 30 * mm, max(y - 12 * mm, 20 * mm), sheet.agency)
    canvas.drawRightString(width - 30 * mm, max(y - 20 * mm, 12 * mm), sheet.day)
    canvas.setStrokeColorRGB(0.8, 0.1, 0.1)
    canvas.setLineWidth(2)
    canvas.circle(width - 50 * mm, max(y - 14 * mm, 28 * mm), 16 * mm)
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


_OFD: Final = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_XML: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def ofd(sheet: Sheet) -> bytes:
    """An OFD document of one A4 page (GB/T 33190-2016): text and the ring of a seal."""
    identifier = hashlib.sha256(f"{sheet.number}/{sheet.title}".encode()).hexdigest()[:32]
    root = (
        f'{_XML}<ofd:OFD {_OFD} DocType="OFD" Version="1.0"><ofd:DocBody><ofd:DocInfo><ofd:DocID>{identifier}</ofd:DocID>'
        f"<ofd:Title>{escape(sheet.title)}</ofd:Title><ofd:Author>{escape(sheet.agency)}</ofd:Author><ofd:CreationDate>{sheet.at:%Y-%m-%d}</ofd:CreationDate>"
        "</ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )
    resources = f'{_XML}<ofd:Res {_OFD} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="2" FontName="宋体" FamilyName="宋体"/></ofd:Fonts></ofd:Res>'
    content, last = _ofd_page(sheet)
    document = (
        f"{_XML}<ofd:Document {_OFD}><ofd:CommonData><ofd:MaxUnitID>{last}</ofd:MaxUnitID>"
        "<ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox>"
        "</ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>"
        '<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
    )
    parts = {
        "OFD.xml": root,
        "Doc_0/Document.xml": document,
        "Doc_0/PublicRes.xml": resources,
        "Doc_0/Pages/Page_0/Content.xml": content,
    }
    stream = io.BytesIO()
    write_zip(stream, ((name, text.encode()) for name, text in parts.items()), date=(sheet.at.year, sheet.at.month, sheet.at.day))
    return stream.getvalue()


def _ofd_page(sheet: Sheet) -> tuple[str, int]:
    lines = [(sheet.title, 7.0, 30.0), (sheet.number, 3.5, 42.0)]
    y = 55.0
    for paragraph in sheet.lines:
        for line in _wrapped("　　" + paragraph):
            lines.append((line, 4.2, y))
            y += 7.5
    lines += [(sheet.agency, 4.2, y + 12), (sheet.day, 4.2, y + 20)]
    objects = []
    identifier = 3
    for text, size, top in lines:
        if not text:
            continue
        identifier += 1
        delta = f' DeltaX="g {len(text) - 1} {size:g}"' if len(text) > 1 else ""
        objects.append(
            f'<ofd:TextObject ID="{identifier}" Boundary="25 {top:g} 165 {size * 1.4:g}" Font="2" Size="{size:g}">'
            f'<ofd:FillColor Value="0 0 0"/><ofd:TextCode X="0" Y="{size:g}"{delta}>{escape(text)}</ofd:TextCode></ofd:TextObject>'
        )
    identifier += 1
    objects.append(
        f'<ofd:PathObject ID="{identifier}" Boundary="140 {y + 2:g} 40 40" LineWidth="1"><ofd:StrokeColor Value="200 30 30"/>'
        "<ofd:AbbreviatedData>M 2 20 A 18 18 0 1 1 38 20 A 18 18 0 1 1 2 20 C</ofd:AbbreviatedData></ofd:PathObject>"
    )
    page = (
        f"{_XML}<ofd:Page {_OFD}><ofd:Area><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:Area>"
        f'<ofd:Content><ofd:Layer ID="3" Type="Body">{"".join(objects)}</ofd:Layer></ofd:Content></ofd:Page>'
    )
    return page, identifier


def docx(sheet: Sheet) -> bytes:
    """A Word document (ECMA-376), with its parts in a zip that is the same each time."""
    document = new_document()
    document.core_properties.author = sheet.agency
    document.core_properties.title = sheet.title
    document.core_properties.created = document.core_properties.modified = sheet.at
    document.add_heading(sheet.title, level=1)
    document.add_paragraph(sheet.number)
    for line in sheet.lines:
        document.add_paragraph(line)
    document.add_paragraph(f"{sheet.agency}　{sheet.day}")
    made = io.BytesIO()
    document.save(made)
    stream = io.BytesIO()
    with zipfile.ZipFile(made) as archive:
        write_zip(
            stream,
            ((entry.filename, archive.read(entry)) for entry in archive.infolist()),
            date=(sheet.at.year, sheet.at.month, sheet.at.day),
        )
    return stream.getvalue()


def web_page(sheet: Sheet) -> bytes:
    """What a query of a database showed, saved as HTML (Measures Art. 13)."""
    rows = "".join(f"<tr><th>{number}</th><td>{html.escape(line)}</td></tr>\n" for number, line in enumerate(sheet.lines, start=1))
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head><meta charset="utf-8"><title>'
        f"{html.escape(sheet.title)}</title></head>\n<body>\n<h1>{html.escape(sheet.title)}</h1>\n<p>{html.escape(sheet.number)}</p>\n"
        f"<table>\n{rows}</table>\n<p>{html.escape(sheet.agency)} {sheet.day}</p>\n</body>\n</html>\n"
    ).encode()


def data(sheet: Sheet) -> bytes:
    """The rows behind a decision, as XML."""
    rows = "".join(f'  <row n="{number}">{escape(line)}</row>\n' for number, line in enumerate(sheet.lines, start=1))
    return f'{_XML}<extract title="{html.escape(sheet.title)}" number="{html.escape(sheet.number)}">\n{rows}</extract>\n'.encode()


def text(sheet: Sheet) -> bytes:
    """A text file as Windows in Chinese writes it: GB18030 and CR LF."""
    return "\r\n".join((sheet.title, sheet.number, "", *sheet.lines, "", sheet.agency, sheet.day, "")).encode("gb18030")


def _scan(sheet: Sheet) -> bytes:
    return media.scan(sheet.number, sheet.dice)


def _photograph(sheet: Sheet) -> bytes:
    return media.photograph(sheet.number, sheet.dice)


def _recording(sheet: Sheet) -> bytes:
    return media.recording(sheet.dice)


def _film(sheet: Sheet) -> bytes:
    return media.film(f"{sheet.at:%Y-%m-%d %H:%M}", sheet.dice)


#: How a paper is made, by the kind that `repository.demo.cases` names; the extension is that of its file.
MAKERS: Final[Mapping[str, tuple[str, Callable[[Sheet], bytes]]]] = {
    "pdf": ("pdf", pdf),
    "ofd": ("ofd", ofd),
    "docx": ("docx", docx),
    "html": ("html", web_page),
    "xml": ("xml", data),
    "txt": ("txt", text),
    "scan": ("jpg", _scan),
    "photograph": ("jpg", _photograph),
    "recording": ("wav", _recording),
    "film": ("mp4", _film),
}
