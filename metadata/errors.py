"""Errors of the metadata layer: documents that cannot be read or must not be written.

Every error carries a code (stable, for machines), the thing it is about, a message template with its parameters
(so that it can be shown in another language) and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:
    """Marks a text for translation and returns it unchanged; who shows it translates it."""
    return text


class MetadataError(Exception):
    """A metadata document cannot be read or written.

    Args:
        code: stable name in upper case, for instance ``XML_DOCTYPE``.
        template: English message with ``{name}`` places, marked with `N_` where it is written.
        subject: what the message is about (a path, an element).
        remedy: English template that says what to do.
        parameters: the values of the places.
    """

    def __init__(self, code: str, template: str, *, subject: str = "", remedy: str = "", **parameters: object) -> None:
        self.code = code
        self.template = template
        self.subject = subject
        self.remedy = remedy
        self.parameters: Mapping[str, str] = {name: str(value) for name, value in parameters.items()}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The message in English."""
        return self.template.format_map({"subject": self.subject, **self.parameters})


class UnsafeXml(MetadataError):
    """XML that brings a DTD, an entity, or anything else that could reach outside the document."""


class MalformedXml(MetadataError):
    """XML that is not well-formed, or not of the form its kind must have."""
