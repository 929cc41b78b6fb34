"""What a preview consists of: its form, its pages, and what a reader is told about it. Kept as JSON beside the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from access.previews.kinds import Kind
from repository.findings import N_

#: Part of every address in the cache: previews of another way of making them are not taken for ours. Raise it with every change.
RENDERER: Final = 1


class Form(StrEnum):
    """How the pages of a preview look to a browser."""

    IMAGE = "image"
    DRAWING = "drawing"
    LINES = "lines"
    TABLE = "table"
    MARKUP = "markup"
    MESSAGE = "message"
    SOUND = "sound"
    FILM = "film"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A sentence for the reader.

    Args:
        template: English with ``{name}`` places, marked with `N_` where it is written.
        parameters: values of the places.
    """

    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What is known of a preview.

    Args:
        kind: how it was made.
        form: how it looks.
        pages: how many there are; 0 where there are none.
        levels: how many sizes of an image there are; each is twice as wide as the one before.
        titles: names of the pages (sheets of a workbook), as many as pages, or none.
        has_text: whether pages have a text beside their image.
        notes: what the reader should know.
        lasting: whether the same would come out tomorrow; what was given up for time or memory may be tried again.
    """

    kind: Kind
    form: Form
    pages: int = 0
    levels: int = 1
    titles: tuple[str, ...] = ()
    has_text: bool = False
    notes: tuple[Note, ...] = ()
    lasting: bool = True


class Unshowable(Exception):
    """There is no preview, for a reason that the reader is told.

    Args:
        template: English, marked with `N_` where it is written.
        lasting: whether trying again gives the same answer.
        parameters: values of the places.
    """

    def __init__(self, template: str, *, lasting: bool = True, **parameters: object) -> None:
        super().__init__(template)
        self.template = template
        self.lasting = lasting
        self.parameters = {name: str(value) for name, value in parameters.items()}

    def preview(self, kind: Kind) -> Preview:
        """The preview that says so."""
        note = Note(template=self.template, parameters=self.parameters)
        return Preview(kind=kind, form=Form.NOTHING, notes=(note,), lasting=self.lasting)


#: What is said of files that are damaged, or are not what their name says.
DAMAGED: Final = N_("This file cannot be shown: it is damaged, or not of the format its name says ({reason}).")
LOCKED: Final = N_("This file is locked: it opens only with its password.")
TOO_LARGE: Final = N_("This file is too large to be shown: {reason}.")
TOO_LONG: Final = N_("This preview was given up: making it took longer than {seconds} seconds.")
TOO_HUNGRY: Final = N_("This preview was given up: making it takes more memory than one file may have.")
NO_PROGRAM: Final = N_("Not shown: {program} is not installed on this server.")
UNREADABLE: Final = N_("This file cannot be read just now: no store gives a sound copy of it. The archive has been told.")
EMPTY: Final = N_("This file is empty.")
BROKE_OFF: Final = N_("This preview was given up: the program that makes it ended unexpectedly.")
UNKNOWN: Final = N_("There is no preview for files of this format.")


def to_json(preview: Preview) -> str:
    """The preview as it lies in the cache."""
    return json.dumps(asdict(preview), ensure_ascii=False)


def from_json(text: str) -> Preview:
    """The preview that `to_json` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        notes = tuple(
            Note(template=str(note["template"]), parameters={str(name): str(value) for name, value in note["parameters"].items()})
            for note in values["notes"]
        )
        return Preview(
            kind=Kind(values["kind"]),
            form=Form(values["form"]),
            pages=int(values["pages"]),
            levels=int(values["levels"]),
            titles=tuple(map(str, values["titles"])),
            has_text=bool(values["has_text"]),
            notes=notes,
            lasting=bool(values["lasting"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a preview: {error}") from error
