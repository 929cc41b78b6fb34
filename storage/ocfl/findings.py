"""What a validation says: codes of the OCFL specification, with a message and a link to the clause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from storage.ocfl.layout import SPECIFICATION


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """One thing that is wrong (a code with E, a MUST of the specification) or not as it should be (W, a SHOULD).

    Args:
        code: the specification's own code (``E023``, ``W004``).
        where: the object, inventory or folder it is about.
        template: English message with ``{name}`` places.
        parameters: the values of the places.
    """

    code: str
    where: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def link(self) -> str:
        """The clause of OCFL 1.1."""
        return f"{SPECIFICATION}#{self.code}"

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The message with where and the link, in the language of `translate`."""
        said = translate(self.template).format_map(self.parameters)
        return f"{self.where}: {said} ({self.link})" if self.where else f"{said} ({self.link})"

    @property
    def message(self) -> str:
        """The message in English, with where and the link."""
        return self.text()


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What was found in one object or storage root.

    Args:
        errors: what breaks a MUST.
        warnings: what is against a SHOULD.
        objects: how many objects were looked at.
    """

    errors: tuple[Remark, ...]
    warnings: tuple[Remark, ...]
    objects: int = 1

    @property
    def valid(self) -> bool:
        """Whether nothing breaks a MUST."""
        return not self.errors


class Remarks:
    """Collects remarks; each is kept once."""

    #: A broken object of a million files must not fill the memory with messages: of each code so many are kept.
    LIMIT: Final = 1_000

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Remark] = {}
        self._counted: dict[str, int] = {}

    def add(self, code: str, where: str, template: str, **parameters: object) -> None:
        """Adds a remark."""
        count = self._counted.get(code, 0)
        if count >= self.LIMIT:
            return
        remark = Remark(code=code, where=where, template=template, parameters={name: str(value) for name, value in parameters.items()})
        if (code, remark.message) not in self._kept:
            self._kept[code, remark.message] = remark
            self._counted[code] = count + 1

    def result(self, objects: int = 1) -> Validation:
        """Everything, in the order in which it was found."""
        kept = self._kept.values()
        return Validation(
            errors=tuple(remark for remark in kept if remark.code[0] == "E"),
            warnings=tuple(remark for remark in kept if remark.code[0] == "W"),
            objects=objects,
        )
