"""metadata.csv and checksum files of a folder: read as streams, whatever the encoding, with what is wrong in them said."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ingest.sip import Declared, PackageTree
from metadata.description import Element
from repository.findings import N_, Finding, Outcome, Property, Severity, failure, not_checked, warning

#: Elements of so many rows go into the description; the file itself is kept whole in any case.
ROWS_DESCRIBED: Final = 1000
#: So many findings of one kind are told one by one; the rest are counted.
NAMED: Final = 100

#: Largest table or checksum file that is read, bytes; one of 10⁵ files is a tenth of it.
LIMIT: Final = 128 * 1024 * 1024

_BLOCK: Final = 1 << 16
_FILENAME: Final = frozenset({"filename", "file", "文件名", "文件名称", "计算机文件名"})
_CHINESE: Final[Mapping[str, str]] = {
    "题名": "title",
    "责任者": "creator",
    "日期": "date",
    "密级": "security",
    "保管期限": "retention",
    "档号": "identifier",
    "电子文件号": "identifier",
    "立档单位名称": "unit",
    "立档单位": "unit",
    "摘要": "description",
    "主题词": "subject",
    "关键词": "subject",
    "语种": "language",
}
_PREFIX: Final = re.compile(r"(?:dc|dcterms)[.:]")
_SECRET: Final = frozenset({"秘密", "机密", "绝密"})
_PACKAGE: Final = frozenset({"", ".", "objects", "data"})


@dataclass(frozen=True, kw_only=True)
class CsvMetadata:
    """What a metadata.csv says.

    Args:
        of_package: values for the whole package, by name without prefix (``title``, ``creator`` …): from the row of the
            package itself, or from the only row there is.
        elements: every cell with text, in order; the scheme names the file the row is about.
        security: the highest 密级 in any row, or empty.
    """

    of_package: Mapping[str, Sequence[str]] = field(default_factory=dict)
    elements: Sequence[Element] = ()
    security: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    line: int
    name: str
    cells: Sequence[tuple[str, str]]


def read_csv(tree: PackageTree, path: str, findings: list[Finding]) -> CsvMetadata | None:
    """Reads a metadata.csv; None where it cannot be read. What is wrong goes into `findings`."""
    if tree.files[path].size > LIMIT:
        findings.append(_too_large(path))
        return None
    encoding = _encoding(tree, path)
    if encoding is None:
        findings.append(
            failure(
                "METADATA_CSV_ENCODING",
                Property.USABILITY,
                path,
                N_("{subject} is text neither in UTF-8 nor in GB18030."),
                N_("Save the table as “CSV UTF-8” and send the package again."),
            )
        )
        return None
    if encoding == "gb18030":
        findings.append(
            warning(
                "METADATA_CSV_NOT_UTF8",
                Property.USABILITY,
                path,
                N_("{subject} is not in UTF-8; it was read as GB18030."),
                N_("Make sure that the names and titles are shown rightly. Save such tables as “CSV UTF-8” from now on."),
            )
        )
    try:
        with tree.open(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            return _understand(tree, path, _rows(text, path, findings), findings)
    except csv.Error as error:
        findings.append(_broken(path, str(error)))
    return None


def _too_large(path: str) -> Finding:
    return failure(
        "METADATA_FILE_TOO_LARGE",
        Property.SAFETY,
        path,
        N_("{subject} is larger than {limit} bytes, the most that is read of such a file."),
        N_("Check that this is the right file; a table of a hundred thousand files is a tenth of that."),
        limit=LIMIT,
    )


def _encoding(tree: PackageTree, path: str) -> str | None:
    with tree.open(path) as stream:
        head = stream.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates: tuple[str, ...] = ("utf-16",)
    else:
        candidates = ("utf-8-sig", "gb18030")
    return next((encoding for encoding in candidates if _decodes(tree, path, encoding)), None)


def _decodes(tree: PackageTree, path: str, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with tree.open(path) as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _broken(path: str, reason: str, line: int | str = "?") -> Finding:
    return failure(
        "METADATA_CSV_BROKEN",
        Property.USABILITY,
        path,
        N_("{subject} is no table that can be read, line {line}: {reason}."),
        N_("Open the table, correct the line (quotation marks and commas above all), save it as “CSV UTF-8” and send the package again."),
        line=line,
        reason=reason,
    )


def _rows(text: io.TextIOWrapper, path: str, findings: list[Finding]) -> Iterator[_Row]:
    head = text.read(_BLOCK)
    text.seek(0)
    if "\0" in head:
        findings.append(_broken(path, "it holds bytes of value zero, as no text does"))
        return
    first = head.partition("\n")[0]
    delimiter = max(",;\t，", key=first.count) if first else ","
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    line = 1
    try:
        header = [cell.strip() for cell in next(reader, [])]
        names = [_column(cell) for cell in header]
        if not any(header) or not ("filename" in names or set(names) & {"title", "identifier"}):
            findings.append(_header(path, header))
            return
        at = names.index("filename") if "filename" in names else None
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                    findings.append(_broken(path, f"{len(cells)} columns where the first line has {len(header)}", line))
                elif at is not None and len(cells) <= at:
                    findings.append(_broken(path, "the column with the file name is missing", line))
                else:
                    pairs = [(header[i], cell.strip()) for i, cell in enumerate(cells[: len(header)]) if i != at and cell.strip()]
                    yield _Row(line=line, name="" if at is None else cells[at].strip(), cells=pairs)
            line = reader.line_num + 1
    except csv.Error as error:
        findings.append(_broken(path, str(error), line))


def _column(header: str) -> str:
    plain = header.strip().lower()
    if plain in _FILENAME:
        return "filename"
    return _CHINESE.get(plain) or _PREFIX.sub("", plain, count=1)


def _header(path: str, header: Sequence[str]) -> Finding:
    return failure(
        "METADATA_CSV_HEADER",
        Property.USABILITY,
        path,
        N_("{subject}: the first line must name the columns, one of them “filename”; it is: {header}."),
        N_("Put the names of the columns in the first line: filename, dc.title, dc.creator, dc.date …"),
        header=", ".join(header)[:200] or "-",
    )


def _understand(tree: PackageTree, path: str, rows: Iterable[_Row], findings: list[Finding]) -> CsvMetadata:
    known = _Names(tree)
    missing, repeated = _Counted(path), _Counted(path)
    described: list[_Row] = []
    whole: list[_Row] = []
    first_line: dict[str, int] = {}
    count = 0
    security = ""
    for row in rows:
        count += 1
        if len(described) < ROWS_DESCRIBED:
            described.append(row)
        if row.name.rstrip("/") in _PACKAGE:
            whole.append(row)
        elif known.find(row.name) is None:
            missing.add(_missing(path, row))
        elif row.name in first_line:
            repeated.add(_repeated(path, row, first_line[row.name]))
        first_line.setdefault(row.name, row.line)
        levels = (value.split("★")[0].strip() for header, value in row.cells if _column(header) == "security")
        security = next((level for level in levels if level in _SECRET or not security), security)
    findings += [*missing.findings(), *repeated.findings()]
    if count > ROWS_DESCRIBED:
        findings.append(
            Finding(
                code="METADATA_CSV_LONG",
                property=Property.INTEGRITY,
                severity=Severity.INFO,
                outcome=Outcome.PASS,
                subject=path,
                message=N_("{subject} has {count} rows; the first {described} are in the description, all of them in the file itself."),
                parameters={"count": str(count), "described": str(ROWS_DESCRIBED)},
            )
        )
    of_package: dict[str, list[str]] = {}
    for row in whole or (described if count == 1 else []):
        for header, value in row.cells:
            of_package.setdefault(_column(header), []).append(value)
    return CsvMetadata(
        of_package=of_package,
        elements=[
            Element(scheme=f"{path}/{row.name}" if row.name else path, name=header, value=value)
            for row in described
            for header, value in row.cells
        ],
        security=security,
    )


class _Counted:
    """Findings of one kind: the first ones told one by one, the others counted."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._named: list[Finding] = []
        self._count = 0

    def add(self, finding: Finding) -> None:
        self._count += 1
        if self._count <= NAMED:
            self._named.append(finding)

    def findings(self) -> list[Finding]:
        if self._count <= NAMED:
            return self._named
        message = N_("{subject}: the same is so for {count} more lines.")
        rest = replace(self._named[-1], subject=self._path, message=message, parameters={"count": str(self._count - NAMED)})
        return [*self._named, rest]


def _missing(path: str, row: _Row) -> Finding:
    return failure(
        "METADATA_CSV_FILE_MISSING",
        Property.INTEGRITY,
        path,
        N_("{subject}, line {line}: it describes “{name}”, which is missing in the package."),
        N_("Add the file, or remove the line, and send the package again."),
        line=row.line,
        name=row.name,
    )


def _repeated(path: str, row: _Row, first: int) -> Finding:
    return warning(
        "METADATA_CSV_FILE_TWICE",
        Property.AUTHENTICITY,
        path,
        N_("{subject}, line {line}: “{name}” was described in line {first} already; both descriptions are kept."),
        N_("Ask the sender which one is right."),
        line=row.line,
        name=row.name,
        first=first,
    )


class _Names:
    """Finds the file or folder that a name in a table means: with or without ``objects/``, in any Unicode form, with either slash."""

    def __init__(self, tree: PackageTree) -> None:
        self._paths = {self._plain(path): path for path in tree.files}
        self._folders = {parent for path in self._paths for parent in _parents(path)} | {self._plain(path) for path in tree.folders}

    @staticmethod
    def _plain(name: str) -> str:
        return unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./").rstrip("/")

    def find(self, name: str) -> str | None:
        """The path meant, of a file or a folder, or None."""
        plain = self._plain(name)
        for candidate in (
            plain,
            f"objects/{plain}",
            plain.removeprefix("objects/"),
            plain.removeprefix("../"),
            plain.removeprefix("../objects/"),
        ):
            if candidate in self._paths:
                return self._paths[candidate]
            if candidate in self._folders:
                return candidate
        return None


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


_GNU: Final = re.compile(r"(\\?)([0-9A-Fa-f]{32,128}) [ *](.+)", re.DOTALL)
_BSD: Final = re.compile(r"\w+ \((.+)\) = ([0-9A-Fa-f]{32,128})", re.DOTALL)
_LENGTHS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


def read_checksums(tree: PackageTree, path: str, algorithm: str, findings: list[Finding]) -> list[Declared]:
    """Reads a checksum file as md5sum and its kin write it, or as BSD does; lines that say nothing become findings."""
    if tree.files[path].size > LIMIT:
        findings.append(_too_large(path))
        return []
    known = _Names(tree)
    has_objects = any(name.startswith("objects/") for name in tree.files)
    encoding = _encoding(tree, path) or "latin-1"
    declared: list[Declared] = []
    unread = _Counted(path)
    with tree.open(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="\n") as text:
        for number, line in enumerate(text, start=1):
            plain = line.rstrip("\r\n")
            if not plain.strip() or plain.startswith("#"):
                continue
            digest, name = _checksum(plain)
            if len(digest) != _LENGTHS[algorithm]:
                unread.add(_line_unread(path, number, algorithm))
                continue
            target = known.find(name) or (f"objects/{name}" if has_objects and not name.startswith("objects/") else name)
            declared.append(Declared(path=target, source=path, algorithm=algorithm, digest=digest.lower()))
    findings += unread.findings()
    return declared


def _checksum(line: str) -> tuple[str, str]:
    match = _GNU.fullmatch(line)
    if match:
        name = match.group(3)
        if match.group(1):
            name = re.sub(r"\\([\\nr])", lambda escape: {"\\": "\\", "n": "\n", "r": "\r"}[escape.group(1)], name)
        return match.group(2), name
    match = _BSD.fullmatch(line)
    return (match.group(2), match.group(1)) if match else ("", "")


def _line_unread(path: str, line: int, algorithm: str) -> Finding:
    return not_checked(
        "CHECKSUM_LINE_UNREADABLE",
        Property.INTEGRITY,
        path,
        N_("{subject}, line {line}: it holds no {algorithm} checksum with a file name; nothing was checked by it."),
        N_("Have the checksum file made again."),
        line=line,
        algorithm=algorithm,
    )
