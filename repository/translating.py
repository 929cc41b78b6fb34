"""Texts in the reader's language: the catalogues, and how one is chosen. Works without a web request."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from repository.findings import N_, Translate

__all__ = ["DOMAIN", "FOLDER", "LANGUAGES", "N_", "as_written", "language_of_environment", "translator"]

#: Languages of the program, the first for whoever has said nothing.
LANGUAGES: Final = ("en", "zh_Hans_CN")
FOLDER: Final = Path(__file__).parent / "translations"
DOMAIN: Final = "messages"


def as_written(text: str) -> str:
    """The text as it stands in the sources: English."""
    return text


@cache
def translator(language: str) -> Translate:
    """A function that puts source texts into a language; into English, and into a language that has no catalogue, unchanged.

    Args:
        language: ``en`` or ``zh_Hans_CN``.
    """
    try:
        catalogue = gettext.translation(DOMAIN, FOLDER, languages=[language])
    except OSError:
        return as_written

    def translate(text: str) -> str:
        # the empty text is the key of the catalogue's header
        return catalogue.gettext(text) if text else ""

    return translate


def language_of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language of a terminal: what the usual variables say, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "zh_Hans_CN" if value.startswith("zh") else "en"
    return "en"
