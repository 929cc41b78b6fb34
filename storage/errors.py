"""Errors of the storage layer: what it means when bytes cannot be read, written or unpacked.

Every error carries a code (stable, for machines), the thing it is about, a message template with its parameters
(so that it can be shown in another language) and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:
    """Marks a text for translation and returns it unchanged; who shows it translates it."""
    return text


class StorageError(Exception):
    """Something in storage cannot go on.

    Args:
        code: stable name in upper case, for instance ``ARCHIVE_TRUNCATED``.
        template: English message with ``{name}`` places, marked with `N_` where it is written.
        subject: what the message is about (a path, an entry, an object id).
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


class UnsafePackage(StorageError):
    """A package that must not be unpacked: broken, hostile or over a limit. The sender's fault, never ours.

    `also` has the other problems that were found with it, so that the sender hears of all of them at once.
    """

    also: tuple[UnsafePackage, ...] = ()


class StoreUnavailable(StorageError):
    """A store that cannot be reached, read or written."""


class ObjectDamaged(StorageError):
    """An object in a store that cannot be understood: inventory missing, unreadable or contradicting itself."""


class OutOfSpace(StorageError):
    """Not enough room for what is about to be written; said before the work starts where it can be known."""
