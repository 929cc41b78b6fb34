"""The structural map of an E-ARK package (CSIP80–CSIP119)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from metadata.eark import violations as rules
from metadata.eark.violations import Level, Report
from metadata.mets import reader as mets
from metadata.mets.values import path_of
from metadata.mets.writer import XLINK_NAMESPACE

_TITLE: Final = f"{{{XLINK_NAMESPACE}}}title"
_LINK_TYPE: Final = f"{{{XLINK_NAMESPACE}}}type"
#: Label of a division, the requirements for its presence, identifier, label, file pointers and their targets.
_DIVISIONS: Final = (
    ("Documentation", "CSIP93", "CSIP94", "CSIP95", "CSIP96", "CSIP116"),
    ("Schemas", "CSIP97", "CSIP98", "CSIP99", "CSIP100", "CSIP118"),
    ("Representations", "CSIP101", "CSIP102", "CSIP103", "CSIP104", "CSIP119"),
)


class Group(NamedTuple):
    """A file group as the map sees it: xml:id and USE."""

    identifier: str
    use: str


def check_structure_maps(
    report: Report,
    path: str,
    maps: Sequence[mets.StructureMap],
    *,
    objid: str,
    groups: Sequence[Group],
    descriptive: Sequence[str],
    administrative: Sequence[str],
    exists: Callable[[str], bool],
    is_root: bool,
) -> None:
    """Notes what is wrong with the structural maps of one document.

    Args:
        objid: OBJID of the document.
        groups: its file groups.
        descriptive: xml:ids of its dmdSec.
        administrative: xml:ids of the parts of its amdSec.
        exists: whether a path that the document names is a file of the package.
        is_root: whether it is the package's own document; the divisions for documentation, schemas and representations are its.
    """
    check = _Check(report, path)
    if not maps:
        check.must("CSIP80", rules.MISSING, place="mets/structMap")
        return
    labelled = [one for one in maps if one.attributes.get("LABEL") == "CSIP"]
    if not labelled:
        check.must("CSIP82", rules.MISSING, place="mets/structMap[@LABEL='CSIP']")
    for one in labelled or maps[:1]:
        kind = one.attributes.get("TYPE")
        if kind != "PHYSICAL":
            message = rules.MISSING if kind is None else rules.VALUE
            check.must("CSIP81", message, place="mets/structMap/@TYPE", actual=kind, expected="PHYSICAL")
        if not one.attributes.get("ID"):
            check.must("CSIP83", rules.MISSING, place="mets/structMap/@ID")
        if len(one.divisions) != 1:
            check.must("CSIP84", rules.COUNT, place="mets/structMap/div", actual=len(one.divisions), expected=1)
        for main in one.divisions[:1]:
            check.main(main, objid)
            check.metadata(main, descriptive, administrative, {group.identifier for group in groups})
            if is_root:
                check.file_divisions(main, groups)
                check.representations(main, groups, exists)


class _Check:
    """Where the violations of one document go."""

    def __init__(self, report: Report, path: str) -> None:
        self._report = report
        self._path = path

    def must(self, code: str, message: str, **parameters: object) -> None:
        self._report.add(code, Level.MUST, self._path, message, **parameters)

    def should(self, code: str, message: str, **parameters: object) -> None:
        self._report.add(code, Level.SHOULD, self._path, message, **parameters)

    def main(self, main: mets.Division, objid: str) -> None:
        if not main.attributes.get("ID"):
            self.must("CSIP85", rules.MISSING, place="mets/structMap/div/@ID")
        label = main.attributes.get("LABEL")
        if not label:
            self.must("CSIP86", rules.MISSING, place="mets/structMap/div/@LABEL")
        elif label != objid:
            self.should("CSIP86", rules.VALUE, place="mets/structMap/div/@LABEL", actual=label, expected=objid)

    def metadata(self, main: mets.Division, descriptive: Sequence[str], administrative: Sequence[str], groups: set[str]) -> None:
        place = "mets/structMap/div/div[@LABEL='Metadata']"
        found = [division for division in main.divisions if division.attributes.get("LABEL") == "Metadata"]
        if len(found) != 1:
            for code in ("CSIP88", "CSIP90"):
                self.must(code, rules.COUNT, place=place, actual=len(found), expected=1)
        for division in found[:1]:
            if not division.attributes.get("ID"):
                self.must("CSIP89", rules.MISSING, place=f"{place}/@ID")
            for code, name, known in (("CSIP91", "ADMID", administrative), ("CSIP92", "DMDID", descriptive)):
                given = division.attributes.get(name, "").split()
                for identifier in filter(None, known):
                    if identifier not in given:
                        self.should(code, rules.VALUE, place=f"{place}/@{name}", actual=" ".join(given), expected=identifier)
                for identifier in given:
                    if identifier not in known:
                        self.should(code, rules.TARGET, place=f"{place}/@{name}", actual=identifier)
                        if identifier in groups:
                            # a group listed among metadata sections: the link that CSIP61 wants on the group, the wrong way round
                            self.should("CSIP61", rules.TARGET, place=f"{place}/@{name}", actual=identifier)

    def file_divisions(self, main: mets.Division, groups: Sequence[Group]) -> None:
        everywhere = [pointer for division in _below(main) for pointer in division.pointers]
        pointed = {pointer.attributes.get("FILEID" if pointer.kind == "fptr" else _TITLE, "") for pointer in everywhere}
        for label, code, code_id, code_label, code_pointers, code_target in _DIVISIONS:
            place = f"mets/structMap/div/div[@LABEL='{label}']"
            members = {group.identifier for group in groups if group.use.split("/")[0] == label and group.identifier}
            found = [division for division in main.divisions if division.attributes.get("LABEL") == label]
            if members and not found and not members <= pointed:
                self.should(code, rules.MISSING, place=place)
            if len(found) > 1:
                self.must(code_label, rules.COUNT, place=place, actual=len(found), expected=1)
            for identifier in sorted(members - pointed):
                for number in (code_pointers, code_target):
                    self.must(number, rules.UNPOINTED, place=f"{place}/fptr/@FILEID", actual=identifier)
            others = {group.identifier for group in groups} - members
            for division in found:
                if not division.attributes.get("ID"):
                    self.must(code_id, rules.MISSING, place=f"{place}/@ID")
                for pointer in division.pointers:
                    self.file_pointer(pointer, place, members, others, (code_pointers, code_target))

    def file_pointer(self, pointer: mets.Pointer, place: str, members: set[str], others: set[str], codes: tuple[str, str]) -> None:
        if pointer.kind != "fptr":
            return
        target = pointer.attributes.get("FILEID")
        if not target:
            self.must(codes[1], rules.MISSING, place=f"{place}/fptr/@FILEID")
        elif target in others:
            for code in codes:
                self.must(code, rules.VALUE, place=f"{place}/fptr/@FILEID", actual=target, expected=", ".join(sorted(members)))

    def representations(self, main: mets.Division, groups: Sequence[Group], exists: Callable[[str], bool]) -> None:
        identifiers = {group.identifier for group in groups if group.use.startswith("Representations")}
        for division in _below(main):
            pointers = [pointer for pointer in division.pointers if pointer.kind == "mptr"]
            label = division.attributes.get("LABEL", "")
            named = label.casefold().startswith("representations/")
            if not named and not pointers:
                continue
            place = f"mets/structMap/div/div[@LABEL='{label}']"
            if not division.attributes.get("ID"):
                self.must("CSIP106", rules.MISSING, place=f"{place}/@ID")
            if pointers and not named and label != "Representations":
                self.must("CSIP107", rules.VALUE, place="mets/structMap/div/div/@LABEL", actual=label, expected="Representations/…")
            if len(pointers) != 1 and not division.divisions and not any(pointer.kind == "fptr" for pointer in division.pointers):
                self.must("CSIP109", rules.COUNT, place=f"{place}/mptr", actual=len(pointers), expected=1)
            for pointer in pointers:
                self.pointer(pointer, f"{place}/mptr", identifiers, exists)

    def pointer(self, pointer: mets.Pointer, place: str, identifiers: set[str], exists: Callable[[str], bool]) -> None:
        attributes = pointer.attributes
        title = attributes.get(_TITLE)
        if not title:
            self.must("CSIP108", rules.MISSING, place=f"{place}/@xlink:title")
        elif identifiers and title not in identifiers:
            self.must("CSIP108", rules.TARGET, place=f"{place}/@xlink:title", actual=title)
        address = attributes.get(mets.HREF)
        if not address:
            self.must("CSIP110", rules.MISSING, place=f"{place}/@xlink:href")
        elif not exists(path_of(address)):
            self.must("CSIP110", rules.TARGET, place=f"{place}/@xlink:href", actual=address)
        for code, name, label, expected in (
            ("CSIP111", _LINK_TYPE, "xlink:type", "simple"),
            ("CSIP112", "LOCTYPE", "LOCTYPE", "URL"),
        ):
            actual = attributes.get(name)
            if actual != expected:
                message = rules.MISSING if actual is None else rules.VALUE
                self.must(code, message, place=f"{place}/@{label}", actual=actual, expected=expected)


def _below(division: mets.Division) -> Iterator[mets.Division]:
    for below in division.divisions:
        yield below
        yield from _below(below)
