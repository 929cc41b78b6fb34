"""What identification has to say beside the format: remarks, in English, that can be put into another language later.

A remark is a string (so it goes into JSON and the catalogue as it is) that knows the template it came from. `translated` finds
the template again for one that came back from the catalogue as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from repository.findings import N_

EMPTY: Final = N_("The file is empty.")
UNREADABLE: Final = N_("The file is unreadable: {reason}.")
NOT_A_FILE: Final = N_("This is not a regular file but a {kind}; it was not read.")
UNKNOWN: Final = N_("No signature matches and the name says nothing: the format is unknown.")
EXTENSION_ONLY: Final = N_("Only the file name says so (.{extension}); no signature confirms it.")
SIGNATURE_ABSENT: Final = N_("The name (.{extension}) says {formats}, but the content has no signature of it. Is it damaged, or misnamed?")
TEXT_BY_NAME: Final = N_("The content is text; that it is {name} only the file name says (.{extension}).")
EXTENSION_MISMATCH: Final = N_("The file name's extension (.{extension}) is not one of this format: {expected}.")
EXTENSION_MISSING: Final = N_("The file name has no extension; one of this format would be {expected}.")
SEVERAL: Final = N_("Several formats match and none has priority: {formats}.")
BY_EXTENSION: Final = N_("Several formats match ({formats}); the file name's extension (.{extension}) decided.")
CONTAINER_UNREADABLE: Final = N_("This looks like a {kind} file, but it cannot be looked into: {reason}. Is it cut off or damaged?")
ENTRY_UNREADABLE: Final = N_("Entry {entry} inside the {kind} file cannot be read: {reason}.")
DISAGREEMENT: Final = N_("Engines disagree: {first} says {first_formats}, {second} says {second_formats}.")
SECOND_OPINION: Final = N_("{first} found no signature; the answer is the second opinion of {second}: {second_formats}.")
SECOND_CHOSE: Final = N_("Several formats match ({formats}); the second opinion of {second} decided.")
ENGINE_FAILED: Final = N_("{engine} could not look at the file: {reason}.")

_TEMPLATES: Final = (
    EMPTY,
    UNREADABLE,
    NOT_A_FILE,
    UNKNOWN,
    EXTENSION_ONLY,
    SIGNATURE_ABSENT,
    TEXT_BY_NAME,
    EXTENSION_MISMATCH,
    EXTENSION_MISSING,
    SEVERAL,
    BY_EXTENSION,
    CONTAINER_UNREADABLE,
    ENTRY_UNREADABLE,
    DISAGREEMENT,
    SECOND_OPINION,
    SECOND_CHOSE,
    ENGINE_FAILED,
)


class Remark(str):
    """A remark in English, with its template and the values of the template's places."""

    __slots__ = ("parameters", "template")

    template: str
    parameters: dict[str, str]

    def __new__(cls, template: str, **parameters: object) -> Remark:
        """The remark that a template and its values make."""
        values = {name: str(value) for name, value in parameters.items()}
        remark = super().__new__(cls, template.format_map(values))
        remark.template = template
        remark.parameters = values
        return remark

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (self.template, self.parameters)


def translated(remark: str, translate: Callable[[str], str]) -> str:
    """The remark in another language; one that no template made stays as it is."""
    if isinstance(remark, Remark):
        return translate(remark.template).format_map(remark.parameters)
    for template, expression in _EXPRESSIONS:
        if found := expression.fullmatch(remark):
            return translate(template).format_map(found.groupdict())
    return remark


def _remade(template: str, parameters: dict[str, str]) -> Remark:
    return Remark(template, **parameters)


def _expression(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)), re.DOTALL)


_EXPRESSIONS: Final = tuple((template, _expression(template)) for template in _TEMPLATES)
