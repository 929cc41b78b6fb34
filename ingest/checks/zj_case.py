"""A case of the Zhejiang service affairs as its package holds it: what the checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from metadata.service_affairs import CONFIGURATION, DESCRIPTION, Document, Material
from repository.findings import Finding
from repository.recordkeeping.dates import Moment, read_moment
from repository.recordkeeping.retention import Retention, parse_retention

_CLASS_NAMES: Final = frozenset({"securityclassification", "security_classification", "secretlevel", "securitylevel", "security", "secret"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case as its package holds it.

    Args:
        name: name of its folder or archive.
        where: what stands before paths in messages: empty, or the nested case's name and ``/``.
        documents: the three documents that could be read, by kind.
        paths: where each of them lies, as the sender knows it.
        files: size in bytes of every other file, by path below the case.
    """

    name: str
    where: str
    documents: Mapping[str, Document]
    paths: Mapping[str, str]
    files: Mapping[str, int]

    @property
    def materials(self) -> tuple[Material, ...]:
        """What the configuration asks for."""
        document = self.documents.get(CONFIGURATION)
        return document.materials if document else ()

    def text(self, name: str, kind: str = DESCRIPTION) -> str:
        """Text of an element of one of the documents, or empty."""
        document = self.documents.get(kind)
        return document.text(name) if document else ""

    def moment(self, name: str) -> Moment:
        """A time of the description."""
        return read_moment(self.text(name))

    @property
    def retention(self) -> Retention | None:
        """The period that the case has, where it means something."""
        return parse_retention(self.text("retentionperiod") or self.text("retentionperio"))

    @property
    def year(self) -> int:
        """The year in which the case was finished, or the next best; 0 where none can be known."""
        return next((year for name in ("transacttime", "receivetime", "archivetime") if (year := self.moment(name).year)), 0)

    def classification(self) -> tuple[str, str] | None:
        """Path and text of 密级, in whichever document it stands; None where no document has such an element."""
        for kind, document in self.documents.items():
            for field in document.fields:
                if field.title == "密级" or field.name.lower() in _CLASS_NAMES:
                    return self.paths[kind], field.value
        return None


def coded(finding: Finding, standard_code: str) -> Finding:
    """The finding with its code in DA/T 70-2018."""
    return replace(finding, standard_code=standard_code)
