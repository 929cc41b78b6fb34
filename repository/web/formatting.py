"""How values look on every page: sizes, numbers, moments, sentences, and links that keep the rest of the address."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from flask import Flask, request, url_for
from flask_babel import format_datetime, format_decimal, get_locale, gettext
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from repository.aip import content_folder
from repository.events import LedgerEvent
from repository.findings import N_, Finding, Translate
from repository.holdings import File
from repository.web import navigation, session
from repository.web.words import event_word, retention_word, tone, word

_PLACE: Final = re.compile(r"\{(\w+)\}")
#: Places of sentences whose values are texts of ours and are translated too.
_TOLD_PLACES: Final = frozenset({"reason"})
#: Places of sentences whose values are counts, written with separators.
_COUNTED_PLACES: Final = frozenset({"bytes", "files", "stored", "identified", "total"})


class Tells(Protocol):
    """Something with a text that can be translated: a finding."""

    def text(self, translate: Translate) -> str:
        """Its text."""


def register(app: Flask) -> None:
    """Makes the filters and values known to the templates."""
    app.add_template_filter(size_words, "size")
    for function in (moment, number, word, tone, event_word, retention_word, told, said, event_note, shown_path, remedy, pretty):
        app.add_template_filter(function)
    app.add_template_global(address_with)
    app.context_processor(_common)


def _common() -> dict[str, Any]:
    name = session.archive().settings.archive_name
    return {
        # called by the layout, so that what renders a part of a page counts nothing
        "navigation_groups": navigation.groups,
        "account_entries": navigation.account_entries,
        "failures": navigation.failures,
        "language": str(get_locale()),
        "theme": session.theme(),
        "archive_name": gettext(name) if name == N_("Jingui") else name,
        "may": session.may,
    }


def size_words(size: int) -> str:
    """A size in the largest unit that leaves at least 1."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{format_decimal(round(value, 0 if unit == 'B' else 1))} {unit}"
        value /= 1024
    raise AssertionError("unreachable: the last unit always returns")


def moment(value: datetime | None, style: str = "medium") -> Markup | str:
    """A moment in the archive's time zone, with the exact UTC instant for machines."""
    if value is None:
        return "–"
    text = format_datetime(value, "yyyy-MM-dd HH:mm:ss" if style == "medium" else "yyyy-MM-dd HH:mm")
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), text)


def number(value: int) -> str:
    """A whole number with separators."""
    return str(format_decimal(value))


def shown_path(file: File) -> str:
    """A file's path as a reader knows it: content without the folders that the package puts around it."""
    return file.path.removeprefix(content_folder(file.representation) + "/") if file.role == "content" else file.path


def told(thing: Tells) -> str:
    """What a finding says, in the language of the page."""
    return thing.text(gettext)


def said(template: str, values: Mapping[str, Any]) -> str:
    """A sentence that was kept as template and values, in the language of the page.

    The template may have come back from a store, so its places are filled by name alone: nothing in it is evaluated, and a
    place without a value stays as it is.
    """

    def fill(place: re.Match[str]) -> str:
        value = values.get(place[1], place[0])
        if place[1] in _TOLD_PLACES and isinstance(value, str) and value:
            return str(gettext(value))
        return number(value) if isinstance(value, int) and place[1] in _COUNTED_PLACES else str(value)

    return _PLACE.sub(fill, gettext(template)) if template else ""


def event_note(event: LedgerEvent) -> str:
    """What an event says, in the language of the page where its note came from a template of ours, else as it was written."""
    template = event.detail.get("note")
    return said(template, event.detail) if isinstance(template, str) else said(event.note, {})


def pretty(value: object) -> str:
    """A value of the catalogue as JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)


def remedy(finding: Finding) -> str:
    """What can be done about a finding, in the language of the page."""
    return finding.remedy_text(gettext)


def attachment(name: str) -> str:
    """The value of a Content-Disposition header for saving under a name, whatever characters the name has (RFC 6266, RFC 8187)."""
    # what ASCII and header syntax cannot carry is percent-encoded, so no name can end the header or begin another one
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def address_with(**changes: Any) -> str:
    """This page's address with some arguments changed; None takes one out."""
    arguments: MultiDict[str, str] = MultiDict(request.args)
    for name, value in changes.items():
        arguments.poplist(name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is not None:
                arguments.add(name, str(item))
    values: dict[str, Any] = {**(request.view_args or {}), **arguments.to_dict(flat=False)}
    return url_for(request.endpoint or "shell.dashboard", **values)
