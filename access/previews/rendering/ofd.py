"""OFD pages as drawings, with their templates, annotations and seals. What a seal vouches for is not verified here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from access.previews.orders import Order, page_name
from access.previews.rendering.ofd_drawing import Drawing, address_of
from access.previews.rendering.ofd_ink import plain
from access.previews.values import DAMAGED, LOCKED, TOO_LARGE, Form, Note, Preview, Unshowable
from metadata import ofd, xml
from metadata.errors import MetadataError
from metadata.ofd import Box, OfdDocument, OfdPackage, PageReference, children, first, page_box
from metadata.seals import SealPicture
from repository.findings import N_

SEALED: Final = N_("Seals are shown as pictures; neither seal nor signature is verified here.")
SIGNED: Final = N_("This document is signed; the signature is not verified here.")
_LARGEST_SIDE: Final = 20_000.0


def render(order: Order) -> None:
    """Draws pages of an OFD."""
    begun = time.monotonic()
    try:
        with OfdPackage(order.source) as package:
            documents = list(package.documents())
            pages = [(document, page) for document in documents for page in document.pages]
            if not pages:
                raise Unshowable(DAMAGED, reason=N_("no pages"))
            order.say(Preview(kind=order.kind, form=Form.DRAWING, pages=len(pages), has_text=True, notes=tuple(_notes(documents))))
            for number, (document, page) in enumerate(pages[order.first - 1 :][: order.count], start=order.first):
                drawing, text = draw(package, document, page)
                order.write(page_name(number, "svg"), drawing.encode("utf-8", "replace"))
                if text.strip():
                    order.write(page_name(number, "txt"), text.encode("utf-8", "replace"))
                if time.monotonic() - begun > order.seconds / 3:
                    break
    except MetadataError as error:
        if error.code == "OFD_ENCRYPTED":
            raise Unshowable(LOCKED) from error
        raise Unshowable(TOO_LARGE if error.code == "OFD_TOO_LARGE" else DAMAGED, reason=error.message[:200]) from error


def draw(package: OfdPackage, document: OfdDocument, page: PageReference, *, sealed: bool = False) -> tuple[str, str]:
    """A page as SVG, and its text.

    Args:
        package: where its parts are.
        document: whose page.
        page: which.
        sealed: whether it is itself the picture of a seal, which has no paper under it and no seals on it.

    Raises:
        MetadataError: the page cannot be read.
        Unshowable: it has more on it than can be shown.
    """
    root = package.parse(page.path)
    area = first(root, "Area")
    box = (page_box(area) if area is not None else None) or document.box
    if max(box.width, box.height) > _LARGEST_SIDE:
        raise Unshowable(TOO_LARGE, reason=f"{box.width:g} × {box.height:g} mm")
    drawing = Drawing(package=package, document=document, resources=document.resources)
    for part in children(root, "PageRes"):
        try:
            package.load_resources(ofd.resolve(page.path, part.text or ""), document.resources)
        except MetadataError:
            drawing.missing += 1
    behind, before = _templates(root)
    for template in behind:
        _draw_template(drawing, template)
    content = first(root, "Content")
    if content is not None:
        for layer in sorted(children(content, "Layer"), key=_order_of):
            drawing.graphics(layer)
    for template in before:
        _draw_template(drawing, template)
    _draw_annotations(drawing, page)
    if not sealed:
        for stamp in document.stamps:
            if stamp.page == page.id:
                _draw_stamp(drawing, stamp)
    return _svg(drawing, box, paper=not sealed), "\n".join(drawing.lines)


def _svg(drawing: Drawing, box: Box, *, paper: bool) -> str:
    view = " ".join(map(plain, box))
    place = "".join(f' {name}="{plain(value)}"' for name, value in zip(("x", "y", "width", "height"), box, strict=True))
    background = f'<rect{place} fill="#ffffff"/>' if paper else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" width="{plain(box.width)}mm" height="{plain(box.height)}mm">'
        f"<defs>{''.join(drawing.definitions)}</defs>{background}{''.join(drawing.body)}</svg>"
    )


def _templates(root: xml.Element) -> tuple[Sequence[str], Sequence[str]]:
    """Ids of the templates behind and before the content of a page."""
    listed = [(str(found.get("TemplateID", "")), found.get("ZOrder") == "Foreground") for found in children(root, "Template")]
    return [name for name, before in listed if not before], [name for name, before in listed if before]


def _order_of(layer: xml.Element) -> int:
    return {"Background": 0, "Body": 1, "Foreground": 2}.get(str(layer.get("Type", "Body")), 1)


def _draw_template(drawing: Drawing, name: str) -> None:
    path = drawing.document.templates.get(name)
    if path is None:
        return
    try:
        root = drawing.package.parse(path)
    except MetadataError:
        drawing.missing += 1
        return
    content = first(root, "Content")
    if content is not None:
        for layer in children(content, "Layer"):
            drawing.graphics(layer)


def _draw_annotations(drawing: Drawing, page: PageReference) -> None:
    path = drawing.document.annotations.get(page.id)
    if path is None:
        return
    try:
        root = drawing.package.parse(path)
    except MetadataError:
        drawing.missing += 1
        return
    for annotation in children(root, "Annot"):
        appearance = first(annotation, "Appearance")
        if appearance is None or annotation.get("Visible") == "false":
            continue
        box = ofd.numbers(appearance.get("Boundary"))
        drawing.put(f'<g transform="translate({plain(box[0])} {plain(box[1])})">' if len(box) == 4 else "<g>")
        drawing.graphics(appearance)
        drawing.put("</g>")


def _draw_stamp(drawing: Drawing, stamp: ofd.Stamp) -> None:
    box = stamp.box
    picture = _seal(stamp.picture) if stamp.picture is not None else None
    clip = ""
    if stamp.clip is not None:
        name = f"clip-{len(drawing.definitions)}"
        place = "".join(f' {key}="{plain(value)}"' for key, value in zip(("x", "y", "width", "height"), stamp.clip, strict=True))
        drawing.definitions.append(f'<clipPath id="{name}"><rect{place}/></clipPath>')
        clip = f' clip-path="url(#{name})"'
    drawing.put(f'<g transform="translate({plain(box.x)} {plain(box.y)})"{clip}>')
    size = f'width="{plain(box.width)}" height="{plain(box.height)}"'
    if picture is None:
        drawing.missing += 1
        drawing.put(f'<rect {size} fill="none" stroke="#c03028" stroke-width="0.4" stroke-dasharray="1.5 1"/>')
    elif picture.startswith("<svg"):
        drawing.put(picture.replace("<svg ", f"<svg {size} ", 1))
    else:
        drawing.put(f'<image {size} preserveAspectRatio="none" href="{picture}"/>')
    drawing.put("</g>")


def _seal(picture: SealPicture) -> str | None:
    """The picture of a seal: an address that holds it, or a drawing; None where it cannot be read."""
    if picture.type != "ofd":
        try:
            return address_of(picture.content)
        except ValueError:
            return None
    with tempfile.NamedTemporaryFile(suffix=".ofd") as file:
        file.write(picture.content)
        file.flush()
        try:
            with OfdPackage(Path(file.name)) as package:
                return next(_first_pages(package), None)
        except (MetadataError, Unshowable):
            return None


def _first_pages(package: OfdPackage) -> Iterator[str]:
    for document in package.documents():
        for page in document.pages[:1]:
            drawing, _ = draw(package, document, page, sealed=True)
            # what a nested drawing says of its own size gives way to the place of the seal; its names must not meet ours
            head, _, rest = drawing.partition(">")
            view = head[head.index("viewBox") :].split('"')[1]
            named = rest.replace('id="', 'id="seal-').replace('href="#', 'href="#seal-').replace("url(#", "url(#seal-")
            yield f'<svg viewBox="{view}" preserveAspectRatio="none">{named}'


def _notes(documents: Sequence[OfdDocument]) -> list[Note]:
    notes = [Note(template=N_("Title: {title}"), parameters={"title": document.title[:300]}) for document in documents if document.title]
    if any(document.stamps for document in documents):
        notes.append(Note(template=SEALED))
    elif any(document.signed for document in documents):
        notes.append(Note(template=SIGNED))
    return notes
