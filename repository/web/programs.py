"""What a browser calls itself, in words: for the list of a person's sessions."""

from __future__ import annotations

import re
from typing import Final

_BROWSERS: Final = (
    ("WeChat", r"MicroMessenger"),
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("360", r"QihooBrowser|360SE|360EE"),
    ("QQ", r"QQBrowser"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS: Final = (
    ("Android", r"Android"),
    ("HarmonyOS", r"HarmonyOS|OpenHarmony"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)


def program_name(agent: str) -> str:
    """Browser and system of a ``User-Agent`` header (RFC 9110, 10.1.5), or its first word; empty where there is none."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, agent)), "")
    return " · ".join(part for part in (browser, system) if part) or agent.partition(" ")[0][:60]
