"""BagIt 0.97 and 1.0 (RFC 8493): reading the tag files of a bag, and writing bags.

Reading knows the form of the files and not the payload: what is wrong with a file comes out as `Fault`, all faults at once.
Nothing is ever fetched.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from storage.errors import N_

DECLARATION: Final = "bagit.txt"
INFORMATION: Final = "bag-info.txt"
FETCH: Final = "fetch.txt"
PAYLOAD: Final = "data"

#: Hexadecimal digits of the digests that manifests may have (RFC 8493 §2.4 leaves the list open).
DIGEST_LENGTHS: Final = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "sm3": 64, "blake2b": 128, "blake2s": 64,
    "sha3224": 56, "sha3256": 64, "sha3384": 96, "sha3512": 128, "sha512256": 64, "sha512224": 56,
}  # fmt: skip

# A line longer than this is no line of a tag file: 4 KiB of path, percent-encoded, and a digest.
_LONGEST_LINE: Final = 1 << 16
_MOST_ELEMENTS: Final = 10_000
_MANIFEST: Final = re.compile(r"(tag)?manifest-([^/]+)\.txt")
_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})")
_TEXT_CODECS: Final = re.compile(
    r"ascii|utf-(?:8|16|16-[bl]e|32|32-[bl]e)|iso8859-\d+|cp\d+|gb18030|gbk|gb2312|big5(?:hkscs)?|shift_jis|euc_(?:jp|kr)|koi8-[ru]"
)
_ESCAPE: Final = re.compile("%(0[AaDd]|25)")
_BOM: Final = "\ufeff"


class Fault(NamedTuple):
    """Something wrong with a tag file.

    Args:
        code: stable name.
        path: the tag file.
        template: English message with ``{name}`` places, ``{subject}`` is the tag file.
        remedy: English template.
        fatal: whether the bag is invalid for it.
        parameters: values of the places.
    """

    code: str
    path: str
    template: str
    remedy: str
    fatal: bool
    parameters: dict[str, str]


class Declaration(NamedTuple):
    """What ``bagit.txt`` says (RFC 8493 §2.1.1).

    Args:
        version: major and minor.
        encoding: codec of the other tag files.
    """

    version: tuple[int, int] = (1, 0)
    encoding: str = "utf-8"

    @property
    def strict(self) -> bool:
        """Whether the rules of 1.0 hold, which allow no whitespace around labels and want every file in every manifest."""
        return self.version >= (1, 0)


class Line(NamedTuple):
    """A line of a manifest or of ``fetch.txt``.

    Args:
        value: the digest in lower case, or the address to fetch from.
        path: the path with ``%0A``, ``%0D`` and (from 1.0) ``%25`` decoded.
        written: the path as written.
    """

    value: str
    path: str
    written: str


class Element(NamedTuple):
    """A label and its value in ``bag-info.txt``."""

    label: str
    value: str


def manifest_algorithm(path: str) -> tuple[bool, str] | None:
    """Whether a file at the top of a bag is a manifest: (is it a tag manifest, algorithm as `hashlib` would call it)."""
    match = _MANIFEST.fullmatch(path)
    if match is None:
        return None
    return match[1] is not None, re.sub("[^a-z0-9]", "", match[2].lower())


def hashlib_name(algorithm: str) -> str:
    """The name that `hashlib` has for the algorithm of a manifest: ``sha3256`` is ``sha3_256``."""
    return re.sub(r"\A(sha3|sha512)(224|256|384|512)\Z", r"\1_\2", algorithm)


def read_declaration(stream: BinaryIO, faults: list[Fault]) -> Declaration:
    """Reads ``bagit.txt``, which is UTF-8 without a byte-order mark and has exactly two lines.

    Args:
        stream: the file.
        faults: gets what is wrong.
    """
    raw = stream.read(_LONGEST_LINE)
    text = raw.decode(errors="replace")
    lines = re.split("\r\n|\n|\r", text.removeprefix(_BOM))
    # The version decides how strict the file itself is read, so it is read once to learn it.
    elements = _elements(lines, DECLARATION, strict=False, faults=[])
    values = {element.label: element.value for element in elements}
    version, encoding = (1, 0), "utf-8"
    match = _VERSION.fullmatch(values.get("BagIt-Version", ""))
    if match:
        version = int(match[1]), int(match[2])
    strict = version >= (1, 0)
    _elements(lines, DECLARATION, strict=strict, faults=faults)
    if text.startswith(_BOM):
        faults.append(_declared(N_("“{subject}” begins with a byte-order mark, which is not allowed."), fatal=True))
    if "\ufffd" in text:
        faults.append(_declared(N_("“{subject}” is not UTF-8."), fatal=True))
    if [element.label for element in elements] != ["BagIt-Version", "Tag-File-Character-Encoding"]:
        missing = {"BagIt-Version", "Tag-File-Character-Encoding"} - values.keys()
        template = N_("“{subject}” must have exactly two lines, BagIt-Version and Tag-File-Character-Encoding.")
        faults.append(_declared(template, fatal=strict or bool(missing)))
    if "BagIt-Version" in values and (match is None or not (0, 93) <= version <= (1, 0)):
        template = N_("“{subject}” declares BagIt version “{version}”; 0.93 to 1.0 can be read.")
        faults.append(_declared(template, fatal=True, version=values["BagIt-Version"]))
    declared = values.get("Tag-File-Character-Encoding", "UTF-8")
    codec = _codec(declared)
    if codec is None:
        faults.append(_declared(N_("“{subject}” declares an unknown character encoding: “{encoding}”."), fatal=True, encoding=declared))
    else:
        encoding = codec
    return Declaration(version, encoding)


def read_elements(stream: BinaryIO, path: str, declaration: Declaration, faults: list[Fault]) -> list[Element]:
    """Reads ``bag-info.txt``: labels and values, continued lines put together (RFC 8493 §2.2.2).

    Args:
        stream: the file.
        path: its name, for faults.
        declaration: what the bag declares.
        faults: gets what is wrong.
    """
    return _elements(_lines(stream, path, declaration, faults), path, strict=declaration.strict, faults=faults)


def read_manifest(stream: BinaryIO, path: str, declaration: Declaration, algorithm: str, faults: list[Fault]) -> Iterator[Line]:
    """Reads a manifest line by line (RFC 8493 §2.1.3).

    Args:
        stream: the file.
        path: its name, for faults.
        declaration: what the bag declares.
        algorithm: as `manifest_algorithm` gives it.
        faults: gets what is wrong.
    """
    length = DIGEST_LENGTHS.get(algorithm)
    for number, line in enumerate(_lines(stream, path, declaration, faults), 1):
        if not line.strip():
            continue
        parts = line.strip("\r\n").split(None, 1)
        digest = parts[0].lower()
        if len(parts) < 2 or not re.fullmatch("[0-9a-f]+", digest) or (length is not None and len(digest) != length):
            faults.append(
                Fault(
                    "MANIFEST_LINE_MALFORMED",
                    path,
                    N_("Line {line} of “{subject}” is not a digest of {algorithm} and a path: “{text}”."),
                    N_("Make the manifest again from the files."),
                    True,
                    {"line": str(number), "algorithm": algorithm, "text": line[:120]},
                )
            )
            continue
        yield Line(digest, _path(parts[1], declaration), parts[1])


def read_fetch(stream: BinaryIO, declaration: Declaration, faults: list[Fault]) -> Iterator[Line]:
    """Reads ``fetch.txt``: address, length or ``-``, path (RFC 8493 §2.2.3). Nothing is fetched.

    Args:
        stream: the file.
        declaration: what the bag declares.
        faults: gets what is wrong.
    """
    for number, line in enumerate(_lines(stream, FETCH, declaration, faults), 1):
        if not line.strip():
            continue
        parts = line.strip("\r\n").split(None, 2)
        if len(parts) < 3 or not re.fullmatch(r"-|\d+", parts[1]):
            faults.append(
                Fault(
                    "BAGIT_FETCH_MALFORMED",
                    FETCH,
                    N_("Line {line} of “{subject}” is not an address, a length and a path: “{text}”."),
                    N_("Put the files into the bag and leave fetch.txt out."),
                    True,
                    {"line": str(number), "text": line[:120]},
                )
            )
            continue
        yield Line(parts[0], _path(parts[2], declaration), parts[2])


def _declared(template: str, *, fatal: bool, **parameters: str) -> Fault:
    remedy = N_("bagit.txt has two lines: “BagIt-Version: 1.0” and “Tag-File-Character-Encoding: UTF-8”.")
    return Fault("BAGIT_DECLARATION", DECLARATION, template, remedy, fatal, parameters)


def _codec(name: str) -> str | None:
    # Only encodings of text: Python also has codecs that unpack or run something.
    try:
        codec = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    return codec if _TEXT_CODECS.fullmatch(codec) else None


def _path(written: str, declaration: Declaration) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1].upper()
        # Before 1.0 a percent sign stood for itself.
        return {"0A": "\n", "0D": "\r"}.get(code) or ("%" if declaration.strict else match[0])

    return _ESCAPE.sub(character, written)


def _elements(lines: Iterator[str] | list[str], path: str, *, strict: bool, faults: list[Fault]) -> list[Element]:
    found: list[Element] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if line[0] in " \t" and found:
            last = found.pop()
            found.append(Element(last.label, f"{last.value} {line.strip()}"))
            continue
        label, colon, value = line.partition(":")
        if not colon or not label.strip():
            faults.append(_malformed(path, number, line, N_("Line {line} of “{subject}” is not a label, a colon and a value: “{text}”.")))
            continue
        if strict and (label != label.strip() or (value and value[0] not in " \t")):
            faults.append(
                _malformed(path, number, line, N_("Line {line} of “{subject}” has the wrong whitespace around its colon: “{text}”."))
            )
        if len(found) >= _MOST_ELEMENTS:
            faults.append(_malformed(path, number, line, N_("“{subject}” has too many lines; reading ended at line {line}: “{text}”.")))
            break
        found.append(Element(label.strip(), value.strip()))
    return found


def _malformed(path: str, number: int, line: str, template: str, **parameters: object) -> Fault:
    code = "BAGIT_DECLARATION" if path == DECLARATION else "BAGIT_TAG_FILE_MALFORMED"
    remedy = N_("Write every line as “Label: value”, and begin continued lines with a space.")
    values = {"line": number, "text": line[:120], **parameters}
    return Fault(code, path, template, remedy, True, {name: str(value) for name, value in values.items()})


def _lines(stream: BinaryIO, path: str, declaration: Declaration, faults: list[Fault]) -> Iterator[str]:
    """Lines ended by LF, CR or CRLF and by nothing else; the text reader of Python's universal newlines does just that."""
    encoding = declaration.encoding
    head = stream.read(4)
    stream.seek(0)
    if encoding in ("utf-16", "utf-32") and not head.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE)):
        # Without a mark it is big-endian (RFC 2781 §4.3), unless the zeros of ASCII characters lie where they cannot.
        encoding += "-le" if head[1:2] == b"\0" else "-be"
    text = io.TextIOWrapper(stream, encoding=encoding, newline=None)
    try:
        first = True
        while line := text.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                template = N_("“{subject}” has a line of more than {limit} characters: “{text}”.")
                faults.append(_malformed(path, 0, line, template, limit=_LONGEST_LINE))
                return
            if first and line.startswith(_BOM):
                line = line.removeprefix(_BOM)
                if encoding == "utf-8":
                    faults.append(
                        Fault(
                            "BAGIT_BYTE_ORDER_MARK",
                            path,
                            N_("“{subject}” is UTF-8 and begins with a byte-order mark, which does not belong there."),
                            N_("Save the file as UTF-8 without a byte-order mark."),
                            False,
                            {},
                        )
                    )
            first = False
            yield line.rstrip("\n")
    except UnicodeError:
        faults.append(
            Fault(
                "BAGIT_TAG_FILE_ENCODING",
                path,
                N_("“{subject}” is not in the encoding that bagit.txt declares ({encoding})."),
                N_("Correct Tag-File-Character-Encoding in bagit.txt, or write the tag files in that encoding."),
                True,
                {"encoding": declaration.encoding.upper()},
            )
        )
    finally:
        # The stream belongs to whoever opened it.
        text.detach()
