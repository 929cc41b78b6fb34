"""The document in the frame in which a web page of a package is shown: nothing loads, nothing runs, nothing leads anywhere."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{margin:1rem;font:16px/1.65 'Noto Serif SC','Noto Serif CJK SC',SimSun,serif;overflow-wrap:anywhere}"
    "body{color:#2b2620;background:#fffdf8}"
    "body.dark{color:#ece4d6;background:#221e1a}"
    "@media (prefers-color-scheme:dark){body.auto{color:#ece4d6;background:#221e1a}}"
    "table{border-collapse:collapse;max-width:100%}td,th{border:1px solid #8c8171;padding:.3rem .6rem;vertical-align:top;text-align:left}"
    "a{text-decoration:underline dotted}img{display:inline-block;min-width:4rem;min-height:2rem;border:1px dashed #8c8171}"
    "pre{white-space:pre-wrap}"
)
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

#: The frame may be shown on our own pages only, has an origin of its own, and knows no style but ours.
FRAME_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


def framed(markup: str, *, theme: str) -> str:
    """A document around markup that was made harmless before.

    Args:
        markup: the markup.
        theme: ``light``, ``dark``, or ``auto``.
    """
    return f'<!doctype html><html><head><meta charset="utf-8"><style>{_STYLE}</style></head><body class="{theme}">{markup}</body></html>'
