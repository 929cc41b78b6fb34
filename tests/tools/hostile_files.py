"""Files that mean harm, or are not what they say: each small, each made here."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache

#: Stands in every hostile file that is text; must not act, and must not come out of markup that would load or run it.
ELSEWHERE = "http://elsewhere.invalid/"


def png(width: int, height: int) -> bytes:
    """A black picture, however large."""
    row = b"\0" * (width // 8 + 2)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zipped(parts: Mapping[str, bytes | str]) -> bytes:
    """A zip of these parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def web_page() -> bytes:
    """A page that does all that a page can do."""
    return (
        f'<html><head><meta http-equiv="refresh" content="0;url={ELSEWHERE}"><style>@import url({ELSEWHERE});</style>'
        f'<link rel="stylesheet" href="{ELSEWHERE}"><title>许可</title></head><body onload="alert(1)"><script>alert(1)</script>'
        f'<iframe src="{ELSEWHERE}"></iframe><img src="{ELSEWHERE}" onerror="alert(1)" alt="图"><a href="javascript:alert(1)">link</a>'
        f'<form action="{ELSEWHERE}"><input name="a"></form><object data="{ELSEWHERE}"></object><svg onload="alert(1)"></svg>'
        f'<p style="background:url({ELSEWHERE})">看得见的字</p><base href="{ELSEWHERE}"><video src="{ELSEWHERE}"></video>'
        "<table><tr><td>一格</td></tr></table></body></html>"
    ).encode()


def drawing() -> bytes:
    """A drawing that runs and loads."""
    return (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://elsewhere.invalid/svg.dtd">'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="50" onload="alert(1)">'
        f"<script>alert(1)</script><style>@import url({ELSEWHERE})</style>"
        f'<rect width="50" height="50" fill="red" style="fill:url({ELSEWHERE})"/>'
        f'<image xlink:href="{ELSEWHERE}"/><a xlink:href="javascript:alert(1)"><text>t</text></a><use href="{ELSEWHERE}#a"/>'
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></body></foreignObject>'
        '<animate attributeName="href" to="javascript:alert(1)"/><text onclick="alert(1)">图纸</text></svg>'
    ).encode()


def entities() -> bytes:
    """Entities that become ten times as many with each step."""
    steps = "".join(f'<!ENTITY e{step} "{f"&e{step - 1};" * 10}">' for step in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{steps}]><a>&e9;</a>'.encode()


@cache
def workbook_bomb() -> bytes:
    """A small workbook that unpacks to a thousand times as much."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override'
        ' PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    )
    return zipped({"[Content_Types].xml": types, "xl/workbook.xml": b"<a>" + b" " * 40_000_000 + b"</a>"})


def pdf_objects(*objects: str, trailer: str = "") -> bytes:
    """A PDF of these objects, numbered from 1."""
    body = b"%PDF-1.4\n" + b"".join(f"{number} 0 obj {text} endobj\n".encode() for number, text in enumerate(objects, start=1))
    return body + f"trailer <</Root 1 0 R {trailer}>>\n%%EOF\n".encode()


def scripted_pdf() -> bytes:
    """A PDF with a script that runs when it is opened."""
    return pdf_objects(
        "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/Names<</JavaScript<</Names[(a) 4 0 R]>>>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
        "<</S/JavaScript/JS(app.alert\\(1\\))>>",
    )


def endless_pdf() -> bytes:
    """A PDF whose page is larger than a city."""
    return pdf_objects(
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9e9 9e9]>>"
    )


def locked_pdf() -> bytes:
    """A PDF that opens with a password only."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    stream = io.BytesIO()
    canvas = Canvas(stream, encrypt=StandardEncryption("secret", strength=128))
    canvas.drawString(100, 100, "locked away")
    canvas.save()
    return stream.getvalue()


def polyglot() -> bytes:
    """A picture that is a web page for who reads on."""
    return png(8, 8) + b"<script>alert(1)</script>" + zipped({"inside.txt": "hidden"})


#: Each with the words that its preview shows or gives as the reason, whatever else it is.
HOSTILE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "page.html": (web_page, "看得见的字"),
    "drawing.svg": (drawing, "Parts of this drawing that run or load something were left out."),
    "entities.svg": (entities, "cannot be shown"),
    "entities.xml": (entities, "cannot be read as XML"),
    "deep.xml": (lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "cannot be read as XML"),
    "deep.json": (lambda: b"[" * 1_000_000, "cannot be read as JSON"),
    "giant.png": (lambda: png(20_000, 16_000), "too large to be shown: 20000 × 16000"),
    "bomb.xlsx": (workbook_bomb, "too large to be shown"),
    "scripted.pdf": (scripted_pdf, "scripts in it; they do not run here"),
    "endless.pdf": (endless_pdf, "a view of the file"),
    "locked.pdf": (locked_pdf, "locked: it opens only with its password"),
    "cut.pdf": (lambda: b"%PDF-1.7\n1 0 obj <<", "cannot be shown"),
    "noise.ofd": (lambda: bytes(range(256)) * 20, "no preview for files of this format"),
    "empty.zip.ofd": (lambda: zipped({"a.txt": "a"}), "cannot be shown"),
    "polyglot.png": (polyglot, "PNG, 8 × 8 pixels"),
    "named.pdf": (lambda: png(8, 8), "PNG, 8 × 8 pixels"),
    "words.jpg": ("这是文字，不是图片。".encode, "这是文字"),
    "empty.pdf": (bytes, "This file is empty."),
}
