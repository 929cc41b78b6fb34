"""Checks of the materials of a case against the configuration of its affair (归档配置表)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ingest.checks.zj_case import Case, coded
from metadata.service_affairs import CONFIGURATION, DESCRIPTION, Material
from repository.findings import N_, Finding, Property, failure, not_checked, warning

REQUIRED: Final = "必要"
OPTIONAL: Final = "非必要"
ELECTRONIC: Final = "电子归档"
PAPER: Final = "纸质归档"

#: A material file named by our rule: class, number of order, name.
_PREFIXED: Final = re.compile(r"[A-Z]\d{0,2}-\d{3}-(.+)", re.DOTALL)
#: Files that only point to content kept elsewhere (Measures Art. 13: the content itself must be there).
_LINKS: Final = (".url", ".lnk", ".webloc", ".desktop")
#: What must be among the documents of a penalty or coercion case, by affair type: any of the names (浙府法发〔2015〕17号).
CASE_FILE_NORM: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "行政处罚": (("决定书",), ("送达回证", "送达回执")),
    "行政强制": (("决定书",), ("送达回证", "送达回执")),
}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _names(path: str) -> frozenset[str]:
    """The names by which a configuration may mean this file."""
    name = _plain(path.rpartition("/")[2])
    names = {name, name.rpartition(".")[0] or name}
    names |= {match.group(1) for text in list(names) if (match := _PREFIXED.fullmatch(text))}
    return frozenset(names)


def _folder(path: str) -> str:
    return _plain(path.rpartition("/")[0].rpartition("/")[2])


def match_materials(materials: Iterable[Material], files: Iterable[str]) -> dict[Material, list[str]]:
    """The files of each configured material.

    A file belongs to a material when its stem, or its stem without ``<class>-<order>-``, is the material's name, and it lies
    beside the documents, in the folder of the material's range, or in a folder that is no other range's.
    """
    configured = list(materials)
    ranges = {_plain(material.range) for material in configured}
    by_name: dict[str, list[str]] = {}
    for path in files:
        for name in _names(path):
            by_name.setdefault(name, []).append(path)
    return {
        material: [
            path
            for path in by_name.get(_plain(material.name), ())
            if _folder(path) == _plain(material.range) or _folder(path) not in ranges
        ]
        for material in configured
        if material.name
    }


def materials(case: Case) -> Iterator[Finding]:
    """GD-2-9: every necessary material is there; nothing is there that the configuration does not name."""
    if CONFIGURATION not in case.documents:
        return
    found = match_materials(case.materials, case.files)
    for material, paths in found.items():
        if not paths:
            yield from _absent(case, material)
        for path in paths:
            if _folder(path) not in {"", _plain(material.range)}:
                finding = warning(
                    "MATERIAL_MISPLACED",
                    Property.INTEGRITY,
                    f"{case.where}{path}",
                    N_("{subject} belongs to the filing range “{range}” but lies in a folder that is named otherwise."),
                    N_("Nothing is lost. Ask the maker of the exporter to name folders after the filing ranges."),
                    range=material.range,
                )
                yield coded(finding, "GD-1-13")
    known = {path for paths in found.values() for path in paths}
    for path in case.files:
        if path not in known:
            finding = warning(
                "MATERIAL_NOT_CONFIGURED",
                Property.INTEGRITY,
                f"{case.where}{path}",
                N_("{subject} is no material that the configuration of this affair names."),
                N_("It is kept. Ask the sending unit whether it belongs to the case and whether the configuration is complete."),
            )
            yield coded(finding, "GD-2-9")


def _absent(case: Case, material: Material) -> Iterator[Finding]:
    path = case.paths[CONFIGURATION]
    if material.need not in {REQUIRED, OPTIONAL} or (material.need == REQUIRED and material.medium not in {ELECTRONIC, PAPER}):
        yield coded(
            not_checked(
                "MATERIAL_RULE_UNKNOWN",
                Property.INTEGRITY,
                path,
                N_("{subject}: whether the absent material “{material}” may be absent was not checked: its rule is “{need}”, “{medium}”."),
                N_("The rule must be 必要 or 非必要, and 电子归档 or 纸质归档. Ask the sending unit."),
                material=material.name,
                need=material.need,
                medium=material.medium,
            ),
            "GD-2-9",
        )
    elif material.need == REQUIRED and material.medium == ELECTRONIC:
        yield coded(
            failure(
                "MATERIAL_MISSING",
                Property.INTEGRITY,
                f"{case.where}{material.name}",
                N_("The material “{material}” ({range}) is missing: {document} says that it is necessary and archived as a file."),
                N_("Add the file, named “{material}” with its extension, and send the package again."),
                material=material.name,
                range=material.range,
                document=path,
            ),
            "GD-2-9",
        )
    elif material.need == REQUIRED:
        yield coded(
            warning(
                "MATERIAL_ON_PAPER",
                Property.INTEGRITY,
                f"{case.where}{material.name}",
                N_("The material “{material}” ({range}) is archived on paper; the package has no file of it."),
                N_("Note where the paper is kept."),
                material=material.name,
                range=material.range,
            ),
            "GD-2-9",
        )


def case_file_norm(case: Case) -> Iterator[Finding]:
    """GD-2-8: a penalty or coercion case has its decision and the proof that it was served (Measures Art. 12)."""
    kind = case.text("eventtype") or case.text("eventtype", CONFIGURATION)
    # a material on paper is asked for by `materials` and need not be a file here
    on_paper = [material.name for material in case.materials if material.medium == PAPER]
    names = [path.rpartition("/")[2] for path in case.files] + on_paper
    missing_by_rule = {
        material.name for material, paths in match_materials(case.materials, case.files).items() if not paths and material.need == REQUIRED
    }
    for alternatives in CASE_FILE_NORM.get(kind, ()):
        if any(word in name for word in alternatives for name in names):
            continue
        if any(word in name for word in alternatives for name in missing_by_rule):
            continue  # `materials` has said it already
        finding = failure(
            "CASE_FILE_DOCUMENT_MISSING",
            Property.INTEGRITY,
            case.paths.get(DESCRIPTION, case.name),
            N_("{subject}: a case of the type “{kind}” must hold one of: {documents}; none is in the package."),
            N_("Add the document and send the package again."),
            kind=kind,
            documents=", ".join(alternatives),
        )
        yield coded(finding, "GD-2-8")


def contents(case: Case) -> Iterator[Finding]:
    """GD-2-7: no file is empty, and none only points to content kept elsewhere."""
    for path, size in case.files.items():
        if size == 0:
            finding = failure(
                "FILE_EMPTY",
                Property.INTEGRITY,
                f"{case.where}{path}",
                N_("{subject} has no content: 0 bytes."),
                N_("Take the file from the business system again and send the package again."),
            )
            yield coded(finding, "GD-2-7")
        elif path.lower().endswith(_LINKS):
            finding = failure(
                "MATERIAL_IS_LINK",
                Property.INTEGRITY,
                f"{case.where}{path}",
                N_("{subject} is only a link to content kept elsewhere; the file itself must be archived (Measures Art. 13)."),
                N_("Download the file that the link points to and put it in the link's place."),
            )
            yield coded(finding, "GD-2-7")


def check_materials(case: Case) -> Iterable[Finding]:
    """All findings on the materials of a case."""
    return (finding for check in (materials, case_file_norm, contents) for finding in check(case))
