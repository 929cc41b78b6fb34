"""One METS document of an E-ARK package (CSIP 2.1 chapter 5, SIP 2.1 chapter 5): root, header, metadata sections, files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from metadata.eark import violations as rules
from metadata.eark.header import check_header, check_root, is_submission
from metadata.eark.structmap import Group, check_structure_maps
from metadata.eark.violations import Level, PackageView, Report
from metadata.mets import reader as mets
from metadata.mets.values import path_of
from metadata.mets.writer import CSIP_NAMESPACE, XLINK_NAMESPACE
from metadata.times import parse_moment
from metadata.vocabularies import CHECKSUM_TYPES, CONTENT_INFORMATION_TYPES, MDTYPES, SECTION_STATUSES

_MIME: Final = re.compile(r"(application|audio|font|haptics|image|message|model|multipart|text|video)/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")
_SIP: Final = "{https://DILCIS.eu/XML/METS/SIPExtensionMETS}"
_LINK_TYPE: Final = f"{{{XLINK_NAMESPACE}}}type"
_INFORMATION_TYPE: Final = f"{{{CSIP_NAMESPACE}}}CONTENTINFORMATIONTYPE"
_OTHER_INFORMATION_TYPE: Final = f"{{{CSIP_NAMESPACE}}}OTHERCONTENTINFORMATIONTYPE"
#: Largest file that is looked at for changed line ends, bytes.
_TEXT_LIMIT: Final = 4 * 1024 * 1024


class _Codes(NamedTuple):
    """The requirement for each property of a reference to a file, for one kind of element."""

    locator: str
    link: str
    address: str
    type: str
    mime: str
    size: str
    created: str
    digest: str
    algorithm: str


def _codes(first: int) -> _Codes:
    return _Codes(*(f"CSIP{number}" for number in range(first, first + 9)))


_REFERENCES: Final = {"dmdSec": _codes(22), "digiprovMD": _codes(36), "rightsMD": _codes(49)}
_FILE: Final = _Codes("CSIP77", "CSIP78", "CSIP79", "", "CSIP68", "CSIP69", "CSIP70", "CSIP71", "CSIP72")
#: Identifier, status and reference of each kind of section.
_SECTION: Final = {
    "dmdSec": ("CSIP18", "CSIP20", "CSIP21"),
    "digiprovMD": ("CSIP33", "CSIP34", "CSIP35"),
    "rightsMD": ("CSIP46", "CSIP47", "CSIP48"),
}


def check_document(view: PackageView, path: str, report: Report, *, now: datetime) -> None:
    """Checks the METS document at `path`.

    Raises:
        MetadataError: the document cannot be read as XML.
    """
    _Document(view, path, report, now).check()


class _Document:
    """What is remembered of one document while its parts go by."""

    def __init__(self, view: PackageView, path: str, report: Report, now: datetime) -> None:
        self.view = view
        self.path = path
        self.report = report
        self.now = now
        self.folder = path.rpartition("/")[0]
        self.is_root = not self.folder
        self.root: mets.Root | None = None
        self.submission = False
        self.header = False
        self.sections: dict[str, int] = {}
        self.administrative_sections = 0
        self.descriptive_ids: list[str] = []
        self.administrative_ids: list[str] = []
        self.described: set[str] = set()
        self.preserved: set[str] = set()
        self.groups: list[Group] = []
        self.file_section = False
        self.maps: list[mets.StructureMap] = []
        self.folded: dict[str, str] | None = None

    def must(self, code: str, message: str, **parameters: object) -> None:
        self.report.add(code, Level.MUST, self.path, message, **parameters)

    def should(self, code: str, message: str, **parameters: object) -> None:
        self.report.add(code, Level.SHOULD, self.path, message, **parameters)

    def may(self, code: str, message: str, **parameters: object) -> None:
        self.report.add(code, Level.MAY, self.path, message, **parameters)

    def check(self) -> None:
        with self.view.open(self.path) as stream:
            for part in mets.MetsReader(stream, self.path):
                self._part(part)
        root = self.root
        if root is None:
            return
        if not self.header:
            self.must("CSIP117", rules.MISSING, place="mets/metsHdr")
        self._sections_present()
        if not self.file_section:
            self.should("CSIP58", rules.MISSING, place="mets/fileSec")
        else:
            self._groups_present()
        check_structure_maps(
            self.report,
            self.path,
            self.maps,
            objid=root.attributes.get("OBJID", ""),
            groups=self.groups,
            descriptive=self.descriptive_ids,
            administrative=self.administrative_ids,
            exists=lambda target: self.resolve(target) in self.view.sizes,
            is_root=self.is_root,
        )

    def _part(self, part: mets.Part) -> None:
        if isinstance(part, mets.FileItem):
            self._file(part)
        elif isinstance(part, mets.Root):
            self.root = part
            self.submission = is_submission(part)
            name = self.view.name if self.is_root else self.folder.rpartition("/")[2]
            check_root(self.report, self.path, part, name=name, is_root=self.is_root)
        elif isinstance(part, mets.Header):
            self.header = True
            root = self.root
            if root is not None:
                check_header(self.report, self.path, part, root, now=self.now, is_root=self.is_root)
        elif isinstance(part, mets.Section):
            self._section(part)
        elif isinstance(part, mets.AdministrativeSection):
            self.administrative_sections += 1
        elif isinstance(part, mets.Group):
            self._group(part)
        elif isinstance(part, mets.FileSection):
            self.file_section = True
            if not part.attributes.get("ID"):
                self.must("CSIP59", rules.MISSING, place="mets/fileSec/@ID")
        else:
            self.maps.append(part)

    def resolve(self, target: str) -> str:
        """The path in the package that a reference of this document means."""
        joined = f"{self.folder}/{target}" if self.folder else target
        parts: list[str] = []
        for part in joined.split("/"):
            if part == ".." and parts:
                parts.pop()
            elif part not in (".", ""):
                parts.append(part)
        return "/".join(parts)

    def _section(self, section: mets.Section) -> None:
        kind = section.kind
        self.sections[kind] = self.sections.get(kind, 0) + 1
        identifier = section.attributes.get("ID", "")
        if kind == "dmdSec":
            self.descriptive_ids.append(identifier)
        else:
            self.administrative_ids.append(identifier)
        if kind not in _SECTION:
            return
        place = f"mets/{'' if kind == 'dmdSec' else 'amdSec/'}{kind}"
        code_id, code_status, code_reference = _SECTION[kind]
        if not identifier:
            self.must(code_id, rules.MISSING, place=f"{place}/@ID")
        if kind == "dmdSec" and not section.attributes.get("CREATED"):
            self.must("CSIP19", rules.MISSING, place=f"{place}/@CREATED")
        status = section.attributes.get("STATUS")
        if status is None:
            self.should(code_status, rules.MISSING, place=f"{place}/@STATUS")
        elif status not in SECTION_STATUSES:
            expected = ", ".join(sorted(SECTION_STATUSES))
            self.must(code_status, rules.VALUE, place=f"{place}/@STATUS", actual=status, expected=expected)
        reference = section.reference
        if reference is None:
            prefix = self.resolve("metadata/descriptive") + "/"
            needed = kind == "dmdSec" and any(file.startswith(prefix) for file in self.view.sizes)
            (self.must if needed else self.should)(code_reference, rules.MISSING, place=f"{place}/mdRef")
            return
        codes = _REFERENCES[kind]
        place += "/mdRef"
        if not reference.get("MDTYPE"):
            self.must(codes.type, rules.MISSING, place=f"{place}/@MDTYPE")
        elif reference["MDTYPE"] not in MDTYPES:
            self.must(codes.type, rules.VALUE, place=f"{place}/@MDTYPE", actual=reference["MDTYPE"], expected="DC, EAD, PREMIS, OTHER …")
        target = self._reference(codes, place, reference, reference)
        if target is not None:
            (self.described if kind == "dmdSec" else self.preserved).add(target)

    def _file(self, item: mets.FileItem) -> None:
        attributes = item.attributes
        place = "mets/fileSec/fileGrp/file"
        if not attributes.get("ID"):
            self.must("CSIP67", rules.MISSING, place=f"{place}/@ID")
        for name, code, known in (("ADMID", "CSIP74", self.administrative_ids), ("DMDID", "CSIP75", self.descriptive_ids)):
            for reference in attributes.get(name, "").split():
                if reference not in known:
                    self.should(code, rules.TARGET, place=f"{place}/@{name}", actual=reference)
        if self.submission:
            self._format_attributes(attributes, place)
        if not item.locations:
            self.must("CSIP76", rules.MISSING, place=f"{place}/FLocat")
            self._reference(_FILE, place, attributes, None)
            return
        if len(item.locations) > 1:
            self.must("CSIP76", rules.COUNT, place=f"{place}/FLocat", actual=len(item.locations), expected=1)
        self._reference(_FILE, place, attributes, item.locations[0], below="/FLocat")

    def _format_attributes(self, attributes: mets.Attributes, place: str) -> None:
        for number, name in enumerate(("FORMATNAME", "FORMATVERSION", "FORMATREGISTRY", "FORMATKEY"), 32):
            value = attributes.get(f"{_SIP}FILE{name}")
            if value is None:
                self.may(f"SIP{number}", rules.MISSING, place=f"{place}/@sip:FILE{name}")
            elif not value.strip():
                self.should(f"SIP{number}", rules.EMPTY, place=f"{place}/@sip:FILE{name}")

    def _reference(self, codes: _Codes, place: str, about: mets.Attributes, link: mets.Attributes | None, *, below: str = "") -> str | None:
        """Checks a reference to a file and gives the path in the package that it means, if that is there."""
        target = self._link(codes, place + below, link) if link is not None else None
        mime = about.get("MIMETYPE")
        if not mime:
            self.must(codes.mime, rules.MISSING, place=f"{place}/@MIMETYPE")
        elif not _MIME.fullmatch(mime):
            self.must(codes.mime, rules.VALUE, place=f"{place}/@MIMETYPE", actual=mime, expected="text/xml, application/pdf …")
        created = about.get("CREATED")
        if not created:
            self.must(codes.created, rules.MISSING, place=f"{place}/@CREATED")
        elif not self._is_past(created):
            self.must(codes.created, rules.VALUE, place=f"{place}/@CREATED", actual=created, expected="2024-05-17T09:30:00Z …")
        changed = self._digest(codes, place, about, target)
        self._size(codes.size, place, about.get("SIZE"), target, changed)
        return target

    def _is_past(self, text: str) -> bool:
        try:
            return parse_moment(text) <= self.now
        except ValueError:
            return False

    def _link(self, codes: _Codes, place: str, link: mets.Attributes) -> str | None:
        locator = link.get("LOCTYPE")
        if locator is None:
            self.must(codes.locator, rules.MISSING, place=f"{place}/@LOCTYPE")
        elif locator != "URL":
            self.must(codes.locator, rules.VALUE, place=f"{place}/@LOCTYPE", actual=locator, expected="URL")
        kind = link.get(_LINK_TYPE)
        if kind is None:
            self.must(codes.link, rules.MISSING, place=f"{place}/@xlink:type")
        elif kind != "simple":
            self.must(codes.link, rules.VALUE, place=f"{place}/@xlink:type", actual=kind, expected="simple")
        address = link.get(mets.HREF)
        if not address:
            self.must(codes.address, rules.MISSING, place=f"{place}/@xlink:href")
            return None
        target = self._existing(address)
        if target in self.view.sizes:
            return target
        if self.folded is None:
            self.folded = {path.casefold(): path for path in self.view.sizes}
        other = self.folded.get(target.replace("\\", "/").casefold())
        if other is not None:
            self.should(codes.address, rules.TARGET_SPELLING, place=f"{place}/@xlink:href", actual=address, expected=other)
            return other
        self.must(codes.address, rules.TARGET, place=f"{place}/@xlink:href", actual=address)
        return None

    def _existing(self, address: str) -> str:
        """The path meant; a name that was not percent-encoded as it should have been is found too."""
        target = self.resolve(path_of(address))
        plain = self.resolve(address)
        return plain if target not in self.view.sizes and plain in self.view.sizes else target

    def _size(self, code: str, place: str, stated: str | None, target: str | None, changed: bool) -> None:
        place = f"{place}/@SIZE"
        if stated is None:
            self.must(code, rules.MISSING, place=place)
        elif not stated.strip().isdecimal():
            self.must(code, rules.VALUE, place=place, actual=stated, expected="123")
        elif target is not None and int(stated) != self.view.sizes[target]:
            if changed:
                self.should(code, rules.LINE_ENDS, place=place, file=target, expected=stated)
                return
            self.must(code, rules.SIZE, place=place, file=target, actual=self.view.sizes[target], expected=stated)

    def _digest(self, codes: _Codes, place: str, about: mets.Attributes, target: str | None) -> bool:
        """Compares digests; true when a difference comes from changed line ends alone."""
        stated = (about.get("CHECKSUM") or "").strip().lower()
        named = about.get("CHECKSUMTYPE")
        if not stated:
            self.must(codes.digest, rules.MISSING, place=f"{place}/@CHECKSUM")
        if not named:
            self.must(codes.algorithm, rules.MISSING, place=f"{place}/@CHECKSUMTYPE")
            return False
        if named not in CHECKSUM_TYPES:
            self.must(codes.algorithm, rules.VALUE, place=f"{place}/@CHECKSUMTYPE", actual=named, expected="SHA-256, SHA-512, MD5 …")
            return False
        if not stated or target is None:
            return False
        algorithm = CHECKSUM_TYPES[named]
        actual = self.view.digest(target, algorithm) if algorithm else None
        place = f"{place}/@CHECKSUM"
        if actual is None:
            self.report.not_checked(codes.digest, self.path, rules.NOT_DIGESTED, file=target, algorithm=named)
        elif actual != stated:
            if self._differs_by_line_ends(target, algorithm, stated):
                self.should(codes.digest, rules.LINE_ENDS, place=place, file=target, expected=stated)
                return True
            self.must(codes.digest, rules.DIGEST, place=place, file=target, algorithm=named, actual=actual, expected=stated)
        return False

    def _differs_by_line_ends(self, target: str, algorithm: str, stated: str) -> bool:
        if self.view.sizes[target] > _TEXT_LIMIT:
            return False
        with self.view.open(target) as stream:
            content = stream.read(_TEXT_LIMIT)
        plain = content.replace(b"\r\n", b"\n")
        return any(hashlib.new(algorithm, text).hexdigest() == stated for text in (plain, plain.replace(b"\n", b"\r\n")))

    def _group(self, part: mets.Group) -> None:
        attributes = part.attributes
        place = "mets/fileSec/fileGrp"
        use = attributes.get("USE", "")
        identifier = attributes.get("ID", "")
        self.groups.append(Group(identifier, use))
        if not use:
            self.must("CSIP64", rules.MISSING, place=f"{place}/@USE")
        if not identifier:
            self.must("CSIP65", rules.MISSING, place=f"{place}/@ID")
        if not part.files and not part.groups:
            self.must("CSIP66", rules.MISSING, place=f"{place}/file")
        for reference in attributes.get("ADMID", "").split():
            if reference not in self.administrative_ids:
                self.should("CSIP61", rules.TARGET, place=f"{place}/@ADMID", actual=reference)
        self._information_type(attributes, use, place)

    def _information_type(self, attributes: mets.Attributes, use: str, place: str) -> None:
        kind = attributes.get(_INFORMATION_TYPE)
        other = attributes.get(_OTHER_INFORMATION_TYPE)
        place_kind, place_other = f"{place}/@csip:CONTENTINFORMATIONTYPE", f"{place}/@csip:OTHERCONTENTINFORMATIONTYPE"
        if kind is None and use.startswith("Representations") and self.is_root:
            self.should("CSIP62", rules.MISSING, place=place_kind)
        elif kind is not None and kind not in CONTENT_INFORMATION_TYPES:
            self.must("CSIP62", rules.VALUE, place=place_kind, actual=kind, expected="MIXED, ERMS, SIARD2, OTHER …")
        if kind == "OTHER" and not (other or "").strip():
            self.must("CSIP63", rules.MISSING if other is None else rules.EMPTY, place=place_other)
        elif other is not None and kind != "OTHER":
            self.must("CSIP63", rules.VALUE, place=place_kind, actual=kind or "", expected="OTHER")
        elif other in CONTENT_INFORMATION_TYPES:
            self.must("CSIP63", rules.VALUE, place=place_other, actual=other, expected="…")

    def _sections_present(self) -> None:
        descriptive = self.resolve("metadata/descriptive") + "/"
        preservation = self.resolve("metadata/preservation") + "/"
        any_descriptive = any(path.startswith(descriptive) for path in self.view.sizes)
        if not self.sections.get("dmdSec") and (self.is_root or any_descriptive):
            (self.must if any_descriptive else self.should)("CSIP17", rules.MISSING, place="mets/dmdSec")
        if not self.administrative_sections:
            self.should("CSIP31", rules.MISSING, place="mets/amdSec")
        elif self.administrative_sections > 1:
            self.must("CSIP31", rules.COUNT, place="mets/amdSec", actual=self.administrative_sections, expected=1)
        files = [path for path in self.view.sizes if path.startswith(preservation)]
        provenance = self.sections.get("digiprovMD", 0)
        if not provenance or not files:
            place = "mets/amdSec/digiprovMD" if not provenance else "metadata/preservation/…"
            self.should("CSIP32", rules.MISSING, place=place)
        for path in files:
            if path not in self.preserved:
                self.must("CSIP32", rules.UNLISTED, file=path, place="mets/amdSec/digiprovMD")

    def _groups_present(self) -> None:
        if not self.is_root:
            return
        for code, use, folder in (("CSIP60", "Documentation", "documentation/"), ("CSIP113", "Schemas", "schemas/")):
            if not any(group.use.split("/")[0] == use for group in self.groups):
                needed = any(path.startswith(folder) for path in self.view.sizes)
                add: Callable[..., None] = self.must if needed else self.should
                add(code, rules.MISSING, place=f"mets/fileSec/fileGrp[@USE='{use}']")
        if not any(group.use.startswith("Representations") for group in self.groups):
            needed = any(path.startswith("representations/") for path in self.view.sizes)
            add = self.must if needed else self.should
            add("CSIP114", rules.MISSING, place="mets/fileSec/fileGrp[starts-with(@USE, 'Representations')]")
