"""OFD documents made for tests: a page with everything a page can have, and a seal."""

from __future__ import annotations

import io

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from tests.tools.hostile_files import zipped

_NS = 'xmlns:ofd="http://www.ofdspec.org/2016"'


def picture(colour: str = "red") -> bytes:
    """A small PNG."""
    stream = io.BytesIO()
    Image.new("RGBA", (20, 20), colour).save(stream, "PNG")
    return stream.getvalue()


def font() -> bytes:
    """A font with one glyph, a box, for 许."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (900, 700), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "box"])
    builder.setupCharacterMap({ord("许"): "box"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "box": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "box": (1000, 100)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Box", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()


def der(tag: int, *values: bytes) -> bytes:
    """A value in DER."""
    content = b"".join(values)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def seal(type: bytes, content: bytes) -> bytes:
    """A seal as SES_SignedValue has it, with nothing true in it but its picture (GB/T 38540-2020)."""
    header = der(0x30, der(0x16, b"ES"), der(0x02, b"\x04"), der(0x16, b"test"))
    about = der(0x30, der(0x16, type), der(0x04, content), der(0x02, b"\x28"), der(0x02, b"\x28"))
    information = der(0x30, header, der(0x16, b"0001"), der(0x30, der(0x02, b"\x01")), about)
    return der(0x30, der(0x30, der(0x02, b"\x04"), der(0x30, information)), der(0x04, b"certificate"))


def document(*, content: str, resources: str = "", more: str = "", template: str = "", pages: int = 1) -> dict[str, bytes | str]:
    """The parts of a document whose pages have this content."""
    listed = "".join(f'<ofd:Page ID="{number}" BaseLoc="Pages/Page_{number}/Content.xml"/>' for number in range(1, pages + 1))
    parts: dict[str, bytes | str] = {
        "OFD.xml": f'<ofd:OFD {_NS} Version="1.0" DocType="OFD">'
        "<ofd:DocBody><ofd:DocInfo><ofd:Title>许可证</ofd:Title></ofd:DocInfo>"
        f"<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>{more}</ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {_NS}><ofd:CommonData>"
        "<ofd:PageArea><ofd:PhysicalBox>0 0 100 80</ofd:PhysicalBox></ofd:PageArea>"
        f'<ofd:PublicRes>PublicRes.xml</ofd:PublicRes><ofd:TemplatePage ID="90" BaseLoc="Tpls/T.xml"/></ofd:CommonData>'
        f"<ofd:Pages>{listed}</ofd:Pages><ofd:Annotations>Annots/Annotations.xml</ofd:Annotations></ofd:Document>",
        "Doc_0/PublicRes.xml": f'<ofd:Res {_NS} BaseLoc="Res">{resources}</ofd:Res>',
        "Doc_0/Tpls/T.xml": f"<ofd:Page {_NS}><ofd:Content><ofd:Layer>{template}</ofd:Layer></ofd:Content></ofd:Page>",
    }
    for number in range(1, pages + 1):
        parts[f"Doc_0/Pages/Page_{number}/Content.xml"] = (
            f'<ofd:Page {_NS}><ofd:Template TemplateID="90"/><ofd:Content><ofd:Layer>{content}</ofd:Layer></ofd:Content></ofd:Page>'
        )
    return parts


def words(text: str, *, font: str = "1", x: float = 10, y: float = 10, more: str = "") -> str:
    """A text object."""
    return (
        f'<ofd:TextObject Boundary="{x} {y} 60 8" Font="{font}" Size="5"><ofd:FillColor Value="10 20 30"/>{more}'
        f'<ofd:TextCode X="0" Y="5" DeltaX="g {max(len(text) - 1, 1)} 5">{text}</ofd:TextCode></ofd:TextObject>'
    )


def everything(*, seal_type: bytes = b"png", seal_content: bytes | None = None) -> bytes:
    """A page with text in two fonts, a path, a gradient, a picture, a composite, a template, a note and a seal."""
    resources = (
        '<ofd:Fonts><ofd:Font ID="1" FontName="宋体"/>'
        '<ofd:Font ID="2" FontName="Box"><ofd:FontFile>box.ttf</ofd:FontFile></ofd:Font></ofd:Fonts>'
        "<ofd:MultiMedias>"
        '<ofd:MultiMedia ID="5" Type="Image" Format="PNG"><ofd:MediaFile>p.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>'
        '<ofd:DrawParams><ofd:DrawParam ID="6" LineWidth="2"><ofd:StrokeColor Value="200 30 30"/></ofd:DrawParam></ofd:DrawParams>'
        '<ofd:CompositeGraphicUnits><ofd:CompositeGraphicUnit ID="7" Width="10" Height="10"><ofd:Content>'
        '<ofd:PathObject Boundary="0 0 9 9" Fill="true" Stroke="false"><ofd:FillColor Value="0 0 255"/>'
        "<ofd:AbbreviatedData>M 0 0 L 9 0 L 9 9 C</ofd:AbbreviatedData></ofd:PathObject></ofd:Content></ofd:CompositeGraphicUnit>"
        "</ofd:CompositeGraphicUnits>"
    )
    glyphs = '<ofd:CGTransform CodePosition="0" CodeCount="1" GlyphCount="1"><ofd:Glyphs>1</ofd:Glyphs></ofd:CGTransform>'
    content = (
        words("准予 许可")
        + words("许甲", font="2", y=20)
        + words(
            "乙",
            font="2",
            y=28,
            more=glyphs,
        )
        + '<ofd:PathObject Boundary="10 40 30 30" DrawParam="6"><ofd:AbbreviatedData>S 0 0 M 1 1 L 20 1 Q 25 5 20 10 B 1 2 3 4 5 6'
        " A 5 5 0 1 0 9 9 C</ofd:AbbreviatedData></ofd:PathObject>"
        '<ofd:PathObject Boundary="50 40 20 20" Fill="true" Stroke="false"><ofd:FillColor><ofd:AxialShd StartPoint="0 0" EndPoint="20 0">'
        '<ofd:Segment Position="0"><ofd:Color Value="255 0 0"/></ofd:Segment>'
        '<ofd:Segment Position="1"><ofd:Color Value="0 255 0"/></ofd:Segment>'
        "</ofd:AxialShd></ofd:FillColor><ofd:AbbreviatedData>M 0 0 L 20 0 L 20 20 L 0 20 C</ofd:AbbreviatedData></ofd:PathObject>"
        '<ofd:ImageObject Boundary="70 10 20 20" CTM="20 0 0 20 0 0" ResourceID="5"/>'
        '<ofd:CompositeObject Boundary="75 40 10 10" ResourceID="7"/>'
    )
    parts = document(
        content=content,
        resources=resources,
        more="<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>",
        template='<ofd:PathObject Boundary="0 0 100 80"><ofd:AbbreviatedData>M 2 2 L 98 2</ofd:AbbreviatedData></ofd:PathObject>',
    )
    parts |= {
        "Doc_0/Res/box.ttf": font(),
        "Doc_0/Res/p.png": picture("blue"),
        "Doc_0/Annots/Annotations.xml": f'<ofd:Annotations {_NS}><ofd:Page PageID="1">'
        "<ofd:FileLoc>Page_1.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>",
        "Doc_0/Annots/Page_1.xml": f'<ofd:PageAnnot {_NS}><ofd:Annot ID="1" Type="Stamp">'
        f'<ofd:Appearance Boundary="5 70 50 8">{words("批注", y=0)}'
        "</ofd:Appearance></ofd:Annot></ofd:PageAnnot>",
        "Doc_0/Signs/Signatures.xml": f"<ofd:Signatures {_NS}>"
        '<ofd:Signature ID="1" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>',
        "Doc_0/Signs/Sign_0/Signature.xml": f"<ofd:Signature {_NS}><ofd:SignedInfo>"
        '<ofd:StampAnnot ID="1" PageRef="1" Boundary="60 30 40 40"/></ofd:SignedInfo>'
        "<ofd:SignedValue>/Doc_0/Signs/Sign_0/SignedValue.dat</ofd:SignedValue></ofd:Signature>",
        "Doc_0/Signs/Sign_0/SignedValue.dat": seal(seal_type, seal_content if seal_content is not None else picture("red")),
    }
    return zipped(parts)


def seal_drawing() -> bytes:
    """The picture of a seal that is itself an OFD."""
    ring = (
        '<ofd:PathObject Boundary="0 0 40 40" LineWidth="1"><ofd:StrokeColor Value="200 0 0"/>'
        "<ofd:AbbreviatedData>M 2 20 A 18 18 0 1 1 38 20 A 18 18 0 1 1 2 20 C</ofd:AbbreviatedData></ofd:PathObject>"
    )
    return zipped(document(content=ring))
