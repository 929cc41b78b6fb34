"""Web pages: text, headings, lists and tables of them; nothing that runs, loads or leads anywhere."""

from __future__ import annotations

import re
from typing import Final

import nh3

from access.previews.orders import Order, page_name
from access.previews.rendering.texts import Decoded, decode, notes_of
from access.previews.values import Form, Note, Preview
from repository.findings import N_

_MOST_BYTES: Final = 8 * 1024**2
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9._-]{2,20})", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.{0,500}?)</title>", re.IGNORECASE | re.DOTALL)
_TAG_NAMES: Final = (
    "a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption"
    " figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike"
    " strong sub summary sup table tbody td tfoot th thead time tr tt u ul var"
)
_TAGS: Final = set(_TAG_NAMES.split())
#: Attributes that say something of the text and can load nothing.
_ATTRIBUTES: Final = {
    "*": {"lang", "dir", "title"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "img": {"alt", "width", "height"},
    "time": {"datetime"},
    "table": {"border"},
    "p": {"align"},
    "div": {"align"},
}
_DROPPED_NAMES: Final = "script style template noscript iframe object embed svg math head title xmp textarea"
_DROPPED: Final = set(_DROPPED_NAMES.split())
ACTIVE: Final = N_("Scripts, forms, remote pictures and links of this page do not work here; only its text and its layout are shown.")
CUT: Final = N_("Only the first {megabytes} MB are shown.")


def render(order: Order) -> None:
    """A page with nothing in it that could act."""
    with order.source.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    decoded = _decode(content[:_MOST_BYTES])
    notes = [Note(template=ACTIVE), *notes_of(decoded)]
    if len(content) > _MOST_BYTES:
        notes.append(Note(template=CUT, parameters={"megabytes": str(_MOST_BYTES // 1024**2)}))
    order.write(page_name(1, "html"), sanitised(decoded.text).encode())
    title = _TITLE.search(decoded.text)
    titles = (nh3.clean(title[1], tags=set()).strip()[:200],) if title else ()
    order.say(Preview(kind=order.kind, form=Form.MARKUP, pages=1, titles=titles, notes=tuple(notes)))


def sanitised(markup: str) -> str:
    """Markup without anything that runs, loads or leads anywhere."""
    return nh3.clean(
        markup, tags=_TAGS, attributes=_ATTRIBUTES, clean_content_tags=_DROPPED, url_schemes=set(), link_rel=None, strip_comments=True
    )


def _decode(content: bytes) -> Decoded:
    """As the page itself says it is written, where it can be read so."""
    declared = _CHARSET.search(content[:4096])
    if declared is not None:
        name = declared[1].decode("ascii").lower()
        try:
            text = content.decode("gb18030" if name in ("gb2312", "gbk") else name)
        except (LookupError, UnicodeError):
            return decode(content, whole=len(content) < _MOST_BYTES)
        return decode(text.encode("utf-8", "replace"))._replace(encoding=name.upper())
    return decode(content, whole=len(content) < _MOST_BYTES)
