"""E-mail: the headers people read, the text, and what is attached by name."""

from __future__ import annotations

import email
import html
import json
from email.message import EmailMessage, MIMEPart
from email.policy import default
from typing import Final

import nh3

from access.previews.orders import Order, page_name
from access.previews.rendering.texts import decode
from access.previews.rendering.web_pages import sanitised
from access.previews.values import TOO_LARGE, Form, Note, Preview, Unshowable
from metadata.xml import legal
from repository.findings import N_

_HEADERS: Final = ("From", "To", "Cc", "Date", "Subject", "Reply-To", "Message-ID")
_MOST_BYTES: Final = 64 * 1024**2
_MOST_LINES: Final = 5000
_MOST_PARTS: Final = 500


def render(order: Order) -> None:
    """One message."""
    if order.source.stat().st_size > _MOST_BYTES:
        raise Unshowable(TOO_LARGE, reason=f"{order.source.stat().st_size} B")
    message = email.message_from_bytes(order.source.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    headers = [[name, legal(str(value))[:2000]] for name in _HEADERS for value in message.get_all(name, ())]
    body = message.get_body(preferencelist=("plain", "html"))
    lines: list[str] = []
    notes = []
    if body is not None:
        text = decode(_content(body)).text
        if body.get_content_type() == "text/html":
            text = _without_tags(text)
            notes.append(Note(template=N_("The message is a web page; only its text is shown.")))
        lines = text.splitlines()[:_MOST_LINES]
    attached = []
    for part in list(message.iter_attachments())[:_MOST_PARTS]:
        attached.append([legal(part.get_filename() or "–")[:300], part.get_content_type()[:100]])
    page = {"headers": headers, "lines": lines, "attached": attached}
    order.write(page_name(1, "json"), json.dumps(page, ensure_ascii=False).encode())
    order.say(Preview(kind=order.kind, form=Form.MESSAGE, pages=1, notes=tuple(notes)))


def _content(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset() or "utf-8"
    charset = "gb18030" if charset.lower() in ("gb2312", "gbk") else charset
    try:
        return raw.decode(charset).encode("utf-8", "replace")
    except (LookupError, UnicodeError):
        return raw


def _without_tags(markup: str) -> str:

    broken = sanitised(markup).replace("<br>", "\n").replace("</p>", "</p>\n").replace("</tr>", "</tr>\n").replace("</div>", "</div>\n")
    return html.unescape(nh3.clean(broken, tags=set()))
